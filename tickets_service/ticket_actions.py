"""Everything that changes a ticket itself. One function is one use case.

Each takes an open transaction and leaves the commit to its caller.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from db.engine import is_fresh
from db.vocabulary import Status
from service_kit.errors import Conflict, IllegalTransition
from tickets_service import lifecycle
from tickets_service.commands import (
    Command,
    DeleteTicket,
    EditTicket,
    MoveTicket,
    OpenTicket,
)
from tickets_service.decisions import decide
from tickets_service.directory import zone_named
from tickets_service.lifecycle import Action
from tickets_service.notices import notify
from tickets_service.storage import (
    Outcome,
    Request,
    World,
    act,
    load_ticket,
    save_new,
)
from tickets_service.ticket_links import check_links
from tickets_service.ticket_state import UNNUMBERED, TicketState
from tickets_service.visit_actions import offer_for

Fields = Mapping[str, Any]


def columns_from(sent: Fields) -> dict[str, Any]:
    """Return the columns of what was sent: places and customers laid flat."""
    flat = dict(sent)
    if "coordinates" in flat:
        place = flat.pop("coordinates") or {"lat": None, "lon": None}
        flat |= {"lat": place["lat"], "lon": place["lon"]}
    if "customer" in flat:
        customer = flat.pop("customer")
        if customer is None:
            customer = {"name": None, "phone": None, "email": None}
        flat |= {f"customer_{name}": value for name, value in customer.items()}
    if "tags" in flat:
        flat["tags"] = tuple(dict.fromkeys(flat["tags"]))
    return flat


def open_ticket(
    connection: Connection, sent: Fields, request: Request, world: World
) -> Outcome:
    """Open a ticket, number it without a gap, and start its clocks."""
    values = columns_from(sent)
    opened_at = values.pop("opened_at", None)
    reason = values.pop("opened_reason", None)
    team_id = values.pop("team_id", None)
    override_reason = values.pop("override_reason", None)
    values["zone"] = zone_named(connection, world.book.shelf.zones, values["zone"])
    check_links(connection, values, request, own_id=None)
    world.book.state = None
    if is_fresh(connection):
        world.book.believe()
    command = OpenTicket(UNNUMBERED, values, opened_at, reason)
    after, events = decide(
        None, command, request.actor, request.now, world.book, world.via
    )
    if team_id is not None:
        team = {"team_id": team_id, "override_reason": override_reason}
        offer = offer_for(connection, after, team, request, world)
        after, more = decide(
            after, offer, request.actor, request.now, world.book, world.via
        )
        events += more
    after, columns = save_new(connection, after, events, world)
    notify(connection, after, events)
    return Outcome(None, after, events, columns)


def change_ticket(
    connection: Connection,
    ticket_id: int,
    sent: Fields,
    request: Request,
    world: World,
) -> Outcome:
    """Change the fields that were sent; a status goes through its transition."""
    values = columns_from(sent)
    reason, note = values.pop("reason", None), values.pop("note", None)
    wanted = values.pop("status", None)
    # With a status, the reason is that of its move.
    why = note if wanted is not None else reason or note
    override_reason = values.pop("override_reason", None) or why
    if "zone" in values:
        values["zone"] = zone_named(connection, world.book.shelf.zones, values["zone"])
    check_links(connection, values, request, own_id=ticket_id)

    def commands(state: TicketState) -> Sequence[Command]:
        found: list[Command] = []
        edits = {k: v for k, v in values.items() if k not in VISIT_FIELDS}
        if edits:
            found.append(EditTicket(edits, reason))
        if values.keys() & VISIT_FIELDS and differs(values, state):
            team = values | {"override_reason": override_reason}
            found.append(offer_for(connection, state, team, request, world))
        if wanted is not None and wanted is not state.status:
            action = action_towards(state, wanted, request)
            found.append(MoveTicket(action, reason, note))
        return found

    return act(connection, ticket_id, commands, request, world)


VISIT_FIELDS = frozenset({"team_id", "technician_id"})


def differs(values: Fields, state: TicketState) -> bool:
    return any(
        values[name] != getattr(state, name) for name in VISIT_FIELDS if name in values
    )


def action_towards(state: TicketState, wanted: Status, request: Request) -> Action:
    action = lifecycle.action_towards(state.status, wanted)
    if action is None:
        raise IllegalTransition(
            f"A ticket that is {state.status} cannot become {wanted}.",
            allowed=lifecycle.actions_for(state.status, request.actor.role),
        )
    return action


def move_ticket(
    connection: Connection,
    ticket_id: int,
    move: MoveTicket,
    request: Request,
    world: World,
) -> Outcome:
    """Make a move. A reopening after its window opens a linked ticket instead."""
    try:
        return act(connection, ticket_id, move, request, world)
    except Conflict as error:
        if error.code != "reopen_window_over":
            raise
    return follow_up(connection, ticket_id, request, world)


FOLLOWED = (
    *("title", "description", "priority", "category", "cause", "zone", "location"),
    *("lat", "lon", "customer_name", "customer_phone", "customer_email", "tags"),
    "estimated_minutes",
)


def follow_up(
    connection: Connection, ticket_id: int, request: Request, world: World
) -> Outcome:
    """Open a new ticket that follows one whose time to reopen is over (R12)."""
    old = load_ticket(connection, ticket_id, lock=False)
    fields = {name: getattr(old, name) for name in FOLLOWED} | {"follows_id": old.id}
    after, events = decide(
        None,
        OpenTicket(UNNUMBERED, fields),
        request.actor,
        request.now,
        world.book,
        world.via,
    )
    after, columns = save_new(connection, after, events, world)
    return Outcome(None, after, events, columns)


def delete_ticket(
    connection: Connection, ticket_id: int, request: Request, world: World
) -> Outcome:
    """Delete a ticket on which nothing has happened yet."""
    return act(connection, ticket_id, DeleteTicket(), request, world)
