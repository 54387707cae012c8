"""How likely a ticket breaks its promise: a table of past tickets, smoothed.

For each past ticket `used` is its resolution time as a share of the promised
time (above 1 it was missed). For a ticket that has used the share u and is not
done, the probability is the part of past tickets of its kind with used > 1
among those with used > u. Kinds are nested: all, priority, priority and
category, and zone; each is drawn towards its parent by `PRIOR` pseudo-tickets,
so that small kinds do not shout. A plain baseline, and served as such.
Refuses to answer without history: the probability is then None.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise

import numpy as np
import orjson
from numpy.typing import NDArray

NAME = "breach_rate_table"
PURPOSE = "probability that an unfinished ticket misses its resolution time"
FEATURES = ("priority", "category", "zone", "share of the promised time used")
STEPS = 20
GRID = np.linspace(0.0, 1.0, STEPS + 1)
PRIOR = 20.0
HOLD_OUT_RATIO = 0.2
LEAST_ROWS = 50
ALL = ""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Past:
    """Past tickets with a verdict, in order of opening.

    used: share of the promised time; above 1 exactly for the missed ones.
    """

    priority: NDArray[np.object_]
    category: NDArray[np.object_]
    zone: NDArray[np.object_]
    used: Floats

    def __len__(self) -> int:
        return len(self.used)

    def part(self, rows: slice) -> "Past":
        return Past(
            self.priority[rows], self.category[rows], self.zone[rows], self.used[rows]
        )

    def kinds(self) -> list[NDArray[np.object_]]:
        """Return the keys of each row, from the widest kind to the narrowest."""
        two = self.priority + "|" + self.category
        return [
            np.full(len(self), ALL, object),
            self.priority,
            two,
            two + "|" + self.zone,
        ]


@dataclass(frozen=True, slots=True)
class RiskTable:
    """counts: {kind: tickets with used > GRID[i], for each i}."""

    counts: dict[str, list[int]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return self.counts.get(ALL, [0])[0]

    @property
    def overall_rate(self) -> float | None:
        """Return the share of past tickets that missed, None without history."""
        found = self.counts.get(ALL)
        return found[-1] / found[0] if found and found[0] else None

    def curve(self, priority: str, category: str, zone: str) -> tuple[Floats, int]:
        """Return the probability at each grid point, and n of the narrowest kind."""
        kinds = [priority, f"{priority}|{category}", f"{priority}|{category}|{zone}"]
        top = np.array(self.counts[ALL], float)
        curve = top[-1] / np.maximum(top, 1.0)
        n = 0
        for kind in kinds:
            found = np.array(self.counts.get(kind, [0] * (STEPS + 1)), float)
            curve = (found[-1] + PRIOR * curve) / (found + PRIOR)
            n = int(found[0])
        return curve, n

    def probability(
        self, priority: str, category: str, zone: str, used: Floats
    ) -> tuple[Floats, int] | None:
        """Return (probability for each used share, n of the kind), None if unknown."""
        if not self.rows:
            return None
        curve, n = self.curve(priority, category, zone)
        return np.where(used >= 1.0, 1.0, np.interp(used, GRID, curve)), n


def fit(past: Past) -> RiskTable:
    """Count survivors per kind and grid point."""
    # right: used > GRID[i]; a ticket counts at every i below its own bin
    bins = np.searchsorted(GRID, past.used, side="left")
    counts: dict[str, list[int]] = {}
    for keys in past.kinds():
        names, codes = np.unique(keys.astype(str), return_inverse=True)
        table = np.zeros((len(names), STEPS + 2), np.int64)
        np.add.at(table, (codes, bins), 1)
        above = table[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
        counts.update(zip(names.tolist(), above.tolist(), strict=True))
    return RiskTable(counts)


def share_used(
    at: Floats, opened: float, risk: float | None, due: float | None
) -> Floats:
    """Return the share of promised time used at instants `at` (epoch seconds).

    Interpolated on the wall clock between opening (0), the risk instant (0.75 of
    working time) and the due instant (1): the two are exact, between them it is
    an approximation that needs no calendar. Without a due time it is 0.
    """
    if due is None:
        return np.zeros_like(at)
    points = [(opened, 0.0), (due, 1.0)]
    if risk is not None and opened < risk < due:
        points.insert(1, (risk, 0.75))
    if due <= opened:
        return np.where(at >= due, 1.0, 0.0)
    xs, ys = zip(*points, strict=True)
    return np.asarray(np.interp(at, xs, ys))


# ---- how good it is ------------------------------------------------------------------


def hold_out_figures(past: Past) -> tuple[dict[str, object], dict[str, object]]:
    """Return figures of the table and of the overall rate on the newest tickets.

    Time-ordered: the oldest 80 % are counted, the newest 20 % are predicted from
    what is known at opening.
    """
    split = int(len(past) * (1 - HOLD_OUT_RATIO))
    table, test = fit(past.part(slice(0, split))), past.part(slice(split, None))
    missed = (test.used > 1).astype(float)
    curves = {
        key: table.curve(*key)[0][0]
        for key in set(zip(test.priority, test.category, test.zone, strict=True))
    }
    predicted = np.array(
        [curves[k] for k in zip(test.priority, test.category, test.zone, strict=True)]
    )
    rate = np.full(len(test), table.overall_rate or 0.0)
    shared = {"n": len(test), "breach_ratio": round(float(missed.mean()), 4)}
    return {**shared, **scores(predicted, missed)}, {
        "name": "overall past rate",
        **shared,
        **scores(rate, missed),
    }


def scores(predicted: Floats, happened: Floats) -> dict[str, object]:
    return {
        "auc": rounded(area_under_curve(predicted, happened)),
        "brier": rounded(float(np.mean((predicted - happened) ** 2))),
        "ece": rounded(calibration_error(predicted, happened)),
    }


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def area_under_curve(predicted: Floats, happened: Floats) -> float | None:
    """Return the AUC by ranks (ties count half), None if only one class happened."""
    positives = int(happened.sum())
    negatives = len(happened) - positives
    if not positives or not negatives:
        return None
    _, inverse, sizes = np.unique(predicted, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    ranks = ((last - sizes + 1 + last) / 2)[inverse]
    above = ranks[happened == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def calibration_error(predicted: Floats, happened: Floats) -> float:
    """Return the expected calibration error over ten equal bins."""
    total = 0.0
    edges = np.linspace(0, 1, 11)
    edges[-1] = 1.0 + 1e-9
    for low, high in pairwise(edges):
        inside = (predicted >= low) & (predicted < high)
        if inside.any():
            gap = abs(predicted[inside].mean() - happened[inside].mean())
            total += inside.mean() * gap
    return float(total)


# ---- kept as plain numbers -----------------------------------------------------------


def packed(table: RiskTable) -> tuple[bytes, bytes]:
    """Return the table as JSON bytes, and their SHA-256."""
    body = orjson.dumps({"counts": table.counts}, option=orjson.OPT_SORT_KEYS)
    return body, sha256(body).digest()


def unpacked(body: bytes, checksum: bytes) -> RiskTable:
    """Return a stored table; raises ValueError if it is not what was stored."""
    if sha256(body).digest() != checksum:
        raise ValueError("the stored risk table does not match its checksum")
    return RiskTable(orjson.loads(body)["counts"])


def past_from(rows: Sequence[tuple[str, str, str, float | None, bool]]) -> Past:
    """Return `Past` from rows (priority, category, zone, used share, missed).

    A share that contradicts the verdict is moved to its side of 1; without one
    a met ticket counts at 0.5 and a missed one above 1.
    """
    columns: list[tuple[object, ...]] = list(zip(*rows, strict=True)) or [()] * 5
    missed = np.array(columns[4], bool)
    known = [0.5 if u is None else float(u) for u in columns[3]]  # type: ignore[arg-type]
    used = np.array(known, float)
    used = np.where(missed, np.maximum(used, 1.0 + 1e-6), np.clip(used, 1e-6, 1.0))
    priority, category, zone = (np.array(c, object) for c in columns[:3])
    return Past(priority, category, zone, used)
