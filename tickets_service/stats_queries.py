"""`stats/summary`: from exact counters where they hold the answer, else from rows.

Counters know status, priority, category, zone and team, which covers every role
but the requester (whose few tickets are read through an index). Each answer is
exact; its cost does not grow with the number of tickets as long as the filters
are those dimensions. Other filters are counted from the rows they select.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import accumulate
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from db.engine import tuples
from db.scope import Actor, sees_everything
from db.vocabulary import Category, Priority, Role, Status
from tickets_service import rollup
from tickets_service.filters import (
    UNFINISHED_SQL,
    TicketFilter,
    conditions,
    tolerate_typos,
)

DIMENSIONS = ("status", "priority", "category", "zone")
COUNTED = frozenset({"status", "priority", "category", "zone", "team_id", "assigned"})
FINISHED = frozenset({Status.COMPLETED, Status.CLOSED})
REFINED_ROWS = 500  # a histogram bin with more rows is interpolated instead
NOT_DELETED = "t.deleted_at IS NULL"
UNFINISHED_CELLS = UNFINISHED_SQL.replace("t.", "")
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    wanted: TicketFilter
    actor: Actor
    now: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def midnight(self) -> datetime:
        return datetime.combine(self.today, time(), self.zone)


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The cells that answer a question. None: all of them."""

    status: Sequence[str] | None
    priority: Sequence[str] | None
    category: Sequence[str] | None
    zone: Sequence[str] | None
    team_id: Sequence[int] | None


def dimensions_of(question: Question) -> Dimensions | None:
    """Return the cells of a question, None if its filters go beyond them."""
    wanted, actor = question.wanted, question.actor
    if not wanted.given() <= COUNTED or actor.role is Role.REQUESTER:
        return None
    zone, team = wanted.zone, wanted.team_id
    if not sees_everything(actor):
        if actor.role is Role.TECHNICIAN:
            team = narrowed(team, (actor.team_id,) if actor.team_id else ())
        else:
            zone = narrowed(zone, actor.zones or ())
    if wanted.assigned is not None:
        if wanted.assigned or team is not None:
            return None
        team = (rollup.NONE,)
    return Dimensions(wanted.status, wanted.priority, wanted.category, zone, team)


EVERYTHING = Dimensions(None, None, None, None, None)
# Five dozen rows, however many cells there are.
MARGINS = (
    "SELECT nullif(status, ''), nullif(priority, ''), nullif(category, ''), "  # noqa: S608
    "nullif(zone, ''), tickets, breached, 0 FROM tickets.ticket_counts "
    f"WHERE team_id = {rollup.MARGIN} UNION ALL "
    "SELECT status, priority, category, zone, sum(tickets), sum(breached), "
    f"sum(tickets) FILTER (WHERE team_id = {rollup.NONE} AND {UNFINISHED_CELLS}) "
    "FROM tickets.ticket_count_deltas "
    "GROUP BY GROUPING SETS ((status), (priority), (category), (zone), ())"
)


def narrowed(wanted: Sequence[Any] | None, allowed: Sequence[Any]) -> Sequence[Any]:
    return allowed if wanted is None else [v for v in wanted if v in set(allowed)]


def summary(
    connection: Connection, question: Question, group_by: str | None = None
) -> dict[str, Any]:
    """Return the answer of `stats/summary`."""
    tolerate_typos(connection, question.wanted)
    cells = dimensions_of(question)
    if cells is None:
        found = counts_from_rows(connection, question)
        found |= times_from_rows(connection, question, pressing=True)
    else:
        found = counts_from_counters(connection, cells)
        found |= pressing(connection, question, found.pop("breached"))
        if cells.status is None:
            found |= times_from_rollup(connection, question, cells)
        else:
            found |= times_from_rows(connection, question)
    if group_by is not None:
        groups = grouped(connection, question, found, group_by)
        found |= {"group_by": group_by, "groups": groups}
    return found | {"as_of": question.now}


def empty_counts() -> dict[str, Any]:
    return {
        "total": 0,
        "by_status": dict.fromkeys(map(str, Status), 0),
        "by_priority": dict.fromkeys(map(str, Priority), 0),
        "by_category": dict.fromkeys(map(str, Category), 0),
        "by_zone": {},
        "unassigned": 0,
    }


