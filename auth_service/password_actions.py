"""Changing a password, and getting back in without it."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from auth_service import credentials, names
from auth_service.actions import end_sessions
from auth_service.audit import Caller, Kind, note
from auth_service.letters import Letter
from db.auth import PasswordReset, User
from db.scope import Actor
from service_kit.errors import Invalid

RESET_LIFE = timedelta(minutes=30)
ASK_AGAIN_AFTER = timedelta(minutes=1)


def change_password(
    connection: Connection,
    password_hash: str,
    *,
    actor: Actor,
    caller: Caller,
    now: datetime,
) -> None:
    """Store a new password of the actor and end their other sessions."""
    store_password(connection, actor.user_id, password_hash, now)
    end_sessions(
        connection,
        actor.user_id,
        reason="password changed",
        now=now,
        but_id=actor.session_id,
    )
    note(
        connection,
        Kind.PASSWORD_CHANGED,
        caller,
        user_id=actor.user_id,
        actor_id=actor.user_id,
    )


def ask_for_reset(
    connection: Connection, email: str, *, caller: Caller, now: datetime
) -> Letter | None:
    """Return the letter to send to a known address, None for any other.

    At most one a minute to one account, however often it is asked for.
    """
    user = connection.execute(
        select(User.id, User.email, User.username, User.locale)
        .where(User.email_key == names.email_key(email), User.is_active)
        .with_for_update()
    ).first()
    if user is None:
        return None
    recent = select(PasswordReset.id).where(
        PasswordReset.user_id == user.id,
        PasswordReset.created_at > now - ASK_AGAIN_AFTER,
    )
    if connection.execute(recent).first():
        return None
    token = add_reset(connection, user.id, now)
    note(connection, Kind.RESET_ASKED, caller, user_id=user.id)
    return Letter(user.email, user.username, user.locale, token)


def add_reset(connection: Connection, user_id: int, now: datetime) -> str:
    """Return a new reset token; earlier ones of the user are worth nothing."""
    connection.execute(
        delete(PasswordReset).where(
            PasswordReset.user_id == user_id, PasswordReset.used_at.is_(None)
        )
    )
    token = credentials.new_secret()
    connection.execute(
        insert(PasswordReset).values(
            user_id=user_id,
            token_hash=credentials.digest(token),
            created_at=now,
            expires_at=now + RESET_LIFE,
        )
    )
    return token


def owner_of_reset(
    connection: Connection, token: str, now: datetime
) -> tuple[str, str]:
    """Return user name and e-mail behind a reset token; raises Invalid."""
    row = connection.execute(
        select(User.username, User.email)
        .join(PasswordReset, PasswordReset.user_id == User.id)
        .where(
            PasswordReset.token_hash == credentials.digest(token),
            PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > now,
            User.is_active,
        )
    ).first()
    if row is None:
        raise spent()
    return row.username, row.email


def spent() -> Invalid:
    return Invalid(
        {"token": "Is not valid any more; ask for a new one."}, code="invalid_token"
    )


def reset_password(
    connection: Connection,
    token: str,
    password_hash: str,
    *,
    caller: Caller,
    now: datetime,
) -> None:
    """Store a new password for a reset token, which works once; end all sessions."""
    user_id = connection.execute(
        update(PasswordReset)
        .where(
            PasswordReset.token_hash == credentials.digest(token),
            PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > now,
        )
        .values(used_at=now)
        .returning(PasswordReset.user_id)
    ).scalar()
    if user_id is None:
        raise spent()
    store_password(connection, user_id, password_hash, now)
    end_sessions(connection, user_id, reason="password reset", now=now)
    note(connection, Kind.PASSWORD_RESET, caller, user_id=user_id)


def store_password(
    connection: Connection, user_id: int, password_hash: str, now: datetime
) -> None:
    connection.execute(
        update(User)
        .where(User.id == user_id)
        .values(
            password_hash=password_hash,
            password_changed_at=now,
            version=User.version + 1,
        )
    )
