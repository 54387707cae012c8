"""Connections between two uses: which is given, and what becomes of lost ones."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Connection, exc, text

from db import engine
from db.engine import Database

END = "SELECT pg_terminate_backend(pid) FROM unnest(CAST(:pids AS int[])) AS pid"


@pytest.fixture
def other(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A pool that keeps two and gives out seven at most."""
    monkeypatch.setattr(engine, "POOL_TIMEOUT_S", 2)
    found = Database.at(database_url, pool_size=2)
    yield found
    found.close()


def pid_of(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT pg_backend_pid()")))


def open_together(other: Database, count: int, held: ExitStack) -> list[int]:
    return [pid_of(held.enter_context(other.read_only())) for _ in range(count)]


def test_the_last_used_is_given_first(other: Database) -> None:
    with ExitStack() as held:
        first, second = open_together(other, 2, held)
    with other.read_only() as connection:
        assert pid_of(connection) == first  # the stack gave it back last
    with other.read_only() as connection:
        assert pid_of(connection) == first
        with other.read_only() as beside:
            assert pid_of(beside) == second


def test_only_as_many_wait_as_the_pool_keeps(other: Database) -> None:
    with ExitStack() as held:
        open_together(other, 5, held)
    assert len(other.readers.unused) == 2


def test_who_waits_is_given_the_next_one(other: Database) -> None:
    got: list[int] = []

    def late() -> None:
        with other.read_only() as connection:
            got.append(pid_of(connection))

    with ExitStack() as held:
        pids = open_together(other, 6, held)
        with other.read_only() as last:
            pids.append(pid_of(last))
            waiter = threading.Thread(target=late)
            waiter.start()
            while not other.readers.waiting:
                pass
        waiter.join(2)
        assert got == [pids[-1]]


def test_too_many_are_refused_in_time(other: Database) -> None:
    with ExitStack() as held:
        open_together(other, 7, held)
        with pytest.raises(exc.TimeoutError):
            held.enter_context(other.read_only())
    assert other.readers.waiting == 0
    with other.read_only() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_a_lost_one_takes_those_of_its_age_along(
    owner: Database, other: Database
) -> None:
    with ExitStack() as held:
        pids = open_together(other, 2, held)
    with owner.transaction() as connection:
        connection.execute(text(END), {"pids": pids})
    with pytest.raises(exc.OperationalError), other.read_only() as connection:
        connection.execute(text("SELECT 1"))
    with ExitStack() as held:
        assert not set(pids) & set(open_together(other, 2, held))


def test_nothing_is_left_open_between_uses(other: Database) -> None:
    with other.read_only() as connection:
        connection.execute(text("SELECT 1"))
    with other.read_only() as connection:
        assert not connection.in_transaction()


def test_after_a_snapshot_each_statement_is_its_own_transaction_again(
    owner: Database, other: Database
) -> None:
    started = text("SELECT statement_timestamp() = transaction_timestamp()")
    with other.snapshot() as connection:
        connection.execute(text("SELECT 1"))
        assert connection.scalar(started) is False
        pid = pid_of(connection)
    with other.read_only() as connection:
        assert pid_of(connection) == pid
        connection.execute(text("SELECT 1"))
        assert connection.scalar(started) is True


def test_a_failed_transaction_leaves_its_connection_fit(other: Database) -> None:
    with other.transaction() as connection:
        pid = pid_of(connection)
    with pytest.raises(exc.DataError), other.transaction() as connection:
        connection.execute(text("SELECT 1 / 0"))
    with other.transaction() as connection:
        assert pid_of(connection) == pid
