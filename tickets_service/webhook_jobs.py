"""Background work of webhooks: queue what happened, send what is due.

Each event is queued once per webhook (a unique key), in the transaction that moves
the webhook's place in the feed. No transaction is open while a receiver is called,
for the change feed would wait for it: a delivery is claimed for LEASE first. A crash
after a receiver answered and before that was noted sends it again under the same id.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import requests
from sqlalchemy import Connection

from db.scope import Actor
from db.vocabulary import Role
from service_kit.answers import to_json
from service_kit.clock import monotonic_s, utc_now
from service_kit.settings import Settings
from service_kit.worker import Job, JobContext
from tickets_service.feed_queries import Position, present_position, settled_events
from tickets_service.filters import scope_of
from tickets_service.webhook_actions import queue_delivery
from tickets_service.webhook_sending import (
    next_try_at,
    payload_of,
    signature,
    why_not_sent_to,
)

EVERY_S = 2.0
BATCH = 500
SENT_IN_A_RUN = 100
TIMEOUT_S = (3.05, 10)  # to connect, to answer
LEASE = timedelta(seconds=60)  # longer than any try
CLAIM = (
    "UPDATE tickets.webhook_deliveries d SET next_try_at = %(until)s "
    "FROM tickets.webhooks w WHERE w.id = d.webhook_id AND d.id = ("
    "SELECT d.id FROM tickets.webhook_deliveries d "
    "JOIN tickets.webhooks w ON w.id = d.webhook_id "
    "WHERE d.state = 'pending' AND d.next_try_at <= %(now)s AND w.is_active "
    "ORDER BY d.next_try_at, d.id LIMIT 1 FOR UPDATE OF d SKIP LOCKED) "
    "RETURNING d.id, d.payload, d.attempts, d.created_at, w.url, w.secret"
)
ACTIVE = (
    "SELECT w.id, w.kinds, w.feed_xid, w.feed_id, u.id AS user_id, u.role, u.team_id, "
    "u.zones FROM tickets.webhooks w JOIN auth.user_directory u ON u.id = w.owner_id "
    "WHERE w.is_active AND u.is_active ORDER BY w.id FOR UPDATE OF w"
)


def queue_events(context: JobContext) -> None:
    """Queue what happened since the last run, for every active webhook."""
    with context.database.transaction() as connection:
        for webhook in connection.exec_driver_sql(ACTIVE).mappings().all():
            queue_for(connection, dict(webhook), utc_now())


def queue_for(
    connection: Connection, webhook: Mapping[str, Any], now: datetime
) -> None:
    """Queue a webhook's next events and move its place in the feed."""
    place = Position(webhook["feed_xid"], webhook["feed_id"])
    scope, values = scope_of(owner_of(webhook))
    present = present_position(connection)
    events = settled_events(connection, place, BATCH, scope, values)
    for event in events:
        if not webhook["kinds"] or event["kind"] in webhook["kinds"]:
            queue_delivery(
                connection, webhook["id"], payload_of(event), now, event["id"]
            )
    if events:
        place = Position(events[-1]["xid"], events[-1]["id"])
    elif present.xid < place.xid + BATCH:
        return
    else:  # all of this was hidden: it need not be looked through again
        place = present
    connection.exec_driver_sql(
        "UPDATE tickets.webhooks SET feed_xid = %(xid)s, feed_id = %(feed_id)s "
        "WHERE id = %(id)s",
        {"xid": place.xid, "feed_id": place.id, "id": webhook["id"]},
    )


def owner_of(webhook: Mapping[str, Any]) -> Actor:
    zones = webhook["zones"]
    return Actor(
        webhook["user_id"],
        Role(webhook["role"]),
        team_id=webhook["team_id"],
        zones=None if zones is None else tuple(zones),
    )


def send_due(context: JobContext) -> None:
    """Send the deliveries whose time has come, one by one."""
    for _ in range(SENT_IN_A_RUN):
        if context.stop.is_set() or not send_one(context):
            return


def send_one(context: JobContext) -> bool:
    """Send one delivery and note how it went; return whether there was one."""
    now = utc_now()
    with context.database.transaction() as connection:
        claim = connection.exec_driver_sql(CLAIM, {"now": now, "until": now + LEASE})
        row = claim.mappings().first()
    if row is None:
        return False
    outcome = tried(dict(row), context.settings)
    with context.database.transaction() as connection:
        note(connection, dict(row), outcome)
    return True


def allows_private(settings: Settings) -> bool:
    """Whether addresses of this network may be called: not in production."""
    return settings.environment != "production"


def tried(delivery: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Send once and return what became of it: {at, status, error, ms}."""
    now, began = utc_now(), monotonic_s()
    outcome: dict[str, Any] = {"at": now, "status": None, "error": None}
    outcome["error"] = why_not_sent_to(
        delivery["url"], allow_private=allows_private(settings)
    )
    if outcome["error"] is None:
        try:
            outcome["status"] = post(delivery, int(now.timestamp()))
        except requests.RequestException as error:
            outcome["error"] = type(error).__name__
    outcome["ms"] = round((monotonic_s() - began) * 1000)
    return outcome


def post(delivery: Mapping[str, Any], timestamp: int) -> int:
    """Send the signed body; return the receiver's status. Follows no redirect."""
    body = to_json(delivery["payload"])
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "AIFF-Webhook/1",
        "X-AIFF-Timestamp": str(timestamp),
        "X-AIFF-Delivery": str(delivery["id"]),
        "X-AIFF-Signature": signature(
            delivery["secret"], timestamp, delivery["id"], body
        ),
    }
    with requests.post(
        delivery["url"],
        data=body,
        headers=headers,
        timeout=TIMEOUT_S,
        allow_redirects=False,
        stream=True,
    ) as answer:
        return int(answer.status_code)


def note(
    connection: Connection, delivery: Mapping[str, Any], outcome: Mapping[str, Any]
) -> None:
    """Write the attempt down and decide what comes next."""
    attempts = [*delivery["attempts"], outcome]
    delivered = outcome["status"] is not None and 200 <= outcome["status"] < 300
    again = (
        None
        if delivered
        else next_try_at(delivery["created_at"], len(attempts), outcome["at"])
    )
    state = "delivered" if delivered else "pending" if again else "failed"
    connection.exec_driver_sql(
        "UPDATE tickets.webhook_deliveries SET state = %(state)s, "
        "next_try_at = %(again)s, attempts = %(attempts)s WHERE id = %(id)s",
        {
            "state": state,
            "again": again,
            "attempts": to_json(attempts).decode(),
            "id": delivery["id"],
        },
    )


JOBS = (
    Job("tickets.webhook-queue", EVERY_S, queue_events),
    Job("tickets.webhook-send", EVERY_S, send_due),
)
