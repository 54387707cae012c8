"""From a command to the events it brings about, or to the reason it may not.

`decide` is pure: state, command, actor, now and the versions of policies and
calendars in, events out. It raises Invalid, Forbidden, Conflict or
IllegalTransition and then nothing has happened.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from db.scope import Actor
from db.vocabulary import HoldReason, Role, Status, Via, Visibility, VisitStatus
from service_kit.errors import Conflict, Forbidden, IllegalTransition, Invalid
from tickets_service import commands as ask
from tickets_service import lifecycle, sla
from tickets_service.calendars import WorkCalendar, edge, instant, micros
from tickets_service.lifecycle import DISPATCH, Action
from tickets_service.ticket_state import Book, Event, TicketState, VisitState, apply

FUTURE_GRACE = timedelta(minutes=2)  # R14
STALE = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
AUTO_CLOSE_DAYS = 5  # working days after the completion
EDITABLE = frozenset(
    (
        *("title", "description", "priority", "category", "cause", "zone", "location"),
        *("lat", "lon", "customer_name", "customer_phone", "customer_email", "tags"),
        *("estimated_minutes", "external_ref", "parent_id", "duplicate_of_id"),
        *("team_id", "technician_id"),
    )
)
FROM_DISPATCH_ONLY = frozenset({"priority", "zone", "category", "team_id"})
PRIVATE = frozenset({"customer_name", "customer_phone", "customer_email"})


@dataclass(slots=True)
class Draft:
    """The events decided so far, and the state that they make."""

    state: TicketState | None
    actor: Actor
    now: datetime
    book: Book
    via: str = Via.API
    events: list[Event] = field(default_factory=list)

    @property
    def ticket(self) -> TicketState:
        if self.state is None:
            raise ValueError("the ticket is not opened yet")
        return self.state

    def emit(
        self,
        kind: str,
        changes: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> None:
        """Add an event. changes: {field: new}; fields that do not differ drop out."""
        event = Event(
            kind,
            occurred_at=at or self.now,
            recorded_at=self.now,
            actor_id=self.actor.user_id or None,
            via=self.via,
            changes=self.differences(changes or {}),
            data=data or {},
        )
        self.state = apply(self.state, event, self.book)
        self.events.append(event)

    def differences(self, changes: Mapping[str, Any]) -> dict[str, list[Any]]:
        return {
            name: [getattr(self.state, name), value]
            for name, value in changes.items()
            if getattr(self.state, name) != value
        }


def decide(
    state: TicketState | None,
    command: ask.Command,
    actor: Actor,
    now: datetime,
    book: Book,
    via: str = Via.API,
) -> tuple[TicketState, list[Event]]:
    """Return the new state and the events that lead to it."""
    draft = Draft(state, actor, now, book, via)
    if state is not None and state.deleted_at is not None:
        raise Conflict("The ticket is deleted.")
    DECIDERS[type(command)](draft, command)
    if state is not None:
        settle_breaches(state, draft)
    return draft.ticket, draft.events


def settle_breaches(before: TicketState, draft: Draft) -> None:
    """Add the breaches that came to light, and retract those that vanished (R14)."""
    old, new = before.clocks, draft.ticket.clocks
    if old is None or new is None:
        return
    settle_breach(draft, "response", old.response, new.response)
    settle_breach(draft, "resolution", old.resolution, new.resolution)


def settle_breach(draft: Draft, name: str, old: sla.Clock, new: sla.Clock) -> None:
    told = any(
        e.kind == "sla.breached" and e.data["clock"] == name for e in draft.events
    )
    if old.breached is None:
        point = new.breached if new.is_settled else past_due(draft, new)
        if point is not None and not told:
            draft.emit("sla.breached", data={"clock": name}, at=instant(point))
    elif vanished(draft, old, new):
        data = {"clock": name, "breached_at": instant(old.breached)}
        draft.emit("sla.breach_retracted", data=data)


def past_due(draft: Draft, clock: sla.Clock) -> int | None:
    """Return the due instant of a running clock if it has passed."""
    clocks = draft.ticket.clocks
    if clocks is None:
        return None
    point = sla.breach_point(clock, draft.book.calendar(clocks.calendar_id))
    return point if point is not None and micros(draft.now) > point else None


def vanished(draft: Draft, old: sla.Clock, new: sla.Clock) -> bool:
    """Whether a recorded breach is none any more, by nobody's changing the target."""
    if len(new.superseded) > len(old.superseded) or new.cycle > old.cycle:
        return False
    if new.is_settled:
        return new.verdict == sla.MET
    return past_due(draft, new) is None


