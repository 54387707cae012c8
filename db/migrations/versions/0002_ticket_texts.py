"""Ticket texts; room for the rows that every write touches.

The worker writes the texts of the tickets that are there already.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# New versions of these rows stay on their page, out of the indexes.
ROOMY = {"rollup": 50, "ticket_counts": 50, "counters": 10}


def upgrade() -> None:
    for name in ("body_json", "sla_json"):
        op.add_column("tickets", sa.Column(name, sa.Text()), schema="tickets")
    op.create_index(
        "ix_tickets_without_body",
        "tickets",
        ["id"],
        schema="tickets",
        postgresql_where=sa.text("body_json IS NULL"),
    )
    # A row with its texts may pass 2 kB: it is read whole, so it stays in one piece.
    op.execute("ALTER TABLE tickets.tickets SET (toast_tuple_target = 8160)")
    for table, fill in ROOMY.items():
        op.execute(f"ALTER TABLE tickets.{table} SET (fillfactor = {fill})")


def downgrade() -> None:
    for table in ROOMY:
        op.execute(f"ALTER TABLE tickets.{table} RESET (fillfactor)")
    op.execute("ALTER TABLE tickets.tickets RESET (toast_tuple_target)")
    op.drop_index("ix_tickets_without_body", table_name="tickets", schema="tickets")
    op.drop_column("tickets", "sla_json", schema="tickets")
    op.drop_column("tickets", "body_json", schema="tickets")
