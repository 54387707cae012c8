"""Zones: volumes, backlog and its age, promises, travel, teams, load and trend."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from sqlalchemy import Connection

from analytics_service import queries, trends
from analytics_service.aging import aging, clipped, unfinished
from analytics_service.asking import Asked
from analytics_service.directory import zone_calendars
from analytics_service.figures import Answer, figures_of, group_filters, links_for
from analytics_service.metrics import FIGURE, Totals, minutes, ratio, visits
from analytics_service.performance import Known, groups_of, keys_of
from analytics_service.periods import DAY, days_cover
from analytics_service.queries import Key
from analytics_service.totals import (
    group_shift,
    group_totals,
    team_shifts,
    together,
)

SHOWN = tuple(
    FIGURE[key]
    for key in (
        "created",
        "completed",
        "backlog",
        "completion_ratio",
        "workload_minutes",
        "first_response_median_minutes",
        "resolution_median_minutes",
        "resolution_p90_minutes",
        "sla_met_ratio_response",
        "sla_met_ratio_resolution",
        "first_visit_fix_ratio",
        "reopen_ratio",
        "utilisation_ratio",
    )
)
TIMED = ("first_response_minutes", "resolution_minutes")
COUNTED = tuple(figure for figure in SHOWN if figure.metric not in TIMED)
TREND_DAYS = 60


def zones(connection: Connection, asked: Asked) -> Answer:
    """Return the answer of GET /api/analytics/zones."""
    found = group_totals(connection, asked, asked.period, "zone")
    return {**asked.frame(), "items": zone_items(connection, asked, found)}


def zone_items(
    connection: Connection, asked: Asked, found: Mapping[Key, Totals]
) -> list[Answer]:
    """Return what is told of each zone. found: totals by zone."""
    shifts = team_shifts(zone_calendars(connection), asked, asked.period)
    links = links_for(asked.period, asked.today, asked.actor)
    buckets = clipped(asked.today, None, None)
    ages = unfinished(connection, asked, buckets, "zone")
    slopes = created_trends(connection, asked)

    def item(key: Key) -> Answer:
        shift_s = group_shift(asked, shifts, "zone", key)
        totals = replace(found.get(key, Totals()), shift_s=shift_s)
        filters = group_filters(asked.wanted, "zone", key)
        by_age = ages.get(key, {})
        return {
            "zone": key,
            "name": key,
            **figures_of(totals, links, filters, SHOWN),
            "ages": {
                bucket.key: sum(by_age.get(n, {}).values())
                for n, bucket in enumerate(buckets)
            },
            **load(asked, key, totals),
            "trend": slopes.get(key),
        }

    return [item(key) for key in keys_of(asked, "zone", found, {})]


def load(asked: Asked, zone: Key, totals: Totals) -> Answer:
    """Return travel and what each team of the zone has to carry."""
    teams = sum(team.zone == zone for team in asked.teams())
    n_visits = visits(totals)
    return {
        "teams": teams,
        "visits": n_visits,
        "travel_minutes": minutes(totals.of("travel_s")),
        "travel_minutes_per_visit": ratio(totals.of("travel_s") / 60, n_visits),
        "on_site_minutes": minutes(totals.of("on_site_s")),
        "backlog_per_team": ratio(totals.backlog, teams),
        "workload_minutes_per_team": ratio(totals.of("workload_minutes"), teams),
    }


def created_trends(connection: Connection, asked: Asked) -> dict[Key, Answer]:
    """Return the trend of tickets created a day in each zone: its last 60 whole days
    of the period."""
    last = min(asked.period.last, asked.today - DAY)
    first = max(asked.period.first, last - timedelta(days=TREND_DAYS - 1))
    n_days = (last - first).days + 1
    if n_days < trends.MIN_VALUES:
        return {}
    rows = days_cover(first, last)
    asked.check_breadth(connection, rows, "zone")
    found = queries.read_sums(connection, asked.reading("zone"), rows, ("created",))
    return {
        key: slope(
            first,
            tuple(stretches.get(n, {}).get("created", 0) for n in range(1, n_days + 1)),
        )
        for key, stretches in found.items()
    }


@lru_cache(maxsize=1_024)  # by the values themselves, so never out of date
def slope(first: date, values: tuple[int, ...]) -> Answer:
    """Return the trend of daily values that begin on `first`."""
    weekday = (first.weekday() + np.arange(len(values))) % 7
    found = trends.trend(values, weekday)
    return {
        "slope_per_day": found.slope,
        "ci95": [found.low, found.high],
        "significant": found.significant,
        "method": found.method,
    }


def zone_detail(connection: Connection, asked: Asked) -> Answer:
    """Return the answer of GET /api/analytics/zones/{zone}, asked for one zone.

    Its own figures are the sum of its teams'.
    """
    known = Known.read(connection, None)
    teams = group_totals(connection, asked, asked.period, "team")
    categories = group_totals(connection, asked, asked.period, "category", timed=False)
    (zone,) = asked.selection.zones or ("",)
    (item,) = zone_items(connection, asked, {zone: together(teams.values())})
    ages = aging(connection, asked, None, None)
    return {
        **asked.frame(),
        **item,
        "by_team": groups_of(asked, asked.period, "team", teams, known)[1],
        "by_category": groups_of(
            asked, asked.period, "category", categories, known, COUNTED
        )[1],
        "aging": {name: ages[name] for name in ("total", "by_status", "buckets")},
    }
