"""Days of the organisation and the rows that cover them."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_service.periods import (
    DAY,
    Cover,
    Period,
    cover,
    day_start,
    local_day,
    marked_cover,
    next_month,
    period_of,
)
from service_kit.errors import Invalid

KL, BERLIN = ZoneInfo("Asia/Kuala_Lumpur"), ZoneInfo("Europe/Berlin")
BEIRUT = ZoneInfo("Asia/Beirut")  # clocks jump at midnight there
TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2026, 3, 28), 24),
        (date(2026, 3, 29), 23),
        (date(2026, 10, 25), 25),
    ],
    ids=["an ordinary day", "a spring day", "an autumn day"],
)
def test_a_day_is_as_long_as_its_clocks_say(day: date, hours: int) -> None:
    length = day_start(day + DAY, BERLIN) - day_start(day, BERLIN)
    assert length == timedelta(hours=hours)


def test_a_day_without_midnight_begins_when_its_clocks_jump() -> None:
    starts = day_start(date(2026, 3, 29), BEIRUT)
    assert starts == datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert local_day(starts, BEIRUT) == date(2026, 3, 29)
    assert local_day(starts - timedelta(seconds=1), BEIRUT) == date(2026, 3, 28)


def test_by_default_it_is_the_last_30_days() -> None:
    period = period_of(None, None, TODAY, KL)
    assert (period.first, period.last, period.days) == (date(2026, 10, 25), TODAY, 30)


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        (date(2026, 11, 1), None, (date(2026, 11, 1), TODAY)),
        (None, date(2026, 6, 30), (date(2026, 6, 1), date(2026, 6, 30))),
        (date(2026, 12, 1), None, (date(2026, 12, 1), date(2026, 12, 1))),
    ],
    ids=["only from", "only to", "from a day to come"],
)
def test_one_end_is_enough(
    first: date | None, last: date | None, found: tuple[date, date]
) -> None:
    period = period_of(first, last, TODAY, KL)
    assert (period.first, period.last) == found


@pytest.mark.parametrize(
    ("first", "last", "named"),
    [
        (date(2026, 3, 2), date(2026, 3, 1), "from"),
        (date(2021, 11, 1), TODAY, "from"),
        (date(1, 1, 1), None, "from"),
        (None, date(9999, 12, 31), "to"),
    ],
    ids=["reversed", "too long", "too early", "too late"],
)
def test_a_bad_period_is_refused_by_name(
    first: date | None, last: date | None, named: str
) -> None:
    with pytest.raises(Invalid) as refused:
        period_of(first, last, TODAY, KL)
    assert list(refused.value.extra["errors"]) == [named]


def test_the_period_before_ends_where_it_begins() -> None:
    period = Period(date(2026, 10, 11), date(2026, 10, 20), KL)
    before = period.previous()
    assert (before.days, before.last) == (10, date(2026, 10, 10))
    assert before.ends_at == period.starts_at


def covered(found: Cover) -> list[date]:
    """Return every day that the rows hold, in order."""
    days = list(found.days)
    for monday in found.weeks:
        days += [monday + timedelta(days=n) for n in range(7)]
    for first in found.months:
        length = (next_month(first) - first).days
        days += [first + timedelta(days=n) for n in range(length)]
    return sorted(days)


@given(
    st.dates(date(2020, 1, 1), date(2026, 12, 31)),
    st.lists(st.integers(1, 400), min_size=1, max_size=5),
)
def test_the_rows_hold_each_day_once_and_none_spans_an_edge(
    first: date, lengths: list[int]
) -> None:
    edges = [first]
    for length in lengths:
        edges.append(edges[-1] + timedelta(days=length))
    found = cover(edges)
    every = [first + timedelta(days=n) for n in range((edges[-1] - first).days)]
    assert covered(found) == every
    for start, end in pairwise(edges):
        for monday in found.weeks:
            assert not monday < start < monday + timedelta(days=7)
        for month in found.months:
            assert not month < end < next_month(month)


@given(
    st.dates(date(2020, 1, 1), date(2026, 12, 31)),
    st.integers(1, 400),
    st.integers(0, 400),
)
def test_a_marked_cover_has_each_day_before_the_mark_once(
    first: date, length: int, marked: int
) -> None:
    end = first + timedelta(days=length)
    day = first + timedelta(days=min(marked, length))
    found = marked_cover([first, end, end + 2 * DAY], day)
    assert found.rows == cover([first, end, end + 2 * DAY])
    before = Cover(
        [], *([at for at in starts if at < found.until] for starts in found.rows[1:])
    )
    days = covered(before) + covered(found.beside)
    assert days == [first + timedelta(days=n) for n in range((day - first).days)]
    for starts, more in zip(found.rows[1:], found.beside[1:], strict=True):
        assert not set(starts) & set(more)
    assert found.all_rows.rows == found.rows.rows + found.beside.rows


def test_a_mark_takes_fewer_rows_than_another_edge() -> None:
    first, settled, after = date(2026, 10, 25), date(2026, 11, 10), date(2026, 11, 24)
    assert marked_cover([first, after], settled).all_rows.rows == 7
    assert cover([first, settled, after]).rows == 12


def test_few_rows_cover_a_long_time() -> None:
    assert cover([date(2026, 10, 25), date(2026, 11, 24)]).rows <= 15
    assert cover([date(2021, 12, 3), date(2026, 11, 24)]).rows <= 80
