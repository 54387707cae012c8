import numpy as np
import pytest
from numpy.typing import NDArray

from analytics_service.discounting import (
    DENSE,
    blended,
    discounted_levels,
    discounted_means,
)

Floats = NDArray[np.float64]


def test_what_the_calendar_alone_explains_is_level() -> None:
    factors = np.tile([[1.4, 1.0, 0.6]], 40)[:, :112]
    made = discounted_means(3.0 * factors[:, :84], factors, [28, 84], 28)
    assert made.shape == (2, 1, 28)
    assert made[1] == pytest.approx(3.0 * factors[:, 84:])


def test_levels_carried_over_origins_are_those_of_all_days_at_once() -> None:
    rng = np.random.default_rng(2)
    values = rng.poisson(0.7, (4, 90)).astype(np.float64)
    factors = rng.uniform(0.5, 1.5, values.shape)
    half_life = np.array([7.0, 20.0, 50.0, 700.0])
    carried = discounted_levels(values, factors, [30, 41, 90], half_life)
    for row, origin in enumerate([30, 41, 90]):
        age = np.arange(origin)[::-1]
        weight = 0.5 ** (age / half_life[:, None])
        due = (weight * factors[:, :origin]).sum(axis=1)
        seen = (weight * values[:, :origin]).sum(axis=1)
        assert carried[row] == pytest.approx(seen / due)


def test_days_after_an_origin_leave_its_levels_as_they_were() -> None:
    values, half_life = np.ones((2, 60)), np.array([7.0, 30.0])
    later = values.copy()
    later[:, 40:] = 90.0
    factors = np.ones_like(values)
    known = discounted_levels(values, factors, [40, 60], half_life)
    other = discounted_levels(later, factors, [40, 60], half_life)
    assert (known[0] == other[0]).all()
    assert (known[1] < other[1]).all()


def test_thirty_years_overflow_nothing() -> None:
    values = np.zeros((1, 11_000))
    values[:, -1] = 5.0
    made = discounted_levels(values, np.ones_like(values), [11_000], np.array([7.0]))
    assert np.isfinite(made).all()
    assert made[0, 0] == pytest.approx(5 * (1 - 0.5 ** (1 / 7)))


def test_a_rare_series_is_followed_more_slowly() -> None:
    step = np.repeat([1.0, 2.0], [120, 14])
    values = np.array([0.2, 2.0])[:, None] * step
    made = discounted_means(values, np.ones((2, 162)), [134], 28)[0, :, 0]
    followed = made / np.array([0.2, 2.0]) - 1
    assert 0 < followed[0] < 0.7 * followed[1] < 0.7


def test_the_denser_a_series_the_less_the_discounted_level_counts() -> None:
    values = np.array([[0.001], [DENSE], [1000 * DENSE]])
    mixed = blended(np.zeros((3, 1)), np.ones((3, 1)), values)
    assert mixed[:, 0] == pytest.approx([0.5, 0.25, 0.0], abs=0.001)
