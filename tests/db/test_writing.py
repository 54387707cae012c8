"""Transactions whose BEGIN and COMMIT travel with their statements."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from db.engine import Database, is_fresh

TABLE = "CREATE TABLE IF NOT EXISTS public.kept (n int PRIMARY KEY)"


@pytest.fixture
def kept(owner: Database) -> Iterator[Database]:
    with owner.transaction() as connection:
        connection.exec_driver_sql(TABLE)
    yield owner
    with owner.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE public.kept")


def writer(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def put(n: int) -> bytes:
    return f"INSERT INTO public.kept VALUES ({n})".encode()


Step = Callable[[Connection], Any]


def sent(sql: str | bytes) -> Step:
    return lambda c: c.exec_driver_sql(sql.decode() if isinstance(sql, bytes) else sql)


def left(n: int) -> Step:
    return lambda connection: writer(connection).leave(put(n))


def fail(_: Connection) -> None:
    raise ZeroDivisionError


def within(database: Database, *steps: Step) -> None:
    with database.transaction() as connection:
        for step in steps:
            step(connection)


def savepoint(*steps: Step) -> Step:
    def run(connection: Connection) -> None:
        with connection.begin_nested():
            for step in steps:
                step(connection)

    return run


FIRST = pytest.mark.parametrize(
    "first", [[sent("SELECT 1")], []], ids=["after a read", "alone"]
)


def rows(database: Database) -> list[int]:
    with database.read_only() as connection:
        found = connection.exec_driver_sql("SELECT n FROM public.kept ORDER BY n")
        return [row[0] for row in found]


def test_a_transaction_begins_with_its_first_statement(kept: Database) -> None:
    with kept.transaction() as connection:
        assert is_fresh(connection)
        connection.exec_driver_sql(put(1).decode())
        assert not is_fresh(connection)
        assert rows(kept) == []
    assert rows(kept) == [1]


def test_what_is_left_goes_before_the_next_statement(kept: Database) -> None:
    with kept.transaction() as connection:
        writer(connection).leave(put(1))
        count = connection.exec_driver_sql("SELECT count(*) FROM public.kept").scalar()
    assert count == 1
    assert rows(kept) == [1]


@FIRST
def test_what_is_left_goes_with_the_commit(kept: Database, first: list[Step]) -> None:
    seen: list[list[int]] = []
    within(kept, *first, left(1), left(2), lambda _: seen.append(rows(kept)))
    assert seen == [[]]
    assert rows(kept) == [1, 2]


@FIRST
def test_what_is_left_is_kept_whole_or_not_at_all(
    kept: Database, first: list[Step]
) -> None:
    with pytest.raises(DBAPIError, match="duplicate key"):
        within(kept, *first, left(1), left(1))
    assert rows(kept) == []
    within(kept, sent(put(3)))  # the connection is as good as before
    assert rows(kept) == [3]


def test_an_error_of_ours_forgets_what_was_left(kept: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        within(kept, left(1), fail)
    within(kept, sent(put(2)))
    assert rows(kept) == [2]


def test_a_failed_statement_rolls_everything_back(kept: Database) -> None:
    with pytest.raises(DBAPIError, match="division"):
        within(kept, sent(put(1)), sent("SELECT 1/0"))
    assert rows(kept) == []


def test_a_savepoint_takes_back_only_its_own(kept: Database) -> None:
    def tried(connection: Connection) -> None:
        with pytest.raises(ZeroDivisionError):
            savepoint(left(2), fail)(connection)

    within(kept, left(1), tried, savepoint(left(3)))
    assert rows(kept) == [1, 3]


def test_the_only_statement_commits_itself(kept: Database) -> None:
    with kept.transaction() as connection:
        cursor = writer(connection).cursor()
        cursor.finish(put(1) + b" RETURNING n")
        assert cursor.fetchone() == (1,)
        assert rows(kept) == [1]


def test_a_last_statement_waits_for_the_commit_of_the_others(kept: Database) -> None:
    with kept.transaction() as connection:
        connection.exec_driver_sql(put(1).decode())
        writer(connection).cursor().finish(put(2))
        assert rows(kept) == []
    assert rows(kept) == [1, 2]


def test_a_copy_belongs_to_its_transaction(kept: Database) -> None:
    def copied(connection: Connection) -> None:
        cursor = writer(connection).cursor()
        cursor.copy_expert("COPY public.kept FROM STDIN", io.StringIO("1\n2\n"))

    with pytest.raises(ZeroDivisionError):
        within(kept, copied, fail)
    assert rows(kept) == []
    within(kept, copied)
    assert rows(kept) == [1, 2]