def counts_from_counters(connection: Connection, cells: Dimensions) -> dict[str, Any]:
    """Return counts from the folded counters and the deltas since."""
    if cells == EVERYTHING:
        return with_counts(tuples(connection, MARGINS, {}))
    where, values = cells_where(cells, DIMENSIONS)
    teams = "team_id = -1" if cells.team_id is None else "team_id = ANY(%(team_id)s)"
    delta_teams = "true" if cells.team_id is None else teams
    values["team_id"] = list(cells.team_id or ())
    columns = "status, priority, category, zone"
    without_team = (
        f"SELECT {columns}, 0, 0, tickets FROM tickets.ticket_counts "  # noqa: S608
        f"WHERE team_id = 0 AND {UNFINISHED_CELLS} AND {where} UNION ALL "
        if cells.team_id is None
        else ""
    )
    idle = f"CASE WHEN team_id = 0 AND {UNFINISHED_CELLS} THEN tickets ELSE 0 END"
    rows = tuples(
        connection,
        f"SELECT {columns}, sum(tickets), sum(breached), sum(idle) FROM ("  # noqa: S608
        f"SELECT {columns}, tickets, breached, "
        f"{'0' if cells.team_id is None else idle} AS idle "
        f"FROM tickets.ticket_counts WHERE {teams} AND {where} UNION ALL {without_team}"
        f"SELECT {columns}, tickets, breached, {idle} FROM tickets.ticket_count_deltas "
        f"WHERE {delta_teams} AND {where}) c "
        "GROUP BY GROUPING SETS ((status), (priority), (category), (zone), ())",
        values,
    )
    return with_counts(rows)


def with_counts(rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """Return the answer of rows (status, priority, category, zone, n, late, idle).

    What comes in several rows is summed.
    """
    found = empty_counts() | {"breached": 0}
    for *keys, tickets, late, idle in rows:
        if keys[0] == rollup.UNASSIGNED:
            found["unassigned"] += int(tickets)
            continue
        named = [(d, k) for d, k in zip(DIMENSIONS, keys, strict=True) if k is not None]
        if not named:
            found["total"] += int(tickets or 0)
            found["unassigned"] += int(idle or 0)
            found["breached"] += int(late or 0)
        for dimension, key in named:
            if tickets:
                known = found[f"by_{dimension}"]
                known[key] = known.get(key, 0) + int(tickets)
    found["by_zone"] = {zone: n for zone, n in found["by_zone"].items() if n}
    return found


def cells_where(cells: Dimensions, names: Iterable[str]) -> tuple[str, Values]:
    clauses, values = ["true"], Values()
    for name in names:
        wanted = getattr(cells, name)
        if wanted is not None:
            clauses.append(f"{name} = ANY(%({name})s)")
            values[name] = list(wanted)
    return " AND ".join(clauses), values


def pressing(
    connection: Connection, question: Question, breached: int
) -> dict[str, int]:
    """Return overdue and at_risk: those flagged, and those that the index shows."""
    where, values = conditions(question.wanted, question.actor, question.now)
    [row] = tuples(
        connection,
        "SELECT count(*) FILTER (WHERE t.resolution_due_at < %(now)s), "  # noqa: S608
        "count(*) FILTER (WHERE t.resolution_due_at >= %(now)s) "
        "FROM tickets.tickets t WHERE t.breached_at IS NULL "
        f"AND t.resolution_risk_at <= %(now)s AND {UNFINISHED_SQL} AND {where}",
        values,
    )
    return {"overdue": breached + row[0], "at_risk": row[1]}


FIGURES = (
    *("created", "completed", "resolution_wall_s"),
    *("resolution_met", "resolution_missed"),
)


def times_from_rollup(
    connection: Connection, question: Question, cells: Dimensions
) -> dict[str, Any]:
    """Return today's figures and the times of all time, from the roll-up."""
    where, values = rollup_where(cells)
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in FIGURES)
    rows = tuples(
        connection,
        f"SELECT grain, {sums}, "  # noqa: S608
        "array_agg(bins) FILTER (WHERE grain = 'a' AND bins IS NOT NULL), "
        "array_agg(extra) FILTER "
        "(WHERE grain = 'a' AND bins IS NULL AND extra <> '{}') "
        f"FROM tickets.daily_figures WHERE {where} AND ("
        "(grain = 'd' AND starts_on = %(today)s) OR "
        "(grain = 'a' AND starts_on = DATE '1970-01-01')) GROUP BY grain",
        values | {"today": question.today},
    )
    by_grain = {row[0]: row[1:] for row in rows}
    nothing = (*([0] * len(FIGURES)), [], [])
    today, ever = by_grain.get("d", nothing), by_grain.get("a", nothing)
    completed, wall, met, missed = (int(v) for v in ever[1:5])
    histogram = merged_histogram(ever[5] or [], ever[6] or [])
    median, p90 = quantiles(connection, question, histogram, (0.5, 0.9))
    return {
        "created_today": int(today[0]),
        "completed_today": int(today[1]),
        "avg_resolution_minutes": minutes(wall / completed) if completed else None,
        "median_resolution_minutes": median,
        "p90_resolution_minutes": p90,
        "sla_met_ratio": round(met / (met + missed), 4) if met + missed else None,
    }


