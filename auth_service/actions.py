"""Everything that changes users, profiles and API keys. One function, one use case.

Each takes an open connection and leaves the commit to its caller. Passwords come
in already hashed: hashing takes a while and holds no connection.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from auth_service import credentials, names, queries
from auth_service.audit import Caller, Kind, note
from auth_service.schemas import NewApiKey, NewUser
from db.auth import ApiKey, Session, Team, User
from db.scope import Actor
from db.vocabulary import Role
from service_kit.errors import Conflict, Forbidden, Invalid, NotFound
from service_kit.etags import check_if_match

NOBODY = Caller()
MOST_API_KEYS = 50
AUDITED = ("username", "email", "full_name", "role", "team_id", "zones", "locale")


def register(
    connection: Connection,
    new: NewUser,
    *,
    password_hash: str,
    by: Actor | None = None,
    caller: Caller = NOBODY,
) -> queries.Row:
    """Add the account of someone who asks for it themselves: always a requester.

    With an admin as `by` it may have any role, team and zones. Raises Forbidden,
    Conflict (username_taken, email_taken) or Invalid.
    """
    is_admin = by is not None and by.role is Role.ADMIN
    privileged = new.role not in (None, Role.REQUESTER) or new.team_id or new.zones
    if privileged and not is_admin:
        raise Forbidden("Only an admin gives a role, a team or zones.")
    return add_user(
        connection,
        new,
        password_hash=password_hash,
        actor_id=by.user_id if by else None,
        caller=caller,
    )


def add_user(
    connection: Connection,
    new: NewUser,
    *,
    password_hash: str | None,
    actor_id: int | None = None,
    caller: Caller = NOBODY,
) -> queries.Row:
    """Add an account; return it as sent to clients.

    password_hash: None for someone who will choose a password by mail.
    Raises Conflict (username_taken, email_taken) or Invalid (team, zones).
    """
    check_place(connection, {"team_id": new.team_id, "zones": new.zones})
    values = user_values(new, password_hash)
    made = connection.execute(
        upsert(User).values(values).on_conflict_do_nothing().returning(User.id)
    ).scalar()
    if made is None:
        check_free(connection, username=new.username, email=new.email)
        raise Conflict("This name or e-mail was taken a moment ago.")
    kind = Kind.USER_ADDED if actor_id else Kind.REGISTERED
    note(connection, kind, caller, user_id=made, actor_id=actor_id or made)
    return queries.get_user(connection, made)


def add_users(
    connection: Connection, people: Iterable[NewUser], *, password_hash: str | None
) -> list[int]:
    """Add many accounts that share one password hash; return their ids in order.

    For seeding and imports: one statement, no audit; names must be free.
    """
    rows = [user_values(new, password_hash) for new in people]
    if not rows:
        return []
    made = insert(User).returning(User.id, sort_by_parameter_order=True)
    return list(connection.scalars(made, rows))


def user_values(new: NewUser, password_hash: str | None) -> dict[str, Any]:
    return {
        "username": new.username,
        "username_key": names.username_key(new.username),
        "email": new.email,
        "email_key": names.email_key(new.email),
        "full_name": new.full_name,
        "password_hash": password_hash,
        "role": (new.role or Role.REQUESTER).value,
        "team_id": new.team_id,
        "zones": new.zones,
        "locale": new.locale.value,
    }


def check_free(
    connection: Connection,
    *,
    username: str | None = None,
    email: str | None = None,
    but_id: int = 0,
) -> None:
    """Raise Conflict if another account than `but_id` has the name or the e-mail."""
    others = select(User.id).where(User.id != but_id)
    if username is not None:
        key = names.username_key(username)
        if connection.scalar(others.where(User.username_key == key)):
            raise Conflict("This user name is taken.", code="username_taken")
    if email is not None:
        key = names.email_key(email)
        if connection.scalar(others.where(User.email_key == key)):
            raise Conflict("This e-mail address is taken.", code="email_taken")


def check_place(connection: Connection, values: Mapping[str, Any]) -> None:
    """Raise Invalid if the team is not there or a zone is unknown."""
    team_id, zones = values.get("team_id"), values.get("zones")
    if team_id is not None and not connection.scalar(
        select(Team.id).where(Team.id == team_id, Team.is_active)
    ):
        raise Invalid({"team_id": f"There is no active team {team_id}."})
    if zones:
        unknown = queries.unknown_zones(connection, zones)
        if unknown:
            raise Invalid({"zones": f"Not a zone: {', '.join(unknown)}."})


def change_user(  # noqa: PLR0913
    connection: Connection,
    user_id: int,
    changes: Mapping[str, Any],
    *,
    password_hash: str | None = None,
    by: Actor,
    caller: Caller = NOBODY,
    now: datetime,
) -> queries.Row:
    """Change what an admin may change of an account; return it.

    changes: fields of UserChangesSchema that were sent, without the password.
    A role change is felt by every service within seconds; a deactivation or a new
    password also ends the user's sessions. Raises NotFound, Stale, Conflict
    (names taken, last_admin) or Invalid.
    """
    before = locked_user(connection, user_id)
    check_if_match(before["version"])
    check_place(connection, changes)
    check_free(
        connection,
        username=changes.get("username"),
        email=changes.get("email"),
        but_id=user_id,
    )
    check_admin_remains(connection, before, changes)
    save_user(connection, user_id, changes, password_hash=password_hash, now=now)
    note_changes(connection, before, changes, by=by, caller=caller)
    if password_hash is not None:
        note(
            connection,
            Kind.PASSWORD_CHANGED,
            caller,
            user_id=user_id,
            actor_id=by.user_id,
        )
    if password_hash is not None or changes.get("is_active") is False:
        end_sessions(connection, user_id, reason="changed by an admin", now=now)
    return queries.get_user(connection, user_id)


def locked_user(connection: Connection, user_id: int) -> queries.Row:
    """Return a user's row with its version, locked until the transaction ends."""
    row = connection.execute(
        select(*queries.USER_COLUMNS, User.version)
        .where(User.id == user_id)
        .with_for_update()
    ).first()
    if row is None:
        raise NotFound(f"There is no user {user_id}.")
    return dict(row._mapping)


