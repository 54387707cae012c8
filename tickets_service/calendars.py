"""Working calendars (R1, R2): from a definition to a question of two bisects.

A definition is compiled once into sorted UTC intervals with the working time
before each. The table grows by itself when a question lies outside of it.
Instants inside are whole microseconds since 1970 (UTC), so nothing is rounded.
Refuses to read a clock or a row; a bad definition is Invalid, its field named.
"""

import re
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from service_kit.errors import Invalid

SECOND = 1_000_000
DAY_MINUTES = 24 * 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2400, 12, 31)
MARGIN_DAYS = 200  # compiled beyond what was asked for
MAX_HOLIDAYS = 5_000
MAX_INTERVALS = 24  # of a day
CLOCK = re.compile(r"(\d{1,2}):(\d{2})")

Interval = tuple[int, int]  # minutes after local midnight, half-open


def micros(instant: datetime) -> int:
    """Return an aware instant as microseconds since 1970."""
    gap = instant - EPOCH
    return (gap.days * 86_400 + gap.seconds) * SECOND + gap.microseconds


def instant(us: int) -> datetime:
    """Return microseconds since 1970 as an instant in UTC."""
    return EPOCH + timedelta(microseconds=us)


@dataclass(frozen=True, slots=True)
class Definition:
    """A checked calendar. weekly: Monday is 0; closed: {date: name or ''}."""

    tz: str
    weekly: tuple[tuple[Interval, ...], ...]
    closed: Mapping[date, str]
    overrides: Mapping[date, tuple[Interval, ...]]

    def intervals_on(self, day: date) -> tuple[Interval, ...]:
        """Return the intervals that begin on `day`; an override beats a holiday."""
        if day in self.overrides:
            return self.overrides[day]
        return () if day in self.closed else self.weekly[day.weekday()]


def parse_calendar(raw: object, field: str = "calendar") -> Definition:
    """Return the checked definition, or raise Invalid naming `field.<part>`."""
    if not isinstance(raw, Mapping):
        raise Invalid({field: "must be an object with tz and weekly"})
    known = {"tz", "weekly", "holidays", "holiday_names", "overrides"}
    for name in raw:
        if name not in known:
            raise Invalid({f"{field}.{name}": "unknown field"})
    definition = Definition(
        tz=parse_zone(raw.get("tz"), f"{field}.tz"),
        weekly=parse_weekly(raw.get("weekly", {}), f"{field}.weekly"),
        closed=parse_holidays(raw, field),
        overrides=parse_overrides(raw.get("overrides") or {}, f"{field}.overrides"),
    )
    if not any(definition.weekly):
        raise Invalid({f"{field}.weekly": "the calendar never opens"})
    return definition


def parse_zone(name: object, field: str) -> str:
    if not isinstance(name, str) or not name:
        raise Invalid({field: "the name of a time zone is required"})
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid({field: "unknown time zone"}) from error
    return name


def parse_weekly(raw: object, field: str) -> tuple[tuple[Interval, ...], ...]:
    if not isinstance(raw, Mapping):
        raise Invalid({field: "must be an object: weekday 0-6 to intervals"})
    for day in raw:
        if str(day) not in set("0123456"):
            raise Invalid({f"{field}.{day}": "weekdays are 0 (Monday) to 6"})
    by_day = {str(day): intervals for day, intervals in raw.items()}
    week = tuple(
        parse_intervals(by_day.get(str(day)) or [], f"{field}.{day}")
        for day in range(7)
    )
    for day, intervals in enumerate(week):
        refuse_overlap_with_next(intervals, week[(day + 1) % 7], f"{field}.{day}")
    return week


def refuse_overlap_with_next(
    today: Sequence[Interval], tomorrow: Sequence[Interval], field: str
) -> None:
    if today and tomorrow and today[-1][1] > tomorrow[0][0] + DAY_MINUTES:
        raise Invalid({field: "runs into the intervals of the next day"})


def parse_intervals(raw: object, field: str) -> tuple[Interval, ...]:
    """Return sorted, disjoint intervals in minutes; ends may pass 24:00."""
    if not isinstance(raw, list | tuple):
        raise Invalid({field: 'must be a list of ["HH:MM", "HH:MM"]'})
    if len(raw) > MAX_INTERVALS:
        raise Invalid({field: f"has more than {MAX_INTERVALS} intervals"})
    found = sorted(parse_interval(pair, field) for pair in raw)
    for before, after in pairwise(found):
        if after[0] < before[1]:
            raise Invalid({field: "intervals overlap"})
    return tuple(found)


