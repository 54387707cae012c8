"""Levels of many daily series as discounted totals: tickets seen ÷ tickets the
calendar alone would have brought, a day counting half as much every half-life.

Unlike `smoothing` it works on the values themselves: days of no ticket and days of
two weigh what they are, which the square roots of rare events lose. A level of noise
√level that drifts in proportion to itself is followed best with a half-life that falls
with √level (Muth 1960), so no rate is searched for. Refuses to clip: a storm counts in
full, so `blended` gives these levels at most half of the word, and less where series
are dense and their roots lose nothing.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HALF_LIVES = (10.0, 40.0)  # days, of a series of one ticket a day
SHORTEST, LONGEST = 7.0, 730.0
RAREST = 0.001  # a day: below, a series is too rare to slow down further
MOST_SHARE = 0.5
DENSE = 20.0  # a day: there the share is half of MOST_SHARE


def discounted_means(
    values: Floats, factors: Floats, origins: list[int], horizon: int
) -> Floats:
    """Return the mean of both levels × day factors, (n_origins, n_series, horizon).

    Parameters
    ----------
    values : shape (n_series, n_past), counts (or values in units of one count)
    factors : shape (n_series, n_past + horizon), `calendar_effects.day_factors`
    origins : counts of past days, rising, the first ≥ 1
    """
    pace = np.sqrt(np.maximum(values.mean(axis=1), RAREST))
    lives = [np.clip(days / pace, SHORTEST, LONGEST) for days in HALF_LIVES]
    levels = [discounted_levels(values, factors, origins, life) for life in lives]
    level = np.mean(levels, axis=0)
    return np.stack(
        [
            now[:, None] * factors[:, origin : origin + horizon]
            for now, origin in zip(level, origins, strict=True)
        ]
    )


def discounted_levels(
    values: Floats, factors: Floats, origins: list[int], half_life: Floats
) -> Floats:
    """Return what was known of each level before each origin, (n_origins, n_series).

    `half_life` is in days, shape (n_series,). Carried from origin to origin, so that
    no power of a long history under- or overflows.
    """
    decay = 0.5 ** (1.0 / half_life)
    seen, due, levels = np.zeros(len(values)), np.zeros(len(values)), []
    for start, end in pairwise([0, *origins]):
        weight = decay[:, None] ** np.arange(end - start)[::-1]
        fade = decay ** (end - start)
        seen = fade * seen + (weight * values[:, start:end]).sum(axis=1)
        due = fade * due + (weight * factors[:, start:end]).sum(axis=1)
        levels.append(seen / np.maximum(due, 1e-9))
    return np.stack(levels)


def blended(smoothed: Floats, discounted: Floats, values: Floats) -> Floats:
    """Return both forecasts, (…, n_series, horizon), averaged by each series' level."""
    share = MOST_SHARE / (1.0 + values.mean(axis=1, keepdims=True) / DENSE)
    mixed: Floats = (1.0 - share) * smoothed + share * discounted
    return mixed
