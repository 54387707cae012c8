"""Say who opened what, and how long it took, beside how tickets stand.

So that statistics of one requester, and of tickets of one status, need no rows. What is
there already is counted by the worker (tickets_service/standing_completing.py). Indexes
list what is at work in each order, and a technician's tickets; that of times is left
to the one of their bins.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TIMES = ("wall_s", "met", "missed")
AT_WORK = "status IN ('open', 'in_progress', 'on_hold') AND deleted_at IS NULL"
LISTED = {
    "unfinished_due": (["due_key", "id"], AT_WORK),
    "unfinished_created": (["created_at", "id"], AT_WORK),
    "unfinished_priority": (["priority_rank", "id"], AT_WORK),
    "technician": (["technician_id", "created_at", "id"], "technician_id IS NOT NULL"),
}


def upgrade() -> None:
    op.create_table(
        "creator_figures",
        sa.Column("created_by", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tickets", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("created_by", name=op.f("pk_creator_figures")),
        schema="tickets",
    )
    for table in ("ticket_counts", "ticket_count_deltas"):
        for name in TIMES:
            add(table, name, sa.BigInteger(), "0")
    op.add_column(
        "ticket_counts", sa.Column("bins", sa.LargeBinary()), schema="tickets"
    )
    add("ticket_count_deltas", "created_by", sa.BigInteger(), "0")
    add("ticket_count_deltas", "bin", sa.SmallInteger(), "-1")
    for name in ("unfinished_due", "resolution_wall"):
        op.drop_index(f"ix_tickets_{name}", table_name="tickets", schema="tickets")
    for name, (columns, which) in LISTED.items():
        listed(name, columns, which)


def listed(name: str, columns: list[str], which: str) -> None:
    op.create_index(
        f"ix_tickets_{name}",
        "tickets",
        columns,
        schema="tickets",
        postgresql_where=sa.text(which),
    )


def add(table: str, name: str, kind: sa.types.TypeEngine[int], default: str) -> None:
    column = sa.Column(name, kind, server_default=sa.text(default), nullable=False)
    op.add_column(table, column, schema="tickets")


def downgrade() -> None:
    for name in LISTED:
        op.drop_index(f"ix_tickets_{name}", table_name="tickets", schema="tickets")
    listed("unfinished_due", ["resolution_due_at", "id"], AT_WORK)
    timed = ["resolution_wall_s", "completed_at"]
    listed("resolution_wall", timed, "resolution_wall_s IS NOT NULL")
    for name in ("bin", "created_by", *TIMES):
        op.drop_column("ticket_count_deltas", name, schema="tickets")
    for name in ("bins", *TIMES):
        op.drop_column("ticket_counts", name, schema="tickets")
    op.drop_table("creator_figures", schema="tickets")