def when(draft: Draft, claimed: datetime | None) -> tuple[datetime, dict[str, Any]]:
    """Return the accepted instant of a move, and a flag if it was clamped (R14)."""
    floor = draft.ticket.moved_at
    if claimed is None:
        return max(draft.now, floor), {}
    if claimed > draft.now + FUTURE_GRACE:
        at = max(draft.now, floor)
        return at, {"clamped": "in_the_future", "claimed_at": claimed}
    if claimed < floor:
        return floor, {"clamped": "before_the_previous_move", "claimed_at": claimed}
    return claimed, {}


def need_role(draft: Draft, roles: frozenset[Role], doing: str) -> None:
    if draft.actor.role not in roles:
        raise Forbidden(f"Your role may not {doing}.")


def need_own_work(draft: Draft, visit: VisitState | None = None) -> None:
    """Hold technicians to the work of their team, requesters to their tickets."""
    actor, ticket = draft.actor, draft.ticket
    if actor.role is Role.TECHNICIAN:
        team_id = visit.team_id if visit else ticket.team_id
        if actor.team_id is None or team_id != actor.team_id:
            raise Forbidden("This is another team's work.")
    if actor.role is Role.REQUESTER and ticket.created_by != actor.user_id:
        raise Forbidden("This is someone else's ticket.")


# Opening and editing


def open_ticket(draft: Draft, new: ask.OpenTicket) -> None:
    need_role(draft, lifecycle.STAFF | {Role.REQUESTER}, "open tickets")
    data: dict[str, Any] = {"id": new.id, "created_by": draft.actor.user_id}
    data |= {name: value for name, value in new.fields.items() if value is not None}
    if new.opened_at is not None:
        data["opened_at"] = backdated(draft, new)
    if new.created_at is not None:
        data["created_at"] = new.created_at
    check_promise(data, data.get("opened_at") or new.created_at or draft.now)
    policy = draft.book.choose(data["zone"], data.get("priority", "medium"))
    if policy is not None and new.has_policy:
        data |= {"policy_id": policy.id, "calendar_id": policy.calendar_id}
    draft.emit("ticket.created", data=data, at=new.created_at)


def check_promise(data: Mapping[str, Any], opened_at: datetime) -> None:
    promised_at = data.get("promised_at")
    if promised_at is not None and promised_at < opened_at:
        raise Invalid({"promised_at": "lies before the opening"})


def backdated(draft: Draft, new: ask.OpenTicket) -> datetime:
    if draft.actor.role not in DISPATCH:
        raise Forbidden("Your role may not backdate a ticket.")
    if not (new.opened_reason or draft.via in (Via.IMPORT, Via.SEED)):
        raise Invalid({"opened_reason": "a backdated ticket needs a reason"})
    if new.opened_at is None or new.opened_at > draft.now + FUTURE_GRACE:
        raise Invalid({"opened_at": "lies in the future"})
    return new.opened_at


def edit_ticket(draft: Draft, edit: ask.EditTicket) -> None:
    need_role(draft, lifecycle.STAFF, "edit tickets")
    need_own_work(draft)
    changed = draft.differences(edit.changes)
    unknown = set(changed) - EDITABLE
    if unknown:
        raise Invalid(dict.fromkeys(sorted(unknown), "cannot be changed"))
    if draft.actor.role is Role.TECHNICIAN and changed.keys() & FROM_DISPATCH_ONLY:
        raise Forbidden("A technician may not change the promise or the dispatch.")
    if "priority" in changed and draft.ticket.status in (
        Status.CLOSED,
        Status.CANCELLED,
    ):
        raise Conflict("The priority of a finished ticket stays.")
    if changed:
        data = {"reason": edit.reason} if edit.reason else {}
        draft.emit("ticket.updated", edit.changes, data)


