"""Tables of the `ai` schema. Only the AI service writes here."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Identified
from db.idempotency import idempotency_table

SCHEMA = "ai"

idempotency_keys = idempotency_table(SCHEMA)


class Model(Identified, Base):
    """A trained model with its figures; `artefact` is plain arrays, checksummed."""

    __tablename__ = "models"

    name: Mapped[str]
    purpose: Mapped[str]
    trained_at: Mapped[datetime]
    rows: Mapped[int]
    features: Mapped[list[str]] = mapped_column(JSONB)
    figures: Mapped[dict[str, object]] = mapped_column(JSONB)
    baseline: Mapped[dict[str, object]] = mapped_column(JSONB)
    artefact: Mapped[bytes | None] = mapped_column(LargeBinary)
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    is_served: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = (
        Index("ix_models_served", "name", "is_served", "id"),
        {"schema": SCHEMA},
    )


class Insight(Identified, Base):
    """A finding that was seen at least once."""

    __tablename__ = "insights"

    fingerprint: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    severity: Mapped[str]
    zone: Mapped[str | None]
    team_id: Mapped[int | None]
    payload: Mapped[dict[str, object]] = mapped_column(JSONB)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]  # a sweep no longer found it
    dismissed_by: Mapped[int | None]
    dismissed_at: Mapped[datetime | None]

    __table_args__ = ({"schema": SCHEMA},)


class Conversation(Identified, Base):
    """One user's dialogue with the assistant; state is never taken from a client."""

    __tablename__ = "conversations"

    user_id: Mapped[int] = mapped_column(index=True)
    state: Mapped[dict[str, object]] = mapped_column(JSONB, server_default=text("'{}'"))
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = ({"schema": SCHEMA},)


class Turn(Identified, Base):
    __tablename__ = "turns"

    conversation_id: Mapped[int] = mapped_column(
        ForeignKey(f"{SCHEMA}.conversations.id", ondelete="CASCADE"), index=True
    )
    message: Mapped[str]
    answer: Mapped[dict[str, object]] = mapped_column(JSONB)

    __table_args__ = ({"schema": SCHEMA},)


class DispatchPlan(Identified, Base):
    """A plan that was computed for rows of the database, until it is applied.

    body: the answer as sent; versions: {ticket id: version it was planned on}.
    """

    __tablename__ = "dispatch_plans"

    user_id: Mapped[int] = mapped_column(index=True)
    body: Mapped[dict[str, object]] = mapped_column(JSONB)
    versions: Mapped[dict[str, int]] = mapped_column(JSONB)
    applied_at: Mapped[datetime | None]

    __table_args__ = ({"schema": SCHEMA},)
