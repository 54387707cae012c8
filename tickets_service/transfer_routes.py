"""HTTP face of export and import."""

from collections.abc import Iterator
from dataclasses import asdict
from io import BufferedReader
from itertools import chain, islice
from typing import Any

import marshmallow as ma
import orjson
from flask import Response, current_app, request
from flask_smorest import Blueprint
from marshmallow import fields, validate
from sqlalchemy.exc import DBAPIError

from db.vocabulary import Via
from service_kit.answers import json_response
from service_kit.app import accepts
from service_kit.auth import DESK, EVERYONE, allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import database, read_only
from service_kit.errors import Invalid, Unavailable, UnsupportedType
from service_kit.idempotency import never_stored
from service_kit.problems import RETRIABLE_CONFLICTS
from service_kit.schemas import Schema
from tickets_service import export_queries, import_actions, import_files
from tickets_service.desk import SHELF, asked, book, filter_from, organisation_zone
from tickets_service.import_actions import Report
from tickets_service.import_files import Row, Sources
from tickets_service.places import Places, held
from tickets_service.schemas import TicketFilterFields
from tickets_service.storage import Request, World

MAX_IMPORT_BYTES = 200 * 1024 * 1024  # as the gateway's IMPORT_MAX_SIZE
MAX_ROWS = 100_000
CHUNK = 50  # rows per transaction: nobody who opens a ticket waits for long
TRIES = 3
CSV, LINES = "text/csv", "application/x-ndjson"
JSON_LINES = (LINES, "application/jsonl", "application/jsonlines")
EXPORTS = "export_places"


EXAMPLE_CSV = (
    "external_ref,title,category,zone,priority\nA-1,No light,repair,Johor,high\n"
)
EXAMPLE_LINE = '{"title": "No light", "category": "repair", "zone": "Johor"}\n'
FILE: dict[str, Any] = {
    CSV: {"schema": {"type": "string"}, "example": EXAMPLE_CSV},
    **{k: {"schema": {"type": "string"}, "example": EXAMPLE_LINE} for k in JSON_LINES},
}
EXPORTED: dict[str, Any] = {
    "description": "CSV or JSON lines",
    "content": {kind: FILE[kind] for kind in (CSV, LINES)},
}


class ExportQuerySchema(TicketFilterFields):
    format = fields.String(
        load_default="csv", validate=validate.OneOf(("csv", "jsonl"))
    )


class ImportQuerySchema(Schema):
    dry_run = fields.Boolean(load_default=False)
    mapping = fields.String(
        metadata={
            "description": 'JSON, field to column: `{"title": "Subject"}`, or with '
            'the words of the source: `{"priority": {"column": "Level", '
            '"values": {"1": "urgent"}, "default": "medium"}}`',
            "example": '{"external_ref": "Case", "title": "Subject"}',
        },
        validate=validate.Length(max=20_000),
    )


class BadRowSchema(ma.Schema):
    line = fields.Integer(metadata={"description": "Where the row begins in the file"})
    external_ref = fields.String(allow_none=True)
    code = fields.String(metadata={"example": "invalid"})
    reason = fields.String(metadata={"example": "zone: unknown zone: Atlantis"})
    errors = fields.Dict(
        keys=fields.String(), values=fields.List(fields.String()), dump_default={}
    )


class ImportReportSchema(ma.Schema):
    """rows is the sum of created, updated, unchanged and failed."""

    rows = fields.Integer()
    created = fields.Integer()
    updated = fields.Integer()
    unchanged = fields.Integer()
    failed = fields.Integer()
    dry_run = fields.Boolean()
    errors = fields.List(
        fields.Nested(BadRowSchema),
        metadata={"description": "The first 1,000 rows that failed"},
    )


class DryRun(Exception):
    """Ends the transaction of a trial, so that nothing of it stays."""


blueprint = Blueprint(
    "transfer", __name__, url_prefix="/api/tickets", description="Export and import"
)


