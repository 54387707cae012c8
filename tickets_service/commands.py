"""What a person, a job or a load may ask of a ticket. Shape only, no rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from db.vocabulary import VisitStatus
from tickets_service.lifecycle import Action


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """fields: columns of the ticket. opened_at: backdated, with a reason (R3).

    `promised_at` among the fields (loads only) is due in place of the policy's
    target; `has_policy` False: nothing was promised at all.
    """

    id: int
    fields: Mapping[str, Any]
    opened_at: datetime | None = None
    opened_reason: str | None = None
    created_at: datetime | None = None  # loads only: when the source recorded it
    has_policy: bool = True


@dataclass(frozen=True, slots=True)
class EditTicket:
    changes: Mapping[str, Any]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class MoveTicket:
    """reason: the code of a hold, or of the resolution. note: free text."""

    action: Action
    reason: str | None = None
    note: str | None = None
    occurred_at: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OfferVisit:
    visit_id: int
    team_id: int
    technician_id: int | None = None
    reason: str | None = None
    expires_at: datetime | None = None
    warnings: tuple[str, ...] = ()  # rules of skill and zone that this overrides
    override_reason: str | None = None
    must_explain: bool = False  # whether overriding needs its reason


@dataclass(frozen=True, slots=True)
class MoveVisit:
    visit_id: int
    status: VisitStatus
    reason: str | None = None
    occurred_at: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AddComment:
    comment_id: int
    body: str
    visibility: str
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TouchComment:
    """kind: edited or removed."""

    comment_id: int
    author_id: int
    visibility: str
    kind: str


@dataclass(frozen=True, slots=True)
class AddAttachment:
    attachment_id: int
    filename: str
    content_type: str
    size_bytes: int
    visibility: str = "public"


@dataclass(frozen=True, slots=True)
class DeleteTicket:
    pass


@dataclass(frozen=True, slots=True)
class Reprice:
    policy_id: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """Do what time alone brings: thresholds, expired offers, closing."""


Command = (
    OpenTicket
    | EditTicket
    | MoveTicket
    | OfferVisit
    | MoveVisit
    | AddComment
    | TouchComment
    | AddAttachment
    | DeleteTicket
    | Reprice
    | Sweep
)
