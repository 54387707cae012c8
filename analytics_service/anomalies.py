"""Days that do not fit what the days before them led one to expect.

The expectation is the one-step forecast of the robust seasonal smoother, so an outlier
of yesterday does not hide today's. The score is the signed Cressie-Read deviate of the
count from it (λ = 1/3: right for rare and for frequent events alike), divided by the
usual size of such deviates in the series, larger in an unquiet time. Where several
series are judged, what all of them share on a day (a storm over the whole city) is
taken off each: it is no oddity of one; and on a day when the others are wild in ways of
their own, less is made of one more. A day is flagged beyond 3.5 when it also passes
Benjamini-Hochberg over the series of that day; CUSUM finds lasting shifts that no
single day shows. Refuses to judge fewer than 28 days.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.signal import lfilter
from scipy.stats import norm

from analytics_service.calendar_effects import day_factors
from analytics_service.smoothing import Panel, Trace, smooth

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MIN_DAYS = 28
RATES = ((0.03, 0.03), (0.1, 0.03), (0.3, 0.03))  # their errors are averaged
CLIP_SIGMAS = 2.0
THRESHOLD = 3.5
FALSE_DISCOVERY_RATE = 0.05
COUNT_SIGMA = 1.0  # of the deviate of a Poisson count: none is steadier than chance
LEAST_EXPECTED = 0.25  # added to the expectation: never sure that nothing comes
WINSOR_SIGMAS = 1.0  # how far an outlier may bend the calendar effects
STORM_SIGMAS = 20.0  # what one day may add to the usual size of errors
WEEKDAY_SHARE = 0.2  # of the error variance that is taken from the same weekday
RECENT_SHARE = 0.3  # and from the days just before
RECENT_RATE = 0.15
MOST_RECENT = 4.0  # mean squares that one day adds to them: a storm hides no other
SIZE_DOUBT = 1.1  # of the variance: ratios to a size that is not sure have long tails
MIN_PEERS = 5  # fewer series cannot tell what is shared from one that is odd
PEER_SIGMAS = 4.0  # how far one day may bend a series' share in what is shared
PEER_PRIOR = 10.0  # squared shared sigmas that a share of 1 is worth
MOST_SHARED = 3.0
UNREST_SHARE = 0.7  # of the error variance that goes with the other series' that day
MOST_UNREST = 4.0  # squared sigmas that one of them may add
UNREST_PRIOR = 10.0  # squared sigmas of ordinary unrest added to every day's
CUSUM_SLACK = 0.5
CUSUM_LIMIT = 8.0


@dataclass(frozen=True)
class Scores:
    """Expected values and standardised surprises, both of shape (n_series, n_days)."""

    expected: Floats
    score: Floats


@dataclass(frozen=True)
class Shift:
    """A lasting change of level: the day it began, the day it was sure, up or down.

    Days count from 0, the first day of the values.
    """

    series: int
    began: int
    detected: int
    upwards: bool


def score_days(
    values: ArrayLike,
    dates: pd.DatetimeIndex,
    country: str | None = None,
    subdivision: str | None = None,
) -> Scores:
    """Score every day of every series; |score| is in robust standard deviations.

    Parameters
    ----------
    values : shape (n_series, n_days), counts (minutes: divide by a typical ticket's)
    dates : consecutive days, at least 28

    Raises
    ------
    ValueError
        Below 28 days, or when values and dates differ in length.
    """
    counts = np.asarray(values, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[1] != len(dates):
        raise ValueError("values must be (n_series, n_days), one column a date")
    if len(dates) < MIN_DAYS:
        raise ValueError(f"need {MIN_DAYS} days to score, got {len(dates)}")
    weekday = np.asarray(dates.day_of_week)
    roots = np.sqrt(counts)
    first, sigma = _one_step(Panel(roots, np.ones_like(roots), weekday))
    limit = WINSOR_SIGMAS * np.maximum(np.median(sigma, axis=1, keepdims=True), 0.3)
    calm = np.maximum(roots - first + np.clip(first, -limit, limit), 0.0) ** 2
    factors = day_factors(calm, dates, country, subdivision)
    panel = Panel(roots, np.sqrt(factors), weekday)
    error, _ = _one_step(panel)
    expected = np.maximum(roots - error, 0.0) ** 2
    surprise = _own(deviate(counts, expected + LEAST_EXPECTED))
    score = surprise / _usual(surprise, weekday)
    score /= np.sqrt(_unrest(score))
    live = np.any(counts, axis=1, keepdims=True)
    return Scores(expected, np.where(live, score, 0.0))


def deviate(counts: Floats, expected: Floats) -> Floats:
    """Signed root of the Cressie-Read divergence, λ = 1/3 (Cressie & Read 1984).

    About standard normal for Poisson counts; `expected` > 0, same shape.
    """
    growth = counts * (np.cbrt(counts / expected) - 1) - (counts - expected) / 3
    size: Floats = np.sqrt(np.maximum(4.5 * growth, 0.0))
    return np.sign(counts - expected) * size


def flag(score: Floats) -> Bools:
    """Return which days are anomalies, same shape (n_series, n_days).

    |score| > 3.5, and Benjamini-Hochberg at 5 % over the series of the same day.
    """
    n_series = len(score)
    chance = 2 * norm.sf(np.abs(score))
    order = np.sort(chance, axis=0)
    ranks = np.arange(1, n_series + 1)[:, None]
    passing = order <= FALSE_DISCOVERY_RATE * ranks / n_series
    limit = np.where(passing, order, -1.0).max(axis=0)
    flagged: Bools = (np.abs(score) > THRESHOLD) & (chance <= limit)
    return flagged


def shifts(score: Floats) -> list[Shift]:
    """Return lasting shifts by two-sided CUSUM (k = 0.5, h = 8) of the scores.

    Scores beyond the flagging threshold count as that much, so one wild day is no
    shift. After a detection the sums start anew.
    """
    found = []
    for series, row in enumerate(np.clip(score, -THRESHOLD, THRESHOLD)):
        for upwards, signed in ((True, row), (False, -row)):
            found += [
                Shift(series, began, day, upwards) for began, day in _cusum(signed)
            ]
    return sorted(found, key=lambda shift: (shift.series, shift.detected))


def _cusum(row: Floats) -> list[tuple[int, int]]:
    """(first day of the rise, day of detection) of each crossing of the limit."""
    total, began, found = 0.0, 0, []
    for day, value in enumerate(row):
        if total == 0.0:
            began = day
        total = max(0.0, total + float(value) - CUSUM_SLACK)
        if total > CUSUM_LIMIT:
            found.append((began, day))
            total = 0.0
    return found


def _one_step(panel: Panel) -> tuple[Floats, Floats]:
    """One-step errors and their running robust sigma, each (n_series, n_days).

    The mean over smoothers of several rates: none is right for every series.
    """
    trace = Trace()
    smooth(panel, [panel.n_past], RATES, CLIP_SIGMAS, trace)
    error, sigma = np.stack(trace.error, axis=-1), np.stack(trace.sigma, axis=-1)
    return error.mean(axis=0), sigma.mean(axis=0)


def _own(surprise: Floats) -> Floats:
    """What is left of the deviates without what all series share on the day.

    Shared is the median over the series, in their own typical sizes; each takes part
    in it by a slope of its own, shrunk to 1.
    """
    if len(surprise) < MIN_PEERS:
        return surprise
    typical = 1.4826 * np.median(np.abs(surprise), axis=1, keepdims=True)
    typical = np.maximum(typical, COUNT_SIGMA)
    units = surprise / typical
    shared = np.median(units, axis=0)
    calm = np.clip(shared, -PEER_SIGMAS, PEER_SIGMAS)
    moved = np.clip(units, -PEER_SIGMAS, PEER_SIGMAS) @ calm + PEER_PRIOR
    part = np.clip(moved / (calm @ calm + PEER_PRIOR), 0, MOST_SHARED)
    own: Floats = surprise - part[:, None] * shared * typical
    return own


def _usual(surprise: Floats, weekday: NDArray[np.int64]) -> Floats:
    """Usual size of a series' deviates on each day, same shape, at least 1.

    From all days, storms included up to a limit: a series that often storms is not
    surprising when it does. In part of the same weekday, in part of the days before.
    """
    typical = 1.4826 * np.median(np.abs(surprise), axis=1, keepdims=True)
    limit = STORM_SIGMAS * np.maximum(typical, 0.3)
    square = np.clip(surprise, -limit, limit) ** 2
    member = np.eye(7)[weekday]
    by_weekday = square @ member / np.maximum(member.sum(axis=0), 1)
    overall = square.mean(axis=1, keepdims=True)
    mixed = (
        (1 - WEEKDAY_SHARE - RECENT_SHARE) * overall
        + WEEKDAY_SHARE * by_weekday[:, weekday]
        + RECENT_SHARE * overall * _recent(np.minimum(square, MOST_RECENT * overall))
    )
    usual: Floats = np.maximum(np.sqrt(SIZE_DOUBT * mixed), COUNT_SIGMA)
    return usual


def _recent(square: Floats) -> Floats:
    """Exponential mean of the days before each ÷ the mean of all days; same shape.

    1 before the first day.
    """
    ones = np.ones((len(square), 1))
    ratio = square / np.maximum(square.mean(axis=1, keepdims=True), 1e-9)
    before = np.hstack([ones, ratio[:, :-1]])
    start = (1 - RECENT_RATE) * ones
    recent: Floats = lfilter([RECENT_RATE], [1, RECENT_RATE - 1], before, zi=start)[0]
    return recent


def _unrest(score: Floats) -> Floats:
    """Factor of the error variance by how wild the other series are that day.

    About 1, same shape as `score`; a series' own deviate has no part in it.
    """
    if len(score) < MIN_PEERS:
        return np.ones_like(score)
    square = np.minimum(score**2, MOST_UNREST)
    others = square.sum(axis=0) - square
    ordinary = others.mean(axis=1, keepdims=True)
    ratio: Floats = (others + UNREST_PRIOR) / (ordinary + UNREST_PRIOR)
    return 1 - UNREST_SHARE + UNREST_SHARE * ratio
