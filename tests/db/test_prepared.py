"""Statements whose plans PostgreSQL keeps, per connection."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from db import prepared as subject
from db.engine import Database, keep_plans, tuples
from db.prepared import numbered

CASES = {
    "nothing": ("SELECT 1", "SELECT 1", ()),
    "in order": ("SELECT %s, %s", "SELECT $1, $2", ("%s", "%s")),
    "by name": ("a = %(a)s OR b = %(b)s", "a = $1 OR b = $2", ("a", "b")),
    "a name twice": ("a = %(a)s OR c = %(a)s", "a = $1 OR c = $1", ("a",)),
    "a percent sign": ("a %% %(a)s", "a % $1", ("a",)),
}


@pytest.mark.parametrize(
    ("sql", "text", "marks"), list(CASES.values()), ids=list(CASES)
)
def test_values_become_numbers(sql: str, text: str, marks: tuple[str, ...]) -> None:
    assert numbered(sql) == (text, marks)


@pytest.fixture
def alone(database_url: str) -> Iterator[Database]:
    database = Database.at(database_url, pool_size=1)
    yield database
    database.close()


def plans(database: Database) -> list[Any]:
    with database.read_only() as connection:
        return [
            row[0]
            for row in connection.exec_driver_sql(
                "SELECT statement FROM pg_prepared_statements ORDER BY prepare_time"
            )
        ]


def test_a_text_is_prepared_once(alone: Database) -> None:
    for n in range(3):
        with alone.read_only() as connection:
            assert tuples(connection, "SELECT %(n)s::int + 1", {"n": n}) == [(n + 1,)]
    assert len(plans(alone)) == 1


def test_the_oldest_plan_makes_room(
    alone: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "MOST", 2)
    for n in (1, 2, 3, 1):
        with alone.read_only() as connection:
            sql = f"SELECT %(n)s::int + {n}"
            assert tuples(connection, sql, {"n": 1}) == [(1 + n,)]
    assert len(plans(alone)) == 2


@pytest.mark.parametrize("kept", [False, True], ids=["as it comes", "kept"])
def test_a_kept_plan_is_made_once(alone: Database, kept: bool) -> None:
    if kept:
        keep_plans(alone.reader)
    with alone.read_only() as connection:
        for n in range(3):
            tuples(connection, "SELECT id FROM auth.users WHERE id = %(n)s", {"n": n})
        [made] = tuples(
            connection,
            "SELECT custom_plans, generic_plans FROM pg_prepared_statements "
            "WHERE statement LIKE %(text)s",
            {"text": "%auth.users%"},
        )
    assert made == ((0, 3) if kept else (3, 0))


def test_a_plan_outlives_a_transaction_that_failed(alone: Database) -> None:
    sql = "SELECT 1 / %(n)s::int"

    def divided(by: int) -> list[tuple[Any, ...]]:
        with alone.transaction() as connection:
            return tuples(connection, sql, {"n": by})

    with pytest.raises(DBAPIError, match="zero"):
        divided(0)
    assert divided(1) == [(1,)]


def test_values_cannot_end_the_statement(alone: Database) -> None:
    value = "x'); DROP TABLE tickets.tickets; --"
    with alone.read_only() as connection:
        assert tuples(connection, "SELECT %(v)s::text", {"v": value}) == [(value,)]
