"""`python -m tickets_service.rollup_verify`: recount the figures from the events.

Every row of the roll-up and of the counters (folded or still a delta) is compared
with a full recount; each difference is printed. `--rebuild` replaces the tables by
the recount. Exit code 1 when there was a difference.
"""

import argparse
import logging
import sys
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from db.engine import Database
from service_kit.settings import Settings
from tickets_service import fold, rollup, standing, standing_store
from tickets_service.books import Shelf, StoredBook
from tickets_service.histogram import named
from tickets_service.rebuild_sla import replayed, tickets_in_batches
from tickets_service.rollup import Cell, Sums
from tickets_service.standing import CountCell, Counts, Creators

SHOWN = 200
log = logging.getLogger(__name__)
Key = tuple[Any, ...]


def recounted(
    connection: Connection, zone: ZoneInfo
) -> tuple[dict[Cell, Sums], Counts]:
    """Return every cell and counter as the events of all tickets make them."""
    book = StoredBook(connection, Shelf())
    cells: dict[Cell, Sums] = {}
    counts: Counts = {}
    for ids in tickets_in_batches(connection):
        for state in replayed(connection, ids, book).values():
            for cell, sums in rollup.contributions(state, zone, book).items():
                rollup.add_into(cells.setdefault(cell, {}), sums)
            standing.add_counts(counts, standing.count_deltas(None, state))
    return cells, counts


def stored_sums(connection: Connection) -> dict[Key, Sums]:
    """Return the rows that requests read: folded ones and deltas together."""
    columns = ", ".join((*fold.KEY, *rollup.MEASURES, "extra"))
    rows = connection.exec_driver_sql(f"SELECT {columns} FROM tickets.daily_figures")  # noqa: S608
    size = len(fold.KEY)
    found: dict[Key, Sums] = {}
    for row in rows:
        sums = dict(zip(rollup.MEASURES, row[size:-1], strict=True)) | row[-1]
        rollup.add_into(found.setdefault(tuple(row[:size]), {}), sums)
    return {key: kept for key, sums in found.items() if (kept := rollup.non_zero(sums))}


def stored_counts(connection: Connection) -> dict[CountCell, Sums]:
    """Return every counter with what its deltas still add to it."""
    found = standing.counted(standing_store.unfolded_counts(connection))
    columns = ", ".join(standing_store.COUNTER_COLUMNS)
    rows = connection.exec_driver_sql(f"SELECT {columns} FROM tickets.ticket_counts")  # noqa: S608
    for *row, bins in rows:
        sums = dict(zip(standing.MEASURES, row[5:], strict=True))
        sums |= named(rollup.unpacked_bins(bins or b"", "rw"))
        rollup.add_into(found.setdefault(CountCell(*row[:5]), {}), sums)
    return standing.without_empty(found)


def with_tickets(creators: Creators) -> Creators:
    """Return the figures of creators who have any."""
    kept = standing.without_zeros(creators)
    return {user_id: figures for user_id, figures in kept.items() if figures}


def verify(connection: Connection, zone: ZoneInfo) -> list[str]:
    """Return a line per difference between what is stored and a full recount."""
    cells, counts = recounted(connection, zone)
    wanted = {
        tuple(key): kept
        for key, sums in rollup.folded(cells).items()
        if (kept := rollup.non_zero(sums))
    }
    stored = stored_sums(connection)
    found = compared(wanted, stored)
    found += compared(standing.counted(counts), stored_counts(connection))
    creators = standing_store.creators_now(connection)
    if creators is not None:  # else they are being counted: standing_completing.py
        found += compared(
            with_tickets(standing.by_creator(counts)), with_tickets(creators)
        )
    return found + packed_wrongly(connection)


def packed_wrongly(connection: Connection) -> list[str]:
    """Return a line per folded row whose packed histograms are not its counters."""
    columns = ", ".join(fold.KEY)
    rows = connection.exec_driver_sql(
        f"SELECT extra, bins, {columns} FROM tickets.rollup"  # noqa: S608
    )
    return [
        f"{tuple(key)}: histograms packed wrongly"
        for extra, bins, *key in rows
        if rollup.packed_bins(extra) != bytes(bins)
    ]


def compared(wanted: dict[Any, Any], stored: dict[Any, Any]) -> list[str]:
    return [
        f"{key}: stored {stored.get(key)}, recounted {wanted.get(key)}"
        for key in sorted(wanted.keys() | stored.keys())
        if wanted.get(key) != stored.get(key)
    ]


def rebuild(connection: Connection, zone: ZoneInfo) -> None:
    """Replace the figures by a recount; writers wait meanwhile."""
    fold.lock(connection)
    connection.exec_driver_sql("LOCK TABLE tickets.rollup_deltas IN EXCLUSIVE MODE")
    cells, counts = recounted(connection, zone)
    for table in ("rollup", "rollup_deltas", "ticket_count_deltas"):
        connection.exec_driver_sql(f"DELETE FROM tickets.{table}")  # noqa: S608
    standing_store.begin_anew(connection)
    fold.fold_cells(connection, cells)
    standing_store.fold_counts(connection, counts)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rebuild", action="store_true", help="store the recount")
    wanted = parser.parse_args(arguments)
    logging.basicConfig(level="INFO", format="%(message)s")
    settings = Settings.from_env("tickets")
    zone = ZoneInfo(settings.organisation_zone)
    database = Database.at(
        settings.database_url, role=settings.role, statement_timeout_ms=0
    )
    with database.transaction() as connection:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        found = verify(connection, zone)
        if wanted.rebuild:
            rebuild(connection, zone)
    for line in found[:SHOWN]:
        log.info("%s", line)
    log.info("%s differences", len(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
