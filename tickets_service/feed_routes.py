"""HTTP face of the change feed: gap-free, ordered, resumable; as a long poll or
as server-sent events.

A waiting reader holds a thread but no database connection. Only some of a process's
threads may wait: a long poll beyond that is answered at once, a stream refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import sleep
from typing import Any

import marshmallow as ma
from flask import Response, current_app, request
from flask_smorest import Blueprint
from marshmallow import fields, validate
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.engine import Database
from db.scope import Actor
from service_kit.answers import json_response, to_json
from service_kit.auth import EVERYONE, allow, check_scope, current_actor, default_scope
from service_kit.clock import monotonic_s
from service_kit.database import database
from service_kit.errors import AppError, Unavailable
from service_kit.schemas import Schema
from service_kit.tokens import TokenReader
from tickets_service.feed_queries import Position
from tickets_service.feed_reading import (
    NOW,
    Changes,
    changes_after,
    cursor_of,
    position_of,
)
from tickets_service.places import Places, held
from tickets_service.schemas import EventSchema

MAX_WAIT_S = 30  # the gateway gives up a request after 40 s
LOOK_EVERY_S = 0.5
HEARTBEAT_S = 10.0
STREAM_FOR_S = 900.0  # then the client comes again, from where it was
STREAM_BATCH = 100
WAITING = "feed_waiting"


def after_field(absent: str) -> fields.String:
    words = f"A cursor of the feed, or `now`; absent: {absent}"
    return fields.String(
        load_default=None,
        validate=validate.Length(min=1, max=500),
        metadata={"description": words, "example": "now"},
    )


EVENTS: dict[str, Any] = {
    "description": "Server-sent events",
    "content": {
        "text/event-stream": {
            "schema": {"type": "string"},
            "example": 'id: WyJmZWVkIiw3NDMsMTJd\ndata: {"kind": "ticket.held"}\n\n',
        }
    },
}


class FeedQuerySchema(Schema):
    after = after_field("all of history")
    wait = fields.Integer(
        load_default=0,
        validate=validate.Range(0, MAX_WAIT_S),
        metadata={"description": "Seconds to wait for something, if there is nothing"},
    )
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class StreamQuerySchema(Schema):
    after = after_field("from now on")


class ChangedTicketSchema(ma.Schema):
    """The ticket of an event as it is now."""

    number = fields.String(metadata={"example": "CTT_42"})
    zone = fields.String(metadata={"example": "Selangor"})
    team_id = fields.Integer(allow_none=True)
    status = fields.String(metadata={"example": "on_hold"})
    priority = fields.String()
    category = fields.String()


class ChangeSchema(EventSchema):
    cursor = fields.String(metadata={"description": "The place after this event"})
    ticket = fields.Nested(ChangedTicketSchema)


class FeedPageInfoSchema(ma.Schema):
    limit = fields.Integer()
    next = fields.String(metadata={"description": "What to send as `after` next"})
    more = fields.Boolean(metadata={"description": "There may be more by now"})


class FeedPageSchema(ma.Schema):
    items = fields.List(fields.Nested(ChangeSchema))
    page = fields.Nested(FeedPageInfoSchema)


blueprint = Blueprint(
    "changes", __name__, url_prefix="/api/tickets", description="The change feed"
)


@contextmanager
def slot() -> Iterator[bool]:
    """Yield whether this reader may wait."""
    give_back = waiting_places().take()
    try:
        yield give_back is not None
    finally:
        if give_back is not None:
            give_back()


def waiting_places() -> Places:
    found: Places = current_app.extensions[WAITING]
    return found


@blueprint.get("/changes")
@allow(*EVERYONE)
@blueprint.arguments(FeedQuerySchema, location="query")
@blueprint.response(200, FeedPageSchema)
def list_changes(query: dict[str, Any]) -> Response:
    """Answer what changed after a cursor; `wait` seconds for it if need be.

    Events come in one order for everybody, each once; `page.next` resumes, also after
    an empty page. Whoever waits is told within a second.
    """
    data, actor, limit = database(), current_actor(), query["limit"]
    with data.read_only() as connection:
        after = position_of(connection, query["after"])
        found = changes_after(connection, actor, after, limit)
    if not found.items and query["wait"]:
        found = waited(data, actor, found, query)
    page = {"limit": limit, "next": cursor_of(found.after), "more": found.more}
    return json_response({"items": found.items, "page": page})


def waited(
    data: Database, actor: Actor, found: Changes, query: dict[str, Any]
) -> Changes:
    """Look again and again until there is something, or the time is over."""
    until_s = monotonic_s() + query["wait"]
    with slot() as mine:
        while mine and not found.items and monotonic_s() < until_s:
            if not found.more:
                sleep(min(LOOK_EVERY_S, max(0.0, until_s - monotonic_s())))
            with data.read_only() as connection:
                found = changes_after(connection, actor, found.after, query["limit"])
    return found


@blueprint.get("/stream")
@allow(*EVERYONE)
@blueprint.arguments(StreamQuerySchema, location="query")
@blueprint.response(
    200, description="Server-sent events", content_type="text/event-stream"
)
@blueprint.doc(responses={"200": EVENTS})
def stream_changes(query: dict[str, Any]) -> Response:
    """Send what changes as it changes (server-sent events; Last-Event-ID resumes).

    Each event's data is an item of `changes`. The stream ends with an event named
    `end` when the session does, and without one when the client is to come again.
    """
    data = database()
    cursor = request.headers.get("Last-Event-ID") or query["after"] or NOW
    with data.read_only() as connection:
        after = position_of(connection, cursor)
    give_back = waiting_places().take()
    if give_back is None:
        raise Unavailable("Too many streams at once; poll `changes` instead.")
    body = Stream(data, caller(), after).frames()
    response = Response(held(body, give_back), mimetype="text/event-stream")
    response.call_on_close(give_back)  # also if nothing was ever sent
    response.headers.update({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    return response


@dataclass(frozen=True, slots=True)
class Caller:
    """Who reads a stream; asked anew each time, for sessions end and roles change."""

    reader: TokenReader
    header: str
    scope: str

    def actor(self) -> Actor:
        """Return who it is now; raises what the request would be answered."""
        actor = self.reader.actor_of(self.header)
        check_scope(actor, self.scope)
        return actor


def caller() -> Caller:
    reader: TokenReader = current_app.extensions["token_reader"]
    return Caller(reader, request.headers["Authorization"], default_scope())


@dataclass(slots=True)
class Stream:
    """A reader's way along the feed."""

    data: Database
    caller: Caller
    after: Position

    def frames(self) -> Iterator[bytes]:
        """Yield events until the session ends, the database is away or time is up."""
        yield b"retry: 2000\n" + self.heartbeat()
        end_s, beat_s = monotonic_s() + STREAM_FOR_S, monotonic_s() + HEARTBEAT_S
        while monotonic_s() < end_s:
            try:
                found = self.look()
            except AppError as error:
                yield frame({"code": error.code, "detail": error.detail}, "event: end")
                return
            except (DBAPIError, PoolTimeout):
                return  # the client comes again
            for item in found.items:
                yield frame(item, f"id: {item['cursor']}")
            if found.items or monotonic_s() > beat_s:
                beat_s = monotonic_s() + HEARTBEAT_S
                yield self.heartbeat()
            if not found.more:
                sleep(LOOK_EVERY_S)

    def look(self) -> Changes:
        actor = self.caller.actor()
        with self.data.read_only() as connection:
            found = changes_after(connection, actor, self.after, STREAM_BATCH)
        self.after = found.after
        return found

    def heartbeat(self) -> bytes:
        """Return a sign of life that moves the client's Last-Event-ID on."""
        return f"id: {cursor_of(self.after)}\n: still here\n\n".encode()


def frame(data: dict[str, Any], head: str) -> bytes:
    return head.encode() + b"\ndata: " + to_json(data) + b"\n\n"
