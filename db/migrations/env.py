"""Alembic's entry: runs on the connection that db.migrate hands over."""

from alembic import context

from db.tables import METADATA, SCHEMAS

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    include_schemas=True,
    include_name=lambda name, kind, _: kind != "schema" or name in SCHEMAS,
    version_table_schema="public",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
