"""Levels of many daily series as discounted totals: tickets seen ÷ tickets the
calendar alone would have brought, a day counting half as much every half-life.

Unlike `smoothing` it works on the values themselves: days of no ticket and days of
two weigh what they are, which the square roots of rare events lose. Refuses to clip and
to choose: a storm counts in full, and which half-life to believe is for `stacking`.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HALF_LIVES = (5.0, 20.0, 80.0, 320.0)  # days


def discounted_means(
    values: Floats, factors: Floats, origins: list[int], horizon: int
) -> Floats:
    """Return level × day factors for each of HALF_LIVES.

    Parameters
    ----------
    values : shape (n_series, n_past), counts (or values in units of one count)
    factors : shape (n_series, n_past + horizon), `calendar_effects.day_factors`
    origins : counts of past days, rising, the first ≥ 1

    Returns
    -------
    shape (n_origins, n_half_lives, n_series, horizon)
    """
    levels = [discounted_levels(values, factors, origins, days) for days in HALF_LIVES]
    ahead = [factors[:, origin : origin + horizon] for origin in origins]
    return np.stack(levels, axis=1)[..., None] * np.stack(ahead)[:, None]


def discounted_levels(
    values: Floats, factors: Floats, origins: list[int], half_life: float
) -> Floats:
    """Return what was known of each level before each origin, (n_origins, n_series).

    `half_life` is in days. Carried from origin to origin, so that no power of a long
    history under- or overflows.
    """
    decay = 0.5 ** (1.0 / half_life)
    seen, due, levels = np.zeros(len(values)), np.zeros(len(values)), []
    for start, end in pairwise([0, *origins]):
        weight = decay ** np.arange(end - start)[::-1]
        fade = decay ** (end - start)
        seen = fade * seen + values[:, start:end] @ weight
        due = fade * due + factors[:, start:end] @ weight
        levels.append(seen / np.maximum(due, 1e-9))
    return np.stack(levels)
