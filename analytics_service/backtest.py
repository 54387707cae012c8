"""How good forecasts would have been: rolling origins, scores and the baselines.

At each origin only what was known then is used, then the next 28 days are looked at.
MASE and WAPE score the median, RMSSE the mean, scaled by in-sample differences of
seven days; SQL is the mean over the quantiles of twice the pinball loss ÷ the MASE
scale. Refuses to report a score where there is nothing to scale by: it is None.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from analytics_service.forecasting import (
    FULL_DAYS,
    MAX_HORIZON,
    Calendar,
    Forecast,
    forecast_cuts,
)
from analytics_service.intervals import LEVELS
from analytics_service.reconciliation import CutTable, Key, cut_table

Floats = NDArray[np.float64]

BASELINE_NAME = "weekday mean of 8 weeks"
BASELINE_WEEKS = 8
N_ORIGINS = 4
SHORTEST_TRAINING = 28


@dataclass(frozen=True)
class Outlook:
    """A forecast to be scored.

    median, mean : shape (n_series, horizon)
    quantiles : shape (n_series, 7, horizon) at `intervals.LEVELS`
    """

    median: Floats
    mean: Floats
    quantiles: Floats


@dataclass(frozen=True)
class Accuracy:
    """Scores of one series over all origins; None where they cannot be had.

    baseline : name of the baseline; baseline_mase, naive_mase : what the 8-week
    weekday mean and the seasonal naive forecast scored on the same days
    """

    mase: float | None
    wape: float | None
    rmsse: float | None
    coverage80: float | None
    coverage95: float | None
    baseline: str
    baseline_mase: float | None
    naive_mase: float | None
    n_origins: int


def backtest(
    frame: pd.DataFrame,
    *,
    calendar: Calendar = Calendar(),  # noqa: B008 - frozen
    whole: bool = True,
    n_origins: int = N_ORIGINS,
) -> dict[Key, Accuracy]:
    """Judge `forecast_cuts` on the last origins, 28 days apart, of every cut.

    Parameters
    ----------
    frame : index (zone, category), columns daily DatetimeIndex

    Returns
    -------
    Accuracy by (zone, category); with fewer than 56 days no origin can be judged and
    `n_origins` is 0. Origins run in parallel through joblib.
    """
    table = cut_table(frame.index)
    actual = table.rows(frame.to_numpy(dtype=np.float64))
    origins = rolling_origins(actual.shape[1], n_origins)
    made: list[Forecast] = Parallel()(
        delayed(forecast_cuts)(frame.iloc[:, :origin], calendar=calendar, whole=whole)
        for origin in origins
    )
    rounds = [
        _round(actual, origin, f) for origin, f in zip(origins, made, strict=True)
    ]
    return _accuracies(table, rounds)


def rolling_origins(n_days: int, n_origins: int) -> list[int]:
    """The last origins, 28 days apart, that leave 28 days to learn and 28 to judge."""
    if n_days < FULL_DAYS:
        return []
    first = SHORTEST_TRAINING
    all_origins = range(n_days - MAX_HORIZON, first - 1, -MAX_HORIZON)
    return sorted(all_origins[:n_origins])


def seasonal_naive(history: Floats) -> Outlook:
    """The last week again; quantiles of its in-sample errors over up to 8 weeks."""
    n_weeks = min(BASELINE_WEEKS, history.shape[1] // 7)
    weeks = _weeks(history, n_weeks)
    point = _repeat(weeks[:, -1])
    errors = (weeks[:, 1:] - weeks[:, :-1]).reshape(len(history), -1)
    if errors.shape[1] == 0:
        errors = np.zeros((len(history), 1))
    spread = np.moveaxis(np.quantile(errors, LEVELS, axis=1), 0, 1)
    return Outlook(point, point, np.maximum(point[:, None] + spread[..., None], 0))


def weekday_mean(history: Floats) -> Outlook:
    """Mean of each weekday over the last 8 weeks, with the quantiles of those days."""
    weeks = _weeks(history, min(BASELINE_WEEKS, history.shape[1] // 7))
    point = _repeat(weeks.mean(axis=1))
    spread = np.moveaxis(np.quantile(weeks, LEVELS, axis=1), 0, 1)
    return Outlook(point, point, np.concatenate([spread] * 4, axis=2))


def score(history: Floats, actual: Floats, outlook: Outlook) -> dict[str, Floats]:
    """Scores of each series, shape (n_series,); nan where history never changed.

    Keys: mase, rmsse, sql, p90 (twice the pinball loss of the 90 % quantile ÷ the
    MASE scale), coverage80, coverage95, absolute_error, volume.
    """
    weekly = history[:, 7:] - history[:, :-7]
    scale = _nan_if_zero(np.abs(weekly).mean(axis=1))
    square_scale = _nan_if_zero(np.sqrt((weekly**2).mean(axis=1)))
    absolute = np.abs(actual - outlook.median)
    error = actual[:, None] - outlook.quantiles
    level = np.array(LEVELS)[:, None]
    pinball = 2 * np.maximum(level * error, (level - 1) * error).mean(axis=2)
    square = ((actual - outlook.mean) ** 2).mean(axis=1)
    return {
        "mase": absolute.mean(axis=1) / scale,
        "rmsse": np.sqrt(square) / square_scale,
        "sql": pinball.mean(axis=1) / scale,
        "p90": pinball[:, LEVELS.index(0.9)] / scale,
        "coverage80": _coverage(actual, outlook, 0.1, 0.9),
        "coverage95": _coverage(actual, outlook, 0.025, 0.975),
        "absolute_error": absolute.sum(axis=1),
        "volume": actual.sum(axis=1),
    }


def _round(actual: Floats, origin: int, made: Forecast) -> dict[str, Floats]:
    """Scores at one origin, with the baselines' MASE beside them."""
    history, came = actual[:, :origin], actual[:, origin : origin + MAX_HORIZON]
    scores = score(history, came, Outlook(made.median, made.mean, made.quantiles))
    scores["baseline_mase"] = score(history, came, weekday_mean(history))["mase"]
    scores["naive_mase"] = score(history, came, seasonal_naive(history))["mase"]
    return scores


