"""Attachments: evidence on a ticket. Its row and its event commit together."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from db.scope import Actor, sees_internal_comments
from db.vocabulary import Visibility
from service_kit.errors import NotFound
from tickets_service.attachment_files import StoredFile
from tickets_service.commands import AddAttachment
from tickets_service.storage import Request, World, act

NEXT_ID = "SELECT nextval('tickets.attachments_id_seq')"
COLUMNS = (
    "a.id, a.ticket_id, a.uploaded_by, u.username AS uploaded_by_name, a.filename, "
    "a.content_type, a.size_bytes, encode(a.sha256, 'hex') AS sha256, a.visibility, "
    "a.created_at"
)
FROM = (
    "FROM tickets.attachments a "
    "LEFT JOIN auth.user_directory u ON u.id = a.uploaded_by "
    "WHERE a.ticket_id = %(ticket_id)s"
)
INSERT = (
    "INSERT INTO tickets.attachments (id, ticket_id, uploaded_by, filename, "
    "content_type, size_bytes, sha256, storage_key, visibility, created_at) VALUES "
    "(%(id)s, %(ticket_id)s, %(by)s, %(filename)s, %(content_type)s, %(size)s, "
    "%(sha256)s, %(key)s, %(visibility)s, %(now)s)"
)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that lies in the store, not yet attached to anything."""

    filename: str
    visibility: Visibility
    stored: StoredFile


def add_attachment(
    connection: Connection,
    ticket_id: int,
    upload: Upload,
    request: Request,
    world: World,
) -> dict[str, Any]:
    """Add a stored file to a ticket; a requester's internal one is forbidden."""
    new_id = int(connection.exec_driver_sql(NEXT_ID).scalar_one())
    stored = upload.stored
    command = AddAttachment(
        new_id,
        upload.filename,
        stored.content_type,
        stored.size_bytes,
        upload.visibility,
    )
    act(connection, ticket_id, command, request, world)
    connection.exec_driver_sql(
        INSERT,
        {
            "id": new_id,
            "ticket_id": ticket_id,
            "by": request.actor.user_id,
            "filename": upload.filename,
            "content_type": stored.content_type,
            "size": stored.size_bytes,
            "sha256": stored.sha256,
            "key": stored.storage_key,
            "visibility": upload.visibility,
            "now": request.now,
        },
    )
    return get_attachment(connection, ticket_id, new_id, request.actor)


def attachments_of(
    connection: Connection, ticket_id: int, actor: Actor, after: int, limit: int
) -> list[dict[str, Any]]:
    """Return up to `limit` attachments after the id `after`, oldest first."""
    rows = connection.exec_driver_sql(
        f"SELECT {COLUMNS} {FROM} AND a.id > %(after)s AND {shown(actor)} "
        "ORDER BY a.id LIMIT %(limit)s",
        {"ticket_id": ticket_id, "after": after, "limit": limit},
    ).mappings()
    return [dict(row) for row in rows]


def get_attachment(
    connection: Connection, ticket_id: int, attachment_id: int, actor: Actor
) -> dict[str, Any]:
    """Return what is known of an attachment; raises NotFound."""
    return dict(found(connection, ticket_id, attachment_id, actor, COLUMNS))


def storage_key_of(
    connection: Connection, ticket_id: int, attachment_id: int, actor: Actor
) -> str:
    """Return where the bytes of an attachment lie; raises NotFound."""
    return str(
        found(connection, ticket_id, attachment_id, actor, "a.storage_key")[
            "storage_key"
        ]
    )


def found(
    connection: Connection,
    ticket_id: int,
    attachment_id: int,
    actor: Actor,
    columns: str,
) -> Any:
    row = (
        connection.exec_driver_sql(
            f"SELECT {columns} {FROM} AND a.id = %(id)s AND {shown(actor)}",
            {"ticket_id": ticket_id, "id": attachment_id},
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotFound(f"There is no attachment {attachment_id} on this ticket.")
    return row


def shown(actor: Actor) -> str:
    if sees_internal_comments(actor):
        return "true"
    return f"a.visibility = '{Visibility.PUBLIC}'"
