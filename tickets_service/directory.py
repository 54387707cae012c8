"""What the tickets service needs to know of zones, teams and people.

Zones are ours; teams and users are read through the contract views of auth.
Refuses to write.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from service_kit.errors import Invalid


@dataclass(frozen=True, slots=True)
class Team:
    id: int
    name: str
    zone: str
    skills: dict[str, int]
    is_active: bool


def zone_named(connection: Connection, name: str, field: str = "zone") -> str:
    """Return the name of a zone by its name, code or alias, whatever the case."""
    return zones_named(connection, [name], field)[0]


def zones_named(
    connection: Connection, names: Sequence[str], field: str = "zone"
) -> list[str]:
    """Return zones' names; raises Invalid on one that there is none of."""
    rows = connection.exec_driver_sql(
        "SELECT name, lower(name), lower(coalesce(code, '')), aliases "
        "FROM tickets.zones"
    ).all()
    known = {alias.lower(): row[0] for row in rows for alias in row[3]}
    known |= {row[2]: row[0] for row in rows if row[2]}
    known |= {row[1]: row[0] for row in rows}
    missing = [name for name in names if name.lower().strip() not in known]
    if missing:
        raise Invalid({field: f"unknown zone: {', '.join(missing)}"})
    return [known[name.lower().strip()] for name in names]


def get_team(connection: Connection, team_id: int) -> Team:
    """Return an active team; raises Invalid if there is none with this id."""
    row = connection.exec_driver_sql(
        "SELECT id, name, zone, skills, is_active FROM auth.team_directory "
        "WHERE id = %(id)s",
        {"id": team_id},
    ).first()
    if row is None or not row.is_active:
        raise Invalid({"team_id": "there is no active team with this id"})
    return Team(*row)


def check_technician(connection: Connection, technician_id: int, team_id: int) -> None:
    """Raise Invalid unless the user is an active member of the team."""
    found = connection.exec_driver_sql(
        "SELECT 1 FROM auth.user_directory WHERE id = %(id)s AND is_active "
        "AND team_id = %(team_id)s",
        {"id": technician_id, "team_id": team_id},
    ).first()
    if found is None:
        raise Invalid({"technician_id": "is not an active member of this team"})
