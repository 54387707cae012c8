"""A decision in the making, and what every decision asks: who, whose, when, proof.

Pure like all that decides; see tickets_service/decisions.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from db.scope import Actor
from db.vocabulary import Role, Via
from service_kit.errors import Forbidden, Invalid
from tickets_service.ticket_state import Book, Event, TicketState, VisitState, apply

FUTURE_GRACE = timedelta(minutes=2)  # R14


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
