"""One change for many tickets, each with its own outcome.

Tickets are locked in the order of their numbers, so two bulk changes cannot wait for
each other. Refuses to commit.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from service_kit.errors import AppError, Conflict, Invalid
from tickets_service import ticket_actions
from tickets_service.commands import MoveTicket
from tickets_service.filters import TicketFilter, conditions, spelled
from tickets_service.storage import Outcome, Request, World

MAX_TICKETS = 1_000
OK, ERROR = "ok", "error"
Sent = Mapping[str, Any]


def chosen_ids(
    connection: Connection, wanted: TicketFilter, request: Request
) -> list[int]:
    """Return the ids that a filter selects; raises Invalid if they are too many."""
    wanted = spelled(connection, wanted, request.actor)
    where, values = conditions(wanted, request.actor, request.now)
    rows = connection.exec_driver_sql(
        f"SELECT t.id FROM tickets.tickets t WHERE {where} "  # noqa: S608
        f"ORDER BY t.id LIMIT {MAX_TICKETS + 1}",
        values,
    ).all()
    if len(rows) > MAX_TICKETS:
        raise Invalid({"filter": f"selects more than {MAX_TICKETS} tickets"})
    return [int(row[0]) for row in rows]


def change_many(
    connection: Connection,
    ids: Sequence[int],
    sent: Sent,
    request: Request,
    world: World,
) -> list[dict[str, Any]]:
    """Change each ticket on its own; a refused one leaves the others changed."""
    items = {n: one(connection, n, sent, request, world) for n in sorted(set(ids))}
    return [items[n] for n in dict.fromkeys(ids)]


def change_all(
    connection: Connection,
    ids: Sequence[int],
    sent: Sent,
    request: Request,
    world: World,
) -> list[dict[str, Any]]:
    """Change all tickets, or none: raises Conflict with every outcome."""
    items = change_many(connection, ids, sent, request, world)
    refused = sum(item["status"] == ERROR for item in items)
    if refused:
        raise Conflict(
            f"{refused} of {len(items)} were refused, so nothing was changed.",
            code="bulk_refused",
            items=[taken_back(item) for item in items],
        )
    return items


def taken_back(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the outcome of a ticket that would have been changed, but for others."""
    if item["status"] == ERROR:
        return item
    names = {"id": item["id"], "number": item["number"]}
    text = "Not changed, because others were refused."
    return names | {"status": ERROR, "code": "not_applied", "detail": text}


def one(
    connection: Connection, ticket_id: int, sent: Sent, request: Request, world: World
) -> dict[str, Any]:
    """Change one ticket under a savepoint of its own; return its outcome."""
    names = {"id": ticket_id, "number": f"CTT_{ticket_id}"}
    try:
        with connection.begin_nested():
            outcome = change(connection, ticket_id, sent, request, world)
    except AppError as error:
        problem = {"code": error.code, "detail": error.detail, **error.extra}
        return names | {"status": ERROR, **problem}
    after = outcome.after
    if after.id != ticket_id:  # a reopening too late opens another ticket
        return names | {"status": OK, "changed": True, "follow_up_id": after.id}
    changed = bool(outcome.events)
    return names | {"status": OK, "changed": changed, "version": after.version}


def change(
    connection: Connection, ticket_id: int, sent: Sent, request: Request, world: World
) -> Outcome:
    if sent.get("action") is not None:
        move = MoveTicket(
            sent["action"],
            sent.get("reason"),
            sent.get("note"),
            evidence=sent.get("evidence") or {},
        )
        return ticket_actions.move_ticket(connection, ticket_id, move, request, world)
    return ticket_actions.change_ticket(
        connection, ticket_id, sent["set"], request, world
    )
