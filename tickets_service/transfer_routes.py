"""HTTP face of export and import."""

import csv
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

import marshmallow as ma
import orjson
from flask import Response, current_app, request
from flask_smorest import Blueprint
from marshmallow import fields, validate

from service_kit.answers import json_response
from service_kit.app import accepts
from service_kit.auth import DESK, EVERYONE, allow
from service_kit.database import database, read_only, transaction
from service_kit.errors import Invalid, Unreadable
from service_kit.schemas import Schema
from tickets_service import export_queries, import_actions
from tickets_service.desk import SHELF, asked, filter_from, organisation_zone, settings
from tickets_service.desk import world as world_of
from tickets_service.import_actions import Report, Row
from tickets_service.schemas import TicketFilterFields
from tickets_service.storage import World

MAX_IMPORT_BYTES = 64 * 1024 * 1024
CHUNK = 200  # rows per transaction: an import never keeps others waiting for long
CSV, LINES = "text/csv", "application/x-ndjson"
JSON_LINES = (LINES, "application/jsonl", "application/jsonlines")


class ExportQuerySchema(TicketFilterFields):
    format = fields.String(
        load_default="csv", validate=validate.OneOf(("csv", "jsonl"))
    )


class ImportQuerySchema(Schema):
    dry_run = fields.Boolean(load_default=False)
    mapping = fields.String(
        metadata={"description": 'JSON: {"title": "Subject", …}, field to column'},
        validate=validate.Length(max=5_000),
    )


class ImportReportSchema(ma.Schema):
    created = fields.Integer()
    updated = fields.Integer()
    unchanged = fields.Integer()
    failed = fields.Integer()
    dry_run = fields.Boolean()
    errors = fields.List(fields.Dict())


class DryRun(Exception):
    """Ends the transaction of a trial, so that nothing of it stays."""


blueprint = Blueprint(
    "transfer", __name__, url_prefix="/api/tickets", description="Export and import"
)


@blueprint.get("/export")
@allow(*EVERYONE)
@blueprint.arguments(ExportQuerySchema, location="query")
@blueprint.response(200, description="CSV or JSON lines", content_type="text/csv")
def export_tickets(query: dict[str, Any]) -> Response:
    """Send the tickets that the caller may see, as CSV or JSON lines."""
    with read_only() as connection:
        wanted = filter_from(connection, query, organisation_zone())
    shelf = current_app.extensions[SHELF]
    found = export_queries.exported_tickets(database(), shelf, wanted, asked())
    zone = settings().organisation_zone
    if query["format"] == "csv":
        lines, kind = export_queries.as_csv(found, zone), "text/csv; charset=utf-8"
    else:
        lines, kind = export_queries.as_lines(found, zone), LINES
    name = f"tickets.{query['format']}"
    response = Response(lines, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@blueprint.post("/import")
@allow(*DESK)
@accepts(CSV, *JSON_LINES)
@blueprint.arguments(ImportQuerySchema, location="query")
@blueprint.response(200, ImportReportSchema)
def import_tickets(query: dict[str, Any]) -> Response:
    """Bring in tickets from CSV or JSON lines; known external_refs are updated."""
    request.max_content_length = MAX_IMPORT_BYTES
    mapping = mapping_of(query)
    text = import_actions.text_lines(request.stream)
    make = import_actions.rows_of_csv
    if request.mimetype != CSV:
        make = import_actions.rows_of_lines
    report = Report()
    try:
        run(make(text, mapping), report, dry_run=query["dry_run"])
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"The file cannot be read: {error}") from error
    return json_response(asdict(report) | {"dry_run": query["dry_run"]})


def mapping_of(query: dict[str, Any]) -> dict[str, str]:
    if not query.get("mapping"):
        return {}
    try:
        return import_actions.check_mapping(orjson.loads(query["mapping"]))
    except orjson.JSONDecodeError as error:
        raise Invalid({"mapping": "is not JSON"}) from error


def run(rows: Iterator[Row], report: Report, *, dry_run: bool) -> None:
    """Bring in the rows, some at a time; a dry run takes them all back."""
    while chunk := list(islice(rows, CHUNK)):
        try:
            with transaction() as connection, connection.begin_nested():
                world = world_of(connection)
                via_import = World(world.book, world.zone, "import")
                import_actions.import_rows(
                    connection, chunk, report, asked(), via_import
                )
                if dry_run:
                    raise DryRun
        except DryRun:
            continue
