"""Spare every write what it does not need.

External references are indexed where there are any: a million entries of "none" cost
each new ticket a search among them. Words are compared with one list, which PostgreSQL
reads quicker than a list of constants. Deltas are added up, not found: they need no
number.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

WORDS = {
    ("auth", "users", "role"): (
        *("admin", "manager", "dispatcher", "technician", "requester", "viewer"),
    ),
    ("auth", "users", "locale"): ("en", "ms"),
    ("tickets", "tickets", "status"): (
        *("open", "in_progress", "on_hold", "completed", "closed", "cancelled"),
    ),
    ("tickets", "tickets", "priority"): ("urgent", "high", "medium", "low"),
    ("tickets", "tickets", "category"): (
        *("fiber_installation", "maintenance", "repair", "inspection", "emergency"),
    ),
    ("tickets", "tickets", "cause"): (
        *("drop_fibre", "customer_cpe", "long_span", "rodent", "fdp_breakdown"),
        *("power", "other"),
    ),
    ("tickets", "tickets", "hold_reason"): (
        *("customer_absent", "awaiting_parts", "permit_access", "weather_safety"),
        *("third_party", "customer_info", "other"),
    ),
    ("tickets", "assignments", "status"): (
        *("offered", "accepted", "en_route", "on_site", "done", "not_done"),
        *("declined", "released"),
    ),
    ("tickets", "comments", "visibility"): ("public", "internal"),
    ("tickets", "ticket_events", "via"): (
        *("api", "chat", "import", "seed", "worker", "legacy"),
    ),
}
NUMBERED = ("rollup_deltas", "ticket_count_deltas")


def upgrade() -> None:
    for (schema, table, column), words in WORDS.items():
        name = f"ck_{table}_{column}"
        op.drop_constraint(op.f(name), table, schema=schema, type_="check")
        rule = f"{column} = ANY ('{{{','.join(words)}}}'::text[])"
        op.create_check_constraint(op.f(name), table, sa.text(rule), schema=schema)
    op.drop_constraint(
        "uq_tickets_external_ref", "tickets", schema="tickets", type_="unique"
    )
    op.create_index(
        "uq_tickets_external_ref",
        "tickets",
        ["external_ref"],
        schema="tickets",
        unique=True,
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    for table in NUMBERED:
        op.drop_column(table, "id", schema="tickets")


def downgrade() -> None:
    for table in NUMBERED:
        op.add_column(
            table,
            sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
            schema="tickets",
        )
        op.create_primary_key(f"pk_{table}", table, ["id"], schema="tickets")
    op.drop_index("uq_tickets_external_ref", table_name="tickets", schema="tickets")
    op.create_unique_constraint(
        "uq_tickets_external_ref", "tickets", ["external_ref"], schema="tickets"
    )
    for (schema, table, column), words in WORDS.items():
        name = f"ck_{table}_{column}"
        op.drop_constraint(op.f(name), table, schema=schema, type_="check")
        listed = ", ".join(f"'{word}'" for word in words)
        rule = f"{column} IN ({listed})"
        op.create_check_constraint(op.f(name), table, sa.text(rule), schema=schema)
