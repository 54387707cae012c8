"""Which move a ticket or a visit may make, and who may make it.

The two tables below are the specification; docs/domain.md is generated from
them. What a move needs and brings about is in tickets_service/*_decisions.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from db.vocabulary import Role, Status, VisitStatus

DISPATCH = frozenset({Role.ADMIN, Role.MANAGER, Role.DISPATCHER})
STAFF = DISPATCH | {Role.TECHNICIAN}
OWNERS = DISPATCH | {Role.REQUESTER}


class Action(StrEnum):
    START = "start"
    HOLD = "hold"
    RESUME = "resume"
    COMPLETE = "complete"
    CLOSE = "close"
    REOPEN = "reopen"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class TicketMove:
    """from_: where it starts; to: where it leads (None: where the hold began)."""

    from_: frozenset[Status]
    to: Status | None
    roles: frozenset[Role]
    needs: str = ""
    effect: str = ""


O, P, H = Status.OPEN, Status.IN_PROGRESS, Status.ON_HOLD  # noqa: E741
C, X = Status.COMPLETED, Status.CLOSED

TICKET_MOVES: Mapping[Action, TicketMove] = {
    Action.START: TicketMove(frozenset({O}), P, STAFF, "", "work begins"),
    Action.HOLD: TicketMove(
        frozenset({O, P}), H, STAFF, "a reason code", "pauses the resolution clock"
    ),
    Action.RESUME: TicketMove(
        frozenset({H}), None, STAFF, "", "the clock runs again; back to where it was"
    ),
    Action.COMPLETE: TicketMove(
        frozenset({P, H}),
        C,
        STAFF,
        "the evidence its category asks for",
        "verdict on the resolution clock; releases a visit not yet started",
    ),
    Action.CLOSE: TicketMove(frozenset({C}), X, OWNERS, "", "confirmed"),
    Action.REOPEN: TicketMove(
        frozenset({C, X}),
        P,
        OWNERS,
        "within the policy's window",
        "the clock goes on; after the window a linked ticket is opened",
    ),
    Action.CANCEL: TicketMove(
        frozenset({O, P, H}),
        Status.CANCELLED,
        OWNERS,
        "no visit on site; for a requester none accepted",
        "clocks stop without a verdict; live visits are released",
    ),
}


@dataclass(frozen=True, slots=True)
class VisitMove:
    from_: frozenset[VisitStatus]
    roles: frozenset[Role]
    needs: str = ""
    effect: str = ""


V = VisitStatus
LIVE = frozenset({V.OFFERED, V.ACCEPTED, V.EN_ROUTE, V.ON_SITE})
RUNNING = frozenset({V.EN_ROUTE, V.ON_SITE})
ENDED = frozenset({V.DONE, V.NOT_DONE, V.DECLINED, V.RELEASED})

VISIT_MOVES: Mapping[VisitStatus, VisitMove] = {
    V.ACCEPTED: VisitMove(
        frozenset({V.OFFERED}), STAFF, "", "the first one is the first response"
    ),
    V.DECLINED: VisitMove(
        frozenset({V.OFFERED}), STAFF, "a reason", "the ticket has no team again"
    ),
    V.EN_ROUTE: VisitMove(frozenset({V.ACCEPTED}), STAFF),
    V.ON_SITE: VisitMove(
        frozenset({V.ACCEPTED, V.EN_ROUTE}), STAFF, "", "starts or resumes the ticket"
    ),
    V.DONE: VisitMove(
        frozenset({V.ON_SITE}),
        STAFF,
        "the evidence its category asks for",
        "completes the ticket",
    ),
    V.NOT_DONE: VisitMove(
        frozenset({V.ON_SITE, V.EN_ROUTE}),
        STAFF,
        "a reason",
        "the ticket waits for another visit",
    ),
    V.RELEASED: VisitMove(
        frozenset({V.OFFERED, V.ACCEPTED, V.EN_ROUTE}),
        DISPATCH,
        "",
        "the ticket has no team again",
    ),
}


def status_after(action: Action, *, has_started: bool) -> Status:
    """Return the status to which `action` leads."""
    to = TICKET_MOVES[action].to
    return to if to is not None else (P if has_started else O)


def actions_from(status: Status) -> tuple[Action, ...]:
    """Return the actions that leave `status`, whoever asks."""
    return tuple(a for a, move in TICKET_MOVES.items() if status in move.from_)


def actions_for(status: Status, role: Role) -> tuple[Action, ...]:
    return tuple(a for a in actions_from(status) if role in TICKET_MOVES[a].roles)


def visit_moves_from(status: VisitStatus) -> tuple[VisitStatus, ...]:
    return tuple(to for to, move in VISIT_MOVES.items() if status in move.from_)


def action_towards(current: Status, wanted: Status) -> Action | None:
    """Return the action that leads from one status to another, None if none does."""
    if current is H and wanted in (O, P):
        return Action.RESUME
    for action, move in TICKET_MOVES.items():
        if current in move.from_ and move.to is wanted:
            return action
    return None
