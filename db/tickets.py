"""Tables of the `tickets` schema. Only the tickets service writes here.

User and team ids point into the `auth` schema without foreign keys: the write
path checks them, and auth deactivates its rows instead of deleting them.
The columns of `tickets` that follow from its events are a cache of their
replay (`python -m tickets_service.rebuild_sla` proves it).
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Computed,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import TEXT as TEXT_
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Identified, one_of
from db.idempotency import idempotency_table
from db.vocabulary import (
    Category,
    Cause,
    HoldReason,
    Priority,
    Status,
    Via,
    Visibility,
    VisitStatus,
)

SCHEMA = "tickets"
OWN = {"schema": SCHEMA}

idempotency_keys = idempotency_table(SCHEMA)


class Zone(Base):
    """A part of the network: a state or territory, or a neighbourhood of an import."""

    __tablename__ = "zones"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    code: Mapped[str | None] = mapped_column(unique=True)  # ISO 3166-2
    country: Mapped[str] = mapped_column(server_default=text("'MY'"))
    subdivision: Mapped[str | None]  # as the holidays package names it
    region: Mapped[str | None]
    tz: Mapped[str]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    aliases: Mapped[list[str]] = mapped_column(
        ARRAY(TEXT_), server_default=text("'{}'")
    )
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))

    __table_args__ = (OWN,)


class Calendar(Identified, Base):
    """One immutable version of a working calendar (shape: docs/sla.md, R1)."""

    __tablename__ = "calendars"

    name: Mapped[str]
    version: Mapped[int]
    definition: Mapped[dict[str, object]] = mapped_column(JSONB)
    created_by: Mapped[int | None]

    __table_args__ = (UniqueConstraint("name", "version"), OWN)


class SlaPolicy(Identified, Base):
    """One immutable version of a promise.

    zones, priorities: NULL matches any; the newest version of the most specific
    match is taken when a ticket is opened. targets: {priority: {response_minutes,
    resolution_minutes}}. options: see tickets_service/sla.py.
    """

    __tablename__ = "sla_policies"

    name: Mapped[str]
    version: Mapped[int]
    calendar_id: Mapped[int] = mapped_column(ForeignKey(f"{SCHEMA}.calendars.id"))
    zones: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT_))
    priorities: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT_))
    targets: Mapped[dict[str, dict[str, int]]] = mapped_column(JSONB)
    options: Mapped[dict[str, object]] = mapped_column(
        JSONB, server_default=text("'{}'")
    )
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_by: Mapped[int | None]

    __table_args__ = (UniqueConstraint("name", "version"), OWN)


class Counter(Base):
    """Gap-free series: a number is taken by UPDATE in the writing transaction."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int]

    __table_args__ = (OWN,)


# The bin of whole seconds, as tickets_service/rollup.py has it.
BIN_OF = (
    "(1 + floor(ln(GREATEST({0}::double precision, '0.985'::double precision)) "
    "/ '0.01980262729617973'::double precision)::integer)"
)
AT_WORK = "status IN ('open', 'in_progress', 'on_hold') AND deleted_at IS NULL"


def at_work(name: str, column: str) -> Index:
    return Index(name, column, "id", postgresql_where=text(AT_WORK))


def trigrams(column: str, **options: Any) -> Index:
    """Index a column of `search_texts` for LIKE and for words that are nearly it."""
    return Index(
        f"ix_search_texts_{column}",
        column,
        postgresql_using="gin",
        postgresql_ops={column: "gin_trgm_ops"},
        **options,
    )


