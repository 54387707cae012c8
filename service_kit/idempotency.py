"""`Idempotency-Key`: a POST that is sent twice is done once.

The memory of the answer is written by the transaction of the write itself, so a
crash leaves both or neither. A second request with the key while the first is
still running is told so by an advisory lock, which also dies with its owner.
"""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, Response, current_app, g, request
from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects.postgresql import insert

from service_kit.current import this_request
from service_kit.database import database
from service_kit.errors import Conflict, Invalid

MAX_KEY_CHARS = 255
KEPT = "interval '24 hours'"
KEPT_HEADERS = ("Location", "ETag", "Content-Type")

View = Callable[..., Any]


def never_stored(view: View) -> View:
    """Mark a POST whose answer must not be kept: it holds a secret or is a stream."""
    view.never_stored = True  # type: ignore[attr-defined]
    return view


def init_idempotency(app: Flask, table: Table) -> None:
    """Wrap every POST view of the app; call after all routes are registered."""
    posts = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ())
    }
    for endpoint in posts:
        view = app.view_functions[endpoint]
        if not getattr(view, "never_stored", False):
            app.view_functions[endpoint] = answered_once(view, table)


def answered_once(view: View, table: Table) -> View:
    @wraps(view)
    def once(*args: Any, **kwargs: Any) -> Any:
        sent = this_request().environ
        key = sent.get("HTTP_IDEMPOTENCY_KEY")
        if key is None or sent["REQUEST_METHOD"] != "POST":
            return view(*args, **kwargs)
        check_key(key)
        with database().transaction() as connection:
            g.transaction = connection
            try:
                return replayed_or_done(
                    connection, table, key, lambda: view(*args, **kwargs)
                )
            finally:
                g.pop("transaction", None)

    return once


def check_key(key: str) -> None:
    if not (0 < len(key) <= MAX_KEY_CHARS and key.isprintable()):
        raise Invalid(
            {"Idempotency-Key": f"must have 1 to {MAX_KEY_CHARS} printable characters"}
        )


def replayed_or_done(
    connection: Connection, table: Table, key: str, view: Callable[[], Any]
) -> Response:
    actor = g.get("actor")
    user_id = actor.user_id if actor else 0
    lock_key(connection, table, user_id, key)
    digest = request_digest()
    kept = connection.execute(
        text(
            f"SELECT body_sha256, status, headers, body FROM {table.fullname} "  # noqa: S608
            f"WHERE user_id = :user_id AND key = :key AND created_at > now() - {KEPT}"
        ),
        {"user_id": user_id, "key": key},
    ).first()
    if kept is not None:
        if bytes(kept.body_sha256) != digest:
            raise Invalid(
                {"Idempotency-Key": "was used for another request"},
                code="idempotency_key_reused",
            )
        headers = {**kept.headers, "Idempotency-Replayed": "true"}
        return Response(bytes(kept.body), kept.status, headers)
    response: Response = current_app.make_response(view())
    if response.status_code < 300 and not response.is_streamed:
        remember(connection, table, (user_id, key, digest), response)
    return response


def lock_key(connection: Connection, table: Table, user_id: int, key: str) -> None:
    """Hold the key until the transaction ends; raises Conflict if another holds it."""
    name = f"{table.fullname}:{user_id}:{key}"
    got = connection.scalar(
        text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": name},
    )
    if not got:
        raise Conflict(
            "The first request with this key is still running.",
            code="idempotency_in_flight",
        )


def request_digest() -> bytes:
    """Return a digest of what was asked: method, path with query, body."""
    head = f"{request.method} {request.full_path}\n".encode()
    return hashlib.sha256(head + request.get_data(cache=True)).digest()


def remember(
    connection: Connection,
    table: Table,
    who: tuple[int, str, bytes],
    response: Response,
) -> None:
    user_id, key, digest = who
    row = {
        "body_sha256": digest,
        "status": response.status_code,
        "headers": {
            n: response.headers[n] for n in KEPT_HEADERS if n in response.headers
        },
        "body": response.get_data(),
        "created_at": text("now()"),
    }
    new = insert(table).values(user_id=user_id, key=key, **row)
    connection.execute(
        new.on_conflict_do_update(index_elements=["user_id", "key"], set_=row)
    )


def forget_old_keys(connection: Connection, table: Table) -> int:
    """Delete what is past its day; return how many rows went."""
    gone = connection.execute(
        text(f"DELETE FROM {table.fullname} WHERE created_at < now() - {KEPT}")  # noqa: S608
    )
    return gone.rowcount
