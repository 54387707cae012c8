"""Which team should take a ticket, why, and why the others cannot.

Hard rules first (activity, skills, zone, shift, capacity); the teams that pass
are ordered by the marginal cost of the ticket in their day, in minutes of
travel. `score` is minus that cost, the sum of its terms, so 0 would be free and
the highest is best. A team works its queue by priority, then promise; a new
ticket joins in that order. Pure: numbers in, numbers and codes out.

What it leaves out, openly: days off of a team, traffic, appointments.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ai_service.geography import drive_minutes, drive_minutes_between, road_km
from ai_service.risk import RiskTable, share_used
from ai_service.skills import missing_skills, surplus_levels

DAY_MINUTES = 1440
OUT_OF_ZONE_LIMIT_KM = 60.0  # by road; farther teams of other zones are not asked
RANK = {"urgent": 0, "high": 1, "medium": 2, "low": 3}
# Prices in minutes of travel; breach and lateness by priority, urgent first.
BREACH_PRICE = (240.0, 120.0, 60.0, 30.0)
LATE_PRICE = (2.0, 1.0, 0.5, 0.25)
WEIGHTS = {
    "travel": -1.0,
    "load": -25.0,
    "zone": -10.0,
    "skill_surplus": -0.5,
    "change": -15.0,
}

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Need:
    """The ticket as the ranking sees it.

    lat, lon: None when neither the ticket nor its zone has a place.
    opened_s, risk_s, due_s: epoch seconds of the resolution clock.
    team_id: the team that has it now, if any.
    """

    priority: str
    category: str
    zone: str
    skills: Mapping[str, int]
    service_minutes: float
    lat: float | None
    lon: float | None
    opened_s: float
    risk_s: float | None
    due_s: float | None
    team_id: int | None = None

    @property
    def rank(self) -> int:
        return RANK[self.priority]


@dataclass(frozen=True, slots=True)
class Crew:
    """One team. shift_start, shift_end: minutes after local midnight."""

    id: int
    name: str
    zone: str
    skills: Mapping[str, int]
    lat: float | None
    lon: float | None
    shift_start: int
    shift_end: int
    capacity_minutes: int
    is_active: bool


@dataclass(frozen=True, slots=True)
class Queued:
    """One unfinished ticket of a team; given sorted by team, rank, due time."""

    team_id: int
    rank: int
    due_s: float
    service_minutes: float
    lat: float | None
    lon: float | None


@dataclass(frozen=True, slots=True)
class Days:
    """What each team's day looks like with the ticket in it; arrays by team."""

    ahead_minutes: Floats  # work and driving before the drive to the ticket
    queued_minutes: Floats  # all work that the team has, without the ticket
    leg_km: Floats  # drive to the ticket
    detour_minutes: Floats  # what the whole round grows by
    has_place: Mask


def places_of(crews: Sequence[Crew], queue: Sequence[Queued]) -> list[list[Queued]]:
    """Return each team's queue in the order of `crews`."""
    by_team: dict[int, list[Queued]] = {c.id: [] for c in crews}
    for stop in queue:
        if stop.team_id in by_team:
            by_team[stop.team_id].append(stop)
    return [by_team[c.id] for c in crews]


def days_with(
    need: Need, crews: Sequence[Crew], queues: Sequence[Sequence[Queued]]
) -> Days:
    """Place the ticket in each team's queue and measure what that takes.

    A stop or base without a place costs no driving; that is said by `has_place`.
    """
    mine = (need.rank, need.due_s if need.due_s is not None else float("inf"))
    rows = [
        day_row(mine, crew, queue) for crew, queue in zip(crews, queues, strict=True)
    ]
    ahead, queued = (np.array([r[k] for r in rows], float) for k in (0, 1))
    before = np.array([r[2] for r in rows], float).reshape(-1, 2)
    after = np.array([r[3] for r in rows], float).reshape(-1, 2)
    if need.lat is None or need.lon is None:
        nothing = np.zeros(len(crews))
        return Days(ahead, queued, nothing, nothing, np.zeros(len(crews), bool))
    has_place = ~np.isnan(before).any(axis=1)
    here = np.array([[need.lat, need.lon]])
    to, onward = drive(before, here), drive(after, here)
    direct = drive(before, after)
    detour = drive_minutes(to) + drive_minutes(onward) - drive_minutes(direct)
    return Days(ahead, queued, to, np.maximum(detour, 0.0), has_place)


