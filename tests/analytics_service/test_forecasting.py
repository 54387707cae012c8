import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics_service.backtest import (
    Outlook,
    backtest,
    rolling_origins,
    score,
    seasonal_naive,
    weekday_mean,
)
from analytics_service.calendar_effects import day_factors, holiday_flags, ridge_poisson
from analytics_service.forecasting import (
    Calendar,
    NotEnoughHistory,
    forecast,
    forecast_cuts,
    past_origins,
    teams_needed,
)
from analytics_service.intervals import LEVELS, conformal
from analytics_service.reconciliation import cut_table, reconcile, whole_cells

Floats = NDArray[np.float64]

WEEK = np.array([5, 6, 7, 8, 9, 1, 2])


def days(n: int, start: str = "2024-01-01") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=n)


def poisson(means: Floats, n_days: int, seed: int = 7) -> Floats:
    """Counts with a weekly season; shape (len(means), n_days), Monday first."""
    rng = np.random.default_rng(seed)
    week = np.tile(WEEK / WEEK.mean(), n_days // 7 + 1)[:n_days]
    return np.asarray(rng.poisson(means[:, None] * week), dtype=np.float64)


def cells(n_zones: int, n_categories: int, n_days: int) -> pd.DataFrame:
    names = [
        [f"zone {i}" for i in range(n_zones)],
        [f"c{i}" for i in range(n_categories)],
    ]
    index = pd.MultiIndex.from_product(names, names=["zone", "category"])
    means = np.random.default_rng(3).gamma(1.0, 3.0, len(index))
    return pd.DataFrame(poisson(means, n_days), index=index, columns=days(n_days))


@pytest.mark.parametrize(
    ("n_days", "model"),
    [
        pytest.param(14, "baseline", id="two-weeks"),
        pytest.param(55, "baseline", id="just-short-of-the-model"),
        pytest.param(56, "seasonal_smoothing", id="eight-weeks"),
        pytest.param(200, "seasonal_smoothing", id="half-a-year"),
        pytest.param(800, "seasonal_smoothing", id="with-a-season-of-the-year"),
    ],
)
def test_every_length_of_history_gives_sound_integer_intervals(
    n_days: int, model: str
) -> None:
    made = forecast(poisson(np.array([0.2, 4, 60]), n_days), days(n_days))
    assert made.model == model
    assert made.history_days == n_days
    assert made.quantiles.shape == (3, len(LEVELS), 28)
    assert np.isfinite(made.quantiles).all()
    assert np.isfinite(made.mean).all()
    assert (made.quantiles >= 0).all()
    assert (made.quantiles == np.rint(made.quantiles)).all()
    assert (np.diff(made.quantiles, axis=1) >= 0).all()
    assert made.dates[0] == days(n_days)[-1] + pd.Timedelta(days=1)


def test_less_than_fourteen_days_are_refused() -> None:
    with pytest.raises(NotEnoughHistory, match="need 14 days of history, got 13"):
        forecast(np.ones((1, 13)), days(13))


@pytest.mark.parametrize(
    ("values", "dates", "horizon", "why"),
    [
        pytest.param(np.ones((1, 20)), days(20), 0, "horizon", id="no-horizon"),
        pytest.param(np.ones((1, 20)), days(20), 29, "horizon", id="horizon-too-far"),
        pytest.param(-np.ones((1, 20)), days(20), 7, "negative", id="negative"),
        pytest.param(np.full((1, 20), np.nan), days(20), 7, "finite", id="nan"),
        pytest.param(np.ones((1, 20)), days(40)[::2], 7, "consecutive", id="gaps"),
        pytest.param(np.ones((1, 20)), days(21), 7, "one column", id="misaligned"),
    ],
)
def test_what_is_no_panel_is_refused(
    values: Floats, dates: pd.DatetimeIndex, horizon: int, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        forecast(values, dates, horizon=horizon)


@pytest.mark.parametrize("n_days", [20, 100])
def test_a_series_of_zeros_stays_at_zero(n_days: int) -> None:
    values = np.vstack([np.zeros(n_days), poisson(np.array([5.0]), n_days)])
    made = forecast(values, days(n_days))
    assert not made.quantiles[0].any()
    assert not made.mean[0].any()
    assert made.mean[1].all()


def test_nothing_but_zeros_gives_zero() -> None:
    assert not forecast(np.zeros((2, 90)), days(90)).quantiles.any()


def test_a_perfect_week_repeats_itself() -> None:
    made = forecast(np.tile(WEEK * 10, 20)[None], days(140))
    assert made.median[0, :7] == pytest.approx(WEEK * 10, abs=4)


def test_the_same_input_gives_the_same_answer() -> None:
    values = poisson(np.array([1.0, 9.0]), 150)
    first, again = forecast(values, days(150)), forecast(values, days(150))
    assert (first.quantiles == again.quantiles).all()
    assert (first.mean == again.mean).all()


def test_a_shorter_horizon_is_the_start_of_a_longer_one() -> None:
    values = poisson(np.array([3.0, 30.0]), 150)
    short, long = forecast(values, days(150), horizon=5), forecast(values, days(150))
    assert (short.quantiles == long.quantiles[:, :, :5]).all()


def test_workers_change_nothing() -> None:
    values = poisson(np.linspace(1, 20, 300), 120)
    alone = forecast(values, days(120))
    with joblib.parallel_config(backend="threading", n_jobs=2):
        together = forecast(values, days(120))
    assert (alone.quantiles == together.quantiles).all()


def test_minutes_are_forecast_in_their_own_unit() -> None:
    counts = poisson(np.array([8.0, 20.0]), 200)
    minutes = counts * 45.5
    made = forecast(minutes, days(200), whole=False)
    assert made.mean.mean(axis=1) == pytest.approx([8 * 45.5, 20 * 45.5], rel=0.15)
    assert (made.at(0.9) >= made.median).all()
    scaled = forecast(minutes * 60, days(200), whole=False)
    assert scaled.mean == pytest.approx(made.mean * 60)


def test_a_holiday_lowers_its_own_day() -> None:
    n_days = 365 * 2 - 28 + 10  # ends on 13 December
    dates = days(n_days + 28)
    level = np.where(holiday_flags(dates, "US")[:, 0] > 0, 5.0, 50.0)
    values = np.random.default_rng(1).poisson(np.tile(level, (4, 1))).astype(float)
    made = forecast(values[:, :n_days], dates[:n_days], calendar=Calendar("US"))
    christmas = list(made.dates).index(pd.Timestamp("2025-12-25"))
    assert made.mean[0, christmas] < 25
    assert made.mean[0, christmas - 3] > 40


def test_drifting_levels_of_rare_tickets_are_followed() -> None:
    rng = np.random.default_rng(0)
    rate = 0.8 * np.exp(np.cumsum(rng.normal(0, 0.02, (40, 280)), axis=1))
    made = forecast(rng.poisson(rate), days(280))
    error = np.sqrt(((made.mean - rate[:, -1:]) ** 2).mean())
    assert error < 0.15  # without the stack of discounted means .174


def test_an_unknown_country_is_refused() -> None:
    with pytest.raises(ValueError, match="Atlantis"):
        forecast(np.ones((1, 60)), days(60), calendar=Calendar("Atlantis"))


def test_a_subdivision_has_holidays_of_its_own() -> None:
    dates = days(366)
    johor, selangor = (holiday_flags(dates, "MY", s) for s in ("JHR", "SGR"))
    assert (johor != selangor).any()


@pytest.mark.parametrize(
    ("n_zones", "n_categories", "n_days"),
    [
        pytest.param(5, 3, 120, id="a-table"),
        pytest.param(1, 4, 90, id="one-zone"),
        pytest.param(4, 1, 90, id="one-category"),
        pytest.param(3, 3, 20, id="short-history"),
    ],
)
def test_zones_categories_and_cells_sum_to_the_total(
    n_zones: int, n_categories: int, n_days: int
) -> None:
    made = forecast_cuts(cells(n_zones, n_categories, n_days))
    sides = {
        "zones": [i for i, (z, c) in enumerate(made.keys) if z and not c],
        "categories": [i for i, (z, c) in enumerate(made.keys) if c and not z],
        "cells": [i for i, (z, c) in enumerate(made.keys) if z and c],
    }
    for rows in sides.values():
        assert made.value[rows].sum(axis=0).tolist() == made.value[0].tolist()
        assert made.mean[rows].sum(axis=0) == pytest.approx(made.mean[0])
    assert (made.value == np.rint(made.value)).all()
    frame = made.to_frame()
    assert frame["value"].between(frame["lo80"], frame["hi80"]).all()


def test_workload_of_zones_sums_to_the_total() -> None:
    made = forecast_cuts(cells(4, 2, 100) * 37.5, whole=False)
    zones = [i for i, (z, c) in enumerate(made.keys) if z and not c]
    assert made.value[zones].sum(axis=0) == pytest.approx(made.value[0])


def test_a_frame_of_the_forecast_has_a_row_per_cut_and_day() -> None:
    made = forecast_cuts(cells(2, 2, 60), horizon=3)
    frame = made.to_frame()
    assert len(frame) == (1 + 2 + 2 + 4) * 3
    total = frame[frame["zone"].isna() & frame["category"].isna()]
    assert total["value"].tolist() == made.value[0].tolist()
    assert (frame["lo95"] <= frame["lo80"]).all()
    assert (frame["hi80"] <= frame["hi95"]).all()


def test_a_cell_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="only once"):
        cut_table([("a", "x"), ("a", "x")])


def test_no_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="no cells"):
        forecast_cuts(pd.DataFrame(np.zeros((0, 60)), columns=days(60)))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 5),
    st.integers(1, 4),
    st.lists(st.floats(0, 40, allow_nan=False), min_size=20, max_size=20),
)
def test_rounding_keeps_sums_close(z: int, c: int, amounts: list[float]) -> None:
    index = pd.MultiIndex.from_product([[f"z{i}" for i in range(z)], [*"abcd"][:c]])
    table = cut_table(index)
    exact = np.array(amounts[: z * c])[:, None]
    whole = whole_cells(exact, table)
    assert (whole >= 0).all()
    assert (whole == np.rint(whole)).all()
    assert abs(whole.sum() - exact.sum()) <= 0.5 + 1e-9
    zones = [i for i, key in enumerate(table.keys) if key[0] and not key[1]]
    gap = table.rows(whole)[zones] - table.rows(exact)[zones]
    assert (np.abs(gap) < 2).all()


