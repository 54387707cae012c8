"""One dispatch day as arrays: tickets, teams, driving, prices.

Built from the inline request. Minutes since midnight, kilometres by road, prices in
minutes of travel. Places are indexed tickets first, then team starts, then bases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ai_service.geography import SAME_PLACE_KM, haversine_km

PRIORITIES = ("P1", "P2", "P3", "P4")
# ai.md, section 3: one number for everything that is priced.
WEIGHTS: Mapping[str, Any] = {
    "travel": 1.0,
    "ot": 2.0,
    "ooz": 10.0,
    "change": 15.0,
    "bal": 25.0,
    "priority": {
        "breach": [240, 120, 60, 30],
        "slope": [2.0, 1.0, 0.5, 0.25],
        "unserved_today": [2500, 1200, 700, 400],
        "unserved_later": [1500, 700, 250, 120],
    },
}
TRAVEL = {"road_factor": 1.35, "speed_kmh": 32.0, "park_min": 3.0}
LUNCH = {"duration_min": 30.0, "take_from_min": 720.0, "finish_job_by_min": 840.0}
MAX_OVERTIME_MIN = 60.0

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Prices:
    travel: float
    overtime: float
    out_of_zone: float
    change: float
    balance: float


@dataclass(frozen=True, slots=True)
class Rules:
    """Lunch: `duration` is taken once, from `take_from`, or before a job that would
    end after `finish_by`."""

    max_overtime: float
    lunch: float
    lunch_from: float
    lunch_by: float


@dataclass(frozen=True, slots=True)
class Problem:
    """Arrays by ticket (i), by team (v), and minutes/km between places."""

    ticket_ids: Sequence[Any]
    team_ids: Sequence[Any]
    minutes: Floats
    km: Floats
    earliest: Floats
    latest: Floats
    service: Floats
    priority: Ints
    created: Floats
    breach: Floats
    slope: Floats
    unserved: Floats
    due_today: Mask
    ticket_zone: Ints
    team_zone: Ints
    zone_names: Sequence[str]
    start: Floats
    end: Floats
    lunch_taken: Mask
    can: Mask  # [ticket, team]: has the skills, and the pair is not forbidden
    has_place: Mask
    before: Ints  # team that has the ticket today, -1 for none
    prices: Prices
    rules: Rules

    @property
    def n_tickets(self) -> int:
        return len(self.ticket_ids)

    @property
    def n_teams(self) -> int:
        return len(self.team_ids)

    def start_place(self, team: int) -> int:
        return self.n_tickets + team

    def base_place(self, team: int) -> int:
        return self.n_tickets + self.n_teams + team


def problem_from(request: Mapping[str, Any]) -> Problem:
    """Return the problem of an inline request (shapes checked by the schema)."""
    tickets, teams = request["tickets"], request["teams"]
    weights = {**WEIGHTS, **request.get("weights", {})}
    by_priority = {**WEIGHTS["priority"], **weights["priority"]}
    rank = np.array([PRIORITIES.index(t["priority"]) for t in tickets], np.int64)
    today = np.array([t["must_today"] for t in tickets], bool)
    priced = {k: np.array(v, float)[rank] for k, v in by_priority.items()}
    km, minutes = distances(tickets, teams, {**TRAVEL, **request.get("travel", {})})
    zones = sorted({x["zone"] for x in (*tickets, *teams)})
    rules = rules_from(request.get("constraints", {}))
    start = column(teams, "available_from_min")
    team_at = {t["team_id"]: v for v, t in enumerate(teams)}
    return Problem(
        ticket_ids=[t["ticket_id"] for t in tickets],
        team_ids=[t["team_id"] for t in teams],
        minutes=minutes,
        km=km,
        earliest=column(tickets, "earliest_start_min"),
        latest=column(tickets, "latest_start_min"),
        service=column(tickets, "service_min"),
        priority=rank,
        created=column(tickets, "created_min"),
        breach=priced["breach"],
        slope=priced["slope"],
        unserved=np.where(today, priced["unserved_today"], priced["unserved_later"]),
        due_today=today,
        ticket_zone=np.array([zones.index(t["zone"]) for t in tickets], np.int64),
        team_zone=np.array([zones.index(t["zone"]) for t in teams], np.int64),
        zone_names=zones,
        start=start,
        end=column(teams, "shift_end_min"),
        lunch_taken=start >= rules.lunch_by,
        can=skilled(tickets, teams) & ~forbidden(request, tickets, team_at),
        has_place=np.array([t.get("lat") is not None for t in tickets], bool),
        before=np.array([team_at.get(t.get("team_id"), -1) for t in tickets], np.int64),
        prices=Prices(
            float(weights["travel"]),
            float(weights["ot"]),
            float(weights["ooz"]),
            float(weights["change"]),
            float(weights["bal"]),
        ),
        rules=rules,
    )


def column(rows: Sequence[Mapping[str, Any]], name: str) -> Floats:
    return np.array([row[name] for row in rows], float)


def rules_from(constraints: Mapping[str, Any]) -> Rules:
    lunch = {**LUNCH, **constraints.get("lunch", {})}
    return Rules(
        float(constraints.get("max_overtime_min", MAX_OVERTIME_MIN)),
        float(lunch["duration_min"]),
        float(lunch["take_from_min"]),
        float(lunch["finish_job_by_min"]),
    )


def distances(
    tickets: Sequence[Mapping[str, Any]],
    teams: Sequence[Mapping[str, Any]],
    travel: Mapping[str, Any],
) -> tuple[Floats, Floats]:
    """Return (km by road, minutes) between all places; one without a place is far."""
    places = [
        *tickets,
        *[t["start"] for t in teams],
        *[t["base"] for t in teams],
    ]
    lat = np.array(
        [np.nan if p.get("lat") is None else p["lat"] for p in places], float
    )
    lon = np.array(
        [np.nan if p.get("lon") is None else p["lon"] for p in places], float
    )
    straight = haversine_km(lat[:, None], lon[:, None], lat[None], lon[None])
    km = np.nan_to_num(straight * travel["road_factor"], nan=1e5)
    # single precision as in the published evaluator, so that sums agree
    km = km.astype(np.float32)
    stop = np.where(km > SAME_PLACE_KM, travel["park_min"], 0.0)
    minutes = (km / travel["speed_kmh"] * 60 + stop).astype(np.float32)
    np.fill_diagonal(minutes, 0)
    return km.astype(np.float64), minutes.astype(np.float64)


def skilled(
    tickets: Sequence[Mapping[str, Any]], teams: Sequence[Mapping[str, Any]]
) -> Mask:
    """Return whether each team has every skill of each ticket, at its level."""
    names = sorted({s for x in tickets for s in x["required_skills"]})
    needs = np.array(
        [[t["required_skills"].get(s, 0) for s in names] for t in tickets], float
    ).reshape(len(tickets), len(names))
    has = np.array([[t["skills"].get(s, 0) for s in names] for t in teams], float)
    has = has.reshape(len(teams), len(names))
    return np.asarray((needs[:, None, :] <= has[None]).all(axis=2))


def forbidden(
    request: Mapping[str, Any],
    tickets: Sequence[Mapping[str, Any]],
    team_at: Mapping[Any, int],
) -> Mask:
    """Return the pairs that may not be: forbidden, or others of a pinned ticket."""
    ticket_at = {t["ticket_id"]: i for i, t in enumerate(tickets)}
    found = np.zeros((len(tickets), len(team_at)), bool)
    for pair in request.get("forbid", ()):
        if pair["ticket_id"] in ticket_at and pair["team_id"] in team_at:
            found[ticket_at[pair["ticket_id"]], team_at[pair["team_id"]]] = True
    for pair in request.get("pin", ()):
        if pair["ticket_id"] in ticket_at and pair["team_id"] in team_at:
            row = ticket_at[pair["ticket_id"]]
            others = np.arange(len(team_at)) != team_at[pair["team_id"]]
            found[row] |= others
    return found
