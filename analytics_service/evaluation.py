"""Print how the forecast does on real records beside its rivals.

    python -m analytics_service.evaluation --data DIR [--country US]

The last row knows each series' mean of the days it forecasts, which no forecast can
know: it says how low the errors of a median can be on these days.

DIR may hold Boston 311 (`boston311*.csv*`, the last 5 origins), Chicago sanitation
requests (`chicago311*.csv*`, the last 13) and daily tables of your own
(`daily*.csv*`: a column `date`, one column of counts per series; 13 origins when two
years or more, else 5). Origins are 28 days apart; points and intervals are rounded to
integers; coverage is judged on series of 20 a day or more. Rows of libraries appear
when `statsforecast` can be imported. Reads files, writes nothing.
"""

import argparse
import importlib
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import poisson

from analytics_service.backtest import Outlook, score, seasonal_naive, weekday_mean
from analytics_service.forecasting import MAX_HORIZON, Calendar, forecast
from analytics_service.intervals import LEVELS

Floats = NDArray[np.float64]
Method = Callable[[Floats, pd.DatetimeIndex], Outlook]

DENSE = 20.0  # a day: below, integer intervals must cover more than they say
BOSTON_ZONES, BOSTON_TYPES = 18, 30
COLUMNS = ("mase", "rmsse", "sql", "p90", "wape", "coverage80", "coverage95", "ms")


@dataclass(frozen=True)
class Dataset:
    """Daily counts of shape (n_series, n_days), and how many origins to judge."""

    name: str
    counts: Floats
    dates: pd.DatetimeIndex
    n_origins: int
    country: str | None


def datasets(folder: Path, country: str | None) -> Iterator[Dataset]:
    """Yield every data set the folder holds."""
    for path in sorted(folder.glob("boston311*.csv*")):
        yield boston(path)
    for path in sorted(folder.glob("chicago311*.csv*")):
        yield chicago(path)
    for path in sorted(folder.glob("daily*.csv*")):
        yield daily_table(path, country)


def boston(path: Path) -> Dataset:
    """All requests, the 18 largest neighbourhoods, the 30 largest types: 49 series."""
    rows = pd.read_csv(path, usecols=["OPEN_DT", "TYPE", "neighborhood"])
    days = pd.to_datetime(rows["OPEN_DT"]).dt.normalize()
    dates = pd.date_range(days.min(), days.max())
    parts = [
        daily_counts(days, pd.Series("all", index=rows.index), dates, 1),
        daily_counts(days, rows["neighborhood"], dates, BOSTON_ZONES),
        daily_counts(days, rows["TYPE"], dates, BOSTON_TYPES),
    ]
    return Dataset("Boston 311", np.vstack(parts), dates, 5, "US")


def chicago(path: Path) -> Dataset:
    """All requests and the 77 community areas, 2011 to 2014, without duplicates.

    Requests of area 0 have no area: they are in the sum only.
    """
    rows = pd.read_csv(path, usecols=["Creation_Date", "Status", "Community_Area"])
    rows = rows[~rows["Status"].str.contains("Dup")]
    days = pd.to_datetime(rows["Creation_Date"])
    inside = days.dt.year.between(2011, 2014)
    dates = pd.date_range("2011-01-01", "2014-12-31")
    areas = rows["Community_Area"][inside]
    known = areas[areas > 0]
    parts = [
        daily_counts(days[inside], pd.Series("all", index=areas.index), dates, 1),
        daily_counts(days[known.index], known, dates, None),
    ]
    return Dataset("Chicago sanitation", np.vstack(parts), dates, 13, "US")


