"""HTTP face of bulk changes."""

from dataclasses import replace
from typing import Any

import marshmallow as ma
from flask import Response
from flask_smorest import Blueprint
from marshmallow import ValidationError, fields, pre_load, validate, validates_schema

from db.vocabulary import Role
from service_kit.answers import json_response
from service_kit.auth import STAFF, allow
from service_kit.database import transaction
from service_kit.schemas import Id, Schema, Text, Word
from tickets_service import bulk_actions
from tickets_service.bulk_actions import MAX_TICKETS
from tickets_service.desk import asked, filter_from, organisation_zone, world
from tickets_service.lifecycle import Action
from tickets_service.schemas import TicketChangesSchema, TicketFilterFields


class FilterBodySchema(TicketFilterFields):
    """A filter as JSON: as in the query, or lists instead of commas."""

    @pre_load
    def join_lists(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {
            name: ",".join(map(str, value)) if isinstance(value, list) else value
            for name, value in data.items()
        }


class BulkSchema(Schema):
    ids = fields.List(Id(), validate=validate.Length(1, MAX_TICKETS))
    filter = fields.Nested(FilterBodySchema)
    action = Word(Action)
    set = fields.Nested(TicketChangesSchema)
    reason = Text(500, low=1)
    note = Text(2_000)
    evidence = fields.Dict(keys=Text(50))

    @validates_schema
    def check_choice(self, data: dict[str, Any], **_: Any) -> None:
        if ("ids" in data) == ("filter" in data):
            raise ValidationError("Send either ids or a filter.", "ids")
        if ("action" in data) == ("set" in data):
            raise ValidationError("Send either an action or a set.", "action")
        if "filter" in data and not data["filter"]:
            raise ValidationError("Name at least one condition.", "filter")
        with_set = data.keys() & {"reason", "note", "evidence"}
        if "set" in data and with_set:
            field = min(with_set)
            raise ValidationError("Goes with an action; else into the set.", field)
        if "set" in data and not data["set"]:
            raise ValidationError("Name at least one field.", "set")


class BulkQuerySchema(Schema):
    atomic = fields.Boolean(load_default=False)


class BulkItemSchema(ma.Schema):
    """code, detail: of an error; changed, version: of a ticket that is well."""

    id = fields.Integer(metadata={"example": 42})
    number = fields.String(metadata={"example": "CTT_42"})
    status = fields.String(validate=validate.OneOf(("ok", "error")))
    code = fields.String(metadata={"example": "illegal_transition"})
    detail = fields.String()
    changed = fields.Boolean()
    version = fields.Integer()
    follow_up_id = fields.Integer(
        metadata={"description": "The ticket that a reopening too late opened"}
    )


class BulkOutcomeSchema(ma.Schema):
    items = fields.List(fields.Nested(BulkItemSchema))
    succeeded = fields.Integer()
    failed = fields.Integer()


blueprint = Blueprint(
    "bulk", __name__, url_prefix="/api/tickets", description="Many tickets at once"
)


@blueprint.post("/bulk")
@allow(*STAFF, Role.REQUESTER)
@blueprint.arguments(BulkSchema)
@blueprint.arguments(BulkQuerySchema, location="query")
@blueprint.response(200, BulkOutcomeSchema)
def change_tickets(sent: dict[str, Any], query: dict[str, Any]) -> Response:
    """Move or change up to 1,000 tickets; `atomic=true` all or none.

    Each ticket has its own outcome, by the rules that hold for it alone; a ticket
    that the caller may not see is not found. A filter means what it means in the list.
    """
    request = replace(asked(), version=None)
    with transaction() as connection:
        ids = sent.get("ids")
        if ids is None:
            wanted = filter_from(connection, sent["filter"], organisation_zone())
            ids = bulk_actions.chosen_ids(connection, wanted, request)
        change = (
            bulk_actions.change_all if query["atomic"] else bulk_actions.change_many
        )
        items = change(connection, ids, sent, request, world(connection))
    succeeded = sum(item["status"] == "ok" for item in items)
    return json_response(
        {"items": items, "succeeded": succeeded, "failed": len(items) - succeeded}
    )
