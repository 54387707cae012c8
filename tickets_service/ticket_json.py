"""What a ticket looks like on the wire, from the columns of its row.

State is computed here, when read: two bisects per running clock, so nothing sent
is stale. Refuses to run SQL.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from db.scope import masked
from db.vocabulary import SlaState, Status
from tickets_service.calendars import SECOND, WorkCalendar, instant, micros

# Sent under their own names.
PLAIN = (
    *("id", "number", "title", "description", "status", "priority", "category"),
    *("cause", "zone", "location", "team_id", "technician_id", "created_by"),
    *("created_at", "updated_at", "opened_at", "started_at", "completed_at"),
    *("closed_at", "cancelled_at", "estimated_minutes", "external_ref", "tags"),
    *("parent_id", "duplicate_of_id", "follows_id", "hold_reason"),
    *("resolution_code", "reopen_count", "version"),
)
PLACE = ("lat", "lon")
CUSTOMER = ("customer_name", "customer_phone", "customer_email")
RESPONSE = (
    *("response_target_s", "response_due_at", "response_risk_at", "response_verdict"),
    *("response_elapsed_s", "response_used_us", "response_from_at"),
    "response_breached_at",
)
RESOLUTION = (
    *("resolution_target_s", "resolution_due_at", "resolution_risk_at"),
    *("resolution_verdict", "resolution_elapsed_s", "resolution_used_us"),
    *("resolution_from_at", "breached_at"),
)
COLUMNS = (*PLAIN, *PLACE, *CUSTOMER, "calendar_id", *RESPONSE, *RESOLUTION)
SELECTED = ", ".join(f"t.{name}" for name in COLUMNS)
LAT = COLUMNS.index("lat")
NAME = COLUMNS.index("customer_name")
CALENDAR = COLUMNS.index("calendar_id")
CLOCKS = COLUMNS[CALENDAR:]  # what the SLA of a ticket is made of, beside its status
STATUS = COLUMNS.index("status")

Calendars = Callable[[int], WorkCalendar]
NO_CLOCK = {
    "target_minutes": None,
    "due_at": None,
    "due_if_resumed_now": None,
    "remaining_seconds": None,
    "elapsed_seconds": None,
    "state": SlaState.NONE,
}


def ticket_json(
    row: Sequence[Any], now: datetime, calendars: Calendars, *, contacts: bool
) -> dict[str, Any]:
    """Return the ticket of a row in the order of COLUMNS.

    contacts: whether the reader may see the customer unmasked.
    """
    found = dict(zip(PLAIN, row, strict=False))
    found["coordinates"] = place_json(*row[LAT : LAT + 2])
    found["customer"] = customer_json(*row[NAME : NAME + 3], contacts=contacts)
    clocks = row[CALENDAR : len(COLUMNS)]
    found["sla"] = sla_json(clocks, row[STATUS], now, calendars)
    return found


def place_json(lat: float | None, lon: float | None) -> dict[str, Any] | None:
    return None if lat is None else {"lat": lat, "lon": lon}


def customer_json(
    name: str | None, phone: str | None, email: str | None, *, contacts: bool
) -> dict[str, Any] | None:
    if name is None and phone is None and email is None:
        return None
    if not contacts:
        name, phone, email = masked(name), masked(phone), masked(email)
    return {"name": name, "phone": phone, "email": email}


def sla_json(
    clocks: Sequence[Any], status: str, now: datetime, calendars: Calendars
) -> dict[str, Any]:
    """Return the SLA of values in the order of CLOCKS."""
    calendar_id, *values = clocks
    if calendar_id is None:
        return {"state": SlaState.NONE, "response": NO_CLOCK, "resolution": NO_CLOCK}
    both = values[: len(RESPONSE)], values[len(RESPONSE) :]
    stopped = status == Status.CANCELLED
    return clocks_json(both, now, calendars(calendar_id), stopped=stopped)


def clocks_json(
    clocks: tuple[Sequence[Any], Sequence[Any]],
    now: datetime,
    calendar: WorkCalendar,
    *,
    stopped: bool,
) -> dict[str, Any]:
    """Return the SLA of (response, resolution) in the order of their columns."""
    response, resolution = (
        clock_json(clock, now, calendar, stopped=stopped) for clock in clocks
    )
    return {
        "state": resolution["state"],
        "response": response,
        "resolution": resolution,
    }


def clock_json(
    columns: Sequence[Any], now: datetime, calendar: WorkCalendar, *, stopped: bool
) -> dict[str, Any]:
    target_s, due_at, risk_at, verdict, elapsed_s, used_us, runs_from, breached_at = (
        columns
    )
    if target_s is None:
        return NO_CLOCK
    if runs_from is not None:
        used = used_us + calendar.worked(micros(runs_from), micros(now))
        elapsed_s = used // SECOND
    state, held = verdict, False
    if state is None and stopped:
        state = SlaState.NONE
    elif state is None and runs_from is not None:
        state = running_state(due_at, risk_at, breached_at, now)
    elif state is None:
        held = True
        state = SlaState.PAUSED if breached_at is None else SlaState.BREACHED
    return {
        "target_minutes": target_s // 60 if target_s % 60 == 0 else target_s / 60,
        "due_at": due_at,
        "due_if_resumed_now": resumed_due(columns, now, calendar) if held else None,
        "remaining_seconds": target_s - elapsed_s,
        "elapsed_seconds": elapsed_s,
        "state": state,
    }


def resumed_due(
    columns: Sequence[Any], now: datetime, calendar: WorkCalendar
) -> datetime | None:
    """Return when a paused clock would be due if work went on now (R8).

    None when its time is used up already.
    """
    target_s, used_us = columns[0], columns[5]
    left = target_s * SECOND - used_us
    reached = calendar.advanced(micros(now), left) if left > 0 else None
    return None if reached is None else instant(reached)


def running_state(
    due_at: datetime | None,
    risk_at: datetime | None,
    breached_at: datetime | None,
    now: datetime,
) -> SlaState:
    if breached_at is not None or (due_at is not None and now > due_at):
        return SlaState.BREACHED
    if risk_at is not None and now >= risk_at:
        return SlaState.AT_RISK
    return SlaState.OK
