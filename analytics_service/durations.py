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

Counts = NDArray[np.integer[Any]]

BIN_WIDTH = math.log(1.02)
HISTOGRAMS = ("rw", "rk", "fw", "fk")  # resolution and first response, wall and work
MEDIAN, P90 = 0.5, 0.9


@dataclass(slots=True)
class Durations:
    """Durations in whole seconds: either each one, or how many per bin.

    Never changed, but not frozen: a desk has hundreds, and to make a frozen one costs
    four times as much.

    values: sorted seconds, or None where only the bins are known.
    counts: how many durations lie in each bin, from the bin `lowest` on.
    near: percentiles within 1 % by their share, as far as they are known already.
    within: the sorted seconds of those bins that were read one by one.
    total_s: their exact sum.
    """

    n: int
    total_s: int
    values: Sequence[int] | None = None
    counts: Counts | None = None
    lowest: int = 0
    near: Mapping[float, float] = field(default_factory=dict)
    within: Mapping[int, Sequence[int]] = field(default_factory=dict)
    _reached: Counts | None = None

    @property
    def reached(self) -> Counts | None:
        """How many lie in each bin and below, added up when first asked for."""
        if self._reached is None and self.counts is not None:
            self._reached = self.counts.cumsum()
        return self._reached

    @property
    def mean_s(self) -> float | None:
        return self.total_s / self.n if self.n else None

    def percentile_s(self, share: float) -> float | None:
        """Return the linearly interpolated percentile, None of nothing."""
        if not self.n:
            return None
        if self.values is not None:
            return exact_percentile_s(self.values, share)
        if self.counts is None:
            return None
        if not self.within and share in self.near:
            return self.near[share]
        return self.binned_percentile_s(share)

    def is_exact(self, share: float) -> bool:
        """Tell whether a percentile is exact; if not it is within 1 %."""
        if not self.n or self.values is not None or self.counts is None:
            return True
        if not self.within:
            return False
        return all(number in self.within for number in self.bins(share))

    def bins(self, share: float) -> tuple[int, int]:
        """Return the bins of the two durations that a percentile lies between."""
        if self.reached is None:
            return 0, 0
        first, last = bins_at(self.reached, share)
        return first + self.lowest, last + self.lowest

    def below(self, number: int) -> int:
        """Return how many durations lie below a bin; all are in bins."""
        place = number - self.lowest
        if self.reached is None or place <= 0:
            return 0
        return int(self.reached[min(place, len(self.reached)) - 1])

    def binned_percentile_s(self, share: float) -> float:
        """Return the percentile of binned seconds, within 1 % of the exact one.

        Exact where the bins that it lies in are among `within`.
        """
        rank = share * (self.n - 1)
        first, last = self.bins(share)
        low = self.value_s(first, math.floor(rank))
        if first == last and not self.within:
            return low
        high = self.value_s(last, math.ceil(rank))
        return low + (high - low) * (rank - math.floor(rank))

    def value_s(self, number: int, rank: int) -> float:
        """Return the duration of a rank, which lies in a bin."""
        values = self.within.get(number)
        return middle_s(number) if values is None else values[rank - self.below(number)]


def exact(values: Iterable[int]) -> Durations:
    known = sorted(values)
    return Durations(len(known), sum(known), values=known)


def exact_percentile_s(values: Sequence[int], share: float) -> float:
    """Return the percentile of sorted values, linearly interpolated."""
    rank = share * (len(values) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (rank - low)


def bins_at(reached: Counts, share: float) -> tuple[int, int]:
    """Return the bins of the two durations that a percentile lies between."""
    rank = share * (int(reached[-1]) - 1)
    low, high = math.floor(rank), math.ceil(rank)
    first = int(reached.searchsorted(low, side="right"))
    if high == low or reached[first] > high:
        return first, first
    return first, int(reached.searchsorted(high, side="right"))


@cache
def middle_s(number: int) -> float:
    """Return the value of a bin that is off by the least share of any in it."""
    if number == 0:
        return 0.0
    low, high = math.exp((number - 1) * BIN_WIDTH), math.exp(number * BIN_WIDTH)
    return 2 * low * high / (low + high)


def together(parts: Sequence[Durations]) -> Durations:
    """Return the durations of several groups of one reading, exact if all are."""
    if len(parts) == 1:
        return parts[0]
    if all(part.values is not None for part in parts):
        return exact(value for part in parts for value in part.values or ())
    counted = [part for part in parts if part.counts is not None]
    return Durations(
        sum(part.n for part in parts),
        sum(part.total_s for part in parts),
        counts=counts_of(counted),
        lowest=counted[0].lowest,
        within=within_all(counted),
    )


def counts_of(parts: Sequence[Durations]) -> Counts:
    """Return how many of several groups' durations lie in each bin."""
    each = [part.counts for part in parts if part.counts is not None]
    total: Counts = np.sum(each, axis=0)
    return total


def within_all(parts: Sequence[Durations]) -> dict[int, Sequence[int]]:
    """Return the values of the bins that were read for each of the parts."""
    if not parts or not all(part.within for part in parts):
        return {}
    numbers = set.intersection(*(set(part.within) for part in parts))
    return {
        number: sorted(value for part in parts for value in part.within[number])
        for number in numbers
    }
