"""The shape of tickets, visits and comments on the wire. Shape only, no rule."""

from datetime import date, datetime
from typing import Any

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

from db.vocabulary import (
    Category,
    Cause,
    HoldReason,
    Priority,
    SlaState,
    Status,
    Visibility,
    VisitStatus,
)
from service_kit.paging import PageQuerySchema
from service_kit.schemas import CommaList, Id, Instant, Schema, Text, Word
from tickets_service.lifecycle import Action
from tickets_service.ticket_queries import SORT_WORDS

MAX_TAGS = 20
MAX_MINUTES = 60 * 24 * 90


class DayOrInstant(fields.Field[Any]):
    """An instant, or a date that means a day of the organisation."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date | datetime:
        text = str(value).strip()
        try:
            if len(text) == 10:
                return date.fromisoformat(text)
        except ValueError as error:
            raise ValidationError("Not a valid date.") from error
        found: datetime = Instant().deserialize(text.replace(" ", "+"))
        return found


class CoordinatesSchema(Schema):
    lat = fields.Float(required=True, validate=validate.Range(-90, 90))
    lon = fields.Float(required=True, validate=validate.Range(-180, 180))


class CustomerSchema(Schema):
    name = Text(200, allow_none=True)
    phone = Text(50, allow_none=True)
    email = Text(254, allow_none=True)


class Tag(Text):
    def __init__(self, **options: Any) -> None:
        super().__init__(50, low=1, **options)


class OverrideReason(Text):
    """Why a team is sent against the rules of skill and zone."""

    def __init__(self, **options: Any) -> None:
        super().__init__(500, low=1, allow_none=True, **options)


class TicketFields(Schema):
    """What a client may say of a ticket, when opening it and when changing it."""

    title = Text(200, low=1)
    description = Text(20_000)
    priority = Word(Priority)
    category = Word(Category)
    cause = Word(Cause, allow_none=True)
    zone = Text(100, low=1)
    location = Text(500, allow_none=True)
    coordinates = fields.Nested(CoordinatesSchema, allow_none=True)
    customer = fields.Nested(CustomerSchema, allow_none=True)
    estimated_minutes = fields.Integer(
        strict=True, allow_none=True, validate=validate.Range(1, MAX_MINUTES)
    )
    external_ref = Text(200, low=1, allow_none=True)
    tags = fields.List(Tag(), validate=validate.Length(max=MAX_TAGS))
    parent_id = Id(allow_none=True)
    duplicate_of_id = Id(allow_none=True)


class NewTicketSchema(TicketFields):
    title = Text(200, low=1, required=True)
    category = Word(Category, required=True)
    zone = Text(100, low=1, required=True)
    opened_at = Instant()
    opened_reason = Text(500, low=1)
    team_id = Id(allow_none=True)
    override_reason = OverrideReason()


class TicketChangesSchema(TicketFields):
    """Only the fields sent are changed. reason: of a hold, or of the change."""

    status = Word(Status)
    reason = Text(500, low=1)
    note = Text(2_000)
    team_id = Id(allow_none=True)
    technician_id = Id(allow_none=True)
    override_reason = OverrideReason()


class TransitionSchema(Schema):
    action = Word(Action, required=True)
    reason = Text(500, low=1, allow_none=True)
    note = Text(2_000, allow_none=True)
    occurred_at = Instant(allow_none=True)
    evidence = fields.Dict(keys=Text(50), load_default=dict)


class NewAssignmentSchema(Schema):
    team_id = Id(required=True)
    technician_id = Id(allow_none=True)
    reason = Text(500, low=1, allow_none=True)
    override_reason = OverrideReason()
    expires_at = Instant(allow_none=True)


class AssignmentChangeSchema(Schema):
    status = Word(VisitStatus, required=True)
    reason = Text(500, low=1, allow_none=True)
    occurred_at = Instant(allow_none=True)
    evidence = fields.Dict(keys=Text(50), load_default=dict)


class NewCommentSchema(Schema):
    body = Text(20_000, low=1, required=True)
    visibility = Word(Visibility, load_default=Visibility.PUBLIC)


class CommentChangeSchema(Schema):
    body = Text(20_000, low=1, required=True)


LATE_REASONS = ("not_answered", "not_started", "reopened", "not_finished")


class TicketFilterFields(Schema):
    """The filters of lists, statistics, exports and bulk commands."""

    status = CommaList(Word(Status))
    priority = CommaList(Word(Priority))
    category = CommaList(Word(Category))
    cause = CommaList(Word(Cause))
    zone = CommaList(Text(100, low=1))
    team_id = CommaList(fields.Integer(validate=validate.Range(1, 2**62)))
    technician_id = CommaList(fields.Integer(validate=validate.Range(1, 2**62)))
    created_by = CommaList(fields.Integer(validate=validate.Range(1, 2**62)))
    assigned = fields.Boolean()
    mine = fields.Boolean()
    sla_state = CommaList(Word(SlaState))
    created_from = DayOrInstant()
    created_to = DayOrInstant()
    completed_from = DayOrInstant()
    completed_to = DayOrInstant()
    responded_from = DayOrInstant()
    responded_to = DayOrInstant()
    response_judged_from = DayOrInstant()
    response_judged_to = DayOrInstant()
    resolution_judged_from = DayOrInstant()
    resolution_judged_to = DayOrInstant()
    unfinished_at = DayOrInstant()
    in_hand_from = DayOrInstant(
        metadata={
            "description": "With in_hand_to: completed between them, or unfinished "
            "at the later one."
        }
    )
    in_hand_to = DayOrInstant()
    late_reason = CommaList(fields.String(validate=validate.OneOf(LATE_REASONS)))
    held_for = CommaList(Word(HoldReason))
    policy_id = CommaList(fields.Integer(validate=validate.Range(1, 2**62)))
    due_before = DayOrInstant()
    updated_since = DayOrInstant()
    tag = CommaList(Tag())
    external_ref = CommaList(Text(200, low=1))
    parent_id = CommaList(fields.Integer(validate=validate.Range(1, 2**62)))
    duplicate_of_id = CommaList(fields.Integer(validate=validate.Range(1, 2**62)))
    q = Text(200)


class TicketQuerySchema(TicketFilterFields, PageQuerySchema):
    sort = fields.String(
        load_default="-created_at", validate=validate.OneOf(SORT_WORDS)
    )


GROUPS = ("status", "priority", "category", "zone", "team_id", "technician_id", "cause")


class StatsQuerySchema(TicketFilterFields):
    group_by = fields.String(validate=validate.OneOf(GROUPS))


class AssignmentQuerySchema(PageQuerySchema):
    status = CommaList(Word(VisitStatus))
    team_id = CommaList(fields.Integer(validate=validate.Range(1, 2**62)))
    technician_id = CommaList(fields.Integer(validate=validate.Range(1, 2**62)))
    ticket_id = CommaList(fields.Integer(validate=validate.Range(1, 2**62)))
    mine = fields.Boolean()
    zone = CommaList(Text(100, low=1))
    category = CommaList(Word(Category))
    priority = CommaList(Word(Priority))
    offered_from = DayOrInstant()
    offered_to = DayOrInstant()
    ended_from = DayOrInstant()
    ended_to = DayOrInstant()


# Answers: written by orjson from rows, documented by these.


class ClockSchema(ma.Schema):
    target_minutes = fields.Integer(allow_none=True)
    due_at = fields.AwareDateTime(allow_none=True)
    due_if_resumed_now = fields.AwareDateTime(
        allow_none=True, metadata={"description": "While paused only."}
    )
    remaining_seconds = fields.Integer(allow_none=True)
    elapsed_seconds = fields.Integer(allow_none=True)
    state = fields.Enum(SlaState, by_value=True)


class TicketSlaSchema(ma.Schema):
    state = fields.Enum(SlaState, by_value=True)
    response = fields.Nested(ClockSchema)
    resolution = fields.Nested(ClockSchema)


class TicketSchema(ma.Schema):
    id = fields.Integer(metadata={"example": 42})
    number = fields.String(metadata={"example": "CTT_42"})
    title = fields.String(metadata={"example": "No light on the ONT"})
    description = fields.String()
    status = fields.Enum(Status, by_value=True)
    priority = fields.Enum(Priority, by_value=True)
    category = fields.Enum(Category, by_value=True)
    cause = fields.Enum(Cause, by_value=True, allow_none=True)
    zone = fields.String(metadata={"example": "Selangor"})
    location = fields.String(allow_none=True)
    coordinates = fields.Nested(CoordinatesSchema, allow_none=True)
    customer = fields.Nested(CustomerSchema, allow_none=True)
    team_id = fields.Integer(allow_none=True)
    technician_id = fields.Integer(allow_none=True)
    created_by = fields.Integer()
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()
    opened_at = fields.AwareDateTime()
    started_at = fields.AwareDateTime(allow_none=True)
    completed_at = fields.AwareDateTime(allow_none=True)
    closed_at = fields.AwareDateTime(allow_none=True)
    cancelled_at = fields.AwareDateTime(allow_none=True)
    estimated_minutes = fields.Integer(allow_none=True)
    external_ref = fields.String(allow_none=True)
    tags = fields.List(fields.String())
    parent_id = fields.Integer(allow_none=True)
    duplicate_of_id = fields.Integer(allow_none=True)
    follows_id = fields.Integer(allow_none=True)
    hold_reason = fields.String(allow_none=True)
    resolution_code = fields.String(allow_none=True)
    reopen_count = fields.Integer()
    version = fields.Integer()
    sla = fields.Nested(TicketSlaSchema)


class PageInfoSchema(ma.Schema):
    limit = fields.Integer()
    next = fields.String(allow_none=True)
    total = fields.Integer()


def page_of(item: type[ma.Schema], name: str) -> type[ma.Schema]:
    """Return the documented shape of a list."""
    return ma.Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item)),
            "page": fields.Nested(PageInfoSchema),
        },
        name=name,
    )


class ZoneSchema(ma.Schema):
    id = fields.Integer()
    name = fields.String()
    code = fields.String(allow_none=True)
    country = fields.String()
    region = fields.String(allow_none=True)
    tz = fields.String()
    lat = fields.Float(allow_none=True)
    lon = fields.Float(allow_none=True)
    aliases = fields.List(fields.String())
    is_active = fields.Boolean()


class AssignmentSchema(ma.Schema):
    id = fields.Integer()
    ticket_id = fields.Integer()
    ticket_number = fields.String()
    team_id = fields.Integer()
    technician_id = fields.Integer(allow_none=True)
    status = fields.Enum(VisitStatus, by_value=True)
    reason = fields.String(allow_none=True)
    created_by = fields.Integer()
    offered_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime(allow_none=True)
    accepted_at = fields.AwareDateTime(allow_none=True)
    en_route_at = fields.AwareDateTime(allow_none=True)
    on_site_at = fields.AwareDateTime(allow_none=True)
    finished_at = fields.AwareDateTime(allow_none=True)
    outcome_reason = fields.String(allow_none=True)
    updated_at = fields.AwareDateTime()
    version = fields.Integer()
    warnings = fields.List(fields.String())
    override_reason = fields.String(allow_none=True)


class CommentSchema(ma.Schema):
    id = fields.Integer()
    ticket_id = fields.Integer()
    author_id = fields.Integer()
    author = fields.String(allow_none=True)
    body = fields.String()
    visibility = fields.Enum(Visibility, by_value=True)
    mentions = fields.List(fields.String())
    created_at = fields.AwareDateTime()
    edited_at = fields.AwareDateTime(allow_none=True)
    version = fields.Integer()


class EventSchema(ma.Schema):
    id = fields.Integer()
    seq = fields.Integer()
    ticket_id = fields.Integer()
    kind = fields.String(metadata={"example": "ticket.held"})
    actor_id = fields.Integer(allow_none=True)
    actor = fields.String(allow_none=True)
    via = fields.String()
    occurred_at = fields.AwareDateTime()
    recorded_at = fields.AwareDateTime()
    changes = fields.Dict(keys=fields.String(), values=fields.Dict())
    data = fields.Dict()


class MoveSchema(ma.Schema):
    action = fields.Enum(Action, by_value=True)
    to = fields.Enum(Status, by_value=True)
    needs = fields.String()
    effect = fields.String()


class MovesSchema(ma.Schema):
    status = fields.Enum(Status, by_value=True)
    allowed = fields.List(fields.String())
    items = fields.List(fields.Nested(MoveSchema))


TicketPageSchema = page_of(TicketSchema, "TicketPageSchema")
ZonePageSchema = page_of(ZoneSchema, "ZonePageSchema")
AssignmentPageSchema = page_of(AssignmentSchema, "AssignmentPageSchema")
CommentPageSchema = page_of(CommentSchema, "CommentPageSchema")
EventPageSchema = page_of(EventSchema, "EventPageSchema")


class StatsSchema(ma.Schema):
    total = fields.Integer()
    by_status = fields.Dict(keys=fields.String(), values=fields.Integer())
    by_priority = fields.Dict(keys=fields.String(), values=fields.Integer())
    by_category = fields.Dict(keys=fields.String(), values=fields.Integer())
    by_zone = fields.Dict(keys=fields.String(), values=fields.Integer())
    unassigned = fields.Integer()
    overdue = fields.Integer()
    at_risk = fields.Integer()
    created_today = fields.Integer()
    completed_today = fields.Integer()
    avg_resolution_minutes = fields.Float(allow_none=True)
    median_resolution_minutes = fields.Float(allow_none=True)
    p90_resolution_minutes = fields.Float(allow_none=True)
    sla_met_ratio = fields.Float(allow_none=True)
    group_by = fields.String()
    groups = fields.List(fields.Dict())
    as_of = fields.AwareDateTime()
