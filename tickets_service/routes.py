"""HTTP face of tickets: open, read, change, move. Parse, one call, answer."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from db.vocabulary import Role
from service_kit.answers import json_bytes, json_response
from service_kit.auth import EVERYONE, STAFF, allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import is_joined, read_only, transaction
from service_kit.errors import Conflict
from service_kit.etags import etag, tagged
from service_kit.paging import PageQuerySchema, page_response
from tickets_service import stats_queries, ticket_actions, ticket_queries
from tickets_service.commands import MoveTicket
from tickets_service.desk import (
    asked,
    book,
    filter_from,
    organisation_zone,
    reader,
    world,
)
from tickets_service.schemas import (
    EventPageSchema,
    MovesSchema,
    NewTicketSchema,
    StatsQuerySchema,
    StatsSchema,
    TicketChangesSchema,
    TicketPageSchema,
    TicketQuerySchema,
    TicketSchema,
    TransitionSchema,
    ZonePageSchema,
)
from tickets_service.statements import OUTDATED
from tickets_service.stats_question import Question
from tickets_service.storage import Outcome, Request, World
from tickets_service.ticket_queries import Paging, Reader, ticket_id_of
from tickets_service.ticket_text import TicketText

OPENERS = (*STAFF, Role.REQUESTER)

blueprint = Blueprint(
    "tickets", __name__, url_prefix="/api/tickets", description="Tickets"
)
zones_blueprint = Blueprint(
    "zones", __name__, url_prefix="/api/zones", description="Zones"
)


def ticket_response(found: TicketText, status: int = 200) -> Response:
    """Return the ticket with its tag; the SLA state is part of the tag."""
    headers = {"Location": f"/api/tickets/{found.id}"} if status == 201 else {}
    response = json_bytes(found.text.encode(), status, headers)
    return tagged(response, etag(found.version, ".".join(found.states)))


def outcome_response(
    connection: Connection, outcome: Outcome, request: Request, world: World
) -> Response:
    """Return the ticket after a move; 201 when the move opened a new one.

    From what was just written; it is read again only when nothing was.
    """
    asker = Reader(request.actor, request.now, world.book)
    status = 201 if outcome.before is None else 200
    if outcome.columns is None:
        found = ticket_queries.get_ticket(connection, outcome.after.id, asker)
    else:
        found = ticket_queries.written_ticket(outcome.columns, asker)
    return ticket_response(found, status)


@zones_blueprint.get("")
@allow(*EVERYONE)
@zones_blueprint.response(200, ZonePageSchema)
def list_zones() -> Response:
    """List the zones of the network."""
    with read_only() as connection:
        items = ticket_queries.list_zones(connection)
    return page_response(items, limit=len(items), next_cursor=None)


@blueprint.get("")
@allow(*EVERYONE)
@blueprint.arguments(TicketQuerySchema, location="query")
@blueprint.response(200, TicketPageSchema)
def list_tickets(query: dict[str, Any]) -> Response:
    """List the tickets that the caller may see."""
    with read_only() as connection:
        wanted = filter_from(connection, query, organisation_zone())
        paging = Paging(query["sort"], query["limit"], query["cursor"])
        asker = reader(connection)
        page = ticket_queries.page_of_tickets(connection, wanted, asker, paging)
        total = None
        if query["total"]:
            question = Question(wanted, asker.actor, asker.now, organisation_zone())
            total = stats_queries.total(connection, question)
    items = f"[{','.join(page.items)}]".encode()
    return page_response(
        items, limit=query["limit"], next_cursor=page.next_cursor, total=total
    )


@blueprint.post("")
@allow(*OPENERS)
@blueprint.arguments(NewTicketSchema)
@blueprint.response(201, TicketSchema)
def open_ticket(sent: dict[str, Any]) -> Response:
    """Open a ticket and start its clocks."""
    try:
        return opened(sent)
    except Conflict as error:
        if error.code != OUTDATED or is_joined():
            raise
    return opened(sent)


def opened(sent: dict[str, Any]) -> Response:
    with transaction() as connection:
        asks, holds = asked(), world(connection)
        outcome = ticket_actions.open_ticket(connection, sent, asks, holds)
        return outcome_response(connection, outcome, asks, holds)


@blueprint.get("/stats/summary")
@allow(*EVERYONE)
@blueprint.arguments(StatsQuerySchema, location="query")
@blueprint.response(200, StatsSchema)
def summarise_tickets(query: dict[str, Any]) -> Response:
    """Count the tickets that the caller may see."""
    zone = organisation_zone()
    with read_only() as connection:
        wanted = filter_from(connection, query, zone)
        question = Question(wanted, current_actor(), utc_now(), zone)
        found = stats_queries.summary(connection, question, query.get("group_by"))
    return json_response(found)


@blueprint.get("/<ref>")
@allow(*EVERYONE)
@blueprint.response(200, TicketSchema)
def get_ticket(ref: str) -> Response:
    """Answer one ticket, by its id or its number."""
    with read_only() as connection:
        found = ticket_queries.get_ticket(
            connection, ticket_id_of(ref), reader(connection)
        )
    return ticket_response(found)


@blueprint.route("/<ref>", methods=["PUT", "PATCH"])
@allow(*STAFF)
@blueprint.arguments(TicketChangesSchema)
@blueprint.response(200, TicketSchema)
def change_ticket(sent: dict[str, Any], ref: str) -> Response:
    """Change the fields that are sent; a status goes through its transition."""
    with transaction() as connection:
        asks, holds = asked(), world(connection)
        outcome = ticket_actions.change_ticket(
            connection, ticket_id_of(ref), sent, asks, holds
        )
        return outcome_response(connection, outcome, asks, holds)


@blueprint.delete("/<ref>")
@allow(*OPENERS)
@blueprint.response(204)
def delete_ticket(ref: str) -> Response:
    """Delete a ticket on which nothing has happened."""
    with transaction() as connection:
        ticket_actions.delete_ticket(
            connection, ticket_id_of(ref), asked(), world(connection)
        )
    return Response(status=204)


@blueprint.get("/<ref>/transitions")
@allow(*EVERYONE)
@blueprint.response(200, MovesSchema)
def list_transitions(ref: str) -> Response:
    """Say which moves are open to the caller now."""
    with read_only() as connection:
        found = ticket_queries.moves_open(
            connection, ticket_id_of(ref), current_actor(), utc_now(), book(connection)
        )
    return json_response(found)


@blueprint.post("/<ref>/transitions")
@allow(*OPENERS)
@blueprint.arguments(TransitionSchema)
@blueprint.response(200, TicketSchema)
def move_ticket(sent: dict[str, Any], ref: str) -> Response:
    """Move a ticket: start, hold, resume, complete, close, reopen or cancel."""
    with transaction() as connection:
        asks, holds = asked(), world(connection)
        outcome = ticket_actions.move_ticket(
            connection, ticket_id_of(ref), MoveTicket(**sent), asks, holds
        )
        return outcome_response(connection, outcome, asks, holds)


@blueprint.get("/<ref>/history")
@allow(*EVERYONE)
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, EventPageSchema)
def list_history(query: dict[str, Any], ref: str) -> Response:
    """List everything that happened to a ticket, the first event first."""
    actor = current_actor()
    with read_only() as connection:
        ticket_id = ticket_queries.check_seen(connection, ref, actor, utc_now())
        page = ticket_queries.page_of_history(
            connection, ticket_id, actor, limit=query["limit"], cursor=query["cursor"]
        )
    return page_response(page.items, limit=query["limit"], next_cursor=page.next_cursor)
