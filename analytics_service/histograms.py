"""Packed histograms of many groups, added up and searched at once.

A large desk has 65 teams with some 2,000 pairs each: a call per team and percentile
costs more than the figures. A bin is looked at once, when it is added up; ranks are
looked for in the sums of blocks of them, then in one block.
"""

from collections.abc import Iterator, Mapping, Sequence
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
AT_ONCE = 16  # groups: the places of more leave the processor's cache
BLOCK = 16  # bins
KINDS = len(HISTOGRAMS)
SHARES = np.array([MEDIAN, P90])
MIDDLES = np.array([middle_s(number) for number in range(MOST_BINS)])
ONES = np.ones(BLOCK)
RUNNING = np.triu(np.ones((BLOCK, BLOCK)))  # a row times it is its running sum
# Once a piece of this size was given back, glibc keeps up to twice as much of what is
# freed (mallopt(3)): else the arrays of each request are mapped and zeroed anew.
np.empty(4 << 20, dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Tally:
    """The histograms of one group, in the order of HISTOGRAMS.

    lowest: the bin of the first column. counts: how many durations lie in each bin,
    shape (4, bins). totals: in all of them. near: of each histogram the seconds of
    SHARES within 1 %, without meaning where there are none.
    """

    lowest: int
    counts: Counts
    totals: Sequence[int]
    near: Sequence[Sequence[float]]


def tallies(packed: Sequence[bytes]) -> list[Tally]:
    """Return the sums of packed histograms of `rollup.packed_bins`, by group.

    packed: of each group any number of them, one after the other.
    """
    pairs = np.frombuffer(b"".join(packed), dtype=PACKED)
    lowest, width, places = placed(np.ascontiguousarray(pairs["code"]))
    sizes = [len(each) // PACKED.itemsize for each in packed]
    counts = added(sizes, places, np.ascontiguousarray(pairs["count"]), width)
    totals, near = searched(counts.reshape(-1, width), lowest)
    return [
        Tally(lowest, *each)
        for each in zip(
            counts.reshape(-1, KINDS, width),
            totals.reshape(-1, KINDS).tolist(),
            near.reshape(-1, KINDS, len(SHARES)).tolist(),
            strict=True,
        )
    ]


def placed(codes: NDArray[np.uint16]) -> tuple[int, int, NDArray[np.uint16]]:
    """Return a lowest bin, how many bins from it on hold all, and the codes' places
    in four histograms of so many bins, one after the other."""
    if not len(codes):
        return 0, BLOCK, codes
    bins = codes & (MOST_BINS - 1)
    lowest = int(bins.min())
    width = (int(bins.max()) - lowest) // BLOCK * BLOCK + BLOCK
    skipped = (codes >> BITS) * np.uint16(MOST_BINS - width) + np.uint16(lowest)
    return lowest, width, codes - skipped


def added(
    sizes: Sequence[int],
    places: NDArray[np.uint16],
    counts: NDArray[np.int32],
    width: int,
) -> Counts:
    """Return the counts of groups x histograms x bins, flat.

    sizes: how many of the places and counts each group has.
    """
    size = KINDS * width
    found = np.zeros(len(sizes) * size, dtype=np.int32)
    end = 0
    for at in range(0, len(sizes), AT_ONCE):
        part = sizes[at : at + AT_ONCE]
        start, end = end, end + sum(part)
        first = np.arange(at, at + len(part)) * size
        index = np.repeat(first, part)
        index += places[start:end]
        np.add.at(found, index, counts[start:end])  # of one type: else 20 times as long
    return found


def searched(counts: Counts, lowest: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return how many durations histograms hold, and their SHARES within 1 %.

    counts: of shape (histograms, bins), from the bin `lowest` on. A share of nothing
    has no meaning.
    """
    n, width = counts.shape
    blocks = counts.reshape(-1, BLOCK)
    reached = np.concatenate(([0], (blocks @ ONES).cumsum()))
    ends = reached[:: width // BLOCK]
    totals = np.diff(ends)
    ranks = (totals - 1).clip(0)[:, None] * SHARES
    low, high = np.floor(ranks), np.ceil(ranks)
    wanted = np.concatenate((low, high), axis=1) + ends[:-1, None]
    at = (reached.searchsorted(wanted, side="right") - 1).clip(max=len(blocks) - 1)
    within = blocks.take(at, axis=0) @ RUNNING
    bins = (within <= (wanted - reached[at])[:, :, None]).sum(axis=2)
    bins += BLOCK * at + lowest - np.arange(0, n * width, width)[:, None]
    seconds = MIDDLES.take(bins, mode="clip")
    first, last = seconds[:, : len(SHARES)], seconds[:, len(SHARES) :]
    return totals.astype(int), first + (last - first) * (ranks - low)


def packed_counters(counters: Mapping[str, int]) -> bytes:
    """Return the histograms among counters by name, as `rollup.packed_bins` does."""
    return np.array(list(pairs_of(counters)), dtype=PACKED).tobytes()


def pairs_of(counters: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    for name, count in counters.items():
        kind, _, number = name.partition(":")
        if kind in HISTOGRAMS:
            place = min(int(number), MOST_BINS - 1)
            yield HISTOGRAMS.index(kind) * MOST_BINS + place, count
