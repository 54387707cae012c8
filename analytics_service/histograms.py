"""Packed histograms of many groups, added up and searched a few groups at a time.

A large desk has 65 teams with some 2,000 pairs each: a call per team and percentile
costs more than the figures, one array of all of them leaves the processor's cache
and is memory that the system gives anew, page by page, for every request.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics_service.durations import (
    HISTOGRAMS,
    MEDIAN,
    P90,
    Counts,
    middle_s,
)

BITS = 11  # of a bin in a code; division would cost more than all the rest
MOST_BINS = 1 << BITS
PACKED = np.dtype([("code", "<u2"), ("count", "<i4")])
AT_ONCE = 4  # groups
KINDS = len(HISTOGRAMS)
SHARES = np.array([MEDIAN, P90])
MIDDLES = np.array([middle_s(number) for number in range(MOST_BINS)])


@dataclass(frozen=True, slots=True)
class Tally:
    """The histograms of one group.

    lowest: the bin of the first column. reached: how many durations lie in each bin
    and below, shape (4, bins), as HISTOGRAMS. near: of each histogram the seconds of
    SHARES within 1 %, without meaning where there are none.
    """

    lowest: int
    reached: Counts
    near: Sequence[Sequence[float]]


def tallies(packed: Sequence[bytes]) -> list[Tally]:
    """Return the sums of packed histograms of `rollup.packed_bins`, by group.

    packed: of each group any number of them, one after the other.
    """
    parts = [packed[at : at + AT_ONCE] for at in range(0, len(packed), AT_ONCE)]
    lowest, width = window(parts)
    found = []
    for groups in parts:
        running = summed(groups, lowest, width).cumsum()
        ends = running[width - 1 :: width]
        below = np.concatenate(([0], ends[:-1]))
        reached = running.reshape(-1, width) - below[:, None]
        counts: Counts = reached.astype(np.int32)  # pairs count no further either
        near = percentiles(running, below, ends, lowest)
        found += [
            Tally(lowest, *each)
            for each in zip(
                counts.reshape(-1, KINDS, width),
                near.reshape(-1, KINDS, len(SHARES)).tolist(),
                strict=True,
            )
        ]
    return found


def window(parts: Iterable[Sequence[bytes]]) -> tuple[int, int]:
    """Return the lowest bin that any group has, and how many there are from it on."""
    lowest, highest = MOST_BINS, -1
    for packed in parts:
        bins = np.frombuffer(b"".join(packed), dtype=PACKED)["code"] & (MOST_BINS - 1)
        if len(bins):
            lowest = min(lowest, int(bins.min()))
            highest = max(highest, int(bins.max()))
    return (lowest, highest + 1 - lowest) if highest >= 0 else (0, 1)


def summed(packed: Sequence[bytes], lowest: int, width: int) -> NDArray[Any]:
    """Return the counts of groups x histograms x bins of the window, flat."""
    pairs = np.frombuffer(b"".join(packed), dtype=PACKED)
    code = pairs["code"]
    skipped = (code >> BITS) * np.uint16(MOST_BINS - width) + np.uint16(lowest)
    sizes = [len(each) // PACKED.itemsize for each in packed]
    places = np.repeat(np.arange(len(packed)) * (KINDS * width), sizes)
    places += code - skipped
    most = len(packed) * KINDS * width
    return np.bincount(places, pairs["count"], minlength=most)


def percentiles(
    running: NDArray[Any], below: NDArray[Any], ends: NDArray[Any], lowest: int
) -> NDArray[Any]:
    """Return the SHARES of histograms that lie one after the other, within 1 %.

    running: how many lie in each bin and before it, over all of them. below, ends:
    the same before the first and at the last bin of each.
    """
    width = len(running) // len(ends)
    ranks = (ends - below - 1).clip(0)[:, None] * SHARES
    low, high = np.floor(ranks), np.ceil(ranks)
    both = np.concatenate((low, high), axis=1) + below[:, None]
    bins = running.searchsorted(both, side="right")
    bins += lowest - np.arange(0, len(running), width)[:, None]
    seconds = MIDDLES.take(bins, mode="clip")
    first, last = seconds[:, : len(SHARES)], seconds[:, len(SHARES) :]
    found: NDArray[Any] = first + (last - first) * (ranks - low)
    return found


def packed_counters(counters: Mapping[str, int]) -> bytes:
    """Return the histograms among counters by name, as `rollup.packed_bins` does."""
    return np.array(list(pairs_of(counters)), dtype=PACKED).tobytes()


def pairs_of(counters: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    for name, count in counters.items():
        kind, _, number = name.partition(":")
        if kind in HISTOGRAMS:
            place = min(int(number), MOST_BINS - 1)
            yield HISTOGRAMS.index(kind) * MOST_BINS + place, count
