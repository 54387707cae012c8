"""Switching a second factor on and off, and asking for it at login."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, or_, select, update

from auth_service import credentials, queries, second_factor
from auth_service.audit import Caller, Kind, note
from auth_service.preferences import Preferences
from auth_service.schemas import Login
from auth_service.vault import Locked, Vault
from db.auth import RecoveryCode, User
from db.scope import Actor
from db.vocabulary import Role
from service_kit.errors import AppError, Conflict, Forbidden, Invalid, Unauthenticated


@dataclass(frozen=True, slots=True)
class Passed:
    """The second factor is right or not asked for. recovery_codes: if just made."""

    recovery_codes: list[str] | None = None


class Wrong:
    """A second factor was given and is not right: counts as a failed login."""


def check_second_factor(
    connection: Connection,
    account: queries.Account,
    login: Login,
    preferences: Preferences,
    *,
    caller: Caller,
    now: datetime,
) -> Passed | Wrong | AppError:
    """Ask for the second factor of an account whose password was right.

    Where the role needs one and none is on yet, the refusal carries what an
    authenticator app needs, and a login with its first code switches it on.
    """
    vault = preferences.vault
    if account.totp_confirmed_at is not None:
        return check_code(connection, account, login, vault, caller=caller, now=now)
    if Role(account.role) not in preferences.second_factor_roles:
        return Passed()
    if login.otp is None:
        return ask_to_set_up(connection, account, vault)
    codes = confirm(connection, account, login.otp, vault, caller=caller, now=now)
    return Wrong() if codes is None else Passed(codes)


def check_code(
    connection: Connection,
    account: queries.Account,
    login: Login,
    vault: Vault,
    *,
    caller: Caller,
    now: datetime,
) -> Passed | Wrong | AppError:
    if login.otp is not None:
        right = use_code(connection, account, login.otp, vault, now)
    elif login.recovery_code is not None:
        right = use_recovery_code(
            connection, account, login.recovery_code, caller=caller, now=now
        )
    else:
        return Unauthenticated(
            "Send the code of your authenticator app as otp.",
            code="second_factor_required",
        )
    if not right:
        note(connection, Kind.FACTOR_FAILED, caller, user_id=account.id)
    return Passed() if right else Wrong()


def use_code(
    connection: Connection,
    account: queries.Account,
    code: str,
    vault: Vault,
    now: datetime,
) -> bool:
    """Whether `code` is right; it, and any before it, is worth nothing afterwards."""
    if account.totp_secret is None:
        return False
    step = second_factor.matching_step(vault.opened(account.totp_secret), code, now)
    if step is None:
        return False
    newer = or_(User.totp_last_step.is_(None), User.totp_last_step < step)
    used = update(User).where(User.id == account.id, newer).values(totp_last_step=step)
    return connection.execute(used).rowcount == 1


def use_recovery_code(
    connection: Connection,
    account: queries.Account,
    typed: str,
    *,
    caller: Caller,
    now: datetime,
) -> bool:
    code_hash = credentials.digest(second_factor.plain_recovery_code(typed))
    used = connection.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == account.id,
            RecoveryCode.code_hash == code_hash,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
    )
    if used.rowcount == 0:
        return False
    note(connection, Kind.RECOVERY_CODE_USED, caller, user_id=account.id)
    return True


def ask_to_set_up(
    connection: Connection, account: queries.Account, vault: Vault
) -> Forbidden:
    secret = begun(account, vault) or begin(connection, account.id, vault)
    setup = second_factor.setup_of(secret, account.username)
    return Forbidden(
        "Your role needs a second factor: add it to an authenticator app and log in "
        "with its code as otp.",
        code="second_factor_setup_required",
        setup={
            "secret": setup.secret,
            "otpauth_uri": setup.otpauth_uri,
            "qr_svg": setup.qr_svg,
        },
    )


def begun(account: queries.Account, vault: Vault) -> str | None:
    """Return the secret that a setup began with, None if there is none to be read."""
    if account.totp_secret is None:
        return None
    try:
        return vault.opened(account.totp_secret)
    except Locked:
        return None


def begin(connection: Connection, user_id: int, vault: Vault) -> str:
    """Store a new secret that is not asked for yet; return it."""
    secret = second_factor.new_totp_secret()
    connection.execute(
        update(User)
        .where(User.id == user_id, User.totp_confirmed_at.is_(None))
        .values(totp_secret=vault.locked(secret), totp_last_step=None)
    )
    return secret


def set_up_second_factor(
    connection: Connection, vault: Vault, *, actor: Actor
) -> second_factor.Setup:
    """Begin with a second factor; raises Conflict if one is on."""
    account = queries.get_account(connection, actor.user_id)
    if account.totp_confirmed_at is not None:
        raise Conflict("A second factor is on already.", code="second_factor_on")
    secret = begin(connection, account.id, vault)
    return second_factor.setup_of(secret, account.username)


def confirm_second_factor(
    connection: Connection,
    code: str,
    vault: Vault,
    *,
    actor: Actor,
    caller: Caller,
    now: datetime,
) -> list[str]:
    """Switch it on with its first code; return the recovery codes, shown once."""
    account = queries.get_account(connection, actor.user_id)
    if account.totp_confirmed_at is not None:
        raise Conflict("A second factor is on already.", code="second_factor_on")
    codes = confirm(connection, account, code, vault, caller=caller, now=now)
    if codes is None:
        raise Invalid({"code": "Is not the code of this moment."})
    return codes


def confirm(
    connection: Connection,
    account: queries.Account,
    code: str,
    vault: Vault,
    *,
    caller: Caller,
    now: datetime,
) -> list[str] | None:
    """Return fresh recovery codes if `code` is right and the factor is now on."""
    if not use_code(connection, account, code, vault, now):
        return None
    connection.execute(
        update(User).where(User.id == account.id).values(totp_confirmed_at=now)
    )
    note(connection, Kind.FACTOR_ADDED, caller, user_id=account.id, actor_id=account.id)
    return renew_recovery_codes(connection, account.id)


def renew_recovery_codes(connection: Connection, user_id: int) -> list[str]:
    """Replace all recovery codes of a user; return the new ones."""
    codes = second_factor.new_recovery_codes()
    connection.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    rows = [
        {"user_id": user_id, "code_hash": credentials.digest(code)} for code in codes
    ]
    connection.execute(insert(RecoveryCode), rows)
    return codes


def remove_second_factor(
    connection: Connection, user_id: int, *, by: Actor, caller: Caller
) -> None:
    """Switch it off: one's own, or, by an admin, that of someone who lost it."""
    queries.get_account(connection, user_id)
    connection.execute(
        update(User)
        .where(User.id == user_id)
        .values(totp_secret=None, totp_confirmed_at=None, totp_last_step=None)
    )
    connection.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    note(connection, Kind.FACTOR_REMOVED, caller, user_id=user_id, actor_id=by.user_id)


def lock_secrets(connection: Connection, vault: Vault) -> int:
    """Lock what lies bare, or is locked with a key of before; return how many.

    What another process locks meanwhile is left to it.
    """
    rows = connection.execute(
        select(User.id, User.totp_secret).where(User.totp_secret.is_not(None))
    ).all()
    done = 0
    for user_id, stored in rows:
        if stored is None or vault.is_up_to_date(stored):
            continue
        try:
            anew = vault.locked(vault.opened(stored))
        except Locked:
            continue
        same = update(User).where(User.id == user_id, User.totp_secret == stored)
        done += connection.execute(same.values(totp_secret=anew)).rowcount
    return done
