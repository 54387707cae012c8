"""Index finished durations by their bin, for exact percentiles."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

BIN_OF = (
    "(1 + floor(ln(GREATEST({0}::double precision, '0.985'::double precision)) "
    "/ '0.01980262729617973'::double precision)::integer)"
)
DONE = "deleted_at IS NULL AND status IN ('completed', 'closed')"
ANSWERED = "deleted_at IS NULL AND responded_at IS NOT NULL"
CELL = ("zone", "team_id", "category", "priority")
INDEXES = {
    "ix_tickets_bin_rw": ("resolution_wall_s", "completed_at", DONE),
    "ix_tickets_bin_rk": ("resolution_elapsed_s", "completed_at", DONE),
    "ix_tickets_bin_fw": ("response_wall_s", "responded_at", ANSWERED),
    "ix_tickets_bin_fk": ("response_elapsed_s", "responded_at", ANSWERED),
}


def upgrade() -> None:
    for name, (seconds, at, which) in INDEXES.items():
        op.create_index(
            name,
            "tickets",
            [sa.literal_column(BIN_OF.format(seconds)), at],
            schema="tickets",
            postgresql_include=[seconds, *CELL],
            postgresql_where=sa.text(f"{which} AND {seconds} IS NOT NULL"),
        )


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, table_name="tickets", schema="tickets")
