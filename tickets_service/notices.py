"""Who is told of an event in their inbox. Written by the transaction of the event.

A mention reaches only who may see the ticket and, for an internal note, notes. A
threshold that passed long ago (a load, an outage of the worker) tells nobody.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from db.scope import Actor, may_see_ticket, sees_internal_comments
from db.vocabulary import Role, Visibility
from service_kit.answers import to_json
from tickets_service.ticket_state import Event, TicketState

FRESH = timedelta(days=1)
TOLD_AT_PERCENT = 75
SLA_KINDS = ("sla.warning", "sla.breached")
INSERT = (
    "INSERT INTO tickets.notifications (user_id, kind, ticket_id, data, created_at) "
    "SELECT u.id, %(kind)s, %(ticket_id)s, %(data)s, %(now)s "
    "FROM auth.user_directory u WHERE u.is_active AND "
)


def notify(connection: Connection, after: TicketState, events: Sequence[Event]) -> None:
    """Tell everyone whom these events concern."""
    for event in events:
        if event.kind == "visit.offered":
            tell_offered(connection, after, event)
        elif event.kind == "comment.added" and event.data.get("mentions"):
            tell_mentioned(connection, after, event)
        elif event.kind in SLA_KINDS and is_worth_telling(event):
            tell_team(connection, after, event)
        elif event.kind == "ticket.completed":
            tell_users(connection, after, event, [after.created_by])


def is_worth_telling(event: Event) -> bool:
    percent = event.data.get("percent", 100)
    return percent >= TOLD_AT_PERCENT and event.recorded_at - event.occurred_at <= FRESH


def tell_offered(connection: Connection, ticket: TicketState, event: Event) -> None:
    technician_id = event.data.get("technician_id")
    if technician_id is not None:
        tell_users(connection, ticket, event, [technician_id])
    else:
        tell_team(connection, ticket, event)


def tell_team(connection: Connection, ticket: TicketState, event: Event) -> None:
    """Tell the ticket's technician, else the whole team, else the dispatchers."""
    if ticket.technician_id is not None:
        tell_users(connection, ticket, event, [ticket.technician_id])
    elif ticket.team_id is not None:
        where = "u.team_id = %(team_id)s"
        tell(connection, ticket, event, where, {"team_id": ticket.team_id})
    else:
        where = "u.role = 'dispatcher' AND (u.zones IS NULL OR %(zone)s = ANY(u.zones))"
        tell(connection, ticket, event, where, {"zone": ticket.zone})


def tell_mentioned(connection: Connection, ticket: TicketState, event: Event) -> None:
    names = [str(name).lower() for name in event.data["mentions"]]
    rows = connection.exec_driver_sql(
        "SELECT id, role, team_id, zones FROM auth.user_directory "
        "WHERE lower(username) = ANY(%(names)s) AND is_active",
        {"names": names},
    ).all()
    internal = event.data["visibility"] == Visibility.INTERNAL
    actors = (
        Actor(
            row.id,
            Role(row.role),
            team_id=row.team_id,
            zones=None if row.zones is None else tuple(row.zones),
        )
        for row in rows
    )
    told = [a.user_id for a in actors if may_read(a, ticket, internal=internal)]
    tell_users(connection, ticket, event, told)


def may_read(actor: Actor, ticket: TicketState, *, internal: bool) -> bool:
    seen = may_see_ticket(
        actor, team_id=ticket.team_id, zone=ticket.zone, created_by=ticket.created_by
    )
    return seen and (not internal or sees_internal_comments(actor))


def tell_users(
    connection: Connection, ticket: TicketState, event: Event, ids: Iterable[int]
) -> None:
    others = [user_id for user_id in ids if user_id != event.actor_id]
    if others:
        tell(connection, ticket, event, "u.id = ANY(%(ids)s)", {"ids": others})


def tell(
    connection: Connection,
    ticket: TicketState,
    event: Event,
    where: str,
    values: dict[str, Any],
) -> None:
    given = {
        "kind": "mention" if event.kind == "comment.added" else event.kind,
        "ticket_id": ticket.id,
        "data": to_json(dict(event.data)).decode(),
        "now": event.recorded_at,
    }
    connection.exec_driver_sql(INSERT + where, given | values)
