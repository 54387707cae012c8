"""Many tickets at once, with their past: for the seeder and for imports.

A `Loader` opens tickets and lets them live through the very rules of the API
(tickets_service/decisions.py) at instants of the past, then writes rows, events,
comments and daily figures by COPY in its caller's transaction:

    loader = Loader(connection, zone, via=Via.SEED)
    story = loader.open(fields, actor, at)          # returns a Story
    story.do(OfferVisit(loader.visit_id(), team_id), actor, at)
    story.comment(actor, "On our way", Visibility.PUBLIC, at)
    loader.close()                                  # writes what is left

Numbers are gap-free: the counter's row is locked from the first ticket on, so
that nobody opens a ticket while a load runs. Refuses to commit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from db.scope import Actor
from db.vocabulary import Via, Visibility
from tickets_service import fold, rollup
from tickets_service.books import Shelf, StoredBook
from tickets_service.commands import AddComment, Command, OpenTicket
from tickets_service.comment_actions import mentions_in
from tickets_service.copying import copy_rows
from tickets_service.decisions import decide
from tickets_service.rollup import Cell, Sums
from tickets_service.rows import VISIT_COLUMNS, columns_of
from tickets_service.standing import Counts, add_counts, count_deltas
from tickets_service.standing_store import fold_counts
from tickets_service.storage import EVENT_COLUMNS, event_rows
from tickets_service.ticket_state import Event, TicketState

FLUSH_AT = 2_000  # tickets kept in memory before they are copied
BLOCK = 5_000  # ids drawn from a sequence at once
COMMENT_COLUMNS = (
    *("id", "ticket_id", "author_id", "body", "visibility", "mentions", "created_at"),
)


@dataclass(slots=True)
class Story:
    """One ticket of a load. `state` is its present; errors leave it as it was."""

    loader: "Loader"
    state: TicketState
    events: list[Event]
    comments: list[tuple[Any, ...]] = field(default_factory=list)

    def do(self, command: Command, actor: Actor, at: datetime) -> list[Event]:
        """Carry out a command at an instant; raises what the API would answer."""
        loader = self.loader
        self.state, events = decide(
            self.state, command, actor, at, loader.book, loader.via
        )
        self.events += events
        return events

    def comment(
        self, actor: Actor, body: str, visibility: Visibility, at: datetime
    ) -> None:
        mentions = mentions_in(body)
        comment_id = self.loader.comment_id()
        self.do(AddComment(comment_id, body, visibility, mentions), actor, at)
        self.comments.append(
            (
                comment_id,
                self.state.id,
                actor.user_id,
                body,
                visibility,
                list(mentions),
                at,
            )
        )


class Loader:
    """Opens tickets in the past and copies them into the database.

    zone: the organisation's. Its caller owns the transaction; `close` must come
    before the commit.
    """

    def __init__(
        self, connection: Connection, zone: ZoneInfo, via: Via = Via.SEED
    ) -> None:
        self.connection = connection
        self.zone = zone
        self.via = via
        self.book = StoredBook(connection, Shelf())
        self.book.state = self.book._read_state()
        self.kept: list[Story] = []
        self.cells: dict[Cell, Sums] = {}
        self.counts: Counts = {}
        self.loaded = 0
        self._number = int(
            connection.exec_driver_sql(
                "SELECT value FROM tickets.counters WHERE name = 'ticket' FOR UPDATE"
            ).scalar_one()
        )
        self._visit_ids = ids_of(connection, "tickets.assignments_id_seq")
        self._comment_ids = ids_of(connection, "tickets.comments_id_seq")

    def visit_id(self) -> int:
        """Return the id for the next `OfferVisit`."""
        return next(self._visit_ids)

    def comment_id(self) -> int:
        return next(self._comment_ids)

    def open(
        self,
        fields: Mapping[str, Any],
        actor: Actor,
        at: datetime,
        opened_at: datetime | None = None,
    ) -> Story:
        """Open a ticket at `at`, by default with its clocks from then on.

        fields: columns of the ticket, its zone by its very name. A ticket that is
        refused takes no number.
        """
        self.flush_if_full()
        command = OpenTicket(self._number + 1, fields, opened_at, "load", at)
        state, events = decide(None, command, actor, at, self.book, self.via)
        self._number += 1
        story = Story(self, state, events)
        self.kept.append(story)
        return story

    def discard(self, story: Story) -> None:
        """Give up the ticket opened last; its number is used again."""
        if not self.kept or self.kept[-1] is not story:
            raise ValueError("only the newest ticket of a load can be given up")
        self.kept.pop()
        self._number -= 1

    def flush_if_full(self) -> None:
        if len(self.kept) >= FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        """Copy the tickets kept so far; they cannot be told on after that."""
        if not self.kept:
            return
        self.copy_tickets()
        self.copy_parts()
        for story in self.kept:
            self.count(story.state)
        self.loaded += len(self.kept)
        self.kept.clear()

    def copy_tickets(self) -> None:
        rows = [columns_of(story.state, self.book) for story in self.kept]
        columns = tuple(dict.fromkeys(name for row in rows for name in row))
        values = ([row.get(name) for name in columns] for row in rows)
        copy_rows(self.connection, "tickets.tickets", columns, values)

    def copy_parts(self) -> None:
        """Copy the visits, the events and the comments."""
        copy_rows(
            self.connection,
            "tickets.assignments",
            ("ticket_id", *VISIT_COLUMNS),
            (
                [story.state.id, *(getattr(visit, name) for name in VISIT_COLUMNS)]
                for story in self.kept
                for visit in story.state.visits
            ),
        )
        copy_rows(
            self.connection,
            "tickets.ticket_events",
            EVENT_COLUMNS,
            (
                row
                for story in self.kept
                for row in event_rows(story.state.id, 1, story.events)
            ),
        )
        copy_rows(
            self.connection,
            "tickets.comments",
            COMMENT_COLUMNS,
            (row for story in self.kept for row in story.comments),
        )

    def count(self, state: TicketState) -> None:
        moved = rollup.contributions(state, self.zone, self.book)
        for cell, sums in moved.items():
            rollup.add_into(self.cells.setdefault(cell, {}), sums)
        add_counts(self.counts, count_deltas(None, state))

    def close(self) -> int:
        """Write what is left and the daily figures; return the number of tickets."""
        self.flush()
        self.connection.exec_driver_sql(
            "UPDATE tickets.counters SET value = %(value)s WHERE name = 'ticket'",
            {"value": self._number},
        )
        fold.lock(self.connection)
        fold.fold_cells(self.connection, self.cells)
        fold_counts(self.connection, self.counts)
        self.cells, self.counts = {}, {}
        return self.loaded


def ids_of(connection: Connection, sequence: str) -> Iterator[int]:
    """Yield ids of a sequence, drawn in blocks."""
    while True:
        rows = connection.exec_driver_sql(
            f"SELECT nextval('{sequence}') FROM generate_series(1, {BLOCK})"  # noqa: S608
        )
        yield from [int(row[0]) for row in rows]