def drive(a: Floats, b: Floats) -> Floats:
    """Return road kilometres between rows of (lat, lon); 0 where one is unknown."""
    return np.nan_to_num(road_km(a[:, 0], a[:, 1], b[:, 0], b[:, 1]))


def day_row(
    mine: tuple[int, float], crew: Crew, queue: Sequence[Queued]
) -> tuple[float, float, tuple[float, float], tuple[float, float]]:
    """Return (minutes ahead, minutes queued, place before, place after) of one team."""
    base = placed(crew.lat, crew.lon) or (np.nan, np.nan)
    before, after, ahead, queued = base, base, 0.0, 0.0
    found_after = False
    for stop in queue:
        queued += stop.service_minutes
        place = placed(stop.lat, stop.lon)
        if (stop.rank, stop.due_s) <= mine:
            ahead += stop.service_minutes + short_drive(before, place)
            before = place or before
        elif place and not found_after:
            after, found_after = place, True
    return ahead, queued, before, after


def placed(lat: float | None, lon: float | None) -> tuple[float, float] | None:
    return None if lat is None or lon is None else (lat, lon)


def short_drive(a: tuple[float, float], b: tuple[float, float] | None) -> float:
    if b is None or a[0] != a[0]:
        return 0.0
    return drive_minutes_between(a, b)


# ---- when would they come ------------------------------------------------------------


def shift_length(crew: Crew) -> int:
    """Return minutes of a shift; one that ends before its start runs overnight."""
    return (crew.shift_end - crew.shift_start) % DAY_MINUTES or DAY_MINUTES


def minutes_until_worked(crew: Crew, minute_of_day: float, work: float) -> float:
    """Return minutes from now until the team has done `work` minutes on shift."""
    length = shift_length(crew)
    into = (minute_of_day - crew.shift_start) % DAY_MINUTES
    wait = 0.0 if into < length else DAY_MINUTES - into
    left = length - into if into < length else float(length)
    if work <= left:
        return wait + work
    full, rest = divmod(work - left, length)
    return wait + left + (DAY_MINUTES - length) + full * DAY_MINUTES + rest


# ---- hard rules ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setting:
    """What the rules look at besides the team: the moment and the arrival."""

    need: Need
    now_s: float
    minute_of_day: float  # local
    eta_minutes: float
    leg_km: float
    added_minutes: float  # service and detour
    queued_minutes: float
    knows_distance: bool = True

    @property
    def minutes_left(self) -> float | None:
        """Return minutes until the promise, None if there is none or it has passed."""
        due = self.need.due_s
        return None if due is None or due <= self.now_s else (due - self.now_s) / 60


Rule = Callable[[Crew, Setting], str | None]


def refuse_inactive(crew: Crew, _: Setting) -> str | None:
    return None if crew.is_active else "The team is not active."


def refuse_missing_skills(crew: Crew, setting: Setting) -> str | None:
    missing = missing_skills(setting.need.skills, crew.skills)
    if not missing:
        return None
    parts = [
        f"{skill} {level} (has {crew.skills.get(skill, 0)})"
        for skill, level in sorted(missing.items())
    ]
    return f"Lacks {', '.join(parts)}."


def refuse_far_zone(crew: Crew, setting: Setting) -> str | None:
    need = setting.need
    if crew.zone == need.zone:
        return None
    if not setting.knows_distance:
        return f"Works {crew.zone}, not {need.zone}, and its distance is not known."
    if setting.leg_km > OUT_OF_ZONE_LIMIT_KM:
        return (
            f"Works {crew.zone}, {setting.leg_km:.0f} km away; "
            f"the limit outside its zone is {OUT_OF_ZONE_LIMIT_KM:.0f} km."
        )
    return None


def refuse_late_shift(crew: Crew, setting: Setting) -> str | None:
    left = setting.minutes_left
    wait = minutes_until_worked(crew, setting.minute_of_day, 0.0)
    if left is None or not wait or wait < left:
        return None
    return (
        f"Off shift: the next one begins in {wait:.0f} min, "
        f"after the promise ({left:.0f} min left)."
    )


