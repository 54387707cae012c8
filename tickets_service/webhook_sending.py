"""What a webhook sends, how it is signed, and when it is tried again. Pure.

The receiver checks `X-AIFF-Signature: sha256=<hex>`, the HMAC-SHA256 of
`<timestamp>.<delivery id>.<body>` under the webhook's secret, and refuses old
timestamps; the delivery id is the same at every try, so it can drop repeats.
"""

import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

# Seconds to the next try after each failure; the last one again until a day is over.
BACK_OFF_S = (10, 30, 60, 300, 900, 3_600)
TRIED_FOR = timedelta(hours=24)
PRIVATE_FIELDS = frozenset({"customer_name", "customer_phone", "customer_email"})


def payload_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is sent of an event: never a customer's contact.

    event: a row of the change feed.
    """
    changes = {k: v for k, v in event["changes"].items() if k not in PRIVATE_FIELDS}
    data = {k: v for k, v in event["data"].items() if k not in PRIVATE_FIELDS}
    ticket_keys = ("number", "status", "priority", "category", "zone", "team_id")
    return {
        "id": event["id"],
        "kind": event["kind"],
        "occurred_at": event["occurred_at"],
        "recorded_at": event["recorded_at"],
        "actor_id": event["actor_id"],
        "via": event["via"],
        "ticket": {"id": event["ticket_id"], **{k: event[k] for k in ticket_keys}},
        "changes": changes,
        "data": data,
    }


def signature(secret: str, timestamp: int, delivery_id: int, body: bytes) -> str:
    """Return the value of X-AIFF-Signature."""
    signed = f"{timestamp}.{delivery_id}.".encode() + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def next_try_at(created_at: datetime, tries: int, now: datetime) -> datetime | None:
    """Return when to try again after `tries` failures, None when a day is over."""
    wait_s = BACK_OFF_S[min(tries, len(BACK_OFF_S)) - 1]
    at = now + timedelta(seconds=wait_s)
    return at if at <= created_at + TRIED_FOR else None


def why_not_sent_to(url: str, *, allow_private: bool) -> str | None:
    """Return why `url` may not be called, None if it may.

    Addresses of this machine and its network are refused unless a setting allows
    them: a webhook must not become a way into the house.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "must be an http or https address"
    if parts.username or parts.password:
        return "must not hold a user name or password"
    return None if allow_private else why_not_public(parts.hostname, parts.port)


def why_not_public(host: str, port: int | None) -> str | None:
    """Return why a host does not lie in the public network, None if it does."""
    try:
        found = socket.getaddrinfo(host, port or 443)
    except (OSError, ValueError):
        return "the host is not known"
    if not all(ipaddress.ip_address(row[4][0]).is_global for row in found):
        return "points into a private network"
    return None
