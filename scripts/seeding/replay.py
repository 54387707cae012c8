"""Let the tickets service's own rules live through a plan: steps in, history out.

Every step goes through `decide`, as a request of that person at that instant would;
what time alone brings (warnings, breaches, closing) is swept in between. A step
that the rules refuse ends the run: the plan would be wrong. Refuses to write.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from db.scope import Actor
from db.vocabulary import Via, VisitStatus
from scripts.bulk.histories import History, Remark, swept
from scripts.seeding.plan import PlannedTicket
from scripts.seeding.staff import Staff
from scripts.seeding.stories import Step
from tickets_service import commands as ask
from tickets_service.decisions import decide
from tickets_service.ticket_state import Book, Event, TicketState


@dataclass(frozen=True, slots=True)
class Cast:
    """Who the positions of a plan became in the database."""

    people: Sequence[Actor]
    teams: Sequence[int]
    first_visit: int = 1
    first_comment: int = 1

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


def in_database_ids(step: Step, cast: Cast) -> ask.Command:
    """Return the command with ids of the database in place of the plan's."""
    match step.command:
        case ask.OfferVisit(visit_id, team, technician) as offer:
            return replace(
                offer,
                visit_id=cast.first_visit - 1 + visit_id,
                team_id=cast.teams[team],
                technician_id=None
                if technician is None
                else cast.people[technician].user_id,
            )
        case ask.MoveVisit(visit_id) as move:
            return replace(move, visit_id=cast.first_visit - 1 + visit_id)
        case ask.AddComment(comment_id) as comment:
            return replace(comment, comment_id=cast.first_comment - 1 + comment_id)
    return step.command


def remark(new: ask.AddComment, actor: Actor, at: datetime) -> Remark:
    return Remark(new.comment_id, actor.user_id, at, new.body, new.visibility)


def without_running(
    tickets: Iterable[PlannedTicket], people: Set[int]
) -> list[PlannedTicket]:
    """Return the plan in which none of `people` is on the road at its end.

    One technician is on one visit at a time, also beside what is there already.
    """
    return [set_out_later(ticket, people) if people else ticket for ticket in tickets]


def set_out_later(ticket: PlannedTicket, people: Set[int]) -> PlannedTicket:
    """Return the ticket before its last visit set out, if one of `people` runs it."""
    ended = {VisitStatus.DONE, VisitStatus.NOT_DONE}
    set_out: int | None = None
    for n, step in enumerate(ticket.steps):
        if isinstance(step.command, ask.MoveVisit):
            if step.command.status is VisitStatus.EN_ROUTE and step.actor in people:
                set_out = n
            elif step.command.status in ended:
                set_out = None
    return ticket if set_out is None else replace(ticket, steps=ticket.steps[:set_out])
