"""Tickets from CSV or JSON lines: each row on its own, known ones brought up to date.

A row is known by its `external_ref`, so the same file can be sent again. Good rows
are kept, each bad one is answered with its line and the reason. Refuses to guess: a
column that is neither a field nor mapped to one is an error, before any row.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from marshmallow import ValidationError
from sqlalchemy import Connection

from service_kit.errors import AppError, Invalid
from service_kit.problems import flattened
from tickets_service import ticket_actions
from tickets_service.schemas import NewTicketSchema, TicketChangesSchema
from tickets_service.storage import Request, World

MAX_ROWS = 100_000
MAX_REASONS = 1_000
NEW, CHANGES = NewTicketSchema(), TicketChangesSchema()
NESTED = {
    "lat": ("coordinates", "lat"),
    "lon": ("coordinates", "lon"),
    "customer_name": ("customer", "name"),
    "customer_phone": ("customer", "phone"),
    "customer_email": ("customer", "email"),
}
KNOWN = frozenset(NEW.fields) | NESTED.keys()
NUMBERS = {"estimated_minutes": int, "lat": float, "lon": float, "parent_id": int}
OPENING_ONLY = ("opened_at", "opened_reason", "team_id", "parent_id")
Row = dict[str, Any]


@dataclass(slots=True)
class Report:
    """What became of the rows."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, line: int, error: AppError) -> None:
        self.failed += 1
        if len(self.errors) < MAX_REASONS:
            fields = error.extra.get("errors", {})
            self.errors.append(
                {
                    "line": line,
                    "reason": error.detail,
                    "code": error.code,
                    "errors": fields,
                }
            )


def rows_of_csv(text: Iterable[str], mapping: Mapping[str, str]) -> Iterator[Row]:
    """Yield (with key "") line number and fields. mapping: {field: column}."""
    reader = csv.DictReader(text, strict=True)
    columns = reader.fieldnames or []
    check_columns(columns, mapping)
    for row in reader:
        if None in row:
            yield {"": reader.line_num, "?": "has more cells than the header"}
        else:
            yield {"": reader.line_num} | mapped(row, mapping)


def rows_of_lines(text: Iterable[str], mapping: Mapping[str, str]) -> Iterator[Row]:
    """Yield the fields of JSON lines; a line that is no object yields its fault."""
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            row = None
        if not isinstance(row, dict):
            yield {"": number, "?": "the line is not a JSON object"}
        else:
            yield {"": number} | mapped(row, mapping)


def check_columns(columns: Iterable[str], mapping: Mapping[str, str]) -> None:
    taken = set(mapping.values())
    unknown = [c for c in columns if c not in KNOWN and c not in taken]
    missing = [c for c in taken if c not in set(columns)]
    if unknown and not mapping:
        raise Invalid(dict.fromkeys(unknown, "is not a field; map it or leave it out"))
    if missing:
        raise Invalid({"mapping": f"the file has no column {', '.join(missing)}"})


def check_mapping(mapping: object) -> dict[str, str]:
    """Return a checked mapping {field: column}."""
    if not isinstance(mapping, dict):
        raise Invalid({"mapping": "must be an object: field to column"})
    for name, column in mapping.items():
        if name not in KNOWN:
            raise Invalid({"mapping": f"{name} is not a field of tickets"})
        if not isinstance(column, str):
            raise Invalid({"mapping": f"the column of {name} must be a text"})
    return mapping


def mapped(row: Mapping[str, Any], mapping: Mapping[str, str]) -> Row:
    """Return the fields of a row; with a mapping, unmapped columns are left out."""
    if mapping:
        found = {name: row.get(column) for name, column in mapping.items()}
    else:
        found = dict(row)
    return {k: v for k, v in found.items() if v not in (None, "")}


def import_rows(
    connection: Connection,
    rows: Iterable[Row],
    report: Report,
    request: Request,
    world: World,
) -> None:
    """Bring in rows, each under a savepoint of its own."""
    for n, row in enumerate(rows):
        line = row.pop("")
        if n >= MAX_ROWS:
            raise Invalid({"body": f"has more than {MAX_ROWS} rows"})
        try:
            with connection.begin_nested():
                outcome = import_row(connection, row, request, world)
            setattr(report, outcome, getattr(report, outcome) + 1)
        except AppError as error:
            report.refuse(line, error)


def import_row(connection: Connection, row: Row, request: Request, world: World) -> str:
    """Open or change the ticket of a row; return created, updated or unchanged."""
    if "?" in row:
        raise Invalid({"line": row["?"]})
    known = find_by_ref(connection, row.get("external_ref"))
    sent = nested(row)
    if known is None:
        loaded = loaded_by(NEW, sent)
        ticket_actions.open_ticket(connection, loaded, request, world)
        return "created"
    changes = {k: v for k, v in sent.items() if k not in OPENING_ONLY}
    outcome = ticket_actions.change_ticket(
        connection, known, loaded_by(CHANGES, changes), request, world
    )
    return "updated" if outcome.events else "unchanged"


def loaded_by(schema: Any, sent: Row) -> Any:
    try:
        return schema.load(sent)
    except ValidationError as error:
        raise Invalid(flattened({"row": error.messages})) from error


def find_by_ref(connection: Connection, external_ref: str | None) -> int | None:
    if external_ref is None:
        return None
    found = connection.exec_driver_sql(
        "SELECT id FROM tickets.tickets WHERE external_ref = %(ref)s",
        {"ref": str(external_ref)},
    ).scalar()
    return None if found is None else int(found)


def nested(row: Row) -> Row:
    """Return a flat row as the API takes it: typed, places and people nested."""
    found: Row = {}
    for name, value in row.items():
        given = typed(name, value)
        if name in NESTED:
            outer, inner = NESTED[name]
            found.setdefault(outer, {})[inner] = given
        elif name == "tags" and isinstance(given, str):
            found[name] = [t.strip() for t in given.split(";") if t.strip()]
        else:
            found[name] = given
    return found


def typed(name: str, value: Any) -> Any:
    """Return a CSV text as the number that its field wants, if it is one."""
    if name in NUMBERS and isinstance(value, str):
        try:
            return NUMBERS[name](value)
        except ValueError:
            return value
    return value


def text_lines(stream: Any) -> io.TextIOWrapper:
    return io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
