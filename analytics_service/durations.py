"""Percentiles of durations from mergeable histograms, or exact from values.

The roll-up counts durations in bins 2 % wide (tickets_service/rollup.py), so
histograms of days, zones or teams add up and a percentile read from the sum is
off by at most 1 %. Refuses to average percentiles.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    total_s: their exact sum.
    """

    n: int
    total_s: int
    values: Sequence[int] | None = None
    reached: Counts | None = None

    @property
    def mean_s(self) -> float | None:
        return self.total_s / self.n if self.n else None

    def percentile_s(self, share: float) -> float | None:
        """Return the linearly interpolated percentile, None of nothing."""
        if not self.n:
            return None
        if self.values is not None:
            return exact_percentile_s(self.values, share)
        return (
            None if self.reached is None else binned_percentile_s(self.reached, share)
        )


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


def binned_percentile_s(reached: Counts, share: float) -> float:
    """Return the percentile of binned seconds, within 1 % of the exact one."""
    rank = share * (int(reached[-1]) - 1)
    low, high = math.floor(rank), math.ceil(rank)
    first = int(reached.searchsorted(low, side="right"))
    last = first
    if high > low and reached[first] <= high:
        last = int(reached.searchsorted(high, side="right"))
    return middle_s(first) + (middle_s(last) - middle_s(first)) * (rank - low)


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
    )
