"""HTTP face of a user's notifications."""

from typing import Any

import marshmallow as ma
from flask import Response
from flask_smorest import Blueprint
from marshmallow import fields

from service_kit.answers import json_response
from service_kit.auth import EVERYONE, allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import read_only, transaction
from service_kit.paging import (
    PageQuerySchema,
    decode_cursor,
    encode_cursor,
    page_response,
)
from tickets_service import inbox
from tickets_service.schemas import page_of

blueprint = Blueprint(
    "notifications", __name__, url_prefix="/api/notifications", description="Inbox"
)


class InboxQuerySchema(PageQuerySchema):
    unread = fields.Boolean(load_default=False)


class NotificationSchema(ma.Schema):
    id = fields.Integer()
    kind = fields.String(metadata={"example": "mention"})
    ticket_id = fields.Integer(allow_none=True)
    ticket_number = fields.String(allow_none=True)
    data = fields.Dict()
    created_at = fields.AwareDateTime()
    read_at = fields.AwareDateTime(allow_none=True)


class ReadSchema(ma.Schema):
    marked = fields.Integer()


class UnreadSchema(ma.Schema):
    unread = fields.Integer()


@blueprint.get("")
@allow(*EVERYONE)
@blueprint.arguments(InboxQuerySchema, location="query")
@blueprint.response(200, page_of(NotificationSchema, "NotificationPageSchema"))
def list_notifications(query: dict[str, Any]) -> Response:
    """List one's own notifications, newest first."""
    user_id, limit = current_actor().user_id, query["limit"]
    cursor = query["cursor"]
    before = decode_cursor(cursor, "-id", (int,))[0] if cursor else None
    with read_only() as connection:
        found = inbox.notifications_of(
            connection, user_id, before, limit + 1, unread=query["unread"]
        )
    last = inbox.ids_after(found, limit)
    more = encode_cursor("-id", [last]) if last else None
    return page_response(found[:limit], limit=limit, next_cursor=more)


@blueprint.get("/unread")
@allow(*EVERYONE)
@blueprint.response(200, UnreadSchema)
def count_unread() -> Response:
    """Answer how many of one's notifications are unread, up to 1,000."""
    with read_only() as connection:
        count = inbox.unread_count(connection, current_actor().user_id)
    return json_response({"unread": count})


@blueprint.post("/<int:notification_id>/read")
@allow(*EVERYONE)
@blueprint.response(200, NotificationSchema)
def read_notification(notification_id: int) -> Response:
    """Mark a notification as read."""
    with transaction() as connection:
        found = inbox.mark_read(
            connection, current_actor().user_id, notification_id, utc_now()
        )
    return json_response(found)


@blueprint.post("/read")
@allow(*EVERYONE)
@blueprint.response(200, ReadSchema)
def read_all() -> Response:
    """Mark all of one's notifications as read."""
    with transaction() as connection:
        marked = inbox.mark_all_read(connection, current_actor().user_id, utc_now())
    return json_response({"marked": marked})
