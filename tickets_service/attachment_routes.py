"""HTTP face of attachments: multipart in, the bytes out with safe headers."""

from typing import Any
from urllib.parse import quote

import marshmallow as ma
from flask import Response, current_app, request
from flask_smorest import Blueprint
from marshmallow import fields

from db.vocabulary import Role, Visibility
from service_kit.answers import json_response
from service_kit.app import accepts
from service_kit.auth import EVERYONE, STAFF, allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import read_only, transaction
from service_kit.errors import Invalid
from service_kit.idempotency import never_stored
from service_kit.paging import (
    PageQuerySchema,
    decode_cursor,
    encode_cursor,
    page_response,
)
from service_kit.schemas import Schema, Word, storable
from tickets_service import attachment_actions
from tickets_service.attachment_files import INLINE, MAX_BYTES, Store, discard
from tickets_service.desk import asked, world
from tickets_service.schemas import page_of
from tickets_service.ticket_queries import check_seen

FORM_ROOM = 64 * 1024  # for the parts of the form around the file
MAX_NAME = 200
STORE = "attachment_store"

blueprint = Blueprint(
    "attachments",
    __name__,
    url_prefix="/api/tickets/<ref>/attachments",
    description="Attachments",
)


FORM = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {
                "file": {"type": "string", "contentMediaType": "image/jpeg"},
                "visibility": {"type": "string", "enum": list(Visibility)},
            },
        }
    }
}
BYTES: dict[str, Any] = {
    "description": "The bytes of the file",
    "content": {"application/octet-stream": {"schema": {}}},
}


class UploadSchema(Schema):
    visibility = Word(Visibility, load_default=Visibility.PUBLIC)


class AttachmentSchema(ma.Schema):
    id = fields.Integer()
    ticket_id = fields.Integer()
    uploaded_by = fields.Integer()
    uploaded_by_name = fields.String(allow_none=True)
    filename = fields.String(metadata={"example": "splice.jpg"})
    content_type = fields.String(metadata={"example": "image/jpeg"})
    size_bytes = fields.Integer()
    sha256 = fields.String()
    visibility = fields.Enum(Visibility, by_value=True)
    created_at = fields.AwareDateTime()


def store() -> Store:
    found: Store = current_app.extensions[STORE]
    return found


def sent_file() -> tuple[str, bytes]:
    """Return the name and the bytes of the form's part `file`."""
    request.max_content_length = MAX_BYTES + FORM_ROOM
    part = request.files.get("file")
    if part is None:
        raise Invalid({"file": "send a multipart form with a part named file"})
    unknown = (set(request.form) | set(request.files)) - {"file", "visibility"}
    if unknown:
        raise Invalid(dict.fromkeys(sorted(unknown), "Unknown field."))
    name = (part.filename or "").replace("\\", "/").rsplit("/", 1)[-1].strip()
    try:
        name = storable(name)
    except ma.ValidationError as error:
        raise Invalid({"file": "its name cannot be stored"}) from error
    return name[:MAX_NAME] or "file", part.stream.read(MAX_BYTES + 1)


@blueprint.get("")
@allow(*EVERYONE)
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, page_of(AttachmentSchema, "AttachmentPageSchema"))
def list_attachments(query: dict[str, Any], ref: str) -> Response:
    """List a ticket's attachments, the first one first."""
    actor, limit, cursor = current_actor(), query["limit"], query["cursor"]
    after = decode_cursor(cursor, "id", (int,))[0] if cursor else 0
    with read_only() as connection:
        ticket_id = check_seen(connection, ref, actor, utc_now())
        found = attachment_actions.attachments_of(
            connection, ticket_id, actor, after, limit + 1
        )
    shown = found[:limit]
    more = encode_cursor("id", [shown[-1]["id"]]) if len(found) > limit else None
    return page_response(shown, limit=limit, next_cursor=more)


@blueprint.post("")
@never_stored
@accepts("multipart/form-data")
@allow(*STAFF, Role.REQUESTER)
@blueprint.response(201, AttachmentSchema)
@blueprint.doc(requestBody={"required": True, "content": FORM})
def add_attachment(ref: str) -> Response:
    """Attach a picture, PDF or text of up to 10 MiB (multipart part `file`)."""
    name, content = sent_file()
    visibility = form_visibility()
    files, actor = store(), current_actor()
    with read_only() as connection:
        ticket_id = check_seen(connection, ref, actor, utc_now())
    stored = files.save(content)
    upload = attachment_actions.Upload(name, visibility, stored)
    try:
        with transaction() as connection:
            made = attachment_actions.add_attachment(
                connection, ticket_id, upload, asked(), world(connection)
            )
    except BaseException:
        discard(files, stored.storage_key)
        raise
    place = f"/api/tickets/{ticket_id}/attachments/{made['id']}"
    return json_response(made, 201, {"Location": place})


def form_visibility() -> Visibility:
    sent = {k: v for k, v in request.form.items() if k == "visibility"}
    try:
        found: Visibility = UploadSchema().load(sent)["visibility"]
    except ma.ValidationError as error:
        raise Invalid(error.normalized_messages()) from error
    return found


@blueprint.get("/<int:attachment_id>")
@allow(*EVERYONE)
@blueprint.response(200, description="The bytes of the file")
@blueprint.doc(responses={"200": BYTES})
def get_attachment(ref: str, attachment_id: int) -> Response:
    """Answer the bytes of an attachment, never to be run by a browser."""
    actor = current_actor()
    with read_only() as connection:
        ticket_id = check_seen(connection, ref, actor, utc_now())
        about = attachment_actions.get_attachment(
            connection, ticket_id, attachment_id, actor
        )
        key = attachment_actions.storage_key_of(
            connection, ticket_id, attachment_id, actor
        )
    shown = "inline" if about["content_type"] in INLINE else "attachment"
    name = quote(about["filename"])
    return Response(
        store().read(key),
        content_type=about["content_type"],
        headers={
            "Content-Disposition": f"{shown}; filename*=UTF-8''{name}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, max-age=3600",
        },
    )
