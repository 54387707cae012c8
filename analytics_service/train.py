"""Train the forecasts now, after a seed or an import.

python -m analytics_service.train
"""

import sys

from analytics_service.actions import METRICS, train
from analytics_service.forecasting import NotEnoughHistory
from db.engine import Database
from service_kit.clock import utc_now
from service_kit.settings import BadSettings, Settings


def main() -> int:
    try:
        settings = Settings.from_env("analytics")
    except BadSettings as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command speaks
        return 2
    database = Database.at(
        settings.database_url, role=settings.role, statement_timeout_ms=0
    )
    for metric in METRICS:
        try:
            run_id = train(database, settings, metric, utc_now())
        except NotEnoughHistory as short:
            print(f"{metric}: {short}")  # noqa: T201
            return 0
        print(f"{metric}: run {run_id} stored")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
