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


class ZoneNames:
    """The zones' names by name, code and alias in lower case; kept until one lacks."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def find(self, connection: Connection, name: str) -> str | None:
        """Return the zone's name; looks again for one that is not known yet."""
        key = name.lower().strip()
        if key not in self.known:
            self.known = load_zones(connection)
        return self.known.get(key)


def load_zones(connection: Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql(
        "SELECT name, lower(name), lower(coalesce(code, '')), aliases "
        "FROM tickets.zones"
    ).all()
    known = {alias.lower(): row[0] for row in rows for alias in row[3]}
    known |= {row[2]: row[0] for row in rows if row[2]}
    return known | {row[1]: row[0] for row in rows}


def zone_named(connection: Connection, names: ZoneNames, name: str) -> str:
    """Return the name of a zone by its name, code or alias, whatever the case."""
    return zones_named(connection, names, [name])[0]


def zones_named(
    connection: Connection, names: ZoneNames, wanted: Sequence[str]
) -> list[str]:
    """Return zones' names; raises Invalid on one that there is none of."""
    found = {name: names.find(connection, name) for name in wanted}
    missing = [name for name, zone in found.items() if zone is None]
    if missing:
        raise Invalid({"zone": f"unknown zone: {', '.join(missing)}"})
    return [zone for zone in found.values() if zone is not None]


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
