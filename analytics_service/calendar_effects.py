"""What the calendar alone does to a day: weekday, season of the year, holidays.

Effects are multiplicative factors on the expected value of a day, learnt by ridge
Poisson regression, first for the sum of all series, then for each series as a
deviation that a small series cannot afford (half-pooled, shrunk to the sum). The
module knows dates only: it refuses to learn from anything a planner would not
know in advance, so no lagged counts and no weather.
"""

import holidays
import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

WEEK = 7
YEAR_DAYS = 365.25
MIN_DAYS_FOR_YEAR = 450  # below, a season of the year cannot be told from a trend
HARMONICS = 2
NEWTON_STEPS = 8
# Ridge penalties, in expected tickets: a series with as many tickets in the days
# concerned is pulled half-way to the pool.
WEEKDAY_RIDGE = 200.0
YEAR_RIDGE = 100.0
HOLIDAY_RIDGE = 100.0
POOLED_HOLIDAY_RIDGE = 20.0
LOCAL_LEVEL_DAYS = 57
SLOW_LEVEL_DAYS = 91


def day_factors(
    values: Floats,
    dates: pd.DatetimeIndex,
    country: str | None = None,
    subdivision: str | None = None,
) -> Floats:
    """Return the calendar's factor of each series and day, about 1 on average.

    Parameters
    ----------
    values : shape (n_series, n_past), counts (or values in units of one count)
    dates : the n_past days and the days to forecast after them, none missing
    country, subdivision : codes of the `holidays` package; None: no holidays

    Returns
    -------
    shape (n_series, len(dates)), positive
    """
    n_past = values.shape[1]
    flags = holiday_flags(dates, country, subdivision)
    ordinary = ~np.any(flags[:n_past], axis=1)
    factors = _weekday_factors(values, dates, ordinary)
    if n_past >= MIN_DAYS_FOR_YEAR:
        base = values.mean(axis=1, keepdims=True) * factors[:, :n_past]
        waves = _year_waves(dates)
        drift = (np.arange(len(dates)) - n_past / 2) / YEAR_DAYS
        design = np.column_stack([waves, drift])
        coefficients = _half_pooled(values, base, design[:n_past], 1.0, YEAR_RIDGE)
        factors *= _factor(coefficients[:, :-1], waves)
    if flags[:n_past].any():
        local = centred_mean(values / factors[:, :n_past], LOCAL_LEVEL_DAYS)
        coefficients = _half_pooled(
            values,
            local * factors[:, :n_past],
            flags[:n_past],
            POOLED_HOLIDAY_RIDGE,
            HOLIDAY_RIDGE,
        )
        factors *= _factor(coefficients, flags)
    return factors


def holiday_flags(
    dates: pd.DatetimeIndex, country: str | None, subdivision: str | None = None
) -> Floats:
    """Return 0/1 flags of shape (n_days, 4).

    Columns: holiday on Monday-Friday, holiday on a weekend, working day before a
    holiday, working day after one.

    Raises
    ------
    ValueError
        If the `holidays` package knows no such country or subdivision.
    """
    if country is None:
        return np.zeros((len(dates), 4))
    years = range(dates[0].year - 1, dates[-1].year + 2)
    try:
        known = holidays.country_holidays(country, subdiv=subdivision, years=years)
    except NotImplementedError as unknown:
        raise ValueError(str(unknown)) from unknown
    days = pd.DatetimeIndex(sorted(known.keys()))
    one_day = pd.Timedelta(days=1)
    is_holiday = np.asarray(dates.isin(days))
    working = np.asarray(dates.day_of_week < 5)
    before = np.asarray(dates.isin(days - one_day)) & ~is_holiday & working
    after = np.asarray(dates.isin(days + one_day)) & ~is_holiday & working
    flags = [is_holiday & working, is_holiday & ~working, before, after]
    return np.column_stack(flags).astype(np.float64)