def test_reconciled_forecasts_keep_the_total() -> None:
    table = cut_table(pd.MultiIndex.from_product([["a", "b"], ["x", "y"]]))
    margins = np.array([[10.0], [4], [4], [6], [6], [0], [0], [0], [0]])
    fitted = reconcile(margins, np.array([[1.0], [1], [1], [1]]), table)
    assert fitted[:, 0] == pytest.approx([10, 5, 5, 5, 5, 2.5, 2.5, 2.5, 2.5])


@pytest.mark.parametrize(
    ("minutes", "teams"),
    [
        pytest.param(0.0, 0, id="no-work"),
        pytest.param(400.0, 1, id="exactly-one"),
        pytest.param(401.0, 2, id="a-minute-more"),
    ],
)
def test_teams_are_rounded_up(minutes: float, teams: int) -> None:
    assert teams_needed(np.array([minutes]), 400.0)[0] == teams


def test_a_team_without_productive_minutes_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        teams_needed(np.array([1.0]), 0.0)


@pytest.mark.parametrize(
    ("n_past", "n_origins"),
    [(56, 1), (60, 5), (103, 16), (243, 16), (1500, 16)],
)
def test_past_origins_see_only_the_past(n_past: int, n_origins: int) -> None:
    origins = past_origins(n_past)
    assert len(origins) == n_origins
    assert origins[-1] == n_past - 28
    assert origins[0] >= 28
    assert (np.diff(origins) > 0).all()