def parse_interval(raw: object, field: str) -> Interval:
    if not isinstance(raw, list | tuple) or len(raw) != 2:
        raise Invalid({field: 'an interval is ["HH:MM", "HH:MM"]'})
    start, end = parse_time(raw[0], field), parse_time(raw[1], field)
    if start >= end:
        raise Invalid({field: "an interval must end after it starts"})
    if start >= DAY_MINUTES or end > 2 * DAY_MINUTES or end - start > DAY_MINUTES:
        raise Invalid(
            {field: "an interval starts before 24:00 and lasts at most a day"}
        )
    return start, end


def parse_time(raw: object, field: str) -> int:
    match = CLOCK.fullmatch(raw) if isinstance(raw, str) else None
    if match is None or int(match[2]) > 59:
        raise Invalid({field: "times are HH:MM, past midnight up to 48:00"})
    return int(match[1]) * 60 + int(match[2])


def parse_day(raw: object, field: str) -> date:
    try:
        day = date.fromisoformat(raw) if isinstance(raw, str) else None
    except ValueError:
        day = None
    if day is None or not FIRST_DAY <= day <= LAST_DAY:
        raise Invalid({field: "dates are YYYY-MM-DD"})
    return day


def parse_holidays(raw: Mapping[str, Any], field: str) -> dict[date, str]:
    """Return {date: name}; an entry is a date, or an object with date and name."""
    listed = raw.get("holidays") or []
    names = raw.get("holiday_names") or {}
    if not isinstance(listed, list | tuple) or len(listed) > MAX_HOLIDAYS:
        raise Invalid({f"{field}.holidays": "must be a list of dates"})
    if not isinstance(names, Mapping):
        raise Invalid({f"{field}.holiday_names": "must be an object: date to name"})
    closed: dict[date, str] = {}
    for n, entry in enumerate(listed):
        where = f"{field}.holidays.{n}"
        day, name = entry, names.get(entry, "") if isinstance(entry, str) else ""
        if isinstance(entry, Mapping):
            day, name = entry.get("date"), entry.get("name") or ""
        if not isinstance(name, str):
            raise Invalid({where: "a name is a text"})
        closed[parse_day(day, where)] = name
    return closed


def parse_overrides(raw: object, field: str) -> dict[date, tuple[Interval, ...]]:
    if not isinstance(raw, Mapping) or len(raw) > MAX_HOLIDAYS:
        raise Invalid({field: "must be an object: date to intervals"})
    return {
        parse_day(day, f"{field}.{day}"): parse_intervals(intervals, f"{field}.{day}")
        for day, intervals in raw.items()
    }


def edge(day: date, minutes: int, zone: ZoneInfo, *, is_end: bool) -> int:
    """Return a local edge as a UTC instant (R2).

    In a spring gap it moves to the end of the gap; in an autumn overlap a start
    is the first occurrence and an end the second.
    """
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - local wall time
    wall = midnight + timedelta(minutes=minutes)
    at = wall.replace(tzinfo=zone, fold=1 if is_end else 0)
    utc = at.astimezone(UTC)
    if utc.astimezone(zone).replace(tzinfo=None) == wall:
        return micros(utc)
    return end_of_gap(wall, zone)


