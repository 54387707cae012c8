"""Links between tickets: parent and children (an outage and what it caused), and
duplicates. They never form a circle, and lead only to tickets that the caller sees.

A link moves nothing: closing a parent leaves its children as they are. Those are
`GET /api/tickets?parent_id=<id>`, and `POST /api/tickets/bulk` with the filter
`{"parent_id": <id>}` moves them together.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from service_kit.errors import Invalid, NotFound
from tickets_service.storage import Request, check_visible, load_ticket

LINKS = ("parent_id", "duplicate_of_id")
# Two changes that would close a circle together must see each other.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('tickets.links', 0))"


def check_links(
    connection: Connection,
    values: Mapping[str, Any],
    request: Request,
    own_id: int | None,
) -> None:
    """Raise Invalid for a link to nowhere, to the ticket itself or into a circle.

    own_id: None for a ticket that is about to be opened.
    """
    given = {name: values[name] for name in LINKS if values.get(name) is not None}
    if given and own_id is not None:
        connection.exec_driver_sql(LOCK)
    for name, other_id in given.items():
        if other_id == own_id:
            raise Invalid({name: "is the ticket itself"})
        try:
            other = load_ticket(connection, other_id, lock=False)
            check_visible(other, request.actor)
        except NotFound as error:
            raise Invalid({name: "there is no such ticket"}) from error
        if own_id is not None and leads_to(connection, name, other_id, own_id):
            raise Invalid({name: "would close a circle"})


def leads_to(connection: Connection, name: str, from_id: int, to_id: int) -> bool:
    """Whether following the link `name` from one ticket comes to another."""
    found = connection.exec_driver_sql(
        f"WITH RECURSIVE way AS (SELECT {name} AS id FROM tickets.tickets "  # noqa: S608
        f"WHERE id = %(from_id)s UNION SELECT t.{name} FROM tickets.tickets t "
        "JOIN way ON t.id = way.id) SELECT 1 FROM way WHERE id = %(to_id)s LIMIT 1",
        {"from_id": from_id, "to_id": to_id},
    ).first()
    return found is not None
