"""Reads of the `auth` schema. Nothing here changes a row, no hash leaves it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select, text, tuple_
from sqlalchemy.sql.elements import SQLColumnExpression

from auth_service import lockout, names
from db.auth import ApiKey, AuditEvent, RecoveryCode, Session, User
from service_kit.errors import NotFound
from service_kit.paging import decode_cursor, encode_cursor

Row = dict[str, Any]
SortKey = tuple[SQLColumnExpression[Any], type]

USER_COLUMNS = (
    User.id,
    User.username,
    User.email,
    User.full_name,
    User.role,
    User.team_id,
    User.zones,
    User.locale,
    User.is_active,
    User.created_at,
    User.last_login_at,
)
API_KEY_COLUMNS = (
    ApiKey.id,
    ApiKey.label,
    ApiKey.prefix,
    ApiKey.scopes,
    ApiKey.created_at,
    ApiKey.expires_at,
    ApiKey.last_used_at,
)
USER_SORTS: dict[str, SortKey] = {
    "id": (User.id, int),
    "username": (User.username, str),
    "created_at": (User.created_at, datetime),
}
EVENT_SORTS: dict[str, SortKey] = {"id": (AuditEvent.id, int)}
ZONES = text(
    "SELECT name FROM tickets.zone_directory WHERE is_active AND name = ANY(:names)"
)


@dataclass(frozen=True, slots=True)
class Account:
    """What a login needs to know of a user. shown: the user as sent to clients."""

    id: int
    username: str
    role: str
    password_hash: str | None
    totp_secret: str | None
    totp_confirmed_at: datetime | None
    shown: Row

    @property
    def email(self) -> str:
        return str(self.shown["email"])


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Row]
    next_cursor: str | None
    total: int | None


def page_of(
    connection: Connection,
    rows: Select[*tuple[Any, ...]],
    wanted: Mapping[str, Any],
    sorts: Mapping[str, SortKey],
) -> Page:
    """Return one page of `rows`, keyset by the wanted sort and then by id.

    wanted: limit, cursor, total and sort as loaded from the query; the rows must
        carry the sort columns under their own names.
    """
    name: str = wanted.get("sort", "-id")
    column, kind = sorts[name.removeprefix("-")]
    identity = sorts["id"][0]
    total = None
    if wanted["total"]:
        total = connection.scalar(select(func.count()).select_from(rows.subquery()))
    descending = name.startswith("-")
    if wanted["cursor"]:
        after = tuple_(*decode_cursor(wanted["cursor"], name, (kind, int)))
        place = tuple_(column, identity)
        rows = rows.where(place < after if descending else place > after)
    order = [c.desc() if descending else c.asc() for c in (column, identity)]
    found = connection.execute(rows.order_by(*order).limit(wanted["limit"] + 1))
    items = [dict(row._mapping) for row in found]
    next_cursor = None
    if len(items) > wanted["limit"]:
        items.pop()
        last = items[-1]
        next_cursor = encode_cursor(name, (last[name.removeprefix("-")], last["id"]))
    return Page(items, next_cursor, total)


def contains(word: str) -> str:
    """Return a LIKE pattern for `word` taken literally."""
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def page_of_users(connection: Connection, wanted: Mapping[str, Any]) -> Page:
    rows = select(*USER_COLUMNS)
    if wanted.get("q"):
        pattern = contains(wanted["q"])
        columns = (User.username, User.email, User.full_name)
        rows = rows.where(or_(*(column.ilike(pattern) for column in columns)))
    if "role" in wanted:
        rows = rows.where(User.role.in_([role.value for role in wanted["role"]]))
    if "team_id" in wanted:
        rows = rows.where(User.team_id.in_(wanted["team_id"]))
    if "is_active" in wanted:
        rows = rows.where(User.is_active == wanted["is_active"])
    return page_of(connection, rows, wanted, USER_SORTS)


def get_user(connection: Connection, user_id: int) -> Row:
    """Return a user as sent to clients; raises NotFound."""
    row = connection.execute(select(*USER_COLUMNS).where(User.id == user_id)).first()
    if row is None:
        raise NotFound(f"There is no user {user_id}.")
    return dict(row._mapping)


def user_version(connection: Connection, user_id: int) -> int:
    """Return the version of a user; raises NotFound."""
    version = connection.scalar(select(User.version).where(User.id == user_id))
    if version is None:
        raise NotFound(f"There is no user {user_id}.")
    return version


ACCOUNT_SQL = """
    u.id, u.username, u.email, u.full_name, u.role, u.team_id, u.zones, u.locale,
    u.is_active, u.created_at, u.last_login_at, u.password_hash, u.totp_secret,
    u.totp_confirmed_at"""
ACCOUNT = text(f"SELECT {ACCOUNT_SQL} FROM auth.users u WHERE u.id = :id")  # noqa: S608
# A login is asked for often: one statement for the account and its lock.
AT_THE_DOOR = {
    column: text(
        f"SELECT f.locked_until, {ACCOUNT_SQL} FROM (SELECT 1) AS door "  # noqa: S608
        f"LEFT JOIN auth.users u ON u.{column} = :key AND u.is_active "
        "LEFT JOIN auth.login_failures f ON f.address = :address AND f.account_key = "
        f"coalesce('{lockout.ACCOUNT}' || u.id, :unknown_key)"
    )
    for column in ("email_key", "username_key")
}
SECRETS = ("password_hash", "totp_secret", "totp_confirmed_at")


def account_at_the_door(
    connection: Connection, typed: str, address: str
) -> tuple[Account | None, datetime | None]:
    """Return the account of a name or e-mail as typed, and until when it is locked.

    address: as failures are counted for it.
    """
    if names.looks_like_email(typed):
        query, key = AT_THE_DOOR["email_key"], names.email_key(typed)
    else:
        query, key = AT_THE_DOOR["username_key"], names.username_key(typed)
    counted = {"address": address, "unknown_key": lockout.unknown_key(typed)}
    found = connection.execute(query, {"key": key, **counted}).mappings().one()
    row = dict(found)
    locked_until = row.pop("locked_until")
    return None if row["id"] is None else account_of(row), locked_until


def account_of(row: Row) -> Account:
    secrets = {name: row.pop(name) for name in SECRETS}
    return Account(row["id"], row["username"], row["role"], **secrets, shown=row)


def get_account(connection: Connection, user_id: int) -> Account:
    """Return an account, deactivated or not; raises NotFound."""
    found = connection.execute(ACCOUNT, {"id": user_id}).mappings().first()
    if found is None:
        raise NotFound(f"There is no user {user_id}.")
    return account_of(dict(found))


def recovery_codes_left(connection: Connection, user_id: int) -> int:
    left = select(func.count()).where(
        RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
    )
    return connection.scalar(left) or 0


def live_sessions(
    connection: Connection, user_id: int, *, current_id: int | None, now: datetime
) -> list[Row]:
    """Return the user's sessions that still live, last used first."""
    rows = connection.execute(
        select(
            Session.id,
            Session.device,
            func.host(Session.address).label("address"),
            Session.created_at,
            Session.last_used_at,
            Session.expires_at,
        )
        .where(
            Session.user_id == user_id,
            Session.revoked_at.is_(None),
            Session.expires_at > now,
        )
        .order_by(Session.last_used_at.desc(), Session.id.desc())
        .limit(200)
    )
    return [dict(row._mapping) | {"is_current": row.id == current_id} for row in rows]


