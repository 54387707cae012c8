"""HTTP face of risk, insights and recommendations. Parse, one call, answer."""

from typing import Any

from flask import Response, current_app
from flask_smorest import Blueprint

from ai_service import actions, answering
from ai_service.answering import RiskFilter
from ai_service.schemas import (
    InsightListSchema,
    InsightQuerySchema,
    ModelListSchema,
    RecommendationRequestSchema,
    RecommendationSchema,
    RiskListSchema,
    RiskQuerySchema,
    SimilarListSchema,
    SimilarQuerySchema,
)
from db.vocabulary import Role
from service_kit.answers import json_response
from service_kit.auth import DESK, EVERYONE, STAFF, allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import read_only, transaction

blueprint = Blueprint("ai", __name__, url_prefix="/api/ai")


def organisation_zone() -> str:
    zone: str = current_app.config["SETTINGS"].organisation_zone
    return zone


@blueprint.post("/recommendations")
@allow(*STAFF, Role.VIEWER)
@blueprint.arguments(RecommendationRequestSchema)
@blueprint.response(200, RecommendationSchema)
def recommend(asked: dict[str, Any]) -> Response:
    """Rank teams for a ticket, or advise on a zone's workload, staffing and SLA."""
    actor, now, tz = current_actor(), utc_now(), organisation_zone()
    with read_only() as connection:
        if "ticket_id" in asked:
            ticket_id = asked["ticket_id"]
            found = answering.recommend_for_ticket(
                connection, ticket_id, actor, now, tz
            )
        elif "ticket" in asked:
            draft = asked["ticket"]
            found = answering.recommend_for_draft(connection, draft, actor, now, tz)
        else:
            zone, focus = asked.get("zone"), asked.get("focus")
            found = answering.advise_on(connection, actor, zone, focus, now)
    return json_response(found)


@blueprint.get("/insights")
@allow(*EVERYONE)
@blueprint.arguments(InsightQuerySchema, location="query")
@blueprint.response(200, InsightListSchema)
def insights(asked: dict[str, Any]) -> Response:
    """List what stands out now, the gravest first."""
    with read_only() as connection:
        found = answering.insight_list(
            connection, current_actor(), asked["zone"], asked["kind"], asked["limit"]
        )
    return json_response(found)


@blueprint.post("/insights/<int:insight_id>/dismiss")
@allow(*DESK)
@blueprint.response(204)
def dismiss_insight(insight_id: int) -> None:
    """Put a finding aside until it goes away and comes back."""
    actor = current_actor()
    with transaction() as connection:
        found = answering.get_insight(connection, insight_id, actor)
        actions.dismiss_insight(connection, found.id, actor.user_id, utc_now())


@blueprint.get("/sla-risk")
@allow(*EVERYONE)
@blueprint.arguments(RiskQuerySchema, location="query")
@blueprint.response(200, RiskListSchema)
def sla_risk(wanted: RiskFilter) -> Response:
    """List unfinished tickets by the probability that they miss their promise."""
    with read_only() as connection:
        found = answering.risk_list(connection, current_actor(), wanted, utc_now())
    return json_response(found)


@blueprint.get("/similar")
@allow(*EVERYONE)
@blueprint.arguments(SimilarQuerySchema, location="query")
@blueprint.response(200, SimilarListSchema)
def similar(asked: dict[str, Any]) -> Response:
    """List past tickets like a ticket or a text, and how they ended."""
    with read_only() as connection:
        found = answering.similar_tickets(
            connection,
            current_actor(),
            ticket_id=asked["ticket_id"],
            words=asked["text"],
            limit=asked["limit"],
        )
    return json_response(found)


@blueprint.get("/models")
@allow(*EVERYONE)
@blueprint.response(200, ModelListSchema)
def models() -> Response:
    """List each model: what for, on how many rows, how good beside its baseline."""
    with read_only() as connection:
        found = answering.model_list(connection)
    return json_response(found)
