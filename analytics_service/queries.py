"""Reads of the daily figures, and the counts of tickets behind them.

Plain SQL on the contract views, made once per shape of question: values are always
parameters. Every read of the roll-up is bounded by `selection.check_breadth`, every
read of tickets by what the roll-up counted. Nothing here writes or judges.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection, literal_column
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from analytics_service.binary import copied
from analytics_service.histograms import Tally, packed_counters, tallies
from analytics_service.periods import Cover, Marked
from analytics_service.selection import Selection, cut_for
from db.engine import tuples
from db.scope import Actor, visible_tickets
from db.vocabulary import Role

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

KEYS = {
    "zone": "zone",
    "team": "team_id",
    "technician": "technician_id",
    "category": "category",
    "priority": "priority",
}
CELL = (
    ("zones", "zone"),
    ("team_ids", "team_id"),
    ("categories", "category"),
    ("priorities", "priority"),
)

Key = str | int | None
Sums = dict[str, int]
Values = dict[str, Any]


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
    summed = ", ".join(map(sum_of, measures))
    found: dict[Key, dict[int, Sums]] = {}
    for key, stretch, *values in in_stretches(
        connection, reading, cover, summed, all_time=all_time
    ):
        found.setdefault(key, {})[stretch] = dict(zip(measures, values, strict=True))
    return found


def sum_of(name: str, which: str = "") -> str:
    """Return the sum of a measure as SQL. which: a FILTER, of none 0.

    PostgreSQL adds bigints up as numerics, which costs it more than to find the rows;
    as floats they are as exact up to 2^53, seconds of 285 million years.
    """
    found = f"sum({name}::float8)"
    return f"coalesce({found} {which}, 0)::bigint" if which else f"{found}::bigint"


def read_marked_sums(
    connection: Connection,
    reading: Reading,
    marked: Marked,
    measures: Sequence[str],
    parts: Sequence[str],
) -> tuple[dict[Key, dict[int, Sums]], dict[Key, Sums]]:
    """Return {group: {stretch: sums}} as `read_sums` does, all time too, and
    {group: sums} of some measures, `parts`, over what `marked` marks."""
    summed = [sum_of(name) for name in measures]
    until = "FILTER (WHERE starts_on < %(until)s)"
    summed += [sum_of(name, until) for name in parts]
    query, values = stretches_query(
        reading, marked.rows, ", ".join(summed), all_time=True, beside=marked.beside
    )
    values["until"] = marked.until
    found: dict[Key, dict[int, Sums]] = {}
    before: dict[Key, Sums] = {}
    for key, stretch, *numbers in tuples(connection, query, values):
        sums = dict(zip(measures, numbers, strict=False))
        if stretch != BESIDE:
            found.setdefault(key, {})[stretch] = sums
        if stretch == 1:
            own = dict(zip(parts, numbers[len(measures) :], strict=True))
        elif stretch == BESIDE:
            own = {name: sums[name] for name in parts}
        else:
            continue
        part = before.setdefault(key, dict.fromkeys(parts, 0))
        for name, value in own.items():
            part[name] += value
    return found, before


def read_counters(
    connection: Connection, reading: Reading, cover: Cover
) -> dict[Key, dict[int, Sums]]:
    """Return {group: {stretch: counters}}: the sums of `extra`, by name."""
    packed = "string_agg(extra::text, ',')"
    found: dict[Key, dict[int, Sums]] = {}
    for key, stretch, texts in in_stretches(connection, reading, cover, packed):
        found.setdefault(key, {})[stretch] = merged(texts)
    return found


def merged(texts: str | None) -> Sums:
    """Return the sum of JSON objects of counters, given separated by commas."""
    total: Sums = {}
    for counters in orjson.loads(f"[{texts or ''}]"):
        for name, value in counters.items():
            total[name] = total.get(name, 0) + value
    return total


def read_histograms(
    connection: Connection, reading: Reading, cover: Cover
) -> dict[Key, dict[int, Tally]]:
    """Return {group: {stretch: histograms of durations}}.

    Folded rows have them packed; what is not folded yet is read from `extra`.
    """
    places: list[tuple[Key, int]] = []
    bins: list[bytes] = []
    for key, stretch, packed, texts in histogram_rows(connection, reading, cover):
        places.append((key, stretch))
        bins.append(packed + (packed_counters(merged(texts)) if texts else b""))
    found: dict[Key, dict[int, Tally]] = {}
    for (key, stretch), tally in zip(places, tallies(bins), strict=True):
        found.setdefault(key, {})[stretch] = tally
    return found


def histogram_rows(
    connection: Connection, reading: Reading, cover: Cover
) -> Iterator[tuple[Key, int, bytes, str | None]]:
    """Yield (group, stretch, packed histograms, JSON objects of what is not folded).

    One row is asked for by the plan that the server keeps; more of them are copied, as
    their bytes cost more than a plan.
    """
    query, values = histograms_query(reading, cover)
    if reading.by is None and len(cover.bounds) == 2:
        for _, stretch, packed, texts in tuples(connection, query, values):
            yield None, stretch, bytes(packed or b""), texts
        return
    for name, at, raw, text in copied(connection, query, values):
        key = None if name is None else key_of(reading.by, name)
        unfolded = None if text is None else text.decode()
        yield key, int.from_bytes(at or b""), raw or b"", unfolded


def histograms_query(reading: Reading, cover: Cover) -> tuple[str, Values]:
    """Return the query of `histogram_rows`, and its values."""
    where, values = rows_of(reading, cover)
    values["bounds"] = cover.bounds
    # OFFSET keeps `extra`, as large as all the rest, out of what is sorted.
    rows = (
        f"SELECT {key_sql(reading)} AS name, "  # noqa: S608
        "width_bucket(starts_on, %(bounds)s) AS stretch, starts_on, bins, "
        "CASE WHEN bins IS NULL THEN extra::text END AS unfolded "
        f"FROM tickets.daily_figures WHERE {where} OFFSET 0"
    )
    # In order: then the server holds the bytes of one group at a time, not of all.
    packed = "string_agg(bins, '' ORDER BY starts_on), string_agg(unfolded, ',')"
    return f"SELECT name, stretch, {packed} FROM ({rows}) AS r GROUP BY 1, 2", values  # noqa: S608


def key_sql(reading: Reading) -> str:
    """Return the column of the reading's groups."""
    return KEYS[reading.by] if reading.by else "NULL::text"