@blueprint.get("/export")
@allow(*EVERYONE)
@blueprint.arguments(ExportQuerySchema, location="query")
@blueprint.response(200, description="CSV or JSON lines", content_type=CSV)
@blueprint.doc(responses={"200": EXPORTED})
def export_tickets(query: dict[str, Any]) -> Response:
    """Send the tickets that the caller may see, as CSV or JSON lines.

    Takes the filters of the list. Instants are UTC, `time_zone` names the zone of
    the place; texts that a spreadsheet would compute begin with a quote.
    """
    places: Places = current_app.extensions[EXPORTS]
    give_back = places.take()
    if give_back is None:
        raise Unavailable("Too many exports at once; try again in a moment.")
    try:
        kind, pieces = exported(query)
    except BaseException:
        give_back()
        raise
    response = Response(held(pieces, give_back), content_type=kind)
    response.call_on_close(give_back)
    name = f"tickets-{utc_now().astimezone(organisation_zone()):%Y-%m-%d}"
    disposition = f'attachment; filename="{name}.{query["format"]}"'
    response.headers["Content-Disposition"] = disposition
    response.headers["Cache-Control"] = "no-store"
    return response


def exported(query: dict[str, Any]) -> tuple[str, Iterator[bytes]]:
    """Return the media type and the pieces, the first of them already made.

    What can go wrong mostly does so before the first piece: then it is a problem,
    not a file that breaks off.
    """
    with read_only() as connection:
        wanted = filter_from(connection, query, organisation_zone())
    shelf = current_app.extensions[SHELF]
    found = export_queries.exported_tickets(database(), shelf, wanted, asked())
    if query["format"] == "csv":
        kind, pieces = "text/csv; charset=utf-8", export_queries.as_csv(found)
    else:
        kind, pieces = LINES, export_queries.as_lines(found)
    return kind, chain(list(islice(pieces, 1)), pieces)


@blueprint.post("/import")
@never_stored
@allow(*DESK)
@accepts(CSV, *JSON_LINES)
@blueprint.arguments(ImportQuerySchema, location="query")
@blueprint.response(200, ImportReportSchema)
@blueprint.doc(requestBody={"required": True, "content": FILE})
def import_tickets(query: dict[str, Any]) -> Response:
    """Bring in tickets from CSV or JSON lines; known external_refs are updated.

    Good rows are kept, each bad one is answered with its line and the reason; the
    same file may be sent again. An empty cell leaves its field as it is.
    """
    request.max_content_length = MAX_IMPORT_BYTES
    if request.mimetype not in (CSV, *JSON_LINES):
        raise UnsupportedType(f"Send {CSV} or {LINES}.")
    rows = rows_sent(mapping_of(query))
    report, trial = Report(), set[object]()
    while chunk := list(islice(rows, CHUNK)):
        if report.rows >= MAX_ROWS:
            text = f"the file has more than {MAX_ROWS} rows: send the rest on its own"
            report.refuse(chunk[0], Invalid({"body": text}))
            break
        report.add(imported(chunk, trial if query["dry_run"] else None))
    return json_response(asdict(report) | {"dry_run": query["dry_run"]})


def mapping_of(query: dict[str, Any]) -> Sources:
    if not query.get("mapping"):
        return {}
    try:
        return import_files.check_mapping(orjson.loads(query["mapping"]))
    except orjson.JSONDecodeError as error:
        raise Invalid({"mapping": "is not JSON"}) from error


def rows_sent(sources: Sources) -> Iterator[Row]:
    lines = import_files.lines_of(BufferedReader(request.stream, 1 << 16))  # type: ignore[type-var]
    if request.mimetype == CSV:
        return import_actions.with_refs(import_files.rows_of_csv(lines, sources))
    return import_actions.with_refs(import_files.rows_of_json(lines, sources))


def imported(chunk: list[Row], trial: set[object] | None) -> Report:
    """Bring in some rows in one transaction; tried again if others were in the way."""
    for left in reversed(range(TRIES)):
        try:
            return imported_once(chunk, trial)
        except DBAPIError as error:
            state = getattr(error.orig, "pgcode", None)
            if state not in RETRIABLE_CONFLICTS or not left:
                raise
    raise AssertionError("unreachable")


def imported_once(chunk: list[Row], trial: set[object] | None) -> Report:
    """Bring in some rows; in a trial, take them back.

    trial: the references that earlier rows of it would have brought in.
    """
    report = Report()
    try:
        with database().transaction() as connection:
            asks = Request(current_actor(), utc_now())
            how = World(book(connection), organisation_zone(), Via.IMPORT)
            known = trial or ()
            rows = [row for row in chunk if row.fields.get("external_ref") not in known]
            report = import_actions.import_rows(connection, rows, asks, how)
            if trial is not None:
                raise DryRun
    except DryRun:
        again = len(chunk) - report.rows
        report.add(Report(rows=again, updated=again))
        if trial is not None:
            trial.update(row.fields["external_ref"] for row in chunk if not row.fault)
    return report
