"""What the migrations build is what the table modules declare."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from db.engine import Database
from db.tables import METADATA, SCHEMAS


def test_the_migrations_build_the_declared_tables(owner: Database) -> None:
    def ours(name: str | None, kind: str, _: object) -> bool:
        return kind != "schema" or name in SCHEMAS

    with owner.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": ours,
                "compare_type": True,
                "version_table_schema": "public",
            },
        )
        assert compare_metadata(context, METADATA) == []


def test_packed_histograms_are_not_packed_once_more(owner: Database) -> None:
    with owner.read_only() as connection:
        storage = connection.exec_driver_sql(
            "SELECT attstorage FROM pg_attribute "
            "WHERE attrelid = 'tickets.rollup'::regclass AND attname = 'bins'"
        ).scalar()
    assert storage == "e"  # external: kept whole, outside of the row
