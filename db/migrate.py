"""Bring a database to the newest shape: `python -m db.migrate`.

One migrator at a time (advisory lock); running it again changes nothing. After
the numbered migrations come the repeatable parts: roles, contract views,
grants, reference data.
"""

import logging
import os
import sys
import time
from pathlib import Path

import psycopg2
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg2.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from db.engine import Database
from db.reference import add_reference_data
from db.tables import ROLES, SCHEMAS

HERE = Path(__file__).parent
LOCK = 0x41494646  # "AIFF"
LOCK_TIMEOUT_S = 10  # a migration waits no longer than this for a busy table
ATTEMPTS, PAUSE_S = 6, 1.0
IN_THE_WAY = (DeadlockDetected, LockNotAvailable)

log = logging.getLogger(__name__)


def alembic_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE / "migrations"))
    config.attributes["connection"] = connection
    return config


def head_revision() -> str | None:
    """Return the revision that this code wants."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def current_revision(connection: Connection) -> str | None:
    """Return the revision of the database, None if it was never migrated."""
    context = MigrationContext.configure(
        connection, opts={"version_table_schema": "public"}
    )
    return context.get_current_revision()


def migrate(database: Database) -> None:
    """Migrate to head and repeat the repeatable parts, all in one transaction.

    Services that work meanwhile may hold what it needs: then it steps back and tries
    again, until it has tried ATTEMPTS times.
    """
    for left in reversed(range(ATTEMPTS)):
        try:
            migrate_once(database)
        except (psycopg2.Error, DBAPIError) as error:
            if not left or not isinstance(getattr(error, "orig", error), IN_THE_WAY):
                raise
            log.warning("others are at the tables; trying again: %s", error)
            time.sleep(PAUSE_S)
        else:
            return


def migrate_once(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"))
        run_file(connection, "roles.sql")
        prepare_schemas(connection)
        command.upgrade(alembic_config(connection), "head")
        run_file(connection, "views.sql")
        run_file(connection, "grants.sql")
        add_reference_data(connection)


def prepare_schemas(connection: Connection) -> None:
    for extension in ("pg_trgm", "btree_gist"):
        connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))
    for schema in SCHEMAS:
        connection.execute(CreateSchema(schema, if_not_exists=True))


def run_file(connection: Connection, name: str) -> None:
    """Run a file of SQL as it stands (no parameters, so % and : are plain)."""
    cursor = connection.connection.cursor()
    cursor.execute((HERE / name).read_text())
    cursor.close()


def set_login_passwords(database: Database, passwords: dict[str, str]) -> None:
    """Let the service roles log in themselves. passwords: {schema: password}."""
    with database.transaction() as connection:
        for schema, password in passwords.items():
            cursor = connection.connection.cursor()
            cursor.execute(f"ALTER ROLE {ROLES[schema]} LOGIN PASSWORD %s", (password,))


def main() -> int:
    logging.basicConfig(level="INFO", format="%(message)s")
    url = os.environ.get("DATABASE_URL")
    if not url:
        log.error("set DATABASE_URL")
        return 2
    database = Database.at(url, statement_timeout_ms=0)
    migrate(database)
    passwords = {
        schema: os.environ[name]
        for schema in SCHEMAS
        if os.environ.get(name := f"{schema.upper()}_DB_PASSWORD")
    }
    set_login_passwords(database, passwords)
    log.info("database is at revision %s", head_revision())
    return 0


if __name__ == "__main__":
    sys.exit(main())
