"""Reads of teams, with the open work that the tickets service counts for each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    String,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal,
    not_,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import TIME

from auth_service.queries import Page, Row, SortKey, contains, page_of, unknown_zones
from db.auth import Team, User
from db.scope import Actor, visible_teams
from service_kit.errors import Invalid, NotFound

SORTS: dict[str, SortKey] = {"id": (Team.id, int), "name": (Team.name, str)}

open_work = table(
    "open_work", column("team_id"), column("open_tickets"), schema="tickets"
)
zones = table("zone_directory", column("name"), column("tz"), schema="tickets")

members = (
    select(func.count())
    .where(User.team_id == Team.id, User.is_active)
    .correlate(Team)
    .scalar_subquery()
)
open_tickets = (
    select(open_work.c.open_tickets)
    .where(open_work.c.team_id == Team.id)
    .correlate(Team)
    .scalar_subquery()
)
COLUMNS = (
    Team.id,
    Team.name,
    Team.zone,
    Team.skills,
    Team.base_lat,
    Team.base_lon,
    Team.shift_start,
    Team.shift_end,
    Team.daily_capacity_minutes,
    Team.is_active,
    members.label("members_count"),
    func.coalesce(open_tickets, 0).label("open_tickets"),
)
MEMBER_COLUMNS = (
    User.id,
    User.username,
    User.full_name,
    User.role,
    User.team_id,
    User.is_active,
)


def page_of_teams(
    connection: Connection,
    wanted: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
    organisation_zone: str,
) -> Page:
    rows = visible(actor)
    if "zone" in wanted:
        check_zones(connection, wanted["zone"])
        rows = rows.where(Team.zone.in_(wanted["zone"]))
    for skill in wanted.get("skill", ()):
        rows = rows.where(Team.skills.has_key(skill))
    if wanted.get("q"):
        rows = rows.where(Team.name.ilike(contains(wanted["q"])))
    if "is_active" in wanted:
        rows = rows.where(Team.is_active == wanted["is_active"])
    if "available" in wanted:
        is_available = available_at(now, organisation_zone)
        rows = rows.where(is_available if wanted["available"] else not_(is_available))
    page = page_of(connection, rows, wanted, SORTS)
    return Page([team_json(row) for row in page.items], page.next_cursor, page.total)


def check_zones(connection: Connection, wanted: Sequence[str]) -> None:
    unknown = unknown_zones(connection, wanted)
    if unknown:
        raise Invalid({"zone": f"Not a zone: {', '.join(unknown)}."})


def visible(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*COLUMNS).where(visible_teams(actor, zone=Team.zone))


def available_at(now: datetime, organisation_zone: str) -> Any:
    """Return the condition: active, somebody in it, and in its shift at `now`.

    The shift is in the time zone of the team's zone and may pass midnight.
    """
    tz = select(zones.c.tz).where(zones.c.name == Team.zone).scalar_subquery()
    known = func.coalesce(tz, cast(literal(organisation_zone), String))
    clock = cast(func.timezone(known, bindparam("at_now", now)), TIME)
    by_day = and_(clock >= Team.shift_start, clock < Team.shift_end)
    by_night = or_(clock >= Team.shift_start, clock < Team.shift_end)
    on_shift = or_(
        and_(Team.shift_start < Team.shift_end, by_day),
        and_(Team.shift_start > Team.shift_end, by_night),
    )
    return and_(Team.is_active, members > 0, on_shift)


def get_team(connection: Connection, team_id: int, *, actor: Actor) -> Row:
    """Return a team as sent to clients; raises NotFound, also if it is not visible."""
    row = connection.execute(visible(actor).where(Team.id == team_id)).first()
    if row is None:
        raise NotFound(f"There is no team {team_id}.")
    return team_json(dict(row._mapping))


def team_version(connection: Connection, team_id: int) -> int:
    return connection.scalar(select(Team.version).where(Team.id == team_id)) or 0


def team_json(row: Mapping[str, Any]) -> Row:
    """Return the row as the API shows it. skills: names, skill_levels: with level."""
    has_base = row["base_lat"] is not None and row["base_lon"] is not None
    return {
        "id": row["id"],
        "name": row["name"],
        "zone": row["zone"],
        "skills": sorted(row["skills"]),
        "skill_levels": dict(sorted(row["skills"].items())),
        "base": {"lat": row["base_lat"], "lon": row["base_lon"]} if has_base else None,
        "shift": {
            "start": f"{row['shift_start']:%H:%M}",
            "end": f"{row['shift_end']:%H:%M}",
        },
        "daily_capacity_minutes": row["daily_capacity_minutes"],
        "is_active": row["is_active"],
        "members_count": row["members_count"],
        "open_tickets": row["open_tickets"],
    }


def page_of_members(
    connection: Connection, team_id: int, wanted: Mapping[str, Any], *, actor: Actor
) -> Page:
    """Return the active members of a visible team; raises NotFound."""
    get_team(connection, team_id, actor=actor)
    rows = select(*MEMBER_COLUMNS).where(User.team_id == team_id, User.is_active)
    return page_of(connection, rows, {**wanted, "sort": "id"}, {"id": (User.id, int)})