def refuse_no_capacity(crew: Crew, setting: Setting) -> str | None:
    left = setting.minutes_left
    days = 1 if left is None else max(1, int(-(-left // DAY_MINUTES)))
    capacity = days * crew.capacity_minutes
    work = setting.queued_minutes + setting.added_minutes
    if work <= capacity:
        return None
    return (
        f"No capacity: {work:.0f} min of work with this ticket, "
        f"{capacity} min available in {days} day(s)."
    )


RULES: tuple[tuple[str, Rule], ...] = (
    ("inactive", refuse_inactive),
    ("skills", refuse_missing_skills),
    ("zone", refuse_far_zone),
    ("shift", refuse_late_shift),
    ("capacity", refuse_no_capacity),
)


def first_failed_rule(crew: Crew, setting: Setting) -> tuple[str, str] | None:
    for name, rule in RULES:
        text = rule(crew, setting)
        if text is not None:
            return name, text
    return None


# ---- the price -----------------------------------------------------------------------


def reason(criterion: str, value: float, weight: float, text: str) -> dict[str, Any]:
    value = round(value, 3)
    return {
        "criterion": criterion,
        "value": value,
        "weight": weight,
        "contribution": round(value * weight, 3) + 0.0,  # no minus zero
        "text": text,
    }


def utilisation_growth(crew: Crew, setting: Setting) -> tuple[float, float, float]:
    """Return (growth of squared utilisation, before, after) over one day's capacity."""
    day = max(1, crew.capacity_minutes)
    before = setting.queued_minutes / day
    after = (setting.queued_minutes + setting.added_minutes) / day
    return after**2 - before**2, before, after


def late_minutes(setting: Setting) -> float:
    """Return minutes past the promise (or past now) at the estimated end."""
    if setting.need.due_s is None:
        return 0.0
    left = setting.minutes_left or 0.0
    return max(0.0, setting.eta_minutes + setting.need.service_minutes - left)


def reasons_of(
    crew: Crew, setting: Setting, detour: float, chance: float | None
) -> list[dict[str, Any]]:
    """Return the terms of the score; they add up to it."""
    need = setting.need
    growth, before, after = utilisation_growth(crew, setting)
    surplus = surplus_levels(need.skills, crew.skills)
    outside = float(crew.zone != need.zone)
    found = [
        reason(
            "travel",
            detour,
            WEIGHTS["travel"],
            travel_text(setting, detour),
        ),
        reason(
            "load",
            growth,
            WEIGHTS["load"],
            f"{setting.queued_minutes:.0f} min queued; "
            f"a day's load goes from {before:.0%} to {after:.0%}.",
        ),
        reason(
            "zone",
            outside,
            WEIGHTS["zone"],
            f"Works {crew.zone}, outside {need.zone}."
            if outside
            else "Works this zone.",
        ),
        reason(
            "skill_surplus",
            float(surplus),
            WEIGHTS["skill_surplus"],
            f"{surplus} level(s) of skill beyond what the ticket needs.",
        ),
        *promise_reasons(setting, chance),
    ]
    if need.team_id is not None:
        moved = float(crew.id != need.team_id)
        text = "Another team has it now." if moved else "Has the ticket now."
        found.append(reason("change", moved, WEIGHTS["change"], text))
    return found


def travel_text(setting: Setting, detour: float) -> str:
    if not setting.knows_distance:
        return "The distance is not known, so it is not counted."
    return f"{detour:.0f} min more driving, {setting.leg_km:.1f} km to the ticket."


def promise_reasons(setting: Setting, chance: float | None) -> list[dict[str, Any]]:
    """Return the terms of the promise: the chance to break it, and minutes after it."""
    rank = setting.need.rank
    found = []
    if chance is not None:
        found.append(
            reason(
                "breach_risk",
                chance,
                -BREACH_PRICE[rank],
                f"{chance:.0%} of past tickets like this, unfinished at that point, "
                "missed their promise.",
            )
        )
    late = late_minutes(setting)
    ahead = (setting.minutes_left or 0.0) - setting.eta_minutes
    text = (
        f"Would end {late:.0f} min after the promise can still be kept."
        if late
        else f"Arrives {ahead:.0f} min before the promise."
        if setting.need.due_s is not None
        else "The ticket has no running promise."
    )
    found.append(reason("sla_slack", late, -LATE_PRICE[rank], text))
    return found


# ---- the whole -----------------------------------------------------------------------


def recommend(
    need: Need,
    crews: Sequence[Crew],
    queue: Sequence[Queued],
    risk: RiskTable,
    now: datetime,
    minute_of_day: float,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return (candidates, best first; rejected teams with the rule they fail).

    minute_of_day: local minutes after midnight of `now`.
    """
    days = days_with(need, crews, places_of(crews, queue))
    work = days.ahead_minutes + drive_minutes(days.leg_km)
    etas = [
        minutes_until_worked(crew, minute_of_day, float(work[k]))
        for k, crew in enumerate(crews)
    ]
    chances = chances_at_arrival(need, now.timestamp(), etas, risk)
    candidates, rejected = [], []
    for k, crew in enumerate(crews):
        setting = Setting(
            need=need,
            now_s=now.timestamp(),
            minute_of_day=minute_of_day,
            eta_minutes=etas[k],
            leg_km=float(days.leg_km[k]),
            added_minutes=need.service_minutes + float(days.detour_minutes[k]),
            queued_minutes=float(days.queued_minutes[k]),
            knows_distance=bool(days.has_place[k]),
        )
        failed = first_failed_rule(crew, setting)
        if failed:
            rejected.append({"team_id": crew.id, "rule": failed[0], "text": failed[1]})
        else:
            detour = float(days.detour_minutes[k])
            candidates.append(candidate(crew, setting, detour, chances[k]))
    candidates.sort(key=lambda c: (-c["score"], c["team_id"]))
    add_counterfactuals(candidates)
    return candidates, rejected


def candidate(
    crew: Crew, setting: Setting, detour: float, chance: float | None
) -> dict[str, Any]:
    reasons = reasons_of(crew, setting, detour, chance)
    return {
        "team_id": crew.id,
        "name": crew.name,
        "zone": crew.zone,
        "score": round(sum(r["contribution"] for r in reasons), 3),
        "breach_probability": None if chance is None else round(chance, 4),
        "eta_minutes": round(setting.eta_minutes, 1),
        "travel_km": round(setting.leg_km, 2) if setting.knows_distance else None,
        "reasons": reasons,
        "counterfactual": "",
    }


def chances_at_arrival(
    need: Need, now_s: float, etas: Sequence[float], risk: RiskTable
) -> list[float] | list[None]:
    """Return the breach probability at each team's arrival, the ticket unfinished."""
    at = now_s + np.array(etas, float) * 60
    used = share_used(at, need.opened_s, need.risk_s, need.due_s)
    found = risk.probability(need.priority, need.category, need.zone, used)
    return [None] * len(etas) if found is None else [float(p) for p in found[0]]


def add_counterfactuals(candidates: list[dict[str, Any]]) -> None:
    """Say of each candidate what separates it from the best, or from the runner-up."""
    for place, one in enumerate(candidates):
        if len(candidates) == 1:
            one["counterfactual"] = "No other team passes the rules."
            continue
        other = candidates[1] if place == 0 else candidates[0]
        gap = abs(other["score"] - one["score"])
        term = widest_gap(one, other)
        one["counterfactual"] = (
            f"Choosing {other['name']} would cost {gap:.1f} more, mostly {term}."
            if place == 0
            else f"Costs {gap:.1f} more than {other['name']}, mostly {term}."
        )


def widest_gap(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Return the criterion that speaks most for the better of the two."""
    better, worse = (one, other) if one["score"] >= other["score"] else (other, one)
    theirs = {r["criterion"]: r["contribution"] for r in worse["reasons"]}
    gaps = {
        r["criterion"]: r["contribution"] - theirs[r["criterion"]]
        for r in better["reasons"]
    }
    widest: str = max(gaps, key=lambda name: (gaps[name], name))
    return widest.replace("_", " ")
