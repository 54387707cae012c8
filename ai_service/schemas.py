"""The wire shapes of the AI service. Shape only: no rule here reads a row."""

from enum import StrEnum
from typing import Any

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

from ai_service.advice import FOCUSES
from ai_service.answering import DraftTicket, RiskFilter
from ai_service.insights import KINDS
from ai_service.skills import SKILLS
from db.vocabulary import Category, Cause, Priority
from service_kit.paging import DEFAULT_LIMIT, MAX_LIMIT
from service_kit.schemas import (
    BuildingSchema,
    CommaList,
    Id,
    Instant,
    Schema,
    Text,
)


def word(kind: type[StrEnum], **options: Any) -> fields.String:
    """Return a field that takes one word of a vocabulary and keeps it as text."""
    return fields.String(validate=validate.OneOf([w.value for w in kind]), **options)


def limit_field() -> fields.Integer:
    rule = validate.Range(min=1, max=MAX_LIMIT)
    return fields.Integer(load_default=DEFAULT_LIMIT, validate=rule)


class DraftPlaceSchema(Schema):
    lat = fields.Float(required=True, validate=validate.Range(min=-90, max=90))
    lon = fields.Float(required=True, validate=validate.Range(min=-180, max=180))


class DraftTicketSchema(BuildingSchema):
    builds = DraftTicket

    category = word(Category, required=True)
    zone = Text(100, low=1, required=True)
    priority = word(Priority, load_default=Priority.MEDIUM.value)
    cause = word(Cause, load_default=None, allow_none=True)
    coordinates = fields.Nested(DraftPlaceSchema, load_default=None, allow_none=True)
    estimated_minutes = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(min=1, max=10_000),
    )
    required_skills = fields.Dict(
        keys=fields.String(validate=validate.OneOf(SKILLS)),
        values=fields.Integer(strict=True, validate=validate.Range(min=1, max=3)),
        load_default=None,
        allow_none=True,
    )
    resolution_due_at = Instant(load_default=None, allow_none=True)


class RecommendationRequestSchema(Schema):
    """Either a ticket (stored or drafted), or a zone and a focus for advice."""

    ticket_id = Id(metadata={"example": 42})
    ticket = fields.Nested(DraftTicketSchema)
    zone = Text(100, low=1, allow_none=True)
    focus = fields.String(validate=validate.OneOf(FOCUSES), allow_none=True)

    @ma.validates_schema
    def one_question(self, data: dict[str, object], **_: object) -> None:
        about_ticket = [name for name in ("ticket_id", "ticket") if name in data]
        about_zone = [name for name in ("zone", "focus") if name in data]
        if len(about_ticket) > 1 or (about_ticket and about_zone):
            raise ValidationError(
                "Send ticket_id, or ticket, or zone and focus; not both.",
                (about_ticket + about_zone)[-1],
            )


class ReasonSchema(Schema):
    criterion = fields.String()
    value = fields.Float()
    weight = fields.Float()
    contribution = fields.Float()
    text = fields.String()


class CandidateSchema(Schema):
    team_id = fields.Integer()
    name = fields.String()
    zone = fields.String()
    score = fields.Float()
    breach_probability = fields.Float(allow_none=True)
    eta_minutes = fields.Float()
    travel_km = fields.Float(allow_none=True)
    reasons = fields.List(fields.Nested(ReasonSchema))
    counterfactual = fields.String()


class RejectedSchema(Schema):
    team_id = fields.Integer()
    rule = fields.String(metadata={"example": "skills"})
    text = fields.String()


class AdviceSchema(Schema):
    code = fields.String()
    focus = fields.String()
    zone = fields.String(allow_none=True)
    text = fields.String()
    evidence = fields.Dict()
    estimated_effect = fields.Dict()
    tickets_url = fields.String()


class RecommendationSchema(Schema):
    """candidates and rejected for a ticket; items for a zone and focus."""

    ticket_id = fields.Integer(allow_none=True)
    number = fields.String()
    candidates = fields.List(fields.Nested(CandidateSchema))
    rejected = fields.List(fields.Nested(RejectedSchema))
    items = fields.List(fields.Nested(AdviceSchema))
    model = fields.Dict()
    assumptions = fields.Dict()
    as_of = Instant()


