"""`python -m tickets_service.rebuild_sla`: replay every ticket from its events.

Compares the state, the clocks and the stored due times with what the events make
(R16) and prints every difference; `--fix` writes the replayed row. Exit code 1
when there was a difference.
"""

import argparse
import logging
import sys
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from db.engine import Database
from service_kit.settings import Settings
from tickets_service.books import Shelf, StoredBook
from tickets_service.rows import columns_of
from tickets_service.statements import JSON_COLUMNS, Statements
from tickets_service.storage import EVENT_COLUMNS
from tickets_service.ticket_state import Event, TicketState, replay

BATCH = 500
log = logging.getLogger(__name__)
Difference = tuple[int, str, Any, Any]  # ticket, column, stored, replayed


def tickets_in_batches(connection: Connection) -> Iterator[list[int]]:
    last = 0
    while True:
        rows = connection.exec_driver_sql(
            "SELECT id FROM tickets.tickets WHERE id > %(last)s "  # noqa: S608
            f"ORDER BY id LIMIT {BATCH}",
            {"last": last},
        ).all()
        if not rows:
            return
        last = rows[-1][0]
        yield [row[0] for row in rows]


def replayed(
    connection: Connection, ids: list[int], book: StoredBook
) -> dict[int, TicketState]:
    """Return the states that the events of these tickets make."""
    rows = connection.exec_driver_sql(
        f"SELECT {', '.join(EVENT_COLUMNS)} FROM tickets.ticket_events "  # noqa: S608
        "WHERE ticket_id = ANY(%(ids)s) ORDER BY ticket_id, seq",
        {"ids": ids},
    ).mappings()
    events: dict[int, list[Event]] = {}
    for row in rows:
        event = Event(
            row["kind"],
            row["occurred_at"],
            row["recorded_at"],
            row["actor_id"],
            row["via"],
            row["changes"],
            row["data"],
        )
        events.setdefault(row["ticket_id"], []).append(event)
    return {number: replay(number, found, book) for number, found in events.items()}


def differences(
    connection: Connection, ids: list[int], book: StoredBook
) -> Iterator[tuple[Difference, TicketState]]:
    """Yield every column whose stored value is not the replayed one."""
    states = replayed(connection, ids, book)
    rows = connection.exec_driver_sql(
        "SELECT * FROM tickets.tickets WHERE id = ANY(%(ids)s) ORDER BY id",
        {"ids": ids},
    ).mappings()
    for row in rows:
        state = states.get(row["id"])
        if state is None:
            raise ValueError(f"ticket {row['id']} has no events")
        for name, value in columns_of(state, book).items():
            if row[name] != value:
                yield (row["id"], name, row[name], value), state


def rebuild(connection: Connection, *, fix: bool = False) -> list[Difference]:
    """Return every difference; with `fix` the replayed values are stored."""
    book = StoredBook(connection, Shelf())
    found: list[Difference] = []
    for ids in tickets_in_batches(connection):
        for difference, state in differences(connection, ids, book):
            found.append(difference)
            if fix:
                store(connection, state, difference)
    return found


def store(connection: Connection, state: TicketState, difference: Difference) -> None:
    _, name, _, value = difference
    sql = Statements(connection)
    sql.update("tickets.tickets", {name: value}, state.id)
    sql.run()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fix", action="store_true", help="store the replayed values")
    wanted = parser.parse_args(arguments)
    logging.basicConfig(level="INFO", format="%(message)s")
    settings = Settings.from_env("tickets")
    database = Database.at(
        settings.database_url, role=settings.role, statement_timeout_ms=0
    )
    with database.transaction() as connection:
        found = rebuild(connection, fix=wanted.fix)
    for ticket_id, name, stored, value in found:
        shown = "…" if name in JSON_COLUMNS else f"{stored} -> {value}"
        log.info("CTT_%s %s: %s", ticket_id, name, shown)
    log.info("%s differences", len(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
