"""Cursors are opaque, of one list and one sorting, and never crash a service."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit.errors import Invalid
from service_kit.paging import decode_cursor, encode_cursor

NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)


def test_a_cursor_comes_back_as_it_went() -> None:
    cursor = encode_cursor("-created_at", [NOON, 7])
    assert decode_cursor(cursor, "-created_at", [datetime, int]) == [NOON, 7]


def test_a_missing_value_stays_missing() -> None:
    cursor = encode_cursor("due_at", [None, 7])
    assert decode_cursor(cursor, "due_at", [datetime, int]) == [None, 7]


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param(encode_cursor("created_at", [NOON, 7]), id="of another sorting"),
        pytest.param(encode_cursor("-created_at", [7]), id="too few values"),
        pytest.param(
            encode_cursor("-created_at", ["x", 7]), id="a text for an instant"
        ),
        pytest.param(
            encode_cursor("-created_at", [NOON, 7.5]), id="a fraction for an id"
        ),
        pytest.param("%%%", id="not base64"),
        pytest.param("é", id="not ASCII"),
        pytest.param("e30", id="an object"),
    ],
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        decode_cursor(cursor, "-created_at", [datetime, int])


@given(st.text(max_size=60))
def test_no_text_crashes_the_reader(cursor: str) -> None:
    with pytest.raises(Invalid):
        decode_cursor(cursor, "-created_at", [datetime, int])
