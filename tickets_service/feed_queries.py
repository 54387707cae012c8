"""The order of the change feed: gap-free, resumable. Reads only.

Rows are ordered by (xid, id). An event is given out only when no transaction that
began before it is still running: so nothing can appear behind a cursor later on.
Refuses to decide who may see what; callers add their own conditions on `t`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

COLUMNS = (
    "e.id, e.xid, e.ticket_id, e.seq, e.kind, e.actor_id, e.via, e.occurred_at, "
    "e.recorded_at, e.changes, e.data"
)
SETTLED = "e.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
NOW = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the feed; what comes is strictly after it."""

    xid: int = 0
    id: int = 0


def present_position(connection: Connection) -> Position:
    """Return the place after which everything from now on will come."""
    return Position(int(connection.exec_driver_sql(NOW).scalar_one()), 0)


def settled_events(
    connection: Connection,
    after: Position,
    limit: int,
    where: str = "true",
    values: Mapping[str, Any] | None = None,
) -> Sequence[Mapping[str, Any]]:
    """Return up to `limit` events after a position, in feed order.

    where: a condition on `e` (the event) and `t` (its ticket).
    """
    sql = (
        f"SELECT {COLUMNS}, t.number, t.zone, t.team_id, t.status, t.priority, "  # noqa: S608
        "t.category, t.created_by FROM tickets.ticket_events e "
        "JOIN tickets.tickets t ON t.id = e.ticket_id "
        f"WHERE (e.xid, e.id) > (%(xid)s, %(id)s) AND {SETTLED} AND {where} "
        "ORDER BY e.xid, e.id LIMIT %(limit)s"
    )
    given = {**(values or {}), "xid": after.xid, "id": after.id, "limit": limit}
    rows = connection.exec_driver_sql(sql, given).mappings()
    return [dict(row) for row in rows]
