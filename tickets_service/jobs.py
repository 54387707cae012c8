"""The background work of this service, run by `python -m service_kit.worker`."""

from zoneinfo import ZoneInfo

from db.tickets import idempotency_keys
from service_kit.clock import utc_now
from service_kit.idempotency import forget_old_keys
from service_kit.worker import Job, JobContext
from tickets_service import webhook_jobs
from tickets_service.books import Shelf
from tickets_service.fold import BATCH as FOLDED
from tickets_service.fold import fold_deltas
from tickets_service.rollup_completing import complete_finest_cut
from tickets_service.standing_completing import complete_standing
from tickets_service.sweeping import BATCH, sweep_due
from tickets_service.text_filling import BATCH as FILLED
from tickets_service.text_filling import fill_texts

SWEEP_EVERY_S = 10.0  # a breach is told within a minute
FOLD_EVERY_S = 5.0
SHELF = Shelf()


def sweep_tickets(context: JobContext) -> None:
    """Tell thresholds and breaches, expire offers, close what is confirmed by time."""
    zone = ZoneInfo(context.settings.organisation_zone)
    while not context.stop.is_set():
        if sweep_due(context.database, SHELF, zone, utc_now()) < BATCH:
            return


def fold_figures(context: JobContext) -> None:
    """Fold the deltas of finished writes, batch by batch.

    What comes in meanwhile waits for the next turn: chasing the last delta under
    load would rewrite the same rows for every handful of them.
    """
    while not context.stop.is_set():
        with context.database.transaction() as connection:
            if fold_deltas(connection) < FOLDED:
                return


def complete_figures(context: JobContext) -> None:
    """Count what an older release did not, once after an upgrade."""
    zone = ZoneInfo(context.settings.organisation_zone)
    complete_finest_cut(context.database, zone)
    complete_standing(context.database)


def fill_ticket_texts(context: JobContext) -> None:
    """Write the texts that tickets of an older release lack, batch by batch."""
    while not context.stop.is_set():
        with context.database.transaction() as connection:
            if fill_texts(connection, SHELF) < FILLED:
                return


def forget_answers(context: JobContext) -> None:
    """Forget the answers of requests that are older than a day."""
    with context.database.transaction() as connection:
        forget_old_keys(connection, idempotency_keys)


JOBS = (
    *webhook_jobs.JOBS,
    Job("tickets.sweep", SWEEP_EVERY_S, sweep_tickets),
    Job("tickets.fold", FOLD_EVERY_S, fold_figures),
    Job("tickets.complete_figures", 300.0, complete_figures),
    Job("tickets.fill_texts", 300.0, fill_ticket_texts),
    Job("tickets.forget_answers", 3_600.0, forget_answers),
)
