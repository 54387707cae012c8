"""HTTP face of webhooks."""

from typing import Any

import marshmallow as ma
from flask import Response
from flask_smorest import Blueprint
from marshmallow import fields, validate

from db.vocabulary import Role
from service_kit.answers import json_response
from service_kit.auth import allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import read_only, transaction
from service_kit.etags import etag, expected_version, tagged
from service_kit.idempotency import never_stored
from service_kit.paging import (
    PageQuerySchema,
    decode_cursor,
    encode_cursor,
    page_response,
)
from service_kit.schemas import Schema, Text
from tickets_service import webhook_actions
from tickets_service.desk import settings
from tickets_service.schemas import page_of
from tickets_service.webhook_jobs import allows_private

MAX_KINDS = 50
OWNERS = (Role.ADMIN, Role.MANAGER)

blueprint = Blueprint(
    "webhooks", __name__, url_prefix="/api/webhooks", description="Webhooks"
)


def kinds_field(**options: Any) -> fields.List[Any]:
    return fields.List(
        Text(60, low=1), validate=validate.Length(max=MAX_KINDS), **options
    )


class NewWebhookSchema(Schema):
    """kinds: event kinds to send; none means all."""

    url = Text(2_000, low=1, required=True)
    kinds = kinds_field(load_default=list)
    secret = Text(200, low=16)


class WebhookChangeSchema(Schema):
    url = Text(2_000, low=1)
    kinds = kinds_field()
    is_active = fields.Boolean()


class WebhookSchema(ma.Schema):
    id = fields.Integer()
    owner_id = fields.Integer()
    url = fields.String()
    kinds = fields.List(fields.String())
    is_active = fields.Boolean()
    created_at = fields.AwareDateTime()
    version = fields.Integer()
    secret = fields.String(metadata={"description": "Only in the answer that makes it"})


class DeliverySchema(ma.Schema):
    id = fields.Integer()
    webhook_id = fields.Integer()
    event_id = fields.Integer(allow_none=True)
    payload = fields.Dict()
    state = fields.String(metadata={"example": "delivered"})
    next_try_at = fields.AwareDateTime(allow_none=True)
    attempts = fields.List(fields.Dict())
    created_at = fields.AwareDateTime()


def webhook_response(webhook: dict[str, Any], status: int = 200) -> Response:
    place = {"Location": f"/api/webhooks/{webhook['id']}"} if status == 201 else {}
    return tagged(json_response(webhook, status, place), etag(webhook["version"]))


def check_url(sent: dict[str, Any]) -> None:
    if "url" in sent:
        webhook_actions.check_url(sent["url"], allow_private=allows_private(settings()))


@blueprint.get("")
@allow(*OWNERS)
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, page_of(WebhookSchema, "WebhookPageSchema"))
def list_webhooks(query: dict[str, Any]) -> Response:
    """List one's own webhooks; an administrator sees all."""
    limit, cursor = query["limit"], query["cursor"]
    after = decode_cursor(cursor, "id", (int,))[0] if cursor else 0
    with read_only() as connection:
        found = webhook_actions.webhooks_for(
            connection, current_actor(), after, limit + 1
        )
    shown = found[:limit]
    more = encode_cursor("id", [shown[-1]["id"]]) if len(found) > limit else None
    return page_response(shown, limit=limit, next_cursor=more)


@blueprint.post("")
@never_stored
@allow(*OWNERS)
@blueprint.arguments(NewWebhookSchema)
@blueprint.response(201, WebhookSchema)
def add_webhook(new: dict[str, Any]) -> Response:
    """Be told of events from now on; the secret is shown this once."""
    check_url(new)
    with transaction() as connection:
        made = webhook_actions.add_webhook(connection, new, current_actor(), utc_now())
    return webhook_response(made, 201)


@blueprint.get("/<int:webhook_id>")
@allow(*OWNERS)
@blueprint.response(200, WebhookSchema)
def get_webhook(webhook_id: int) -> Response:
    """Answer one webhook, without its secret."""
    with read_only() as connection:
        found = webhook_actions.get_webhook(connection, webhook_id, current_actor())
    return webhook_response(found)


@blueprint.patch("/<int:webhook_id>")
@allow(*OWNERS)
@blueprint.arguments(WebhookChangeSchema)
@blueprint.response(200, WebhookSchema)
def change_webhook(changes: dict[str, Any], webhook_id: int) -> Response:
    """Change a webhook; only the fields sent."""
    check_url(changes)
    actor = current_actor()
    with transaction() as connection:
        found = webhook_actions.get_webhook(connection, webhook_id, actor, lock=True)
        webhook_actions.check_version(found, expected_version())
        changed = webhook_actions.change_webhook(connection, found, changes, actor)
    return webhook_response(changed)


@blueprint.delete("/<int:webhook_id>")
@allow(*OWNERS)
@blueprint.response(204)
def remove_webhook(webhook_id: int) -> Response:
    """Remove a webhook with its deliveries."""
    actor = current_actor()
    with transaction() as connection:
        found = webhook_actions.get_webhook(connection, webhook_id, actor, lock=True)
        webhook_actions.check_version(found, expected_version())
        webhook_actions.remove_webhook(connection, found)
    return Response(status=204)


@blueprint.post("/<int:webhook_id>/test")
@allow(*OWNERS)
@blueprint.response(202, DeliverySchema)
def test_webhook(webhook_id: int) -> Response:
    """Queue a test delivery (kind `webhook.test`)."""
    now = utc_now()
    with transaction() as connection:
        webhook_actions.get_webhook(connection, webhook_id, current_actor())
        payload = {"kind": "webhook.test", "occurred_at": now}
        queued = webhook_actions.queue_delivery(connection, webhook_id, payload, now)
        made = webhook_actions.get_delivery(connection, webhook_id, queued or 0)
    return json_response(made, 202)


@blueprint.get("/<int:webhook_id>/deliveries")
@allow(*OWNERS)
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, page_of(DeliverySchema, "DeliveryPageSchema"))
def list_deliveries(query: dict[str, Any], webhook_id: int) -> Response:
    """List what was sent, with each attempt, newest first."""
    limit, cursor = query["limit"], query["cursor"]
    before = decode_cursor(cursor, "-id", (int,))[0] if cursor else None
    with read_only() as connection:
        webhook_actions.get_webhook(connection, webhook_id, current_actor())
        found = webhook_actions.deliveries_of(connection, webhook_id, before, limit + 1)
    shown = found[:limit]
    more = encode_cursor("-id", [shown[-1]["id"]]) if len(found) > limit else None
    return page_response(shown, limit=limit, next_cursor=more)


@blueprint.post("/<int:webhook_id>/deliveries/<int:delivery_id>/redeliver")
@allow(*OWNERS)
@blueprint.response(202, DeliverySchema)
def redeliver(webhook_id: int, delivery_id: int) -> Response:
    """Send a delivery again, under the same id."""
    with transaction() as connection:
        webhook_actions.get_webhook(connection, webhook_id, current_actor())
        queued = webhook_actions.redeliver(
            connection, webhook_id, delivery_id, utc_now()
        )
    return json_response(queued, 202)
