"""Counts what an older release did not: creators' figures, times of the completed,
and causes.

From the tickets themselves, as of one snapshot and less what is still a delta then;
nothing is folded meanwhile, and writers do not wait.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from db.engine import Database
from db.vocabulary import UNFINISHED, Status
from tickets_service import rollup, standing, standing_store
from tickets_service.rollup_completing import nothing_is_folded
from tickets_service.standing import Counts, Standing
from tickets_service.standing_store import NOBODY

BATCH = 20_000
# NULL if creators are not kept.
OPENED = (
    "SELECT sum(tickets) FROM tickets.creator_figures "  # noqa: S608
    f"HAVING bool_or(created_by = {NOBODY})"
)
MARGINS = (
    "SELECT status, tickets, bins FROM tickets.ticket_counts "  # noqa: S608
    f"WHERE team_id = {standing.MARGIN} AND zone = '' AND priority = '' "
    "AND category = '' AND status IN ('', 'completed') UNION ALL "
    "SELECT 'causes', coalesce(sum(tickets), 0), NULL FROM tickets.ticket_counts "
    f"WHERE team_id = {standing.CAUSE} AND zone = ''"
)
ROWS = (
    "SELECT id, coalesce(team_id, 0), zone, status, priority, category, created_by, "
    "resolution_wall_s, breached_at IS NOT NULL, resolution_verdict, "
    "coalesce(cause, '') "
    "FROM tickets.tickets WHERE id > %(after)s AND deleted_at IS NULL "
    "ORDER BY id LIMIT %(batch)s"
)


def complete_standing(database: Database) -> bool:
    """Count all anew if something is not counted; return whether it did."""
    if is_whole(database):
        return False
    with nothing_is_folded(database) as is_so:
        if not is_so:
            return False
        with database.transaction() as connection:
            connection.exec_driver_sql(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
            )
            return count_anew(connection)


def is_whole(database: Database) -> bool:
    """Whether every ticket has its creator and cause, every completed one its time."""
    with database.read_only() as connection:
        opened = connection.exec_driver_sql(OPENED).scalar()
        margins = {
            status: (tickets, sum(rollup.unpacked_bins(bins or b"", "rw").values()))
            for status, tickets, bins in connection.exec_driver_sql(MARGINS)
        }
    everything, _ = margins.get("", (0, 0))
    caused, _ = margins["causes"]
    waiting, timed = margins.get(Status.COMPLETED, (0, 0))
    return bool(opened == everything == caused and waiting == timed)


def count_anew(connection: Connection) -> bool:
    """Count every ticket; not while an older release's deltas wait to be folded."""
    deltas = standing_store.unfolded_counts(connection)
    if any(delta.created_by == NOBODY for delta in deltas):
        return False
    standing_store.begin_anew(connection)
    for counts in counts_in_batches(connection):
        standing_store.fold_counts(connection, counts)
    less = {key: tuple(-value for value in moved) for key, moved in deltas.items()}
    standing_store.fold_counts(connection, less)
    return True


def counts_in_batches(connection: Connection) -> Iterator[Counts]:
    """Yield what the stored tickets count. The same as standing.standing_of."""
    after = 0
    while rows := connection.exec_driver_sql(
        ROWS, {"after": after, "batch": BATCH}
    ).all():
        counts: Counts = {}
        for row in rows:
            wall, breached, verdict, cause = row[7:]
            bin_ = standing.NO_BIN if wall is None else rollup.bin_of(wall)
            key = Standing._make((*row[1:7], bin_, cause))
            met = int(verdict == "met")
            broken = breached and key.status != Status.CANCELLED
            missed = int(verdict == "missed" or (broken and not met))
            late = missed if key.status in UNFINISHED else 0
            standing.add_count(counts, key, (1, late, wall or 0, met, missed))
        after = rows[-1][0]
        yield counts
