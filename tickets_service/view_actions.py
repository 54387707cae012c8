"""Saved filters: one's own, and those that others share."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from db.scope import Actor
from db.vocabulary import Role
from service_kit.answers import to_json
from service_kit.errors import Conflict, Forbidden, NotFound, Stale

COLUMNS = (
    "v.id, v.name, v.filters, v.is_shared, v.owner_id, u.username AS owner, "
    "v.created_at, v.updated_at, v.version"
)
FROM = (
    "FROM tickets.saved_views v LEFT JOIN auth.user_directory u ON u.id = v.owner_id "
    "WHERE (v.owner_id = %(me)s OR v.is_shared)"
)


def views_for(
    connection: Connection, actor: Actor, after: int, limit: int
) -> list[dict[str, Any]]:
    """Return the views that the actor may use, in the order of their making."""
    rows = connection.exec_driver_sql(
        f"SELECT {COLUMNS} {FROM} AND v.id > %(after)s ORDER BY v.id LIMIT %(limit)s",
        {"me": actor.user_id, "after": after, "limit": limit},
    ).mappings()
    return [dict(row) for row in rows]


def get_view(
    connection: Connection, view_id: int, actor: Actor, *, lock: bool = False
) -> dict[str, Any]:
    """Return one view; raises NotFound for another's that is not shared."""
    row = (
        connection.exec_driver_sql(
            f"SELECT {COLUMNS} {FROM} AND v.id = %(id)s"
            + (" FOR UPDATE OF v" if lock else ""),
            {"me": actor.user_id, "id": view_id},
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotFound(f"There is no view {view_id}.")
    return dict(row)


def add_view(
    connection: Connection, new: Mapping[str, Any], actor: Actor, now: datetime
) -> dict[str, Any]:
    """Save a filter; raises Conflict if the owner has one of that name."""
    try:
        view_id = connection.exec_driver_sql(
            "INSERT INTO tickets.saved_views "
            "(owner_id, name, filters, is_shared, created_at, updated_at) VALUES "
            "(%(me)s, %(name)s, %(filters)s, %(is_shared)s, %(now)s, %(now)s) "
            "RETURNING id",
            {
                "me": actor.user_id,
                "name": new["name"],
                "filters": to_json(new["filters"]).decode(),
                "is_shared": new["is_shared"],
                "now": now,
            },
        ).scalar_one()
    except IntegrityError as error:
        raise taken(new["name"]) from error
    return get_view(connection, view_id, actor)


def taken(name: str) -> Conflict:
    return Conflict(f"You have a view named {name} already.", code="name_taken")


def change_view(
    connection: Connection,
    view: Mapping[str, Any],
    changes: Mapping[str, Any],
    actor: Actor,
    now: datetime,
) -> dict[str, Any]:
    """Change the fields sent; only the owner may."""
    need_owner(view, actor)
    merged = {**view, **changes}
    try:
        connection.exec_driver_sql(
            "UPDATE tickets.saved_views SET name = %(name)s, filters = %(filters)s, "
            "is_shared = %(is_shared)s, updated_at = %(now)s, version = version + 1 "
            "WHERE id = %(id)s",
            {
                "name": merged["name"],
                "filters": to_json(merged["filters"]).decode(),
                "is_shared": merged["is_shared"],
                "now": now,
                "id": view["id"],
            },
        )
    except IntegrityError as error:
        raise taken(merged["name"]) from error
    return get_view(connection, view["id"], actor)


def remove_view(connection: Connection, view: Mapping[str, Any], actor: Actor) -> None:
    """Remove a view: its owner may, and an administrator a shared one."""
    if actor.role is not Role.ADMIN:
        need_owner(view, actor)
    connection.exec_driver_sql(
        "DELETE FROM tickets.saved_views WHERE id = %(id)s", {"id": view["id"]}
    )


def need_owner(view: Mapping[str, Any], actor: Actor) -> None:
    if view["owner_id"] != actor.user_id:
        raise Forbidden("Only its owner may change a view.")


def check_version(view: Mapping[str, Any], version: int | None) -> None:
    if version is not None and version != view["version"]:
        raise Stale("Someone else changed this view since you read it.")
