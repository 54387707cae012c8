"""Percentiles: exact from values, within 1 % from bins that add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_service.durations import BIN_WIDTH, Durations, binned, exact
from analytics_service.totals import merged
from tickets_service import rollup

SECONDS = st.lists(st.integers(0, 10**7), min_size=1, max_size=60)
SHARES = st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0])


def bins_of(values: list[int]) -> Durations:
    counts: dict[int, int] = {}
    for value in values:
        number = rollup.bin_of(value)
        counts[number] = counts.get(number, 0) + 1
    return binned(counts, sum(values))


def test_the_bins_are_those_of_the_roll_up() -> None:
    assert BIN_WIDTH == rollup.BIN_WIDTH


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
    together = merged([exact(one), exact(other)])
    assert together == exact(one + other)
    packed = merged([bins_of(one), bins_of(other)])
    assert packed.percentile_s(share) == bins_of(one + other).percentile_s(share)
    assert packed.mean_s == pytest.approx(float(np.mean(one + other)))


def test_nothing_has_no_percentile() -> None:
    assert exact([]).percentile_s(0.5) is None
    assert binned({}, 0).percentile_s(0.5) is None
    assert exact([]).mean_s is None
