"""Say the cause of a ticket in the deltas of its counters.

The worker counts what is there already (tickets_service/standing_completing.py).
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column(
        "ticket_count_deltas",
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        schema="tickets",
    )


def downgrade() -> None:
    op.execute("DELETE FROM tickets.ticket_counts WHERE team_id = -3")
    op.drop_column("ticket_count_deltas", "cause", schema="tickets")
