"""What a caller may see of the change feed, and where to go on after it.

The order is feed_queries.py's; who sees what is db/scope.py's, asked of the ticket as
it stands now. Of a deleted ticket only its deletion is told. A caller who sees little
is led through the feed in windows, so that no request reads more than WINDOW events.
Refuses to wait: that is the caller's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from db.scope import Actor, sees_contacts
from service_kit.errors import Invalid
from service_kit.paging import decode_cursor, encode_cursor
from tickets_service.feed_queries import (
    SETTLED,
    Position,
    present_position,
    settled_events,
)
from tickets_service.filters import scope_of
from tickets_service.ticket_queries import event_json, shown_events

SORT = "feed"
NOW = "now"
WINDOW = 5_000
TOLD = "(t.deleted_at IS NULL OR e.kind = 'ticket.deleted')"
WINDOW_END = (
    "SELECT e.xid, e.id FROM tickets.ticket_events e "  # noqa: S608
    f"WHERE (e.xid, e.id) > (%(xid)s, %(id)s) AND {SETTLED} "
    f"ORDER BY e.xid, e.id OFFSET {WINDOW - 1} LIMIT 1"
)
NAMES = "SELECT id, username FROM auth.user_directory WHERE id = ANY(%(ids)s)"
TICKET = ("number", "zone", "team_id", "status", "priority", "category")


@dataclass(frozen=True, slots=True)
class Changes:
    """after: where to go on. more: whether there may be more behind it already."""

    items: Sequence[dict[str, Any]]
    after: Position
    more: bool


def cursor_of(position: Position) -> str:
    return encode_cursor(SORT, [position.xid, position.id])


def position_of(connection: Connection, cursor: str | None) -> Position:
    """Return the place of a cursor; the beginning without one. `now` is a cursor."""
    if cursor is None:
        return Position()
    if cursor == NOW:
        return present_position(connection)
    try:
        xid, event_id = decode_cursor(cursor, SORT, (int, int))
    except Invalid as error:
        raise Invalid({"after": "is not a cursor of the change feed"}) from error
    if (xid or 0) > present_position(connection).xid:
        # Only after a restore: transactions are counted anew (db/views.sql).
        raise Invalid({"after": "is of an earlier database; start without it"})
    return Position(xid or 0, event_id or 0)


def changes_after(
    connection: Connection, actor: Actor, after: Position, limit: int
) -> Changes:
    """Return up to `limit` events that the actor may see after a position."""
    present = present_position(connection)
    end = window_end(connection, after)
    scope, values = scope_of(actor)
    where = f"{TOLD} AND {scope} AND {shown_events(actor)}"
    if end is not None:
        where += " AND (e.xid, e.id) <= (%(end_xid)s, %(end_id)s)"
        values = {**values, "end_xid": end.xid, "end_id": end.id}
    rows = settled_events(connection, after, limit, where, values)
    items = changes_json(connection, rows, actor)
    if len(rows) == limit:
        return Changes(items, place(rows[-1]), more=True)
    if end is not None:
        return Changes(items, end, more=True)
    places = [after, present, *(place(row) for row in rows[-1:])]
    return Changes(items, max(places, key=lambda p: (p.xid, p.id)), more=False)


def window_end(connection: Connection, after: Position) -> Position | None:
    """Return the last place of a window that begins here, None if it is not full."""
    row = connection.exec_driver_sql(
        WINDOW_END, {"xid": after.xid, "id": after.id}
    ).first()
    return None if row is None else Position(*row)


def place(row: Mapping[str, Any]) -> Position:
    return Position(row["xid"], row["id"])


def changes_json(
    connection: Connection, rows: Sequence[Mapping[str, Any]], actor: Actor
) -> list[dict[str, Any]]:
    ids = sorted({row["actor_id"] for row in rows if row["actor_id"]})
    names: dict[int, str] = {}
    if ids:
        found = connection.exec_driver_sql(NAMES, {"ids": ids})
        names = {row.id: row.username for row in found}
    contacts = sees_contacts(actor)
    return [change_json(row, names, contacts=contacts) for row in rows]


def change_json(
    row: Mapping[str, Any], names: Mapping[int, str], *, contacts: bool
) -> dict[str, Any]:
    """Return an event on the wire with the present key fields of its ticket."""
    columns = (
        *(row[name] for name in ("id", "seq", "kind", "actor_id")),
        names.get(row["actor_id"]),
        *(row[name] for name in ("via", "occurred_at", "recorded_at")),
        *(row[name] for name in ("changes", "data", "ticket_id")),
    )
    ticket = {name: row[name] for name in TICKET}
    event = event_json(columns, contacts=contacts)
    return {"cursor": cursor_of(place(row)), **event, "ticket": ticket}