def _accuracies(
    table: CutTable, rounds: list[dict[str, Floats]]
) -> dict[Key, Accuracy]:
    def mean_of(name: str, row: int) -> float | None:
        known = [r[name][row] for r in rounds if np.isfinite(r[name][row])]
        return float(np.mean(known)) if known else None

    def wape_of(row: int) -> float | None:
        volume = sum(float(r["volume"][row]) for r in rounds)
        error = sum(float(r["absolute_error"][row]) for r in rounds)
        return error / volume if volume > 0 else None

    return {
        key: Accuracy(
            mase=mean_of("mase", row),
            wape=wape_of(row),
            rmsse=mean_of("rmsse", row),
            coverage80=mean_of("coverage80", row),
            coverage95=mean_of("coverage95", row),
            baseline=BASELINE_NAME,
            baseline_mase=mean_of("baseline_mase", row),
            naive_mase=mean_of("naive_mase", row),
            n_origins=len(rounds),
        )
        for row, key in enumerate(table.keys)
    }


def _coverage(actual: Floats, outlook: Outlook, low: float, high: float) -> Floats:
    """Share of the days within the interval, ends included."""
    above = actual >= outlook.quantiles[:, LEVELS.index(low)]
    below = actual <= outlook.quantiles[:, LEVELS.index(high)]
    share: Floats = (above & below).mean(axis=1)
    return share


def _weeks(history: Floats, n_weeks: int) -> Floats:
    """The last weeks, shape (n_series, n_weeks, 7), oldest first."""
    return history[:, -7 * n_weeks :].reshape(len(history), n_weeks, 7)


def _repeat(week: Floats) -> Floats:
    return np.tile(week, MAX_HORIZON // 7)


def _nan_if_zero(scale: Floats) -> Floats:
    return np.where(scale > 0, scale, np.nan)
