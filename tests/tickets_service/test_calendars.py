"""Calendars: what is refused, daylight saving, and the laws of counting."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service_kit.errors import Invalid
from tests.tickets_service.worlds import BER, CALENDARS, KL, VECTORS, us
from tickets_service.calendars import SECOND, CalendarCache, WorkCalendar, micros

OPEN_DAY = [["09:00", "17:00"]]
ALWAYS_UTC = WorkCalendar.of(
    {"tz": "UTC", "weekly": {str(d): [["00:00", "24:00"]] for d in range(7)}}
)
START = datetime(2026, 1, 1, tzinfo=UTC)
INSTANTS = st.datetimes(
    datetime(2024, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC)
).map(micros)
NAMES = st.sampled_from(sorted(CALENDARS))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"tz": "Mars/Olympus"}, "calendar.tz", id="unknown zone"),
        pytest.param({"tz": None}, "calendar.tz", id="no zone"),
        pytest.param({"tz": "../etc/passwd"}, "calendar.tz", id="a path for a zone"),
        pytest.param({"weekly": {}}, "calendar.weekly", id="never open"),
        pytest.param({"weekly": {"7": OPEN_DAY}}, "calendar.weekly.7", id="day 7"),
        pytest.param(
            {"weekly": {"0": [["09:00", "12:00"], ["11:00", "14:00"]]}},
            "calendar.weekly.0",
            id="overlap",
        ),
        pytest.param(
            {"weekly": {"0": [["17:00", "09:00"]]}}, "calendar.weekly.0", id="reversed"
        ),
        pytest.param(
            {"weekly": {"0": [["09:00", "09:00"]]}}, "calendar.weekly.0", id="empty"
        ),
        pytest.param(
            {"weekly": {"0": [["22:00", "30:00"]], "1": [["05:00", "08:00"]]}},
            "calendar.weekly.0",
            id="runs into the next day",
        ),
        pytest.param(
            {"weekly": {"6": [["22:00", "30:00"]], "0": [["05:00", "08:00"]]}},
            "calendar.weekly.6",
            id="Sunday runs into Monday",
        ),
        pytest.param(
            {"weekly": {"0": [["9h", "17h"]]}}, "calendar.weekly.0", id="not a time"
        ),
        pytest.param(
            {"holidays": ["2026-02-30"]}, "calendar.holidays.0", id="no such date"
        ),
        pytest.param(
            {"overrides": {"tomorrow": OPEN_DAY}},
            "calendar.overrides.tomorrow",
            id="an override on no date",
        ),
        pytest.param({"colour": "red"}, "calendar.colour", id="unknown field"),
    ],
)
def test_a_bad_calendar_is_refused_with_the_field_named(
    change: dict[str, Any], field: str
) -> None:
    raw = {"tz": "Asia/Kuala_Lumpur", "weekly": {"0": OPEN_DAY}} | change
    with pytest.raises(Invalid) as refused:
        WorkCalendar.of(raw)
    assert list(refused.value.extra["errors"]) == [field]


@pytest.mark.parametrize(
    "case", [v for v in VECTORS["vectors"] if "from" in v], ids=lambda v: str(v["id"])
)
def test_worked_time_is_that_of_the_worked_case(case: dict[str, Any]) -> None:
    calendar = CALENDARS[case["calendar"]]
    start = micros(datetime.fromisoformat(case["from"]))
    end = micros(datetime.fromisoformat(case["to"]))
    assert calendar.worked(start, end) == case["worked_s"] * SECOND


def test_an_edge_in_the_spring_gap_moves_to_its_end() -> None:
    calendar = WorkCalendar.of(
        {"tz": "Europe/Berlin", "weekly": {"6": [["02:30", "04:00"]]}}
    )
    day = us("2026-03-29 00:00", BER), us("2026-03-30 00:00", BER)
    assert calendar.worked(*day) == 3_600 * SECOND  # 03:00 to 04:00


def test_edges_in_the_autumn_overlap_are_the_first_start_and_the_second_end() -> None:
    calendar = WorkCalendar.of(
        {"tz": "Europe/Berlin", "weekly": {"6": [["02:15", "02:45"]]}}
    )
    day = us("2026-10-25 00:00", BER), us("2026-10-26 00:00", BER)
    assert calendar.worked(*day) == 90 * 60 * SECOND  # half an hour and the hour twice


def test_a_local_day_has_23_or_25_hours() -> None:
    calendar = CALENDARS["BER-24x7"]
    assert calendar.worked(
        us("2026-03-29 00:00", BER), us("2026-03-30 00:00", BER)
    ) == (23 * 3_600 * SECOND)
    assert calendar.worked(
        us("2026-10-25 00:00", BER), us("2026-10-26 00:00", BER)
    ) == (25 * 3_600 * SECOND)


def test_an_override_beats_a_holiday_and_an_empty_one_closes_the_day() -> None:
    raw = {
        "tz": "Asia/Kuala_Lumpur",
        "weekly": {str(d): OPEN_DAY for d in range(5)},
        "holidays": ["2026-10-05"],
        "overrides": {"2026-10-05": [["10:00", "11:00"]], "2026-10-06": []},
    }
    calendar = WorkCalendar.of(raw)
    week = us("2026-10-05 00:00"), us("2026-10-07 00:00")
    assert calendar.worked(*week) == 3_600 * SECOND


def test_the_table_grows_in_both_directions_without_changing_an_answer() -> None:
    calendar, fresh = WorkCalendar.of(VECTORS["calendars"]["KL"]), CALENDARS["KL"]
    span = us("2026-10-05 10:00"), us("2026-10-06 10:00")
    before = calendar.worked(*span)
    calendar.worked(us("2001-01-01 00:00"), us("2001-02-01 00:00"))
    calendar.advanced(us("2040-01-01 00:00"), 3_600 * SECOND)
    assert calendar.worked(*span) == before == fresh.worked(*span)


def test_a_holiday_is_named_in_the_stretches() -> None:
    raw = VECTORS["calendars"]["KL"] | {"holiday_names": {"2026-08-31": "Merdeka"}}
    found = list(
        WorkCalendar.of(raw).stretches(us("2026-08-28 17:00"), us("2026-09-01 09:00"))
    )
    assert [kind for _, _, kind in found] == [
        "open",
        "closed",
        "holiday:Merdeka",
        "closed",
    ]
    assert found[2][:2] == (us("2026-08-31 00:00"), us("2026-09-01 00:00"))


@given(NAMES, INSTANTS, INSTANTS, INSTANTS)
def test_worked_time_adds_up(name: str, one: int, two: int, three: int) -> None:
    a, b, c = sorted((one, two, three))
    worked = CALENDARS[name].worked
    assert worked(a, c) == worked(a, b) + worked(b, c)


@given(INSTANTS, st.integers(1, 10**9))
def test_an_all_open_calendar_is_plain_addition(start: int, amount: int) -> None:
    assert ALWAYS_UTC.advanced(start, amount * SECOND) == start + amount * SECOND


@given(NAMES, INSTANTS, st.integers(1, 10**6))
def test_advancing_and_counting_agree(name: str, start: int, amount_s: int) -> None:
    calendar = CALENDARS[name]
    reached = calendar.advanced(start, amount_s * SECOND)
    assert reached is not None
    assert calendar.worked(start, reached) == amount_s * SECOND
    assert calendar.worked(start, reached - 1) == amount_s * SECOND - 1


@given(NAMES, INSTANTS, st.integers(0, 40 * 86_400))
@settings(max_examples=60)
def test_stretches_tile_the_span_and_their_open_part_is_the_worked_time(
    name: str, start: int, span_s: int
) -> None:
    end = start + span_s * SECOND
    found = list(CALENDARS[name].stretches(start, end))
    at = start
    for begin, stop, _ in found:
        assert begin == at < stop
        at = stop
    assert at == end or not found
    opened = sum(b - a for a, b, kind in found if kind == "open")
    assert opened == CALENDARS[name].worked(start, end)


def test_ten_thousand_due_times_cost_at_most_a_tenth_of_a_second() -> None:
    calendar, start = CALENDARS["KL"], us("2026-10-05 10:00")
    calendar.advanced(start, SECOND)
    began = time.process_time()
    for n in range(10_000):
        calendar.advanced(start + n * 977 * SECOND, 28_800 * SECOND)
    assert time.process_time() - began <= 0.1


def test_the_cache_drops_what_was_used_longest_ago() -> None:
    cache = CalendarCache(size=2)
    cache.put(1, ALWAYS_UTC)
    cache.put(2, ALWAYS_UTC)
    cache.get(1)
    cache.put(3, ALWAYS_UTC)
    assert [cache.get(n) is not None for n in (1, 2, 3)] == [True, False, True]


def test_the_zones_of_the_tests_are_real() -> None:
    assert KL.utcoffset(START.replace(tzinfo=None)) == timedelta(hours=8)
