"""One training of the forecast: history in, a judged run out. No SQL and no clock.

The smoothing model is kept only where it beat the 8-week weekday mean on the same
past days; otherwise that baseline is, with its own scores. Nothing is reported that
was not measured.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics_service.backtest import (
    BASELINE_NAME,
    N_ORIGINS,
    Accuracy,
    backtest,
    rolling_origins,
    score,
    seasonal_naive,
    weekday_mean,
)
from analytics_service.forecasting import (
    FULL_DAYS,
    MAX_HORIZON,
    Calendar,
    Forecast,
    forecast_cuts,
)
from analytics_service.intervals import LEVELS
from analytics_service.reconciliation import Key, cut_table

Floats = NDArray[np.float64]
WEEKDAY_MEAN = "weekday_mean"
FEW_TEAM_DAYS = 20
FULL_DAY_SHARE = 0.75  # the quantile of team days that counts as a full one
ASSUMED_SHARE = 0.6  # of the capacity, where too little was learnt


@dataclass(frozen=True)
class Run:
    """A judged forecast of every zone, category and cell ('' means all)."""

    model: str
    first_on: date
    last_on: date
    history_days: int
    scores: dict[str, Any]
    series: list[dict[str, Any]]


def trained(frame: pd.DataFrame, calendar: Calendar, *, whole: bool) -> Run:
    """Return the run for daily history; raises NotEnoughHistory below 14 days.

    Parameters
    ----------
    frame : index (zone, category), columns daily DatetimeIndex, values ≥ 0
    whole : counts rather than minutes
    """
    made = forecast_cuts(frame, calendar=calendar, whole=whole)
    accuracy = backtest(frame, calendar=calendar, whole=whole)
    mase, baseline = mean_of(accuracy, "mase"), mean_of(accuracy, "baseline_mase")
    model = made.model
    if mase is not None and baseline is not None and mase > baseline:
        model = WEEKDAY_MEAN
        made = weekday_forecast(frame, made, whole=whole)
        accuracy = weekday_accuracy(frame)
    days = pd.DatetimeIndex(frame.columns)
    return Run(
        model=model,
        first_on=days[0].date(),
        last_on=days[-1].date(),
        history_days=len(days),
        scores={
            "mase": mase,
            "baseline": BASELINE_NAME,
            "baseline_mase": baseline,
            "naive_mase": mean_of(accuracy, "naive_mase"),
            "coverage80": mean_of(accuracy, "coverage80"),
            "coverage95": mean_of(accuracy, "coverage95"),
            "n_series": len(made.keys),
            "n_origins": len(rolling_origins(len(days), N_ORIGINS)),
        },
        series=series_of(made, accuracy),
    )


def mean_of(accuracy: Mapping[Key, Accuracy], name: str) -> float | None:
    """Return the mean of a score over the cuts that have it."""
    known = [v for a in accuracy.values() if (v := getattr(a, name)) is not None]
    return float(np.mean(known)) if known else None


def weekday_forecast(frame: pd.DataFrame, made: Forecast, *, whole: bool) -> Forecast:
    """Return the weekday mean of 8 weeks in the shape of a forecast."""
    table = cut_table(frame.index)
    found = weekday_mean(table.rows(frame.to_numpy(dtype=np.float64)))
    quantiles = np.round(found.quantiles) if whole else found.quantiles
    return Forecast(
        keys=made.keys,
        dates=made.dates,
        model=WEEKDAY_MEAN,
        history_days=made.history_days,
        mean=found.mean,
        quantiles=quantiles,
        value=found.mean,
    )


def weekday_accuracy(frame: pd.DataFrame) -> dict[Key, Accuracy]:
    """Return what the weekday mean scored at the origins of the backtest."""
    table = cut_table(frame.index)
    actual = table.rows(frame.to_numpy(dtype=np.float64))
    rounds = []
    for origin in rolling_origins(actual.shape[1], N_ORIGINS):
        history, came = actual[:, :origin], actual[:, origin : origin + MAX_HORIZON]
        naive = score(history, came, seasonal_naive(history))["mase"]
        rounds.append(score(history, came, weekday_mean(history)) | {"naive": naive})

    def mean(name: str, row: int) -> float | None:
        known = [r[name][row] for r in rounds if np.isfinite(r[name][row])]
        return float(np.mean(known)) if known else None

    def wape(row: int) -> float | None:
        volume = sum(float(r["volume"][row]) for r in rounds)
        error = sum(float(r["absolute_error"][row]) for r in rounds)
        return error / volume if volume else None

    return {
        key: Accuracy(
            mase=mean("mase", row),
            wape=wape(row),
            rmsse=mean("rmsse", row),
            coverage80=mean("coverage80", row),
            coverage95=mean("coverage95", row),
            baseline=BASELINE_NAME,
            baseline_mase=mean("mase", row),
            naive_mase=mean("naive", row),
            n_origins=len(rounds),
        )
        for row, key in enumerate(table.keys)
    }


def series_of(
    made: Forecast, accuracy: Mapping[Key, Accuracy] | None = None
) -> list[dict[str, Any]]:
    """Return a row per cut: its points and its accuracy, ready to store."""
    days = [day.date().isoformat() for day in made.dates]
    bands = {
        "lo95": LEVELS.index(0.025),
        "lo80": LEVELS.index(0.1),
        "median": LEVELS.index(0.5),
        "hi80": LEVELS.index(0.9),
        "hi95": LEVELS.index(0.975),
    }
    judged = accuracy or {}
    return [
        {
            "zone": zone or "",
            "category": category or "",
            "horizon_days": len(days),
            "points": [
                {
                    "on": day,
                    "value": float(made.value[row, n]),
                    **{
                        name: float(made.quantiles[row, level, n])
                        for name, level in bands.items()
                    },
                }
                for n, day in enumerate(days)
            ],
            "accuracy": accuracy_words(judged.get((zone, category))),
        }
        for row, (zone, category) in enumerate(made.keys)
    ]


def accuracy_words(found: Accuracy | None) -> dict[str, Any]:
    """Return scores in the contract's words; None where nothing was measured."""
    if found is None:
        return {
            "mase": None,
            "wape": None,
            "coverage80": None,
            "coverage95": None,
            "baseline": {"model": BASELINE_NAME, "mase": None},
            "n_origins": 0,
        }
    scores = asdict(found)
    return {
        **{name: scores[name] for name in ("mase", "wape", "rmsse")},
        **{name: scores[name] for name in ("coverage80", "coverage95")},
        "baseline": {"model": found.baseline, "mase": found.baseline_mase},
        "seasonal_naive": {"mase": found.naive_mase},
        "n_origins": found.n_origins,
    }


def is_judgeable(n_days: int) -> bool:
    return n_days >= FULL_DAYS


def productive_minutes(
    team_days: Mapping[str, list[float]], capacities: Mapping[str, float]
) -> dict[str, float]:
    """Return what a team gets done on a full day, per zone and ('') overall.

    The upper quartile of minutes on site over the days on which a team had visits;
    60 % of the planned capacity where fewer than 20 such days are known.

    Parameters
    ----------
    team_days : {zone: minutes on site of each team and day}
    capacities : {zone: mean planned minutes of a team a day}; '' for all
    """
    every = [minutes for days in team_days.values() for minutes in days]
    overall = full_day(every) or ASSUMED_SHARE * capacities[""]
    found = {
        zone: full_day(team_days.get(zone, [])) or overall
        for zone in {*team_days, *capacities}
    }
    return found | {"": overall}


def full_day(minutes: list[float]) -> float | None:
    if len(minutes) < FEW_TEAM_DAYS:
        return None
    return max(float(np.quantile(minutes, FULL_DAY_SHARE)), 1.0)