def duration_indexes() -> list[Index]:
    """Index finished durations by their bin of 2 % and the day they ended.

    The bins are those of tickets_service/rollup.py: analytics reads the few values
    around a percentile here, out of the index alone (analytics_service/refining.py).
    """
    done = "deleted_at IS NULL AND status IN ('completed', 'closed')"
    answered = "deleted_at IS NULL AND responded_at IS NOT NULL"
    return [
        Index(
            f"ix_tickets_bin_{name}",
            text(BIN_OF.format(seconds)),
            at,
            postgresql_include=[seconds, "zone", "team_id", "category", "priority"],
            postgresql_where=text(f"{which} AND {seconds} IS NOT NULL"),
        )
        for name, seconds, at, which in (
            ("rw", "resolution_wall_s", "completed_at", done),
            ("rk", "resolution_elapsed_s", "completed_at", done),
            ("fw", "response_wall_s", "responded_at", answered),
            ("fk", "response_elapsed_s", "responded_at", answered),
        )
    ]


class Ticket(Base):
    """A piece of field work with a promise. `id` is the n of `CTT_<n>`."""

    __tablename__ = "tickets"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[str] = mapped_column(Computed("'CTT_' || id::text", persisted=True))
    title: Mapped[str]
    description: Mapped[str] = mapped_column(server_default=text("''"))
    status: Mapped[str]
    priority: Mapped[str]
    priority_rank: Mapped[int] = mapped_column(
        SmallInteger,
        Computed(
            "CASE priority WHEN 'urgent' THEN 0 WHEN 'high' THEN 1 "
            "WHEN 'medium' THEN 2 ELSE 3 END",
            persisted=True,
        ),
    )
    category: Mapped[str]
    cause: Mapped[str | None]
    zone: Mapped[str] = mapped_column(
        ForeignKey(f"{SCHEMA}.zones.name", onupdate="CASCADE")
    )
    location: Mapped[str | None]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    customer_name: Mapped[str | None]
    customer_phone: Mapped[str | None]
    customer_email: Mapped[str | None]
    team_id: Mapped[int | None]
    technician_id: Mapped[int | None]
    created_by: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    promised_at: Mapped[datetime | None]  # said outright, in place of the policy
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    estimated_minutes: Mapped[int | None]
    external_ref: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(TEXT_), server_default=text("'{}'"))
    # Deferrable: a load may write a ticket before the one that it belongs to.
    parent_id: Mapped[int | None] = mapped_column(
        ForeignKey(f"{SCHEMA}.tickets.id", deferrable=True)
    )
    duplicate_of_id: Mapped[int | None] = mapped_column(
        ForeignKey(f"{SCHEMA}.tickets.id", deferrable=True)
    )
    follows_id: Mapped[int | None] = mapped_column(ForeignKey(f"{SCHEMA}.tickets.id"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    seq: Mapped[int] = mapped_column(server_default=text("1"))  # of the last event
    reopen_count: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    hold_reason: Mapped[str | None]
    resolution_code: Mapped[str | None]

    # The cache of the SLA replay; state itself is computed when read.
    policy_id: Mapped[int | None] = mapped_column(
        ForeignKey(f"{SCHEMA}.sla_policies.id")
    )
    calendar_id: Mapped[int | None] = mapped_column(
        ForeignKey(f"{SCHEMA}.calendars.id")
    )
    response_target_s: Mapped[int | None]
    response_due_at: Mapped[datetime | None]
    response_risk_at: Mapped[datetime | None]  # 75 % of working time used
    responded_at: Mapped[datetime | None]
    response_elapsed_s: Mapped[int | None]  # frozen at the verdict
    response_verdict: Mapped[str | None]  # met | missed
    resolution_target_s: Mapped[int | None]
    resolution_due_at: Mapped[datetime | None]  # NULL while paused
    resolution_risk_at: Mapped[datetime | None]
    resolution_elapsed_s: Mapped[int | None]  # frozen while paused and at the verdict
    resolution_verdict: Mapped[str | None]
    paused_at: Mapped[datetime | None]
    # A sort key without NULL: paused tickets come last.
    due_key: Mapped[datetime] = mapped_column(
        Computed(
            "coalesce(resolution_due_at, TIMESTAMPTZ '9999-12-31 00:00:00+00')",
            persisted=True,
        )
    )
    # Once the resolution clock is breached, also if it is paused since.
    breached_at: Mapped[datetime | None]
    response_breached_at: Mapped[datetime | None]
    # A running clock has used X_used_us plus the working time since X_from_at;
    # X_from_at is NULL while it stands (paused, judged, stopped).
    response_used_us: Mapped[int | None]
    response_from_at: Mapped[datetime | None]
    resolution_used_us: Mapped[int | None]
    resolution_from_at: Mapped[datetime | None]
    response_wall_s: Mapped[int | None]  # opening to first response
    resolution_wall_s: Mapped[int | None]  # opening to completion, less pauses
    check_at: Mapped[datetime | None]  # when the sweeper next has something to do
    memo: Mapped[dict[str, object]] = mapped_column(
        JSONB
    )  # of the replay, beyond columns
    # The ticket as it is sent, but for what can change without a write to its row
    # (tickets_service/ticket_text.py). NULL until the worker has written it.
    body_json: Mapped[str | None]
    sla_json: Mapped[str | None]

    __table_args__ = (
        one_of("status", Status),
        one_of("priority", Priority),
        one_of("category", Category),
        one_of("cause", Cause),
        one_of("hold_reason", HoldReason),
        Index(
            "uq_tickets_external_ref",
            "external_ref",
            unique=True,
            postgresql_where=text("external_ref IS NOT NULL"),
        ),
        Index("ix_tickets_created_at", "created_at", "id"),
        Index("ix_tickets_updated_at", "updated_at", "id"),
        Index("ix_tickets_zone", "zone", "created_at", "id"),
        Index("ix_tickets_team", "team_id", "created_at", "id"),
        Index("ix_tickets_created_by", "created_by", "created_at", "id"),
        Index("ix_tickets_status", "status", "created_at", "id"),
        # Of what stands in most tickets only once work is done, or never: a move of
        # the others does not write these.
        Index(
            "ix_tickets_completed_at",
            "completed_at",
            "id",
            postgresql_where=text("completed_at IS NOT NULL"),
        ),
        Index(
            "ix_tickets_technician",
            "technician_id",
            "created_at",
            "id",
            postgresql_where=text("technician_id IS NOT NULL"),
        ),
        # What is at work is a small part, and is listed in each order.
        at_work("ix_tickets_unfinished_due", "due_key"),
        at_work("ix_tickets_unfinished_created", "created_at"),
        at_work("ix_tickets_unfinished_priority", "priority_rank"),
        Index("ix_tickets_due_key", "due_key", "id"),
        Index("ix_tickets_priority", "priority_rank", "id"),
        Index(
            "ix_tickets_check_at",
            "check_at",
            postgresql_where=text("check_at IS NOT NULL"),
        ),
        Index(
            "ix_tickets_risk",
            "resolution_risk_at",
            postgresql_include=["resolution_due_at", "zone", "team_id"],
            postgresql_where=text(f"{AT_WORK} AND breached_at IS NULL"),
        ),
        Index(
            "ix_tickets_breached_at",
            "breached_at",
            "id",
            postgresql_where=text("breached_at IS NOT NULL"),
        ),
        Index(
            "ix_tickets_responded_at",
            "responded_at",
            postgresql_where=text("responded_at IS NOT NULL"),
        ),
        *duration_indexes(),
        Index(
            "ix_tickets_without_body",
            "id",
            postgresql_where=text("body_json IS NULL"),
        ),
        Index(
            "ix_tickets_parent",
            "parent_id",
            postgresql_where=text("parent_id IS NOT NULL"),
        ),
        Index(
            "ix_tickets_duplicate_of",
            "duplicate_of_id",
            postgresql_where=text("duplicate_of_id IS NOT NULL"),
        ),
        Index(
            "ix_tickets_tags",
            "tags",
            postgresql_using="gin",
            postgresql_where=text("tags <> '{}'"),
        ),
        OWN,
    )


class SearchText(Base):
    """What a ticket is found by, in small letters. Kept by a trigger of `tickets`.

    Not in the ticket's own row, every change of which writes its index entries anew.
    contact: the customer's name, phone and e-mail address, NULL without any.
    """

    __tablename__ = "search_texts"

    ticket_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    said: Mapped[str]
    contact: Mapped[str | None]

    __table_args__ = (
        trigrams("said"),
        trigrams("contact", postgresql_where=text("contact IS NOT NULL")),
        OWN,
    )


class ImportedRow(Base):
    """What a source last said of a ticket: saying it again then changes nothing."""

    __tablename__ = "imported_rows"

    external_ref: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]

    __table_args__ = (OWN,)


class Assignment(Identified, Base):
    """One team's visit to a ticket."""

    __tablename__ = "assignments"

    ticket_id: Mapped[int] = mapped_column(
        ForeignKey(f"{SCHEMA}.tickets.id"), index=True
    )
    team_id: Mapped[int]
    technician_id: Mapped[int | None]
    status: Mapped[str]
    reason: Mapped[str | None]
    created_by: Mapped[int]
    offered_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    en_route_at: Mapped[datetime | None]
    on_site_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]  # done, not_done, declined or released
    outcome_reason: Mapped[str | None]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(server_default=text("1"))

    __table_args__ = (
        one_of("status", VisitStatus),
        # One live visit per ticket, one running visit per person.
        Index(
            "uq_assignments_live",
            "ticket_id",
            unique=True,
            postgresql_where=text(
                "status IN ('offered','accepted','en_route','on_site')"
            ),
        ),
        Index(
            "uq_assignments_running",
            "technician_id",
            unique=True,
            postgresql_where=text(
                "technician_id IS NOT NULL AND status IN ('en_route','on_site')"
            ),
        ),
        Index("ix_assignments_team", "team_id", "id"),
        OWN,
    )


