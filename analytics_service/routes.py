"""HTTP face of the analytics service. Each view is parse, one call, answer."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, current_app, request
from flask_smorest import Blueprint
from sqlalchemy import Connection

from analytics_service import csv_answers
from analytics_service.aging import aging
from analytics_service.asking import Asked, asked
from analytics_service.attainment import attainment
from analytics_service.metrics import definitions
from analytics_service.performance import performance
from analytics_service.schemas import (
    AgingSchema,
    DefinitionsSchema,
    ForecastQuerySchema,
    ForecastSchema,
    PerformanceQuerySchema,
    PerformanceSchema,
    PeriodQuerySchema,
    SlaSchema,
    TrendQuerySchema,
    TrendsSchema,
    Wanted,
    ZoneSchema,
    ZonesSchema,
)
from analytics_service.serving import forecast_answer
from analytics_service.trending import trends_answer
from analytics_service.zones import zone_detail, zones
from db.vocabulary import Role
from service_kit.answers import json_response
from service_kit.auth import DESK, STAFF, allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import read_only
from service_kit.errors import NotFound
from service_kit.settings import Settings

blueprint = Blueprint(
    "analytics",
    __name__,
    url_prefix="/api/analytics",
    description="Figures that add up, their course, and what is to come.",
)
READERS = (*STAFF, Role.VIEWER)
Lines = Callable[[Mapping[str, Any]], Sequence[dict[str, Any]]]


@blueprint.get("/metrics")
@allow(*READERS)
@blueprint.response(HTTPStatus.OK, DefinitionsSchema)
def list_metrics() -> Response:
    """Every definition in words: numerator, denominator, population, exclusions."""
    answer = {
        "items": definitions(),
        "percentiles": "Linear interpolation; exact up to 2,000 durations, beyond "
        "that from histograms with bins 2 % wide, within 1 %.",
    }
    return answered(answer, "metrics", csv_answers.rows_of("items"))


@blueprint.get("/performance")
@allow(*READERS)
@blueprint.arguments(PerformanceQuerySchema, location="query")
@blueprint.response(HTTPStatus.OK, PerformanceSchema)
def show_performance(query: dict[str, Any]) -> Response:
    """Figures of a period, overall and by group, beside the period before."""
    with read_only() as connection:
        answer = performance(
            connection,
            request_for(connection, query),
            query["by"],
            compared=query["compare"] is not None,
        )
    return answered(answer, "performance", csv_answers.compared_lines)


@blueprint.get("/trends")
@allow(*READERS)
@blueprint.arguments(TrendQuerySchema, location="query")
@blueprint.response(HTTPStatus.OK, TrendsSchema)
def show_trends(query: dict[str, Any]) -> Response:
    """The course of one figure with its trend, week, change points and odd days."""
    with read_only() as connection:
        answer = trends_answer(
            connection,
            request_for(connection, query),
            query["metric"],
            query["granularity"],
        )
    return answered(answer, "trends", csv_answers.rows_of("series"))


@blueprint.get("/forecast")
@allow(*DESK, Role.VIEWER)
@blueprint.arguments(ForecastQuerySchema, location="query")
@blueprint.response(HTTPStatus.OK, ForecastSchema)
def show_forecast(query: dict[str, Any]) -> Response:
    """What to expect of each day ahead, how sure that is, and the teams it needs."""
    with read_only() as connection:
        answer = forecast_answer(
            connection, query, current_actor(), utc_now(), organisation_zone()
        )
    return answered(answer, "forecast", csv_answers.rows_of("points"))


@blueprint.get("/zones")
@allow(*READERS)
@blueprint.arguments(PeriodQuerySchema, location="query")
@blueprint.response(HTTPStatus.OK, ZonesSchema)
def list_zones(query: dict[str, Any]) -> Response:
    """Each zone's volumes, backlog, ages, promises, travel, teams, load and trend."""
    with read_only() as connection:
        answer = zones(connection, request_for(connection, query))
    return answered(answer, "zones", csv_answers.rows_of("items"))


@blueprint.get("/zones/<path:zone>")  # names may hold a slash
@allow(*READERS)
@blueprint.arguments(PeriodQuerySchema(exclude=("zone",)), location="query")
@blueprint.response(HTTPStatus.OK, ZoneSchema)
def show_zone(query: dict[str, Any], zone: str) -> Response:
    """One zone with its teams, categories and the age of its unfinished work."""
    with read_only() as connection:
        found = request_for(connection, {**query, "zone": None})
        seen = found.selection.zones
        if zone not in found.directory.zones or (seen is not None and zone not in seen):
            raise NotFound(f"There is no zone {zone}.")
        one = request_for(connection, {**query, "zone": [zone]})
        answer = zone_detail(connection, one)
    return answered(answer, f"zone-{zone}", csv_answers.one_line)


@blueprint.get("/aging")
@allow(*READERS)
@blueprint.arguments(PeriodQuerySchema, location="query")
@blueprint.response(HTTPStatus.OK, AgingSchema)
def show_aging(query: dict[str, Any]) -> Response:
    """Unfinished tickets by age and status, now; `from` and `to` are of creation."""
    with read_only() as connection:
        answer = aging(
            connection,
            request_for(connection, query),
            query.get("first"),
            query.get("last"),
        )
    return answered(answer, "aging", csv_answers.rows_of("buckets"))


@blueprint.get("/sla")
@allow(*READERS)
@blueprint.arguments(PeriodQuerySchema, location="query")
@blueprint.response(HTTPStatus.OK, SlaSchema)
def show_sla(query: dict[str, Any]) -> Response:
    """Promises kept by policy, priority and zone; breaches and holds with reasons."""
    with read_only() as connection:
        answer = attainment(connection, request_for(connection, query))
    return answered(answer, "sla", csv_answers.sla_lines)


def request_for(connection: Connection, query: dict[str, Any]) -> Asked:
    """Return the request with its filters checked, for the caller, now."""
    wanted = Wanted.of(query)
    return asked(connection, wanted, current_actor(), utc_now(), organisation_zone())


def organisation_zone() -> ZoneInfo:
    settings: Settings = current_app.config["SETTINGS"]
    return ZoneInfo(settings.organisation_zone)


def answered(answer: Mapping[str, Any], name: str, lines: Lines) -> Response:
    """Return the answer as JSON, or as CSV if the caller prefers that."""
    best = request.accept_mimetypes.best_match(["application/json", "text/csv"])
    if best == "text/csv":
        return csv_answers.csv_response(lines(answer), name)
    return json_response(answer)
