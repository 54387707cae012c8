"""How far a long command has come: a bar for a person, a line now and then in a log."""

import sys
from types import TracebackType
from typing import Self

from tqdm import tqdm

from service_kit.clock import monotonic_s

LINE_EVERY_S = 5.0


class Progress:
    """Counts up to `total`; `with Progress("tickets", 100) as p: p.add(5)`."""

    def __init__(self, unit: str, total: int, *, what: str = "") -> None:
        self.unit, self.total, self.what = unit, total, what or unit
        self.done = 0
        self.told_at = monotonic_s()
        self.bar = None
        if sys.stderr.isatty():
            self.bar = tqdm(total=total, unit=f" {unit}", desc=what, leave=False)

    def add(self, count: int) -> None:
        self.done += count
        if self.bar is not None:
            self.bar.update(count)
        elif monotonic_s() - self.told_at >= LINE_EVERY_S:
            self.told_at = monotonic_s()
            print(
                f"{self.what}: {self.done:,} of {self.total:,} {self.unit}", flush=True
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.close()
