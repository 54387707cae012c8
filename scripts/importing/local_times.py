"""Local times of a source as instants, through the hours of summer time.

A time that came twice is taken as its first occurrence, unless that would lie before
the event that it must follow; a time that never was moves on by the gap. Both are
counted, so that a report can say how many were guessed.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

ISO = "iso"


@dataclass(slots=True)
class LocalTimes:
    """Reads times of one zone and format. counts: `ambiguous`, `skipped_hour`."""

    zone: ZoneInfo
    form: str = ISO
    counts: Counter[str] = field(default_factory=Counter)

    def instant(self, text: str, *, after: datetime | None = None) -> datetime:
        """Return the instant in UTC. after: an instant it cannot precede.

        A time with an offset of its own is taken as it says. Raises ValueError on
        what does not fit the format.
        """
        if self.form == ISO:
            wall = datetime.fromisoformat(text)
        else:
            wall = datetime.strptime(text, self.form)  # noqa: DTZ007 - local by design
        if wall.tzinfo is not None:
            return wall.astimezone(UTC)
        return self.placed(wall, after)

    def placed(self, wall: datetime, after: datetime | None) -> datetime:
        first = wall.replace(tzinfo=self.zone)
        second = first.replace(fold=1)
        if first.utcoffset() == second.utcoffset():
            return first.astimezone(UTC)
        early, late = sorted((first.astimezone(UTC), second.astimezone(UTC)))
        if early.astimezone(self.zone).replace(tzinfo=None) != wall:
            self.counts["skipped_hour"] += 1
            return late
        self.counts["ambiguous"] += 1
        return late if after is not None and early < after else early
