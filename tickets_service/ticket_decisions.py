"""What follows from opening, editing, moving and deleting a ticket."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from db.vocabulary import HoldReason, Role, Status, Via, VisitStatus
from service_kit.errors import Conflict, Forbidden, IllegalTransition, Invalid
from tickets_service import commands as ask
from tickets_service import lifecycle
from tickets_service.drafting import (
    FUTURE_GRACE,
    Draft,
    evidence_of,
    need_evidence,
    need_own_work,
    need_role,
    when,
)
from tickets_service.lifecycle import DISPATCH, Action
from tickets_service.records import changed
from tickets_service.ticket_state import UNNUMBERED
from tickets_service.visit_decisions import complete_now, end_live_visit, release

EDITABLE = frozenset(
    (
        *("title", "description", "priority", "category", "cause", "zone", "location"),
        *("lat", "lon", "customer_name", "customer_phone", "customer_email", "tags"),
        *("estimated_minutes", "external_ref", "parent_id", "duplicate_of_id"),
        *("team_id", "technician_id"),
    )
)
FROM_DISPATCH_ONLY = frozenset({"priority", "zone", "category", "team_id"})


def open_ticket(draft: Draft, new: ask.OpenTicket) -> None:
    need_role(draft, lifecycle.STAFF | {Role.REQUESTER}, "open tickets")
    data: dict[str, Any] = {"created_by": draft.actor.user_id}
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
    if new.id != UNNUMBERED:
        draft.state = changed(draft.ticket, id=new.id)


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
    moved = draft.differences(edit.changes)
    unknown = set(moved) - EDITABLE
    if unknown:
        raise Invalid(dict.fromkeys(sorted(unknown), "cannot be changed"))
    if draft.actor.role is Role.TECHNICIAN and moved.keys() & FROM_DISPATCH_ONLY:
        raise Forbidden("A technician may not change the promise or the dispatch.")
    if "priority" in moved and draft.ticket.status in (
        Status.CLOSED,
        Status.CANCELLED,
    ):
        raise Conflict("The priority of a finished ticket stays.")
    if moved:
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