def daily_table(path: Path, country: str | None) -> Dataset:
    """A table of a `date` column and one column of counts per series."""
    table = pd.read_csv(path, parse_dates=["date"]).set_index("date").asfreq("D")
    dates = pd.DatetimeIndex(table.index)
    wanted = 13 if len(dates) >= 730 else 5
    n_origins = max(min(wanted, len(dates) // MAX_HORIZON - 2), 1)
    counts = table.fillna(0).to_numpy(dtype=np.float64).T
    return Dataset(path.name, counts, dates, n_origins, country)


def daily_counts(
    days: "pd.Series[pd.Timestamp]",
    names: "pd.Series[str]",
    dates: pd.DatetimeIndex,
    largest: int | None,
) -> Floats:
    """Count rows per name and day, largest names first: (n_names, n_days)."""
    table = pd.crosstab(names, days).reindex(columns=dates, fill_value=0)
    order = table.sum(axis=1).sort_values(ascending=False, kind="stable").index
    return table.loc[order[:largest]].to_numpy(dtype=np.float64)


def evaluate(data: Dataset, method: Method) -> dict[str, float]:
    """Mean scores over series and origins; `ms` is CPU per series and forecast."""
    n_days, rounds, cpu = data.counts.shape[1], [], 0.0
    for back in range(data.n_origins, 0, -1):
        origin = n_days - MAX_HORIZON * back
        history = data.counts[:, :origin]
        before = time.process_time()
        outlook = method(history, data.dates[:origin])
        cpu += time.process_time() - before
        came = data.counts[:, origin : origin + MAX_HORIZON]
        scores = score(history, came, _rounded(outlook))
        dense = history.mean(axis=1) >= DENSE
        for name in ("coverage80", "coverage95"):
            scores[name] = np.where(dense, scores[name], np.nan)
        scores["wape"] = np.array([scores["absolute_error"].sum() / max(came.sum(), 1)])
        rounds.append(scores)
    row = {name: _mean(rounds, name) for name in COLUMNS if name != "ms"}
    return row | {"ms": 1000 * cpu / len(rounds) / len(data.counts)}


def methods(data: Dataset) -> dict[str, Method]:
    """Our forecast, the two baselines, and the libraries at hand."""

    def ours(history: Floats, dates: pd.DatetimeIndex) -> Outlook:
        made = forecast(history, dates, calendar=Calendar(data.country))
        return Outlook(made.median, made.mean, made.quantiles)

    def told(history: Floats, dates: pd.DatetimeIndex) -> Outlook:
        made, start = ours(history, dates), history.shape[1]
        came = data.counts[:, start : start + MAX_HORIZON]
        return level_known(made.mean, came)

    return {
        "seasonal naive": lambda history, _: seasonal_naive(history),
        "weekday mean of 8 weeks": lambda history, _: weekday_mean(history),
        **peers(),
        "this forecast": ours,
        "Poisson, level told": told,
    }


def level_known(shape: Floats, came: Floats) -> Outlook:
    """Poisson counts around `shape` scaled to the mean of the days that came."""
    level = came.mean(axis=1) / np.maximum(shape.mean(axis=1), 1e-9)
    mean = np.maximum(shape * level[:, None], 1e-9)
    quantiles = np.stack([poisson.ppf(share, mean) for share in LEVELS], axis=1)
    return Outlook(quantiles[:, LEVELS.index(0.5)], mean, quantiles)


def peers() -> dict[str, Method]:
    """AutoETS and dynamic optimised Theta, where statsforecast is installed."""
    try:
        models: Any = importlib.import_module("statsforecast.models")
    except ImportError:
        return {}
    return {
        "AutoETS": _library(models.AutoETS),
        "dynamic optimised Theta": _library(models.DynamicOptimizedTheta),
    }


def _library(model: Callable[..., Any]) -> Method:
    """Forecast series by series with a statsforecast model of period 7."""
    names = ("lo-95", "lo-80", "lo-50", "mean", "hi-50", "hi-80", "hi-95")

    def one(series: Floats) -> Floats:
        fresh = model(season_length=7)
        made = fresh.forecast(y=series, h=MAX_HORIZON, level=[50, 80, 95])
        quantiles: Floats = np.stack([made[name] for name in names])
        return np.asarray(np.nan_to_num(quantiles), dtype=np.float64)

    def method(history: Floats, _: pd.DatetimeIndex) -> Outlook:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            quantiles = np.stack([one(series) for series in history])
        return Outlook(quantiles[:, 3], quantiles[:, 3], quantiles)

    return method


def _rounded(outlook: Outlook) -> Outlook:
    return Outlook(
        np.rint(np.maximum(outlook.median, 0.0)),
        outlook.mean,
        np.rint(np.maximum(outlook.quantiles, 0.0)),
    )


def _mean(rounds: list[dict[str, Floats]], name: str) -> float:
    values = np.concatenate([scores[name] for scores in rounds])
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _table(data: Dataset) -> Iterator[str]:
    n_series, n_days = data.counts.shape
    yield f"\n{data.name}: {n_series} series, {n_days} days, {data.n_origins} origins"
    yield " ".join([f"{'':26}", *(f"{name:>10}" for name in COLUMNS)])
    for name, method in methods(data).items():
        row = evaluate(data, method)
        yield " ".join([f"{name:26}", *(f"{row[key]:10.3f}" for key in COLUMNS)])


def main(arguments: list[str] | None = None) -> int:
    """Print one table per data set; 1 when the folder holds none."""
    parser = argparse.ArgumentParser(description="Judge the forecast on records")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--country", help="whose holidays apply to daily*.csv")
    options = parser.parse_args(arguments)
    found = False
    for data in datasets(options.data, options.country):
        found = True
        for line in _table(data):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    if not found:
        sys.stderr.write(f"no data sets in {options.data}\n")
    return 0 if found else 1


if __name__ == "__main__":
    raise SystemExit(main())
