"""Logging in, staying in and logging out.

A refusal here is often itself worth remembering (a wrong password, a stolen
refresh token), so these functions return the refusal instead of raising it; the
view raises it once the memory is committed.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, case, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from auth_service import credentials, factor_actions, lockout, queries
from auth_service.actions import end_sessions
from auth_service.audit import Caller, Kind, note
from auth_service.passwords import Hasher
from auth_service.preferences import Preferences
from auth_service.schemas import Login
from db.auth import LoginFailure, Session, UsedRefreshToken, User
from db.engine import Database
from db.scope import Actor
from service_kit.errors import AppError, Invalid, NotFound, TooMany, Unauthenticated

GRACE = timedelta(seconds=10)
MOST_COUNTED = 1_000  # failures; the wait has long stopped growing
LONGEST_SESSION = timedelta(days=90)  # however often it is refreshed


# One statement for everything that a login changes.
ENTER = text(
    """
    WITH forgiven AS (
        DELETE FROM auth.login_failures
        WHERE account_key = :account_key AND address = :counted_address
    ), seen AS (
        UPDATE auth.users SET last_login_at = :now,
            password_hash = coalesce(CAST(:renewed_hash AS text), password_hash)
        WHERE id = :user_id
    ), noted AS (
        INSERT INTO auth.audit_events
            (kind, actor_id, user_id, address, device, request_id)
        VALUES (:kind, :user_id, :user_id, CAST(:address AS inet), :device, :request_id)
    )
    INSERT INTO auth.sessions (user_id, device, address, created_at, last_used_at,
        expires_at, refresh_hash, rotation_key)
    VALUES (:user_id, :device, CAST(:address AS inet), :now, :now,
        :expires_at, :refresh_hash, :rotation_key)
    RETURNING id
    """
)
LOCK = text(
    "SELECT locked_until FROM auth.login_failures "
    "WHERE account_key = :account_key AND address = :address FOR UPDATE"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A session that may be given tokens now. user: as sent to clients."""

    session_id: int
    user: queries.Row
    refresh_token: str
    recovery_codes: list[str] | None = None


def log_in(
    database: Database,
    hasher: Hasher,
    preferences: Preferences,
    login: Login,
    *,
    caller: Caller,
    now: datetime,
) -> Entry | AppError:
    """Let someone in who knows the password, and the second factor where one is on.

    No connection is held while the password is hashed. Failures in the meantime
    count: a lock that fell since is respected, so guesses made at once gain nothing.
    """
    address = lockout.counted_address(caller.address)
    with database.read_only() as connection:
        account, locked_until = queries.account_at_the_door(
            connection, login.username, address
        )
    counted = counted_under(login.username, account, address)
    refusal = refusal_until(locked_until, now)
    if refusal is not None:
        return refusal
    stored = account.password_hash if account else None
    is_right = hasher.matches(stored, login.password)
    renewed = None
    if is_right and stored is not None and hasher.is_outdated(stored):
        renewed = hasher.hash(login.password)
    with database.transaction() as connection:
        refusal = refusal_until(connection.scalar(LOCK, counted), now)
        if refusal is not None:
            return refusal
        if account is None or not is_right:
            return note_failure(connection, counted, account, caller, now)
        passed = factor_actions.check_second_factor(
            connection, account, login, preferences, caller=caller, now=now
        )
        if isinstance(passed, factor_actions.Wrong):
            passed = note_failure(connection, counted, account, caller, now)
        if isinstance(passed, AppError):
            return passed
        life = preferences.session_life
        entry = enter(connection, account, renewed, counted, caller, life, now)
        return replace(entry, recovery_codes=passed.recovery_codes)


def enter(  # noqa: PLR0913, PLR0917
    connection: Connection,
    account: queries.Account,
    renewed_hash: str | None,
    counted: dict[str, str],
    caller: Caller,
    life: timedelta,
    now: datetime,
) -> Entry:
    """Begin a session: the family of one refresh token and all its successors."""
    refresh_token = credentials.new_secret()
    values = {
        "account_key": counted["account_key"],
        "counted_address": counted["address"],
        "now": now,
        "renewed_hash": renewed_hash,
        "user_id": account.id,
        "kind": Kind.LOGGED_IN.value,
        "address": caller.address,
        "device": caller.device,
        "request_id": caller.request_id,
        "expires_at": now + life,
        "refresh_hash": credentials.digest(refresh_token),
        "rotation_key": credentials.new_rotation_key(),
    }
    session_id = connection.execute(ENTER, values).scalar_one()
    user = account.shown | {"last_login_at": now}
    return Entry(session_id, user, refresh_token)


