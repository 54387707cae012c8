"""Quantiles out of histograms whose bins are 2 % wide (rollup.bin_of). Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tickets_service import rollup
from tickets_service.rollup import Sums


def merged_histogram(
    packed: Iterable[bytes], extras: Iterable[Mapping[str, int]]
) -> dict[int, int]:
    """Return {bin: tickets} of the wall times of resolution.

    packed: of folded rows. extras: of what is not folded yet.
    """
    found: dict[int, int] = {}
    for bins in filter(None, packed):
        rollup.add_into(found, rollup.unpacked_bins(bins, "rw"))
    for extra in extras:
        for name, n in extra.items():
            which, _, number = name.partition(":")
            if which == "rw":
                found[int(number)] = found.get(int(number), 0) + n
    return {number: n for number, n in sorted(found.items()) if n > 0}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a quantile lies: in some bins, `offset` rows in, and a part.

    bins: the first and the last. low, high: their edges in seconds.
    """

    bins: tuple[int, int]
    low: float
    high: float
    offset: int
    part: float
    inside: int

    @property
    def interpolated(self) -> float:
        share = (self.offset + self.part + 0.5) / self.inside
        return self.low + (self.high - self.low) * share


def places_of(histogram: Mapping[int, int], wanted: Sequence[float]) -> list[Place]:
    """Return where the quantiles lie in {bin: tickets}, whose bins are in order."""
    numbers = list(histogram)
    until = list(accumulate(histogram.values()))  # tickets up to and with each bin
    return [place_at(numbers, until, q * (until[-1] - 1)) for q in wanted]


def place_at(numbers: Sequence[int], until: Sequence[int], rank: float) -> Place:
    """Return the place between the tickets of ranks floor(rank) and the next."""
    first = int(rank)
    low = bisect_right(until, first)
    high = bisect_right(until, min(first + 1, until[-1] - 1))
    before = until[low - 1] if low else 0
    return Place(
        bins=(numbers[low], numbers[high]),
        low=rollup.bin_bounds(numbers[low])[0],
        high=rollup.bin_bounds(numbers[high])[1],
        offset=first - before,
        part=rank - first,
        inside=until[high] - before,
    )


def named(histogram: Mapping[int, int]) -> Sums:
    """Return a histogram of wall times as sums by name."""
    return {f"rw:{number}": n for number, n in histogram.items()}


def binned(sums: Sums) -> dict[int, int]:
    """Return the histogram of wall times among the sums, in order."""
    return merged_histogram([], [sums])


def interpolated(
    histogram: Mapping[int, int], wanted: Sequence[float]
) -> list[float | None]:
    """Return quantiles in minutes, within 1 %; None of nothing."""
    if not histogram:
        return [None] * len(wanted)
    return [minutes(place.interpolated) for place in places_of(histogram, wanted)]


def minutes(value_s: float) -> float:
    return round(value_s / 60, 2)
