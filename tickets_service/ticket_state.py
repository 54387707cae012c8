"""What a ticket is, and how each event changes it.

`apply` is the only way in which a state comes to be, so the events alone rebuild
every ticket with its visits and its SLA clocks; the row in the database is a
cache of that replay. Refuses to judge: an event has happened, it is not checked.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Protocol

from db.vocabulary import Status, VisitStatus
from tickets_service import sla
from tickets_service.calendars import WorkCalendar, instant, micros
from tickets_service.lifecycle import LIVE
from tickets_service.records import built, changed

UNNUMBERED = 0  # the id of a ticket that is not written yet
REOPENED_SOON = timedelta(days=14)  # what analytics counts as reopened


class Book(Protocol):
    """The immutable policy and calendar versions, by id."""

    def policy(self, policy_id: int) -> sla.Policy: ...

    def calendar(self, calendar_id: int) -> WorkCalendar: ...

    def choose(self, zone: str, priority: str) -> sla.Policy | None: ...


@dataclass(frozen=True, slots=True)
class Event:
    """One line of history. changes: {field: [old, new]}."""

    kind: str
    occurred_at: datetime
    recorded_at: datetime
    actor_id: int | None = None
    via: str = "api"
    changes: Mapping[str, list[Any]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class VisitState:
    id: int
    team_id: int
    technician_id: int | None
    status: VisitStatus
    created_by: int
    offered_at: datetime
    updated_at: datetime
    reason: str | None = None
    expires_at: datetime | None = None
    accepted_at: datetime | None = None
    en_route_at: datetime | None = None
    on_site_at: datetime | None = None
    finished_at: datetime | None = None
    outcome_reason: str | None = None
    version: int = 1


@dataclass(frozen=True)
class TicketState:
    """A ticket as its events have made it.

    absences: (finished at, reopened at or None) pairs, for the backlog of a day.
    moved_at: the last accepted transition (R14). seq: its last event's number.
    """

    id: int
    title: str
    category: str
    zone: str
    created_by: int
    created_at: datetime
    updated_at: datetime
    opened_at: datetime
    moved_at: datetime
    status: Status = Status.OPEN
    priority: str = "medium"
    description: str = ""
    cause: str | None = None
    location: str | None = None
    lat: float | None = None
    lon: float | None = None
    customer_name: str | None = None
    customer_phone: str | None = None
    customer_email: str | None = None
    team_id: int | None = None
    technician_id: int | None = None
    promised_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    closed_at: datetime | None = None
    cancelled_at: datetime | None = None
    deleted_at: datetime | None = None
    estimated_minutes: int | None = None
    external_ref: str | None = None
    tags: tuple[str, ...] = ()
    parent_id: int | None = None
    duplicate_of_id: int | None = None
    follows_id: int | None = None
    version: int = 1
    seq: int = 1
    reopen_count: int = 0
    reopened_soon: bool = False
    hold_reason: str | None = None
    resolution_code: str | None = None
    absences: tuple[tuple[datetime, datetime | None], ...] = ()
    visits: tuple[VisitState, ...] = ()
    clocks: sla.Clocks | None = None
    photos: int = 0
    comments: int = 0

    @property
    def live_visit(self) -> VisitState | None:
        last = self.visits[-1] if self.visits else None
        return last if last and last.status in LIVE else None


FIELDS = tuple(f.name for f in fields(TicketState))


INSTANTS = frozenset(
    f.name
    for f in (*fields(TicketState), *fields(VisitState))
    if f.name.endswith("_at")
)
STATE_FIELDS = frozenset(FIELDS)
VISIT_FIELDS = frozenset(f.name for f in fields(VisitState))
SILENT = ("comment.", "attachment.")  # leave the version of the ticket alone


def parsed(name: str, value: Any) -> Any:
    """Return a field's value as the state holds it, from JSON or from memory."""
    if value is None:
        return None
    if name in INSTANTS and isinstance(value, str):
        return datetime.fromisoformat(value)
    if name == "tags":
        return tuple(value)
    return Status(value) if name == "status" else value


def replay(ticket_id: int, events: Iterable[Event], book: Book) -> TicketState:
    """Return the ticket that these events, in order of seq, have made.

    Its number is the row's: the first event is written before there is one.
    """
    state: TicketState | None = None
    for event in events:
        state = apply(state, event, book)
    if state is None:
        raise ValueError("a ticket has at least the event of its creation")
    return changed(state, id=ticket_id)


def apply(state: TicketState | None, event: Event, book: Book) -> TicketState:
    """Return the state after `event`. The first event must be `ticket.created`."""
    if state is None:
        return created(event, book)
    values = {
        name: parsed(name, change[1])
        for name, change in event.changes.items()
        if name in STATE_FIELDS
    }
    if not event.kind.startswith(SILENT) or event.data.get("response"):
        values["version"] = state.version + 1
        values["updated_at"] = max(state.updated_at, event.recorded_at)
    after = changed(state, seq=state.seq + 1, **values)
    effect = EFFECTS.get(event.kind)
    return effect(state, after, event, book) if effect else after


