"""Rows by binary COPY are those of the query."""

import pytest
from sqlalchemy.exc import DBAPIError

from analytics_service.binary import copied
from db.engine import Database


def test_fields_arrive_as_their_bytes_and_null_as_none(owner: Database) -> None:
    query = (
        "SELECT n, CASE WHEN n > 1 THEN %(word)s END, decode('00ff', 'hex') "
        "FROM generate_series(1, 3) AS n ORDER BY n"
    )
    with owner.read_only() as connection:
        rows = list(copied(connection, query, {"word": "it's 100 %"}))
    numbers = [int.from_bytes(n or b"") for n, _, _ in rows]
    words = [None if word is None else bytes(word).decode() for _, word, _ in rows]
    assert numbers == [1, 2, 3]
    assert words == [None, "it's 100 %", "it's 100 %"]
    assert {bytes(raw or b"") for _, _, raw in rows} == {b"\x00\xff"}


def test_no_rows_are_no_rows(owner: Database) -> None:
    with owner.read_only() as connection:
        assert list(copied(connection, "SELECT 1 WHERE false", {})) == []


def test_a_query_that_fails_fails_as_any_other(owner: Database) -> None:
    with owner.read_only() as connection, pytest.raises(DBAPIError):
        list(copied(connection, "SELECT 1 / 0", {}))
