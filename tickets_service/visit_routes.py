"""HTTP face of visits (assignments)."""

from collections.abc import Sequence
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from service_kit.answers import json_response
from service_kit.auth import DESK, EVERYONE, STAFF, allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import read_only, transaction
from service_kit.etags import etag, tagged
from service_kit.paging import page_response
from tickets_service import visit_actions, visit_queries
from tickets_service.commands import MoveVisit
from tickets_service.desk import asked, bound, organisation_zone, world
from tickets_service.schemas import (
    AssignmentChangeSchema,
    AssignmentPageSchema,
    AssignmentQuerySchema,
    AssignmentSchema,
    NewAssignmentSchema,
)
from tickets_service.ticket_queries import check_seen, ticket_id_of
from tickets_service.ticket_state import Event

blueprint = Blueprint(
    "assignments", __name__, url_prefix="/api", description="Visits of teams"
)


def visit_response(visit: dict[str, Any], status: int = 200) -> Response:
    place = {"Location": f"/api/assignments/{visit['id']}"} if status == 201 else {}
    return tagged(json_response(visit, status, place), etag(visit["version"]))


@blueprint.get("/assignments")
@allow(*EVERYONE)
@blueprint.arguments(AssignmentQuerySchema, location="query")
@blueprint.response(200, AssignmentPageSchema)
def list_assignments(query: dict[str, Any]) -> Response:
    """List visits of the tickets that the caller may see, the newest first."""
    zone = organisation_zone()
    for name in ("offered_from", "offered_to", "ended_from", "ended_to"):
        if name in query:
            query[name] = bound(name, query[name], zone)
    with read_only() as connection:
        page = visit_queries.page_of_assignments(connection, query, current_actor())
    return page_response(
        page.items,
        limit=query["limit"],
        next_cursor=page.next_cursor,
        total=page.total,
    )


@blueprint.get("/assignments/<int:visit_id>")
@allow(*EVERYONE)
@blueprint.response(200, AssignmentSchema)
def get_assignment(visit_id: int) -> Response:
    """Answer one visit."""
    with read_only() as connection:
        visit = visit_queries.get_visit(connection, visit_id, current_actor())
    return visit_response(visit)


@blueprint.patch("/assignments/<int:visit_id>")
@allow(*STAFF)
@blueprint.arguments(AssignmentChangeSchema)
@blueprint.response(200, AssignmentSchema)
def move_visit(sent: dict[str, Any], visit_id: int) -> Response:
    """Move a visit: accepted, declined, en_route, on_site, done, not_done, released."""
    with transaction() as connection:
        move = MoveVisit(visit_id, **sent)
        visit_actions.move_visit(connection, move, asked(), world(connection))
        return visit_response(visit_queries.visit_by_id(connection, visit_id))


@blueprint.get("/tickets/<ref>/assignments")
@allow(*EVERYONE)
@blueprint.response(200, AssignmentPageSchema)
def list_visits(ref: str) -> Response:
    """List the visits of one ticket, the first one first."""
    with read_only() as connection:
        ticket_id = check_seen(connection, ref, current_actor(), utc_now())
        items = visit_queries.visits_of(connection, ticket_id)
    return page_response(items, limit=len(items), next_cursor=None)


@blueprint.post("/tickets/<ref>/assignments")
@allow(*DESK)
@blueprint.arguments(NewAssignmentSchema)
@blueprint.response(201, AssignmentSchema)
def offer_visit(sent: dict[str, Any], ref: str) -> Response:
    """Send a team; the previous visit is released and kept."""
    with transaction() as connection:
        outcome = visit_actions.offer_visit(
            connection, ticket_id_of(ref), sent, asked(), world(connection)
        )
        visit = visit_queries.visit_by_id(connection, outcome.after.visits[-1].id)
        return visit_response(visit | overridden(outcome.events), 201)


def overridden(events: Sequence[Event]) -> dict[str, Any]:
    """Return which rules an offer overrode and why, from its events."""
    data = next(e.data for e in events if e.kind == "visit.offered")
    return {
        "warnings": data.get("warnings", []),
        "override_reason": data.get("override_reason"),
    }
