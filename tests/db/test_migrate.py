"""A database is brought to the newest shape, once and again."""

from sqlalchemy import text

from db.engine import Database
from db.migrate import current_revision, head_revision, migrate


def test_a_migrated_database_is_at_head(owner: Database) -> None:
    with owner.read_only() as connection:
        assert current_revision(connection) == head_revision()


def test_migrating_again_changes_nothing(database: Database) -> None:
    before = counts(database)
    migrate(database)
    assert counts(database) == before
    assert before["zones"] == 16


def counts(database: Database) -> dict[str, int]:
    with database.read_only() as connection:
        return {
            name: connection.scalar(text(f"SELECT count(*) FROM tickets.{name}")) or 0
            for name in ("zones", "calendars", "sla_policies", "counters")
        }
