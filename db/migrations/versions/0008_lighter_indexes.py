"""Index completions and tags where there are any.

A move of an unfinished ticket, or of one without tags, wrote an entry that says "none"
into each. Reads and writes wait while both are built: a second or two for a million
tickets.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

COMPLETED, TAGS = "ix_tickets_completed_at", "ix_tickets_tags"


def upgrade() -> None:
    anew("completed_at IS NOT NULL", "tags <> '{}'")


def downgrade() -> None:
    anew(None, None)


def anew(completed: str | None, tags: str | None) -> None:
    """Make both indexes again, of these tickets (None: of all)."""
    # At once: a weaker lock first would be refused to whoever has locked a ticket.
    op.execute("LOCK TABLE tickets.tickets IN ACCESS EXCLUSIVE MODE")
    for name in (COMPLETED, TAGS):
        op.drop_index(name, table_name="tickets", schema="tickets")
    op.create_index(
        COMPLETED,
        "tickets",
        ["completed_at", "id"],
        schema="tickets",
        postgresql_where=None if completed is None else sa.text(completed),
    )
    op.create_index(
        TAGS,
        "tickets",
        ["tags"],
        schema="tickets",
        postgresql_using="gin",
        postgresql_where=None if tags is None else sa.text(tags),
    )