class InsightQuerySchema(Schema):
    zone = Text(100, low=1, load_default=None)
    kind = CommaList(fields.String(validate=validate.OneOf(KINDS)), load_default=())
    limit = limit_field()


class EvidenceSchema(Schema):
    metric = fields.String()
    value = fields.Float()
    expected = fields.Float(allow_none=True)
    window = fields.String()


class InsightSchema(Schema):
    id = fields.Integer()
    kind = fields.String(validate=validate.OneOf(KINDS))
    severity = fields.String(validate=validate.OneOf(["critical", "warning", "info"]))
    zone = fields.String(allow_none=True)
    team_id = fields.Integer(allow_none=True)
    title = fields.String()
    text = fields.String()
    evidence = fields.Nested(EvidenceSchema)
    tickets_url = fields.String()
    suggested_action = fields.String()
    first_seen_at = Instant()
    last_seen_at = Instant()


class InsightListSchema(Schema):
    items = fields.List(fields.Nested(InsightSchema))
    page = fields.Dict()
    as_of = Instant(allow_none=True)


class RiskQuerySchema(BuildingSchema):
    builds = RiskFilter

    zone = Text(100, low=1, load_default=None)
    team_id = fields.Integer(load_default=None, validate=validate.Range(min=1))
    priority = CommaList(word(Priority), load_default=())
    window_hours = fields.Float(
        load_default=None,
        validate=validate.Range(min=0, max=24 * 366, min_inclusive=False),
    )
    breached = fields.Boolean(load_default=None)
    min_probability = fields.Float(
        load_default=0.0, validate=validate.Range(min=0, max=1)
    )
    limit = limit_field()


class RiskItemSchema(Schema):
    ticket_id = fields.Integer()
    number = fields.String()
    title = fields.String()
    status = fields.String()
    priority = fields.String()
    category = fields.String()
    zone = fields.String()
    team_id = fields.Integer(allow_none=True)
    due_at = Instant(allow_none=True)
    remaining_minutes = fields.Float(allow_none=True)
    breached = fields.Boolean()
    breach_probability = fields.Float(allow_none=True)
    used_ratio = fields.Float()
    n = fields.Integer()
    factors = fields.List(fields.Dict())
    what_would_help = fields.List(fields.Dict())
    tickets_url = fields.String()


class RiskListSchema(Schema):
    items = fields.List(fields.Nested(RiskItemSchema))
    page = fields.Dict()
    model = fields.Dict()
    as_of = Instant()


class SimilarQuerySchema(Schema):
    ticket_id = fields.Integer(load_default=None, validate=validate.Range(min=1))
    text = Text(1000, low=1, load_default=None)
    limit = fields.Integer(load_default=10, validate=validate.Range(min=1, max=50))

    @ma.validates_schema
    def one_question(self, data: dict[str, object], **_: object) -> None:
        if (data.get("ticket_id") is None) == (data.get("text") is None):
            raise ValidationError("Send either ticket_id or text.", "ticket_id")


class SimilarItemSchema(Schema):
    ticket_id = fields.Integer()
    number = fields.String()
    title = fields.String()
    similarity = fields.Float()
    status = fields.String()
    category = fields.String()
    priority = fields.String()
    cause = fields.String(allow_none=True)
    zone = fields.String()
    team_id = fields.Integer(allow_none=True)
    team_name = fields.String(allow_none=True)
    resolution_code = fields.String(allow_none=True)
    completed_at = Instant(allow_none=True)
    resolution_minutes = fields.Float(allow_none=True)
    visits_count = fields.Integer()
    reopen_count = fields.Integer()
    sla_verdict = fields.String(allow_none=True)


class SimilarListSchema(Schema):
    items = fields.List(fields.Nested(SimilarItemSchema))
    summary = fields.Dict()
    model = fields.Dict()


class ModelSchema(Schema):
    name = fields.String()
    purpose = fields.String()
    trained_at = Instant()
    rows = fields.Integer()
    features = fields.List(fields.String())
    hold_out = fields.Dict()
    baseline = fields.Dict()
    sha256 = fields.String(allow_none=True)


class ModelListSchema(Schema):
    items = fields.List(fields.Nested(ModelSchema))
    page = fields.Dict()