def delete_ticket(draft: Draft, _: ask.DeleteTicket) -> None:
    ticket, actor = draft.ticket, draft.actor
    if actor.role is not Role.ADMIN and ticket.created_by != actor.user_id:
        raise Forbidden("Only an administrator or who opened it may delete a ticket.")
    if ticket.status is not Status.OPEN or ticket.visits or ticket.comments:
        raise Conflict(
            "Something has happened on this ticket: cancel it instead.",
            code="use_cancel",
        )
    draft.emit("ticket.deleted", {"deleted_at": draft.now})


# Moves of the ticket


def move_ticket(draft: Draft, move: ask.MoveTicket) -> None:
    ticket = draft.ticket
    table = lifecycle.TICKET_MOVES[move.action]
    need_role(draft, table.roles, f"{move.action} tickets")
    need_own_work(draft)
    if ticket.status not in table.from_:
        raise IllegalTransition(
            f"A ticket that is {ticket.status} cannot {move.action}.",
            allowed=lifecycle.actions_for(ticket.status, draft.actor.role),
        )
    at, flag = when(draft, move.occurred_at)
    data = flag | ({"note": move.note} if move.note else {})
    MOVERS[move.action](draft, move, at, data)


Mover = Callable[[Draft, ask.MoveTicket, datetime, dict[str, Any]], None]


def start(draft: Draft, _: ask.MoveTicket, at: datetime, data: dict[str, Any]) -> None:
    first = {} if draft.ticket.started_at else {"started_at": at}
    draft.emit("ticket.started", {"status": Status.IN_PROGRESS} | first, data, at)


def hold(
    draft: Draft, move: ask.MoveTicket, at: datetime, data: dict[str, Any]
) -> None:
    if not move.reason:
        raise Invalid({"reason": "a hold needs a reason code"})
    if move.reason not in set(HoldReason):
        raise Invalid({"reason": f"must be one of: {', '.join(HoldReason)}"})
    changes = {"status": Status.ON_HOLD, "hold_reason": move.reason}
    draft.emit("ticket.held", changes, data, at)


def resume(draft: Draft, _: ask.MoveTicket, at: datetime, data: dict[str, Any]) -> None:
    begun = draft.ticket.started_at is not None
    to = lifecycle.status_after(Action.RESUME, has_started=begun)
    draft.emit("ticket.resumed", {"status": to, "hold_reason": None}, data, at)


def complete(
    draft: Draft, move: ask.MoveTicket, at: datetime, data: dict[str, Any]
) -> None:
    need_evidence(draft, move.evidence)
    end_live_visit(draft, at, move.evidence)
    complete_now(draft, move.reason, at, data | evidence_of(move.evidence))


def complete_now(
    draft: Draft, code: str | None, at: datetime, data: dict[str, Any]
) -> None:
    changes = {
        "status": Status.COMPLETED,
        "completed_at": at,
        "hold_reason": None,
        "resolution_code": code or draft.ticket.resolution_code,
    }
    if draft.ticket.started_at is None:
        changes["started_at"] = at
    draft.emit("ticket.completed", changes, data, at)


def end_live_visit(draft: Draft, at: datetime, evidence: Mapping[str, Any]) -> None:
    """End a visit by its ticket's completion: on site it is done, else released."""
    visit = draft.ticket.live_visit
    if visit is None:
        return
    done = visit.status is VisitStatus.ON_SITE
    to = VisitStatus.DONE if done else VisitStatus.RELEASED
    data = {"visit_id": visit.id, "status": [visit.status, to]} | evidence_of(evidence)
    draft.emit(f"visit.{to}", data=data, at=at)


def evidence_of(evidence: Mapping[str, Any]) -> dict[str, Any]:
    return {"evidence": dict(evidence)} if evidence else {}


def need_evidence(draft: Draft, evidence: Mapping[str, Any]) -> None:
    """Refuse a completion without what the policy asks of the category."""
    ticket = draft.ticket
    if ticket.clocks is None:
        return
    rules = draft.book.policy(ticket.clocks.policy_id).evidence or {}
    missing = {
        f"evidence.{name}": "is required for this category"
        for name in rules.get(ticket.category, ())
        if evidence.get(name) in (None, "") and not (name == "photo" and ticket.photos)
    }
    if missing:
        raise Invalid(missing, code="evidence_missing")


