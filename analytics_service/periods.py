"""Days of the organisation, and the stretches of the roll-up that cover them.

A day is a local date of one zone, 23, 24 or 25 hours long. Refuses periods that
are reversed, longer than five years or outside 1970-2199.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service_kit.errors import Invalid

DEFAULT_DAYS = 30
MOST_DAYS = 5 * 366
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(2199, 12, 30)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both inclusive, in `zone`."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def starts_at(self) -> datetime:
        """The instant at which the first day begins."""
        return day_start(self.first, self.zone)

    @property
    def ends_at(self) -> datetime:
        """The instant at which the day after the last one begins."""
        return day_start(self.last + DAY, self.zone)

    def previous(self) -> "Period":
        """Return the period of the same length that ends where this one begins."""
        return Period(
            self.first - timedelta(days=self.days), self.first - DAY, self.zone
        )

    def all_days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range(self.days)]


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a local day, in UTC, whatever the clocks do."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def local_day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def period_of(
    first: date | None, last: date | None, today: date, zone: ZoneInfo
) -> Period:
    """Return the asked period; by default the 30 days that end today.

    Raises Invalid naming `from` or `to`.
    """
    for name, day in (("from", first), ("to", last)):
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            raise Invalid({name: f"Must lie from {FIRST_DAY} to {LAST_DAY}."})
    until = last or max(today, first or today)
    since = first or until - timedelta(days=DEFAULT_DAYS - 1)
    if since > until:
        raise Invalid({"from": "Must not be after `to`."})
    if (until - since).days >= MOST_DAYS:
        raise Invalid({"from": "A period may hold at most five years."})
    return Period(since, until, zone)


class Cover(NamedTuple):
    """Rows of the roll-up that add up to stretches of days.

    bounds: the first days of the stretches, ascending, and the day after the last.
    days, months: `starts_on` of the rows of grain `d` and `m` to read.
    """

    bounds: list[date]
    days: list[date]
    months: list[date]


def cover(bounds: Sequence[date], *, by_months: bool = True) -> Cover:
    """Return the rows that cover each stretch between consecutive bounds.

    Whole months inside a stretch are read as one row, the odd days one by one.
    """
    edges = sorted(set(bounds))
    days: list[date] = []
    months: list[date] = []
    for first, end in pairwise(edges):
        at = first
        while at < end:
            following = next_month(at)
            if by_months and at.day == 1 and following <= end:
                months.append(at)
                at = following
            else:
                days.append(at)
                at += DAY
    return Cover(edges, days, months)


def next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
