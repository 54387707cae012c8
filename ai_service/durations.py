"""How long a visit takes on site: the median per category, from past visits.

A plain baseline. Refuses to speak for a category with fewer than `LEAST` visits:
then the planning minutes of skills.py stand in, and the answer says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
import orjson

from ai_service.skills import PLANNING_MINUTES

NAME = "visit_minutes_table"
PURPOSE = "minutes on site of a visit, for planning"
FEATURES = ("category",)
LEAST = 5
HOLD_OUT_RATIO = 0.2


@dataclass(frozen=True, slots=True)
class DurationTable:
    """median, n: {category: median minutes}, {category: visits counted}."""

    median: Mapping[str, float] = field(default_factory=dict)
    n: Mapping[str, int] = field(default_factory=dict)

    def minutes(self, category: str, estimated: float | None = None) -> float:
        """Return the ticket's own estimate, else the median, else planning minutes."""
        if estimated:
            return float(estimated)
        if self.n.get(category, 0) >= LEAST:
            return self.median[category]
        return float(PLANNING_MINUTES[category])

    def source(self, category: str, estimated: float | None = None) -> str:
        if estimated:
            return "the ticket's own estimate"
        if self.n.get(category, 0) >= LEAST:
            return f"median of {self.n[category]} past visits of this category"
        return "planning minutes of the category (too few past visits)"


def fit(rows: Sequence[Any]) -> DurationTable:
    """Return the medians of rows (category, minutes)."""
    by_category: dict[str, list[float]] = {}
    for category, minutes in rows:
        by_category.setdefault(category, []).append(float(minutes))
    median = {c: round(float(np.median(m)), 1) for c, m in sorted(by_category.items())}
    return DurationTable(median, {c: len(m) for c, m in sorted(by_category.items())})


def hold_out_figures(
    rows: Sequence[Any],
) -> tuple[dict[str, object], dict[str, object]]:
    """Return the median absolute error on the newest fifth, and that of one median."""
    split = int(len(rows) * (1 - HOLD_OUT_RATIO))
    table, test = fit(rows[:split]), rows[split:]
    overall = float(np.median([float(m) for _, m in rows[:split]]))
    own = [abs(table.median.get(c, overall) - float(m)) for c, m in test]
    plain = [abs(overall - float(m)) for _, m in test]
    figure = "median_absolute_error_minutes"
    error, plain_error = (round(float(np.median(e)), 2) for e in (own, plain))
    baseline = {"name": "one overall median", "n": len(test), figure: plain_error}
    return {"n": len(test), figure: error}, baseline


def packed(table: DurationTable) -> tuple[bytes, bytes]:
    body = orjson.dumps(
        {"median": table.median, "n": table.n}, option=orjson.OPT_SORT_KEYS
    )
    return body, sha256(body).digest()


def unpacked(body: bytes, checksum: bytes) -> DurationTable:
    """Return a stored table; raises ValueError if it is not what was stored."""
    if sha256(body).digest() != checksum:
        raise ValueError("the stored duration table does not match its checksum")
    return DurationTable(**orjson.loads(body))
