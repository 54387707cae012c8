"""Exact percentiles of many durations: the few values around each of them.

The histograms of the roll-up say in which bin a percentile lies and how many
durations lie below it. The tickets of that bin, about 1 % of the period's, are read by
an index that begins with the bin (db/tickets.py), so the answer is what sorting all of
them would give. Refuses to read more than a request may: then the percentile stays
within 1 % and says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from sqlalchemy import Connection

from analytics_service import queries
from analytics_service.durations import HISTOGRAMS, MEDIAN, P90, Durations, bins_at
from analytics_service.periods import Period
from analytics_service.queries import Key, Reading
from analytics_service.selection import Selection

ByName = dict[str, Durations]
Bins = dict[str, set[int]]
MOST_ROWS = 2_400  # of one period: an answer may compare two


def refined(
    connection: Connection,
    reading: Reading,
    period: Period,
    groups: Mapping[Key, ByName],
) -> dict[Key, ByName]:
    """Return the binned durations of a period with the values that make them exact."""
    chosen = wanted_bins(groups.values())
    counts = counts_of(groups.values())
    if rows_of(chosen, counts) > MOST_ROWS:
        return dict(groups)
    edges = (period.starts_at, period.ends_at)
    # The index is of every zone and team: a filter sees more rows than it keeps.
    most = MOST_ROWS if reading.selection == Selection() else MOST_ROWS // len(chosen)
    found = queries.read_bins(connection, reading, edges, chosen, most)
    return {
        key: {
            name: with_values(part, chosen[name], found.get((name, key), {}))
            for name, part in parts.items()
        }
        for key, parts in groups.items()
    }


def wanted_bins(groups: Iterable[ByName]) -> Bins:
    """Return the bins in which a percentile of a group, or of all together, lies."""
    chosen: Bins = {name: set() for name in HISTOGRAMS}
    parts = list(groups)
    reached = counts_of(parts)
    everything = [{n: Durations(int(r[-1]), 0, reached=r) for n, r in reached.items()}]
    for part in [*parts, *everything]:
        for name, found in part.items():
            if found.n and found.reached is not None:
                for share in (MEDIAN, P90):
                    chosen[name].update(bins_at(found.reached, share))
    return chosen


def counts_of(groups: Iterable[ByName]) -> dict[str, np.ndarray]:
    """Return the cumulated histograms of all groups together."""
    summed: dict[str, np.ndarray] = {}
    for parts in groups:
        for name, part in parts.items():
            if part.reached is not None:
                summed[name] = summed.get(name, 0) + part.reached
    return summed


def rows_of(chosen: Bins, reached: Mapping[str, np.ndarray]) -> int:
    """Return how many durations lie in the bins."""
    return sum(
        int(np.diff(reached[name], prepend=0)[list(numbers)].sum())
        for name, numbers in chosen.items()
        if name in reached and numbers
    )


def with_values(
    part: Durations, chosen: Iterable[int], found: Mapping[int, list[int]]
) -> Durations:
    """Return durations with the values of bins; a bin with another number of them than
    counted (too many to read, or a write came between) stays a bin."""
    if part.reached is None:
        return part
    sizes = np.diff(part.reached, prepend=0)
    within = {
        number: sorted(found.get(number, ()))
        for number in chosen
        if len(found.get(number, ())) == int(sizes[number])
    }
    return replace(part, within=within)