def confirm_password(
    database: Database,
    hasher: Hasher,
    password: str,
    *,
    actor: Actor,
    caller: Caller,
    now: datetime,
) -> queries.Account | AppError:
    """Ask a person who is in for their password again, before something weighty.

    Wrong ones count as failed logins, so a stolen session is no way to guess it.
    """
    address = lockout.counted_address(caller.address)
    with database.read_only() as connection:
        account, locked_until = queries.account_at_the_door(
            connection, actor.username, address
        )
    counted = counted_under(actor.username, account, address)
    refusal = refusal_until(locked_until, now)
    if refusal is not None:
        return refusal
    stored = account.password_hash if account else None
    if hasher.matches(stored, password) and account is not None:
        return account
    with database.transaction() as connection:
        note_failure(connection, counted, account, caller, now)
    return Invalid({"password": "Is not your password."}, code="wrong_password")


def refusal_until(locked_until: datetime | None, now: datetime) -> TooMany | None:
    """Return the refusal of a locked name and address, None if it is open."""
    seconds = lockout.seconds_left(locked_until, now)
    if not seconds:
        return None
    return TooMany(
        "Too many wrong passwords; wait a little.",
        retry_after_s=seconds,
        code="account_locked",
    )


def counted_under(
    typed: str, account: queries.Account | None, address: str
) -> dict[str, str]:
    """Return under which account, or name that nobody has, failures are counted."""
    known = lockout.known_key(account.id) if account else None
    return {"account_key": known or lockout.unknown_key(typed), "address": address}


def note_failure(
    connection: Connection,
    counted: dict[str, str],
    account: queries.Account | None,
    caller: Caller,
    now: datetime,
) -> Unauthenticated:
    """Count a failure, lock if it is one too many; return the one refusal of all."""
    failures = count_failure(connection, counted, now)
    user_id = account.id if account else None
    note(connection, Kind.LOGIN_FAILED, caller, user_id=user_id, failures=failures)
    wait = lockout.wait_after(failures)
    if wait is not None:
        connection.execute(
            update(LoginFailure)
            .where(
                LoginFailure.account_key == counted["account_key"],
                LoginFailure.address == counted["address"],
            )
            .values(locked_until=now + wait)
        )
        seconds = int(wait.total_seconds())
        note(connection, Kind.LOCKED, caller, user_id=user_id, seconds=seconds)
    return Unauthenticated(
        "The user name or the password is wrong.", code="invalid_credentials"
    )


def count_failure(
    connection: Connection, counted: dict[str, str], now: datetime
) -> int:
    """Return how many failures in a row this is; long ago ones are forgotten."""
    row = LoginFailure
    new = upsert(row).values(**counted, failures=1, last_failed_at=now)
    forgotten = row.last_failed_at < now - lockout.FORGOTTEN_AFTER
    raised = new.on_conflict_do_update(
        index_elements=["account_key", "address"],
        set_={
            "failures": case(
                (forgotten, 1), else_=func.least(row.failures + 1, MOST_COUNTED)
            ),
            "last_failed_at": now,
            "locked_until": None,
        },
    )
    return int(connection.execute(raised.returning(row.failures)).scalar_one())


@dataclass(frozen=True, slots=True)
class Family:
    """The session a refresh token belongs, or once belonged, to."""

    id: int
    user_id: int
    is_active: bool
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    rotated_at: datetime | None
    refresh_hash: bytes
    previous_hash: bytes | None
    rotation_key: bytes


INVALID = "The refresh token is not valid; log in again."


def refresh(
    connection: Connection,
    refresh_token: str,
    preferences: Preferences,
    *,
    caller: Caller,
    now: datetime,
) -> Entry | AppError:
    """Exchange a refresh token for its successor.

    The token just before is answered the same for ten seconds (an answer that got
    lost, two tabs at once); any older one is a theft and ends the whole family.
    """
    presented = credentials.digest(refresh_token)
    family = find_family(connection, presented)
    if family is None or not family.is_active or family.revoked_at is not None:
        return Unauthenticated(INVALID, code="invalid_token")
    if family.expires_at <= now:
        return Unauthenticated(INVALID, code="token_expired")
    following = credentials.successor(refresh_token, family.rotation_key)
    user = queries.get_user(connection, family.user_id)
    entry = Entry(family.id, user, following)
    if rotate(connection, family, presented, following, preferences, now):
        return entry
    family = find_family(connection, presented)  # as the winner left it
    if family and is_in_grace(family, presented, now):
        return entry
    return revoke_family(connection, family, caller, now)


