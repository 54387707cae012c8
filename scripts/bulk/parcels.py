"""Finished tickets packed as the text of COPY, with what they add to the figures.

Packing takes most of the time of a load and needs no connection, so it is done in
other processes; sending is a few COPYs. The columns and the figures are those of
the tickets service. Refuses to commit.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from scripts.bulk.histories import History
from tickets_service import fold, rollup
from tickets_service.bulk_load import COMMENT_COLUMNS
from tickets_service.copying import copy_rows, copy_text
from tickets_service.rollup import Cell, Sums
from tickets_service.rows import VISIT_COLUMNS, columns_of
from tickets_service.standing import Counts, add_counts, count_deltas
from tickets_service.standing_store import (
    COUNT_COLUMNS,
    count_rows,
    fold_counts,
    taken_counts,
)
from tickets_service.storage import (
    DELTA_COLUMNS,
    EVENT_COLUMNS,
    delta_rows,
    event_rows,
)
from tickets_service.ticket_state import Book

TICKETS, VISITS = "tickets.tickets", "tickets.assignments"
EVENTS, COMMENTS = "tickets.ticket_events", "tickets.comments"


@dataclass(slots=True)
class Parcel:
    """texts: (table, columns, lines of COPY), in the order of writing."""

    tickets: int = 0
    texts: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)
    cells: dict[Cell, Sums] = field(default_factory=dict)
    counts: Counts = field(default_factory=dict)


def packed(histories: Iterable[History], zone: ZoneInfo, book: Book) -> Parcel:
    """Return what the histories make. zone: the organisation's."""
    kept = list(histories)
    parcel = Parcel(len(kept))
    for columns, rows in ticket_rows(kept, book):
        parcel.texts.append((TICKETS, columns, lines(rows)))
    visit_columns = ("ticket_id", *VISIT_COLUMNS)
    parcel.texts += [
        (VISITS, visit_columns, lines(visit_rows(kept))),
        (EVENTS, EVENT_COLUMNS, lines(all_event_rows(kept))),
        (COMMENTS, COMMENT_COLUMNS, lines(comment_rows(kept))),
    ]
    for history in kept:
        add_figures(parcel, history, zone, book)
    return parcel


def ticket_rows(
    histories: Sequence[History], book: Book
) -> Iterator[tuple[tuple[str, ...], list[Sequence[Any]]]]:
    """Yield rows by their columns: tickets without a promise have fewer."""
    by_columns: dict[tuple[str, ...], list[Sequence[Any]]] = {}
    for history in histories:
        row = columns_of(history.state, book)
        by_columns.setdefault(tuple(row), []).append(tuple(row.values()))
    yield from by_columns.items()


def visit_rows(histories: Iterable[History]) -> Iterator[Sequence[Any]]:
    for history in histories:
        for visit in history.state.visits:
            yield [history.state.id, *(getattr(visit, name) for name in VISIT_COLUMNS)]


def all_event_rows(histories: Iterable[History]) -> Iterator[Sequence[Any]]:
    for history in histories:
        yield from event_rows(history.state.id, 1, history.events)


def comment_rows(histories: Iterable[History]) -> Iterator[Sequence[Any]]:
    for history in histories:
        for r in history.remarks:
            ticket_id = history.state.id
            yield [r.id, ticket_id, r.author_id, r.body, r.visibility, [], r.at]


def lines(rows: Iterable[Sequence[Any]]) -> str:
    return "".join("\t".join(map(copy_text, row)) + "\n" for row in rows)


def add_figures(parcel: Parcel, history: History, zone: ZoneInfo, book: Book) -> None:
    moved = rollup.contributions(history.state, zone, book)
    for cell, sums in moved.items():
        rollup.add_into(parcel.cells.setdefault(cell, {}), sums)
    add_counts(parcel.counts, count_deltas(None, history.state))


def send(connection: Connection, parcel: Parcel) -> None:
    """Copy a parcel's rows into their tables."""
    cursor: Any = connection.connection.cursor()
    for table, columns, text in parcel.texts:
        if text:
            sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
            cursor.copy_expert(sql, io.StringIO(text))
    cursor.close()


def add_up(into: Parcel, parcel: Parcel) -> None:
    """Add a parcel's figures, and not its rows, to another."""
    into.tickets += parcel.tickets
    for cell, sums in parcel.cells.items():
        rollup.add_into(into.cells.setdefault(cell, {}), sums)
    add_counts(into.counts, parcel.counts)


def send_figures(connection: Connection, parcel: Parcel) -> None:
    """Add a parcel's figures as deltas: read at once, folded later."""
    rows = delta_rows(parcel.cells)
    copy_rows(connection, "tickets.rollup_deltas", DELTA_COLUMNS, rows)
    counts = count_rows(parcel.counts)
    copy_rows(connection, "tickets.ticket_count_deltas", COUNT_COLUMNS, counts)


def fold_all_figures(connection: Connection) -> None:
    """Fold every delta there is, at once: much cheaper than batch by batch."""
    fold.lock(connection)
    total = Parcel()
    while (taken := fold.taken_deltas(connection))[1]:
        for cell, sums in taken[0].items():
            rollup.add_into(total.cells.setdefault(cell, {}), sums)
    while (counted := taken_counts(connection, fold.BATCH))[1]:
        add_counts(total.counts, counted[0])
    fold_figures(connection, total)


def fold_figures(connection: Connection, parcel: Parcel) -> None:
    """Add a parcel's figures to the roll-up, a month at a time to spare memory."""
    by_month: dict[date, dict[Cell, Sums]] = {}
    for cell, sums in parcel.cells.items():
        by_month.setdefault(cell.day.replace(day=1), {})[cell] = sums
    fold.lock(connection)
    for month in sorted(by_month):
        fold.fold_cells(connection, by_month[month])
    fold_counts(connection, parcel.counts)


def reserved(connection: Connection, sequence: str, count: int) -> int:
    """Return the first of `count` ids in a row that are ours from now on."""
    while count:
        low, high = connection.exec_driver_sql(
            f"SELECT min(v), max(v) FROM (SELECT nextval('{sequence}') AS v "  # noqa: S608
            f"FROM generate_series(1, {count})) taken"
        ).one()
        if high - low + 1 == count:
            return int(low)
    return 0


def next_number(connection: Connection) -> int:
    """Return the next ticket number, and keep others from opening one until commit."""
    sql = "SELECT value FROM tickets.counters WHERE name = 'ticket' FOR UPDATE"
    return int(connection.exec_driver_sql(sql).scalar_one()) + 1


def count_numbers(connection: Connection, last: int) -> None:
    sql = "UPDATE tickets.counters SET value = %(last)s WHERE name = 'ticket'"
    connection.exec_driver_sql(sql, {"last": last})
