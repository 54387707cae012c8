"""Put the planned teams and people into the database, through the auth service.

What is there already under the same name (`--append`) is taken as it is. Refuses to
know anything of tickets.
"""

from collections.abc import Iterable
from datetime import time

from sqlalchemy import Connection, select

from auth_service.actions import add_users
from auth_service.names import username_key
from auth_service.schemas import NewUser
from auth_service.team_actions import NewTeam, add_teams
from db.auth import Team as TeamRow
from db.auth import User
from db.vocabulary import Locale
from scripts.seeding.replay import Cast
from scripts.seeding.staff import DAILY_CAPACITY_MINUTES, Account, Staff, Team


def add_staff(connection: Connection, staff: Staff, password_hash: str) -> Cast:
    """Add who and what is missing; return who the positions of the plan became."""
    teams = team_ids(connection, staff.teams)
    people = user_ids(connection, staff.people, teams, password_hash)
    return Cast.of(staff, people, teams)


def team_ids(connection: Connection, teams: Iterable[Team]) -> list[int]:
    planned = list(teams)
    names = [team.name for team in planned]
    there = select(TeamRow.name, TeamRow.id).where(TeamRow.name.in_(names))
    known = {row.name: row.id for row in connection.execute(there)}
    missing = [team for team in planned if team.name not in known]
    added = add_teams(connection, map(new_team, missing))
    known |= {t.name: made for t, made in zip(missing, added, strict=True)}
    return [known[name] for name in names]


def new_team(team: Team) -> NewTeam:
    start, end = team.shift
    return NewTeam(
        team.name,
        team.zone,
        team.skills,
        (team.lat, team.lon),
        (time(start), time(end)),
        DAILY_CAPACITY_MINUTES,
    )


def user_ids(
    connection: Connection,
    people: Iterable[Account],
    teams: list[int],
    password_hash: str,
) -> list[int]:
    planned = list(people)
    keys = [username_key(person.username) for person in planned]
    there = select(User.username_key, User.id).where(User.username_key.in_(keys))
    known = {row.username_key: row.id for row in connection.execute(there)}
    missing = [n for n, key in enumerate(keys) if key not in known]
    new = [new_user(planned[n], teams) for n in missing]
    added = add_users(connection, new, password_hash=password_hash)
    known |= {keys[n]: made for n, made in zip(missing, added, strict=True)}
    return [known[key] for key in keys]


def new_user(person: Account, teams: list[int]) -> NewUser:
    return NewUser(
        username=person.username,
        email=person.email,
        full_name=person.full_name,
        role=person.role,
        team_id=None if person.team is None else teams[person.team],
        zones=None if person.zones is None else list(person.zones),
        locale=Locale(person.locale),
    )