def close(draft: Draft, _: ask.MoveTicket, at: datetime, data: dict[str, Any]) -> None:
    draft.emit("ticket.closed", {"status": Status.CLOSED, "closed_at": at}, data, at)


def reopen(
    draft: Draft, move: ask.MoveTicket, at: datetime, data: dict[str, Any]
) -> None:
    ticket = draft.ticket
    if ticket.completed_at and at > ticket.completed_at + reopen_window(draft):
        raise Conflict(
            "The time to reopen this ticket is over: open a linked one.",
            code="reopen_window_over",
        )
    changes = {
        "status": Status.IN_PROGRESS,
        "completed_at": None,
        "closed_at": None,
        "resolution_code": None,
        "reopen_count": ticket.reopen_count + 1,
    }
    reason = {"reason": move.reason} if move.reason else {}
    draft.emit("ticket.reopened", changes, data | reason, at)


def reopen_window(draft: Draft) -> timedelta:
    clocks = draft.ticket.clocks
    if clocks is None:
        return timedelta(days=14)
    return timedelta(days=draft.book.policy(clocks.policy_id).reopen_window_days)


def cancel(
    draft: Draft, move: ask.MoveTicket, at: datetime, data: dict[str, Any]
) -> None:
    ticket = draft.ticket
    visit = ticket.live_visit
    if visit and visit.status is VisitStatus.ON_SITE:
        raise Conflict(
            "A team is on site: end the visit as done or not_done first.",
            code="visit_under_way",
        )
    accepted = any(v.accepted_at for v in ticket.visits)
    if draft.actor.role is Role.REQUESTER and (
        accepted or ticket.status is not Status.OPEN
    ):
        raise Forbidden("The work has been accepted: ask the dispatcher to cancel it.")
    if visit:
        release(draft, visit, at, "ticket_cancelled")
    reason = {"reason": move.reason} if move.reason else {}
    changes = {"status": Status.CANCELLED, "cancelled_at": at, "hold_reason": None}
    draft.emit("ticket.cancelled", changes, data | reason, at)


MOVERS: Mapping[Action, Mover] = {
    Action.START: start,
    Action.HOLD: hold,
    Action.RESUME: resume,
    Action.COMPLETE: complete,
    Action.CLOSE: close,
    Action.REOPEN: reopen,
    Action.CANCEL: cancel,
}


# Visits


def offer_visit(draft: Draft, offer: ask.OfferVisit) -> None:
    need_role(draft, DISPATCH, "send teams")
    ticket = draft.ticket
    if ticket.status not in (Status.OPEN, Status.IN_PROGRESS, Status.ON_HOLD):
        raise IllegalTransition(
            f"A ticket that is {ticket.status} takes no visit.",
            allowed=lifecycle.actions_for(ticket.status, draft.actor.role),
        )
    at = max(draft.now, ticket.moved_at)
    visit = ticket.live_visit
    if visit and visit.status is VisitStatus.ON_SITE:
        raise Conflict("A team is on site.", code="visit_under_way")
    if visit:
        release(draft, visit, at, offer.reason or "reassigned")
    data: dict[str, Any] = {
        "visit_id": offer.visit_id,
        "team_id": offer.team_id,
        "technician_id": offer.technician_id,
        "created_by": draft.actor.user_id,
        "reason": offer.reason,
        "expires_at": offer.expires_at,
    }
    if offer.warnings:
        data["warnings"] = list(offer.warnings)
    changes = {"team_id": offer.team_id, "technician_id": offer.technician_id}
    draft.emit("visit.offered", changes, data, at)


def release(draft: Draft, visit: VisitState, at: datetime, reason: str) -> None:
    data = {
        "visit_id": visit.id,
        "status": [visit.status, VisitStatus.RELEASED],
        "reason": reason,
    }
    draft.emit("visit.released", {"team_id": None, "technician_id": None}, data, at)


def move_visit(draft: Draft, move: ask.MoveVisit) -> None:
    visit = next((v for v in draft.ticket.visits if v.id == move.visit_id), None)
    if visit is None:
        raise Conflict("The ticket has no such visit.")
    table = lifecycle.VISIT_MOVES.get(move.status)
    if table is not None:
        need_role(draft, table.roles, f"set a visit to {move.status}")
    else:
        need_role(draft, lifecycle.STAFF, "work visits")
    need_own_work(draft, visit)
    if table is None or visit.status not in table.from_:
        raise IllegalTransition(
            f"A visit that is {visit.status} cannot become {move.status}.",
            allowed=lifecycle.visit_moves_from(visit.status),
        )
    if table.needs == "a reason" and not move.reason:
        raise Invalid({"reason": f"a visit that is {move.status} needs a reason"})
    make_visit_move(draft, visit, move)


