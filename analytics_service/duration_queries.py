"""Reads of durations from the tickets themselves: all of a few, or those of a bin.

Bounded by what the roll-up counted (`few_enough`, `most`). Nothing here writes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from analytics_service.durations import (
    BIN_WIDTH,
    HISTOGRAMS,
    MEDIAN,
    P90,
    Durations,
    exact,
)
from analytics_service.histograms import Tally
from analytics_service.queries import CELL, Key, Reading, Sums, cells, key_sql
from analytics_service.selection import Selection
from db.engine import tuples

EXACT_ROWS = 2_000  # up to so many durations are all read one by one
EXACT_FILTERED = 200  # of some zones, teams or kinds: others' tickets are looked at too
DURATIONS = {  # histogram of the roll-up: its sum
    "rw": "resolution_wall_s",
    "rk": "resolution_work_s",
    "fw": "response_wall_s",
    "fk": "response_work_s",
}

# The plan for some weeks serves any such weeks; that for a year is another one.
ONE_PLAN = timedelta(days=100)


def few_enough(n: int, selection: Selection) -> bool:
    """Tell whether so many durations are read one by one."""
    return n <= (EXACT_ROWS if selection == Selection() else EXACT_FILTERED)


def read_durations(
    connection: Connection,
    reading: Reading,
    edges: Sequence[datetime],
) -> dict[Key, dict[int, dict[str, Durations]]]:
    """Return {group: {stretch: durations}}, read from the tickets themselves.

    edges: instants between which the stretches lie; the first stretch is 1. Only
    where `few_enough` says so of what the roll-up counts.
    """
    where, values = cells(reading, created_by=True)
    values |= {"edges": list(edges), "start": edges[0], "end": edges[-1]}
    key = key_sql(reading)
    done = f"{where} AND status IN ('completed', 'closed')"
    query = " UNION ALL ".join(
        (
            ends_query("r", key, "completed_at", "resolution", done),
            ends_query("f", key, "responded_at", "response", where),
        )
    )
    found: dict[Key, dict[int, dict[str, Durations]]] = {}
    for which, name, stretch, wall, work in connection.exec_driver_sql(query, values):
        group = found.setdefault(group_key(reading.by, name), {})
        kept = group.setdefault(stretch, {})
        kept[f"{which}w"], kept[f"{which}k"] = exact(wall), exact(work or ())
    return found


def ends_query(which: str, key: str, at: str, clock: str, where: str) -> str:
    """Return the query of one clock's durations, wall and working time."""
    return (
        f"SELECT '{which}', {key}, width_bucket({at}, %(edges)s), "  # noqa: S608
        f"array_agg({clock}_wall_s), "
        f"array_agg({clock}_elapsed_s) FILTER (WHERE {clock}_elapsed_s IS NOT NULL) "
        f"FROM tickets.ticket_facts WHERE {at} >= %(start)s AND {at} < %(end)s "
        f"AND {clock}_wall_s IS NOT NULL AND {where} GROUP BY 2, 3"
    )


# The expression of the indexes `ix_tickets_bin_…`; 0.985 is in bin 0, as 0 is.
BIN_SQL = (
    "(1 + floor(ln(GREATEST({0}::double precision, '0.985'::double precision)) "
    f"/ '{BIN_WIDTH!r}'::double precision)::integer)"
)
ENDS = {  # histogram: the instant and the seconds of a ticket, and which tickets
    "rw": ("completed_at", "resolution_wall_s", "status IN ('completed', 'closed')"),
    "rk": ("completed_at", "resolution_elapsed_s", "status IN ('completed', 'closed')"),
    "fw": ("responded_at", "response_wall_s", "responded_at IS NOT NULL"),
    "fk": ("responded_at", "response_elapsed_s", "responded_at IS NOT NULL"),
}


def read_bins(
    connection: Connection,
    reading: Reading,
    edges: tuple[datetime, datetime],
    bins: Mapping[str, Iterable[int]],
    most: int,
) -> dict[tuple[str, Key], dict[int, list[int]]]:
    """Return {(histogram, group): {bin: seconds}} of the tickets in these bins.

    edges: the instants between which the durations ended. most: tickets of a
    histogram to look at; the caller knows how many to expect.
    """
    where, values = cells(reading, created_by=True)
    values |= {"start": edges[0], "end": edges[1]}
    key = key_sql(reading)
    # Few groups are cheaper to sort in the query, many here.
    listed, end = ("s", "") if reading.by else ("array_agg(s)", " GROUP BY 2, 3")
    # What the index holds, and the rest only where it is asked for.
    columns = [column for _, column in CELL]
    columns += [c for c in ("technician_id", "created_by") if c in f"{key} {where}"]
    parts = []
    for name, numbers in bins.items():
        if not (chosen := sorted(numbers)):
            continue
        values[name] = chosen
        at, seconds, which = ENDS[name]
        bin_sql = BIN_SQL.format(seconds)
        parts.append(
            f"SELECT '{name}', {key}, bin, {listed} FROM (SELECT {bin_sql} AS bin, "  # noqa: S608
            f"{seconds} AS s, {', '.join(columns)} FROM tickets.ticket_facts "
            f"WHERE {bin_sql} = ANY(%({name})s) AND {at} >= %(start)s "
            f"AND {at} < %(end)s AND {seconds} IS NOT NULL AND {which} LIMIT {most}) t "
            f"WHERE {where}{end}"
        )
    found: dict[tuple[str, Key], dict[int, list[int]]] = {}
    if parts:
        for name, group, number, seconds in tuples(
            connection,
            " UNION ALL ".join(parts),
            values,
            kept=edges[1] - edges[0] <= ONE_PLAN,
        ):
            place = found.setdefault((name, group_key(reading.by, group)), {})
            known = seconds if isinstance(seconds, list) else (seconds,)
            place.setdefault(number, []).extend(known)
    return found


def group_key(by: str | None, value: Key) -> Key:
    """Return a column's value as the roll-up has it: 0 for no team."""
    return 0 if value is None and by in ("team", "technician") else value


def binned_durations(tally: Tally, sums: Sums) -> dict[str, Durations]:
    """Return the durations that histograms hold; sums: of the same rows."""
    return {
        name: Durations(
            n,
            sums.get(DURATIONS[name], 0),
            counts=counts,
            lowest=tally.lowest,
            near={MEDIAN: median, P90: p90},
        )
        for name, n, counts, (median, p90) in zip(
            HISTOGRAMS, tally.totals, tally.counts, tally.near, strict=True
        )
    }
