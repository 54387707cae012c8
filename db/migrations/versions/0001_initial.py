"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        schema="ai",
    )
    op.create_index(
        op.f("ix_conversations_user_id"),
        "conversations",
        ["user_id"],
        unique=False,
        schema="ai",
    )
    op.create_table(
        "dispatch_plans",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("versions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch_plans")),
        schema="ai",
    )
    op.create_index(
        op.f("ix_dispatch_plans_user_id"),
        "dispatch_plans",
        ["user_id"],
        unique=False,
        schema="ai",
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
        schema="ai",
    )
    op.create_index(
        op.f("ix_idempotency_keys_created_at"),
        "idempotency_keys",
        ["created_at"],
        unique=False,
        schema="ai",
    )
    op.create_table(
        "insights",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=True),
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dismissed_by", sa.BigInteger(), nullable=True),
        sa.Column("dismissed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insights")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_insights_fingerprint")),
        schema="ai",
    )
    op.create_table(
        "models",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("trained_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("features", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("baseline", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("artefact", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column(
            "is_served", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        schema="ai",
    )
    op.create_index(
        "ix_models_served",
        "models",
        ["name", "is_served", "id"],
        unique=False,
        schema="ai",
    )
    op.create_table(
        "forecast_runs",
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("trained_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("history_days", sa.BigInteger(), nullable=False),
        sa.Column("scores", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "is_served", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forecast_runs")),
        schema="analytics",
    )
    op.create_index(
        "ix_forecast_runs_served",
        "forecast_runs",
        ["metric", "is_served", "id"],
        unique=False,
        schema="analytics",
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
        schema="analytics",
    )
    op.create_index(
        op.f("ix_idempotency_keys_created_at"),
        "idempotency_keys",
        ["created_at"],
        unique=False,
        schema="analytics",
    )
    op.create_table(
        "audit_events",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column("device", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
        schema="auth",
    )
    op.create_index(
        "ix_audit_events_actor_id",
        "audit_events",
        ["actor_id", "id"],
        unique=False,
        schema="auth",
    )
    op.create_index(
        "ix_audit_events_kind",
        "audit_events",
        ["kind", "id"],
        unique=False,
        schema="auth",
    )
    op.create_index(
        "ix_audit_events_user_id",
        "audit_events",
        ["user_id", "id"],
        unique=False,
        schema="auth",
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
        schema="auth",
    )
    op.create_index(
        op.f("ix_idempotency_keys_created_at"),
        "idempotency_keys",
        ["created_at"],
        unique=False,
        schema="auth",
    )
    op.create_table(
        "login_failures",
        sa.Column("account_key", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint(
            "account_key", "address", name=op.f("pk_login_failures")
        ),
        schema="auth",
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("private_pem", sa.Text(), nullable=False),
        sa.Column("public_pem", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "signs_from",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("verifies_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_keys")),
        schema="auth",
    )
    op.create_table(
        "teams",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column(
            "skills",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("base_lat", sa.Double(), nullable=True),
        sa.Column("base_lon", sa.Double(), nullable=True),
        sa.Column(
            "shift_start",
            postgresql.TIME(),
            server_default=sa.text("'08:00'"),
            nullable=False,
        ),
        sa.Column(
            "shift_end",
            postgresql.TIME(),
            server_default=sa.text("'17:00'"),
            nullable=False,
        ),
        sa.Column(
            "daily_capacity_minutes",
            sa.BigInteger(),
            server_default=sa.text("480"),
            nullable=False,
        ),
        sa.Column(
            "is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column("external_ref", sa.Text(), nullable=True),
        sa.Column(
            "version", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("external_ref", name=op.f("uq_teams_external_ref")),
        sa.UniqueConstraint("name", name=op.f("uq_teams_name")),
        schema="auth",
    )
    op.create_index("ix_teams_zone", "teams", ["zone"], unique=False, schema="auth")
    op.create_table(
        "calendars",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column(
            "definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False
        ),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendars")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_calendars_name_version")),
        schema="tickets",
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
        schema="tickets",
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
        schema="tickets",
    )
    op.create_index(
        op.f("ix_idempotency_keys_created_at"),
        "idempotency_keys",
        ["created_at"],
        unique=False,
        schema="tickets",
    )
    op.create_table(
        "imported_rows",
        sa.Column("external_ref", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("external_ref", name=op.f("pk_imported_rows")),
        schema="tickets",
    )
    op.create_table(
        "rollup",
        sa.Column("cut", sa.Text(), nullable=False),
        sa.Column("grain", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column(
            "technician_id", sa.BigInteger(), autoincrement=False, nullable=False
        ),
        sa.Column(
            "bins", sa.LargeBinary(), server_default=sa.text("''"), nullable=False
        ),
        sa.Column(
            "created", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "workload_minutes",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "unfinished_open",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "unfinished_in_progress",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "unfinished_on_hold",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "backlog_delta",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "completed", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "cancelled", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "reopened", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "first_visit_fixed",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "responded", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "response_wall_s",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "response_work_s",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "response_met", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "response_missed",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "resolution_wall_s",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "resolution_work_s",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "resolution_met",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "resolution_missed",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "visits_done", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "visits_not_done",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "on_site_s", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "travel_s", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "extra",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint(
            "cut",
            "grain",
            "zone",
            "team_id",
            "starts_on",
            "category",
            "priority",
            "technician_id",
            name=op.f("pk_rollup"),
        ),
        schema="tickets",
    )
    op.create_index(
        "ix_rollup_starts_on",
        "rollup",
        ["cut", "grain", "starts_on"],
        unique=False,
        schema="tickets",
    )
    op.create_table(
        "rollup_deltas",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column(
            "technician_id",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "created", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "workload_minutes",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "unfinished_open",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "unfinished_in_progress",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "unfinished_on_hold",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "backlog_delta",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "completed", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "cancelled", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "reopened", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "first_visit_fixed",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "responded", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "response_wall_s",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "response_work_s",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "response_met", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "response_missed",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "resolution_wall_s",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "resolution_work_s",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "resolution_met",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "resolution_missed",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "visits_done", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "visits_not_done",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "on_site_s", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "travel_s", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "extra",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollup_deltas")),
        schema="tickets",
    )
    op.create_table(
        "saved_views",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "is_shared", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "version", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint(
            "owner_id", "name", name=op.f("uq_saved_views_owner_id_name")
        ),
        schema="tickets",
    )
    op.create_index(
        op.f("ix_saved_views_owner_id"),
        "saved_views",
        ["owner_id"],
        unique=False,
        schema="tickets",
    )
    op.create_table(
        "ticket_count_deltas",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("tickets", sa.BigInteger(), nullable=False),
        sa.Column("breached", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_count_deltas")),
        schema="tickets",
    )
    op.create_table(
        "ticket_counts",
        sa.Column("team_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column(
            "tickets", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "breached", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.PrimaryKeyConstraint(
            "team_id",
            "zone",
            "status",
            "priority",
            "category",
            name=op.f("pk_ticket_counts"),
        ),
        schema="tickets",
    )
    op.create_table(
        "webhooks",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column(
            "kinds",
            postgresql.ARRAY(sa.TEXT()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column(
            "feed_xid", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "feed_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "version", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        schema="tickets",
    )
    op.create_table(
        "zones",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), server_default=sa.text("'MY'"), nullable=False),
        sa.Column("subdivision", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("tz", sa.Text(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column(
            "aliases",
            postgresql.ARRAY(sa.TEXT()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zones")),
        sa.UniqueConstraint("code", name=op.f("uq_zones_code")),
        sa.UniqueConstraint("name", name=op.f("uq_zones_name")),
        schema="tickets",
    )
    op.create_table(
        "turns",
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["ai.conversations.id"],
            name=op.f("fk_turns_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turns")),
        schema="ai",
    )
    op.create_index(
        op.f("ix_turns_conversation_id"),
        "turns",
        ["conversation_id"],
        unique=False,
        schema="ai",
    )
    op.create_table(
        "forecast_series",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("horizon_days", sa.SmallInteger(), nullable=False),
        sa.Column("points", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("accuracy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["analytics.forecast_runs.id"],
            name=op.f("fk_forecast_series_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "zone", "category", name=op.f("pk_forecast_series")
        ),
        schema="analytics",
    )
    op.create_table(
        "users",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("username_key", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        sa.Column("zones", postgresql.ARRAY(sa.TEXT()), nullable=True),
        sa.Column("locale", sa.Text(), server_default=sa.text("'en'"), nullable=False),
        sa.Column(
            "is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "password_changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        sa.Column(
            "version", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("locale IN ('en', 'ms')", name=op.f("ck_users_locale")),
        sa.CheckConstraint(
            "role IN ('admin', 'manager', 'dispatcher', 'technician', 'requester', 'viewer')",
            name=op.f("ck_users_role"),
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["auth.teams.id"], name=op.f("fk_users_team_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email_key", name=op.f("uq_users_email_key")),
        sa.UniqueConstraint("username_key", name=op.f("uq_users_username_key")),
        schema="auth",
    )
    op.create_index(
        "ix_users_team_id", "users", ["team_id"], unique=False, schema="auth"
    )
    op.create_table(
        "sla_policies",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("calendar_id", sa.BigInteger(), nullable=False),
        sa.Column("zones", postgresql.ARRAY(sa.TEXT()), nullable=True),
        sa.Column("priorities", postgresql.ARRAY(sa.TEXT()), nullable=True),
        sa.Column("targets", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "options",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["tickets.calendars.id"],
            name=op.f("fk_sla_policies_calendar_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_policies")),
        sa.UniqueConstraint(
            "name", "version", name=op.f("uq_sla_policies_name_version")
        ),
        schema="tickets",
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "state", sa.Text(), server_default=sa.text("'pending'"), nullable=False
        ),
        sa.Column(
            "next_try_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=True,
        ),
        sa.Column(
            "attempts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["tickets.webhooks.id"],
            name=op.f("fk_webhook_deliveries_webhook_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint(
            "webhook_id",
            "event_id",
            name=op.f("uq_webhook_deliveries_webhook_id_event_id"),
        ),
        schema="tickets",
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["next_try_at"],
        unique=False,
        schema="tickets",
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "api_keys",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["auth.users.id"], name=op.f("fk_api_keys_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
        schema="auth",
    )
    op.create_index(
        op.f("ix_api_keys_user_id"),
        "api_keys",
        ["user_id"],
        unique=False,
        schema="auth",
    )
    op.create_table(
        "password_resets",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["auth.users.id"], name=op.f("fk_password_resets_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_resets")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_password_resets_token_hash")),
        schema="auth",
    )
    op.create_index(
        op.f("ix_password_resets_user_id"),
        "password_resets",
        ["user_id"],
        unique=False,
        schema="auth",
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["auth.users.id"], name=op.f("fk_recovery_codes_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        schema="auth",
    )
    op.create_index(
        op.f("ix_recovery_codes_user_id"),
        "recovery_codes",
        ["user_id"],
        unique=False,
        schema="auth",
    )
    op.create_table(
        "sessions",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column(
            "last_used_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_reason", sa.Text(), nullable=True),
        sa.Column("refresh_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=True),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rotation_key", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["auth.users.id"], name=op.f("fk_sessions_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("refresh_hash", name=op.f("uq_sessions_refresh_hash")),
        schema="auth",
    )
    op.create_index(
        op.f("ix_sessions_previous_hash"),
        "sessions",
        ["previous_hash"],
        unique=False,
        schema="auth",
    )
    op.create_index(
        op.f("ix_sessions_user_id"),
        "sessions",
        ["user_id"],
        unique=False,
        schema="auth",
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "number",
            sa.Text(),
            sa.Computed("'CTT_' || id::text", persisted=True),
            nullable=False,
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column(
            "description", sa.Text(), server_default=sa.text("''"), nullable=False
        ),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column(
            "priority_rank",
            sa.SmallInteger(),
            sa.Computed(
                "CASE priority WHEN 'urgent' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("customer_name", sa.Text(), nullable=True),
        sa.Column("customer_phone", sa.Text(), nullable=True),
        sa.Column("customer_email", sa.Text(), nullable=True),
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        sa.Column("technician_id", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("estimated_minutes", sa.BigInteger(), nullable=True),
        sa.Column("external_ref", sa.Text(), nullable=True),
        sa.Column(
            "tags",
            postgresql.ARRAY(sa.TEXT()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("duplicate_of_id", sa.BigInteger(), nullable=True),
        sa.Column("follows_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "version", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
        sa.Column("seq", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "reopen_count",
            sa.SmallInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("hold_reason", sa.Text(), nullable=True),
        sa.Column("resolution_code", sa.Text(), nullable=True),
        sa.Column("policy_id", sa.BigInteger(), nullable=True),
        sa.Column("calendar_id", sa.BigInteger(), nullable=True),
        sa.Column("response_target_s", sa.BigInteger(), nullable=True),
        sa.Column("response_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_risk_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("responded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_elapsed_s", sa.BigInteger(), nullable=True),
        sa.Column("response_verdict", sa.Text(), nullable=True),
        sa.Column("resolution_target_s", sa.BigInteger(), nullable=True),
        sa.Column("resolution_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution_risk_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution_elapsed_s", sa.BigInteger(), nullable=True),
        sa.Column("resolution_verdict", sa.Text(), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "due_key",
            sa.DateTime(timezone=True),
            sa.Computed(
                "coalesce(resolution_due_at, TIMESTAMPTZ '9999-12-31 00:00:00+00')",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("breached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_breached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_used_us", sa.BigInteger(), nullable=True),
        sa.Column("response_from_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution_used_us", sa.BigInteger(), nullable=True),
        sa.Column("resolution_from_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_wall_s", sa.BigInteger(), nullable=True),
        sa.Column("resolution_wall_s", sa.BigInteger(), nullable=True),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("memo", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "search",
            sa.Text(),
            sa.Computed(
                "lower('ctt_' || id::text || ' ' || title || ' ' || description || ' ' || coalesce(location, '') || ' ' || coalesce(external_ref, ''))",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "search_contact",
            sa.Text(),
            sa.Computed(
                "lower(coalesce(customer_name, '') || ' ' || coalesce(customer_phone, '') || ' ' || coalesce(customer_email, ''))",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.CheckConstraint(
            "category IN ('fiber_installation', 'maintenance', 'repair', 'inspection', 'emergency')",
            name=op.f("ck_tickets_category"),
        ),
        sa.CheckConstraint(
            "cause IS NULL OR cause IN ('drop_fibre', 'customer_cpe', 'long_span', 'rodent', 'fdp_breakdown', 'power', 'other')",
            name=op.f("ck_tickets_cause"),
        ),
        sa.CheckConstraint(
            "hold_reason IS NULL OR hold_reason IN ('customer_absent', 'awaiting_parts', 'permit_access', 'weather_safety', 'third_party', 'customer_info', 'other')",
            name=op.f("ck_tickets_hold_reason"),
        ),
        sa.CheckConstraint(
            "priority IN ('urgent', 'high', 'medium', 'low')",
            name=op.f("ck_tickets_priority"),
        ),
        sa.CheckConstraint(
            "status IN ('open', 'in_progress', 'on_hold', 'completed', 'closed', 'cancelled')",
            name=op.f("ck_tickets_status"),
        ),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["tickets.calendars.id"],
            name=op.f("fk_tickets_calendar_id"),
        ),
        sa.ForeignKeyConstraint(
            ["duplicate_of_id"],
            ["tickets.tickets.id"],
            name=op.f("fk_tickets_duplicate_of_id"),
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["follows_id"], ["tickets.tickets.id"], name=op.f("fk_tickets_follows_id")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["tickets.tickets.id"],
            name=op.f("fk_tickets_parent_id"),
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"],
            ["tickets.sla_policies.id"],
            name=op.f("fk_tickets_policy_id"),
        ),
        sa.ForeignKeyConstraint(
            ["zone"],
            ["tickets.zones.name"],
            name=op.f("fk_tickets_zone"),
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("external_ref", name=op.f("uq_tickets_external_ref")),
        schema="tickets",
    )
    op.create_index(
        "ix_tickets_breached_at",
        "tickets",
        ["breached_at", "id"],
        unique=False,
        schema="tickets",
        postgresql_where=sa.text("breached_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_check_at",
        "tickets",
        ["check_at"],
        unique=False,
        schema="tickets",
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_completed_at",
        "tickets",
        ["completed_at", "id"],
        unique=False,
        schema="tickets",
    )
    op.create_index(
        "ix_tickets_created_at",
        "tickets",
        ["created_at", "id"],
        unique=False,
        schema="tickets",
    )
    op.create_index(
        "ix_tickets_created_by",
        "tickets",
        ["created_by", "created_at", "id"],
        unique=False,
        schema="tickets",
    )
    op.create_index(
        "ix_tickets_due_key",
        "tickets",
        ["due_key", "id"],
        unique=False,
        schema="tickets",
    )
    op.create_index(
        "ix_tickets_duplicate_of",
        "tickets",
        ["duplicate_of_id"],
        unique=False,
        schema="tickets",
        postgresql_where=sa.text("duplicate_of_id IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_parent",
        "tickets",
        ["parent_id"],
        unique=False,
        schema="tickets",
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_priority",
        "tickets",
        ["priority_rank", "id"],
        unique=False,
        schema="tickets",
    )
    op.create_index(
        "ix_tickets_resolution_wall",
        "tickets",
        ["resolution_wall_s", "completed_at"],
        unique=False,
        schema="tickets",
        postgresql_where=sa.text("resolution_wall_s IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_responded_at",
        "tickets",
        ["responded_at"],
        unique=False,
        schema="tickets",
        postgresql_where=sa.text("responded_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_risk",
        "tickets",
        ["resolution_risk_at"],
        unique=False,
        schema="tickets",
        postgresql_where=sa.text(
            "status IN ('open', 'in_progress', 'on_hold') AND deleted_at IS NULL AND breached_at IS NULL"
        ),
    )
    op.create_index(
        "ix_tickets_search",
        "tickets",
        ["search"],
        unique=False,
        schema="tickets",
        postgresql_using="gin",
        postgresql_ops={"search": "gin_trgm_ops"},
    )
    op.create_index(
        "ix_tickets_search_contact",
        "tickets",
        ["search_contact"],
        unique=False,
        schema="tickets",
        postgresql_using="gin",
        postgresql_ops={"search_contact": "gin_trgm_ops"},
    )
    op.create_index(
        "ix_tickets_status",
        "tickets",
        ["status", "created_at", "id"],
        unique=False,
        schema="tickets",
    )
    op.create_index(
        "ix_tickets_tags",
        "tickets",
        ["tags"],
        unique=False,
        schema="tickets",
        postgresql_using="gin",
    )
    op.create_index(
        "ix_tickets_team",
        "tickets",
        ["team_id", "created_at", "id"],
        unique=False,
        schema="tickets",
    )
    op.create_index(
        "ix_tickets_unfinished_due",
        "tickets",
        ["resolution_due_at", "id"],
        unique=False,
        schema="tickets",
        postgresql_where=sa.text(
            "status IN ('open','in_progress','on_hold') AND deleted_at IS NULL"
        ),
    )
    op.create_index(
        "ix_tickets_updated_at",
        "tickets",
        ["updated_at", "id"],
        unique=False,
        schema="tickets",
    )
    op.create_index(
        "ix_tickets_zone",
        "tickets",
        ["zone", "created_at", "id"],
        unique=False,
        schema="tickets",
    )
    op.create_table(
        "used_refresh_tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "used_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["auth.sessions.id"],
            name=op.f("fk_used_refresh_tokens_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_used_refresh_tokens")),
        schema="auth",
    )
    op.create_index(
        op.f("ix_used_refresh_tokens_session_id"),
        "used_refresh_tokens",
        ["session_id"],
        unique=False,
        schema="auth",
    )
    op.create_table(
        "assignments",
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("technician_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("en_route_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("on_site_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome_reason", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "version", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('offered', 'accepted', 'en_route', 'on_site', 'done', 'not_done', 'declined', 'released')",
            name=op.f("ck_assignments_status"),
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.tickets.id"], name=op.f("fk_assignments_ticket_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignments")),
        schema="tickets",
    )
    op.create_index(
        "ix_assignments_team",
        "assignments",
        ["team_id", "id"],
        unique=False,
        schema="tickets",
    )
    op.create_index(
        op.f("ix_assignments_ticket_id"),
        "assignments",
        ["ticket_id"],
        unique=False,
        schema="tickets",
    )
    op.create_index(
        "uq_assignments_live",
        "assignments",
        ["ticket_id"],
        unique=True,
        schema="tickets",
        postgresql_where=sa.text(
            "status IN ('offered','accepted','en_route','on_site')"
        ),
    )
    op.create_index(
        "uq_assignments_running",
        "assignments",
        ["technician_id"],
        unique=True,
        schema="tickets",
        postgresql_where=sa.text(
            "technician_id IS NOT NULL AND status IN ('en_route','on_site')"
        ),
    )
    op.create_table(
        "attachments",
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("uploaded_by", sa.BigInteger(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column(
            "visibility", sa.Text(), server_default=sa.text("'public'"), nullable=False
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.tickets.id"], name=op.f("fk_attachments_ticket_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_attachments_storage_key")),
        schema="tickets",
    )
    op.create_index(
        op.f("ix_attachments_ticket_id"),
        "attachments",
        ["ticket_id"],
        unique=False,
        schema="tickets",
    )
    op.create_table(
        "comments",
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column(
            "mentions",
            postgresql.ARRAY(sa.TEXT()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "version", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "visibility IN ('public', 'internal')", name=op.f("ck_comments_visibility")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.tickets.id"], name=op.f("fk_comments_ticket_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
        schema="tickets",
    )
    op.create_index(
        op.f("ix_comments_ticket_id"),
        "comments",
        ["ticket_id"],
        unique=False,
        schema="tickets",
    )
    op.create_table(
        "notifications",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "data",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["tickets.tickets.id"],
            name=op.f("fk_notifications_ticket_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        schema="tickets",
    )
    op.create_index(
        "ix_notifications_user",
        "notifications",
        ["user_id", "id"],
        unique=False,
        schema="tickets",
    )
    op.create_table(
        "ticket_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("via", sa.Text(), server_default=sa.text("'api'"), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "changes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "data",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "xid",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text)::bigint"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "via IN ('api', 'chat', 'import', 'seed', 'worker', 'legacy')",
            name=op.f("ck_ticket_events_via"),
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"],
            ["tickets.tickets.id"],
            name=op.f("fk_ticket_events_ticket_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_events")),
        sa.UniqueConstraint(
            "ticket_id", "seq", name=op.f("uq_ticket_events_ticket_id_seq")
        ),
        schema="tickets",
    )
    op.create_index(
        "ix_ticket_events_feed",
        "ticket_events",
        ["xid", "id"],
        unique=False,
        schema="tickets",
    )
    op.create_table(
        "comment_edits",
        sa.Column("comment_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("edited_by", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["comment_id"],
            ["tickets.comments.id"],
            name=op.f("fk_comment_edits_comment_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment_edits")),
        schema="tickets",
    )
    op.create_index(
        op.f("ix_comment_edits_comment_id"),
        "comment_edits",
        ["comment_id"],
        unique=False,
        schema="tickets",
    )


def downgrade() -> None:
    op.drop_index(
        op.f("ix_comment_edits_comment_id"),
        table_name="comment_edits",
        schema="tickets",
    )
    op.drop_table("comment_edits", schema="tickets")
    op.drop_index("ix_ticket_events_feed", table_name="ticket_events", schema="tickets")
    op.drop_table("ticket_events", schema="tickets")
    op.drop_index("ix_notifications_user", table_name="notifications", schema="tickets")
    op.drop_table("notifications", schema="tickets")
    op.drop_index(
        op.f("ix_comments_ticket_id"), table_name="comments", schema="tickets"
    )
    op.drop_table("comments", schema="tickets")
    op.drop_index(
        op.f("ix_attachments_ticket_id"), table_name="attachments", schema="tickets"
    )
    op.drop_table("attachments", schema="tickets")
    op.drop_index(
        "uq_assignments_running",
        table_name="assignments",
        schema="tickets",
        postgresql_where=sa.text(
            "technician_id IS NOT NULL AND status IN ('en_route','on_site')"
        ),
    )
    op.drop_index(
        "uq_assignments_live",
        table_name="assignments",
        schema="tickets",
        postgresql_where=sa.text(
            "status IN ('offered','accepted','en_route','on_site')"
        ),
    )
    op.drop_index(
        op.f("ix_assignments_ticket_id"), table_name="assignments", schema="tickets"
    )
    op.drop_index("ix_assignments_team", table_name="assignments", schema="tickets")
    op.drop_table("assignments", schema="tickets")
    op.drop_index(
        op.f("ix_used_refresh_tokens_session_id"),
        table_name="used_refresh_tokens",
        schema="auth",
    )
    op.drop_table("used_refresh_tokens", schema="auth")
    op.drop_index("ix_tickets_zone", table_name="tickets", schema="tickets")
    op.drop_index("ix_tickets_updated_at", table_name="tickets", schema="tickets")
    op.drop_index(
        "ix_tickets_unfinished_due",
        table_name="tickets",
        schema="tickets",
        postgresql_where=sa.text(
            "status IN ('open','in_progress','on_hold') AND deleted_at IS NULL"
        ),
    )
    op.drop_index("ix_tickets_team", table_name="tickets", schema="tickets")
    op.drop_index(
        "ix_tickets_tags",
        table_name="tickets",
        schema="tickets",
        postgresql_using="gin",
    )
    op.drop_index("ix_tickets_status", table_name="tickets", schema="tickets")
    op.drop_index(
        "ix_tickets_search_contact",
        table_name="tickets",
        schema="tickets",
        postgresql_using="gin",
        postgresql_ops={"search_contact": "gin_trgm_ops"},
    )
    op.drop_index(
        "ix_tickets_search",
        table_name="tickets",
        schema="tickets",
        postgresql_using="gin",
        postgresql_ops={"search": "gin_trgm_ops"},
    )
    op.drop_index(
        "ix_tickets_risk",
        table_name="tickets",
        schema="tickets",
        postgresql_where=sa.text(
            "status IN ('open', 'in_progress', 'on_hold') AND deleted_at IS NULL AND breached_at IS NULL"
        ),
    )
    op.drop_index(
        "ix_tickets_responded_at",
        table_name="tickets",
        schema="tickets",
        postgresql_where=sa.text("responded_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_tickets_resolution_wall",
        table_name="tickets",
        schema="tickets",
        postgresql_where=sa.text("resolution_wall_s IS NOT NULL"),
    )
    op.drop_index("ix_tickets_priority", table_name="tickets", schema="tickets")
    op.drop_index(
        "ix_tickets_parent",
        table_name="tickets",
        schema="tickets",
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_tickets_duplicate_of",
        table_name="tickets",
        schema="tickets",
        postgresql_where=sa.text("duplicate_of_id IS NOT NULL"),
    )
    op.drop_index("ix_tickets_due_key", table_name="tickets", schema="tickets")
    op.drop_index("ix_tickets_created_by", table_name="tickets", schema="tickets")
    op.drop_index("ix_tickets_created_at", table_name="tickets", schema="tickets")
    op.drop_index("ix_tickets_completed_at", table_name="tickets", schema="tickets")
    op.drop_index(
        "ix_tickets_check_at",
        table_name="tickets",
        schema="tickets",
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_tickets_breached_at",
        table_name="tickets",
        schema="tickets",
        postgresql_where=sa.text("breached_at IS NOT NULL"),
    )
    op.drop_table("tickets", schema="tickets")
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions", schema="auth")
    op.drop_index(
        op.f("ix_sessions_previous_hash"), table_name="sessions", schema="auth"
    )
    op.drop_table("sessions", schema="auth")
    op.drop_index(
        op.f("ix_recovery_codes_user_id"), table_name="recovery_codes", schema="auth"
    )
    op.drop_table("recovery_codes", schema="auth")
    op.drop_index(
        op.f("ix_password_resets_user_id"), table_name="password_resets", schema="auth"
    )
    op.drop_table("password_resets", schema="auth")
    op.drop_index(op.f("ix_api_keys_user_id"), table_name="api_keys", schema="auth")
    op.drop_table("api_keys", schema="auth")
    op.drop_index(
        "ix_webhook_deliveries_due",
        table_name="webhook_deliveries",
        schema="tickets",
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_table("webhook_deliveries", schema="tickets")
    op.drop_table("sla_policies", schema="tickets")
    op.drop_index("ix_users_team_id", table_name="users", schema="auth")
    op.drop_table("users", schema="auth")
    op.drop_table("forecast_series", schema="analytics")
    op.drop_index(op.f("ix_turns_conversation_id"), table_name="turns", schema="ai")
    op.drop_table("turns", schema="ai")
    op.drop_table("zones", schema="tickets")
    op.drop_table("webhooks", schema="tickets")
    op.drop_table("ticket_counts", schema="tickets")
    op.drop_table("ticket_count_deltas", schema="tickets")
    op.drop_index(
        op.f("ix_saved_views_owner_id"), table_name="saved_views", schema="tickets"
    )
    op.drop_table("saved_views", schema="tickets")
    op.drop_table("rollup_deltas", schema="tickets")
    op.drop_index("ix_rollup_starts_on", table_name="rollup", schema="tickets")
    op.drop_table("rollup", schema="tickets")
    op.drop_table("imported_rows", schema="tickets")
    op.drop_index(
        op.f("ix_idempotency_keys_created_at"),
        table_name="idempotency_keys",
        schema="tickets",
    )
    op.drop_table("idempotency_keys", schema="tickets")
    op.drop_table("counters", schema="tickets")
    op.drop_table("calendars", schema="tickets")
    op.drop_index("ix_teams_zone", table_name="teams", schema="auth")
    op.drop_table("teams", schema="auth")
    op.drop_table("signing_keys", schema="auth")
    op.drop_table("login_failures", schema="auth")
    op.drop_index(
        op.f("ix_idempotency_keys_created_at"),
        table_name="idempotency_keys",
        schema="auth",
    )
    op.drop_table("idempotency_keys", schema="auth")
    op.drop_index("ix_audit_events_user_id", table_name="audit_events", schema="auth")
    op.drop_index("ix_audit_events_kind", table_name="audit_events", schema="auth")
    op.drop_index("ix_audit_events_actor_id", table_name="audit_events", schema="auth")
    op.drop_table("audit_events", schema="auth")
    op.drop_index(
        op.f("ix_idempotency_keys_created_at"),
        table_name="idempotency_keys",
        schema="analytics",
    )
    op.drop_table("idempotency_keys", schema="analytics")
    op.drop_index(
        "ix_forecast_runs_served", table_name="forecast_runs", schema="analytics"
    )
    op.drop_table("forecast_runs", schema="analytics")
    op.drop_index("ix_models_served", table_name="models", schema="ai")
    op.drop_table("models", schema="ai")
    op.drop_table("insights", schema="ai")
    op.drop_index(
        op.f("ix_idempotency_keys_created_at"),
        table_name="idempotency_keys",
        schema="ai",
    )
    op.drop_table("idempotency_keys", schema="ai")
    op.drop_index(
        op.f("ix_dispatch_plans_user_id"), table_name="dispatch_plans", schema="ai"
    )
    op.drop_table("dispatch_plans", schema="ai")
    op.drop_index(
        op.f("ix_conversations_user_id"), table_name="conversations", schema="ai"
    )
    op.drop_table("conversations", schema="ai")
