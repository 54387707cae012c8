"""Background work of analytics: keep the forecasts fresh.

Looks every minute (two small reads) and trains when a day has ended since the last
training or when history was imported.
"""

from analytics_service.actions import train_if_stale
from service_kit.clock import utc_now
from service_kit.worker import Job, JobContext

LOOK_EVERY_S = 60.0


def train_forecasts(context: JobContext) -> None:
    train_if_stale(context.database, context.settings, utc_now())


JOBS = (Job("analytics.train_forecasts", LOOK_EVERY_S, train_forecasts),)
