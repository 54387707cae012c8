"""HTTP face of the SLA: explain, what-if, preview, calendars, policies."""

from collections.abc import Callable
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint
from sqlalchemy import Connection

from db.vocabulary import Role
from service_kit.answers import json_response
from service_kit.auth import EVERYONE, STAFF, allow
from service_kit.database import read_only, transaction
from service_kit.errors import Unreadable
from service_kit.etags import etag, tagged
from service_kit.paging import (
    PageQuerySchema,
    decode_cursor,
    encode_cursor,
    page_response,
)
from tickets_service import sla_actions, sla_queries
from tickets_service.desk import asked, reader, world
from tickets_service.sla_schemas import (
    CalendarPageSchema,
    CalendarSchema,
    ExplanationSchema,
    NewCalendarSchema,
    NewPolicySchema,
    PolicyPageSchema,
    PolicySchema,
    PreviewQuestionSchema,
    PreviewSchema,
    RepricedSchema,
    RepriceQuerySchema,
    WhatIfAnswerSchema,
    WhatIfSchema,
)
from tickets_service.ticket_queries import ticket_id_of

READERS = (*STAFF, Role.VIEWER)

blueprint = Blueprint("sla", __name__, url_prefix="/api", description="SLA clocks")


@blueprint.get("/tickets/<ref>/sla")
@allow(*EVERYONE)
@blueprint.response(200, ExplanationSchema)
def explain_sla(ref: str) -> Response:
    """Explain both clocks: the segments add up to the second."""
    with read_only() as connection:
        found = sla_queries.explained(connection, ticket_id_of(ref), reader(connection))
    return json_response(found)


@blueprint.post("/tickets/<ref>/sla/what-if")
@allow(*EVERYONE)
@blueprint.arguments(WhatIfSchema)
@blueprint.response(200, WhatIfAnswerSchema)
def imagine_sla(sent: dict[str, Any], ref: str) -> Response:
    """Answer the due times under another priority, hold or calendar."""
    with read_only() as connection:
        found = sla_queries.what_if(
            connection, ticket_id_of(ref), sent, reader(connection)
        )
    return json_response(found)


@blueprint.post("/sla/preview")
@allow(*EVERYONE)
@blueprint.doc(
    requestBody={
        "required": True,
        "content": {"application/json": {"schema": PreviewQuestionSchema}},
    }
)
@blueprint.response(200, PreviewSchema)
def preview_sla() -> Response:
    """Answer due, elapsed and segments for a calendar and pauses that are sent."""
    body = request.get_json(silent=True)
    if body is None:
        raise Unreadable("The body is not JSON.")
    with read_only() as connection:
        found = sla_queries.previewed(body, reader(connection))
    return json_response(found)


def versions_response(
    query: dict[str, Any], find: Callable[[Connection, int, int], list[dict[str, Any]]]
) -> Response:
    limit = query["limit"]
    after = decode_cursor(query["cursor"], "id", (int,))[0] if query["cursor"] else 0
    with read_only() as connection:
        found = find(connection, after, limit + 1)
    shown = found[:limit]
    more = encode_cursor("id", [shown[-1]["id"]]) if len(found) > limit else None
    return page_response(shown, limit=limit, next_cursor=more)


def version_response(found: dict[str, Any], path: str, status: int = 200) -> Response:
    place = {"Location": f"/api/sla/{path}/{found['id']}"} if status == 201 else {}
    return tagged(json_response(found, status, place), etag(found["version"]))


@blueprint.get("/sla/calendars")
@allow(*READERS)
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, CalendarPageSchema)
def list_calendars(query: dict[str, Any]) -> Response:
    """List the versions of all calendars, the oldest first."""
    return versions_response(query, sla_queries.calendars)


@blueprint.post("/sla/calendars")
@allow(Role.ADMIN)
@blueprint.arguments(NewCalendarSchema)
@blueprint.response(201, CalendarSchema)
def add_calendar(sent: dict[str, Any]) -> Response:
    """Save a calendar; under a known name it becomes the next version."""
    with transaction() as connection:
        found = sla_actions.add_calendar(connection, sent, asked())
    return version_response(found, "calendars", 201)


@blueprint.get("/sla/calendars/<int:calendar_id>")
@allow(*READERS)
@blueprint.response(200, CalendarSchema)
def get_calendar(calendar_id: int) -> Response:
    """Answer one version of a calendar."""
    with read_only() as connection:
        found = sla_queries.get_calendar(connection, calendar_id)
    return version_response(found, "calendars")


@blueprint.get("/sla/policies")
@allow(*READERS)
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, PolicyPageSchema)
def list_policies(query: dict[str, Any]) -> Response:
    """List the versions of all policies, the oldest first."""
    return versions_response(query, sla_queries.policies)


@blueprint.post("/sla/policies")
@allow(Role.ADMIN)
@blueprint.arguments(NewPolicySchema)
@blueprint.response(201, PolicySchema)
def add_policy(sent: dict[str, Any]) -> Response:
    """Save a policy; under a known name it becomes the next version."""
    with transaction() as connection:
        found = sla_actions.add_policy(connection, sent, asked())
    return version_response(found, "policies", 201)


@blueprint.get("/sla/policies/<int:policy_id>")
@allow(*READERS)
@blueprint.response(200, PolicySchema)
def get_policy(policy_id: int) -> Response:
    """Answer one version of a policy."""
    with read_only() as connection:
        found = sla_queries.get_policy(connection, policy_id)
    return version_response(found, "policies")


@blueprint.post("/sla/policies/<int:policy_id>/reprice")
@allow(Role.ADMIN)
@blueprint.arguments(RepriceQuerySchema, location="query")
@blueprint.response(200, RepricedSchema)
def reprice_tickets(query: dict[str, Any], policy_id: int) -> Response:
    """Put unfinished tickets of this policy under this version of it.

    Up to `limit` a call; `cursor` takes the `next` of the answer before, until it
    is null. `python -m tickets_service.reprice` goes through all of them.
    """
    cursor = query["cursor"]
    after = decode_cursor(cursor, "id", (int,))[0] if cursor else 0
    batch = sla_actions.Batch(after, query["limit"], query["preview"])
    with transaction() as connection:
        found = sla_actions.reprice(
            connection, policy_id, batch, asked(), world(connection)
        )
    more = found["remaining"] > 0
    last_id = found.pop("last_id")
    place = {"more": more, "next": encode_cursor("id", [last_id]) if more else None}
    return json_response(found | place)
