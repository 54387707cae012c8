"""Batches of writes whose server has gone."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from db.engine import Database
from tickets_service.statements import Statements

END = text("SELECT pg_terminate_backend(:pid)")


def write_on_a_lost_server(owner: Database, lost: list[int]) -> None:
    with owner.transaction() as connection:
        lost.append(connection.scalar(text("SELECT pg_backend_pid()")))
        with owner.transaction() as other:
            other.execute(END, {"pid": lost[0]})
        Statements(connection).add("SELECT %s AS never_prepared_before", [1])


def test_a_server_lost_while_a_text_is_prepared_is_told_as_everywhere(
    owner: Database,
) -> None:
    lost: list[int] = []
    with pytest.raises(OperationalError):
        write_on_a_lost_server(owner, lost)
    with owner.transaction() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != lost[0]
