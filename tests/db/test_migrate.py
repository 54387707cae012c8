"""A database is brought to the newest shape, once and again."""

from alembic import command
from sqlalchemy import text

from db.engine import Database
from db.migrate import alembic_config, current_revision, head_revision, migrate
from tickets_service import fold, rollup
from tickets_service.rollup import CountCell
from tickets_service.rollup_verify import stored_counts


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
    cells = {
        CountCell(0, "Selangor", "open", "high", "repair"): (3, 1),
        CountCell(0, "Johor", "closed", "low", "repair"): (5, 0),
        CountCell(7, "Johor", "on_hold", "low", "emergency"): (2, 2),
    }
    with database.transaction() as connection:
        fold.fold_counts(connection, cells)
        command.downgrade(alembic_config(connection), "0001")
        found = stored_counts(connection)
        assert all(cell.team_id != rollup.MARGIN for cell in found)
    migrate(database)
    with database.read_only() as connection:
        assert stored_counts(connection) == rollup.counted(cells)


def counts(database: Database) -> dict[str, int]:
    with database.read_only() as connection:
        return {
            name: connection.scalar(text(f"SELECT count(*) FROM tickets.{name}")) or 0
            for name in ("zones", "calendars", "sla_policies", "counters")
        }
