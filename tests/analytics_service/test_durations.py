"""Percentiles: exact from values, within 1 % from bins that add up."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_service.durations import (
    BIN_WIDTH,
    HISTOGRAMS,
    MEDIAN,
    P90,
    Durations,
    exact,
    together,
)
from analytics_service.histograms import (
    AT_ONCE,
    MOST_BINS,
    Tally,
    packed_counters,
    tallies,
)
from tickets_service import rollup

SECONDS = st.lists(st.integers(0, 10**7), min_size=1, max_size=60)
SHARES = st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0])


FW = HISTOGRAMS.index("fw")


def packed_of(values: list[int], kind: str = "fw") -> bytes:
    """Return durations as the roll-up packs them."""
    counts: dict[str, int] = {}
    for value in values:
        name = f"{kind}:{rollup.bin_of(value)}"
        counts[name] = counts.get(name, 0) + 1
    assert sorted(packed_counters(counts)) == sorted(rollup.packed_bins(counts))
    return rollup.packed_bins(counts)


def bins_in(*groups: list[int]) -> list[Durations]:
    """Return the durations of groups as analytics unpacks them in one reading."""
    found = tallies([packed_of(values) for values in groups])
    return [
        replace(binned(tally, FW), total_s=sum(values))
        for tally, values in zip(found, groups, strict=True)
    ]


def binned(tally: Tally, kind: int) -> Durations:
    """Return durations of one kind without the percentiles that are known already."""
    counts = tally.counts[kind]
    return Durations(tally.totals[kind], 0, counts=counts, lowest=tally.lowest)


def bins_of(values: list[int]) -> Durations:
    return bins_in(values)[0]


def test_the_bins_are_those_of_the_roll_up() -> None:
    assert BIN_WIDTH == rollup.BIN_WIDTH
    assert HISTOGRAMS == rollup.HISTOGRAMS
    assert MOST_BINS == rollup.MOST_BINS


@given(SECONDS, SHARES)
def test_exact_percentiles_are_those_of_numpy(values: list[int], share: float) -> None:
    expected = np.quantile(values, share)
    assert exact(values).percentile_s(share) == pytest.approx(expected, rel=1e-12)


@given(SECONDS, SHARES)
def test_binned_percentiles_are_off_by_one_per_cent_at_most(
    values: list[int], share: float
) -> None:
    found = bins_of(values).percentile_s(share)
    assert found == pytest.approx(float(np.quantile(values, share)), rel=0.0101)


@given(SECONDS, SECONDS, SHARES)
def test_groups_merge_into_what_they_are_together(
    one: list[int], other: list[int], share: float
) -> None:
    assert together([exact(one), exact(other)]) == exact(one + other)
    packed = together(bins_in(one, other))
    assert packed.percentile_s(share) == bins_of(one + other).percentile_s(share)
    assert packed.mean_s == pytest.approx(float(np.mean(one + other)))


def read_at(values: list[int], share: float) -> Durations:
    """Return binned durations with the values of the bins around a percentile."""
    found = bins_of(values)
    within = {
        number: sorted(v for v in values if rollup.bin_of(v) == number)
        for number in found.bins(share)
    }
    return replace(found, within=within)


@given(SECONDS, SHARES)
def test_the_values_around_a_percentile_make_it_exact(
    values: list[int], share: float
) -> None:
    found = read_at(values, share)
    assert found.is_exact(share)
    assert not bins_of(values).is_exact(share)
    assert found.percentile_s(share) == exact(values).percentile_s(share)


@given(SECONDS, SECONDS, SHARES)
def test_groups_whose_values_are_known_are_exact_together(
    one: list[int], other: list[int], share: float
) -> None:
    whole = read_at(one + other, share)
    parts = [
        replace(
            part,
            within={
                number: sorted(set_of(known, values))
                for number, known in whole.within.items()
            },
        )
        for part, values in zip(bins_in(one, other), (one, other), strict=True)
    ]
    expected = exact(one + other).percentile_s(share)
    assert together(parts).percentile_s(share) == expected


def set_of(known: Sequence[int], values: list[int]) -> list[int]:
    return [value for value in values if value in set(known)]


def test_nothing_has_no_percentile() -> None:
    assert exact([]).percentile_s(0.5) is None
    assert bins_of([]).percentile_s(0.5) is None
    assert exact([]).mean_s is None


GROUPS = st.lists(st.lists(st.integers(0, 10**9), max_size=9), max_size=AT_ONCE + 3)


@given(GROUPS)
def test_many_groups_at_once_have_the_percentiles_of_each_alone(
    groups: list[list[int]],
) -> None:
    """Groups of nothing among them; each group with other durations per histogram."""
    packed = [
        b"".join(packed_of(values[n:], kind) for n, kind in enumerate(HISTOGRAMS))
        for values in groups
    ]
    for values, tally in zip(groups, tallies(packed), strict=True):
        for n, near in enumerate(tally.near):
            alone = binned(tally, n)
            assert alone.n == len(values[n:])
            if alone.n:
                assert near == [alone.percentile_s(MEDIAN), alone.percentile_s(P90)]
                assert alone.bins(0.0)[0] == rollup.bin_of(min(values[n:]))
                assert alone.bins(1.0)[0] == rollup.bin_of(max(values[n:]))


def test_rows_of_one_group_add_up() -> None:
    rows = [[60, 61, 4_000], [60], [], [86_400] * 9]
    (tally,) = tallies([b"".join(map(packed_of, rows))])
    found = binned(tally, FW)
    expected = bins_of([value for row in rows for value in row])
    assert found.n == expected.n == 13
    assert tally.near[FW] == [expected.percentile_s(MEDIAN), expected.percentile_s(P90)]
    assert [found.below(n) for n in (0, rollup.bin_of(4_000), MOST_BINS)] == [0, 3, 13]
