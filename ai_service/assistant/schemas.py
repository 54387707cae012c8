"""The wire shape of the assistant. Shape only."""

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

from service_kit.schemas import Id, Instant, Schema, Text


class ChatRequestSchema(Schema):
    """A message, or the token of a proposal to carry out."""

    message = Text(2_000, low=1, metadata={"example": "How many open tickets in KL?"})
    conversation_id = Id(allow_none=True)
    locale = fields.String(validate=validate.OneOf(["en", "ms"]), allow_none=True)
    confirm = Text(200, low=1)

    @ma.validates_schema
    def one_thing(self, data: dict[str, object], **_: object) -> None:
        if ("message" in data) == ("confirm" in data):
            raise ValidationError("Send either message or confirm.", "message")
        if "message" in data and not str(data["message"]).strip():
            raise ValidationError("Say something.", "message")
        if "confirm" in data and not data.get("conversation_id"):
            raise ValidationError("Needed with confirm.", "conversation_id")


class ChatPlanSchema(Schema):
    tool = fields.String()
    arguments = fields.Dict()


class ToolCallSchema(Schema):
    name = fields.String()
    arguments = fields.Dict()
    status = fields.Integer()
    source_url = fields.String()


class ProposalSchema(Schema):
    token = fields.String()
    expires_at = Instant()
    summary = fields.String()
    calls = fields.List(fields.Dict())


class ChatAnswerSchema(Schema):
    conversation_id = fields.Integer()
    reply = fields.String()
    language = fields.String()
    tool_calls = fields.List(fields.Nested(ToolCallSchema))
    plan = fields.Nested(ChatPlanSchema)
    interpretation = fields.String()
    proposal = fields.Nested(ProposalSchema, allow_none=True)
    suggestions = fields.List(fields.String())
    engine = fields.String()
    degraded = fields.Boolean()
