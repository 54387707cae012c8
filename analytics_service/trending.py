"""The course of one figure: its series, trend, week, change points and odd days.

The models are in trends.py and anomalies.py; here they are given daily values, and
their answers are put into the contract's words. The day that is not over yet is
shown but left out of every judgement.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from analytics_service import anomalies, duration_queries, queries, trends
from analytics_service.asking import Asked
from analytics_service.directory import zone_calendars
from analytics_service.durations import Durations
from analytics_service.figures import Answer, links_for, settled_end
from analytics_service.metrics import Figure, Totals, figure_of
from analytics_service.periods import DAY, Cover, Period, cover, day_start, next_month
from analytics_service.selection import MOST_ROWS, cells_of, cut_for, url_filters
from analytics_service.totals import ByStretch, days_open
from service_kit.errors import Invalid

LEAD_DAYS = 60  # history read before the period, so that odd days stand out
COUNTED = ("created", "completed", "backlog", "workload_minutes")
MOST_MISSING = 0.3
FEW_DAYS = f"A trend needs {trends.MIN_VALUES} whole days with rows."
TOO_BROAD = "Too many rows for daily values; narrow the period or the filters."
COUNTS_ONLY = "Odd days are looked for in counts over at least 28 days."


@dataclass(frozen=True, slots=True)
class Course:
    """Values of a figure per bucket; None where nothing was counted.

    is_exact: False where values are percentiles within 1 %.
    """

    starts: list[date]
    values: list[float | None]
    ns: list[int]
    is_exact: bool

    def since(self, first: date) -> "Course":
        at = bisect_right(self.starts, first - DAY)
        return Course(self.starts[at:], self.values[at:], self.ns[at:], self.is_exact)


def trends_answer(
    connection: Connection, asked: Asked, metric: str, granularity: str
) -> Answer:
    """Return the answer of GET /api/analytics/trends."""
    figure = figure_of(metric)
    if figure is None:
        raise Invalid({"metric": f"There is no metric {metric}."})
    daily = daily_course(connection, asked, figure)
    if granularity == "day":
        if daily is None:
            asked.check_breadth(connection, cover(edges_of(asked.period, "day")), None)
            raise Invalid({"from": TOO_BROAD})
        shown = daily.since(asked.period.first)
    else:
        shown = course(connection, asked, figure, edges_of(asked.period, granularity))
    links = links_for(asked.period, asked.today, asked.actor)
    return {
        **asked.frame(),
        "metric": metric,
        "figure": figure.key,
        "granularity": granularity,
        "definition": figure.text,
        "exact": shown.is_exact,
        "tickets_url": links.to(figure.population, url_filters(asked.wanted)),
        "series": [
            {"at": at, "value": value, "n": n}
            for at, value, n in zip(shown.starts, shown.values, shown.ns, strict=True)
        ],
        **judged(asked, figure, daily),
    }


def edges_of(period: Period, granularity: str) -> list[date]:
    """Return where the buckets of the period begin, and the day after its last."""
    end = period.last + DAY
    if granularity == "day":
        return [*period.all_days(), end]
    found, at = [period.first], period.first
    while at < end:
        at = next_month(at) if granularity == "month" else next_monday(at)
        found.append(min(at, end))
    return found


def next_monday(day: date) -> date:
    return day + timedelta(days=7 - day.weekday())


def daily_course(connection: Connection, asked: Asked, figure: Figure) -> Course | None:
    """Return the days of the period, for counts with days before it; None if
    these are too many to read."""
    lead = LEAD_DAYS if figure.key in COUNTED else 0
    for days_before in (lead, 0):
        first = asked.period.first - timedelta(days=days_before)
        edges = edges_of(Period(first, asked.period.last, asked.period.zone), "day")
        if affordable(asked, cover(edges)):
            return course(connection, asked, figure, edges)
    return None


def affordable(asked: Asked, rows: Cover) -> bool:
    cut = cut_for(asked.selection, None)
    cells = cells_of(cut, asked.selection, asked.directory.sizes())
    return (rows.rows + LEAD_DAYS // 4) * cells <= MOST_ROWS


def course(
    connection: Connection, asked: Asked, figure: Figure, edges: list[date]
) -> Course:
    """Return the figure of each bucket between the edges that has begun."""
    end = max(edges[-1], asked.today) + 2 * DAY
    rows = cover([*edges, end])
    asked.check_breadth(connection, rows, None)
    ever = figure.key in ("backlog", "completion_ratio")
    found = queries.read_sums(
        connection, asked.reading(), rows, queries.MEASURES, all_time=ever
    ).get(None, {})
    durations = bucket_durations(connection, asked, figure, edges, found)
    shifts = bucket_shifts(connection, asked, figure, edges)
    settled = settled_end(
        Period(edges[0], edges[-1] - DAY, asked.period.zone), asked.today
    )
    backlogs = backlogs_after(found, len(edges) - 1)
    begun = edges[: bisect_right(edges[:-1], asked.today)]
    totals = [
        Totals(
            sums=found.get(number, {}),
            settled=found.get(number, {}) if edges[number] <= settled else {},
            backlog=backlogs[number - 1],
            shift_s=shifts.get(number, 0),
            durations=durations.get(number, {}),
        )
        for number in range(1, len(begun) + 1)
    ]
    return Course(
        begun,
        [figure.value(t) for t in totals],
        [figure.n(t) for t in totals],
        all(figure.is_exact(t) for t in totals),
    )


def backlogs_after(found: ByStretch, n_buckets: int) -> list[int]:
    """Return the unfinished tickets at the end of each bucket."""
    moves = [found.get(n, {}).get("backlog_delta", 0) for n in range(n_buckets + 2)]
    ever = moves[0]
    later = np.cumsum(moves[:0:-1])[::-1]  # from bucket n on
    return [int(ever - later[number]) for number in range(1, n_buckets + 1)]


def bucket_durations(
    connection: Connection,
    asked: Asked,
    figure: Figure,
    edges: list[date],
    found: ByStretch,
) -> Mapping[int, dict[str, Durations]]:
    """Return durations by the number of the bucket, where the figure needs them."""
    if figure.metric not in ("first_response_minutes", "resolution_minutes"):
        return {}
    n = sum(
        s.get("completed", 0) + s.get("responded", 0)
        for number, s in found.items()
        if 0 < number < len(edges)
    )
    if duration_queries.few_enough(n, asked.selection):
        instants = [day_start(day, asked.period.zone) for day in edges]
        return duration_queries.read_durations(
            connection, asked.reading(), instants
        ).get(None, {})
    packed = queries.read_histograms(connection, asked.reading(), cover(edges))
    return {
        number: duration_queries.binned_durations(reached, found.get(number, {}))
        for number, reached in packed.get(None, {}).items()
    }


def bucket_shifts(
    connection: Connection, asked: Asked, figure: Figure, edges: list[date]
) -> dict[int, int]:
    """Return the seconds on shift by the number of the bucket, if needed."""
    if figure.metric != "utilisation_ratio":
        return {}
    calendars = zone_calendars(connection)
    by_zone: dict[str, int] = {}
    for team in asked.teams():
        by_zone[team.zone] = by_zone.get(team.zone, 0) + 60 * team.shift_minutes
    return {
        number: sum(
            shift_s * days_open(calendars, zone, first, min(end - DAY, asked.today))
            for zone, shift_s in by_zone.items()
        )
        for number, (first, end) in enumerate(pairwise(edges), 1)
    }


def judged(asked: Asked, figure: Figure, daily: Course | None) -> Answer:
    """Return what the models say about the days that are over."""
    silent: Answer = {
        "trend": None,
        "seasonality": None,
        "anomalies": [],
        "change_points": [],
        "note": TOO_BROAD,
    }
    if daily is None:
        return silent
    over = bisect_right(daily.starts, asked.today - DAY)
    days, values = daily.starts[:over], tuple(daily.values[:over])
    within = bisect_right(days, asked.period.first - DAY)
    found = silent | {"note": None}
    if figure.key in COUNTED and days:
        found |= odd_days(days[0], values, figure.key == "workload_minutes")
        first = asked.period.first
        found["anomalies"] = [a for a in found["anomalies"] if a["at"] >= first]
    else:
        found["note"] = COUNTS_ONLY
    series = values[within:]
    missing = sum(value is None for value in series)
    if len(series) < trends.MIN_VALUES or missing > MOST_MISSING * len(series):
        return found | {"note": FEW_DAYS}
    return found | course_words(asked.period.first, series)


# Both are remembered by the values themselves, so never out of date.


@lru_cache(maxsize=512)
def course_words(first: date, values: tuple[float | None, ...]) -> Answer:
    """Return trend, week and change points of days; missing ones are interpolated."""
    series = pd.Series(values, dtype=float)
    filled = series.interpolate(limit_direction="both").to_numpy()
    weekday = (first.weekday() + np.arange(len(values))) % 7
    found = trends.trend(filled, weekday)
    week = trends.seasonality(filled, weekday) if len(filled) >= 14 else None
    return {
        "trend": {
            "slope_per_day": found.slope,
            "ci95": [found.low, found.high],
            "significant": found.significant,
            "p_value": found.p_value,
            "method": found.method,
        },
        "seasonality": None
        if week is None
        else {"period_days": 7, "ratios": week.ratios, "strength": week.strength},
        "change_points": [
            {"at": first + timedelta(days=c.at), "before": c.before, "after": c.after}
            for c in trends.change_points(filled, weekday)
        ],
    }


@lru_cache(maxsize=512)
def odd_days(first: date, values: tuple[float | None, ...], in_minutes: bool) -> Answer:
    """Return the days that what came before them did not lead one to expect."""
    counts = np.array([value or 0.0 for value in values])
    live = np.flatnonzero(counts)
    start = int(live[0]) if len(live) else len(counts)
    counts = counts[start:]
    if len(counts) < anomalies.MIN_DAYS:
        return {"anomalies": [], "note": COUNTS_ONLY}
    begin = first + timedelta(days=start)
    dates = pd.date_range(begin, periods=len(counts), freq="D")
    unit = typical(counts) if in_minutes else 1.0
    scores = anomalies.score_days(counts[None] / unit, dates)
    return {
        "anomalies": [
            {
                "at": begin + timedelta(days=int(n)),
                "value": float(counts[n]),
                "expected": float(scores.expected[0, n] * unit),
                "score": float(scores.score[0, n]),
            }
            for n in np.flatnonzero(anomalies.flag(scores.score)[0])
        ]
    }


def typical(minutes: np.ndarray) -> float:
    """Return minutes that vary like one ticket: variance of weekly steps ÷ mean."""
    steps = minutes[7:] - minutes[:-7]
    return float(max((steps**2).mean() / 2 / max(minutes.mean(), 1e-9), 1e-9))