class TicketEvent(Base):
    """One line of a ticket's history. Rows are only ever added (trigger).

    seq counts within the ticket; occurred_at is when it happened, recorded_at
    when it was written; xid orders the change feed without gaps.
    """

    __tablename__ = "ticket_events"

    id: Mapped[int] = mapped_column(Identity(always=False), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey(f"{SCHEMA}.tickets.id"))
    seq: Mapped[int]
    kind: Mapped[str]
    actor_id: Mapped[int | None]
    via: Mapped[str] = mapped_column(server_default=text("'api'"))
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changes: Mapped[dict[str, list[object]]] = mapped_column(
        JSONB, server_default=text("'{}'")
    )
    data: Mapped[dict[str, object]] = mapped_column(JSONB, server_default=text("'{}'"))
    xid: Mapped[int] = mapped_column(
        server_default=text("(pg_current_xact_id()::text)::bigint")
    )

    __table_args__ = (
        one_of("via", Via),
        UniqueConstraint("ticket_id", "seq"),
        Index("ix_ticket_events_feed", "xid", "id"),
        OWN,
    )


class Comment(Identified, Base):
    __tablename__ = "comments"

    ticket_id: Mapped[int] = mapped_column(
        ForeignKey(f"{SCHEMA}.tickets.id"), index=True
    )
    author_id: Mapped[int]
    body: Mapped[str]
    visibility: Mapped[str]
    mentions: Mapped[list[str]] = mapped_column(
        ARRAY(TEXT_), server_default=text("'{}'")
    )
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))

    __table_args__ = (one_of("visibility", Visibility), OWN)


