"""The reading use cases: rows from queries, numbers from the rules, one answer.

One function per endpoint. They take the connection, the caller and `now`; they
write nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection

from ai_service import advice, geography, models, queries
from ai_service.durations import DurationTable
from ai_service.recommending import WEIGHTS, Crew, Need, Queued, recommend
from ai_service.risk import RiskTable, share_used
from ai_service.skills import required_skills
from db.scope import Actor
from db.vocabulary import UNFINISHED, Priority
from service_kit.errors import Conflict, Invalid, NotFound

SCORE_MEANING = (
    "minus the marginal cost in minutes of travel; the sum of its reasons' "
    "contributions; 0 would be free, the highest is best"
)


@dataclass(frozen=True, slots=True)
class DraftTicket:
    """A ticket that is not stored: what a recommendation needs to know of it."""

    category: str
    zone: str
    priority: str = Priority.MEDIUM.value
    cause: str | None = None
    coordinates: Mapping[str, float] | None = None
    estimated_minutes: int | None = None
    required_skills: Mapping[str, int] | None = None
    resolution_due_at: datetime | None = None


# ---- one ticket ----------------------------------------------------------------------


def recommend_for_ticket(
    connection: Connection, ticket_id: int, actor: Actor, now: datetime, tz: str
) -> dict[str, Any]:
    """Return candidates and rejected teams for a stored ticket."""
    ticket = queries.get_ticket(connection, ticket_id, actor)
    if ticket.status not in UNFINISHED:
        raise Conflict(
            f"{ticket.number} is {ticket.status}; no team is needed.",
            code="ticket_finished",
        )
    places = queries.zone_places(connection)
    durations, _ = models.duration_table(connection)
    lat, lon, source = place_of(ticket.lat, ticket.lon, places.get(ticket.zone))
    need = Need(
        priority=ticket.priority,
        category=ticket.category,
        zone=ticket.zone,
        skills=required_skills(ticket.category, ticket.cause),
        service_minutes=durations.minutes(ticket.category, ticket.estimated_minutes),
        lat=lat,
        lon=lon,
        opened_s=ticket.opened_at.timestamp(),
        risk_s=seconds(ticket.resolution_risk_at),
        due_s=seconds(ticket.resolution_due_at),
        team_id=ticket.team_id,
    )
    minutes_from = durations.source(ticket.category, ticket.estimated_minutes)
    return {
        "ticket_id": ticket.id,
        "number": ticket.number,
        **ranked(connection, need, actor, now, tz, ticket.id),
        "assumptions": assumptions(need, source, minutes_from),
    }


def recommend_for_draft(
    connection: Connection, draft: DraftTicket, actor: Actor, now: datetime, tz: str
) -> dict[str, Any]:
    """Return candidates and rejected teams for a ticket that does not exist yet."""
    places = queries.zone_places(connection)
    if draft.zone not in places:
        raise Invalid({"ticket.zone": "There is no such zone."})
    durations, _ = models.duration_table(connection)
    given = draft.coordinates or {}
    lat, lon, source = place_of(
        given.get("lat"), given.get("lon"), places.get(draft.zone)
    )
    needed = draft.required_skills
    if needed is None:
        needed = required_skills(draft.category, draft.cause)
    need = Need(
        priority=draft.priority,
        category=draft.category,
        zone=draft.zone,
        skills=needed,
        service_minutes=durations.minutes(draft.category, draft.estimated_minutes),
        lat=lat,
        lon=lon,
        opened_s=now.timestamp(),
        risk_s=None,
        due_s=seconds(draft.resolution_due_at),
    )
    minutes_from = durations.source(draft.category, draft.estimated_minutes)
    return {
        "ticket_id": None,
        **ranked(connection, need, actor, now, tz, None),
        "assumptions": assumptions(need, source, minutes_from),
    }


def ranked(
    connection: Connection,
    need: Need,
    actor: Actor,
    now: datetime,
    tz: str,
    ticket_id: int | None,
) -> dict[str, Any]:
    durations, _ = models.duration_table(connection)
    risk, described = models.risk_table(connection)
    crews = [crew_from(row) for row in queries.team_rows(connection, actor)]
    rows = queries.queued_rows(connection, without_ticket=ticket_id)
    queue = [queued_from(row, durations) for row in rows]
    local = now.astimezone(ZoneInfo(tz))
    minute = local.hour * 60 + local.minute + local.second / 60
    candidates, rejected = recommend(need, crews, queue, risk, now, minute)
    model = {
        **described,
        "engine": "marginal cost, hard rules first",
        "score": SCORE_MEANING,
        "weights": WEIGHTS,
        "travel": geography.NAME,
        "breach_n": risk_support(risk, need),
    }
    return {
        "candidates": candidates,
        "rejected": rejected,
        "model": model,
        "as_of": now,
    }


def risk_support(risk: RiskTable, need: Need) -> int:
    """Return how many past tickets share priority, category and zone."""
    if not risk.rows:
        return 0
    return risk.curve(need.priority, need.category, need.zone)[1]


def seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


def place_of(
    lat: float | None, lon: float | None, zone: Any
) -> tuple[float | None, float | None, str]:
    """Return where the ticket is, and whose place that is."""
    if lat is not None and lon is not None:
        return lat, lon, "the ticket's coordinates"
    if zone is not None and zone.lat is not None and zone.lon is not None:
        return zone.lat, zone.lon, "the centre of its zone (the ticket has no place)"
    return None, None, "unknown: driving is not counted"


def assumptions(need: Need, place: str, minutes_from: str) -> dict[str, Any]:
    return {
        "required_skills": dict(need.skills),
        "service_minutes": need.service_minutes,
        "service_minutes_from": minutes_from,
        "place_from": place,
    }


def crew_from(row: Any) -> Crew:
    return Crew(
        id=row.id,
        name=row.name,
        zone=row.zone,
        skills=row.skills,
        lat=row.base_lat,
        lon=row.base_lon,
        shift_start=row.shift_start.hour * 60 + row.shift_start.minute,
        shift_end=row.shift_end.hour * 60 + row.shift_end.minute,
        capacity_minutes=row.daily_capacity_minutes,
        is_active=row.is_active,
    )


def queued_from(row: Any, durations: DurationTable) -> Queued:
    return Queued(
        team_id=row.team_id,
        rank=row.priority_rank,
        due_s=float("inf") if row.due_s is None else float(row.due_s),
        service_minutes=durations.minutes(row.category, row.estimated_minutes),
        lat=row.lat,
        lon=row.lon,
    )


# ---- advice --------------------------------------------------------------------------


def advise_on(
    connection: Connection,
    actor: Actor,
    zone: str | None,
    focus: str | None,
    now: datetime,
) -> dict[str, Any]:
    """Return advice on the work the caller sees, of one zone or of all."""
    if zone is not None and zone not in queries.zone_places(connection):
        raise Invalid({"zone": "There is no such zone."})
    durations, _ = models.duration_table(connection)
    chosen = queries.unfinished(actor)
    rows = connection.execute(chosen).all()
    teams = queries.team_rows(connection, actor)
    if zone is not None:
        rows = [row for row in rows if row.zone == zone]
        teams = [team for team in teams if team.zone == zone]
    picture = advice.Picture(now, rows, teams, service_minutes(rows, durations))
    return {
        "items": advice.advise(picture, focus),
        "model": {
            "engine": "counts of unfinished work against capacity",
            "unfinished_tickets": len(rows),
            "teams": len(teams),
        },
        "as_of": now,
    }


def service_minutes(rows: Sequence[Any], durations: DurationTable) -> dict[int, float]:
    return {
        row.id: durations.minutes(row.category, row.estimated_minutes) for row in rows
    }


# ---- risk ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RiskFilter:
    """What the list of risky tickets is narrowed by."""

    zone: str | None = None
    team_id: int | None = None
    priority: Sequence[Any] = ()
    window_hours: float | None = None
    breached: bool | None = None
    limit: int = 50
    min_probability: float = 0.0


def risk_list(
    connection: Connection, actor: Actor, wanted: RiskFilter, now: datetime
) -> dict[str, Any]:
    """Return unfinished tickets with a promise, the likeliest breach first."""
    if wanted.zone is not None and wanted.zone not in queries.zone_places(connection):
        raise Invalid({"zone": "There is no such zone."})
    table, described = models.risk_table(connection)
    rows = [
        row
        for row in connection.execute(queries.unfinished(actor)).all()
        if row.resolution_target_s is not None and wanted_row(row, wanted, now)
    ]
    items = sorted(
        (risk_item(row, table, now) for row in rows),
        key=lambda i: (
            -(i["breach_probability"] or 0.0),
            i["due_at"] or now,
            i["ticket_id"],
        ),
    )
    items = [
        i for i in items if (i["breach_probability"] or 0.0) >= wanted.min_probability
    ]
    return {
        "items": items[: wanted.limit],
        "page": {"limit": wanted.limit, "next": None, "total": len(items)},
        "model": described,
        "as_of": now,
    }


def wanted_row(row: Any, wanted: RiskFilter, now: datetime) -> bool:
    due = row.resolution_due_at
    broken = is_broken(row, now)
    checks = (
        wanted.zone is None or row.zone == wanted.zone,
        wanted.team_id is None or row.team_id == wanted.team_id,
        not wanted.priority or row.priority in wanted.priority,
        wanted.breached is None or broken == wanted.breached,
        wanted.window_hours is None
        or (
            due is not None
            and (due - now).total_seconds() <= wanted.window_hours * 3600
        ),
    )
    return all(checks)


def is_broken(row: Any, now: datetime) -> bool:
    """Whether the promise is broken already, swept or not."""
    due = row.resolution_due_at
    return row.breached_at is not None or (
        due is not None and row.paused_at is None and due < now
    )


def used_share(row: Any, now: datetime) -> float:
    """Return the share of promised time used: exact while paused, else interpolated."""
    if row.paused_at is not None:
        if not row.resolution_elapsed_s:
            return 0.0
        return float(row.resolution_elapsed_s / max(1, row.resolution_target_s))
    at = np.array([now.timestamp()])
    values = (row.opened_s, row.risk_s, row.due_s)
    opened, risk, due = (None if v is None else float(v) for v in values)
    return float(share_used(at, opened or 0.0, risk, due)[0])


def risk_item(row: Any, table: RiskTable, now: datetime) -> dict[str, Any]:
    broken = is_broken(row, now)
    used = 1.0 if broken else min(used_share(row, now), 0.9999)
    found = table.probability(row.priority, row.category, row.zone, np.array([used]))
    chance = 1.0 if broken else None if found is None else float(found[0][0])
    return {
        "ticket_id": row.id,
        "number": row.number,
        "title": row.title,
        "status": row.status,
        "priority": row.priority,
        "category": row.category,
        "zone": row.zone,
        "team_id": row.team_id,
        "due_at": row.resolution_due_at,
        "remaining_minutes": minutes_between(now, row.resolution_due_at),
        "breached": broken,
        "breach_probability": None if chance is None else round(chance, 4),
        "used_ratio": round(used, 4),
        "n": 0 if found is None else found[1],
        "factors": factors(row, table, used, broken),
        "what_would_help": what_would_help(row, broken),
        "tickets_url": f"/api/tickets/{row.id}",
    }


def minutes_between(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else round((end - start).total_seconds() / 60, 1)


def factors(
    row: Any, table: RiskTable, used: float, broken: bool
) -> list[dict[str, Any]]:
    """Return what moves the probability: the kind of ticket and the time used.

    effect: change of the probability against the step before it (all tickets, then
    this kind, then at this moment), so that they add up to the answer.
    """
    rate = table.overall_rate
    if broken:
        text = "The promise is broken already."
        return [{"factor": "breached", "value": True, "effect": None, "text": text}]
    if rate is None:
        return []
    curve, n = table.curve(row.priority, row.category, row.zone)
    at_opening = float(curve[0])
    found = table.probability(row.priority, row.category, row.zone, np.array([used]))
    now_chance = float(found[0][0]) if found else at_opening
    return [
        {
            "factor": "all_tickets",
            "value": round(rate, 4),
            "effect": round(rate, 4),
            "text": f"{rate:.0%} of {table.rows} past tickets missed their promise.",
        },
        {
            "factor": "kind",
            "value": f"{row.priority} {row.category} in {row.zone}",
            "effect": round(at_opening - rate, 4),
            "text": f"{at_opening:.0%} for {row.priority} {row.category} in {row.zone} "
            f"(n {n}, smoothed).",
        },
        {
            "factor": "time_used",
            "value": round(used, 4),
            "effect": round(now_chance - at_opening, 4),
            "text": f"{used:.0%} of the promised time is used.",
        },
    ]


def what_would_help(row: Any, broken: bool) -> list[dict[str, Any]]:
    """Return moves that follow from the ticket's state."""
    if row.status == "on_hold":
        reason = (row.hold_reason or "other").replace("_", " ")
        return [{"code": "end_hold", "text": f"End the hold ({reason})."}]
    if row.team_id is None:
        text = "Assign a team; ask for a recommendation."
        return [{"code": "assign_team", "text": text}]
    if row.status == "open":
        return [{"code": "start_visit", "text": "Its team has not started: send it."}]
    if broken:
        text = "Tell the customer a new time and finish the visit."
        return [{"code": "finish_visit", "text": text}]
    return [{"code": "finish_visit", "text": "Finish the visit that is running."}]


