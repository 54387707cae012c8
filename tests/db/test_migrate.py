"""A database is brought to the newest shape, once and again."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from db import migrate as migrations
from db.engine import Database
from db.migrate import alembic_config, current_revision, head_revision, migrate
from tickets_service.rollup_verify import stored_counts
from tickets_service.standing import CAUSE, MARGIN, Counts, Standing, counted
from tickets_service.standing_store import fold_counts


def test_a_migrated_database_is_at_head(owner: Database) -> None:
    with owner.read_only() as connection:
        assert current_revision(connection) == head_revision()


def test_migrating_again_changes_nothing(database: Database) -> None:
    before = counts(database)
    migrate(database)
    assert counts(database) == before
    assert before["zones"] == 16


def test_the_margins_are_summed_from_the_counters_that_are_there(
    database: Database,
) -> None:
    cells: Counts = {
        Standing(0, "Selangor", "open", "high", "repair", 3): (3, 1, 0, 0, 1),
        Standing(0, "Johor", "closed", "low", "repair", 4, 9): (5, 0, 50, 5, 0),
        Standing(7, "Johor", "on_hold", "low", "emergency", 3): (2, 2, 0, 0, 2),
    }
    with database.transaction() as connection:
        fold_counts(connection, cells)
        command.downgrade(alembic_config(connection), "0001")
        margins = f"SELECT FROM tickets.ticket_counts WHERE team_id = {MARGIN}"
        assert not connection.exec_driver_sql(margins).all()
    migrate(database)
    with database.read_only() as connection:
        stored = stored_counts(connection)
    # Causes are not told by other counters: the worker counts them anew.
    assert stored == {c: n for c, n in counted(cells).items() if c.team_id != CAUSE}


TICKET = (
    "INSERT INTO tickets.tickets (id, title, status, priority, category, zone, "
    "created_at, updated_at, opened_at, description, customer_name, memo, created_by) "
    "SELECT {0}, 'Tiang ' || {0}, 'open', 'low', 'repair', name, {1}, {1}, {1}, "
    "'', {2}, '{{}}', 1 FROM tickets.zones LIMIT 1"
)
OLD, NEW = "TIMESTAMPTZ '2020-01-01'", "now()"


def test_what_tickets_are_found_by_moves_to_its_own_table(database: Database) -> None:
    with database.transaction() as connection:
        command.downgrade(alembic_config(connection), "0006")
        for ticket in (TICKET.format(1, OLD, "'Ravi'"), TICKET.format(2, NEW, "NULL")):
            connection.exec_driver_sql(ticket)
        columns = "SELECT id, t.search, t.search_contact FROM tickets.tickets t"
        before = connection.exec_driver_sql(columns).all()
    migrate(database)
    with database.transaction() as connection:
        connection.exec_driver_sql(TICKET.format(3, OLD, "' '"))
        found = connection.exec_driver_sql(
            "SELECT ticket_id, said, contact FROM tickets.search_texts ORDER BY 1"
        ).all()
        # Code of the release before still asks for the columns.
        asked = connection.exec_driver_sql(f"{columns} WHERE id < 3").all()
    assert [row.said.split() for row in found] == [
        [f"ctt_{n}", "tiang", str(n)] for n in (1, 2, 3)
    ]
    assert [row.contact for row in found] == ["ravi", None, None]
    assert asked == before


def test_what_is_written_while_texts_are_moved_is_found_too(
    database: Database,
) -> None:
    with database.transaction() as connection:
        command.downgrade(alembic_config(connection), "0006")
        connection.exec_driver_sql(TICKET.format(1, OLD, "NULL"))
    with ExitStack() as writing:
        writer = writing.enter_context(database.transaction())
        writer.exec_driver_sql(TICKET.format(2, OLD, "NULL"))
        writer.exec_driver_sql(
            "UPDATE tickets.tickets SET title = 'Kabel', updated_at = now() "
            "WHERE id = 1"
        )
        threading.Timer(0.6, writing.pop_all().close).start()
        migrate(database)
    with database.read_only() as connection:
        said = connection.exec_driver_sql(
            "SELECT split_part(said, ' ', 2) FROM tickets.search_texts ORDER BY 1"
        )
        assert said.scalars().all() == ["kabel", "tiang"]


def lock_and_write(database: Database, is_locked: threading.Event) -> None:
    """Lock a ticket, and write it once somebody waits: as every move may do."""
    with database.transaction() as writer, database.read_only() as watcher:
        writer.exec_driver_sql("SELECT FROM tickets.tickets WHERE id = 1 FOR UPDATE")
        is_locked.set()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not watcher.exec_driver_sql(waiting).scalar():
            time.sleep(0.02)
        writer.exec_driver_sql(
            "UPDATE tickets.tickets SET title = 'Kabel', updated_at = now()"
        )


def test_who_has_locked_a_ticket_may_write_it_before_its_texts_are_moved(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is refused for a deadlock."""
    monkeypatch.setattr(migrations, "ATTEMPTS", 1)
    with database.transaction() as connection:
        command.downgrade(alembic_config(connection), "0006")
        connection.exec_driver_sql(TICKET.format(1, OLD, "NULL"))
    is_locked = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        moved = pool.submit(lock_and_write, database, is_locked)
        assert is_locked.wait(5)
        migrate(database)
        moved.result()
    with database.read_only() as connection:
        texts = connection.exec_driver_sql("SELECT said FROM tickets.search_texts")
        assert "kabel" in texts.scalar_one()