def end_of_gap(wall: datetime, zone: ZoneInfo) -> int:
    """Return the instant at which the clocks jump over the wall time `wall`."""
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    low, high = micros(before) // SECOND, micros(after) // SECOND
    offset = instant(low * SECOND).astimezone(zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if instant(middle * SECOND).astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high * SECOND


@dataclass(frozen=True, slots=True)
class Table:
    """Open intervals of the days [first, last), and the working time before each."""

    first: date
    last: date
    covers: tuple[int, int]
    starts: list[int]
    ends: list[int]
    before: list[int]  # working time before the interval, len == len(starts)
    after: list[int]  # and after it

    def worked_until(self, us: int) -> int:
        i = bisect_right(self.starts, us) - 1
        if i < 0:
            return 0
        return self.before[i] + min(us, self.ends[i]) - self.starts[i]


class WorkCalendar:
    """One calendar version, compiled. Safe to share between threads."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.zone = ZoneInfo(definition.tz)
        self._table: Table | None = None

    @classmethod
    def of(cls, raw: object, field: str = "calendar") -> "WorkCalendar":
        return cls(parse_calendar(raw, field))

    def worked(self, start: int, end: int) -> int:
        """Return the working time between two instants, zero if reversed."""
        if end <= start:
            return 0
        table = self._covering(start, end)
        return table.worked_until(end) - table.worked_until(start)

    def advanced(self, start: int, amount: int) -> int | None:
        """Return the first instant at which `amount` has been worked since `start`.

        None if the calendar's openings end before (R4: a closing time counts as
        reached, never the next opening).
        """
        if amount <= 0:
            return start
        table = self._covering(start, start + amount)
        while True:
            wanted = table.worked_until(start) + amount
            i = bisect_left(table.after, wanted)
            if i < len(table.after):
                return table.starts[i] + wanted - table.before[i]
            if table.last >= LAST_DAY:
                return None
            span = max(table.last - table.first, timedelta(days=MARGIN_DAYS))
            until = min(table.last, LAST_DAY - span) + span
            table = self._compile(table.first, until)

    def opening(self, us: int) -> int | None:
        """Return `us` if open then, else the next opening; None if never."""
        reached = self.advanced(us, 1)
        return None if reached is None else reached - 1

    def stretches(self, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """Yield (from, to, kind) that tile [start, end) in order.

        kind: `open`, `closed`, or `holiday:<name>` (`holiday` when it has none)
        for the closed part of a local day that is a holiday.
        """
        table = self._covering(start, end)
        at = start
        i = bisect_right(table.ends, start)
        while at < end:
            opens = table.starts[i] if i < len(table.starts) else end
            if opens > at:
                yield from self._closed(at, min(opens, end))
                at = opens
            if at < end and i < len(table.starts):
                yield at, min(table.ends[i], end), "open"
                at = table.ends[i]
            i += 1

    def _closed(self, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """Cut a closed stretch at the midnights around holidays."""
        kind, at = "", start
        day = instant(start).astimezone(self.zone).date()
        while at < end:
            midnight = min(edge(day, DAY_MINUTES, self.zone, is_end=False), end)
            today = self._kind_of(day)
            if today != kind and at > start:
                yield start, at, kind
                start = at
            kind, at, day = today, max(midnight, at), day + timedelta(days=1)
        yield start, end, kind

    def _kind_of(self, day: date) -> str:
        name = self.definition.closed.get(day)
        if name is None or day in self.definition.overrides:
            return "closed"
        return f"holiday:{name}" if name else "holiday"

    def _covering(self, start: int, end: int) -> Table:
        table = self._table
        if table and table.covers[0] <= start and end <= table.covers[1]:
            return table
        margin = timedelta(days=MARGIN_DAYS)
        first = max(instant(start).date() - margin, FIRST_DAY)
        last = min(instant(end).date() + margin, LAST_DAY)
        if table:
            first, last = min(first, table.first), max(last, table.last)
        return self._compile(first, last)

    def _compile(self, first: date, last: date) -> Table:
        starts: list[int] = []
        ends: list[int] = []
        for n in range((last - first).days):
            day = first + timedelta(days=n)
            for opens, closes in self.definition.intervals_on(day):
                start = edge(day, opens, self.zone, is_end=False)
                add_interval(
                    starts, ends, start, edge(day, closes, self.zone, is_end=True)
                )
        before, after, total = [], [], 0
        for start, end in zip(starts, ends, strict=True):
            before.append(total)
            total += end - start
            after.append(total)
        covers = (
            edge(first, 2 * DAY_MINUTES, self.zone, is_end=True),
            edge(last, 0, self.zone, is_end=False),
        )
        self._table = Table(first, last, covers, starts, ends, before, after)
        return self._table


def add_interval(starts: list[int], ends: list[int], start: int, end: int) -> None:
    """Append an interval to a sorted list, joined to the last one if they touch."""
    if ends and start <= ends[-1]:
        ends[-1] = max(ends[-1], end)
    elif end > start:
        starts.append(start)
        ends.append(end)


class CalendarCache:
    """Compiled calendars by id, the least recently used one dropped first."""

    def __init__(self, size: int = 128) -> None:
        self._size = size
        self._kept: OrderedDict[int, WorkCalendar] = OrderedDict()
        self._lock = Lock()

    def get(self, calendar_id: int) -> WorkCalendar | None:
        with self._lock:
            found = self._kept.get(calendar_id)
            if found:
                self._kept.move_to_end(calendar_id)
            return found

    def put(self, calendar_id: int, calendar: WorkCalendar) -> WorkCalendar:
        with self._lock:
            self._kept[calendar_id] = calendar
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return calendar
