"""Distributions around a forecast, from errors the forecast made at past origins.

Conformal: quantiles of standardised errors on the square-root scale, pooled over
days of similar level and scaled per series. No distribution is assumed, so storms
are covered as often as they came. For too short a history a negative binomial with
moment-fitted dispersion stands in, and is wide on purpose.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom, norm
from scipy.stats import t as student

Floats = NDArray[np.float64]

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
N_BUCKETS = 12
BUCKET_ERRORS = 200  # fewer errors than this cannot tell a bucket from the next
MIN_BUCKET = 50
DENSE_ROOT = 20.0**0.5  # from here on errors are those of a flow, not of rare events
SCALE_PRIOR_DAYS = 150.0  # errors that the pool is worth against a series' own
FINE_LEVELS = (np.arange(100) + 0.5) / 100
MEAN_CLIP = 2.0  # the mean leaves out what storms of the past add beyond 2 sigma
SHORT_DOUBT_DAYS = 28.0  # 14 days of history: three times the variance seen
LONE_SERIES_WIDENING = 0.5  # the same, ÷ number of series that share their errors
TAIL_FREEDOM = 4.0  # degrees of freedom that one series and 28 days are worth
STEADY_LEVEL = 0.9
SMALL_SAMPLE_WIDENING = 0.1  # ÷ number of non-overlapping origins


def conformal(
    centre: Floats, past_centre: Floats, past_roots: Floats, n_apart: float
) -> tuple[Floats, Floats]:
    """Return quantiles and means of the values forecast.

    Parameters
    ----------
    centre : shape (n_series, horizon), root-scale forecasts
    past_centre, past_roots : shape (n_origins, n_series, horizon), forecasts from
        past origins and what came
    n_apart : how many of the origins do not overlap, ≥ 1

    Returns
    -------
    quantiles of shape (n_series, len(LEVELS), horizon) and means of shape
    (n_series, horizon), in values (not roots), ≥ 0
    """
    inner = _bucket_edges(past_centre)
    past_bucket = np.searchsorted(inner, past_centre)
    bucket = np.searchsorted(inner, centre)
    error = past_roots - past_centre
    spread = _bucket_spread(error, past_bucket)
    unit = error / spread[past_bucket]
    own = _series_scale(unit)
    unit = unit / own[None, :, None]
    lone = LONE_SERIES_WIDENING / len(centre)
    widening = 1.0 + (SMALL_SAMPLE_WIDENING + lone) / max(n_apart, 1.0)
    scale = widening * spread[bucket] * own[:, None]
    cuts, fine = _bucket_quantiles(unit, past_bucket)
    cuts = cuts * _heavier_tails(TAIL_FREEDOM * n_apart * len(centre))
    quantiles = np.maximum(centre[..., None] + scale[..., None] * cuts[bucket], 0) ** 2
    spreads = spread[bucket][..., None] * own[:, None, None] * fine[bucket]
    mean: Floats = (np.maximum(centre[..., None] + spreads, 0) ** 2).mean(axis=-1)
    return np.moveaxis(quantiles, -1, 1), mean


def _bucket_edges(past_centre: Floats) -> Floats:
    """Return the inner edges of buckets of about as many errors each, root scale.

    The edge nearest to DENSE_ROOT is moved there where enough errors lie on either
    side: the tails of one large sum are not those of the sparse parts below it.
    """
    n_buckets = int(np.clip(past_centre.size // BUCKET_ERRORS, 1, N_BUCKETS))
    ranks = np.linspace(0, 1, n_buckets + 1)[1:-1]
    edges: Floats = np.quantile(past_centre, ranks)
    below = int((past_centre < DENSE_ROOT).sum())
    if min(below, past_centre.size - below) >= BUCKET_ERRORS:
        edges[np.abs(ranks - below / past_centre.size).argmin()] = DENSE_ROOT
    return edges


def _heavier_tails(freedom: float) -> Floats:
    """Return by how much each of LEVELS lies further out than errors so few show.

    Student's quantiles ÷ the normal ones, 1 at the 80 % interval, which the widening
    already sizes: the extremes of a few errors are seen too rarely.
    """
    outer = np.array([level for level in LEVELS if level > STEADY_LEVEL])
    ratio = student.ppf(outer, freedom) / norm.ppf(outer)
    ratio /= student.ppf(STEADY_LEVEL, freedom) / norm.ppf(STEADY_LEVEL)
    factors = np.ones(len(LEVELS))
    factors[-len(outer) :] = ratio
    factors[: len(outer)] = ratio[::-1]
    return factors


def wide_counts(mean: Floats, history: Floats, fitted: Floats) -> Floats:
    """Return wide negative binomial quantiles, shape (n_series, len(LEVELS), horizon).

    The variance is m + φ m², φ fitted by moments over all series and then widened,
    because a few weeks show too little of what can happen.

    Parameters
    ----------
    mean : shape (n_series, horizon), expected counts
    history, fitted : shape (n_series, n_past), counts and what the mean said of them
    """
    excess = ((history - fitted) ** 2 - fitted).sum()
    dispersion = max(float(excess / max((fitted**2).sum(), 1e-9)), 0.0)
    doubt = 1.0 + SHORT_DOUBT_DAYS / history.shape[1]
    size = 1.0 / (doubt * dispersion + 0.1)
    chance = size / (size + np.maximum(mean, 1e-9))
    return np.stack([nbinom.ppf(level, size, chance) for level in LEVELS], axis=1)


def _bucket_spread(error: Floats, bucket: NDArray[np.intp]) -> Floats:
    """Root mean square of the winsorised errors of each bucket."""
    spread = np.full(N_BUCKETS, 0.5)
    for k in range(N_BUCKETS):
        members = error[bucket == k]
        if len(members):
            low, high = np.quantile(members, (0.02, 0.98))
            spread[k] = np.sqrt((np.clip(members, low, high) ** 2).mean())
    return np.asarray(np.maximum(spread, 0.02))


def _series_scale(unit: Floats) -> Floats:
    """How much wider than the pool each series errs, shrunk to 1."""
    n_errors = unit.shape[0] * unit.shape[2]
    square = np.minimum(np.abs(unit), np.quantile(np.abs(unit), 0.99)) ** 2
    pool = max(float(square.mean()), 1e-9)
    own = square.sum(axis=(0, 2)) + SCALE_PRIOR_DAYS * pool
    scale: Floats = np.sqrt(own / (n_errors + SCALE_PRIOR_DAYS) / pool)
    return scale


def _bucket_quantiles(unit: Floats, bucket: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Quantiles of the unit errors per bucket: at LEVELS, and finely for the mean."""
    cuts = np.empty((N_BUCKETS, len(LEVELS)))
    fine = np.empty((N_BUCKETS, len(FINE_LEVELS)))
    everything = unit.ravel()
    for k in range(N_BUCKETS):
        members = unit[bucket == k]
        chosen = members if len(members) >= MIN_BUCKET else everything
        cuts[k] = np.quantile(chosen, LEVELS)
        fine[k] = np.clip(np.quantile(chosen, FINE_LEVELS), -MEAN_CLIP, MEAN_CLIP)
    return cuts, fine
