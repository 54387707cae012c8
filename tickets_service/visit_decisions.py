"""What follows from sending a team, and from each step of its visit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from db.vocabulary import Role, Status, VisitStatus
from service_kit.errors import Conflict, IllegalTransition, Invalid
from tickets_service import commands as ask
from tickets_service import lifecycle
from tickets_service.drafting import (
    Draft,
    evidence_of,
    need_evidence,
    need_own_work,
    need_role,
    when,
)
from tickets_service.lifecycle import DISPATCH
from tickets_service.ticket_state import VisitState


def offer_visit(draft: Draft, offer: ask.OfferVisit) -> None:
    need_role(draft, DISPATCH, "send teams")
    ticket = draft.ticket
    if ticket.status not in (Status.OPEN, Status.IN_PROGRESS, Status.ON_HOLD):
        raise IllegalTransition(
            f"A ticket that is {ticket.status} takes no visit.",
            allowed=lifecycle.actions_for(ticket.status, draft.actor.role),
        )
    need_override_reason(offer)
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
        data["override_reason"] = offer.override_reason
    changes = {"team_id": offer.team_id, "technician_id": offer.technician_id}
    draft.emit("visit.offered", changes, data, at)


def need_override_reason(offer: ask.OfferVisit) -> None:
    """Refuse a team against the rules of skill and zone, unless it is said why."""
    if offer.must_explain and offer.warnings and not offer.override_reason:
        text = f"is needed: {'; '.join(offer.warnings)}"
        raise Invalid({"override_reason": text}, code="override_reason_required")


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
