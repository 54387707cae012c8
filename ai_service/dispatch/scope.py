"""A day's request from the rows that the caller may see.

Unfinished tickets and active teams of the chosen zones become the inline form, so
that both forms are planned by the same code. Tickets that a team is working on stay
where they are and are not planned.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from ai_service import models, queries
from ai_service.durations import DurationTable
from ai_service.skills import required_skills
from ai_service.views import tickets, visits
from db.scope import Actor
from service_kit.errors import Invalid

RUNNING = ("en_route", "on_site")
PRIORITY_NAMES = {"urgent": "P1", "high": "P2", "medium": "P3", "low": "P4"}
DAY_MINUTES = 1440.0


def request_for_day(
    connection: Connection,
    asked: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    tz: str,
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return (inline request, {ticket id: version}) for a day of the organisation."""
    day: date = asked["date"]
    midnight = datetime.combine(day, time(), ZoneInfo(tz))
    if midnight + timedelta(days=1) <= now:
        raise Invalid({"date": "The day is over."})
    known = queries.zone_places(connection)
    unknown = [z for z in asked.get("zones", []) if z not in known]
    if unknown:
        raise Invalid({"zones": f"There is no zone {unknown[0]}."})
    minute_now = max(0.0, (now - midnight).total_seconds() / 60)
    rows = open_rows(connection, asked, actor)
    teams = team_rows(connection, asked, actor)
    if not teams:
        raise Invalid({"team_ids": "No active team with a base is in this scope."})
    durations, _ = models.duration_table(connection)
    inline = {k: v for k, v in asked.items() if k not in SCOPE_FIELDS}
    inline["tickets"] = [ticket_item(r, midnight, minute_now, durations) for r in rows]
    inline["teams"] = [team_item(t, minute_now) for t in teams]
    inline["teams"] = [t for t in inline["teams"] if t["shift_end_min"] > minute_now]
    if not inline["teams"]:
        raise Invalid({"date": "Every shift of the day is over."})
    return inline, {str(row.id): row.version for row in rows}


SCOPE_FIELDS = ("date", "zones", "ticket_ids", "team_ids")


def open_rows(
    connection: Connection, asked: Mapping[str, Any], actor: Actor
) -> Sequence[Any]:
    """Return the tickets to plan, those being worked on left out."""
    running = select(visits.c.ticket_id).where(visits.c.status.in_(RUNNING))
    chosen = (
        select(tickets)
        .where(tickets.c.status.in_(("open", "in_progress")), queries.seen_by(actor))
        .where(tickets.c.id.not_in(running))
        .order_by(tickets.c.id)
    )
    if asked.get("zones"):
        chosen = chosen.where(tickets.c.zone.in_(asked["zones"]))
    if asked.get("ticket_ids"):
        chosen = chosen.where(tickets.c.id.in_(asked["ticket_ids"]))
    rows = connection.execute(chosen.limit(MOST_PLANNED + 1)).all()
    if len(rows) > MOST_PLANNED:
        raise Invalid({"zones": f"More than {MOST_PLANNED} tickets; choose zones."})
    return rows


MOST_PLANNED = 3_000


def team_rows(
    connection: Connection, asked: Mapping[str, Any], actor: Actor
) -> list[Any]:
    rows = [
        t
        for t in queries.team_rows(connection, actor)
        if t.is_active and t.base_lat is not None and t.base_lon is not None
    ]
    if asked.get("zones"):
        rows = [t for t in rows if t.zone in asked["zones"]]
    if asked.get("team_ids"):
        rows = [t for t in rows if t.id in asked["team_ids"]]
    return rows


def ticket_item(
    row: Any, midnight: datetime, minute_now: float, durations: DurationTable
) -> dict[str, Any]:
    service = durations.minutes(row.category, row.estimated_minutes)
    due = row.resolution_due_at
    due_min = None if due is None else (due - midnight).total_seconds() / 60
    return {
        "ticket_id": row.id,
        "priority": PRIORITY_NAMES[row.priority],
        "zone": row.zone,
        "lat": row.lat,
        "lon": row.lon,
        "required_skills": required_skills(row.category, row.cause),
        "service_min": min(service, DAY_MINUTES),
        "earliest_start_min": minute_now,
        "latest_start_min": latest_start(due_min, service, minute_now),
        "must_today": due_min is not None and due_min < DAY_MINUTES,
        "created_min": (row.created_at - midnight).total_seconds() / 60,
        "team_id": row.team_id,
    }


def latest_start(due_min: float | None, service: float, minute_now: float) -> float:
    """Return when work must begin at the latest to keep the promise.

    Of a promise that is broken already, only what is added from now on is priced:
    else the longest overdue ticket would never be worth a visit.
    """
    if due_min is None:
        return 3 * DAY_MINUTES
    return max(due_min - service, minute_now)


def team_item(row: Any, minute_now: float) -> dict[str, Any]:
    base = {"lat": row.base_lat, "lon": row.base_lon}
    start = row.shift_start.hour * 60 + row.shift_start.minute
    end = row.shift_end.hour * 60 + row.shift_end.minute
    return {
        "team_id": row.id,
        "zone": row.zone,
        "skills": row.skills,
        "available_from_min": max(float(start), minute_now),
        "shift_end_min": float(end if end > start else end + DAY_MINUTES),
        "start": base,
        "base": base,
    }
