import numpy as np
import pytest
from numpy.typing import NDArray

from analytics_service.trends import (
    change_points,
    deseasonalised,
    seasonality,
    trend,
)

Floats = NDArray[np.float64]

WEEKDAY = np.arange(210) % 7
PATTERN = np.array([3.0, 2.0, 1.0, 0.0, 1.0, -3.0, -4.0])


def noisy(seed: int, n: int = 210) -> Floats:
    return np.random.default_rng(seed).poisson(20, n).astype(np.float64)


def test_a_line_has_its_slope() -> None:
    found = trend(0.5 * np.arange(60) + 3)
    assert found.slope == pytest.approx(0.5)
    assert found.significant


def test_the_week_does_not_hide_a_rise() -> None:
    values = noisy(1) + PATTERN[WEEKDAY] * 4 + 0.05 * np.arange(210)
    found = trend(values, WEEKDAY)
    assert found.significant
    assert found.low < 0.05 < found.high


def test_the_interval_holds_the_slope() -> None:
    found = trend(noisy(2))
    assert found.low <= found.slope <= found.high


def test_shuffled_series_seldom_have_a_trend() -> None:
    rng = np.random.default_rng(4)
    rising = noisy(5) + 0.1 * np.arange(210)
    verdicts = [trend(rng.permutation(rising), WEEKDAY).significant for _ in range(200)]
    assert np.mean(verdicts) <= 0.05


def test_a_wandering_level_is_seldom_called_a_trend() -> None:
    rng = np.random.default_rng(6)
    verdicts = []
    for _ in range(100):
        noise = rng.normal(size=210)
        wave = np.zeros(210)
        for day in range(1, 210):
            wave[day] = 0.6 * wave[day - 1] + noise[day]
        verdicts.append(trend(wave, WEEKDAY).significant)
    assert np.mean(verdicts) <= 0.12


def test_a_flat_series_has_no_trend() -> None:
    found = trend(np.full(40, 7.0))
    assert found.slope == 0
    assert not found.significant


def test_long_series_are_thinned_to_the_same_slope() -> None:
    assert trend(0.25 * np.arange(3200)).slope == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        pytest.param(np.ones(9), "at least 10", id="too-few"),
        pytest.param(np.ones((2, 20)), "one dimension", id="a-table"),
        pytest.param(np.full(20, np.inf), "finite", id="infinite"),
    ],
)
def test_what_has_no_trend_to_judge_is_refused(values: Floats, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        trend(values)


def test_the_weekday_pattern_is_taken_out() -> None:
    flat = deseasonalised(10 + PATTERN[WEEKDAY], WEEKDAY)
    assert flat == pytest.approx(np.full(210, flat[0]))


def test_the_week_is_told_in_ratios() -> None:
    found = seasonality(np.tile([14.0, 7, 7, 7, 7, 7, 0], 30), WEEKDAY)
    assert found.ratios == pytest.approx((2, 1, 1, 1, 1, 1, 0))
    assert found.strength == pytest.approx(1)


def test_a_weekly_pattern_needs_two_weeks() -> None:
    with pytest.raises(ValueError, match="need 14 days"):
        seasonality(np.ones(13), WEEKDAY[:13])


def test_no_tickets_have_no_week() -> None:
    assert seasonality(np.zeros(28), WEEKDAY[:28]).strength == 0


def test_a_change_of_level_is_dated() -> None:
    values = noisy(7) + PATTERN[WEEKDAY]
    values[120:] += 10
    found = change_points(values, WEEKDAY)
    assert [abs(point.at - 120) <= 3 for point in found] == [True]
    assert found[0].after - found[0].before == pytest.approx(10, abs=1.5)


def test_one_storm_is_no_change_of_level() -> None:
    values = noisy(8)
    values[100] = 400
    assert change_points(values, WEEKDAY) == []


def test_shuffled_series_seldom_change_level() -> None:
    assert np.mean([bool(change_points(noisy(s))) for s in range(200)]) <= 0.05
