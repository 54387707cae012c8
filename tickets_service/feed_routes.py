"""HTTP face of the change feed: gap-free, ordered, resumable; as a long poll or
as server-sent events.

A waiting reader holds a thread, so only some of a process's threads may wait; a
reader beyond that is answered at once, with nothing if there is nothing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

from flask import Response, current_app, request
from flask_smorest import Blueprint
from marshmallow import fields, validate

from db.engine import Database
from db.scope import Actor, masked, sees_contacts
from service_kit.answers import json_response, to_json
from service_kit.auth import EVERYONE, allow, current_actor
from service_kit.clock import monotonic_s
from service_kit.database import database
from service_kit.errors import Unavailable
from service_kit.paging import decode_cursor, encode_cursor
from service_kit.schemas import Schema
from tickets_service.decisions import PRIVATE
from tickets_service.feed_queries import Position, present_position, settled_events
from tickets_service.filters import scope_of
from tickets_service.schemas import EventPageSchema
from tickets_service.ticket_queries import hidden, shown_events

MAX_WAIT_S = 55
LOOK_EVERY_S = 0.5
HEARTBEAT_S = 15.0
STREAM_FOR_S = 300.0  # then the client reconnects, with a token that still lives
SORT = "feed"
NOW = "now"
WAITING = "feed_waiting"


class FeedQuerySchema(Schema):
    after = fields.String(
        load_default=None,
        validate=validate.Length(max=500),
        metadata={"description": "A cursor of the feed, or `now`; absent: all history"},
    )
    wait = fields.Integer(load_default=0, validate=validate.Range(0, MAX_WAIT_S))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class StreamQuerySchema(Schema):
    after = fields.String(load_default=None, validate=validate.Length(max=500))


blueprint = Blueprint(
    "changes", __name__, url_prefix="/api/tickets", description="The change feed"
)


def waiting_slots() -> BoundedSemaphore:
    """Return the places for readers who wait, half of the threads of a process."""
    threads = int(os.environ.get("GUNICORN_THREADS") or 4)
    return BoundedSemaphore(max(1, threads // 2))


@contextmanager
def slot() -> Iterator[bool]:
    """Yield whether this reader may wait."""
    slots: BoundedSemaphore = current_app.extensions[WAITING]
    mine = slots.acquire(blocking=False)
    try:
        yield mine
    finally:
        if mine:
            slots.release()


def position_of(cursor: str | None, data: Database) -> Position:
    if cursor is None:
        return Position()
    if cursor == NOW:
        with data.read_only() as connection:
            return present_position(connection)
    xid, number = decode_cursor(cursor, SORT, (int, int))
    return Position(xid, number)


def cursor_of(position: Position) -> str:
    return encode_cursor(SORT, [position.xid, position.id])


def next_events(
    data: Database, actor: Actor, after: Position, limit: int
) -> tuple[list[dict[str, Any]], Position]:
    """Return what the actor may see after a position, and where to go on.

    When there is no more, the place to go on is the present, so that a reader who
    sees little does not look through the same events again.
    """
    scope, values = scope_of(actor)
    where = f"{scope} AND {shown_events(actor)}"
    with data.read_only() as connection:
        present = present_position(connection)
        rows = settled_events(connection, after, limit, where, values)
    items = [change_json(row, contacts=sees_contacts(actor)) for row in rows]
    if rows:
        after = Position(rows[-1]["xid"], rows[-1]["id"])
    if len(rows) < limit:
        after = max(after, present, key=lambda p: (p.xid, p.id))
    return items, after


def change_json(row: Any, *, contacts: bool) -> dict[str, Any]:
    """Return an event on the wire with the present key fields of its ticket."""
    changes, data = row["changes"], row["data"]
    if not contacts:
        changes = {k: hidden(k, v) for k, v in changes.items()}
        data = {k: masked(v) if k in PRIVATE else v for k, v in data.items()}
    return {
        "id": row["id"],
        "cursor": cursor_of(Position(row["xid"], row["id"])),
        "kind": row["kind"],
        "ticket_id": row["ticket_id"],
        "seq": row["seq"],
        "actor_id": row["actor_id"],
        "via": row["via"],
        "occurred_at": row["occurred_at"],
        "recorded_at": row["recorded_at"],
        "changes": {k: {"old": v[0], "new": v[1]} for k, v in changes.items()},
        "data": data,
        "ticket": {
            name: row[name]
            for name in ("number", "zone", "team_id", "status", "priority", "category")
        },
    }


@blueprint.get("/changes")
@allow(*EVERYONE)
@blueprint.arguments(FeedQuerySchema, location="query")
@blueprint.response(200, EventPageSchema)
def list_changes(query: dict[str, Any]) -> Response:
    """Answer what changed after a cursor; `wait` seconds for it if need be."""
    data, actor, limit = database(), current_actor(), query["limit"]
    after = position_of(query["after"], data)
    items, after = next_events(data, actor, after, limit)
    if not items and query["wait"]:
        items, after = waited(data, actor, after, query)
    page = {"limit": limit, "next": cursor_of(after)}
    return json_response({"items": items, "page": page})


def waited(
    data: Database, actor: Actor, after: Position, query: dict[str, Any]
) -> tuple[list[dict[str, Any]], Position]:
    """Look again and again until there is something, or the time is over."""
    until_s = monotonic_s() + query["wait"]
    items: list[dict[str, Any]] = []
    with slot() as mine:
        while mine and not items and monotonic_s() < until_s:
            pause(min(LOOK_EVERY_S, max(0.0, until_s - monotonic_s())))
            items, after = next_events(data, actor, after, query["limit"])
    return items, after


def pause(seconds: float) -> None:
    from time import sleep

    sleep(seconds)


@blueprint.get("/stream")
@allow(*EVERYONE)
@blueprint.arguments(StreamQuerySchema, location="query")
@blueprint.response(
    200, description="Server-sent events", content_type="text/event-stream"
)
def stream_changes(query: dict[str, Any]) -> Response:
    """Send what changes as it changes (server-sent events; Last-Event-ID resumes)."""
    data, actor = database(), current_actor()
    cursor = request.headers.get("Last-Event-ID") or query["after"] or NOW
    after = position_of(cursor, data)
    slots: BoundedSemaphore = current_app.extensions[WAITING]
    if not slots.acquire(blocking=False):
        raise Unavailable("Too many streams at once; poll `changes` instead.")
    response = Response(
        streamed(data, actor, after, slots), mimetype="text/event-stream"
    )
    response.headers.update({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    return response


def streamed(
    data: Database, actor: Actor, after: Position, slots: BoundedSemaphore
) -> Iterator[bytes]:
    """Yield events until the client leaves or the time of a stream is over."""
    try:
        yield f"retry: 2000\nid: {cursor_of(after)}\n: hello\n\n".encode()
        end_s, beat_s = monotonic_s() + STREAM_FOR_S, monotonic_s() + HEARTBEAT_S
        while monotonic_s() < end_s:
            items, after = next_events(data, actor, after, 100)
            for item in items:
                yield sse(item)
            if monotonic_s() > beat_s:
                yield b": still here\n\n"
                beat_s = monotonic_s() + HEARTBEAT_S
            pause(LOOK_EVERY_S)
    finally:
        slots.release()


def sse(item: dict[str, Any]) -> bytes:
    head = f"id: {item['cursor']}\nevent: {item['kind']}\ndata: ".encode()
    return head + to_json(item) + b"\n\n"
