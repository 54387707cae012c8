"""From a command to the events it brings about, or to the reason it may not.

`decide` is pure: state, command, actor, now and the versions of policies and
calendars in, events out. It raises Invalid, Forbidden, Conflict or
IllegalTransition and then nothing has happened.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from db.scope import Actor
from db.vocabulary import Role, Via, Visibility
from service_kit.errors import Conflict, Forbidden
from tickets_service import commands as ask
from tickets_service import lifecycle
from tickets_service.drafting import Draft, need_own_work, need_role
from tickets_service.ticket_decisions import (
    delete_ticket,
    edit_ticket,
    move_ticket,
    open_ticket,
)
from tickets_service.ticket_state import Book, Event, TicketState
from tickets_service.time_decisions import settle_breaches, sweep
from tickets_service.visit_decisions import move_visit, offer_visit

PRIVATE = frozenset({"customer_name", "customer_phone", "customer_email"})


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
