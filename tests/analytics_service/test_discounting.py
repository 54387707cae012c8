import numpy as np
import pytest
from numpy.typing import NDArray

from analytics_service.discounting import (
    HALF_LIVES,
    discounted_levels,
    discounted_means,
)

Floats = NDArray[np.float64]


def test_what_the_calendar_alone_explains_is_level() -> None:
    factors = np.tile([[1.4, 1.0, 0.6]], 40)[:, :112]
    made = discounted_means(3.0 * factors[:, :84], factors, [28, 84], 28)
    assert made.shape == (2, len(HALF_LIVES), 1, 28)
    for mean in made[1]:
        assert mean == pytest.approx(3.0 * factors[:, 84:])


@pytest.mark.parametrize("half_life", [5.0, 20.0, 700.0])
def test_levels_carried_over_origins_are_those_of_all_days_at_once(
    half_life: float,
) -> None:
    rng = np.random.default_rng(2)
    values = rng.poisson(0.7, (4, 90)).astype(np.float64)
    factors = rng.uniform(0.5, 1.5, values.shape)
    carried = discounted_levels(values, factors, [30, 41, 90], half_life)
    for row, origin in enumerate([30, 41, 90]):
        age = np.arange(origin)[::-1]
        weight = 0.5 ** (age / half_life)
        due = (weight * factors[:, :origin]).sum(axis=1)
        seen = (weight * values[:, :origin]).sum(axis=1)
        assert carried[row] == pytest.approx(seen / due)


def test_days_after_an_origin_leave_its_levels_as_they_were() -> None:
    values = np.ones((2, 60))
    later = values.copy()
    later[:, 40:] = 90.0
    factors = np.ones_like(values)
    known = discounted_levels(values, factors, [40, 60], 7.0)
    other = discounted_levels(later, factors, [40, 60], 7.0)
    assert (known[0] == other[0]).all()
    assert (known[1] < other[1]).all()


def test_thirty_years_overflow_nothing() -> None:
    values = np.zeros((1, 11_000))
    values[:, -1] = 5.0
    made = discounted_levels(values, np.ones_like(values), [11_000], 7.0)
    assert np.isfinite(made).all()
    assert made[0, 0] == pytest.approx(5 * (1 - 0.5 ** (1 / 7)))


def test_a_shorter_half_life_follows_a_step_sooner() -> None:
    values = np.repeat([1.0, 2.0], [120, 14])[None]
    levels = discounted_means(values, np.ones((1, 162)), [134], 28)[0, :, 0, 0]
    assert (np.diff(levels) < 0).all()
    assert 1.0 < levels[-1] < 1.2
    assert 1.7 < levels[0] < 2.0
