"""Everything that changes teams. Teams are deactivated, never deleted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from auth_service import queries, team_queries
from auth_service.audit import Caller, Kind, note
from db.auth import Team
from db.scope import Actor
from db.vocabulary import Role
from service_kit.errors import Conflict, Forbidden, Invalid, NotFound
from service_kit.etags import check_if_match

NOBODY = Caller()
FIRST_LEVEL = 1
PLAIN = ("name", "zone", "daily_capacity_minutes", "is_active")


@dataclass(frozen=True, slots=True)
class NewTeam:
    """A team to be made. skills: {name: level 1-3}; shift in its zone's time."""

    name: str
    zone: str
    skills: Mapping[str, int] = field(default_factory=dict)
    base: tuple[float, float] | None = None
    shift: tuple[time, time] = (time(8), time(17))
    daily_capacity_minutes: int = 480
    external_ref: str | None = None


def add_teams(connection: Connection, teams: Iterable[NewTeam]) -> list[int]:
    """Add many teams; return their ids in order. For seeding: names must be free."""
    rows = [
        {
            "name": team.name,
            "zone": team.zone,
            "skills": dict(team.skills),
            "base_lat": team.base[0] if team.base else None,
            "base_lon": team.base[1] if team.base else None,
            "shift_start": team.shift[0],
            "shift_end": team.shift[1],
            "daily_capacity_minutes": team.daily_capacity_minutes,
            "external_ref": team.external_ref,
        }
        for team in teams
    ]
    if not rows:
        return []
    made = insert(Team).returning(Team.id, sort_by_parameter_order=True)
    return list(connection.scalars(made, rows))


def add_team(
    connection: Connection,
    new: Mapping[str, Any],
    *,
    by: Actor,
    caller: Caller = NOBODY,
) -> queries.Row:
    """Add a team; return it. new: fields of NewTeamSchema.

    Raises Conflict (team_name_taken), Invalid (zone, shift) or Forbidden (a
    manager of other zones).
    """
    check_zone(connection, new["zone"], by)
    made = connection.execute(
        upsert(Team)
        .values(column_values(new, {}))
        .on_conflict_do_nothing()
        .returning(Team.id)
    ).scalar()
    if made is None:
        raise Conflict("A team of this name exists.", code="team_name_taken")
    note(connection, Kind.TEAM_ADDED, caller, actor_id=by.user_id, team_id=made)
    return team_queries.get_team(connection, made, actor=by)


def change_team(
    connection: Connection,
    team_id: int,
    changes: Mapping[str, Any],
    *,
    by: Actor,
    caller: Caller = NOBODY,
) -> queries.Row:
    """Change the fields sent; return the team. Raises as `add_team`, or NotFound."""
    team_queries.get_team(connection, team_id, actor=by)  # visible to the caller
    before = locked_team(connection, team_id)
    check_if_match(before["version"])
    if "zone" in changes:
        check_zone(connection, changes["zone"], by)
    check_name(connection, changes.get("name"), team_id)
    values = column_values(changes, before["skills"])
    connection.execute(
        update(Team)
        .where(Team.id == team_id)
        .values(**values, version=Team.version + 1)
    )
    ended = before["is_active"] and changes.get("is_active") is False
    note(
        connection,
        Kind.TEAM_DEACTIVATED if ended else Kind.TEAM_CHANGED,
        caller,
        actor_id=by.user_id,
        team_id=team_id,
        fields=sorted(changes),
    )
    return team_queries.get_team(connection, team_id, actor=by)


def locked_team(connection: Connection, team_id: int) -> queries.Row:
    row = connection.execute(
        select(Team.version, Team.skills, Team.is_active)
        .where(Team.id == team_id)
        .with_for_update()
    ).first()
    if row is None:
        raise NotFound(f"There is no team {team_id}.")
    return dict(row._mapping)


def check_zone(connection: Connection, zone: str, by: Actor) -> None:
    if queries.unknown_zones(connection, [zone]):
        raise Invalid({"zone": f"Not a zone: {zone}."})
    if by.role is not Role.ADMIN and by.zones is not None and zone not in by.zones:
        raise Forbidden("This zone is not one of yours.")


def check_name(connection: Connection, name: str | None, but_id: int) -> None:
    others = select(Team.id).where(Team.name == name, Team.id != but_id)
    if name is not None and connection.scalar(others):
        raise Conflict("A team of this name exists.", code="team_name_taken")


def column_values(
    sent: Mapping[str, Any], skills_before: Mapping[str, int]
) -> dict[str, Any]:
    """Return the columns for the fields sent.

    A skill without a level keeps the one it had, a new one begins at the first.
    """
    values: dict[str, Any] = {name: sent[name] for name in PLAIN if name in sent}
    if "skills" in sent:
        values["skills"] = {
            name: level or skills_before.get(name, FIRST_LEVEL)
            for name, level in sent["skills"].items()
        }
    if "base" in sent:
        base = sent["base"] or {"lat": None, "lon": None}
        values |= {"base_lat": base["lat"], "base_lon": base["lon"]}
    if "shift" in sent:
        start, end = sent["shift"]["start"], sent["shift"]["end"]
        if start == end:
            raise Invalid({"shift": "Must not begin and end at the same time."})
        values |= {"shift_start": start, "shift_end": end}
    return values