def test_ridge_poisson_finds_a_known_effect() -> None:
    design = np.tile([[0.0], [1.0]], (500, 1))
    values = np.where(design[:, 0] > 0, 40.0, 20.0)[None]
    found = ridge_poisson(values, np.full((1, 1000), 20.0), design, 1.0)
    assert found[0, 0] == pytest.approx(np.log(2), abs=0.01)


def test_weekday_factors_follow_the_week() -> None:
    factors = day_factors(np.tile(WEEK * 20.0, 30)[None], days(210))
    assert factors[0, :7] == pytest.approx(WEEK / WEEK.mean(), rel=0.1)


def test_intervals_cover_what_they_say_on_dense_series() -> None:
    values = poisson(np.linspace(20, 80, 40), 400)
    covered80, covered95 = [], []
    for origin in rolling_origins(400, 3):
        made = forecast(values[:, :origin], days(400)[:origin])
        came = values[:, origin : origin + 28]
        scores = score(
            values[:, :origin], came, Outlook(made.median, made.mean, made.quantiles)
        )
        covered80.append(scores["coverage80"].mean())
        covered95.append(scores["coverage95"].mean())
    assert 0.76 <= np.mean(covered80) <= 0.86
    assert 0.92 <= np.mean(covered95) <= 0.98