def save_user(
    connection: Connection,
    user_id: int,
    changes: Mapping[str, Any],
    *,
    password_hash: str | None = None,
    now: datetime,
) -> None:
    values = {
        name: getattr(value, "value", value)  # words of a vocabulary by their value
        for name, value in changes.items()
    }
    if "username" in values:
        values["username_key"] = names.username_key(values["username"])
    if "email" in values:
        values["email_key"] = names.email_key(values["email"])
    if password_hash is not None:
        values |= {"password_hash": password_hash, "password_changed_at": now}
    connection.execute(
        update(User)
        .where(User.id == user_id)
        .values(**values, version=User.version + 1)
    )


def check_admin_remains(
    connection: Connection, before: Mapping[str, Any], changes: Mapping[str, Any]
) -> None:
    """Raise Conflict if the change would leave the system without an admin."""
    stays = (
        changes.get("role", before["role"]) == Role.ADMIN
        and changes.get("is_active", before["is_active"]) is True
    )
    if before["role"] != Role.ADMIN or not before["is_active"] or stays:
        return
    # Two admins who demote each other at once wait here for one another.
    admins = select(User.id).where(User.role == Role.ADMIN, User.is_active)
    found = connection.scalars(admins.order_by(User.id).with_for_update()).all()
    if set(found) <= {before["id"]}:
        raise Conflict("The last admin stays an admin.", code="last_admin")


def note_changes(
    connection: Connection,
    before: Mapping[str, Any],
    changes: Mapping[str, Any],
    *,
    by: Actor,
    caller: Caller,
) -> None:
    who = {"user_id": before["id"], "actor_id": by.user_id}
    if changes.get("is_active", before["is_active"]) is not before["is_active"]:
        kind = Kind.REACTIVATED if changes["is_active"] else Kind.DEACTIVATED
        note(connection, kind, caller, **who)
    if changes.get("role", before["role"]) != before["role"]:
        details = {"from": before["role"], "to": changes["role"].value}
        note(connection, Kind.ROLE_CHANGED, caller, **who, **details)
    fields = [n for n in AUDITED if n in changes and changes[n] != before[n]]
    rest = [name for name in fields if name != "role"]
    if rest:
        note(connection, Kind.USER_CHANGED, caller, **who, fields=rest)


