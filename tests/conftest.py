"""Fixtures shared by all tests. Tests use a real PostgreSQL and really commit.

One throwaway cluster per test process, migrated once; each test module that asks
for `database` starts from reference data only.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from sqlalchemy import text
from xdist.scheduler import LoadScopeScheduling

from db.engine import Database
from db.migrate import migrate
from db.reference import add_reference_data
from db.tables import METADATA
from scripts.local.postgres import Cluster
from service_kit.settings import Settings

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
REFERENCE = {"tickets.zones", "tickets.calendars", "tickets.sla_policies"}


# In CI a property test tries the same cases every time: a red run can be run again.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")


class ByPlace(LoadScopeScheduling):  # type: ignore[misc] # xdist carries no types
    """Keeps each file in one process, and all that share a browser and a system."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "e2e" if file.startswith("tests/e2e/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByPlace:
    return ByPlace(config, log)


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """Yield the URL of an owner's login on a migrated database."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        migrate(Database.at(given, statement_timeout_ms=0))
        yield given
        return
    with Cluster.temporary() as cluster:
        migrated = Database.at(cluster.url, statement_timeout_ms=0)
        migrate(migrated)
        migrated.close()
        yield cluster.url


@pytest.fixture(scope="session")
def owner(database_url: str) -> Iterator[Database]:
    """Yield the database as its owner sees it, for arranging and checking."""
    database = Database.at(database_url, statement_timeout_ms=0)
    yield database
    database.close()


def empty(database: Database) -> None:
    """Remove every row but reference data."""
    names = ", ".join(
        t.fullname for t in METADATA.sorted_tables if t.fullname not in REFERENCE
    )
    with database.transaction() as connection:
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
        connection.execute(text("DELETE FROM tickets.zones WHERE country <> 'MY'"))
        add_reference_data(connection)


@pytest.fixture
def database(owner: Database) -> Database:
    """Return an empty database (reference data only), for one test."""
    empty(owner)
    return owner


@pytest.fixture(scope="module")
def module_database(owner: Database) -> Database:
    """Return a database that was empty when the module began."""
    empty(owner)
    return owner


def settings_for(service: str, url: str, **changes: object) -> Settings:
    """Return settings of a service in tests: HS256 unless changed, no session cache."""
    values: dict[str, object] = {
        "service": service,
        "database_url": url,
        "environment": "test",
        "session_cache_s": 0,
        "log_level": "ERROR",
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]
