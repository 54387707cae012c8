"""Local times become instants, also in the hours of summer time."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from scripts.importing.local_times import LocalTimes


def times(form: str = "iso") -> LocalTimes:
    return LocalTimes(ZoneInfo("America/New_York"), form)


@pytest.mark.parametrize(
    ("text", "expected", "counted"),
    [
        pytest.param("2015-01-15 12:00:00", "2015-01-15T17:00", {}, id="winter"),
        pytest.param("2015-07-15 12:00:00", "2015-07-15T16:00", {}, id="summer"),
        pytest.param(
            "2015-11-01 01:30:00", "2015-11-01T05:30", {"ambiguous": 1}, id="came twice"
        ),
        pytest.param(
            "2015-03-08 02:30:00",
            "2015-03-08T07:30",
            {"skipped_hour": 1},
            id="never was",
        ),
        pytest.param(
            "2015-07-15T12:00:00+02:00", "2015-07-15T10:00", {}, id="offset given"
        ),
    ],
)
def test_a_local_time_is_one_instant(
    text: str, expected: str, counted: dict[str, int]
) -> None:
    local = times()
    assert local.instant(text) == datetime.fromisoformat(expected + "+00:00")
    assert dict(local.counts) == counted


def test_a_time_that_came_twice_follows_what_it_must_follow() -> None:
    opened = datetime(2015, 11, 1, 5, 45, tzinfo=UTC)  # 01:45, the first time
    closed = times().instant("2015-11-01 01:30:00", after=opened)
    assert closed == datetime(2015, 11, 1, 6, 30, tzinfo=UTC)


def test_a_format_of_its_own_is_read() -> None:
    assert times("%m/%d/%Y").instant("07/15/2015") == datetime(
        2015, 7, 15, 4, tzinfo=UTC
    )


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\S"):
        times().instant("yesterday")