def make_visit_move(draft: Draft, visit: VisitState, move: ask.MoveVisit) -> None:
    at, data = when(draft, move.occurred_at)
    data |= {"visit_id": visit.id, "status": [visit.status, move.status]}
    data |= {"reason": move.reason} if move.reason else {}
    data |= evidence_of(move.evidence)
    if move.status is VisitStatus.DONE:
        need_evidence(draft, move.evidence)
    changes: dict[str, Any] = {}
    if move.status is VisitStatus.ACCEPTED:
        data["response"] = True
    if move.status in (VisitStatus.DECLINED, VisitStatus.RELEASED):
        changes = {"team_id": None, "technician_id": None}
    elif draft.actor.role is Role.TECHNICIAN and visit.technician_id is None:
        data["technician_id"] = draft.actor.user_id
        changes = {"technician_id": draft.actor.user_id}
    draft.emit(f"visit.{move.status}", changes, data, at)
    follow_visit(draft, move.status, at)


def follow_visit(draft: Draft, to: VisitStatus, at: datetime) -> None:
    """Let the ticket follow its visit."""
    status = draft.ticket.status
    if to is VisitStatus.ON_SITE and status in (Status.OPEN, Status.ON_HOLD):
        kind = "ticket.started" if status is Status.OPEN else "ticket.resumed"
        changes = {"status": Status.IN_PROGRESS, "hold_reason": None}
        first = {} if draft.ticket.started_at else {"started_at": at}
        draft.emit(kind, changes | first, at=at)
    elif to is VisitStatus.DONE and status in (Status.IN_PROGRESS, Status.ON_HOLD):
        complete_now(draft, None, at, {})


# Comments and attachments


def add_comment(draft: Draft, new: ask.AddComment) -> None:
    need_role(draft, lifecycle.STAFF | {Role.REQUESTER}, "comment")
    need_own_work(draft)
    public = new.visibility == Visibility.PUBLIC
    if draft.actor.role is Role.REQUESTER and not public:
        raise Forbidden("Your comments are public.")
    data: dict[str, Any] = {"comment_id": new.comment_id, "visibility": new.visibility}
    if new.mentions:
        data["mentions"] = list(new.mentions)
    if public and answers(draft):
        data["response"] = True
    draft.emit("comment.added", data=data)


def touch_comment(draft: Draft, touched: ask.TouchComment) -> None:
    need_role(draft, lifecycle.STAFF | {Role.REQUESTER}, "change comments")
    if draft.actor.role is not Role.ADMIN and draft.actor.user_id != touched.author_id:
        raise Forbidden("Only its author may change a comment.")
    data = {"comment_id": touched.comment_id, "visibility": touched.visibility}
    draft.emit(f"comment.{touched.kind}", data=data)


def answers(draft: Draft) -> bool:
    """Whether a public comment is the first response: of staff, human, not the
    creator (R10)."""
    actor, ticket = draft.actor, draft.ticket
    return (
        actor.role in lifecycle.STAFF
        and actor.scopes is None
        and draft.via != Via.WORKER
        and actor.user_id != ticket.created_by
        and ticket.clocks is not None
        and ticket.clocks.response.done is None
    )


def add_attachment(draft: Draft, new: ask.AddAttachment) -> None:
    need_role(draft, lifecycle.STAFF | {Role.REQUESTER}, "attach files")
    need_own_work(draft)
    if draft.actor.role is Role.REQUESTER and new.visibility != Visibility.PUBLIC:
        raise Forbidden("Your files are public.")
    data = {
        "attachment_id": new.attachment_id,
        "filename": new.filename,
        "content_type": new.content_type,
        "size_bytes": new.size_bytes,
        "visibility": new.visibility,
    }
    draft.emit("attachment.added", data=data)


# What time brings


