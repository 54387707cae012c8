"""Background work of the AI service."""

from ai_service import actions
from ai_service.assistant.intents import load_or_train
from db.ai import idempotency_keys
from service_kit.clock import utc_now
from service_kit.idempotency import forget_old_keys
from service_kit.worker import Job, JobContext

MINUTE_S, HOUR_S = 60.0, 3600.0


def refresh_models(context: JobContext) -> None:
    with context.database.transaction() as connection:
        actions.train_models(connection, utc_now())


def train_intents(context: JobContext) -> None:
    """Have the assistant's model ready before the first question."""
    load_or_train(context.settings.var_dir / "models")


def sweep_insights(context: JobContext) -> None:
    tz = context.settings.organisation_zone
    with context.database.transaction() as connection:
        actions.sweep_insights(connection, utc_now(), tz)


def forget_the_past(context: JobContext) -> None:
    with context.database.transaction() as connection:
        forget_old_keys(connection, idempotency_keys)
        actions.forget_old_talk(connection, utc_now())


JOBS = (
    Job("ai.train_intents", 24 * HOUR_S, train_intents),
    Job("ai.refresh_models", 6 * HOUR_S, refresh_models),
    Job("ai.sweep_insights", MINUTE_S / 2, sweep_insights),
    Job("ai.forget_the_past", HOUR_S, forget_the_past),
)
