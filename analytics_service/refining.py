"""Exact percentiles of many durations: the few values around each of them.

The histograms of the roll-up say in which bin a percentile lies and how many
durations lie below it. The tickets of that bin, about 1 % of the period's, are read by
an index that begins with the bin (db/tickets.py), so the answer is what sorting all of
them would give. Refuses to read more than a request may: then the percentile stays
within 1 % and says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from sqlalchemy import Connection

from analytics_service import queries
from analytics_service.durations import HISTOGRAMS, MEDIAN, P90, Counts, Durations
from analytics_service.periods import Period
from analytics_service.queries import Key, Reading
from analytics_service.selection import Selection

ByName = dict[str, Durations]
Bins = dict[str, set[int]]
MOST_ROWS = 2_400  # of one period: an answer may compare two
MOST_IN_GROUPS = 40_000  # durations: the bins of groups of more hardly ever fit


def refined(
    connection: Connection,
    reading: Reading,
    period: Period,
    groups: Mapping[Key, ByName],
) -> dict[Key, ByName]:
    """Return the binned durations of a period with the values that make them exact."""
    n = sum(part.n for parts in groups.values() for part in parts.values())
    if len(groups) > 1 and n > MOST_IN_GROUPS:
        return dict(groups)
    chosen = wanted_bins(list(groups.values()))
    if chosen is None:
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


def wanted_bins(groups: Sequence[ByName]) -> Bins | None:
    """Return the bins in which a percentile of a group, or of all together, lies.

    None if more durations lie in them than may be read.
    """
    chosen: Bins = {name: set() for name in HISTOGRAMS}
    together = counts_of(groups)
    everything = {n: Durations(int(r[-1]), 0, reached=r) for n, r in together.items()}
    sizes = {name: np.diff(r, prepend=0) for name, r in together.items()}
    rows = 0
    for part in (everything, *groups):
        for name, found in part.items():
            if found.n and found.reached is not None:
                new = {*found.bins(MEDIAN), *found.bins(P90)} - chosen[name]
                chosen[name] |= new
                rows += int(sum(sizes[name][number] for number in new))
        if rows > MOST_ROWS:
            return None
    return chosen


def counts_of(groups: Iterable[ByName]) -> dict[str, Counts]:
    """Return the cumulated histograms of all groups together."""
    parts: dict[str, list[Counts]] = {}
    for group in groups:
        for name, part in group.items():
            if part.reached is not None:
                parts.setdefault(name, []).append(part.reached)
    return {name: np.sum(reached, axis=0) for name, reached in parts.items()}


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