# ---- similar tickets -----------------------------------------------------------------


def similar_tickets(
    connection: Connection,
    actor: Actor,
    *,
    ticket_id: int | None,
    words: str | None,
    limit: int,
) -> dict[str, Any]:
    """Return ended tickets like a ticket or a text, and how they ended."""
    asked = words or ""
    if ticket_id is not None:
        ticket = queries.get_ticket(connection, ticket_id, actor)
        asked = f"{ticket.title} {ticket.description}".strip()
    rows = queries.similar_rows(
        connection, asked, actor, limit=limit, without_ticket=ticket_id
    )
    names = queries.team_names(connection, [r.team_id for r in rows if r.team_id])
    items = [similar_item(row, names) for row in rows]
    minutes = [i["resolution_minutes"] for i in items if i["resolution_minutes"]]
    return {
        "items": items,
        "summary": {
            "n": len(items),
            "by_resolution": tally(i["resolution_code"] for i in items),
            "by_cause": tally(i["cause"] for i in items),
            "median_resolution_minutes": (
                round(float(np.median(minutes)), 1) if minutes else None
            ),
        },
        "model": {
            "engine": "pg_trgm word similarity",
            "least_similarity": queries.WORD_SIMILARITY,
        },
    }


def tally(words: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in words:
        if word is not None:
            found[word] = found.get(word, 0) + 1
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def similar_item(row: Any, names: Mapping[int, str]) -> dict[str, Any]:
    minutes = row.resolution_minutes
    return {
        "ticket_id": row.id,
        "number": row.number,
        "title": row.title,
        "similarity": round(float(row.similarity), 4),
        "status": row.status,
        "category": row.category,
        "priority": row.priority,
        "cause": row.cause,
        "zone": row.zone,
        "team_id": row.team_id,
        "team_name": names.get(row.team_id),
        "resolution_code": row.resolution_code,
        "completed_at": row.completed_at,
        "resolution_minutes": None if minutes is None else round(float(minutes), 1),
        "visits_count": row.visits_count,
        "reopen_count": row.reopen_count,
        "sla_verdict": row.resolution_verdict,
    }


# ---- findings and models -------------------------------------------------------------


def insight_list(
    connection: Connection,
    actor: Actor,
    zone: str | None,
    kinds: Sequence[str],
    limit: int,
) -> dict[str, Any]:
    if zone is not None and zone not in queries.zone_places(connection):
        raise Invalid({"zone": "There is no such zone."})
    rows = queries.insight_rows(connection, actor, zone=zone, kinds=kinds)
    items = [
        {
            "id": row.id,
            "kind": row.kind,
            "severity": row.severity,
            "zone": row.zone,
            "team_id": row.team_id,
            **row.payload,
            "first_seen_at": row.first_seen_at,
            "last_seen_at": row.last_seen_at,
        }
        for row in rows
    ]
    return {
        "items": items[:limit],
        "page": {"limit": limit, "next": None, "total": len(items)},
        "as_of": max((row.last_seen_at for row in rows), default=None),
    }


def get_insight(connection: Connection, insight_id: int, actor: Actor) -> Any:
    """Return one finding that the actor may see, or raise NotFound."""
    for row in queries.insight_rows(connection, actor):
        if row.id == insight_id:
            return row
    raise NotFound(f"There is no insight {insight_id}.")


def model_list(connection: Connection) -> dict[str, Any]:
    items = [
        {
            "name": row.name,
            "purpose": row.purpose,
            "trained_at": row.trained_at,
            "rows": row.rows,
            "features": row.features,
            "hold_out": row.figures,
            "baseline": row.baseline,
            "sha256": bytes(row.sha256).hex() if row.sha256 else None,
        }
        for row in queries.model_rows(connection)
    ]
    return {"items": items, "page": {"limit": len(items), "next": None}}