def key_of(by: str | None, name: bytes) -> Key:
    """Return a group's key from a column's binary form."""
    return int.from_bytes(name) if by in ("team", "technician") else name.decode()


def in_stretches(
    connection: Connection,
    reading: Reading,
    cover: Cover,
    sums: str,
    *,
    all_time: bool = False,
) -> Sequence[Sequence[Any]]:
    """Return rows of (group, stretch, sums …) of the daily figures."""
    return tuples(connection, *stretches_query(reading, cover, sums, all_time=all_time))


def stretches_query(
    reading: Reading,
    cover: Cover,
    sums: str,
    *,
    all_time: bool = False,
    beside: Cover | None = None,
) -> tuple[str, Values]:
    """Return the query of (group, stretch, sums …), and its values.

    beside: rows that are a stretch of their own, BESIDE, whatever days they are of.
    """
    where, values = rows_of(reading, cover, all_time=all_time, beside=beside)
    values["bounds"] = cover.bounds
    stretch = "width_bucket(starts_on, %(bounds)s)"
    if beside and beside.rows:
        own, _ = grains_of(beside, BESIDE_NAME)
        stretch = f"CASE WHEN {' OR '.join(own)} THEN {BESIDE} ELSE {stretch} END"
    query = (
        f"SELECT {key_sql(reading)}, {stretch}, {sums} "  # noqa: S608
        f"FROM tickets.daily_figures WHERE {where} GROUP BY 1, 2"
    )
    return query, values


BESIDE, BESIDE_NAME = -1, "beside_"


def rows_of(
    reading: Reading,
    cover: Cover,
    *,
    all_time: bool = False,
    beside: Cover | None = None,
) -> tuple[str, Values]:
    """Return the condition on the rows of a cover, and its values."""
    where, values = cells(reading)
    values["cut"] = cut_for(reading.selection, reading.by)
    grains = ["(grain = 'a')"] if all_time else []
    for rows, name in ((cover, ""), (beside, BESIDE_NAME)):
        if rows:
            conditions, starts = grains_of(rows, name)
            grains += conditions
            values |= starts
    return f"cut = %(cut)s AND ({' OR '.join(grains)}) AND {where}", values


def grains_of(cover: Cover, name: str) -> tuple[list[str], Values]:
    """Return a condition per grain of a cover, and its values, `name` before each."""
    starts = {"d": cover.days, "w": cover.weeks, "m": cover.months}
    used = {grain: days for grain, days in starts.items() if days}
    conditions = [
        f"(grain = '{grain}' AND starts_on = ANY(%({name}{grain})s))" for grain in used
    ]
    return conditions, {f"{name}{grain}": days for grain, days in used.items()}


def count_rows(
    connection: Connection, reading: Reading, cover: Cover, most: int
) -> int:
    """Return how many rows a reading takes, at most `most` and one."""
    where, values = rows_of(reading, cover, all_time=True)
    query = (
        f"SELECT count(*) FROM (SELECT FROM tickets.daily_figures WHERE {where} "  # noqa: S608
        f"LIMIT {most + 1}) AS found"
    )
    return int(connection.exec_driver_sql(query, values).scalar_one())


def cells(reading: Reading, created_by: bool = False) -> tuple[str, Values]:
    """Return the reading's cells as a condition, and its values.

    created_by: whether the view knows who opened a ticket.
    """
    scope, known = scope_of(reading.actor, created_by=created_by)
    values = dict(known)
    parts = [scope]
    for name, column in CELL:
        chosen = getattr(reading.selection, name)
        if chosen is not None:
            values[name] = list(chosen)
            kind = "bigint" if name == "team_ids" else "text"
            parts.append(f"{column} = ANY(%({name})s::{kind}[])")
    return " AND ".join(parts), values


def scope_of(actor: Actor, *, created_by: bool) -> tuple[str, Values]:
    """Return db/scope.py's visibility as SQL, and its values."""
    return compiled_scope(
        actor.role, actor.user_id, actor.team_id, actor.zones, created_by
    )


@lru_cache(maxsize=4_096)
def compiled_scope(
    role: Role,
    user_id: int,
    team_id: int | None,
    zones: tuple[str, ...] | None,
    created_by: bool,
) -> tuple[str, Values]:
    clause = visible_tickets(
        Actor(user_id, role, team_id=team_id, zones=zones),
        team_id=literal_column("team_id"),
        zone=literal_column("zone"),
        created_by=literal_column("created_by") if created_by else None,
    )
    compiled = clause.compile(
        dialect=PGDialect_psycopg2(),  # type: ignore[no-untyped-call]
        compile_kwargs={"render_postcompile": True},
    )
    return f"({compiled})", dict(compiled.params)
