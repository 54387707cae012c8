"""What tickets are found by goes to a table of its own.

Each move of a ticket wrote its entries of two trigram indexes anew, and the texts with
them. A trigger keeps the table, so that no writer can forget it. Filling it takes
minutes for a million tickets; others go on but for the end, when what was written
meanwhile is added. Two functions stand in for the columns, for code of the release
before that is still running: `t.search` means `search(t)` where there is no column.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

SAID = (
    "lower('ctt_' || {0}id::text || ' ' || {0}title || ' ' || {0}description || ' ' || "
    "coalesce({0}location, '') || ' ' || coalesce({0}external_ref, ''))"
)
CONTACT = (
    "lower(coalesce({0}customer_name, '') || ' ' || "
    "coalesce({0}customer_phone, '') || ' ' || coalesce({0}customer_email, ''))"
)
COLUMNS = {"search": SAID, "search_contact": CONTACT}
NEW = f"NEW.id, {SAID.format('NEW.')}, nullif(btrim({CONTACT.format('NEW.')}), '')"
OLD = f"id, {SAID.format('')}, nullif(btrim({CONTACT.format('')}), '')"
PUT = "INSERT INTO tickets.search_texts (ticket_id, said, contact)"
OVER = (
    "ON CONFLICT (ticket_id) DO UPDATE "
    "SET said = excluded.said, contact = excluded.contact"
)
FUNCTION = f"""
CREATE FUNCTION tickets.keep_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN  -- an upsert costs a third more
        {PUT} VALUES ({NEW});
    ELSE
        {PUT} VALUES ({NEW}) {OVER};
    END IF;
    RETURN NULL;
END $$
"""
TRIGGER = """
CREATE TRIGGER search_text AFTER INSERT OR UPDATE OF title, description, location,
    external_ref, customer_name, customer_phone, customer_email ON tickets.tickets
FOR EACH ROW EXECUTE FUNCTION tickets.keep_search_text()
"""
FILL = f"{PUT} SELECT {OLD} FROM tickets.tickets t"  # noqa: S608
# Every change of a text moves updated_at; the hour is for clocks that differ.
FILL_AGAIN = f"""
{FILL} WHERE updated_at > now() - interval '1 hour'
    OR NOT EXISTS (SELECT FROM tickets.search_texts s WHERE s.ticket_id = t.id)
{OVER}
"""


def upgrade() -> None:
    op.create_table(
        "search_texts",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text()),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_search_texts")),
        schema="tickets",
    )
    op.execute(FILL)
    indexed("search_texts", "said")
    indexed("search_texts", "contact", "contact IS NOT NULL")
    op.execute(FUNCTION)
    # From here on all wait. At once the lock that dropping a column needs: who has
    # locked a row and waits to write it would else wait for us, and we for them.
    op.execute("LOCK TABLE tickets.tickets IN ACCESS EXCLUSIVE MODE")
    op.execute(TRIGGER)
    op.execute(FILL_AGAIN)
    op.execute("DROP VIEW IF EXISTS tickets.ticket_facts")  # views.sql makes it again
    for name, expression in COLUMNS.items():
        op.drop_column("tickets", name, schema="tickets")
        op.execute(
            f"CREATE FUNCTION public.{name}(tickets.tickets) RETURNS text STABLE "
            f"LANGUAGE sql RETURN {expression.format('($1).')}"
        )


def indexed(table: str, column: str, which: str | None = None) -> None:
    op.create_index(
        f"ix_{table}_{column}",
        table,
        [column],
        schema="tickets",
        postgresql_using="gin",
        postgresql_ops={column: "gin_trgm_ops"},
        postgresql_where=sa.text(which) if which else None,
    )


def downgrade() -> None:
    for name in ("ticket_facts", "search_facts"):
        op.execute(f"DROP VIEW IF EXISTS tickets.{name}")
    op.execute("DROP TRIGGER search_text ON tickets.tickets")
    op.execute("DROP FUNCTION tickets.keep_search_text()")
    for name, expression in COLUMNS.items():
        op.execute(f"DROP FUNCTION public.{name}(tickets.tickets)")
        made = sa.Computed(expression.format(""), persisted=True)
        empty = name == "search_contact"
        column = sa.Column(name, sa.Text(), made, nullable=empty)
        op.add_column("tickets", column, schema="tickets")
        indexed("tickets", name)
    op.drop_table("search_texts", schema="tickets")
