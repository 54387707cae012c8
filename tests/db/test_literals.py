"""What is written as a literal comes back from PostgreSQL as it was."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.engine import Database, tuples
from db.vocabulary import Status

KUALA_LUMPUR = timezone(timedelta(hours=8))
TYPES = "%s::text, %s::bigint, %s::timestamptz, %s::date, %s::boolean"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
INSTANTS = st.datetimes(
    datetime(1970, 1, 1),
    datetime(2200, 1, 1),
    timezones=st.just(KUALA_LUMPUR),
)


@pytest.fixture(scope="module")
def alone(database_url: str) -> Iterator[Database]:
    database = Database.at(database_url, pool_size=1)
    yield database
    database.close()


def returned(database: Database, sql: str, *values: Any) -> tuple[Any, ...]:
    with database.read_only() as connection:
        [row] = tuples(connection, sql, values)
        return row


@settings(max_examples=300, deadline=None)
@given(
    row=st.tuples(
        st.none() | TEXTS,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | INSTANTS,
        st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)),
        st.none() | st.booleans(),
    )
)
def test_any_value_comes_back(alone: Database, row: tuple[Any, ...]) -> None:
    assert returned(alone, f"SELECT {TYPES}", *row) == row


ODD_TEXTS = {
    "a quote": "it's",
    "only quotes": "'" * 4,
    "a backslash before a quote": r"\'; DROP TABLE tickets.tickets; --",
    "an escape": r"\x41\n",
    "dollars": "$1 $$ $a$",
    "percent": "%s %(a)s %%",
    "wide characters": "é 汉 🙂 \u200f",
}


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_no_text_ends_its_literal(alone: Database, text: str) -> None:
    assert returned(alone, "SELECT %s::text, %s::int", text, 7) == (text, 7)


def test_texts_are_utf8_whatever_the_environment_says(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    database = Database.at(database_url, pool_size=1)
    assert returned(database, "SELECT %s::text, length(%s)", "é汉", "é汉") == ("é汉", 2)
    database.close()


def test_a_text_that_postgresql_cannot_hold_is_refused(alone: Database) -> None:
    with pytest.raises(ValueError, match="NUL"):
        returned(alone, "SELECT %s::text", "a\0b")


OTHERS = {
    "a word": ("text", Status.ON_HOLD, "on_hold"),
    "a list": ("text[]", ["it's", "b"], ["it's", "b"]),
    "no items": ("text[]", [], []),
    "a decimal": ("numeric", Decimal("1.50"), Decimal("1.50")),
    "a float": ("float8", 0.1, 0.1),
    "an instant in UTC": (
        "timestamptz",
        datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
        datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
    ),
}


@pytest.mark.parametrize(("kind", "value", "back"), OTHERS.values(), ids=OTHERS)
def test_other_types_come_back_too(
    alone: Database, kind: str, value: Any, back: Any
) -> None:
    assert returned(alone, f"SELECT %s::{kind}", value) == (back,)
