"""Days of the organisation, and the stretches of the roll-up that cover them.

A day is a local date of one zone, 23, 24 or 25 hours long. Refuses periods that
are reversed, longer than five years or outside 1970-2199.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service_kit.errors import Invalid

DEFAULT_DAYS = 30
MOST_DAYS = 5 * 366
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(2199, 12, 30)
DAY, WEEK = timedelta(days=1), timedelta(days=7)


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
    days, weeks, months: `starts_on` of the rows of each grain to read.
    """

    bounds: list[date]
    days: list[date]
    weeks: list[date]
    months: list[date]

    @property
    def rows(self) -> int:
        return len(self.days) + len(self.weeks) + len(self.months)


def cover(edges: Iterable[date]) -> Cover:
    """Return the rows that cover each stretch between consecutive edges.

    Whole months inside a stretch are read as one row, else whole weeks, and the
    odd days one by one.
    """
    found = Cover(sorted(set(edges)), [], [], [])
    for first, end in pairwise(found.bounds):
        at = first
        while at < end:
            at = add_stretch(found, at, end)
    return found


class Marked(NamedTuple):
    """A cover together with the part of its first stretch that ends on some day.

    The part is every row of `rows` that begins before `until`, and those `beside`: the
    longer row that the day lies in counts in the stretch alone.
    """

    rows: Cover
    until: date
    beside: Cover

    @property
    def all_rows(self) -> Cover:
        bounds, days, weeks, months = self.rows
        more = self.beside
        return Cover(bounds, days + more.days, weeks + more.weeks, months + more.months)


def marked_cover(edges: Iterable[date], day: date) -> Marked:
    """Return the rows of `cover` and what the part before a day of it takes.

    Mostly fewer rows than to end a stretch there: 7 of 12 for the last 30 days.
    """
    rows = cover(edges)
    lengths = [(at, at + WEEK) for at in rows.weeks]
    lengths += [(at, next_month(at)) for at in rows.months]
    until = next((at for at, end in lengths if at < day < end), day)
    return Marked(rows, until, cover([until, day]))


def add_stretch(found: Cover, at: date, end: date) -> date:
    """Add the longest row that begins at `at` and is of use; return what follows."""
    month = at if at.day == 1 else next_month(at)
    whole_month = next_month(month) <= end
    if whole_month and month == at:
        found.months.append(at)
        return next_month(at)
    if at.weekday() == 0 and at + WEEK <= (month if whole_month else end):
        found.weeks.append(at)
        return at + WEEK
    found.days.append(at)
    return at + DAY


def days_cover(first: date, last: date) -> Cover:
    """Return the rows of every single day."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return Cover([*days, last + DAY], days, [], [])


def next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
