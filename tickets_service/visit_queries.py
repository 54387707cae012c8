"""Reads of visits (assignments), seen only through their tickets."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from db.scope import Actor
from db.vocabulary import Role
from service_kit.errors import NotFound
from service_kit.paging import decode_cursor, encode_cursor
from tickets_service.filters import scope_of
from tickets_service.ticket_queries import Page

NAMES = (
    *("id", "ticket_id", "ticket_number", "team_id", "technician_id", "status"),
    *("reason", "created_by", "offered_at", "expires_at", "accepted_at"),
    *("en_route_at", "on_site_at", "finished_at", "outcome_reason", "updated_at"),
    "version",
)
SELECTED = ", ".join("t.number" if n == "ticket_number" else f"a.{n}" for n in NAMES)
FROM = "FROM tickets.assignments a JOIN tickets.tickets t ON t.id = a.ticket_id"
CLAUSES: Mapping[str, str] = {
    "status": "a.status = ANY(%(status)s)",
    "team_id": "a.team_id = ANY(%(team_id)s)",
    "technician_id": "a.technician_id = ANY(%(technician_id)s)",
    "ticket_id": "a.ticket_id = ANY(%(ticket_id)s)",
    "zone": "t.zone = ANY(%(zone)s)",
    "category": "t.category = ANY(%(category)s)",
    "priority": "t.priority = ANY(%(priority)s)",
    "offered_from": "a.offered_at >= %(offered_from)s",
    "offered_to": "a.offered_at < %(offered_to)s",
    "ended_from": "a.finished_at >= %(ended_from)s",
    "ended_to": "a.finished_at < %(ended_to)s",
}


def page_of_assignments(
    connection: Connection, wanted: Mapping[str, Any], actor: Actor
) -> Page:
    """Return visits, the newest first."""
    scope, values = visible_visits(actor)
    where = f"t.deleted_at IS NULL AND {scope}"
    for name, clause in CLAUSES.items():
        if name in wanted:
            where += f" AND {clause}"
            values[name] = wanted[name]
    if wanted.get("mine"):
        where += " AND (a.technician_id = %(me)s OR a.team_id = %(my_team)s)"
        values |= {"me": actor.user_id, "my_team": actor.team_id}
    if wanted.get("cursor"):
        where += " AND a.id < %(after)s"
        values["after"] = decode_cursor(wanted["cursor"], "-id", (int,))[0]
    limit = wanted["limit"]
    rows = connection.exec_driver_sql(
        f"SELECT {SELECTED} {FROM} WHERE {where} ORDER BY a.id DESC LIMIT {limit + 1}",
        values,
    ).all()
    shown = [visit_json(row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page(shown, encode_cursor("-id", [shown[-1]["id"]]) if more else None)


def visible_visits(actor: Actor) -> tuple[str, dict[str, Any]]:
    """Return the condition on visits: those of visible tickets, and for technicians
    what their own team did or was offered, though the ticket has moved on since."""
    scope, known = scope_of(actor)
    values = dict(known)
    if actor.role is Role.TECHNICIAN and actor.team_id is not None:
        values["own_team"] = actor.team_id
        return f"({scope} OR a.team_id = %(own_team)s)", values
    return f"({scope})", values


def visits_of(connection: Connection, ticket_id: int) -> list[dict[str, Any]]:
    """Return a ticket's visits, the first one first. The caller checks visibility."""
    rows = connection.exec_driver_sql(
        f"SELECT {SELECTED} {FROM} WHERE t.id = %(id)s ORDER BY a.id",
        {"id": ticket_id},
    ).all()
    return [visit_json(row) for row in rows]


def get_visit(connection: Connection, visit_id: int, actor: Actor) -> dict[str, Any]:
    """Return a visit whose ticket the actor may see; raises NotFound."""
    scope, values = visible_visits(actor)
    row = connection.exec_driver_sql(
        f"SELECT {SELECTED} {FROM} WHERE a.id = %(id)s AND t.deleted_at IS NULL "
        f"AND {scope}",
        values | {"id": visit_id},
    ).first()
    if row is None:
        raise NotFound(f"There is no assignment {visit_id}.")
    return visit_json(row)


def visit_by_id(connection: Connection, visit_id: int) -> dict[str, Any]:
    """Return a visit that the caller has just written."""
    row = connection.exec_driver_sql(
        f"SELECT {SELECTED} {FROM} WHERE a.id = %(id)s",
        {"id": visit_id},
    ).one()
    return visit_json(row)


def visit_json(row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(NAMES, row, strict=True))
