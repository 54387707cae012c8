"""Reads through the contract views: sums of the roll-up, bounded looks at tickets.

Every read of the roll-up is bounded by `selection.check_breadth`, every read of
tickets by its own limit. Nothing here writes or judges.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import orjson
import pandas as pd
from sqlalchemy import (
    BigInteger,
    Connection,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    String,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal,
    null,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import ColumnElement, Select

from analytics_service.durations import (
    HISTOGRAMS,
    Counts,
    Durations,
    binned,
    counted_bins,
    exact,
    histograms,
)
from analytics_service.periods import Cover, Period
from analytics_service.selection import Selection, cut_for
from db.scope import Actor, visible_tickets

EXACT_ROWS = 2_000  # up to so many durations are read one by one

MEASURES = (
    "created",
    "workload_minutes",
    "unfinished_open",
    "unfinished_in_progress",
    "unfinished_on_hold",
    "backlog_delta",
    "completed",
    "cancelled",
    "reopened",
    "first_visit_fixed",
    "responded",
    "response_wall_s",
    "response_work_s",
    "response_met",
    "response_missed",
    "resolution_wall_s",
    "resolution_work_s",
    "resolution_met",
    "resolution_missed",
    "visits_done",
    "visits_not_done",
    "on_site_s",
    "travel_s",
)

figures = table(
    "daily_figures",
    *(column(n, String) for n in ("cut", "grain", "zone", "category", "priority")),
    column("starts_on", Date),
    column("team_id", BigInteger),
    column("technician_id", BigInteger),
    *(column(name, BigInteger) for name in MEASURES),
    column("extra", Text),
    column("bins", LargeBinary),
    schema="tickets",
)
SUMS = {name: cast(func.sum(figures.c[name]), BigInteger) for name in MEASURES}
facts = table(
    "ticket_facts",
    *(column(n, String) for n in ("zone", "category", "priority", "status")),
    *(column(n, String) for n in ("number", "title", "hold_reason", "cause")),
    *(column(n, BigInteger) for n in ("id", "team_id", "technician_id", "created_by")),
    *(column(n) for n in ("created_at", "completed_at", "responded_at", "started_at")),
    column("breached_at"),
    *(column(n, BigInteger) for n in ("resolution_wall_s", "resolution_elapsed_s")),
    *(column(n, BigInteger) for n in ("response_wall_s", "response_elapsed_s")),
    *(column(n, BigInteger) for n in ("reopen_count", "policy_id")),
    schema="tickets",
)
POLICIES = text("SELECT id, name, version FROM tickets.policy_versions ORDER BY id")
NEWEST = 20  # breaches shown one by one

KEYS = {
    "zone": "zone",
    "team": "team_id",
    "technician": "technician_id",
    "category": "category",
    "priority": "priority",
}

Key = str | int | None
Sums = dict[str, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """Which cells of the roll-up to read, for whom, in which groups.

    selection: what the actor may see of what was asked (`selection.seen_by`).
    """

    actor: Actor
    selection: Selection
    by: str | None = None


def read_sums(
    connection: Connection,
    reading: Reading,
    cover: Cover,
    measures: Sequence[str],
    *,
    all_time: bool = False,
) -> dict[Key, dict[int, Sums]]:
    """Return {group: {stretch: sums}}.

    Stretch 1 begins at the first bound of `cover`, and so on; 0 holds all time,
    if asked for.
    """
    summed = [SUMS[name] for name in measures]
    rows = connection.execute(
        in_stretches(reading, cover, summed, all_time=all_time)
    ).all()
    found: dict[Key, dict[int, Sums]] = {}
    for key, stretch, *values in rows:
        found.setdefault(key, {})[stretch] = dict(zip(measures, values, strict=True))
    return found


def read_counters(
    connection: Connection, reading: Reading, cover: Cover
) -> dict[Key, dict[int, Sums]]:
    """Return {group: {stretch: counters}}: the sums of `extra`, by name."""
    packed = func.string_agg(cast(figures.c.extra, Text), literal(","))
    rows = connection.execute(in_stretches(reading, cover, [packed])).all()
    found: dict[Key, dict[int, Sums]] = {}
    for key, stretch, texts in rows:
        found.setdefault(key, {})[stretch] = merged(texts)
    return found


def merged(texts: str | None) -> Sums:
    """Return the sum of JSON objects of counters, given separated by commas."""
    total: Sums = {}
    for counters in orjson.loads(f"[{texts or ''}]"):
        for name, value in counters.items():
            total[name] = total.get(name, 0) + value
    return total


def in_stretches(
    reading: Reading,
    cover: Cover,
    values: Sequence[ColumnElement[Any]],
    *,
    all_time: bool = False,
) -> Select[Any]:
    """Return the query of `values` per group and stretch of the cover."""
    cut = cut_for(reading.selection, reading.by)
    key = figures.c[KEYS[reading.by]] if reading.by else null()
    stretch = func.width_bucket(
        figures.c.starts_on, cast(days_param(cover.bounds), ARRAY(Date))
    )
    grains = [
        in_grain(grain, days)
        for grain, days in (
            ("d", cover.days),
            ("w", cover.weeks),
            ("m", cover.months),
        )
        if days
    ]
    if all_time:
        grains.append(figures.c.grain == "a")
    return (
        select(key.label("key"), cast(stretch, Integer).label("stretch"), *values)
        .where(
            figures.c.cut == cut,
            or_(*grains),
            *conditions(figures, reading.selection),
            visible_tickets(
                reading.actor,
                team_id=figures.c.team_id,
                zone=figures.c.zone,
                created_by=None,
            ),
        )
        .group_by(text("1"), text("2"))
    )


def in_grain(grain: str, days: list[date]) -> ColumnElement[bool]:
    return and_(
        figures.c.grain == grain,
        figures.c.starts_on == any_(cast(days_param(days), ARRAY(Date))),
    )


def days_param(days: list[date]) -> ColumnElement[Any]:
    return bindparam(None, days, type_=ARRAY(Date), unique=True)


def conditions(source: Any, selection: Selection) -> list[ColumnElement[bool]]:
    """Return the selection as conditions on a view with its dimensions."""
    parts = (
        (source.c.zone, selection.zones),
        (source.c.team_id, selection.team_ids),
        (source.c.category, selection.categories),
        (source.c.priority, selection.priorities),
    )
    return [col.in_(values) for col, values in parts if values is not None]


DURATIONS = {  # histogram of the roll-up: its sum
    "rw": "resolution_wall_s",
    "rk": "resolution_work_s",
    "fw": "response_wall_s",
    "fk": "response_work_s",
}


def read_durations(
    connection: Connection,
    reading: Reading,
    edges: Sequence[datetime],
) -> dict[Key, dict[int, dict[str, Durations]]]:
    """Return {group: {stretch: durations}}, read from the tickets themselves.

    edges: instants between which the stretches lie; the first stretch is 1. Only
    for periods in which the roll-up counts at most EXACT_ROWS.
    """
    found: dict[Key, dict[int, dict[str, Durations]]] = {}
    for at, wall, work, names in (
        ("completed_at", "resolution_wall_s", "resolution_elapsed_s", ("rw", "rk")),
        ("responded_at", "response_wall_s", "response_elapsed_s", ("fw", "fk")),
    ):
        query = durations_query(reading, edges, at, wall, work)
        for key, stretch, *lists in connection.execute(query).all():
            group = found.setdefault(group_key(reading.by, key), {})
            for name, values in zip(names, lists, strict=True):
                group.setdefault(stretch, {})[name] = exact(values or ())
    return found


def durations_query(
    reading: Reading, edges: Sequence[datetime], at: str, wall: str, work: str
) -> Select[Any]:
    key = facts.c[KEYS[reading.by]] if reading.by else null()
    bounds = bindparam(None, list(edges), type_=ARRAY(DateTime(timezone=True)))
    stretch = func.width_bucket(facts.c[at], bounds)
    query = (
        select(
            key.label("key"),
            cast(stretch, Integer).label("stretch"),
            func.array_agg(facts.c[wall]),
            func.array_agg(facts.c[work]).filter(facts.c[work].is_not(None)),
        )
        .where(
            facts.c[at] >= edges[0],
            facts.c[at] < edges[-1],
            facts.c[wall].is_not(None),
            *conditions(facts, reading.selection),
            visible(reading.actor),
        )
        .group_by(text("1"), text("2"))
    )
    if at == "completed_at":
        query = query.where(facts.c.status.in_(("completed", "closed")))
    return query


def group_key(by: str | None, value: Key) -> Key:
    """Return a column's value as the roll-up has it: 0 for no team."""
    return 0 if value is None and by in ("team", "technician") else value


