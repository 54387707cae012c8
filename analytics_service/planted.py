"""Print how well odd days are found that were planted into real records.

    python -m analytics_service.planted --data DIR

Every data set of `evaluation.py` that DIR holds. From the 61st day on, 304 days of its
series are raised by 4 to 8 (large) or 3 to 6 (moderate) standard deviations of their
series, from a fixed seed, five times; the figure is the mean average precision of
|score| over all days from the 61st on, beside the usual rivals. Real storms were not
planted and count as false alarms, so no method reaches 1. Reads files, writes nothing.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from analytics_service.anomalies import score_days
from analytics_service.evaluation import Dataset, datasets

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Method = Callable[[Dataset], Floats]

PLANTS, FREE_DAYS, SEEDS = 304, 60, 5
SIZES = {"large": (4.0, 8.0), "moderate": (3.0, 6.0)}


def planted(
    data: Dataset, size: tuple[float, float], seed: int
) -> tuple[Dataset, Bools]:
    """Return the data with planted days, and which days these are."""
    rng = np.random.default_rng(seed)
    counts, label = data.counts.copy(), np.zeros(data.counts.shape, dtype=bool)
    spread = data.counts.std(axis=1)
    open_days = counts.shape[1] - FREE_DAYS
    chosen = rng.choice(len(counts) * open_days, PLANTS, replace=False)
    series, day = np.divmod(chosen, open_days)
    raised = rng.uniform(*size, PLANTS) * spread[series]
    counts[series, day + FREE_DAYS] += np.rint(raised)
    label[series, day + FREE_DAYS] = True
    return Dataset(data.name, counts, data.dates, data.n_origins, data.country), label


def global_z(data: Dataset) -> Floats:
    spread = np.maximum(data.counts.std(axis=1, keepdims=True), 1e-9)
    scores: Floats = (data.counts - data.counts.mean(axis=1, keepdims=True)) / spread
    return scores


def rolling_z(data: Dataset) -> Floats:
    """Distance from the mean of the 28 days before, in their standard deviations."""
    frame = pd.DataFrame(data.counts.T)
    past = frame.rolling(28, min_periods=7)
    mean, spread = past.mean().shift(1), past.std().shift(1).clip(lower=0.5)
    return ((frame - mean) / spread).fillna(0.0).to_numpy().T


def weekday_mad(data: Dataset) -> Floats:
    """Distance from the weekday's median in MADs; sees the future too."""
    weekday, scores = np.asarray(data.dates.day_of_week), np.empty_like(data.counts)
    for day in range(7):
        part = data.counts[:, weekday == day]
        off = part - np.median(part, axis=1, keepdims=True)
        mad = 1.4826 * np.median(np.abs(off), axis=1, keepdims=True)
        scores[:, weekday == day] = off / np.maximum(mad, 1)
    return scores


def ours(data: Dataset) -> Floats:
    return score_days(data.counts, data.dates, data.country).score


def alone(data: Dataset) -> Floats:
    """Our scores of each series judged without the others, as a course shows them."""
    rows = [
        score_days(row[None], data.dates, data.country).score for row in data.counts
    ]
    return np.concatenate(rows)


METHODS: dict[str, Method] = {
    "global z": global_z,
    "rolling 28-day z": rolling_z,
    "weekday median and MAD": weekday_mad,
    "ours, each series alone": alone,
    "ours": ours,
}


def precision(data: Dataset, method: Method, size: tuple[float, float]) -> float:
    """Mean average precision over the seeds."""
    found = []
    for seed in range(SEEDS):
        made, label = planted(data, size, seed)
        scores = np.abs(method(made))[:, FREE_DAYS:]
        found.append(
            average_precision_score(label[:, FREE_DAYS:].ravel(), scores.ravel())
        )
    return float(np.mean(found))


def table(data: Dataset) -> Iterator[str]:
    n_series, n_days = data.counts.shape
    yield f"\n{data.name}: {n_series} series, {n_days} days, {PLANTS} planted"
    yield " ".join([f"{'':26}", *(f"{name:>10}" for name in SIZES)])
    for name, method in METHODS.items():
        row = [precision(data, method, size) for size in SIZES.values()]
        yield " ".join([f"{name:26}", *(f"{value:10.3f}" for value in row)])


def main(arguments: list[str] | None = None) -> int:
    """Print one table per data set; 1 when the folder holds none."""
    parser = argparse.ArgumentParser(description="Judge the anomalies on records")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--country", help="whose holidays apply to daily*.csv")
    options = parser.parse_args(arguments)
    found = False
    for data in datasets(options.data, options.country):
        found = True
        for line in table(data):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    if not found:
        sys.stderr.write(f"no data sets in {options.data}\n")
    return 0 if found else 1


if __name__ == "__main__":
    raise SystemExit(main())
