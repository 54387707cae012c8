"""Forecasts of daily tickets and workload, 1 to 28 days ahead, with their intervals.

Seasonal smoothing of all series at once, times calendar effects, averaged over
candidates of different bias and with a stack of discounted means; intervals from
errors at past origins. Coherent over zone × category when asked through
`forecast_cuts`. Pure: arrays and dates in, arrays out; the same input gives the same
answer. Refuses less than 14 days, missing days, negative or missing values. How well
it does is measured by `backtest`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray

from analytics_service.calendar_effects import day_factors, holiday_flags
from analytics_service.discounting import discounted_means
from analytics_service.intervals import LEVELS, conformal, wide_counts
from analytics_service.reconciliation import (
    CutTable,
    Key,
    cut_table,
    reconcile,
    whole_cells,
)
from analytics_service.smoothing import Panel, candidates, combine
from analytics_service.stacking import stacked

Floats = NDArray[np.float64]

MAX_HORIZON = 28
MIN_DAYS = 14
FULL_DAYS = 56
MAX_ORIGINS = 16
FIRST_ORIGIN = 28
CHUNK = 256
STACKED_SHARE = 0.6  # of the stack; the rest is the robust smoothing
PROFILE_RIDGE = 50.0  # tickets that pull the weekdays of a short history to equal
SMOOTHING = "seasonal_smoothing"
BASELINE = "baseline"
STAFFING_LEVEL = 0.9


class NotEnoughHistory(ValueError):
    """Fewer days than any forecast could be judged on."""

    def __init__(self, n_days: int) -> None:
        super().__init__(f"need {MIN_DAYS} days of history, got {n_days}")
        self.n_days = n_days


@dataclass(frozen=True)
class Calendar:
    """Whose holidays apply: codes of the `holidays` package, None for no holidays."""

    country: str | None = None
    subdivision: str | None = None


@dataclass(frozen=True)
class Forecast:
    """What to expect of each series on each day ahead.

    keys : (zone, category) of each series, None meaning all; or (name, None)
    dates : the days ahead
    model : `seasonal_smoothing`, or `baseline` when history is short
    history_days : days it learnt from
    mean : shape (n_series, horizon); adds up across cuts
    quantiles : shape (n_series, 7, horizon) at `intervals.LEVELS`; integers for counts
    value : shape (n_series, horizon), the point to show: the median made coherent;
        integers for counts, adds up across cuts
    """

    keys: tuple[Key, ...]
    dates: pd.DatetimeIndex
    model: str
    history_days: int
    mean: Floats
    quantiles: Floats
    value: Floats

    def at(self, level: float) -> Floats:
        """Quantile of one of `intervals.LEVELS`, shape (n_series, horizon)."""
        return self.quantiles[:, LEVELS.index(level)]

    @property
    def median(self) -> Floats:
        return self.at(0.5)

    def to_frame(self) -> pd.DataFrame:
        """One row per series and day.

        Columns: zone, category (str or None), on (datetime64), mean, median, value,
        lo80, hi80, lo95, hi95, staffing (float; the 90 % quantile). The intervals are
        widened to hold the value: a cell of rare events may be given the one ticket
        that makes the sum right on a day when none is likelier.
        """
        horizon = len(self.dates)
        columns = {
            "zone": np.repeat(
                np.array([k[0] for k in self.keys], dtype=object), horizon
            ),
            "category": np.repeat(
                np.array([k[1] for k in self.keys], dtype=object), horizon
            ),
            "on": np.tile(self.dates.to_numpy(), len(self.keys)),
            "mean": self.mean.ravel(),
            "median": self.median.ravel(),
            "value": self.value.ravel(),
            "lo80": np.minimum(self.at(0.1), self.value).ravel(),
            "hi80": np.maximum(self.at(0.9), self.value).ravel(),
            "lo95": np.minimum(self.at(0.025), self.value).ravel(),
            "hi95": np.maximum(self.at(0.975), self.value).ravel(),
            "staffing": self.at(STAFFING_LEVEL).ravel(),
        }
        return pd.DataFrame(columns)


def forecast(
    values: ArrayLike,
    dates: pd.DatetimeIndex,
    *,
    horizon: int = MAX_HORIZON,
    calendar: Calendar = Calendar(),
    whole: bool = True,
    keys: Sequence[Key] | None = None,
) -> Forecast:
    """Forecast each series by itself (pooling what they share).

    Parameters
    ----------
    values : shape (n_series, n_days), counts or minutes ≥ 0, oldest day first
    dates : the n_days days, none missing
    horizon : days ahead, 1 to 28
    whole : counts (integer quantiles) or continuous values such as minutes

    Raises
    ------
    NotEnoughHistory
        Below 14 days.
    ValueError
        For anything else that is no such panel.
    """
    history = _checked(values, dates, horizon)
    names = tuple(keys) if keys is not None else _numbered(len(history))
    unit = 1.0 if whole else _unit(history)
    model = BASELINE if history.shape[1] < FULL_DAYS else SMOOTHING
    mean = np.zeros((len(history), horizon))
    quantiles = np.zeros((len(history), len(LEVELS), horizon))
    live = history.any(axis=1)
    if live.any():
        ahead = _ahead(dates, horizon)
        make = _short_history if model == BASELINE else _smoothed
        mean[live], quantiles[live] = make(history[live] / unit, ahead, calendar)
    quantiles *= unit
    if whole:
        quantiles = np.round(quantiles)
    return Forecast(
        keys=names,
        dates=_ahead(dates, horizon)[-horizon:],
        model=model,
        history_days=history.shape[1],
        mean=mean * unit,
        quantiles=quantiles,
        value=quantiles[:, LEVELS.index(0.5)],
    )


def forecast_cuts(
    frame: pd.DataFrame,
    *,
    horizon: int = MAX_HORIZON,
    calendar: Calendar = Calendar(),
    whole: bool = True,
) -> Forecast:
    """Forecast every cell, zone, category and the total so that they add up.

    Parameters
    ----------
    frame : index (zone, category), columns daily DatetimeIndex, values ≥ 0

    Returns
    -------
    Forecast whose `mean` and `value` of zones (categories, cells) sum to the total's.
    """
    table = cut_table(frame.index)
    history = table.rows(frame.to_numpy(dtype=np.float64))
    dates = pd.DatetimeIndex(frame.columns)
    free = forecast(
        history, dates, horizon=horizon, calendar=calendar, whole=whole, keys=table.keys
    )
    return coherent(free, table, whole=whole)


def coherent(free: Forecast, table: CutTable, *, whole: bool) -> Forecast:
    """Make the forecasts of all cuts add up; intervals move with their means."""
    n_cells = len(table.cells)
    mean = reconcile(free.mean, free.mean[-n_cells:], table)
    ratio = np.clip(mean / np.maximum(free.mean, 1e-9), 0.5, 2.0)
    quantiles = free.quantiles * ratio[:, None]
    value = reconcile(free.median, mean[-n_cells:], table)
    if whole:
        value = table.rows(whole_cells(value[-n_cells:], table))
        quantiles = np.round(quantiles)
    return replace(free, mean=mean, quantiles=quantiles, value=value)


def teams_needed(
    workload_minutes: Floats, productive_minutes: float
) -> NDArray[np.int64]:
    """Teams that a quantile of the workload calls for, rounded up, same shape.

    `productive_minutes` is what one team gets done in a day, > 0.
    """
    if productive_minutes <= 0:
        raise ValueError("a team needs productive minutes above 0")
    return np.ceil(workload_minutes / productive_minutes - 1e-9).astype(np.int64)


def _smoothed(
    history: Floats, dates: pd.DatetimeIndex, calendar: Calendar
) -> tuple[Floats, Floats]:
    """The model proper, for at least FULL_DAYS days of series that are not empty.

    Always runs 28 days ahead, so that a shorter horizon is a part of the longer.
    """
    n_past = history.shape[1]
    horizon = len(dates) - n_past
    span = _ahead(dates[:n_past], MAX_HORIZON)
    factors = day_factors(history, span, calendar.country, calendar.subdivision)
    panel = Panel(np.sqrt(history), np.sqrt(factors), np.asarray(span.day_of_week))
    origins = past_origins(n_past)
    every = [*origins, n_past]
    smoothed = _centres(panel, every)
    discounted = discounted_means(history, factors, every, MAX_HORIZON)
    members = np.concatenate([smoothed[:, None] ** 2, discounted], axis=1)
    came = np.stack([history[:, o : o + MAX_HORIZON] for o in origins])
    means = stacked(members, came, _usual_error(history))
    centres = _mixed(smoothed, np.sqrt(means))
    n_apart = 1 + (origins[-1] - origins[0]) / MAX_HORIZON
    quantiles, mean = conformal(centres[-1], centres[:-1], np.sqrt(came), n_apart)
    mean = _mixed(mean, means[-1])
    return mean[:, :horizon], quantiles[:, :, :horizon]


def _mixed(smoothed: Floats, stack: Floats) -> Floats:
    return (1.0 - STACKED_SHARE) * smoothed + STACKED_SHARE * stack


def _usual_error(history: Floats) -> Floats:
    """Root mean square weekly difference of each series, no less than √mean."""
    weekly = ((history[:, 7:] - history[:, :-7]) ** 2).mean(axis=1)
    usual: Floats = np.sqrt(np.maximum(weekly, history.mean(axis=1)))
    return usual


def past_origins(n_past: int) -> list[int]:
    """Up to 16 origins whose 28 days are known, spread over a year where there is one.

    Whole weeks apart as soon as history allows, so that weekdays stay in step.
    """
    last = n_past - MAX_HORIZON
    step = max((last - FIRST_ORIGIN) // (MAX_ORIGINS - 1), 1)
    step = min(step if step < 7 else step - step % 7, MAX_HORIZON)
    return list(range(last, FIRST_ORIGIN - 1, -step))[:MAX_ORIGINS][::-1]


def _centres(panel: Panel, origins: list[int]) -> Floats:
    """Combined root-scale forecasts from every origin, in chunks through joblib.

    Chunks are of a fixed size and order: the number of workers changes nothing.
    `joblib.parallel_config` chooses the backend (loky, dask, ray) and their number.
    """
    size = len(panel.roots)
    parts = [slice(start, start + CHUNK) for start in range(0, size, CHUNK)]
    chunks = [
        Panel(panel.roots[part], panel.root_factors[part], panel.weekday)
        for part in parts
    ]
    made: list[Floats] = Parallel()(delayed(_chunk)(c, origins) for c in chunks)
    return np.concatenate(made, axis=1)


def _chunk(panel: Panel, origins: list[int]) -> Floats:
    return combine(candidates(panel, origins, MAX_HORIZON), panel, origins)


def _short_history(
    history: Floats, dates: pd.DatetimeIndex, calendar: Calendar
) -> tuple[Floats, Floats]:
    """Series mean × weekday profile of all series, with wide intervals.

    The profile is shrunk to flat as if it had PROFILE_RIDGE more tickets; holidays
    are left out of it.
    """
    n_past = history.shape[1]
    weekday = np.asarray(dates.day_of_week)
    flags = holiday_flags(dates[:n_past], calendar.country, calendar.subdivision)
    ordinary = ~np.any(flags[:, :2], axis=1)
    total = history.sum(axis=0) * ordinary
    level = total.sum() / max(int(ordinary.sum()), 1)
    member = np.eye(7)[weekday[:n_past]] * ordinary[:, None]
    sums, days = total @ member, member.sum(axis=0)
    prior = PROFILE_RIDGE / max(level, 1e-9)
    profile = (sums + prior * level) / ((days + prior) * max(level, 1e-9))
    profile /= profile.mean()
    mean = history.mean(axis=1, keepdims=True) * profile[weekday]
    return mean[:, n_past:], wide_counts(mean[:, n_past:], history, mean[:, :n_past])


def _checked(values: ArrayLike, dates: pd.DatetimeIndex, horizon: int) -> Floats:
    history = np.asarray(values, dtype=np.float64)
    if history.ndim != 2 or history.shape[1] != len(dates):
        raise ValueError(
            "values must be of shape (n_series, n_days), one column a date"
        )
    if not 1 <= horizon <= MAX_HORIZON:
        raise ValueError(f"horizon must be 1 to {MAX_HORIZON} days, got {horizon}")
    if history.shape[1] < MIN_DAYS:
        raise NotEnoughHistory(history.shape[1])
    if not np.isfinite(history).all() or (history < 0).any():
        raise ValueError("values must be finite and not negative")
    if (np.diff(dates.to_numpy()) != np.timedelta64(1, "D")).any():
        raise ValueError("dates must be consecutive days")
    return history


def _ahead(dates: pd.DatetimeIndex, horizon: int) -> pd.DatetimeIndex:
    """The days of history and `horizon` days after them."""
    return pd.date_range(dates[0], periods=len(dates) + horizon, freq="D")


def _numbered(n_series: int) -> tuple[Key, ...]:
    return tuple((str(i), None) for i in range(n_series))


def _unit(history: Floats) -> float:
    """Minutes that behave like one ticket: variance of weekly differences ÷ mean."""
    variance = ((history[:, 7:] - history[:, :-7]) ** 2).mean() / 2
    return float(max(variance / max(float(history.mean()), 1e-9), 1e-9))
