"""Tickets as CSV or JSON lines, streamed: never more than a batch in memory.

One statement under a server-side cursor, so the rows are those of one instant.
Instants are UTC; the column `time_zone` names the zone of the place. A text that
a spreadsheet would take for a formula is written with a quote before it.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from db.engine import Database
from db.scope import sees_contacts
from service_kit.answers import to_json
from tickets_service.books import Shelf, StoredBook
from tickets_service.filters import TicketFilter, conditions, spelled
from tickets_service.storage import Request
from tickets_service.ticket_json import COLUMNS, SELECTED, ticket_json

BATCH = 500
# Also the wide forms, which some programs take for the same.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
FIELDS = (
    *("id", "number", "external_ref", "title", "description", "status", "priority"),
    *("category", "cause", "zone", "location", "lat", "lon", "customer_name"),
    *("customer_phone", "customer_email", "team_id", "technician_id", "created_by"),
    *("created_at", "updated_at", "opened_at", "started_at", "completed_at"),
    *("closed_at", "cancelled_at", "estimated_minutes", "tags", "reopen_count"),
    *("hold_reason", "resolution_code", "parent_id", "duplicate_of_id"),
    *("follows_id", "version", "sla_state", "response_due_at"),
    *("response_state", "resolution_due_at", "resolution_state", "time_zone"),
)


def exported_tickets(
    data: Database, shelf: Shelf, wanted: TicketFilter, request: Request
) -> Iterator[dict[str, Any]]:
    """Yield the tickets that the caller may see, by number."""
    contacts = sees_contacts(request.actor)
    with data.snapshot() as connection:
        wanted = spelled(connection, wanted, request.actor)
        where, values = conditions(wanted, request.actor, request.now)
        connection.exec_driver_sql("SET LOCAL statement_timeout = '60s'")
        book = StoredBook(connection, shelf)
        found = connection.exec_driver_sql(
            f"SELECT {SELECTED}, z.tz FROM tickets.tickets t "  # noqa: S608
            f"JOIN tickets.zones z ON z.name = t.zone WHERE {where} ORDER BY t.id",
            values,
            execution_options={"stream_results": True, "yield_per": BATCH},
        )
        for row in found:
            ticket = ticket_json(
                row[: len(COLUMNS)], request.now, book.calendar, contacts=contacts
            )
            yield ticket | {"time_zone": row[-1]}


def as_lines(tickets: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """Yield JSON lines."""
    for ticket in tickets:
        yield to_json(ticket) + b"\n"


def as_csv(tickets: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """Yield CSV (RFC 4180) with a header, in pieces."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(FIELDS)
    for n, ticket in enumerate(tickets, 1):
        flat = flattened(ticket)
        writer.writerow([cell(flat[name]) for name in FIELDS])
        if n % BATCH == 0:
            yield taken(text)
    yield taken(text)


def taken(text: io.StringIO) -> bytes:
    found = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return found


def flattened(ticket: dict[str, Any]) -> dict[str, Any]:
    place = ticket["coordinates"] or {}
    customer = ticket["customer"] or {}
    sla = ticket["sla"]
    return ticket | {
        "lat": place.get("lat"),
        "lon": place.get("lon"),
        **{f"customer_{n}": customer.get(n) for n in ("name", "phone", "email")},
        "sla_state": sla["state"],
        "response_due_at": sla["response"]["due_at"],
        "response_state": sla["response"]["state"],
        "resolution_due_at": sla["resolution"]["due_at"],
        "resolution_state": sla["resolution"]["state"],
    }


def cell(value: Any) -> Any:
    """Return a value as a CSV cell that no spreadsheet computes."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = ";".join(map(str, value))
    if hasattr(value, "isoformat"):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return f"'{value}"
    return value
