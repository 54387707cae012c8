"""Exact percentiles of many durations: the few values around each of them.

The histograms of the roll-up say in which bin a percentile lies and how many
durations lie below it. The tickets of that bin, about 1 % of the period's, are read by
an index that begins with the bin (db/tickets.py), so the answer is what sorting all of
them would give. Refuses to read more than a request may: then the percentile stays
within 1 % and says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from analytics_service import duration_queries
from analytics_service.durations import (
    HISTOGRAMS,
    MEDIAN,
    P90,
    Durations,
    counts_of,
)
from analytics_service.periods import Period
from analytics_service.queries import Key, Reading
from analytics_service.selection import Selection

ByName = dict[str, Durations]
Bins = dict[str, set[int]]
MOST_ROWS = 2_400  # of one period: an answer may compare two
# Durations: the bins of groups of more hardly ever fit, even less those of groups of
# some zones or kinds, since the index leads to the tickets of all.
MOST_IN_GROUPS, MOST_IN_SOME_GROUPS = 40_000, 4_000


def refined(
    connection: Connection,
    reading: Reading,
    period: Period,
    groups: Mapping[Key, ByName],
) -> dict[Key, ByName]:
    """Return the binned durations of a period with the values that make them exact."""
    n = sum(part.n for parts in groups.values() for part in parts.values())
    narrowed = reading.selection != Selection()
    if len(groups) > 1 and n > (MOST_IN_SOME_GROUPS if narrowed else MOST_IN_GROUPS):
        return dict(groups)
    if len(groups) == 1:  # is everything itself
        [everything] = groups.values()
        chosen = wanted_bins([], everything)
    else:
        everything = all_of(groups.values())
        chosen = wanted_bins(list(groups.values()), everything)
    if chosen is None:
        return dict(groups)
    edges = (period.starts_at, period.ends_at)
    # The index is of every zone and team: a filter sees more rows than it keeps.
    most = MOST_ROWS // len(chosen) if narrowed else MOST_ROWS
    found = duration_queries.read_bins(connection, reading, edges, chosen, most)
    shared = {
        name: {*part.bins(MEDIAN), *part.bins(P90)} if part.n else set()
        for name, part in everything.items()
    }
    return {
        key: {
            name: with_values(part, shared[name], found.get((name, key), {}))
            for name, part in parts.items()
        }
        for key, parts in groups.items()
    }


def wanted_bins(groups: Sequence[ByName], everything: ByName) -> Bins | None:
    """Return the bins in which a percentile of a group, or of all together, lies.

    None if more durations lie in them than may be read.
    """
    chosen: Bins = {name: set() for name in HISTOGRAMS}
    sizes = {
        name: (found.lowest, found.counts.tolist())
        for name, found in everything.items()
        if found.counts is not None
    }
    rows = 0
    for part in (everything, *groups):
        for name, found in part.items():
            if found.n:
                new = {*found.bins(MEDIAN), *found.bins(P90)} - chosen[name]
                chosen[name] |= new
                lowest, counts = sizes[name]
                rows += sum(counts[number - lowest] for number in new)
        if rows > MOST_ROWS:
            return None
    return chosen


def all_of(groups: Iterable[ByName]) -> ByName:
    """Return the durations of all groups together."""
    parts: dict[str, list[Durations]] = {}
    for group in groups:
        for name, part in group.items():
            if part.counts is not None:
                parts.setdefault(name, []).append(part)
    return {
        name: Durations(
            sum(part.n for part in each),
            0,
            counts=counts_of(each),
            lowest=each[0].lowest,
        )
        for name, each in parts.items()
    }


def with_values(
    part: Durations, shared: Iterable[int], found: Mapping[int, list[int]]
) -> Durations:
    """Return durations with the values of their own bins and of those shared by all.

    A bin with another number of values than counted (too many to read, or a write came
    between) stays a bin.
    """
    if not part.n or part.counts is None:
        return replace(part, within=dict.fromkeys(shared, ()))
    within = {}
    for number in {*shared, *part.bins(MEDIAN), *part.bins(P90)}:
        values = found.get(number, [])
        if len(values) == part.below(number + 1) - part.below(number):
            within[number] = sorted(values)
    return replace(part, within=within)
