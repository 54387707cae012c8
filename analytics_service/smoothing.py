"""Levels and weekly seasons of many daily series at once, on the square-root scale.

On that scale the noise of counts is even, whatever the level. One pass over the
days runs every series under a small grid of (level, season) rates, with outliers
clipped; means over windows of several lengths and a top-down share of the common
level are forecasts of other bias. `combine` weighs them by their errors at past
origins. Refuses to search for a best model per series: averaging beats choosing.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEEK = 7
GRID = tuple(
    (level, season)
    for level in (0.01, 0.03, 0.07, 0.15, 0.3)
    for season in (0.0, 0.03, 0.1)
)
WINDOWS = (28, 91, 365, 1500)
SHARE_WINDOWS = (91, 365)
SHARE_WEIGHT = 2.0
COMMON_RATES = ((0.07, 0.0), (0.15, 0.0))
CLIP_SIGMAS = 5.0
SCALE_RATE = 0.03
START_DAYS = 28
TEMPERATURE = 0.1  # how sharply better candidates are preferred
POOLING = 0.6  # share of a candidate's error that is judged over all series


@dataclass(frozen=True)
class Panel:
    """Series on the square-root scale with what the calendar says of their days.

    roots : shape (n_series, n_past), square roots of the values
    root_factors : shape (n_series, n_past + horizon), square roots of day factors
    weekday : shape (n_past + horizon,), 0 = Monday
    """

    roots: Floats
    root_factors: Floats
    weekday: Ints

    @property
    def n_past(self) -> int:
        return int(self.roots.shape[1])


@dataclass(frozen=True)
class States:
    """What the smoother knew before each origin.

    level : shape (n_origins, n_grid, n_series)
    season : shape (n_origins, 7, n_grid, n_series)
    """

    level: Floats
    season: Floats


@dataclass
class Trace:
    """One-step errors of a pass, and how large errors had been before each day.

    Both have one array of shape (n_grid, n_series) per day, root scale; `sigma` is
    the clipped mean absolute error × 1.25, a robust standard deviation.
    """

    error: list[Floats] = field(default_factory=list)
    sigma: list[Floats] = field(default_factory=list)


def smooth(
    panel: Panel,
    origins: list[int],
    grid: tuple[tuple[float, float], ...] = GRID,
    clip_sigmas: float = CLIP_SIGMAS,
    trace: Trace | None = None,
) -> States:
    """Run the robust seasonal smoother once over the days, all series and rates.

    An error counts for at most `clip_sigmas` robust standard deviations, so a storm
    does not carry the level away. `origins` are counts of past days, rising. A given
    `trace` is filled with the one-step errors.
    """
    rate = np.array([[level] for level, _ in grid])
    season_rate = np.array([[season] for _, season in grid])
    level, season, sigma = _start(panel, len(grid))
    levels, seasons = [], []
    gains = np.minimum(panel.root_factors, 2.0)
    wanted = set(origins)
    for day in range(panel.n_past):
        if day in wanted:
            levels.append(level.copy())
            seasons.append(season.copy())
        weekday = panel.weekday[day]
        error = (
            panel.roots[:, day] - level * panel.root_factors[:, day] - season[weekday]
        )
        if trace is not None:
            trace.error.append(error)
            trace.sigma.append(sigma)
        limit = clip_sigmas * sigma
        error = np.minimum(np.maximum(error, -limit), limit)
        sigma = sigma + SCALE_RATE * (1.25 * np.abs(error) - sigma)
        level = level + rate * error * gains[:, day]
        season[weekday] += season_rate * error
    if panel.n_past in wanted:
        levels.append(level)
        seasons.append(season)
    return States(np.stack(levels), np.stack(seasons))


def candidates(panel: Panel, origins: list[int], horizon: int) -> Floats:
    """Return root-scale forecasts of every candidate from every origin.

    Shape (n_origins, n_candidates, n_series, horizon): the grid of smoothers, then
    the windows, then the top-down shares.
    """
    states = smooth(panel, origins)
    common = _common_ratio(panel, origins)
    forecasts = []
    for i, origin in enumerate(origins):
        ahead = slice(origin, origin + horizon)
        season = np.moveaxis(states.season[i][panel.weekday[ahead]], 0, -1)
        smoothed = states.level[i][:, :, None] * panel.root_factors[:, ahead] + season
        windows = {
            days: window_forecast(panel, origin, days, horizon)
            for days in (*WINDOWS, *SHARE_WINDOWS)
        }
        plain = [windows[days][None] for days in WINDOWS]
        shares = [(windows[days] * common[days][i])[None] for days in SHARE_WINDOWS]
        forecasts.append(np.concatenate([smoothed, *plain, *shares]))
    return np.stack(forecasts)


def combine(forecasts: Floats, panel: Panel, origins: list[int]) -> Floats:
    """Average the candidates by their errors at all origins but the last.

    A candidate's weight in a series falls with its mean squared (winsorised) error,
    partly pooled over the series. Returns shape (n_origins, n_series, horizon) ≥ 0.
    """
    horizon = forecasts.shape[-1]
    actual = np.stack([panel.roots[:, o : o + horizon] for o in origins[:-1]])
    error = np.abs(forecasts[:-1] - actual[:, None])
    typical = np.maximum(np.median(error, axis=(0, 1, 3)), 0.1)
    loss = (np.minimum(error / typical[:, None], 3.0) ** 2).mean(axis=(0, 3))
    relative = loss / np.maximum(loss.mean(axis=0), 1e-9)
    pooled = relative.mean(axis=1, keepdims=True)
    relative = (1 - POOLING) * relative + POOLING * pooled
    weight = np.exp(-(relative - relative.min(axis=0)) / TEMPERATURE)
    weight[-len(SHARE_WINDOWS) :] *= SHARE_WEIGHT
    weight /= weight.sum(axis=0)
    mixed: Floats = np.einsum("ogsh,gs->osh", forecasts, weight)
    return np.maximum(mixed, 0.0)


def window_forecast(panel: Panel, origin: int, days: int, horizon: int) -> Floats:
    """Level of the last `days` days × factors, plus a shrunk weekday remainder.

    Shape (n_series, horizon), root scale.
    """
    past = slice(max(0, origin - days), origin)
    ahead = slice(origin, origin + horizon)
    level, rest = _level_and_rest(panel.roots[:, past], panel.root_factors[:, past])
    season = _weekday_means(rest, panel.weekday[past])
    return (
        level[:, None] * panel.root_factors[:, ahead] + season[panel.weekday[ahead]].T
    )


def _common_ratio(panel: Panel, origins: list[int]) -> dict[int, Floats]:
    """Common level now ÷ its mean over each share window, per origin (root scale)."""
    values = panel.roots**2
    share = values.mean(axis=1) / max(float(values.mean(axis=1).sum()), 1e-9)
    factor = np.maximum(share @ panel.root_factors**2, 1e-9)
    total = np.sqrt(values.sum(axis=0) / factor[: panel.n_past])[None]
    flat = Panel(total, np.ones((1, len(factor))), panel.weekday)
    now = smooth(flat, origins, COMMON_RATES).level.mean(axis=(1, 2))
    return {
        days: np.array(
            [
                now[i] / max(float(total[0, max(0, o - days) : o].mean()), 1e-9)
                for i, o in enumerate(origins)
            ]
        )
        for days in SHARE_WINDOWS
    }


def _start(panel: Panel, n_grid: int) -> tuple[Floats, Floats, Floats]:
    """Level, season and error scale of the first weeks, the season shrunk."""
    past = slice(0, START_DAYS)
    level, rest = _level_and_rest(
        panel.roots[:, past], panel.root_factors[:, :START_DAYS]
    )
    season = 0.3 * _weekday_means(rest, panel.weekday[:START_DAYS][: rest.shape[1]])
    sigma = np.maximum(rest.std(axis=1), 0.05)
    return (
        np.tile(level, (n_grid, 1)),
        np.repeat(season[:, None], n_grid, axis=1),
        np.tile(sigma, (n_grid, 1)),
    )


def _level_and_rest(roots: Floats, root_factors: Floats) -> tuple[Floats, Floats]:
    """Least-squares level of roots on the day factors, and what it leaves."""
    factors = root_factors[:, : roots.shape[1]]
    level = (factors * roots).sum(axis=1) / ((factors**2).sum(axis=1) + 1e-9)
    return level, roots - factors * level[:, None]


def _weekday_means(rest: Floats, weekday: Ints) -> Floats:
    """Means by weekday, shrunk to 0 as if four more days had none: shape (7, n)."""
    member = np.eye(WEEK)[weekday]
    means: Floats = (member.T @ rest.T) / (member.sum(axis=0)[:, None] + 4.0)
    return means
