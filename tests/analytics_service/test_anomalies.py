import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from analytics_service.anomalies import _unrest, deviate, flag, score_days, shifts

Floats = NDArray[np.float64]

DATES = pd.date_range("2024-01-01", periods=365)
WEEK = np.array([1.2, 1.1, 1.0, 1.1, 1.3, 0.7, 0.6])


def panel(n_series: int = 30, seed: int = 5) -> Floats:
    """Counts of mean 10 to 60 with a week and a slow wave, nothing unusual in them."""
    rng = np.random.default_rng(seed)
    wave = 1 + 0.2 * np.sin(np.arange(365) / 50)
    means = np.linspace(10, 60, n_series)[:, None] * np.resize(WEEK, 365) * wave
    return rng.poisson(means).astype(np.float64)


def with_planted(values: Floats, seed: int = 9) -> tuple[Floats, NDArray[np.bool_]]:
    """304 days made 4 to 8 standard deviations larger, or a third as large."""
    rng = np.random.default_rng(seed)
    planted, label = values.copy(), np.zeros(values.shape, dtype=bool)
    spread = values.std(axis=1)
    where = rng.choice(values[:, 60:].size, 304, replace=False)
    for series, day in zip(*np.unravel_index(where, (len(values), 305)), strict=True):
        at = series, day + 60
        planted[at] += np.rint(rng.uniform(4, 8) * spread[series])
        label[at] = True
    return planted, label


def weekday_mad(values: Floats) -> Floats:
    """The usual rival: distance from the weekday's median in MADs."""
    weekday = np.asarray(DATES.day_of_week)
    scores = np.empty_like(values)
    for day in range(7):
        part = values[:, weekday == day]
        middle = np.median(part, axis=1, keepdims=True)
        mad = np.median(np.abs(part - middle), axis=1, keepdims=True)
        scores[:, weekday == day] = (part - middle) / np.maximum(1.4826 * mad, 1)
    return scores


def test_planted_anomalies_are_ranked_first() -> None:
    values, label = with_planted(panel())
    scores = score_days(values, DATES).score
    ours = average_precision_score(label.ravel(), np.abs(scores).ravel())
    rival = average_precision_score(label.ravel(), np.abs(weekday_mad(values)).ravel())
    assert ours > 0.93
    assert ours > rival


def test_quiet_series_are_hardly_ever_flagged() -> None:
    assert flag(score_days(panel(), DATES).score).mean() < 0.001


def test_a_storm_is_flagged_on_its_day_with_what_was_expected() -> None:
    values = panel()
    values[4, 200] *= 6
    scores = score_days(values, DATES)
    assert flag(scores.score)[4, 200]
    assert scores.expected[4, 200] == pytest.approx(values[4, 193:200].mean(), rel=0.6)


def test_the_day_after_a_storm_is_ordinary() -> None:
    values = panel()
    values[4, 200] *= 6
    assert not flag(score_days(values, DATES).score)[4, 201]


def test_a_storm_over_all_series_is_no_oddity_of_one() -> None:
    values = panel()
    values[:, 200] = np.rint(values[:, 200] * 2.5)
    values[4, 200] *= 3
    together = score_days(values, DATES).score[:, 200]
    apart = [score_days(row[None], DATES).score[0, 200] for row in values]
    assert together[4] == together.max() > 3.5
    assert 4 * (together > 3.5).sum() <= (np.array(apart) > 3.5).sum()


def test_an_odd_day_is_less_odd_where_the_others_are_wild_too() -> None:
    values = panel()
    values[4, 200] *= 2
    quiet = score_days(values, DATES).score[4, 200]
    others = np.arange(30) != 4
    wild = np.where(np.arange(30) % 2, 0.3, 3.0)[others]
    values[others, 200] = np.rint(values[others, 200] * wild)
    assert 0 < score_days(values, DATES).score[4, 200] < 0.8 * quiet


def test_an_outlier_of_yesterday_does_not_hide_todays() -> None:
    values = panel(1)
    values[0, 201] *= 6
    lone = score_days(values, DATES).score[0, 201]
    values[0, 200] *= 6
    scores = score_days(values, DATES).score
    assert flag(scores)[0, 200:202].all()
    assert scores[0, 201] > 0.5 * lone


