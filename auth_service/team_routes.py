"""HTTP face of teams."""

from typing import Any

from flask import Response, current_app
from flask_smorest import Blueprint
from sqlalchemy import Connection

from auth_service import queries, team_actions, team_queries
from auth_service.door import caller
from auth_service.team_schemas import (
    MemberPageSchema,
    NewTeamSchema,
    TeamChangesSchema,
    TeamPageSchema,
    TeamQuerySchema,
    TeamSchema,
)
from db.vocabulary import Role
from service_kit.answers import json_response
from service_kit.auth import EVERYONE, allow, current_actor
from service_kit.clock import utc_now
from service_kit.database import read_only, transaction
from service_kit.etags import etag, tagged
from service_kit.paging import PageQuerySchema, page_response
from service_kit.settings import Settings

WRITERS = (Role.ADMIN, Role.MANAGER)

blueprint = Blueprint(
    "teams", __name__, url_prefix="/api/auth/teams", description="Field teams"
)


def team_response(connection: Connection, team: queries.Row) -> Response:
    version = team_queries.team_version(connection, team["id"])
    # The members and the open work change without the team's own version.
    suffix = f"{team['members_count']}.{team['open_tickets']}"
    return tagged(json_response(team), etag(version, suffix))


@blueprint.get("")
@allow(*EVERYONE)
@blueprint.arguments(TeamQuerySchema, location="query")
@blueprint.response(200, TeamPageSchema)
def list_teams(wanted: dict[str, Any]) -> Response:
    """List the teams one may see: staff those of their zones, requesters none."""
    settings: Settings = current_app.config["SETTINGS"]
    with read_only() as connection:
        page = team_queries.page_of_teams(
            connection,
            wanted,
            actor=current_actor(),
            now=utc_now(),
            organisation_zone=settings.organisation_zone,
        )
    return page_response(
        page.items,
        limit=wanted["limit"],
        next_cursor=page.next_cursor,
        total=page.total,
    )


@blueprint.post("")
@allow(*WRITERS)
@blueprint.arguments(NewTeamSchema)
@blueprint.response(201, TeamSchema)
def add_team(new: dict[str, Any]) -> Response:
    """Add a team."""
    with transaction() as connection:
        team = team_actions.add_team(
            connection, new, by=current_actor(), caller=caller()
        )
    return json_response(team, 201, {"Location": f"/api/auth/teams/{team['id']}"})


@blueprint.get("/<int:team_id>")
@allow(*EVERYONE)
@blueprint.response(200, TeamSchema)
def get_team(team_id: int) -> Response:
    """Answer one team with its open work."""
    with read_only() as connection:
        team = team_queries.get_team(connection, team_id, actor=current_actor())
        return team_response(connection, team)


@blueprint.patch("/<int:team_id>")
@allow(*WRITERS)
@blueprint.arguments(TeamChangesSchema)
@blueprint.response(200, TeamSchema)
def change_team(changes: dict[str, Any], team_id: int) -> Response:
    """Change a team; only the fields sent."""
    with transaction() as connection:
        team = team_actions.change_team(
            connection, team_id, changes, by=current_actor(), caller=caller()
        )
        return team_response(connection, team)


@blueprint.delete("/<int:team_id>")
@allow(*WRITERS)
@blueprint.response(204)
def deactivate_team(team_id: int) -> Response:
    """Deactivate a team; its history and its members stay."""
    with transaction() as connection:
        team_actions.change_team(
            connection,
            team_id,
            {"is_active": False},
            by=current_actor(),
            caller=caller(),
        )
    return Response(status=204)


@blueprint.get("/<int:team_id>/members")
@allow(*EVERYONE)
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, MemberPageSchema)
def list_members(wanted: dict[str, Any], team_id: int) -> Response:
    """List the active members of a team."""
    with read_only() as connection:
        page = team_queries.page_of_members(
            connection, team_id, wanted, actor=current_actor()
        )
    return page_response(
        page.items,
        limit=wanted["limit"],
        next_cursor=page.next_cursor,
        total=page.total,
    )