def rollup_where(cells: Dimensions) -> tuple[str, Values]:
    letters = {"zone": "z", "team_id": "t", "category": "c", "priority": "p"}
    used = [name for name in letters if getattr(cells, name) is not None]
    cut = "".join(letters[name] for name in used)
    where, values = cells_where(cells, used)
    values["cut"] = cut if cut in rollup.CUTS else "ztcp"
    return f"cut = %(cut)s AND {where}", values


def merged_histogram(
    packed: Iterable[bytes], extras: Iterable[Mapping[str, int]]
) -> dict[int, int]:
    """Return {bin: tickets} of the wall times of resolution.

    packed: of folded rows. extras: of what is not folded yet.
    """
    found: dict[int, int] = {}
    for bins in packed:
        rollup.add_into(found, rollup.unpacked_bins(bins, "rw"))
    for extra in extras:
        for name, n in extra.items():
            which, _, number = name.partition(":")
            if which == "rw":
                found[int(number)] = found.get(int(number), 0) + n
    return {number: n for number, n in sorted(found.items()) if n > 0}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a quantile lies: in [low, high) seconds, `offset` rows in, and a part."""

    low: float
    high: float
    offset: int
    part: float
    inside: int

    @property
    def interpolated(self) -> float:
        share = (self.offset + self.part + 0.5) / self.inside
        return self.low + (self.high - self.low) * share


def places_of(histogram: Mapping[int, int], wanted: Sequence[float]) -> list[Place]:
    """Return where the quantiles lie in {bin: tickets}, whose bins are in order."""
    numbers = list(histogram)
    until = list(accumulate(histogram.values()))  # tickets up to and with each bin
    return [place_at(numbers, until, q * (until[-1] - 1)) for q in wanted]


def place_at(numbers: Sequence[int], until: Sequence[int], rank: float) -> Place:
    """Return the place between the tickets of ranks floor(rank) and the next."""
    first = int(rank)
    low = bisect_right(until, first)
    high = bisect_right(until, min(first + 1, until[-1] - 1))
    before = until[low - 1] if low else 0
    return Place(
        low=rollup.bin_bounds(numbers[low])[0],
        high=rollup.bin_bounds(numbers[high])[1],
        offset=first - before,
        part=rank - first,
        inside=until[high] - before,
    )


def quantiles(
    connection: Connection,
    question: Question,
    histogram: Mapping[int, int],
    wanted: Sequence[float],
) -> list[float | None]:
    """Return quantiles in minutes: exact from the rows of their bins, else within 1 %.

    The rows are read (all in one statement) while they are few: those of the bin for
    who sees everything, all of them for who sees a part, which no index has by bin.
    """
    if not histogram:
        return [None] * len(wanted)
    places = places_of(histogram, wanted)
    read = max(place.inside for place in places)
    if conditions(question.wanted, question.actor, question.now)[0] != NOT_DELETED:
        read = sum(histogram.values())
    if read > REFINED_ROWS:
        return [minutes(place.interpolated) for place in places]
    rows = rows_at(connection, question, places)
    found: list[float | None] = []
    for n, place in enumerate(places):
        near = [seconds for which, seconds in rows if which == n]
        low, high = (near[0], near[-1]) if near else (place.interpolated,) * 2
        found.append(minutes(low + (high - low) * place.part))
    return found


def rows_at(
    connection: Connection, question: Question, places: Sequence[Place]
) -> list[tuple[int, float]]:
    """Return (number of the place, seconds), the two rows around each place."""
    where, values = conditions(question.wanted, question.actor, question.now)
    if where == NOT_DELETED:
        where = "true"  # what was completed is never deleted: the index is enough
    parts = []
    for n, place in enumerate(places):
        # Whole seconds: a fraction would keep PostgreSQL from its index.
        values |= {f"low{n}": ceil(place.low), f"high{n}": ceil(place.high)}
        values[f"offset{n}"] = place.offset
        parts.append(
            f"(SELECT {n}, t.resolution_wall_s FROM tickets.tickets t "  # noqa: S608
            f"WHERE t.resolution_wall_s >= %(low{n})s "
            f"AND t.resolution_wall_s < %(high{n})s AND {where} "
            f"ORDER BY 2 LIMIT 2 OFFSET %(offset{n})s)"
        )
    rows = tuples(
        connection,
        f"SELECT * FROM ({' UNION ALL '.join(parts)}) r ORDER BY 1, 2",  # noqa: S608
        values,
    )
    return [(row[0], float(row[1])) for row in rows]


def minutes(value_s: float) -> float:
    return round(value_s / 60, 2)


def counts_from_rows(connection: Connection, question: Question) -> dict[str, Any]:
    where, values = conditions(question.wanted, question.actor, question.now)
    rows = tuples(
        connection,
        "SELECT t.status, t.priority, t.category, t.zone, count(*), 0, "  # noqa: S608
        f"count(*) FILTER (WHERE t.team_id IS NULL AND {UNFINISHED_SQL}) "
        f"FROM tickets.tickets t WHERE {where} GROUP BY GROUPING SETS "
        "((t.status), (t.priority), (t.category), (t.zone), ())",
        values,
        kept=False,
    )
    found = with_counts(rows)
    del found["breached"]
    return found


UNTOLD = f"{UNFINISHED_SQL} AND t.breached_at IS NULL AND t.resolution_risk_at <= "
PRESSING = (
    f"count(*) FILTER (WHERE {UNFINISHED_SQL} AND (t.breached_at IS NOT NULL OR "
    "t.resolution_due_at < %(now)s)), "
    f"count(*) FILTER (WHERE {UNTOLD} %(now)s AND t.resolution_due_at >= %(now)s), "
)


def times_from_rows(
    connection: Connection, question: Question, *, pressing: bool = False
) -> dict[str, Any]:
    """Return times and today's counts from the rows, with what is `pressing` if asked.

    In one pass: what a requester may see is no dimension of the counters.
    """
    where, values = conditions(question.wanted, question.actor, question.now)
    [row] = tuples(
        connection,
        f"SELECT {PRESSING if pressing else ''}"  # noqa: S608
        "count(*) FILTER (WHERE t.created_at >= %(midnight)s), "
        "count(*) FILTER (WHERE t.completed_at >= %(midnight)s), "
        "avg(t.resolution_wall_s), "
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY t.resolution_wall_s), "
        "percentile_cont(0.9) WITHIN GROUP (ORDER BY t.resolution_wall_s), "
        "count(*) FILTER (WHERE t.resolution_verdict = 'met'), "
        "count(*) FILTER (WHERE t.resolution_verdict = 'missed' OR "
        "(t.breached_at IS NOT NULL AND t.status <> 'cancelled')) "
        f"FROM tickets.tickets t WHERE {where}",
        values | {"midnight": question.midnight},
        kept=False,
    )
    *late, created, completed, mean, median, p90, met, missed = row
    return dict(zip(("overdue", "at_risk"), late, strict=False)) | {
        "created_today": created,
        "completed_today": completed,
        "avg_resolution_minutes": None if mean is None else minutes(float(mean)),
        "median_resolution_minutes": None if median is None else minutes(median),
        "p90_resolution_minutes": None if p90 is None else minutes(p90),
        "sla_met_ratio": round(met / (met + missed), 4) if met + missed else None,
    }


def grouped(
    connection: Connection, question: Question, found: Mapping[str, Any], group_by: str
) -> list[dict[str, Any]]:
    """Return [{key, total}] of one field, the largest group first."""
    known = found.get(f"by_{group_by}")
    if known is None:
        where, values = conditions(question.wanted, question.actor, question.now)
        rows = connection.exec_driver_sql(
            f"SELECT t.{group_by}, count(*) FROM tickets.tickets t WHERE {where} "  # noqa: S608
            "GROUP BY 1",
            values,
        ).all()
        known = {row[0]: row[1] for row in rows}
    ordered = sorted(known.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return [{"key": key, "total": total} for key, total in ordered]


def total(connection: Connection, question: Question) -> int:
    """Return how many tickets a list has, from the counters if they know."""
    tolerate_typos(connection, question.wanted)
    cells = dimensions_of(question)
    if cells is not None:
        counted: int = counts_from_counters(connection, cells)["total"]
        return counted
    where, values = conditions(question.wanted, question.actor, question.now)
    found = connection.exec_driver_sql(
        f"SELECT count(*) FROM tickets.tickets t WHERE {where}",  # noqa: S608
        values,
    ).scalar_one()
    return int(found)