def test_a_day_is_less_odd_in_an_unquiet_time() -> None:
    rng = np.random.default_rng(8)
    values = panel(1)
    values[0, 150:170] = rng.permutation(np.repeat([5.0, 30.0], 10))
    values[0, [170, 300]] = 40
    expected = score_days(values, DATES)
    surprise = deviate(values, expected.expected + 0.25)[0]
    size = surprise / expected.score[0]
    assert size[170] > 1.1 * size[300]


def test_an_odd_day_itself_makes_no_unquiet_time() -> None:
    """Beside the day a week before, which counts to the same weekday."""
    grown = []
    wild = np.random.default_rng(2).negative_binomial(3, 0.1, (1, 365))
    for count in (30.0, 200.0):
        values = wild.astype(np.float64)
        values[0, 300] = count
        scores = score_days(values, DATES)
        size = deviate(values, scores.expected + 0.25)[0] / scores.score[0]
        grown.append(size[300] / size[293])
    assert grown[1] == pytest.approx(grown[0], rel=0.03)


def test_a_series_has_no_part_in_how_wild_the_others_are() -> None:
    score = np.random.default_rng(3).normal(size=(6, 50))
    before = _unrest(score)
    score[2, 10] = 4.0
    after = _unrest(score)
    assert (after[2] == before[2]).all()
    assert after[1, 10] > before[1, 10]


def test_counts_wilder_than_chance_are_seldom_flagged() -> None:
    rng = np.random.default_rng(11)
    means = np.linspace(5, 60, 30)[:, None] * np.ones(365)
    values = rng.negative_binomial(4, 4 / (4 + means)).astype(np.float64)
    assert flag(score_days(values, DATES).score).mean() < 0.005


def test_a_few_series_share_nothing() -> None:
    values = panel(4)
    alone = [score_days(row[None], DATES).expected[0] for row in values]
    values[:, 200] *= 3
    assert (score_days(values, DATES).score[:, 200] > 3.5).all()
    assert (
        score_days(values, DATES).expected[:, 200] < 2 * np.array(alone)[:, 200]
    ).all()


def test_many_series_demand_more_of_each() -> None:
    lone = np.full((1, 1), 3.6)
    crowd = np.vstack([lone, np.zeros((999, 1))])
    assert flag(lone)[0, 0]
    assert not flag(crowd)[0, 0]


def test_a_lasting_shift_is_found_near_its_day() -> None:
    values = panel(1, seed=2) + 20
    values[0, 180:] = np.rint(values[0, 180:] * 1.8)
    found = [
        shift for shift in shifts(score_days(values, DATES).score) if shift.upwards
    ]
    assert any(170 <= shift.began <= 190 for shift in found)


def test_noise_has_hardly_any_shifts() -> None:
    noise = np.random.default_rng(1).normal(size=(50, 730))
    assert len(shifts(noise)) / 50 < 0.2


@pytest.mark.parametrize("expected", [0.5, 5.0, 50.0])
def test_deviates_of_chance_are_about_standard_normal(expected: float) -> None:
    counts = np.random.default_rng(3).poisson(expected, 5000).astype(np.float64)
    found = deviate(counts, np.full(5000, expected))
    assert found.std() == pytest.approx(1, abs=0.15)
    assert abs(found.mean()) < 0.25


def test_rare_events_are_judged_too() -> None:
    values = np.random.default_rng(4).poisson(0.4, (20, 365)).astype(np.float64)
    values[3, 250] = 9
    scores = score_days(values, DATES).score
    assert scores.argmax() == 3 * 365 + 250
    assert flag(scores)[3, 250]


def test_zeros_are_no_anomaly() -> None:
    scores = score_days(np.zeros((2, 60)), DATES[:60])
    assert not scores.score.any()
    assert not scores.expected.any()


@pytest.mark.parametrize(
    ("values", "n_days", "why"),
    [
        pytest.param(np.ones((1, 27)), 27, "need 28 days", id="too-short"),
        pytest.param(np.ones((1, 30)), 31, "one column", id="misaligned"),
        pytest.param(np.ones(30), 30, "one column", id="one-dimension"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    values: Floats, n_days: int, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        score_days(values, DATES[:n_days])