def test_few_errors_put_the_extremes_further_out() -> None:
    rng = np.random.default_rng(3)
    came = rng.normal(10, 1, (2, 1, 28))

    def tail(n_apart: float) -> float:
        cuts, _ = conformal(
            np.full((1, 28), 10.0), np.full_like(came, 10.0), came, n_apart
        )
        low, middle, high = np.sqrt(cuts[0, [0, 3, 5], 0])
        return float((middle - low) / (high - middle))

    assert tail(1) > 1.15 * tail(50)
    assert tail(50) == pytest.approx(tail(1_000), rel=0.02)


def test_a_large_sum_has_tails_of_its_own() -> None:
    rng = np.random.default_rng(5)
    centre = np.append(np.linspace(0.5, 2.0, 60), 8.0)[:, None] * np.ones(28)
    past = np.repeat(centre[None], 16, axis=0)
    error = rng.normal(0, 0.1, past.shape)
    error[:, -1] = 0.1 * rng.standard_t(1.5, (16, 28))
    cuts, _ = conformal(centre, past, past + error, 16)
    far, near = LEVELS.index(0.975), LEVELS.index(0.9)
    reach = np.sqrt(cuts[:, [near, far], 0]) - centre[:, :1]
    assert reach[-1, 1] / reach[-1, 0] > 1.5 * reach[-2, 1] / reach[-2, 0]


def test_a_lone_series_of_eight_weeks_is_covered() -> None:
    values = poisson(np.full(60, 50.0), 84)
    covered = []
    for series in values:
        made = forecast(series[None, :56], days(56))
        outlook = Outlook(made.median, made.mean, made.quantiles)
        found = score(series[None, :56], series[None, 56:], outlook)
        covered.append([found["coverage80"][0], found["coverage95"][0]])
    wide, wider = np.mean(covered, axis=0)
    assert wide >= 0.77
    assert wider >= 0.935


def test_a_backtest_judges_every_cut_beside_its_baseline() -> None:
    frame = cells(3, 2, 250)
    judged = backtest(frame, n_origins=3)
    total = judged[(None, None)]
    assert len(judged) == 1 + 3 + 2 + 6
    assert total.n_origins == 3
    assert total.mase is not None
    assert total.baseline_mase is not None
    assert total.mase < 1.1 * total.baseline_mase
    assert total.coverage95 is not None
    assert total.coverage95 >= total.coverage80  # type: ignore[operator]


def test_a_backtest_of_a_short_history_has_no_origin() -> None:
    judged = backtest(cells(1, 1, 40))
    assert judged[(None, None)].n_origins == 0
    assert judged[(None, None)].mase is None


def test_a_series_that_never_changed_has_no_scale() -> None:
    history = np.full((1, 28), 3.0)
    scores = score(history, np.full((1, 28), 3.0), weekday_mean(history))
    assert np.isnan(scores["mase"][0])
    assert scores["coverage80"][0] == 1


def test_mase_of_the_seasonal_naive_is_the_mean_weekly_change() -> None:
    history = np.arange(28.0)[None]
    outlook = seasonal_naive(history)
    came = np.tile(np.arange(21.0, 28), 4)[None] + 7
    assert score(history, came, outlook)["mase"][0] == pytest.approx(1.0)