def ridge_poisson(
    values: Floats, base: Floats, design: Floats, penalty: float
) -> Floats:
    """Return ridge Poisson coefficients of log(value / base), all series at once.

    Newton's method with steps of at most 1, so that empty series stay finite.

    Parameters
    ----------
    values, base : shape (n_series, n_days); base is the expectation without effects
    design : shape (n_days, n_features)
    penalty : weight of the squared coefficients, > 0

    Returns
    -------
    shape (n_series, n_features)
    """
    n_features = design.shape[1]
    coefficients = np.zeros((len(values), n_features))
    # x_tp * x_tq laid out once: each curvature is then one matrix product
    squares = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    for _ in range(NEWTON_STEPS):
        mean = base * np.exp(np.clip(coefficients @ design.T, -4, 4))
        slope = (values - mean) @ design - penalty * coefficients
        curvature = (mean @ squares).reshape(-1, n_features, n_features)
        curvature += penalty * np.eye(n_features)
        step = np.linalg.solve(curvature, slope[..., None])[..., 0]
        coefficients += np.clip(step, -1, 1)
    return coefficients


def centred_mean(values: Floats, width: int) -> Floats:
    """Return the mean of the `width` days around each day; ends use what there is."""
    n_days = values.shape[1]
    sums = np.pad(values.cumsum(axis=1), ((0, 0), (1, 0)))
    low = np.maximum(np.arange(n_days) - width // 2, 0)
    high = np.minimum(np.arange(n_days) + width // 2 + 1, n_days)
    mean: Floats = (sums[:, high] - sums[:, low]) / (high - low)
    return np.maximum(mean, 1e-9)


def _weekday_factors(
    values: Floats, dates: pd.DatetimeIndex, ordinary: Bools
) -> Floats:
    """Half-pooled weekday profile, mean 1 over a week, learnt on ordinary days."""
    n_past = values.shape[1]
    weekday = np.asarray(dates.day_of_week)
    design = np.eye(WEEK)[weekday]
    rows = ordinary if ordinary.sum() >= WEEK else np.ones(n_past, dtype=bool)
    coefficients = _half_pooled(
        values[:, rows],
        centred_mean(values, SLOW_LEVEL_DAYS)[:, rows],
        design[:n_past][rows],
        1.0,
        WEEKDAY_RIDGE,
    )
    profile = _factor(coefficients, np.eye(WEEK))
    profile /= profile.mean(axis=1, keepdims=True)
    return profile[:, weekday]


def _year_waves(dates: pd.DatetimeIndex) -> Floats:
    angle = 2 * np.pi * np.asarray(dates.day_of_year) / YEAR_DAYS
    waves = [
        wave(k * angle) for k in range(1, HARMONICS + 1) for wave in (np.sin, np.cos)
    ]
    return np.column_stack(waves)


def _half_pooled(
    values: Floats, base: Floats, design: Floats, pooled_ridge: float, ridge: float
) -> Floats:
    """Coefficients of the sum of the series plus each series' own shrunk deviation.

    The sum is overdispersed: it is scaled down by its Pearson dispersion, measured
    around a first fit, so that its penalty is in independent tickets.
    """
    total, total_base = values.sum(axis=0)[None], base.sum(axis=0)[None]
    first = ridge_poisson(total, total_base, design, pooled_ridge)
    fitted = np.maximum(total_base * np.exp(np.clip(first @ design.T, -4, 4)), 1e-9)
    dispersion = max(1.0, 2 * float(np.median((total - fitted) ** 2 / fitted)))
    pooled = ridge_poisson(
        total / dispersion, total_base / dispersion, design, pooled_ridge
    )
    expected = base * np.exp(np.clip(pooled @ design.T, -4, 4))
    return pooled + ridge_poisson(values, expected, design, ridge)


def _factor(coefficients: Floats, design: Floats) -> Floats:
    """exp of the linear part, kept within e^-4 and e^1.5 so that no day explodes."""
    return np.exp(np.clip(coefficients @ design.T, -4.0, 1.5))
