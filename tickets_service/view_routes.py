"""HTTP face of saved views."""

from typing import Any

import marshmallow as ma
from flask import Response
from flask_smorest import Blueprint
from marshmallow import ValidationError, fields

from service_kit.answers import json_response
from service_kit.auth import EVERYONE, allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import read_only, transaction
from service_kit.errors import Invalid
from service_kit.etags import etag, expected_version, tagged
from service_kit.paging import (
    PageQuerySchema,
    decode_cursor,
    encode_cursor,
    page_response,
)
from service_kit.schemas import Schema, Text
from tickets_service import view_actions
from tickets_service.schemas import TicketQuerySchema, page_of

blueprint = Blueprint("views", __name__, url_prefix="/api/views", description="Views")


class NewViewSchema(Schema):
    """filters: query parameters of the ticket list, as texts."""

    name = Text(100, low=1, required=True)
    filters = fields.Dict(keys=Text(50), values=Text(500), required=True)
    is_shared = fields.Boolean(load_default=False)


class ViewChangeSchema(Schema):
    name = Text(100, low=1)
    filters = fields.Dict(keys=Text(50), values=Text(500))
    is_shared = fields.Boolean()


class ViewSchema(ma.Schema):
    id = fields.Integer()
    name = fields.String()
    filters = fields.Dict(keys=fields.String(), values=fields.String())
    is_shared = fields.Boolean()
    owner_id = fields.Integer()
    owner = fields.String(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()
    version = fields.Integer()


def checked(filters: dict[str, str] | None) -> None:
    """Raise Invalid naming each filter that the ticket list would refuse."""
    try:
        TicketQuerySchema().load(filters or {})
    except ValidationError as error:
        messages = error.normalized_messages()
        raise Invalid({f"filters.{k}": v for k, v in messages.items()}) from error


def view_response(view: dict[str, Any], status: int = 200) -> Response:
    headers = {"Location": f"/api/views/{view['id']}"} if status == 201 else {}
    return tagged(json_response(view, status, headers), etag(view["version"]))


@blueprint.get("")
@allow(*EVERYONE)
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, page_of(ViewSchema, "ViewPageSchema"))
def list_views(query: dict[str, Any]) -> Response:
    """List one's own views and those that others share."""
    limit, cursor = query["limit"], query["cursor"]
    after = decode_cursor(cursor, "id", (int,))[0] if cursor else 0
    with read_only() as connection:
        found = view_actions.views_for(connection, current_actor(), after, limit + 1)
    shown = found[:limit]
    more = encode_cursor("id", [shown[-1]["id"]]) if len(found) > limit else None
    return page_response(shown, limit=limit, next_cursor=more)


@blueprint.post("")
@allow(*EVERYONE)
@blueprint.arguments(NewViewSchema)
@blueprint.response(201, ViewSchema)
def add_view(new: dict[str, Any]) -> Response:
    """Save a filter of the ticket list under a name."""
    checked(new["filters"])
    with transaction() as connection:
        view = view_actions.add_view(connection, new, current_actor(), utc_now())
    return view_response(view, 201)


@blueprint.get("/<int:view_id>")
@allow(*EVERYONE)
@blueprint.response(200, ViewSchema)
def get_view(view_id: int) -> Response:
    """Answer one view."""
    with read_only() as connection:
        return view_response(
            view_actions.get_view(connection, view_id, current_actor())
        )


@blueprint.patch("/<int:view_id>")
@allow(*EVERYONE)
@blueprint.arguments(ViewChangeSchema)
@blueprint.response(200, ViewSchema)
def change_view(changes: dict[str, Any], view_id: int) -> Response:
    """Change a view of one's own; only the fields sent."""
    if "filters" in changes:
        checked(changes["filters"])
    actor = current_actor()
    with transaction() as connection:
        view = view_actions.get_view(connection, view_id, actor, lock=True)
        view_actions.check_version(view, expected_version())
        changed = view_actions.change_view(connection, view, changes, actor, utc_now())
    return view_response(changed)


@blueprint.delete("/<int:view_id>")
@allow(*EVERYONE)
@blueprint.response(204)
def remove_view(view_id: int) -> Response:
    """Remove a view of one's own; an administrator any shared one."""
    actor = current_actor()
    with transaction() as connection:
        view = view_actions.get_view(connection, view_id, actor, lock=True)
        view_actions.check_version(view, expected_version())
        view_actions.remove_view(connection, view, actor)
    return Response(status=204)
