"""Percentiles of durations from mergeable histograms, or exact from values.

The roll-up counts durations in bins 2 % wide (tickets_service/rollup.py), so
histograms of days, zones or teams add up and a percentile read from the sum is
off by at most 1 %. Refuses to average percentiles.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

BIN_WIDTH = math.log(1.02)
MEDIAN, P90 = 0.5, 0.9


@dataclass(frozen=True, slots=True)
class Durations:
    """Durations in whole seconds: either each one, or how many per bin.

    values: sorted seconds, or None where only `bins` (bin: count) is known.
    total_s: their exact sum.
    """

    n: int
    total_s: int
    values: Sequence[int] | None = None
    bins: Mapping[int, int] | None = None

    @property
    def is_exact(self) -> bool:
        return self.values is not None

    @property
    def mean_s(self) -> float | None:
        return self.total_s / self.n if self.n else None

    def percentile_s(self, share: float) -> float | None:
        """Return the linearly interpolated percentile, None of nothing."""
        if not self.n:
            return None
        if self.values is not None:
            return exact_percentile_s(self.values, share)
        return binned_percentile_s(self.bins or {}, share)


def exact(values: Iterable[int]) -> Durations:
    known = sorted(values)
    return Durations(len(known), sum(known), values=known)


def exact_percentile_s(values: Sequence[int], share: float) -> float:
    """Return the percentile of sorted values, linearly interpolated."""
    rank = share * (len(values) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (rank - low)


def binned(bins: Mapping[int, int], total_s: int) -> Durations:
    kept = {number: count for number, count in bins.items() if count}
    return Durations(sum(kept.values()), total_s, bins=kept)


def binned_percentile_s(bins: Mapping[int, int], share: float) -> float | None:
    """Return the percentile of binned seconds, within 1 % of the exact one."""
    if not bins:
        return None
    numbers = sorted(bins)
    reached = list(accumulate(bins[number] for number in numbers))
    rank = share * (reached[-1] - 1)
    low, high = (
        middle_s(numbers[bisect_right(reached, at)])
        for at in (math.floor(rank), math.ceil(rank))
    )
    return low + (high - low) * (rank - math.floor(rank))


def middle_s(number: int) -> float:
    """Return the value of a bin that is off by the least share of any in it."""
    if number == 0:
        return 0.0
    low, high = math.exp((number - 1) * BIN_WIDTH), math.exp(number * BIN_WIDTH)
    return 2 * low * high / (low + high)
