"""A user's own notifications: who reads them may read no one else's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from service_kit.errors import NotFound

COLUMNS = (
    "n.id, n.kind, n.ticket_id, 'CTT_' || n.ticket_id AS ticket_number, n.data, "
    "n.created_at, n.read_at"
)


def notifications_of(
    connection: Connection,
    user_id: int,
    before: int | None,
    limit: int,
    *,
    unread: bool,
) -> list[dict[str, Any]]:
    """Return up to `limit` notifications before the id `before`, newest first."""
    rows = connection.exec_driver_sql(
        f"SELECT {COLUMNS} FROM tickets.notifications n WHERE n.user_id = %(user_id)s "  # noqa: S608
        "AND (%(before)s::bigint IS NULL OR n.id < %(before)s) "
        "AND (NOT %(unread)s OR n.read_at IS NULL) ORDER BY n.id DESC LIMIT %(limit)s",
        {"user_id": user_id, "before": before, "unread": unread, "limit": limit},
    ).mappings()
    return [dict(row) for row in rows]


def unread_count(connection: Connection, user_id: int) -> int:
    """Return how many are unread, counted up to 1,000."""
    return int(
        connection.exec_driver_sql(
            "SELECT count(*) FROM (SELECT 1 FROM tickets.notifications "
            "WHERE user_id = %(user_id)s AND read_at IS NULL LIMIT 1000) n",
            {"user_id": user_id},
        ).scalar_one()
    )


def mark_read(
    connection: Connection, user_id: int, notification_id: int, now: datetime
) -> dict[str, Any]:
    """Mark one as read; again is no error. Raises NotFound for another's."""
    connection.exec_driver_sql(
        "UPDATE tickets.notifications SET read_at = %(now)s "
        "WHERE id = %(id)s AND user_id = %(user_id)s AND read_at IS NULL",
        {"now": now, "id": notification_id, "user_id": user_id},
    )
    row = (
        connection.exec_driver_sql(
            f"SELECT {COLUMNS} FROM tickets.notifications n "  # noqa: S608
            "WHERE n.id = %(id)s AND n.user_id = %(user_id)s",
            {"id": notification_id, "user_id": user_id},
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotFound(f"There is no notification {notification_id}.")
    return dict(row)


def mark_all_read(connection: Connection, user_id: int, now: datetime) -> int:
    """Mark all as read; return how many were not."""
    return connection.exec_driver_sql(
        "UPDATE tickets.notifications SET read_at = %(now)s "
        "WHERE user_id = %(user_id)s AND read_at IS NULL",
        {"now": now, "user_id": user_id},
    ).rowcount


def ids_after(found: Sequence[dict[str, Any]], limit: int) -> int | None:
    """Return the id to go on from when more than `limit` were found."""
    return int(found[limit - 1]["id"]) if len(found) > limit else None
