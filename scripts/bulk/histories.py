"""Tickets that have lived through the rules in memory: states, events, comments.

Works on versions of policies and calendars that were read once, so that several
processes can share them. Refuses to write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from db.scope import Actor
from db.vocabulary import Role, Via
from tickets_service import commands as ask
from tickets_service import sla
from tickets_service.books import Shelf, StoredBook
from tickets_service.calendars import WorkCalendar
from tickets_service.decisions import decide
from tickets_service.ticket_state import Book, Event, TicketState
from tickets_service.time_decisions import next_check_at

CLOCKWORK = Actor(0, Role.ADMIN, "worker")


@dataclass(slots=True)
class ReadBook:
    """The active versions of a database in memory."""

    policies: Mapping[int, sla.Policy]
    calendars: Mapping[int, WorkCalendar]
    active: Sequence[sla.Policy]
    chosen: dict[tuple[str, str], sla.Policy | None] = field(default_factory=dict)

    @classmethod
    def of(cls, connection: Connection) -> "ReadBook":
        book = StoredBook(connection, Shelf())
        active = book.active_policies()
        policies = {p.id: p for p in active}
        calendars = {p.calendar_id: book.calendar(p.calendar_id) for p in active}
        return cls(policies, calendars, active)

    def policy(self, policy_id: int) -> sla.Policy:
        return self.policies[policy_id]

    def calendar(self, calendar_id: int) -> WorkCalendar:
        return self.calendars[calendar_id]

    def choose(self, zone: str, priority: str) -> sla.Policy | None:
        key = zone, priority
        if key not in self.chosen:
            self.chosen[key] = sla.chosen(self.active, zone, priority)
        return self.chosen[key]


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment as written; its event does not hold the text."""

    id: int
    author_id: int
    at: datetime
    body: str
    visibility: str


@dataclass(frozen=True, slots=True)
class History:
    """A ticket as it came out, with everything that happened to it."""

    state: TicketState
    events: Sequence[Event]
    remarks: Sequence[Remark] = ()


def swept(
    state: TicketState, events: list[Event], until: datetime, book: Book
) -> TicketState:
    """Return the state after what time alone has brought by `until`."""
    due = next_check_at(state, book)
    while due is not None and due <= until:
        state, new = decide(state, ask.Sweep(), CLOCKWORK, due, book, Via.WORKER)
        events += new
        later = next_check_at(state, book)
        if not new or later == due:
            raise RuntimeError(f"ticket {state.id}: nothing to do at {due}")
        due = later
    return state
