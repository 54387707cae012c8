"""Tables of the `auth` schema. Only the auth service writes here.

Users, teams and keys are deactivated, never deleted, so that other schemas may
hold their ids without foreign keys. Secrets are stored as hashes; those of second
factors, which must be read back, locked (auth_service/vault.py). The signing keys are
readable by the auth role alone.
"""

from datetime import datetime, time

from sqlalchemy import ForeignKey, Index, LargeBinary, SmallInteger, func, text
from sqlalchemy.dialects.postgresql import ARRAY, INET, JSONB, TIME
from sqlalchemy.dialects.postgresql import TEXT as TEXT_
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Identified, one_of
from db.idempotency import idempotency_table
from db.vocabulary import Locale, Role

SCHEMA = "auth"

idempotency_keys = idempotency_table(SCHEMA)


class Team(Identified, Base):
    """A field team. skills: {name: level 1-3}; shift in the organisation's zone."""

    __tablename__ = "teams"

    name: Mapped[str] = mapped_column(unique=True)
    zone: Mapped[str]
    skills: Mapped[dict[str, int]] = mapped_column(JSONB, server_default=text("'{}'"))
    base_lat: Mapped[float | None]
    base_lon: Mapped[float | None]
    shift_start: Mapped[time] = mapped_column(TIME, server_default=text("'08:00'"))
    shift_end: Mapped[time] = mapped_column(TIME, server_default=text("'17:00'"))
    daily_capacity_minutes: Mapped[int] = mapped_column(server_default=text("480"))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    external_ref: Mapped[str | None] = mapped_column(unique=True)
    version: Mapped[int] = mapped_column(server_default=text("1"))

    __table_args__ = (Index("ix_teams_zone", "zone"), {"schema": SCHEMA})


class User(Identified, Base):
    """An account. zones NULL means every zone."""

    __tablename__ = "users"

    username: Mapped[str]
    username_key: Mapped[str] = mapped_column(
        unique=True
    )  # NFKC, case-folded, confusables mapped
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(unique=True)
    full_name: Mapped[str] = mapped_column(server_default=text("''"))
    password_hash: Mapped[str | None]
    role: Mapped[str]
    team_id: Mapped[int | None] = mapped_column(ForeignKey(f"{SCHEMA}.teams.id"))
    zones: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT_))
    locale: Mapped[str] = mapped_column(server_default=text("'en'"))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    last_login_at: Mapped[datetime | None]
    password_changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    totp_secret: Mapped[str | None]  # locked
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int | None]  # a code works once
    version: Mapped[int] = mapped_column(server_default=text("1"))

    __table_args__ = (
        one_of("role", Role),
        one_of("locale", Locale),
        Index("ix_users_team_id", "team_id"),
        {"schema": SCHEMA},
    )


class Session(Identified, Base):
    """A login on one device: the family of its refresh tokens."""

    __tablename__ = "sessions"

    user_id: Mapped[int] = mapped_column(ForeignKey(f"{SCHEMA}.users.id"), index=True)
    device: Mapped[str] = mapped_column(server_default=text("''"))
    address: Mapped[str | None] = mapped_column(INET)
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str | None]
    # The current refresh token and the one just before it (10 s of grace).
    refresh_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    previous_hash: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    rotated_at: Mapped[datetime | None]
    # With it and a refresh token its one successor is computed, so that a refresh
    # asked twice within the grace is answered twice the same.
    rotation_key: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = ({"schema": SCHEMA},)


class UsedRefreshToken(Base):
    """Hashes of refresh tokens that were rotated away: showing one is a theft."""

    __tablename__ = "used_refresh_tokens"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[int] = mapped_column(
        ForeignKey(f"{SCHEMA}.sessions.id", ondelete="CASCADE"), index=True
    )
    used_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = ({"schema": SCHEMA},)


class SigningKey(Base):
    """A key pair for access tokens; contract views show its public half only."""

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(primary_key=True)
    algorithm: Mapped[str]
    private_pem: Mapped[str]
    public_pem: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    signs_from: Mapped[datetime] = mapped_column(server_default=func.now())
    verifies_until: Mapped[datetime | None]

    __table_args__ = ({"schema": SCHEMA},)


class ApiKey(Identified, Base):
    """A key of a program. Shown once; only its SHA-256 is kept."""

    __tablename__ = "api_keys"

    user_id: Mapped[int] = mapped_column(ForeignKey(f"{SCHEMA}.users.id"), index=True)
    label: Mapped[str]
    prefix: Mapped[str]  # the first characters, to recognise it in a list
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT_))
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = ({"schema": SCHEMA},)


class RecoveryCode(Identified, Base):
    __tablename__ = "recovery_codes"

    user_id: Mapped[int] = mapped_column(ForeignKey(f"{SCHEMA}.users.id"), index=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    used_at: Mapped[datetime | None]

    __table_args__ = ({"schema": SCHEMA},)


class PasswordReset(Identified, Base):
    __tablename__ = "password_resets"

    user_id: Mapped[int] = mapped_column(ForeignKey(f"{SCHEMA}.users.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = ({"schema": SCHEMA},)


class LoginFailure(Base):
    """Consecutive failures of one account, or of a name nobody has, at one address."""

    __tablename__ = "login_failures"

    account_key: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(SmallInteger)
    last_failed_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]

    __table_args__ = ({"schema": SCHEMA},)


class AuditEvent(Identified, Base):
    """Append-only: a trigger refuses UPDATE and DELETE (db/views.sql)."""

    __tablename__ = "audit_events"

    kind: Mapped[str]
    actor_id: Mapped[int | None]
    user_id: Mapped[int | None]  # whom it is about
    address: Mapped[str | None] = mapped_column(INET)
    device: Mapped[str] = mapped_column(server_default=text("''"))
    details: Mapped[dict[str, object]] = mapped_column(
        JSONB, server_default=text("'{}'")
    )
    request_id: Mapped[str | None]

    __table_args__ = (
        Index("ix_audit_events_kind", "kind", "id"),
        Index("ix_audit_events_user_id", "user_id", "id"),
        Index("ix_audit_events_actor_id", "actor_id", "id"),
        {"schema": SCHEMA},
    )