class CommentEdit(Identified, Base):
    """What a comment said before it was edited or removed."""

    __tablename__ = "comment_edits"

    comment_id: Mapped[int] = mapped_column(
        ForeignKey(f"{SCHEMA}.comments.id"), index=True
    )
    body: Mapped[str]
    edited_by: Mapped[int]

    __table_args__ = (OWN,)


class Attachment(Identified, Base):
    """A file kept under `storage_key`; the bytes are not in the database."""

    __tablename__ = "attachments"

    ticket_id: Mapped[int] = mapped_column(
        ForeignKey(f"{SCHEMA}.tickets.id"), index=True
    )
    uploaded_by: Mapped[int]
    filename: Mapped[str]
    content_type: Mapped[str]  # sniffed, not told
    size_bytes: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    storage_key: Mapped[str] = mapped_column(unique=True)
    visibility: Mapped[str] = mapped_column(server_default=text("'public'"))

    __table_args__ = (OWN,)


class Notification(Identified, Base):
    __tablename__ = "notifications"

    user_id: Mapped[int]
    kind: Mapped[str]
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey(f"{SCHEMA}.tickets.id"))
    data: Mapped[dict[str, object]] = mapped_column(JSONB, server_default=text("'{}'"))
    read_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_notifications_user", "user_id", "id"), OWN)