def visible(actor: Actor) -> ColumnElement[bool]:
    return visible_tickets(
        actor,
        team_id=facts.c.team_id,
        zone=facts.c.zone,
        created_by=facts.c.created_by,
    )


def read_histograms(
    connection: Connection, reading: Reading, cover: Cover
) -> dict[Key, dict[int, Counts]]:
    """Return {group: {stretch: cumulated histograms of durations}}.

    Folded rows have them packed; what is not folded yet is read from `extra`.
    """
    folded = figures.c.bins.is_not(None)
    values = [
        func.string_agg(figures.c.bins, literal(b"", LargeBinary)),
        func.string_agg(cast(figures.c.extra, Text), literal(",")).filter(~folded),
    ]
    found: dict[Key, dict[int, Counts]] = {}
    for key, stretch, packed, texts in connection.execute(
        in_stretches(reading, cover, values)
    ).all():
        reached = histograms(packed or b"")
        if texts:
            reached = reached + counted_bins(merged(texts))
        found.setdefault(key, {})[stretch] = reached
    return found


def binned_durations(reached: Counts, sums: Sums) -> dict[str, Durations]:
    """Return the durations that histograms hold; sums: of the same rows."""
    return {
        name: binned(reached[place], sums.get(DURATIONS[name], 0))
        for place, name in enumerate(HISTOGRAMS)
    }