def end_sessions(
    connection: Connection,
    user_id: int,
    *,
    reason: str,
    now: datetime,
    but_id: int | None = None,
) -> int:
    """Revoke the user's sessions except `but_id`; return how many ended."""
    ended = (
        update(Session)
        .where(Session.user_id == user_id, Session.revoked_at.is_(None))
        .values(revoked_at=now, revoked_reason=reason)
    )
    if but_id is not None:
        ended = ended.where(Session.id != but_id)
    return connection.execute(ended).rowcount


def change_profile(
    connection: Connection,
    changes: Mapping[str, Any],
    *,
    actor: Actor,
    caller: Caller = NOBODY,
    now: datetime,
) -> queries.Row:
    """Change one's own full name, e-mail or locale; return the user."""
    before = locked_user(connection, actor.user_id)
    check_if_match(before["version"])
    check_free(connection, email=changes.get("email"), but_id=actor.user_id)
    save_user(connection, actor.user_id, changes, now=now)
    note_changes(connection, before, changes, by=actor, caller=caller)
    return queries.get_user(connection, actor.user_id)


@dataclass(frozen=True, slots=True)
class AddedKey:
    """A key just made: its row, and the key itself for this one time."""

    row: queries.Row
    key: str


def add_api_key(
    connection: Connection,
    new: NewApiKey,
    *,
    actor: Actor,
    caller: Caller = NOBODY,
    now: datetime,
) -> AddedKey:
    """Make an API key of the actor. Raises Invalid (expiry) or Conflict (too many)."""
    if new.expires_at is not None and new.expires_at <= now:
        raise Invalid({"expires_at": "Must lie in the future."})
    locked_user(connection, actor.user_id)
    live = select(func.count()).where(
        ApiKey.user_id == actor.user_id, ApiKey.revoked_at.is_(None)
    )
    if (connection.scalar(live) or 0) >= MOST_API_KEYS:
        raise Conflict(f"{MOST_API_KEYS} keys are enough; delete one first.")
    key = credentials.new_api_key()
    made = insert(ApiKey).values(
        user_id=actor.user_id,
        label=new.label,
        prefix=key[: credentials.SHOWN_PREFIX_CHARS],
        key_hash=credentials.digest(key),
        scopes=sorted(set(new.scopes)),
        expires_at=new.expires_at,
    )
    row = connection.execute(made.returning(*queries.API_KEY_COLUMNS)).one()
    note(
        connection,
        Kind.KEY_ADDED,
        caller,
        user_id=actor.user_id,
        actor_id=actor.user_id,
        key_id=row.id,
        scopes=row.scopes,
    )
    return AddedKey(dict(row._mapping), key)


def revoke_api_key(
    connection: Connection,
    key_id: int,
    *,
    actor: Actor,
    caller: Caller = NOBODY,
    now: datetime,
) -> None:
    """End one of the actor's keys, an admin anyone's; raises NotFound."""
    ended = (
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    if actor.role is not Role.ADMIN:
        ended = ended.where(ApiKey.user_id == actor.user_id)
    user_id = connection.execute(ended.returning(ApiKey.user_id)).scalar()
    if user_id is None:
        raise NotFound(f"There is no key {key_id}.")
    note(
        connection,
        Kind.KEY_REVOKED,
        caller,
        user_id=user_id,
        actor_id=actor.user_id,
        key_id=key_id,
    )


def user_ids_by_name(connection: Connection, wanted: Sequence[str]) -> dict[str, int]:
    """Return the ids of user names that exist, by name; for seeding and imports."""
    rows = connection.execute(
        select(User.username, User.id).where(User.username.in_(wanted))
    )
    return {row.username: row.id for row in rows}
