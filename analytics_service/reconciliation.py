"""Zone × category series and their sums, and forecasts that add up across them.

`cut_table` lays out every cut (total, zones, categories, cells) as sums of cells.
Forecasts of all cuts, made independently, are raked: the total stands, its parts are
scaled to it. (Least-squares reconciliation was worse at every level: sums of means
that leave storms out drag the total down.) `whole_cells` rounds to integers that add
up too. Medians and other quantiles do not add up by nature and are left per cut.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Key = tuple[str | None, str | None]

FITTING_ROUNDS = 20


@dataclass(frozen=True)
class CutTable:
    """Every cut of a set of cells.

    keys : (zone, category) of each cut; None means all; cells come last
    sums : shape (n_cuts, n_cells), 1 where the cell belongs to the cut
    cells : (zone, category) of each cell
    """

    keys: tuple[Key, ...]
    sums: Floats
    cells: tuple[tuple[str, str], ...]

    def rows(self, cell_values: Floats) -> Floats:
        """Sum cells of shape (n_cells, …) up to all cuts, shape (n_cuts, …)."""
        return np.tensordot(self.sums, cell_values, axes=1)


def cut_table(cells: Iterable[tuple[object, object]]) -> CutTable:
    """Return the cuts of cells named by (zone, category): total, margins, cells."""
    pairs = tuple((str(zone), str(category)) for zone, category in cells)
    if not pairs:
        raise ValueError("there are no cells to forecast")
    if len(set(pairs)) != len(pairs):
        raise ValueError("a zone and category may appear only once")
    zones = sorted({zone for zone, _ in pairs})
    categories = sorted({category for _, category in pairs})
    keys: list[Key] = [(None, None)]
    keys += [(zone, None) for zone in zones]
    keys += [(None, category) for category in categories]
    keys += pairs
    sums = [
        [zone in (None, z) and category in (None, c) for z, c in pairs]
        for zone, category in keys
    ]
    return CutTable(tuple(keys), np.array(sums, dtype=np.float64), pairs)


def reconcile(margins: Floats, cells: Floats, table: CutTable) -> Floats:
    """Return forecasts that add up, ≥ 0, shape (n_cuts, horizon).

    The total is kept: its own forecast was the best of all at every origin tried.
    Zones and categories are scaled to it, cells to both by iterative proportional
    fitting (Deming & Stephan 1940).

    Parameters
    ----------
    margins : shape (n_cuts, horizon), forecasts ≥ 0 of all cuts; cells not used
    cells : shape (n_cells, horizon), forecasts that give the cells' shares: means,
        since the medians of rare events are all 0
    """
    zones = np.array([c is None and z is not None for z, c in table.keys])
    categories = np.array([z is None and c is not None for z, c in table.keys])
    sides = [
        (table.sums[side], _scaled(margins[side], margins[0]))
        for side in (categories, zones)
    ]
    fitted = np.maximum(cells, 0.0)
    for _ in range(FITTING_ROUNDS):
        for members, wanted in sides:
            ratio = wanted / np.maximum(members @ fitted, 1e-12)
            fitted = fitted * (members.T @ ratio)
    return table.rows(_scaled(fitted, margins[0]))


def _scaled(parts: Floats, total: Floats) -> Floats:
    """Scale parts of shape (n_parts, horizon) to sum to the total of each day."""
    scaled: Floats = parts * (total / np.maximum(parts.sum(axis=0), 1e-12))
    return scaled


def whole_cells(cell_values: Floats, table: CutTable) -> Floats:
    """Round cells of shape (n_cells, horizon) to integers ≥ 0.

    Totals stay within one of their values, zones are shared out by largest
    remainder, and what a category lost in one zone it gets in the next, so every
    sum stays close to its own value.
    """
    zones = sorted({zone for zone, _ in table.cells})
    categories = sorted({category for _, category in table.cells})
    place = [(zones.index(z), categories.index(c)) for z, c in table.cells]
    grid = np.zeros((len(zones), len(categories), cell_values.shape[1]))
    for (z, c), row in zip(place, cell_values, strict=True):
        grid[z, c] = row
    whole = np.stack([_round_table(day) for day in np.moveaxis(grid, -1, 0)], axis=-1)
    return np.stack([whole[z, c] for z, c in place])


def _round_table(table: Floats) -> Floats:
    """Round one zones × categories table, carrying what was lost down each column."""
    zone_totals = _largest_remainder(table.sum(axis=1), round(float(table.sum())))
    whole = np.zeros_like(table)
    carried = np.zeros(table.shape[1])
    for z, row in enumerate(table):
        wanted = np.where(row > 0, np.maximum(row + carried, 0.0), 0.0)
        whole[z] = _largest_remainder(wanted, int(zone_totals[z]))
        carried += row - whole[z]
    return whole


def _largest_remainder(wanted: Floats, total: int) -> Floats:
    """Share a total out in integers ≥ 0 as near to `wanted` ≥ 0 as can be.

    Ties go to the first, so that equal inputs give equal answers.
    """
    whole = np.floor(wanted)
    while (missing := total - int(whole.sum())) != 0:
        rest = wanted - whole
        if missing > 0:
            rest = np.where(wanted > 0, rest, -np.inf) if wanted.any() else rest
            most = min(missing, int(np.isfinite(rest).sum()))
            best = np.argsort(-rest, kind="stable")[:most]
            whole[best] += 1
        else:
            rest = np.where(whole > 0, rest, np.inf)
            best = np.argsort(rest, kind="stable")[:-missing]
            whole[best] = np.maximum(whole[best] - 1, 0)
    return whole