def created(event: Event, book: Book) -> TicketState:
    data = {
        name: parsed(name, value)
        for name, value in event.data.items()
        if name in STATE_FIELDS
    }
    opened_at = data.get("opened_at") or event.occurred_at
    clocks = None
    if event.data.get("policy_id") is not None:
        policy = book.policy(event.data["policy_id"])
        priority = data.get("priority", "medium")
        clocks = sla.started(policy, priority, micros(opened_at))
        if data.get("promised_at"):
            calendar = book.calendar(policy.calendar_id)
            clocks = sla.promised(clocks, calendar, micros(data["promised_at"]))
    data.setdefault("created_at", event.occurred_at)
    data.setdefault("id", UNNUMBERED)  # events of before 0.2 have it
    data.update(opened_at=opened_at, moved_at=opened_at, clocks=clocks)
    return built(TicketState, data | {"updated_at": event.recorded_at})


Effect = Callable[[TicketState, TicketState, Event, Book], TicketState]


def calendar_of(state: TicketState, book: Book) -> WorkCalendar:
    if state.clocks is None:
        raise ValueError("the ticket has no SLA clocks")
    return book.calendar(state.clocks.calendar_id)


def with_clocks(
    state: TicketState,
    response: Callable[[sla.Clock], sla.Clock] | None = None,
    resolution: Callable[[sla.Clock], sla.Clock] | None = None,
) -> TicketState:
    """Return the state with its clocks changed; one without a promise as it is."""
    clocks = state.clocks
    if clocks is None:
        return state
    if response:
        clocks = changed(clocks, response=response(clocks.response))
    if resolution:
        clocks = changed(clocks, resolution=resolution(clocks.resolution))
    return changed(state, clocks=clocks)


def moved(state: TicketState, event: Event) -> TicketState:
    return changed(state, moved_at=max(state.moved_at, event.occurred_at))


def on_start(_: TicketState, after: TicketState, event: Event, __: Book) -> TicketState:
    return moved(running(after, event), event)


def running(state: TicketState, event: Event) -> TicketState:
    """Return the state with any pause ended at this very instant (R9)."""
    at = micros(event.occurred_at)
    return with_clocks(
        state, lambda c: sla.resumed(c, at), lambda c: sla.resumed(c, at)
    )


def on_hold(
    _: TicketState, after: TicketState, event: Event, book: Book
) -> TicketState:
    after = moved(after, event)
    if after.clocks is None:
        return after
    policy = book.policy(after.clocks.policy_id)
    reason, at = after.hold_reason or "", micros(event.occurred_at)
    if reason not in policy.pausing_reasons:
        return after
    both = (lambda c: sla.held(c, at, reason)) if policy.response_pauses else None
    return with_clocks(after, both, lambda c: sla.held(c, at, reason))


def on_complete(
    _: TicketState, after: TicketState, event: Event, book: Book
) -> TicketState:
    after = moved(changed(after, absences=left(after, event)), event)
    if after.clocks is None:
        return after
    calendar, at = calendar_of(after, book), micros(event.occurred_at)

    def judge(clock: sla.Clock) -> sla.Clock:
        return sla.judged(clock, calendar, at)

    return with_clocks(after, judge, judge)


def left(state: TicketState, event: Event) -> tuple[Any, ...]:
    return (*state.absences, (event.occurred_at, None))


def on_cancel(
    _: TicketState, after: TicketState, event: Event, book: Book
) -> TicketState:
    after = moved(changed(after, absences=left(after, event)), event)
    if after.clocks is None:
        return after
    calendar, at = calendar_of(after, book), micros(event.occurred_at)

    def stop(clock: sla.Clock) -> sla.Clock:
        return sla.stopped(clock, calendar, at)

    return with_clocks(after, stop, stop)


def on_reopen(
    before: TicketState, after: TicketState, event: Event, book: Book
) -> TicketState:
    gone, _ = before.absences[-1]
    absences = (*before.absences[:-1], (gone, event.occurred_at))
    soon = before.reopened_soon or event.occurred_at - gone <= REOPENED_SOON
    after = moved(changed(after, absences=absences, reopened_soon=soon), event)
    if after.clocks is None:
        return after
    policy, at = book.policy(after.clocks.policy_id), micros(event.occurred_at)
    after = with_clocks(after, None, lambda c: sla.reopened(c, at, policy.reopen))
    return retargeted(after, at, book)  # the priority may have changed meanwhile


