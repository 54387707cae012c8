"""The forecast as it is answered: the stored run, and the teams it calls for.

A request reads stored points; only where no run is stored yet is the pooled
weekday mean of the last weeks worked out at once, and called the baseline.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from analytics_service import history_queries
from analytics_service.actions import served_run
from analytics_service.directory import Directory, directory, zone_calendars
from analytics_service.forecasting import (
    FULL_DAYS,
    MIN_DAYS,
    forecast,
    teams_needed,
)
from analytics_service.periods import local_day
from analytics_service.schemas import Wanted
from analytics_service.selection import Selection, seen_by
from analytics_service.training import accuracy_words, series_of
from db.analytics import ForecastSeries
from db.scope import Actor
from service_kit.errors import Invalid

Answer = dict[str, Any]
Points = list[dict[str, Any]]
BANDS = ("value", "lo95", "lo80", "median", "hi80", "hi95")
SUMMED = (
    "Intervals of several zones are the sums of theirs, so wider than needed: "
    "they would be right if all zones erred together."
)
NO_RUN = "No trained run is stored yet: pooled weekday mean with wide intervals."
STALE = "The stored run ends before the horizon; it is being trained anew."


@dataclass(frozen=True, slots=True)
class Outlook:
    """The points of one cut with where they come from."""

    model: str
    trained_at: datetime | None
    history_days: int
    points: Points
    accuracy: Answer
    note: str | None = None


def forecast_answer(
    connection: Connection,
    query: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    zone: ZoneInfo,
) -> Answer:
    """Return the answer of GET /api/analytics/forecast."""
    today = local_day(now, zone)
    names = directory(connection)
    asked = (query["zone"],) if query["zone"] else None
    names.check(Wanted(zones=asked))
    zones = seen_by(actor, Selection(zones=asked)).zones
    days = days_shown(query, today)
    category = str(query["category"]) if query["category"] else ""
    found = outlook(connection, query["metric"], zones, category, today)
    points = [p for p in found.points if p["on"] in days]
    complete = len(points) == len(days)
    return {
        "metric": query["metric"],
        "zone": query["zone"],
        "category": category or None,
        "model": found.model,
        "trained_at": found.trained_at,
        "history_days": found.history_days,
        "as_of": now,
        "time_zone": str(zone),
        "points": points,
        "accuracy": found.accuracy,
        "resources": resources(connection, names, zones, days),
        "note": found.note if complete else STALE,
    }


def days_shown(query: Mapping[str, Any], today: date) -> set[str]:
    """Return the days asked for: the horizon from today, within `from` and `to`."""
    first, last = query.get("first"), query.get("last")
    if first is not None and last is not None and first > last:
        raise Invalid({"from": "Must not be after `to`."})
    days = [today + timedelta(days=n) for n in range(query["horizon_days"])]
    return {
        day.isoformat()
        for day in days
        if (first is None or day >= first) and (last is None or day <= last)
    }


def outlook(
    connection: Connection,
    metric: str,
    zones: Sequence[str] | None,
    category: str,
    today: date,
) -> Outlook:
    """Return the stored forecast of a cut, or the baseline if none is stored.

    Raises Invalid `not_enough_history` below 14 days.
    """
    run = served_run(connection, metric)
    if run is None:
        return baseline(connection, metric, zones, category, today)
    cuts = ("",) if zones is None else zones  # no zone at all is not the whole
    stored = stored_series(connection, run.id, cuts, category)
    if not stored:
        nothing = zero_points(run.last_on)
        return Outlook(
            run.model, run.trained_at, run.history_days, nothing, accuracy_words(None)
        )
    points = [p for p, _ in stored.values()]
    accuracies = [a for _, a in stored.values()]
    several = len(stored) > 1
    return Outlook(
        run.model,
        run.trained_at,
        run.history_days,
        summed(points),
        accuracy_words(None) if several else accuracies[0],
        SUMMED if several else None,
    )


def stored_series(
    connection: Connection, run_id: int, zones: Sequence[str], category: str
) -> dict[str, tuple[Points, Answer]]:
    """Return {zone: (points, accuracy)} of a run."""
    rows = connection.execute(
        select(ForecastSeries.zone, ForecastSeries.points, ForecastSeries.accuracy)
        .where(
            ForecastSeries.run_id == run_id,
            ForecastSeries.zone.in_(zones),
            ForecastSeries.category == category,
        )
        .order_by(ForecastSeries.zone)
    ).all()
    return {zone: (points, accuracy) for zone, points, accuracy in rows}


def summed(parts: Sequence[Points]) -> Points:
    """Return the points of several cuts added up."""
    if len(parts) == 1:
        return parts[0]
    return [
        {"on": same_day[0]["on"], **{b: sum(p[b] for p in same_day) for b in BANDS}}
        for same_day in zip(*parts, strict=True)
    ]


def zero_points(last_on: date) -> Points:
    """Return the forecast of a cut that never had a ticket."""
    days = [last_on + timedelta(days=n) for n in range(1, 29)]
    return [{"on": day.isoformat(), **dict.fromkeys(BANDS, 0.0)} for day in days]


def baseline(
    connection: Connection,
    metric: str,
    zones: Sequence[str] | None,
    category: str,
    today: date,
) -> Outlook:
    """Return the pooled weekday mean of up to 8 weeks, worked out at once."""
    known = history_queries.history_facts(connection, today)
    if known.days < MIN_DAYS:
        raise Invalid(
            {"metric": f"Needs {MIN_DAYS} days of tickets, there are {known.days}."},
            code="not_enough_history",
        )
    n_days = min(known.days, FULL_DAYS - 1)
    frame = history_queries.daily_history(connection, metric, today, n_days)
    keep = [
        (zones is None or z in zones) and (not category or c == category)
        for z, c in frame.index
    ]
    values = frame.to_numpy()[keep].sum(axis=0, keepdims=True)
    made = forecast(values, pd.DatetimeIndex(frame.columns), whole=metric == "created")
    points: Points = series_of(made)[0]["points"]
    return Outlook("baseline", None, known.days, points, accuracy_words(None), NO_RUN)


def resources(
    connection: Connection,
    names: Directory,
    zones: Sequence[str] | None,
    days: set[str],
) -> list[Answer]:
    """Return teams needed and planned per zone and day, from the stored workload.

    needed: the 90 % quantile of the workload ÷ what a team gets done in a day, and
    the median beside it. gap: needed less available, so above 0 is a shortage.
    """
    run = served_run(connection, "workload_minutes")
    if run is None:
        return []
    shown = zones
    if shown is None:
        shown = sorted(z.name for z in names.zones.values() if z.is_active)
    stored = stored_series(connection, run.id, shown, "")
    productive: Mapping[str, float] = run.scores["productive_minutes"]
    calendars = zone_calendars(connection)
    found = []
    for zone, (points, _) in stored.items():
        teams = sum(t.zone == zone and t.is_active for t in names.teams.values())
        minutes = productive.get(zone, productive[""])
        open_on = calendars.get(zone)
        planned = [p for p in points if p["on"] in days]
        for point, needed, median in zip(
            planned,
            needs(planned, "hi80", minutes),
            needs(planned, "median", minutes),
            strict=True,
        ):
            day = date.fromisoformat(point["on"])
            available = teams if open_on is None or open_on.is_open(day) else 0
            found.append(
                {
                    "on": point["on"],
                    "zone": zone,
                    "teams_needed": needed,
                    "teams_needed_median": median,
                    "teams_available": available,
                    "gap": needed - available,
                    "workload_minutes_p90": point["hi80"],
                    "productive_minutes": minutes,
                }
            )
    return sorted(found, key=lambda row: (row["on"], row["zone"]))


def needs(points: Points, band: str, minutes: float) -> list[int]:
    """Return the teams that a quantile of each day's workload calls for."""
    workload = np.array([point[band] for point in points])
    return [int(n) for n in teams_needed(workload, minutes)]
