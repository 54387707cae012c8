"""Comments: add, edit, remove. What a comment said before stays on file."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from db.scope import Actor, sees_internal_comments
from db.vocabulary import Visibility
from service_kit.errors import NotFound, Stale
from tickets_service.commands import AddComment, TouchComment
from tickets_service.storage import Request, World, act

MENTION = re.compile(r"(?<![\w@])@([\w.\-]{2,64})")
NEXT_ID = "SELECT nextval('tickets.comments_id_seq')"
INSERT = (
    "INSERT INTO tickets.comments "
    "(id, ticket_id, author_id, body, visibility, mentions, created_at) VALUES "
    "(%(id)s, %(ticket_id)s, %(author_id)s, %(body)s, %(visibility)s, %(mentions)s, "
    "%(now)s)"
)
COLUMNS = (
    "c.id, c.ticket_id, c.author_id, u.username AS author, c.body, c.visibility, "
    "c.mentions, c.created_at, c.edited_at, c.version"
)
FROM = (
    "FROM tickets.comments c LEFT JOIN auth.user_directory u ON u.id = c.author_id "
    "WHERE c.deleted_at IS NULL"
)


def mentions_in(body: str) -> tuple[str, ...]:
    """Return the names after an @, each once, without trailing punctuation."""
    names = (name.rstrip(".-") for name in MENTION.findall(body))
    return tuple(dict.fromkeys(names))[:50]


def add_comment(
    connection: Connection,
    ticket_id: int,
    sent: Mapping[str, Any],
    request: Request,
    world: World,
) -> dict[str, Any]:
    """Add a comment; the first public one of staff is the first response."""
    comment_id = int(connection.exec_driver_sql(NEXT_ID).scalar_one())
    body, visibility = sent["body"], sent["visibility"]
    mentions = mentions_in(body)
    command = AddComment(comment_id, body, visibility, mentions)
    act(connection, ticket_id, command, request, world)
    connection.exec_driver_sql(
        INSERT,
        {
            "id": comment_id,
            "ticket_id": ticket_id,
            "author_id": request.actor.user_id,
            "body": body,
            "visibility": visibility,
            "mentions": list(mentions),
            "now": request.now,
        },
    )
    return get_comment(connection, ticket_id, comment_id, request.actor)


def edit_comment(
    connection: Connection,
    comment: Mapping[str, Any],
    body: str,
    request: Request,
    world: World,
) -> dict[str, Any]:
    """Change what a comment says."""
    touch(connection, comment, "edited", request, world)
    connection.exec_driver_sql(
        "UPDATE tickets.comments SET body = %(body)s, edited_at = %(now)s, "
        "version = version + 1 WHERE id = %(id)s",
        {"body": body, "now": request.now, "id": comment["id"]},
    )
    return get_comment(connection, comment["ticket_id"], comment["id"], request.actor)


def remove_comment(
    connection: Connection, comment: Mapping[str, Any], request: Request, world: World
) -> None:
    """Take a comment out of sight."""
    touch(connection, comment, "removed", request, world)
    connection.exec_driver_sql(
        "UPDATE tickets.comments SET deleted_at = %(now)s, version = version + 1 "
        "WHERE id = %(id)s",
        {"now": request.now, "id": comment["id"]},
    )


def touch(
    connection: Connection,
    comment: Mapping[str, Any],
    kind: str,
    request: Request,
    world: World,
) -> None:
    if request.version is not None and request.version != comment["version"]:
        raise Stale("Someone else changed this comment since you read it.")
    command = TouchComment(
        comment["id"], comment["author_id"], comment["visibility"], kind
    )
    anyhow = Request(request.actor, request.now)
    act(connection, comment["ticket_id"], command, anyhow, world)
    connection.exec_driver_sql(
        "INSERT INTO tickets.comment_edits (comment_id, body, edited_by, created_at) "
        "VALUES (%(id)s, %(body)s, %(by)s, %(now)s)",
        {
            "id": comment["id"],
            "body": comment["body"],
            "by": request.actor.user_id,
            "now": request.now,
        },
    )


def get_comment(
    connection: Connection,
    ticket_id: int,
    comment_id: int,
    actor: Actor,
    *,
    lock: bool = False,
) -> dict[str, Any]:
    """Return a comment of a ticket that the actor may see; raises NotFound."""
    row = (
        connection.exec_driver_sql(
            f"SELECT {COLUMNS} {FROM} AND c.id = %(id)s "
            "AND c.ticket_id = %(ticket_id)s "
            f"AND {shown(actor)}" + (" FOR UPDATE OF c" if lock else ""),
            {"id": comment_id, "ticket_id": ticket_id},
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotFound(f"There is no comment {comment_id} on this ticket.")
    return dict(row)


def comments_of(
    connection: Connection, ticket_id: int, actor: Actor, after: int, limit: int
) -> list[dict[str, Any]]:
    """Return up to `limit` comments after the one with id `after`, oldest first."""
    rows = connection.exec_driver_sql(
        f"SELECT {COLUMNS} {FROM} AND c.ticket_id = %(id)s AND c.id > %(after)s "
        f"AND {shown(actor)} ORDER BY c.id LIMIT {limit}",
        {"id": ticket_id, "after": after},
    ).mappings()
    return [dict(row) for row in rows]


def shown(actor: Actor) -> str:
    if sees_internal_comments(actor):
        return "true"
    return f"c.visibility = '{Visibility.PUBLIC}'"


def edits_of(
    connection: Connection, comment_id: int
) -> list[tuple[str, int, datetime]]:
    """Return (what it said, who changed it, when), oldest first."""
    rows = connection.exec_driver_sql(
        "SELECT body, edited_by, created_at FROM tickets.comment_edits "
        "WHERE comment_id = %(id)s ORDER BY id",
        {"id": comment_id},
    )
    return [(row[0], row[1], row[2]) for row in rows]
