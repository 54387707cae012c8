"""Percentiles of durations, exact from values or from mergeable histograms.

The roll-up counts durations in bins 2 % wide (tickets_service/rollup.py), so
histograms of days, zones or teams add up: they say in which bin a percentile lies
and how many durations lie below. With the values of that bin (refining.py) it is
exact, without them off by at most 1 %. Refuses to average percentiles.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]  # whole numbers, exact below 2**53

BIN_WIDTH = math.log(1.02)
HISTOGRAMS = ("rw", "rk", "fw", "fk")  # resolution and first response, wall and work
MOST_BINS = 2_048
USED_BINS = 1_152  # up to 250 years
MEDIAN, P90 = 0.5, 0.9
PACKED = np.dtype([("code", "<u2"), ("count", "<i4")])


@dataclass(frozen=True, slots=True)
class Durations:
    """Durations in whole seconds: either each one, or how many per bin.

    values: sorted seconds, or None where only the bins are known.
    reached: how many durations lie in each bin and below, shape (USED_BINS,).
    within: the sorted seconds of those bins that were read one by one.
    total_s: their exact sum.
    """

    n: int
    total_s: int
    values: Sequence[int] | None = None
    reached: Counts | None = None
    within: Mapping[int, Sequence[int]] = field(default_factory=dict)

    @property
    def mean_s(self) -> float | None:
        return self.total_s / self.n if self.n else None

    def percentile_s(self, share: float) -> float | None:
        """Return the linearly interpolated percentile, None of nothing."""
        if not self.n:
            return None
        if self.values is not None:
            return exact_percentile_s(self.values, share)
        if self.reached is None:
            return None
        return self.binned_percentile_s(self.reached, share)

    def is_exact(self, share: float) -> bool:
        """Tell whether a percentile is exact; if not it is within 1 %."""
        if not self.n or self.values is not None or self.reached is None:
            return True
        if not self.within:
            return False
        return all(number in self.within for number in self.bins(share))

    def bins(self, share: float) -> tuple[int, int]:
        """Return the bins of the two durations that a percentile lies between."""
        return (0, 0) if self.reached is None else bins_at(self.reached, share)

    def binned_percentile_s(self, reached: Counts, share: float) -> float:
        """Return the percentile of binned seconds, within 1 % of the exact one.

        Exact where the bins that it lies in are among `within`.
        """
        rank = share * (int(reached[-1]) - 1)
        first, last = self.bins(share)
        low = value_s(reached, first, math.floor(rank), self.within)
        if first == last and not self.within:
            return low
        high = value_s(reached, last, math.ceil(rank), self.within)
        return low + (high - low) * (rank - math.floor(rank))


def exact(values: Iterable[int]) -> Durations:
    known = sorted(values)
    return Durations(len(known), sum(known), values=known)


def exact_percentile_s(values: Sequence[int], share: float) -> float:
    """Return the percentile of sorted values, linearly interpolated."""
    rank = share * (len(values) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (rank - low)


def binned(reached: Counts, total_s: int) -> Durations:
    return Durations(int(reached[-1]), total_s, reached=reached)


def bins_at(reached: Counts, share: float) -> tuple[int, int]:
    """Return the bins of the two durations that a percentile lies between."""
    rank = share * (int(reached[-1]) - 1)
    low, high = math.floor(rank), math.ceil(rank)
    first = int(reached.searchsorted(low, side="right"))
    if high == low or reached[first] > high:
        return first, first
    return first, int(reached.searchsorted(high, side="right"))


def value_s(
    reached: Counts, number: int, rank: int, within: Mapping[int, Sequence[int]]
) -> float:
    """Return the duration of a rank, which lies in a bin."""
    values = within.get(number)
    if values is None:
        return middle_s(number)
    return values[rank - (int(reached[number - 1]) if number else 0)]


@cache
def middle_s(number: int) -> float:
    """Return the value of a bin that is off by the least share of any in it."""
    if number == 0:
        return 0.0
    low, high = math.exp((number - 1) * BIN_WIDTH), math.exp(number * BIN_WIDTH)
    return 2 * low * high / (low + high)


def histograms(packed: bytes | memoryview) -> Counts:
    """Return the sum of packed histograms, one after the other, cumulated.

    packed: of `rollup.packed_bins`. Returns shape (4, USED_BINS), as HISTOGRAMS.
    (Small arrays one by one: one large array of all groups costs three times as much.)
    """
    pairs = np.frombuffer(packed, dtype=PACKED)
    size = len(HISTOGRAMS) * MOST_BINS
    counts = np.bincount(pairs["code"], pairs["count"], minlength=size)
    return cumulated(counts.reshape(len(HISTOGRAMS), MOST_BINS))


def cumulated(counts: NDArray[Any]) -> Counts:
    reached: Counts = counts[:, :USED_BINS].cumsum(axis=1)
    return reached


def counted_bins(counters: Mapping[str, int]) -> Counts:
    """Return the histograms among counters by name, as `histograms` does."""
    counts = np.zeros((len(HISTOGRAMS), MOST_BINS))
    for name, value in counters.items():
        kind, _, number = name.partition(":")
        if kind in HISTOGRAMS:
            place = min(int(number), MOST_BINS - 1)
            counts[HISTOGRAMS.index(kind), place] += value
    return cumulated(counts)


def together(parts: Sequence[Durations]) -> Durations:
    """Return the durations of several groups, exact if all of them are."""
    if all(part.values is not None for part in parts):
        return exact(value for part in parts for value in part.values or ())
    reached = [part.reached for part in parts if part.reached is not None]
    return Durations(
        sum(part.n for part in parts),
        sum(part.total_s for part in parts),
        reached=np.sum(reached, axis=0),
        within=within_all([part for part in parts if part.reached is not None]),
    )


def within_all(parts: Sequence[Durations]) -> dict[int, Sequence[int]]:
    """Return the values of the bins that were read for each of the parts."""
    if not parts or not all(part.within for part in parts):
        return {}
    numbers = set.intersection(*(set(part.within) for part in parts))
    return {
        number: sorted(value for part in parts for value in part.within[number])
        for number in numbers
    }
