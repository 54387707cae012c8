"""The shape of calendars, policies, explanations and what-ifs on the wire."""

import marshmallow as ma
from marshmallow import ValidationError, fields, validate, validates_schema

from db.vocabulary import HoldReason, Priority
from service_kit.schemas import Id, Instant, Schema, Text, Word
from tickets_service.schemas import page_of
from tickets_service.sla_actions import MAX_REPRICED


class NewCalendarSchema(Schema):
    name = Text(100, low=1, required=True)
    definition = fields.Dict(required=True)


class NewPolicySchema(Schema):
    name = Text(100, low=1, required=True)
    calendar_id = Id(required=True)
    zones = fields.List(Text(100, low=1), allow_none=True)
    priorities = fields.List(Word(Priority), allow_none=True)
    targets = fields.Dict(required=True)
    options = fields.Dict(load_default=dict)
    is_active = fields.Boolean(load_default=True)


class RepriceQuerySchema(Schema):
    preview = fields.Boolean(load_default=False)
    limit = fields.Integer(
        load_default=MAX_REPRICED, validate=validate.Range(1, MAX_REPRICED)
    )
    cursor = fields.String(load_default=None)


class HoldSchema(Schema):
    start = Instant(data_key="from", attribute="from")
    end = Instant(data_key="to", attribute="to")
    reason = Word(HoldReason)

    @validates_schema
    def check_order(self, data: dict[str, object], **_: object) -> None:
        start, end = data.get("from"), data.get("to")
        if start is not None and end is not None and end < start:  # type: ignore[operator]
            raise ValidationError("is before from", "to")


class WhatIfSchema(Schema):
    priority = Word(Priority)
    hold = fields.Nested(HoldSchema)
    calendar_id = Id()


class PreviewQuestionSchema(Schema):
    """Documents the body; tickets_service/preview.py checks it, path by path."""

    calendar = fields.Dict(required=True)
    start = fields.AwareDateTime(required=True)
    target_seconds = fields.Integer(required=True, validate=validate.Range(min=1))
    pauses = fields.List(fields.Dict())
    now = fields.AwareDateTime()


class SegmentSchema(ma.Schema):
    start = fields.AwareDateTime(data_key="from")
    end = fields.AwareDateTime(data_key="to")
    kind = fields.String(metadata={"example": "holiday:Merdeka"})
    seconds = fields.Integer()


class PreviewSchema(ma.Schema):
    due_at = fields.AwareDateTime(allow_none=True)
    elapsed_seconds = fields.Integer()
    remaining_seconds = fields.Integer()
    segments = fields.List(fields.Nested(SegmentSchema))


class ClockExplainedSchema(ma.Schema):
    state = fields.String()
    target_minutes = fields.Float()
    target_seconds = fields.Integer()
    floor_seconds = fields.Integer()
    started_at = fields.AwareDateTime()
    carried_seconds = fields.Integer()
    due_at = fields.AwareDateTime(allow_none=True)
    due_if_resumed_now = fields.AwareDateTime(allow_none=True)
    done_at = fields.AwareDateTime(allow_none=True)
    breached_at = fields.AwareDateTime(allow_none=True)
    elapsed_seconds = fields.Integer()
    remaining_seconds = fields.Integer()
    cycle = fields.Integer()
    superseded = fields.List(fields.Dict())
    segments = fields.List(fields.Nested(SegmentSchema))


class ExplanationSchema(ma.Schema):
    ticket_id = fields.Integer()
    state = fields.String()
    policy = fields.Dict()
    calendar = fields.Dict()
    response = fields.Nested(ClockExplainedSchema)
    resolution = fields.Nested(ClockExplainedSchema)
    as_of = fields.AwareDateTime()


class WhatIfAnswerSchema(ma.Schema):
    ticket_id = fields.Integer()
    response = fields.Dict()
    resolution = fields.Dict()
    as_of = fields.AwareDateTime()


class CalendarSchema(ma.Schema):
    id = fields.Integer()
    name = fields.String()
    version = fields.Integer()
    definition = fields.Dict()
    created_by = fields.Integer(allow_none=True)
    created_at = fields.AwareDateTime()


class PolicySchema(ma.Schema):
    id = fields.Integer()
    name = fields.String()
    version = fields.Integer()
    calendar_id = fields.Integer()
    zones = fields.List(fields.String(), allow_none=True)
    priorities = fields.List(fields.String(), allow_none=True)
    targets = fields.Dict()
    options = fields.Dict()
    is_active = fields.Boolean()
    created_by = fields.Integer(allow_none=True)
    created_at = fields.AwareDateTime()


class RepricedSchema(ma.Schema):
    policy_id = fields.Integer()
    preview = fields.Boolean()
    count = fields.Integer(metadata={"description": "Tickets of this call"})
    remaining = fields.Integer(metadata={"description": "Tickets after them"})
    more = fields.Boolean()
    next = fields.String(allow_none=True)
    items = fields.List(fields.Dict())


CalendarPageSchema = page_of(CalendarSchema, "CalendarPageSchema")
PolicyPageSchema = page_of(PolicySchema, "PolicyPageSchema")