def api_keys(connection: Connection, user_id: int) -> list[Row]:
    """Return the user's keys that are not revoked, newest first; expired ones too."""
    rows = connection.execute(
        select(*API_KEY_COLUMNS)
        .where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.id.desc())
        .limit(200)
    )
    return [dict(row._mapping) for row in rows]


def page_of_events(connection: Connection, wanted: Mapping[str, Any]) -> Page:
    """Return audit events, newest first."""
    rows = select(
        AuditEvent.id,
        AuditEvent.kind,
        AuditEvent.actor_id,
        AuditEvent.user_id,
        func.host(AuditEvent.address).label("address"),
        AuditEvent.device,
        AuditEvent.details,
        AuditEvent.request_id,
        AuditEvent.created_at,
    )
    if "kind" in wanted:
        rows = rows.where(AuditEvent.kind.in_([kind.value for kind in wanted["kind"]]))
    for name in ("user_id", "actor_id"):
        if name in wanted:
            rows = rows.where(getattr(AuditEvent, name) == wanted[name])
    if "created_from" in wanted:
        rows = rows.where(AuditEvent.created_at >= wanted["created_from"])
    if "created_to" in wanted:
        rows = rows.where(AuditEvent.created_at < wanted["created_to"])
    return page_of(connection, rows, wanted, EVENT_SORTS)


def unknown_zones(connection: Connection, wanted: Sequence[str]) -> list[str]:
    """Return which of these names are not zones in use."""
    known = set(connection.scalars(ZONES, {"names": list(wanted)}))
    return [name for name in wanted if name not in known]
