"""Reads that cannot write, rows as tuples, and connections that died idling."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from db import spares
from db.engine import Database, tuples

END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = :pid"


def test_a_reader_cannot_write(owner: Database) -> None:
    with (
        owner.read_only() as connection,
        pytest.raises(DBAPIError, match="read-only"),
    ):
        connection.execute(text("UPDATE tickets.counters SET value = value"))


def test_a_snapshot_cannot_write(owner: Database) -> None:
    with (
        owner.snapshot() as connection,
        pytest.raises(DBAPIError, match="read-only"),
    ):
        connection.execute(text("UPDATE tickets.counters SET value = value"))


def test_rows_come_as_tuples(owner: Database) -> None:
    with owner.read_only() as connection:
        assert tuples(connection, "SELECT %(n)s::int, 'x'", {"n": 7}) == [(7, "x")]


def test_a_faulty_statement_is_told_as_everywhere(owner: Database) -> None:
    with owner.read_only() as connection, pytest.raises(DBAPIError, match="nowhere"):
        tuples(connection, "SELECT 1 FROM nowhere", {})


@pytest.fixture
def other(database_url: str) -> Database:
    return Database.at(database_url, pool_size=1)


def cut(owner: Database, other: Database) -> None:
    """End the one connection of `other` from outside, as a restart does."""
    with other.read_only() as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
    with owner.transaction() as connection:
        connection.execute(text(END), {"pid": pid})


def test_a_connection_that_died_idling_is_replaced(
    owner: Database, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(owner, other)
    monkeypatch.setattr(spares, "IDLE_S", 0.0)
    with other.read_only() as connection:
        assert tuples(connection, "SELECT 1", {}) == [(1,)]
    other.close()


def test_a_busy_connection_that_died_fails_once(
    owner: Database, other: Database
) -> None:
    cut(owner, other)
    with other.read_only() as connection, pytest.raises(OperationalError):
        tuples(connection, "SELECT 1", {})
    with other.read_only() as connection:
        assert tuples(connection, "SELECT 1", {}) == [(1,)]
    other.close()
