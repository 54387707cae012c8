"""Webhooks and their deliveries: who is told of which events, and how that went.

A webhook sees what its owner may see at the moment of the event's delivery.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from db.scope import Actor
from db.vocabulary import Role
from service_kit.answers import to_json
from service_kit.errors import Invalid, NotFound, Stale
from tickets_service.feed_queries import present_position
from tickets_service.webhook_sending import why_not_sent_to

COLUMNS = "w.id, w.owner_id, w.url, w.kinds, w.is_active, w.created_at, w.version"
DELIVERY_COLUMNS = (
    "d.id, d.webhook_id, d.event_id, d.payload, d.state, d.next_try_at, d.attempts, "
    "d.created_at"
)


def owned(actor: Actor) -> str:
    """Return the condition on `w`: administrators see all, managers their own."""
    return "true" if actor.role is Role.ADMIN else "w.owner_id = %(me)s"


def webhooks_for(
    connection: Connection, actor: Actor, after: int, limit: int
) -> list[dict[str, Any]]:
    rows = connection.exec_driver_sql(
        f"SELECT {COLUMNS} FROM tickets.webhooks w WHERE {owned(actor)} "  # noqa: S608
        "AND w.id > %(after)s ORDER BY w.id LIMIT %(limit)s",
        {"me": actor.user_id, "after": after, "limit": limit},
    ).mappings()
    return [dict(row) for row in rows]


def get_webhook(
    connection: Connection, webhook_id: int, actor: Actor, *, lock: bool = False
) -> dict[str, Any]:
    """Return one webhook without its secret; raises NotFound for another's."""
    row = (
        connection.exec_driver_sql(
            f"SELECT {COLUMNS} FROM tickets.webhooks w WHERE w.id = %(id)s "  # noqa: S608
            f"AND {owned(actor)}" + (" FOR UPDATE OF w" if lock else ""),
            {"id": webhook_id, "me": actor.user_id},
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotFound(f"There is no webhook {webhook_id}.")
    return dict(row)


def check_url(url: str, *, allow_private: bool) -> None:
    why = why_not_sent_to(url, allow_private=allow_private)
    if why:
        raise Invalid({"url": why})


def add_webhook(
    connection: Connection, new: Mapping[str, Any], actor: Actor, now: datetime
) -> dict[str, Any]:
    """Add a webhook for what happens from now on; its secret is answered this once."""
    secret = new.get("secret") or secrets.token_urlsafe(32)
    begin = present_position(connection)
    webhook_id = connection.exec_driver_sql(
        "INSERT INTO tickets.webhooks "
        "(owner_id, url, secret, kinds, feed_xid, feed_id, created_at) VALUES "
        "(%(me)s, %(url)s, %(secret)s, %(kinds)s, %(xid)s, %(id)s, %(now)s) "
        "RETURNING id",
        {
            "me": actor.user_id,
            "url": new["url"],
            "secret": secret,
            "kinds": new["kinds"],
            "xid": begin.xid,
            "id": begin.id,
            "now": now,
        },
    ).scalar_one()
    return {**get_webhook(connection, webhook_id, actor), "secret": secret}


def change_webhook(
    connection: Connection,
    webhook: Mapping[str, Any],
    changes: Mapping[str, Any],
    actor: Actor,
) -> dict[str, Any]:
    """Change the fields sent. Switched on again, it goes on from now."""
    merged = {**webhook, **changes}
    connection.exec_driver_sql(
        "UPDATE tickets.webhooks SET url = %(url)s, kinds = %(kinds)s, "
        "is_active = %(is_active)s, version = version + 1 WHERE id = %(id)s",
        {key: merged[key] for key in ("url", "kinds", "is_active", "id")},
    )
    if merged["is_active"] and not webhook["is_active"]:
        begin = present_position(connection)
        connection.exec_driver_sql(
            "UPDATE tickets.webhooks SET feed_xid = %(xid)s, feed_id = %(feed_id)s "
            "WHERE id = %(id)s",
            {"xid": begin.xid, "feed_id": begin.id, "id": webhook["id"]},
        )
    return get_webhook(connection, webhook["id"], actor)


def remove_webhook(connection: Connection, webhook: Mapping[str, Any]) -> None:
    connection.exec_driver_sql(
        "DELETE FROM tickets.webhooks WHERE id = %(id)s", {"id": webhook["id"]}
    )


def check_version(webhook: Mapping[str, Any], version: int | None) -> None:
    if version is not None and version != webhook["version"]:
        raise Stale("Someone else changed this webhook since you read it.")


def deliveries_of(
    connection: Connection, webhook_id: int, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Return up to `limit` deliveries before the id `before`, newest first."""
    rows = connection.exec_driver_sql(
        f"SELECT {DELIVERY_COLUMNS} FROM tickets.webhook_deliveries d "  # noqa: S608
        "WHERE d.webhook_id = %(id)s "
        "AND (%(before)s::bigint IS NULL OR d.id < %(before)s) "
        "ORDER BY d.id DESC LIMIT %(limit)s",
        {"id": webhook_id, "before": before, "limit": limit},
    ).mappings()
    return [dict(row) for row in rows]


def queue_delivery(
    connection: Connection,
    webhook_id: int,
    payload: Mapping[str, Any],
    now: datetime,
    event_id: int | None = None,
) -> int | None:
    """Queue a delivery; None if that event is queued already."""
    found = connection.exec_driver_sql(
        "INSERT INTO tickets.webhook_deliveries "
        "(webhook_id, event_id, payload, next_try_at, created_at) VALUES "
        "(%(webhook_id)s, %(event_id)s, %(payload)s, %(now)s, %(now)s) "
        "ON CONFLICT (webhook_id, event_id) DO NOTHING RETURNING id",
        {
            "webhook_id": webhook_id,
            "event_id": event_id,
            "payload": to_json(payload).decode(),
            "now": now,
        },
    ).scalar()
    return None if found is None else int(found)


def redeliver(
    connection: Connection, webhook_id: int, delivery_id: int, now: datetime
) -> dict[str, Any]:
    """Put a delivery back into the queue, whatever became of it."""
    connection.exec_driver_sql(
        "UPDATE tickets.webhook_deliveries "
        "SET state = 'pending', next_try_at = %(now)s "
        "WHERE id = %(id)s AND webhook_id = %(webhook_id)s",
        {"id": delivery_id, "webhook_id": webhook_id, "now": now},
    )
    return get_delivery(connection, webhook_id, delivery_id)


def get_delivery(
    connection: Connection, webhook_id: int, delivery_id: int
) -> dict[str, Any]:
    row = (
        connection.exec_driver_sql(
            f"SELECT {DELIVERY_COLUMNS} FROM tickets.webhook_deliveries d "  # noqa: S608
            "WHERE d.id = %(id)s AND d.webhook_id = %(webhook_id)s",
            {"id": delivery_id, "webhook_id": webhook_id},
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    return dict(row)