LOCKED = "LOCK TABLE tickets.tickets IN ACCESS SHARE MODE"


@pytest.fixture
def behind(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database that wants a migration, which waits for 0.2 s six times."""
    with database.transaction() as connection:
        command.downgrade(alembic_config(connection), "0004")
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_S", 0.2)
    monkeypatch.setattr(migrations, "PAUSE_S", 0.0)
    return database


def test_a_migration_waits_for_who_is_at_a_table(behind: Database) -> None:
    with ExitStack() as reading:
        reader = reading.enter_context(behind.transaction())
        reader.exec_driver_sql(LOCKED)
        threading.Timer(0.6, reading.pop_all().close).start()
        migrate(behind)
    with behind.read_only() as connection:
        assert current_revision(connection) == head_revision()


def test_a_migration_gives_up_on_who_never_leaves(behind: Database) -> None:
    with behind.transaction() as reader:
        reader.exec_driver_sql(LOCKED)
        with pytest.raises(OperationalError, match="lock timeout"):
            migrate(behind)
    with behind.read_only() as connection:
        assert current_revision(connection) == "0004"
    migrate(behind)


def test_words_outside_the_vocabulary_are_refused(database: Database) -> None:
    """Every CHECK of a word, after the newest migration as after the first."""
    with database.read_only() as connection:
        checks = connection.exec_driver_sql(
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) "
            "FROM pg_constraint WHERE contype = 'c' "
            "AND conrelid::regclass::text ~ '^(auth|tickets)[.]'"
        ).all()
        assert len(checks) == 10
        for table, rule in checks:
            column = rule.removeprefix("CHECK ((").split(" ")[0]
            verdict = "SELECT {} FROM (SELECT {}::text AS {}) t"
            condition = rule.removeprefix("CHECK ")
            for word, wanted in (("'nonsense'", False), ("NULL", None)):
                found = connection.exec_driver_sql(
                    verdict.format(condition, word, column)
                ).scalar()
                assert found is wanted, (table, rule)


def counts(database: Database) -> dict[str, int]:
    with database.read_only() as connection:
        return {
            name: connection.scalar(text(f"SELECT count(*) FROM tickets.{name}")) or 0
            for name in ("zones", "calendars", "sla_policies", "counters")
        }
