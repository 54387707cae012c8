"""A backup holds everything, and goes only where nothing is."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from db.engine import Database
from db.migrate import migrate
from scripts.local.backup import restore, save
from scripts.local.postgres import Cluster
from scripts.local.processes import CannotStart


@pytest.fixture(scope="module")
def full() -> Iterator[Cluster]:
    """A migrated database with its reference data."""
    with Cluster.temporary() as cluster:
        database = Database.at(cluster.url, statement_timeout_ms=0)
        migrate(database)
        database.close()
        yield cluster


def fingerprints(url: str) -> dict[str, tuple[int, str]]:
    """Return how many rows each table has, and a hash over all of them."""
    connection = psycopg2.connect(url)
    found = {}
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for schema, table in cursor.fetchall():
            cursor.execute(
                sql.SQL(
                    "SELECT count(*), coalesce(md5(string_agg(md5(t::text), ''"
                    " ORDER BY md5(t::text))), '') FROM {} AS t"
                ).format(sql.Identifier(schema, table))
            )
            row = cursor.fetchone()
            assert row is not None
            found[f"{schema}.{table}"] = (row[0], row[1])
    connection.close()
    return found


def test_a_restored_database_equals_the_one_saved(full: Cluster, folder: Path) -> None:
    target = folder / "backups" / "all.dump"
    save(full.url, full.binaries, target)
    before = fingerprints(full.url)
    assert sum(rows for rows, _ in before.values()) > 16
    with Cluster.temporary() as empty:
        restore(empty.url, empty.binaries, target)
        assert fingerprints(empty.url) == before


def test_a_restored_database_needs_no_migration(full: Cluster, folder: Path) -> None:
    target = folder / "all.dump"
    save(full.url, full.binaries, target)
    with Cluster.temporary() as empty:
        restore(empty.url, empty.binaries, target)
        before = fingerprints(empty.url)
        database = Database.at(empty.url, statement_timeout_ms=0)
        migrate(database)
        database.close()
        assert fingerprints(empty.url) == before


def test_a_backup_is_readable_by_its_owner_only(full: Cluster, folder: Path) -> None:
    target = folder / "all.dump"
    save(full.url, full.binaries, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert os.listdir(folder) == ["all.dump"]


def test_a_database_that_holds_anything_is_refused(full: Cluster, folder: Path) -> None:
    target = folder / "all.dump"
    save(full.url, full.binaries, target)
    before = fingerprints(full.url)
    with pytest.raises(CannotStart, match="already holds"):
        restore(full.url, full.binaries, target)
    assert fingerprints(full.url) == before


def test_half_a_file_leaves_nothing_behind(full: Cluster, folder: Path) -> None:
    target = folder / "all.dump"
    save(full.url, full.binaries, target)
    target.write_bytes(target.read_bytes()[: target.stat().st_size // 2])
    with Cluster.temporary() as empty:
        with pytest.raises(CannotStart, match="pg_restore"):
            restore(empty.url, empty.binaries, target)
        assert fingerprints(empty.url) == {}