def find_family(connection: Connection, presented: bytes) -> Family | None:
    columns = (
        Session.id,
        Session.user_id,
        User.is_active,
        Session.created_at,
        Session.expires_at,
        Session.revoked_at,
        Session.rotated_at,
        Session.refresh_hash,
        Session.previous_hash,
        Session.rotation_key,
    )
    families = select(*columns).join(User, User.id == Session.user_id)
    row = connection.execute(
        families.where(
            or_(Session.refresh_hash == presented, Session.previous_hash == presented)
        )
    ).first()
    if row is None:
        used = select(UsedRefreshToken.session_id).where(
            UsedRefreshToken.token_hash == presented
        )
        row = connection.execute(
            families.where(Session.id == used.scalar_subquery())
        ).first()
    return Family(**row._mapping) if row else None


def rotate(
    connection: Connection,
    family: Family,
    presented: bytes,
    following: str,
    preferences: Preferences,
    now: datetime,
) -> bool:
    """Replace the current refresh token, if `presented` still is it."""
    ends = min(now + preferences.session_life, family.created_at + LONGEST_SESSION)
    rotated = connection.execute(
        update(Session)
        .where(
            Session.id == family.id,
            Session.refresh_hash == presented,
            Session.revoked_at.is_(None),
        )
        .values(
            refresh_hash=credentials.digest(following),
            previous_hash=presented,
            rotated_at=now,
            last_used_at=now,
            expires_at=ends,
        )
    )
    if rotated.rowcount == 0:
        return False
    used = upsert(UsedRefreshToken).values(
        token_hash=presented, session_id=family.id, used_at=now
    )
    connection.execute(used.on_conflict_do_nothing())
    return True


def is_in_grace(family: Family, presented: bytes, now: datetime) -> bool:
    return (
        family.revoked_at is None
        and family.rotated_at is not None
        and family.previous_hash is not None
        and bytes(family.previous_hash) == presented
        and now - family.rotated_at <= GRACE
    )


def revoke_family(
    connection: Connection, family: Family | None, caller: Caller, now: datetime
) -> Unauthenticated:
    if family is not None and family.revoked_at is None:
        connection.execute(
            update(Session)
            .where(Session.id == family.id)
            .values(revoked_at=now, revoked_reason="refresh token reused")
        )
        note(
            connection,
            Kind.TOKEN_REUSED,
            caller,
            user_id=family.user_id,
            session_id=family.id,
        )
    return Unauthenticated(
        "This refresh token was used before; the session has been ended.",
        code="token_reused",
    )


def log_out(
    connection: Connection,
    *,
    actor: Actor,
    everywhere: bool,
    caller: Caller,
    now: datetime,
) -> None:
    """End the caller's session, or all of theirs."""
    if everywhere:
        end_sessions(connection, actor.user_id, reason="logged out", now=now)
    else:
        connection.execute(
            update(Session)
            .where(Session.id == actor.session_id, Session.revoked_at.is_(None))
            .values(revoked_at=now, revoked_reason="logged out")
        )
    note(
        connection,
        Kind.LOGGED_OUT,
        caller,
        user_id=actor.user_id,
        actor_id=actor.user_id,
        everywhere=everywhere,
    )


def revoke_session(
    connection: Connection,
    session_id: int,
    *,
    actor: Actor,
    caller: Caller,
    now: datetime,
) -> None:
    """End one of the actor's own sessions; raises NotFound."""
    ended = connection.execute(
        update(Session)
        .where(
            Session.id == session_id,
            Session.user_id == actor.user_id,
            Session.revoked_at.is_(None),
        )
        .values(revoked_at=now, revoked_reason="ended by its owner")
    )
    if ended.rowcount == 0:
        raise NotFound(f"There is no session {session_id}.")
    note(
        connection,
        Kind.SESSION_REVOKED,
        caller,
        user_id=actor.user_id,
        actor_id=actor.user_id,
        session_id=session_id,
    )
