"""From the bytes of a file to rows of ticket fields: CSV or JSON lines, one by one.

A row that cannot be read is a row with a fault; the ones after it are read all the
same. Refuses to guess: a column that is neither a field of tickets, nor one that our
own export adds, nor mapped to a field is an error before any row. No database.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, BinaryIO

import orjson

from db.vocabulary import HoldReason, Status
from service_kit.errors import Invalid
from service_kit.schemas import Instant, Schema, Text, Word
from tickets_service.export_queries import FORMULA
from tickets_service.schemas import TicketChangesSchema, TicketSchema

MAX_LINE_BYTES = 256 * 1024
PLACE_AND_CUSTOMER = {
    "lat": ("coordinates", "lat"),
    "lon": ("coordinates", "lon"),
    "customer_name": ("customer", "name"),
    "customer_phone": ("customer", "phone"),
    "customer_email": ("customer", "email"),
}
NUMBERS: Mapping[str, type] = {
    **dict.fromkeys(("estimated_minutes", "parent_id", "duplicate_of_id"), int),
    **dict.fromkeys(("team_id", "technician_id"), int),
    **dict.fromkeys(("lat", "lon"), float),
}


class ProgressSchema(Schema):
    """How far the ticket is in the source, beside the fields of a ticket."""

    status = Word(Status)
    hold_reason = Word(HoldReason)
    resolution_code = Text(500, low=1)
    started_at = Instant()
    completed_at = Instant()
    closed_at = Instant()
    cancelled_at = Instant()


FIELDS = (
    frozenset(TicketChangesSchema().fields)
    | PLACE_AND_CUSTOMER.keys()
    | frozenset(ProgressSchema().fields)
    | {"opened_at", "opened_reason", "number"}
)
# What an export says of a ticket and an import does not take; it is left out.
TOLD_ONLY = (
    frozenset(TicketSchema().fields)
    | {"sla_state", "time_zone", "response_due_at", "response_state"}
    | {"resolution_due_at", "resolution_state"}
) - FIELDS


@dataclass(frozen=True, slots=True)
class Row:
    """line: where the row begins in the file. fault: why it cannot be read."""

    line: int
    fields: Mapping[str, Any]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field comes from: a column, perhaps with its values put in our words."""

    column: str | None
    values: Mapping[str, Any] | None = None
    default: Any = None

    def read(self, row: Mapping[str, Any]) -> Any:
        found = row.get(self.column) if self.column is not None else None
        if found in (None, ""):
            return self.default
        if self.values is None:
            return found
        known = self.values.get(str(found))
        if known is not None:
            return known
        return found if self.default is None else self.default


Sources = Mapping[str, Source]


def check_mapping(mapping: object) -> Sources:
    """Return the sources of a mapping {field: column or {column, values, default}}."""
    if not isinstance(mapping, dict):
        raise Invalid({"mapping": "must be an object: field to column"})
    unknown = sorted(str(name) for name in mapping if name not in FIELDS)
    if unknown:
        raise Invalid({"mapping": f"no field of tickets: {', '.join(unknown)}"})
    return {name: source_of(name, given) for name, given in mapping.items()}


def source_of(name: str, given: object) -> Source:
    if isinstance(given, str):
        return Source(given)
    if not isinstance(given, dict) or set(given) - {"column", "values", "default"}:
        text = f"{name} must be a column or an object of column, values and default"
        raise Invalid({"mapping": text})
    column, values = given.get("column"), given.get("values")
    if not isinstance(column, str | None) or not isinstance(values, dict | None):
        raise Invalid({"mapping": f"{name}: column is a text, values an object"})
    return Source(column, values, given.get("default"))


def mapped(row: Mapping[str, Any], sources: Sources) -> dict[str, Any]:
    """Return the fields of a row, those without a value left out.

    With a mapping only what it names is taken.
    """
    if sources:
        found = {name: source.read(row) for name, source in sources.items()}
    else:
        found = {name: value for name, value in row.items() if name not in TOLD_ONLY}
    return {name: value for name, value in found.items() if value not in (None, "")}


def lines_of(stream: BinaryIO) -> Iterator[str]:
    """Yield the lines of a stream. Bytes that are not UTF-8 become lone surrogates,
    which no field of a ticket takes."""
    start = b"\xef\xbb\xbf"
    while line := stream.readline(MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES:
            text = f"a line is longer than {MAX_LINE_BYTES // 1024} KiB"
            raise Invalid({"body": text})
        yield line.removeprefix(start).decode(errors="surrogateescape")
        start = b""


def rows_of_csv(lines: Iterator[str], sources: Sources) -> Iterator[Row]:
    """Yield the rows of a CSV file whose first line names its columns."""
    reader = csv.reader(lines, strict=True)
    try:
        columns = next(reader, [])
    except csv.Error as error:
        raise Invalid({"body": f"the first line is no CSV: {error}"}) from error
    check_columns(columns, sources)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Row(line, {}, f"the row is no CSV: {error}")
            continue
        if cells is None:
            return
        if cells:
            yield csv_row(line, columns, cells, sources)


def csv_row(
    line: int, columns: Sequence[str], cells: Sequence[str], sources: Sources
) -> Row:
    if len(cells) != len(columns):
        text = f"the row has {len(cells)} cells, the first line {len(columns)}"
        return Row(line, {}, text)
    pairs = zip_longest(columns, (plain(cell) for cell in cells))
    return Row(line, mapped(dict(pairs), sources))


def plain(cell: str) -> str:
    """Return a cell without the quote that an export puts before a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def check_columns(columns: Sequence[str], sources: Sources) -> None:
    """Raise Invalid on a column twice, one that nobody wants, or one that lacks."""
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        text = "stands twice in the first line"
        raise Invalid(dict.fromkeys(map(shown, twice), text))
    wanted = {s.column for s in sources.values() if s.column is not None}
    missing = sorted(wanted - set(columns))
    if missing:
        raise Invalid({"mapping": f"the file has no column {', '.join(missing)}"})
    if not sources:
        unknown = [name for name in columns if name not in FIELDS | TOLD_ONLY]
        text = "is not a field of tickets; map it or leave it out"
        if unknown:
            raise Invalid(dict.fromkeys(map(shown, unknown), text))


def shown(value: Any) -> str:
    """Return a value of a file as a text that any answer can hold."""
    return str(value)[:200].encode(errors="replace").decode()


def rows_of_json(lines: Iterable[str], sources: Sources) -> Iterator[Row]:
    """Yield the rows of JSON lines; each has its own columns."""
    for line, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            found = orjson.loads(text)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            found = None
        if isinstance(found, dict):
            yield Row(line, mapped(found, sources))
        else:
            yield Row(line, {}, "the line is not a JSON object")


def nested(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return flat fields as the API takes them: numbers typed, parts nested."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        given = typed(name, value)
        if name in PLACE_AND_CUSTOMER:
            outer, inner = PLACE_AND_CUSTOMER[name]
            part = found.setdefault(outer, {})
            if isinstance(part, dict):
                part[inner] = given
        elif name == "tags" and isinstance(given, str):
            found[name] = [t.strip() for t in given.split(";") if t.strip()]
        else:
            found[name] = given
    return found


def typed(name: str, value: Any) -> Any:
    """Return a text as the number that its field wants, if it is one."""
    if name in NUMBERS and isinstance(value, str):
        try:
            return NUMBERS[name](value)
        except ValueError:
            return value
    return value