def retargeted(state: TicketState, at: int, book: Book) -> TicketState:
    """Return the state with running clocks under the targets of its priority."""
    if state.clocks is None or state.promised_at:
        return state
    policy, calendar = book.policy(state.clocks.policy_id), calendar_of(state, book)
    targets = policy.targets[state.priority]
    return with_clocks(
        state,
        lambda c: sla.retargeted(c, calendar, targets[0], at, policy),
        lambda c: sla.retargeted(c, calendar, targets[1], at, policy),
    )


def on_update(
    _: TicketState, after: TicketState, event: Event, book: Book
) -> TicketState:
    if "priority" not in event.changes or after.clocks is None:
        return after
    if after.clocks.resolution.is_settled:
        after = moved(after, event)  # so no reopening can be said to have come before
    return retargeted(after, micros(event.occurred_at), book)


def on_respond(
    _: TicketState, after: TicketState, event: Event, book: Book
) -> TicketState:
    if not event.data.get("response") or after.clocks is None:
        return after
    calendar, at = calendar_of(after, book), micros(event.occurred_at)
    return with_clocks(after, lambda c: sla.responded(c, calendar, at))


def on_comment(
    before: TicketState, after: TicketState, event: Event, book: Book
) -> TicketState:
    after = changed(after, comments=after.comments + 1)
    return on_respond(before, after, event, book)


def on_offer(_: TicketState, after: TicketState, event: Event, __: Book) -> TicketState:
    data = {k: parsed(k, v) for k, v in event.data.items() if k in VISIT_FIELDS}
    visit = VisitState(
        **data,
        id=event.data["visit_id"],
        status=VisitStatus.OFFERED,
        offered_at=event.occurred_at,
        updated_at=event.recorded_at,
    )
    return moved(changed(after, visits=(*after.visits, visit)), event)


def on_visit(
    before: TicketState, after: TicketState, event: Event, book: Book
) -> TicketState:
    to = VisitStatus(event.kind.removeprefix("visit."))
    visits = tuple(
        visit_after(v, to, event) if v.id == event.data["visit_id"] else v
        for v in after.visits
    )
    after = moved(changed(after, visits=visits), event)
    return on_respond(before, after, event, book)


def visit_after(visit: VisitState, to: VisitStatus, event: Event) -> VisitState:
    at: dict[str, Any] = {"updated_at": event.recorded_at}
    if to in LIVE:
        at[f"{to}_at"] = event.occurred_at
    else:
        at.update(
            finished_at=event.occurred_at, outcome_reason=event.data.get("reason")
        )
    if event.data.get("technician_id") is not None:
        at["technician_id"] = event.data["technician_id"]
    return changed(visit, status=to, version=visit.version + 1, **at)


def on_attachment(
    _: TicketState, after: TicketState, event: Event, __: Book
) -> TicketState:
    is_photo = str(event.data.get("content_type", "")).startswith("image/")
    return changed(after, photos=after.photos + is_photo)


def on_mark(
    change: Callable[[sla.Clock, Event], sla.Clock],
) -> Effect:
    """Return the effect of a mark that an SLA event leaves on one of the clocks."""

    def effect(
        _: TicketState, after: TicketState, event: Event, __: Book
    ) -> TicketState:
        def marked(clock: sla.Clock) -> sla.Clock:
            return change(clock, event)

        if event.data["clock"] == "response":
            return with_clocks(after, marked)
        return with_clocks(after, None, marked)

    return effect


def warned(clock: sla.Clock, event: Event) -> sla.Clock:
    return changed(clock, warned=event.data["percent"])


def breached(clock: sla.Clock, event: Event) -> sla.Clock:
    return changed(clock, breached=micros(event.occurred_at))


def retracted(clock: sla.Clock, _: Event) -> sla.Clock:
    return changed(clock, breached=None)


def on_reprice(
    _: TicketState, after: TicketState, event: Event, book: Book
) -> TicketState:
    if after.clocks is None:
        return after
    policy = book.policy(event.data["policy_id"])
    return changed(after, clocks=sla.repriced(after.clocks, policy, after.priority))


EFFECTS: Mapping[str, Effect] = {
    "ticket.started": on_start,
    "ticket.held": on_hold,
    "ticket.resumed": on_start,
    "ticket.completed": on_complete,
    "ticket.closed": lambda _, after, event, __: moved(after, event),
    "ticket.reopened": on_reopen,
    "ticket.cancelled": on_cancel,
    "ticket.updated": on_update,
    "visit.offered": on_offer,
    **{f"visit.{v}": on_visit for v in VisitStatus if v is not VisitStatus.OFFERED},
    "comment.added": on_comment,
    "attachment.added": on_attachment,
    "sla.warning": on_mark(warned),
    "sla.breached": on_mark(breached),
    "sla.breach_retracted": on_mark(retracted),
    "sla.repriced": on_reprice,
}


def from_micros(us: int | None) -> datetime | None:
    return None if us is None else instant(us)