def sweep(draft: Draft, _: ask.Sweep) -> None:
    visit = draft.ticket.live_visit
    if visit and is_expired(visit, draft.now):
        release(draft, visit, draft.now, "offer_expired")
    clocks = draft.ticket.clocks
    if clocks is not None:
        calendar = draft.book.calendar(clocks.calendar_id)
        warn(draft, "response", clocks.response, calendar)
        warn(draft, "resolution", clocks.resolution, calendar)
        closes = auto_close_at(draft.ticket, calendar)
        if closes is not None and closes <= draft.now:
            close(draft, ask.MoveTicket(Action.CLOSE), draft.now, {"auto": True})


def is_expired(visit: VisitState, now: datetime) -> bool:
    return (
        visit.status is VisitStatus.OFFERED
        and visit.expires_at is not None
        and visit.expires_at <= now
    )


def warn(draft: Draft, name: str, clock: sla.Clock, calendar: WorkCalendar) -> None:
    """Emit the thresholds that have passed, each once per cycle (R15).

    Not those of a promise broken long ago, such as a load brings: the breach alone.
    """
    if clock.is_settled or clock.breached is not None:
        return
    now = micros(draft.now)
    point = sla.breach_point(clock, calendar)
    if point is not None and now - point > STALE // MICROSECOND:
        return
    for percent in sla.WARNINGS:
        at = sla.threshold(clock, calendar, percent)
        if percent > clock.warned and at is not None and at <= now:
            data = {"clock": name, "percent": percent}
            draft.emit("sla.warning", data=data, at=instant(at))


def auto_close_at(ticket: TicketState, calendar: WorkCalendar) -> datetime | None:
    """Return when a completed ticket closes: the end of the fifth working day."""
    if ticket.status is not Status.COMPLETED or ticket.completed_at is None:
        return None
    day: date = ticket.completed_at.astimezone(calendar.zone).date()
    left = AUTO_CLOSE_DAYS
    for _ in range(366):
        day += timedelta(days=1)
        intervals = calendar.definition.intervals_on(day)
        left -= bool(intervals)
        if intervals and left == 0:
            return instant(edge(day, intervals[-1][1], calendar.zone, is_end=True))
    return None


def next_check_at(ticket: TicketState, book: Book) -> datetime | None:
    """Return when `Sweep` next has something to do, None if only after a change."""
    if ticket.deleted_at is not None:
        return None
    found: list[datetime] = []
    visit = ticket.live_visit
    if visit and visit.status is VisitStatus.OFFERED and visit.expires_at:
        found.append(visit.expires_at)
    if ticket.clocks is not None:
        calendar = book.calendar(ticket.clocks.calendar_id)
        for clock in (ticket.clocks.response, ticket.clocks.resolution):
            found += next_thresholds(clock, calendar)
        closes = auto_close_at(ticket, calendar)
        found += [closes] if closes else []
    return min(found, default=None)


def next_thresholds(clock: sla.Clock, calendar: WorkCalendar) -> list[datetime]:
    if clock.is_settled or clock.breached is not None:
        return []
    marks = [
        sla.threshold(clock, calendar, percent)
        for percent in sla.WARNINGS
        if percent > clock.warned
    ][:1]
    point = sla.breach_point(clock, calendar)
    marks += [] if point is None else [point + 1]
    return [instant(at) for at in marks if at is not None]


def reprice(draft: Draft, wanted: ask.Reprice) -> None:
    need_role(draft, frozenset({Role.ADMIN}), "reprice tickets")
    clocks = draft.ticket.clocks
    if clocks is None or (clocks.response.is_settled and clocks.resolution.is_settled):
        return
    data = {"policy_id": wanted.policy_id, "previous_policy_id": clocks.policy_id}
    draft.emit("sla.repriced", data=data)


DECIDERS: Mapping[type[Any], Callable[[Draft, Any], None]] = {
    ask.OpenTicket: open_ticket,
    ask.EditTicket: edit_ticket,
    ask.MoveTicket: move_ticket,
    ask.OfferVisit: offer_visit,
    ask.MoveVisit: move_visit,
    ask.AddComment: add_comment,
    ask.TouchComment: touch_comment,
    ask.AddAttachment: add_attachment,
    ask.DeleteTicket: delete_ticket,
    ask.Reprice: reprice,
    ask.Sweep: sweep,
}
