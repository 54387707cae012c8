"""The wait after wrong passwords grows and ends."""

from datetime import UTC, datetime, timedelta

import pytest

from auth_service.lockout import (
    LONGEST_WAIT,
    counted_address,
    known_key,
    seconds_left,
    unknown_key,
    wait_after,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(1, None), (4, None), (5, 30), (6, 60), (7, 120), (9, 480), (10, 900), (999, 900)],
)
def test_the_wait_doubles_and_never_passes_a_quarter_of_an_hour(
    failures: int, seconds: int | None
) -> None:
    wait = wait_after(failures)
    assert (wait.total_seconds() if wait else None) == seconds
    assert wait is None or wait <= LONGEST_WAIT


@pytest.mark.parametrize(
    ("until", "left"),
    [
        (None, 0),
        (NOW - timedelta(seconds=1), 0),
        (NOW, 0),
        (NOW + timedelta(seconds=0.5), 1),
        (NOW + timedelta(seconds=30), 31),
    ],
)
def test_a_lock_that_is_over_has_no_seconds_left(
    until: datetime | None, left: int
) -> None:
    assert seconds_left(until, NOW) == left


def test_a_name_is_counted_however_it_is_typed() -> None:
    assert unknown_key("Aisyah") == unknown_key("aisyah")
    assert unknown_key("A@Example.com") == unknown_key("a@example.com")
    assert "aisyah" not in unknown_key("aisyah")


def test_no_name_is_counted_as_an_account() -> None:
    assert unknown_key(known_key(7)) != known_key(7)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (None, "unknown"),
        ("rubbish", "unknown"),
    ],
)
def test_a_network_of_ipv6_counts_as_one_address(
    address: str | None, counted: str
) -> None:
    assert counted_address(address) == counted
