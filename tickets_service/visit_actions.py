"""Everything that changes a visit: offers, answers, the way and the work."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from db.skills import missing_skills, required_skills
from db.vocabulary import VisitStatus
from service_kit.errors import Invalid, NotFound, Stale
from tickets_service.commands import Command, MoveVisit, OfferVisit
from tickets_service.directory import Team, check_technician, get_team
from tickets_service.storage import (
    Outcome,
    Request,
    World,
    act,
    act_on,
    check_visible,
    load_ticket,
)
from tickets_service.ticket_state import TicketState

NEXT_ID = "SELECT nextval('tickets.assignments_id_seq')"


def offer_visit(
    connection: Connection,
    ticket_id: int,
    sent: Mapping[str, Any],
    request: Request,
    world: World,
) -> Outcome:
    """Send a team; a visit that is not on site yet is released and kept."""

    def commands(state: TicketState) -> list[Command]:
        return [offer_for(connection, state, sent, request, world)]

    return act(connection, ticket_id, commands, request, world)


def offer_for(
    connection: Connection,
    state: TicketState,
    sent: Mapping[str, Any],
    request: Request,
    world: World,
) -> OfferVisit | MoveVisit:
    """Return the command that gives the ticket to a team, or takes it away (None).

    The reason of an offer is also that of overriding rules, where no other is sent.
    """
    team_id = sent.get("team_id", state.team_id)
    technician_id = sent.get("technician_id")
    expires_at = sent.get("expires_at")
    if team_id is None:
        return release_of(state)
    team = get_team(connection, team_id)
    if technician_id is not None:
        check_technician(connection, technician_id, team_id)
    if expires_at is not None and expires_at <= request.now:
        raise Invalid({"expires_at": "lies in the past"})
    return OfferVisit(
        visit_id=int(connection.exec_driver_sql(NEXT_ID).scalar_one()),
        team_id=team_id,
        technician_id=technician_id,
        reason=sent.get("reason"),
        expires_at=expires_at,
        warnings=tuple(warnings_for(state, team)),
        override_reason=sent.get("override_reason") or sent.get("reason"),
        must_explain=world.must_explain,
    )


def release_of(state: TicketState) -> MoveVisit:
    visit = state.live_visit
    if visit is None:
        raise Invalid({"team_id": "the ticket has no team that could be released"})
    return MoveVisit(visit.id, VisitStatus.RELEASED)


def warnings_for(state: TicketState, team: Team) -> list[str]:
    """Return which rules of zone and skill sending this team overrides.

    Whether that needs a reason is a setting (docs/decisions/0012); the history keeps
    the rules and the reason either way. A team without skills was never asked for them.
    """
    found = []
    if team.zone != state.zone:
        found.append(f"the team's zone is {team.zone}")
    needed = required_skills(state.category, state.cause)
    if team.skills:
        lacking = missing_skills(needed, team.skills)
        found += [f"the team lacks {name} {level}" for name, level in lacking.items()]
    return found


def move_visit(
    connection: Connection,
    move: MoveVisit,
    request: Request,
    world: World,
) -> Outcome:
    """Move a visit. request.version is the visit's, not the ticket's."""
    ticket_id = connection.exec_driver_sql(
        "SELECT ticket_id FROM tickets.assignments WHERE id = %(id)s",
        {"id": move.visit_id},
    ).scalar()
    if ticket_id is None:
        raise NotFound(f"There is no assignment {move.visit_id}.")
    before = load_ticket(connection, ticket_id, lock=True)
    try:
        check_visible(before, request.actor)
    except NotFound as error:
        raise NotFound(f"There is no assignment {move.visit_id}.") from error
    visit = next(v for v in before.visits if v.id == move.visit_id)
    if request.version is not None and request.version != visit.version:
        raise Stale("Someone else changed this assignment since you read it.")
    return act_on(connection, before, [move], request, world)
