"""Counts the finest cut of the roll-up for a database of a release that had none.

The cut is whole when it has created as many tickets as the cut of everything. Else it
is counted anew from the events, as of one snapshot and less what is still a delta then;
nothing is folded meanwhile, and writers do not wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from db.engine import Database
from tickets_service import fold, rollup
from tickets_service.fold import FOLD_LOCK
from tickets_service.rollup_verify import recounted
from tickets_service.storage import DELTA_COLUMNS

FINEST = rollup.CUTS[-1]
CREATED = (
    "SELECT coalesce(sum(created) FILTER (WHERE cut = ''), 0), "  # noqa: S608
    f"coalesce(sum(created) FILTER (WHERE cut = '{FINEST}'), 0) "
    f"FROM tickets.rollup WHERE cut IN ('', '{FINEST}') AND grain = 'a'"
)
DELTAS = f"SELECT {', '.join(DELTA_COLUMNS)} FROM tickets.rollup_deltas"  # noqa: S608


def complete_finest_cut(database: Database, zone: ZoneInfo) -> bool:
    """Count the finest cut anew if it lacks something; return whether it did."""
    if is_whole(database):
        return False
    with nothing_is_folded(database) as is_so:
        if not is_so or is_whole(database):
            return False
        with database.transaction() as connection:
            connection.exec_driver_sql(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
            )
            count_anew(connection, zone)
    return True


def is_whole(database: Database) -> bool:
    with database.read_only() as connection:
        everything, finest = connection.exec_driver_sql(CREATED).one()
    return bool(everything == finest)


@contextmanager
def nothing_is_folded(database: Database) -> Iterator[bool]:
    """Hold the lock of whoever folds; yield whether it was free.

    By a connection of its own: a snapshot must begin after the lock is held.
    """
    with database.read_only() as holder:
        take = f"SELECT pg_try_advisory_lock({FOLD_LOCK})"
        mine = bool(holder.exec_driver_sql(take).scalar())
        try:
            yield mine
        finally:
            if mine:
                holder.exec_driver_sql(f"SELECT pg_advisory_unlock({FOLD_LOCK})")


def count_anew(connection: Connection, zone: ZoneInfo) -> None:
    cells, _ = recounted(connection, zone)
    for row in connection.exec_driver_sql(DELTAS):
        cell, sums = fold.cell_of(row)
        rollup.add_into(cells.setdefault(cell, {}), sums, -1)
    connection.exec_driver_sql(
        "DELETE FROM tickets.rollup WHERE cut = %(cut)s", {"cut": FINEST}
    )
    fold.fold_cells(connection, cells, cuts=(FINEST,))
