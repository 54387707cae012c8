"""What tickets of a file need before they come: zones, a promise, teams, an account.

Adds what is missing and changes nothing that is there.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from auth_service.actions import add_users
from auth_service.names import username_key
from auth_service.schemas import NewUser
from auth_service.team_actions import NewTeam, add_teams
from db.auth import Team, User
from db.reference import OPTIONS, TARGETS
from db.scope import Actor
from db.tickets import SlaPolicy, Zone
from db.vocabulary import Role
from scripts.importing.mapping import MappingError, TicketMapping
from scripts.importing.survey import Crew, Middle
from tickets_service import sla_actions
from tickets_service.storage import Request

IMPORTER = "importer"
ALWAYS = {str(day): [["00:00", "24:00"]] for day in range(7)}


def importer(connection: Connection) -> Actor:
    """Return the account that opens imported tickets; nobody can log in as it."""
    key = username_key(IMPORTER)
    found = connection.scalar(select(User.id).where(User.username_key == key))
    if found is None:
        new = NewUser(
            username=IMPORTER,
            email="importer@example.com",
            full_name="Importer",
            role=Role.DISPATCHER,
        )
        (found,) = add_users(connection, [new], password_hash=None)
    return Actor(found, Role.DISPATCHER, IMPORTER)


def add_zones(
    connection: Connection, mapping: TicketMapping, zones: Mapping[str, Middle]
) -> int:
    """Add the zones that are not there; return how many."""
    there = connection.execute(select(Zone.name, Zone.country)).all()
    known = {name.lower(): country for name, country in there}
    for name in zones:
        country = known.get(name.lower(), mapping.zones.country)
        if country != mapping.zones.country:
            raise MappingError(f"zone {name!r} is there already, in {country}")
    missing = [name for name in zones if name.lower() not in known]
    if missing:
        rows = [zone_row(mapping, name, zones[name]) for name in sorted(missing)]
        connection.execute(upsert(Zone).values(rows).on_conflict_do_nothing())
    return len(missing)


def zone_row(mapping: TicketMapping, name: str, middle: Middle) -> dict[str, Any]:
    lat, lon = middle.point or (None, None)
    kind = mapping.zones
    return {
        "name": name,
        "country": kind.country,
        "subdivision": kind.subdivision,
        "region": kind.region,
        "tz": mapping.time_zone.key,
        "lat": lat,
        "lon": lon,
    }


def add_promise(
    connection: Connection,
    mapping: TicketMapping,
    zones: Iterable[str],
    by: Actor,
    now: datetime,
) -> None:
    """Let a policy of the mapping's hours hold in these zones (docs/importing.md)."""
    name = f"Import {mapping.name}"
    held = connection.execute(
        select(SlaPolicy.zones, SlaPolicy.calendar_id)
        .where(SlaPolicy.name == name, SlaPolicy.is_active)
        .order_by(SlaPolicy.version.desc())
    ).first()
    wanted = set(zones)
    if held and wanted <= set(held.zones or ()):
        return
    request = Request(by, now)
    calendar_id = held.calendar_id if held else add_hours(connection, mapping, request)
    policy = {
        "name": name,
        "calendar_id": calendar_id,
        "zones": sorted(wanted | set(held.zones or () if held else ())),
        "priorities": None,
        "targets": TARGETS,
        "options": OPTIONS,
        "is_active": True,
    }
    sla_actions.add_policy(connection, policy, request)


def add_hours(connection: Connection, mapping: TicketMapping, request: Request) -> int:
    weekly = (mapping.calendar or {}).get("weekly", ALWAYS)
    definition = {"holidays": [], **(mapping.calendar or {}), "weekly": weekly}
    definition["tz"] = mapping.time_zone.key
    sent = {"name": f"Import {mapping.name}", "definition": definition}
    return int(sla_actions.add_calendar(connection, sent, request)["id"])


def team_ids(connection: Connection, crews: Mapping[str, Crew]) -> dict[str, int]:
    """Return the team of each crew, made if need be; `external_ref` is its name."""
    there = connection.execute(select(Team.external_ref, Team.name, Team.id)).all()
    known = {row.external_ref: row.id for row in there if row.external_ref}
    taken = {row.name for row in there}
    missing = sorted(crew for crew in crews if crew not in known)
    new = [new_team(name, crews[name], taken) for name in missing]
    added = add_teams(connection, new)
    return known | dict(zip(missing, added, strict=True))


def new_team(name: str, crew: Crew, taken: set[str]) -> NewTeam:
    own = name if name not in taken else f"{name} (imported)"
    zone = crew.zones.most_common(1)[0][0]
    return NewTeam(own, zone, base=crew.middle.point, external_ref=name)
