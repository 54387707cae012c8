"""HTTP face of comments."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from db.vocabulary import Role
from service_kit.answers import json_response
from service_kit.auth import EVERYONE, STAFF, allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import read_only, transaction
from service_kit.etags import etag, tagged
from service_kit.paging import (
    PageQuerySchema,
    decode_cursor,
    encode_cursor,
    page_response,
)
from tickets_service import comment_actions
from tickets_service.desk import asked, world
from tickets_service.schemas import (
    CommentChangeSchema,
    CommentPageSchema,
    CommentSchema,
    NewCommentSchema,
)
from tickets_service.ticket_queries import check_seen, ticket_id_of

WRITERS = (*STAFF, Role.REQUESTER)

blueprint = Blueprint(
    "comments",
    __name__,
    url_prefix="/api/tickets/<ref>/comments",
    description="Comments",
)


def comment_response(comment: dict[str, Any], status: int = 200) -> Response:
    place = f"/api/tickets/{comment['ticket_id']}/comments/{comment['id']}"
    headers = {"Location": place} if status == 201 else {}
    return tagged(json_response(comment, status, headers), etag(comment["version"]))


@blueprint.get("")
@allow(*EVERYONE)
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, CommentPageSchema)
def list_comments(query: dict[str, Any], ref: str) -> Response:
    """List a ticket's comments, the first one first."""
    actor, limit = current_actor(), query["limit"]
    after = decode_cursor(query["cursor"], "id", (int,))[0] if query["cursor"] else 0
    with read_only() as connection:
        ticket_id = check_seen(connection, ref, actor, utc_now())
        found = comment_actions.comments_of(
            connection, ticket_id, actor, after, limit + 1
        )
    shown = found[:limit]
    more = encode_cursor("id", [shown[-1]["id"]]) if len(found) > limit else None
    return page_response(shown, limit=limit, next_cursor=more)


@blueprint.post("")
@allow(*WRITERS)
@blueprint.arguments(NewCommentSchema)
@blueprint.response(201, CommentSchema)
def add_comment(sent: dict[str, Any], ref: str) -> Response:
    """Add a comment, public or internal; `@username` tells that person."""
    with transaction() as connection:
        comment = comment_actions.add_comment(
            connection, ticket_id_of(ref), sent, asked(), world(connection)
        )
        return comment_response(comment, 201)


@blueprint.get("/<int:comment_id>")
@allow(*EVERYONE)
@blueprint.response(200, CommentSchema)
def get_comment(ref: str, comment_id: int) -> Response:
    """Answer one comment."""
    actor = current_actor()
    with read_only() as connection:
        ticket_id = check_seen(connection, ref, actor, utc_now())
        found = comment_actions.get_comment(connection, ticket_id, comment_id, actor)
    return comment_response(found)


@blueprint.patch("/<int:comment_id>")
@allow(*WRITERS)
@blueprint.arguments(CommentChangeSchema)
@blueprint.response(200, CommentSchema)
def edit_comment(sent: dict[str, Any], ref: str, comment_id: int) -> Response:
    """Change what a comment says; what it said before is kept."""
    actor = current_actor()
    with transaction() as connection:
        ticket_id = check_seen(connection, ref, actor, utc_now())
        comment = comment_actions.get_comment(
            connection, ticket_id, comment_id, actor, lock=True
        )
        changed = comment_actions.edit_comment(
            connection, comment, sent["body"], asked(), world(connection)
        )
        return comment_response(changed)


@blueprint.delete("/<int:comment_id>")
@allow(*WRITERS)
@blueprint.response(204)
def remove_comment(ref: str, comment_id: int) -> Response:
    """Take a comment out of sight."""
    actor = current_actor()
    with transaction() as connection:
        ticket_id = check_seen(connection, ref, actor, utc_now())
        comment = comment_actions.get_comment(
            connection, ticket_id, comment_id, actor, lock=True
        )
        comment_actions.remove_comment(connection, comment, asked(), world(connection))
    return Response(status=204)
