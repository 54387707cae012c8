"""Let the tickets service's own rules live through a plan: steps in, history out.

Every step goes through `decide`, as a request of that person at that instant would;
what time alone brings (warnings, breaches, closing) is swept in between. A step
that the rules refuse ends the run: the plan would be wrong. Refuses to write.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from db.scope import Actor
from db.vocabulary import Role, Via
from scripts.seeding.plan import PlannedTicket
from scripts.seeding.staff import Staff
from scripts.seeding.stories import Step
from tickets_service import commands as ask
from tickets_service import sla
from tickets_service.books import Shelf, StoredBook
from tickets_service.calendars import WorkCalendar
from tickets_service.decisions import decide, next_check_at
from tickets_service.ticket_state import Book, Event, TicketState

CLOCKWORK = Actor(0, Role.ADMIN, "worker")


@dataclass(slots=True)
class ReadBook:
    """All versions of a database in memory, so that processes can share them."""

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
class Cast:
    """Who the positions of a plan became in the database."""

    people: Sequence[Actor]
    teams: Sequence[int]

    @classmethod
    def of(
        cls, staff: Staff, user_ids: Sequence[int], team_ids: Sequence[int]
    ) -> "Cast":
        people = [
            Actor(
                user_id,
                person.role,
                person.username,
                None if person.team is None else team_ids[person.team],
                person.zones,
            )
            for person, user_id in zip(staff.people, user_ids, strict=True)
        ]
        return cls(people, team_ids)


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
    events: tuple[Event, ...]
    remarks: tuple[Remark, ...] = ()


def histories(
    tickets: Iterable[PlannedTicket], cast: Cast, book: Book, until: datetime
) -> Iterator[History]:
    for ticket in tickets:
        yield history(ticket, cast, book, until)


def history(ticket: PlannedTicket, cast: Cast, book: Book, until: datetime) -> History:
    """Return what becomes of a planned ticket by `until`."""
    state: TicketState | None = None
    events: list[Event] = []
    remarks: list[Remark] = []
    for step in ticket.steps:
        now = datetime.fromtimestamp(step.at, UTC)
        actor = cast.people[step.actor]
        if state is not None:
            state = swept(state, events, now, book)
        command = in_database_ids(step, cast)
        state, new = decide(state, command, actor, now, book, Via.SEED)
        events += new
        if isinstance(command, ask.AddComment):
            remarks.append(remark(command, actor, now))
    if state is None:
        raise ValueError(f"ticket {ticket.id} has no steps")
    return History(swept(state, events, until, book), tuple(events), tuple(remarks))


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


def in_database_ids(step: Step, cast: Cast) -> ask.Command:
    """Return the command with ids of teams and people in place of positions."""
    command = step.command
    if not isinstance(command, ask.OfferVisit):
        return command
    technician = command.technician_id
    return replace(
        command,
        team_id=cast.teams[command.team_id],
        technician_id=None if technician is None else cast.people[technician].user_id,
    )


def remark(command: ask.AddComment, actor: Actor, at: datetime) -> Remark:
    return Remark(
        command.comment_id, actor.user_id, at, command.body, command.visibility
    )
