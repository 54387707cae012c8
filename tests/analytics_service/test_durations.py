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
    MOST_BINS,
    Durations,
    binned,
    bins_at,
    counted_bins,
    exact,
    histograms,
    together,
)
from tickets_service import rollup

SECONDS = st.lists(st.integers(0, 10**7), min_size=1, max_size=60)
SHARES = st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0])


def bins_of(values: list[int]) -> Durations:
    """Return the durations as the roll-up packs them and analytics unpacks them."""
    counts: dict[str, int] = {}
    for value in values:
        name = f"fw:{rollup.bin_of(value)}"
        counts[name] = counts.get(name, 0) + 1
    reached = histograms(rollup.packed_bins(counts))
    assert (reached == counted_bins(counts)).all()
    return binned(reached[HISTOGRAMS.index("fw")], sum(values))


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
    packed = together([bins_of(one), bins_of(other)])
    assert packed.percentile_s(share) == bins_of(one + other).percentile_s(share)
    assert packed.mean_s == pytest.approx(float(np.mean(one + other)))


def read_at(values: list[int], share: float) -> Durations:
    """Return binned durations with the values of the bins around a percentile."""
    found = bins_of(values)
    assert found.reached is not None
    within = {
        number: sorted(v for v in values if rollup.bin_of(v) == number)
        for number in bins_at(found.reached, share)
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
            bins_of(values),
            within={
                number: sorted(set_of(known, values))
                for number, known in whole.within.items()
            },
        )
        for values in (one, other)
    ]
    expected = exact(one + other).percentile_s(share)
    assert together(parts).percentile_s(share) == expected


def set_of(known: Sequence[int], values: list[int]) -> list[int]:
    return [value for value in values if value in set(known)]


def test_nothing_has_no_percentile() -> None:
    assert exact([]).percentile_s(0.5) is None
    assert bins_of([]).percentile_s(0.5) is None
    assert exact([]).mean_s is None
