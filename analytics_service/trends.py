"""Whether a series rises or falls, its week, and when its level changed.

Theil-Sen slope with its confidence interval and the Mann-Kendall test, both on values
freed of the weekday pattern; change points by binary segmentation of a CUSUM. A trend
is called significant only when test and interval agree, and the variance allows for
autocorrelation, so that "no significant trend" is a common answer. Refuses fewer
than 10 values.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]

MIN_VALUES = 10
MAX_VALUES = 1500  # more are thinned: all pairs of slopes are looked at
CONFIDENCE = 0.95
INTERVAL_SIGMAS = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
SIGNIFICANCE = 0.025  # of the verdict: stays under 5 % on small samples too
MAX_LAG = 14
MIN_SEGMENT = 14
# 1 % point of the supremum of a Brownian bridge (Kolmogorov's distribution)
CUSUM_LIMIT = 1.63
METHOD = "Theil-Sen slope, Mann-Kendall test (autocorrelation-corrected)"


@dataclass(frozen=True)
class Trend:
    """Slope per step (a day for daily values) with its 95 % interval, and the verdict.

    p_value : two-sided Mann-Kendall; significant : p < 0.025 and 0 outside the interval
    """

    slope: float
    low: float
    high: float
    p_value: float
    significant: bool
    method: str = METHOD


@dataclass(frozen=True)
class Seasonality:
    """Weekly pattern.

    ratios : seven ratios to the mean of the week, Monday first; 1 means no difference
    strength : share of the variance that the weekday explains, 0 to 1
    """

    ratios: tuple[float, ...]
    strength: float


@dataclass(frozen=True)
class ChangePoint:
    """The first step of a new level, with the mean before and after it."""

    at: int
    before: float
    after: float


def trend(values: ArrayLike, weekday: ArrayLike | None = None) -> Trend:
    """Judge the trend of one series.

    Parameters
    ----------
    values : shape (n,), evenly spaced, n ≥ 10
    weekday : shape (n,), 0 = Monday, for daily values; None leaves the values as are

    Raises
    ------
    ValueError
        For fewer than 10 values or values that are not finite.
    """
    series = _checked(values)
    if weekday is not None:
        series = deseasonalised(series, np.asarray(weekday, dtype=np.int64))
    thinned = series[:: -(-len(series) // MAX_VALUES)]
    step = -(-len(series) // MAX_VALUES)
    s, deviation = _mann_kendall(thinned)
    z = (s - np.sign(s)) / deviation if deviation > 0 else 0.0
    slope, low, high = _theil_sen(thinned, deviation)
    p_value = math.erfc(abs(z) / math.sqrt(2))
    significant = bool(p_value < SIGNIFICANCE and (low > 0 or high < 0))
    return Trend(slope / step, low / step, high / step, p_value, significant)


def deseasonalised(values: Floats, weekday: NDArray[np.int64]) -> Floats:
    """Values less what their weekday differs from the mean, same shape."""
    member = np.eye(7)[weekday]
    means = values @ member / np.maximum(member.sum(axis=0), 1)
    pattern = means[weekday]
    flat: Floats = values - pattern + float(pattern.mean())
    return flat


def seasonality(values: ArrayLike, weekday: ArrayLike) -> Seasonality:
    """Weekly pattern of one daily series, shape (n,), at least 14 days."""
    series = _checked(values)
    days = np.asarray(weekday, dtype=np.int64)
    if len(series) < 14:
        raise ValueError(f"need 14 days for a weekly pattern, got {len(series)}")
    member = np.eye(7)[days]
    means = series @ member / np.maximum(member.sum(axis=0), 1)
    level = float(means.mean())
    ratios = means / level if level > 0 else np.ones(7)
    variance = float(series.var())
    left = float((series - means[days]).var())
    strength = max(0.0, 1 - left / variance) if variance > 0 else 0.0
    return Seasonality(tuple(float(r) for r in ratios), strength)


def change_points(
    values: ArrayLike, weekday: ArrayLike | None = None
) -> list[ChangePoint]:
    """Return the steps at which the level changed, oldest first.

    Each must pass a 1 % test against the long-run variance, and leave segments of at
    least 14 steps. Outliers are winsorised: a storm is no change of level.
    """
    series = _checked(values)
    if weekday is not None:
        series = deseasonalised(series, np.asarray(weekday, dtype=np.int64))
    calm = np.clip(series, *_fences(series))
    edges = [0, *sorted(_split(calm, 0, len(calm))), len(calm)]
    return [
        ChangePoint(at, float(calm[before:at].mean()), float(calm[at:after].mean()))
        for before, at, after in zip(edges, edges[1:], edges[2:], strict=False)
    ]


def _split(series: Floats, start: int, end: int) -> list[int]:
    """Positions of the changes in series[start:end], by recursion on the largest."""
    segment = series[start:end]
    n = len(segment)
    if n < 2 * MIN_SEGMENT:
        return []
    sums = np.abs(np.cumsum(segment - segment.mean()))[
        MIN_SEGMENT - 1 : n - MIN_SEGMENT
    ]
    best = int(sums.argmax())
    at = MIN_SEGMENT + best
    deviation = _long_run_deviation(segment, at)
    if deviation == 0 or sums[best] / (deviation * np.sqrt(n)) < CUSUM_LIMIT:
        return []
    middle = start + at
    return [*_split(series, start, middle), middle, *_split(series, middle, end)]


def _long_run_deviation(segment: Floats, at: int) -> float:
    """Standard deviation around the two levels, inflated by autocorrelation."""
    rest = np.concatenate(
        [segment[:at] - segment[:at].mean(), segment[at:] - segment[at:].mean()]
    )
    return float(np.sqrt(rest.var() * _variance_inflation(rest)))


def _fences(series: Floats) -> tuple[float, float]:
    """Median ± 3 robust standard deviations of a running median's remainder."""
    width = 15
    padded = np.pad(series, width // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    rest = series - np.median(windows, axis=1)
    robust = 1.4826 * float(np.median(np.abs(rest)))
    if robust == 0:
        return float(series.min()), float(series.max())
    middle = np.quantile(series, (0.1, 0.9))
    return float(middle[0]) - 3 * robust, float(middle[1]) + 3 * robust


def _mann_kendall(series: Floats) -> tuple[float, float]:
    """Kendall's S and its standard deviation, with ties and autocorrelation."""
    n = len(series)
    s = float(np.sign(series[None, :] - series[:, None])[np.triu_indices(n, 1)].sum())
    _, ties = np.unique(series, return_counts=True)
    variance = n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()
    slope = float(np.median(_pair_slopes(series)))
    ranks = rankdata(series - slope * np.arange(n))
    return s, float(np.sqrt(variance / 18 * _variance_inflation(ranks)))


def _variance_inflation(series: Floats) -> float:
    """How much autocorrelation inflates the variance of a sum, at least 1.

    1 + 2 Σ (1 - k/n) r_k over lags up to the first that is not significant, at most
    14 (Hamed & Rao 1998 in spirit; never below 1, so that it only makes us careful).
    """
    n = len(series)
    rest = series - series.mean()
    energy = float(rest @ rest)
    inflation = 1.0
    if energy == 0:
        return inflation
    for lag in range(1, min(MAX_LAG, n - 2) + 1):
        correlation = float(rest[lag:] @ rest[:-lag]) / energy
        if correlation < 1.645 / np.sqrt(n):
            break
        inflation += 2 * (1 - lag / n) * correlation
    return inflation


def _theil_sen(series: Floats, deviation: float) -> tuple[float, float, float]:
    """Median of pair slopes with the 95 % interval of Sen (1968)."""
    slopes = np.sort(_pair_slopes(series))
    half = INTERVAL_SIGMAS * deviation
    low = max(int(np.floor((len(slopes) - half) / 2)) - 1, 0)
    high = min(int(np.ceil((len(slopes) + half) / 2)), len(slopes) - 1)
    return float(np.median(slopes)), float(slopes[low]), float(slopes[high])


def _pair_slopes(series: Floats) -> Floats:
    first, second = np.triu_indices(len(series), 1)
    slopes: Floats = (series[second] - series[first]) / (second - first)
    return slopes


def _checked(values: ArrayLike) -> Floats:
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or len(series) < MIN_VALUES:
        raise ValueError(f"need at least {MIN_VALUES} values in one dimension")
    if not np.isfinite(series).all():
        raise ValueError("values must be finite")
    return series
