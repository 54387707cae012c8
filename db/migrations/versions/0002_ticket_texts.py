"""Ticket texts; the margins of the counters; room for rows that every write touches.

The worker writes the texts of the tickets that are there already.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

RISK = (
    "status IN ('open', 'in_progress', 'on_hold') "
    "AND deleted_at IS NULL AND breached_at IS NULL"
)
# New versions of these rows stay on their page, out of the indexes.
ROOMY = {"rollup": 50, "ticket_counts": 50, "counters": 10}


# The counters of -1 (all teams) summed over all dimensions but one, or over all.
MARGINS = """
INSERT INTO tickets.ticket_counts
SELECT -2, coalesce(zone, ''), coalesce(status, ''), coalesce(priority, ''),
       coalesce(category, ''), sum(tickets), sum(breached)
FROM tickets.ticket_counts WHERE team_id = -1
GROUP BY GROUPING SETS ((zone), (status), (priority), (category), ())
HAVING sum(tickets) <> 0 OR sum(breached) <> 0
"""
UNASSIGNED = """
INSERT INTO tickets.ticket_counts
SELECT -2, '', 'unassigned', '', '', sum(tickets), sum(breached)
FROM tickets.ticket_counts
WHERE team_id = 0 AND status IN ('open', 'in_progress', 'on_hold')
HAVING sum(tickets) <> 0 OR sum(breached) <> 0
"""


# Always nearly empty: what was deleted must not be read over and over.
EMPTIED = ("rollup_deltas", "ticket_count_deltas")


def upgrade() -> None:
    op.execute(MARGINS)
    op.execute(UNASSIGNED)
    for name in ("body_json", "sla_json"):
        op.add_column("tickets", sa.Column(name, sa.Text()), schema="tickets")
    op.create_index(
        "ix_tickets_without_body",
        "tickets",
        ["id"],
        schema="tickets",
        postgresql_where=sa.text("body_json IS NULL"),
    )
    # Counting what is at risk reads the index alone.
    op.drop_index("ix_tickets_risk", table_name="tickets", schema="tickets")
    op.create_index(
        "ix_tickets_risk",
        "tickets",
        ["resolution_risk_at"],
        schema="tickets",
        postgresql_include=["resolution_due_at", "zone", "team_id"],
        postgresql_where=sa.text(RISK),
    )
    # A row with its texts may pass 2 kB: it is read whole, so it stays in one piece.
    op.execute("ALTER TABLE tickets.tickets SET (toast_tuple_target = 8160)")
    for table, fill in ROOMY.items():
        op.execute(f"ALTER TABLE tickets.{table} SET (fillfactor = {fill})")
    for table in EMPTIED:
        op.execute(
            f"ALTER TABLE tickets.{table} SET (autovacuum_vacuum_scale_factor = 0, "
            "autovacuum_vacuum_threshold = 2000)"
        )


def downgrade() -> None:
    op.execute("DELETE FROM tickets.ticket_counts WHERE team_id = -2")
    for table in EMPTIED:
        op.execute(
            f"ALTER TABLE tickets.{table} RESET (autovacuum_vacuum_scale_factor, "
            "autovacuum_vacuum_threshold)"
        )
    for table in ROOMY:
        op.execute(f"ALTER TABLE tickets.{table} RESET (fillfactor)")
    op.execute("ALTER TABLE tickets.tickets RESET (toast_tuple_target)")
    op.drop_index("ix_tickets_risk", table_name="tickets", schema="tickets")
    op.create_index(
        "ix_tickets_risk",
        "tickets",
        ["resolution_risk_at"],
        schema="tickets",
        postgresql_where=sa.text(RISK),
    )
    op.drop_index("ix_tickets_without_body", table_name="tickets", schema="tickets")
    op.drop_column("tickets", "sla_json", schema="tickets")
    op.drop_column("tickets", "body_json", schema="tickets")