def policy_names(connection: Connection) -> list[tuple[int, str]]:
    rows = connection.execute(POLICIES).all()
    return [(row.id, f"{row.name} v{row.version}") for row in rows]


def newest_breaches(
    connection: Connection, reading: Reading, period: Period
) -> list[dict[str, Any]]:
    """Return the resolutions that fell due in the period and were missed, newest
    first, at most NEWEST; each with why it was late (tickets_service/rollup.py)."""
    c = facts.c
    why = case(
        (or_(c.responded_at.is_(None), c.responded_at > c.breached_at), "not_answered"),
        (or_(c.started_at.is_(None), c.started_at > c.breached_at), "not_started"),
        (c.reopen_count > 0, "reopened"),
        else_="not_finished",
    )
    query = (
        select(
            c.id.label("ticket_id"),
            *(c.number, c.title, c.zone, c.team_id, c.priority, c.category, c.status),
            c.breached_at.label("due_at"),
            c.completed_at,
            why.label("reason"),
        )
        .where(
            c.breached_at >= period.starts_at,
            c.breached_at < period.ends_at,
            or_(c.status != "cancelled", c.completed_at.is_not(None)),
            *conditions(facts, reading.selection),
            visible(reading.actor),
        )
        .order_by(c.breached_at.desc(), c.id.desc())
        .limit(NEWEST)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


@dataclass(frozen=True, slots=True)
class History:
    """What there is to learn from: whole days since the first ticket, and theirs."""

    first_on: date | None
    days: int
    tickets: int


FIRST_DAY = text(
    "SELECT min(starts_on) FROM tickets.daily_figures "
    "WHERE cut = '' AND grain = 'd' AND created > 0"
)
TICKETS = text(
    "SELECT sum(CASE grain WHEN 'a' THEN created ELSE -created END)::bigint "
    "FROM tickets.daily_figures WHERE cut = '' "
    "AND (grain = 'a' OR grain = 'd' AND starts_on >= :today)"
)
TEAM_DAYS = text(
    "SELECT team_id, sum(on_site_s) / 60.0 FROM tickets.daily_figures "
    "WHERE cut = 't' AND grain = 'd' AND starts_on >= :first AND starts_on < :today "
    "AND team_id > 0 GROUP BY team_id, starts_on HAVING sum(on_site_s) > 0"
)


def history_facts(connection: Connection, today: date) -> History:
    first = connection.scalar(FIRST_DAY)
    days = (today - first).days if first is not None else 0
    tickets = int(connection.scalar(TICKETS, {"today": today}) or 0)
    return History(first, max(days, 0), tickets)


def daily_history(
    connection: Connection, metric: str, today: date, most_days: int
) -> pd.DataFrame:
    """Return the whole days before `today` of every zone and category.

    index (zone, category), columns daily DatetimeIndex without gaps, values ≥ 0;
    for training, which may read more than a request.
    """
    known = history_facts(connection, today)
    first = max(known.first_on or today, today - timedelta(days=most_days))
    days = pd.date_range(first, today - timedelta(days=1), freq="D")
    c = figures.c
    query = (
        select(c.zone, c.category, c.starts_on, cast(func.sum(c[metric]), BigInteger))
        .where(c.cut == "zc", c.grain == "d", c.starts_on >= first, c.starts_on < today)
        .group_by(c.zone, c.category, c.starts_on)
    )
    rows = connection.execute(query).all()
    cells = sorted({(zone, category) for zone, category, _, _ in rows})
    place = {cell: n for n, cell in enumerate(cells)}
    values = np.zeros((len(cells), len(days)))
    for zone, category, day, value in rows:
        values[place[zone, category], (day - first).days] += max(value, 0)
    index = pd.MultiIndex.from_tuples(cells, names=["zone", "category"])
    return pd.DataFrame(values, index=index, columns=days)


def team_days(
    connection: Connection, first: date, today: date
) -> list[tuple[int, float]]:
    """Return (team, minutes on site) of every day on which a team had visits."""
    found = connection.execute(TEAM_DAYS, {"first": first, "today": today}).all()
    return [(team_id, float(minutes)) for team_id, minutes in found]