class SavedView(Identified, Base):
    __tablename__ = "saved_views"

    owner_id: Mapped[int] = mapped_column(index=True)
    name: Mapped[str]
    filters: Mapped[dict[str, object]] = mapped_column(JSONB)
    is_shared: Mapped[bool] = mapped_column(server_default=text("false"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    version: Mapped[int] = mapped_column(server_default=text("1"))

    __table_args__ = (UniqueConstraint("owner_id", "name"), OWN)


class Webhook(Identified, Base):
    __tablename__ = "webhooks"

    owner_id: Mapped[int]
    url: Mapped[str]
    secret: Mapped[str]
    kinds: Mapped[list[str]] = mapped_column(ARRAY(TEXT_), server_default=text("'{}'"))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    feed_xid: Mapped[int] = mapped_column(server_default=text("0"))  # read up to here
    feed_id: Mapped[int] = mapped_column(server_default=text("0"))
    version: Mapped[int] = mapped_column(server_default=text("1"))

    __table_args__ = (OWN,)


class WebhookDelivery(Identified, Base):
    __tablename__ = "webhook_deliveries"

    webhook_id: Mapped[int] = mapped_column(
        ForeignKey(f"{SCHEMA}.webhooks.id", ondelete="CASCADE")
    )
    event_id: Mapped[int | None]
    payload: Mapped[dict[str, object]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(
        server_default=text("'pending'")
    )  # pending|delivered|failed
    next_try_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    attempts: Mapped[list[dict[str, object]]] = mapped_column(
        JSONB, server_default=text("'[]'")
    )

    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        Index(
            "ix_webhook_deliveries_due",
            "next_try_at",
            postgresql_where=text("state = 'pending'"),
        ),
        OWN,
    )


class Measures:
    """What is counted and summed per cell. Meaning: tickets_service/rollup.py."""

    created: Mapped[int] = mapped_column(server_default=text("0"))
    workload_minutes: Mapped[int] = mapped_column(server_default=text("0"))
    unfinished_open: Mapped[int] = mapped_column(server_default=text("0"))
    unfinished_in_progress: Mapped[int] = mapped_column(server_default=text("0"))
    unfinished_on_hold: Mapped[int] = mapped_column(server_default=text("0"))
    backlog_delta: Mapped[int] = mapped_column(server_default=text("0"))
    completed: Mapped[int] = mapped_column(server_default=text("0"))
    cancelled: Mapped[int] = mapped_column(server_default=text("0"))
    reopened: Mapped[int] = mapped_column(server_default=text("0"))
    first_visit_fixed: Mapped[int] = mapped_column(server_default=text("0"))
    responded: Mapped[int] = mapped_column(server_default=text("0"))
    response_wall_s: Mapped[int] = mapped_column(server_default=text("0"))
    response_work_s: Mapped[int] = mapped_column(server_default=text("0"))
    response_met: Mapped[int] = mapped_column(server_default=text("0"))
    response_missed: Mapped[int] = mapped_column(server_default=text("0"))
    resolution_wall_s: Mapped[int] = mapped_column(server_default=text("0"))
    resolution_work_s: Mapped[int] = mapped_column(server_default=text("0"))
    resolution_met: Mapped[int] = mapped_column(server_default=text("0"))
    resolution_missed: Mapped[int] = mapped_column(server_default=text("0"))
    visits_done: Mapped[int] = mapped_column(server_default=text("0"))
    visits_not_done: Mapped[int] = mapped_column(server_default=text("0"))
    on_site_s: Mapped[int] = mapped_column(server_default=text("0"))
    travel_s: Mapped[int] = mapped_column(server_default=text("0"))
    extra: Mapped[dict[str, int]] = mapped_column(JSONB, server_default=text("'{}'"))


class Rollup(Measures, Base):
    """Counts and sums per period and cell, folded from the deltas by the worker.

    cut: which of the five dimensions the row keeps, of "ztcpk"; the others hold ''
    (team_id and technician_id -1). grain: d(ay), w(eek from Monday), m(onth) or
    a(ll time, starts_on 1970-01-01).
    """

    __tablename__ = "rollup"

    cut: Mapped[str] = mapped_column(primary_key=True)
    grain: Mapped[str] = mapped_column(primary_key=True)
    zone: Mapped[str] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    starts_on: Mapped[date] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(primary_key=True)
    priority: Mapped[str] = mapped_column(primary_key=True)
    technician_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # The histograms of `extra` for readers that add up many (rollup.packed_bins).
    bins: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("''"))

    __table_args__ = (Index("ix_rollup_starts_on", "cut", "grain", "starts_on"), OWN)


class RollupDelta(Measures, Base):
    """What one write changed in one finest cell of one day; folded, then deleted.

    team_id, technician_id 0: none.
    """

    __tablename__ = "rollup_deltas"

    starts_on: Mapped[date]
    zone: Mapped[str]
    team_id: Mapped[int]
    category: Mapped[str]
    priority: Mapped[str]
    technician_id: Mapped[int] = mapped_column(server_default=text("0"))

    __table_args__ = (OWN,)
    # Added up, never found: it has no key, which SQLAlchemy wants to hear of.
    __mapper_args__ = {"primary_key": ("starts_on", "zone")}


class TicketCount(Base):
    """Tickets as they stand now, per status and cell. team_id: -1 any, 0 none.

    With team_id -2 the margins: of one value of one dimension, the others empty. With
    -3 those of causes, which stand in place of the category.
    """

    __tablename__ = "ticket_counts"

    team_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    zone: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(primary_key=True)
    priority: Mapped[str] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(primary_key=True)
    tickets: Mapped[int] = mapped_column(server_default=text("0"))
    breached: Mapped[int] = mapped_column(server_default=text("0"))  # unfinished ones
    # Of what waits to be closed: tickets_service/standing.py.
    wall_s: Mapped[int] = mapped_column(server_default=text("0"))
    met: Mapped[int] = mapped_column(server_default=text("0"))
    missed: Mapped[int] = mapped_column(server_default=text("0"))
    bins: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (OWN,)


class CreatorFigure(Base):
    """How the tickets that one person opened stand now.

    figures: JSON of standing.by_creator. created_by 0: says that all are counted.
    """

    __tablename__ = "creator_figures"

    created_by: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tickets: Mapped[int]
    figures: Mapped[str]

    __table_args__ = (OWN,)


class TicketCountDelta(Base):
    """What one write changed in `ticket_counts` and in the figures of a creator.

    Folded, then deleted. created_by: 0 if an older release wrote it. bin: -1 if the
    ticket is not completed. cause: empty if there is none.
    """

    __tablename__ = "ticket_count_deltas"

    team_id: Mapped[int]
    zone: Mapped[str]
    status: Mapped[str]
    priority: Mapped[str]
    category: Mapped[str]
    tickets: Mapped[int]
    breached: Mapped[int]
    created_by: Mapped[int] = mapped_column(server_default=text("0"))
    bin: Mapped[int] = mapped_column(SmallInteger, server_default=text("-1"))
    cause: Mapped[str] = mapped_column(server_default="")
    wall_s: Mapped[int] = mapped_column(server_default=text("0"))
    met: Mapped[int] = mapped_column(server_default=text("0"))
    missed: Mapped[int] = mapped_column(server_default=text("0"))

    __table_args__ = (OWN,)
    # Added up, never found: it has no key.
    __mapper_args__ = {"primary_key": ("team_id", "zone")}
