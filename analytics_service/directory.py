"""Zones, teams, people and calendars, as the contract views have them.

Small tables, read once a request. Calendar versions never change, so what is
worked out from one is kept in memory.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from analytics_service.schemas import Wanted
from analytics_service.selection import Sizes
from service_kit.errors import Invalid


@dataclass(frozen=True, slots=True)
class Team:
    id: int
    name: str
    zone: str
    shift_minutes: int
    is_active: bool


@dataclass(frozen=True, slots=True)
class Zone:
    name: str
    country: str
    subdivision: str | None
    is_active: bool


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything that has a name."""

    zones: dict[str, Zone]
    teams: dict[int, Team]

    def sizes(self, technicians: int = 0) -> Sizes:
        return Sizes(len(self.zones), len(self.teams), technicians)

    def check(self, wanted: Wanted) -> None:
        """Raise Invalid naming a zone or team that there is not."""
        errors = {}
        zones = [z for z in wanted.zones or () if z not in self.zones]
        teams = [t for t in wanted.team_ids or () if t not in self.teams]
        if zones:
            errors["zone"] = f"There is no zone {', '.join(zones)}."
        if teams:
            errors["team_id"] = f"There is no team {', '.join(map(str, teams))}."
        if errors:
            raise Invalid(errors)


ZONES = text("SELECT name, country, subdivision, is_active FROM tickets.zone_directory")
TEAMS = text(
    "SELECT id, name, zone, is_active, "
    "mod(extract(epoch FROM shift_end - shift_start)::int / 60 + 1440, 1440) "
    "FROM auth.team_directory"
)
TECHNICIANS = text(
    "SELECT id, coalesce(nullif(full_name, ''), username), team_id "
    "FROM auth.user_directory WHERE role = 'technician'"
)


def directory(connection: Connection) -> Directory:
    zones = connection.execute(ZONES).all()
    teams = connection.execute(TEAMS).all()
    return Directory(
        {name: Zone(name, *rest) for name, *rest in zones},
        {
            team_id: Team(team_id, name, zone, minutes, is_active)
            for team_id, name, zone, is_active, minutes in teams
        },
    )


@dataclass(frozen=True, slots=True)
class Technician:
    id: int
    name: str
    team_id: int | None


def technicians(connection: Connection) -> dict[int, Technician]:
    rows = connection.execute(TECHNICIANS).all()
    return {row[0]: Technician(*row) for row in rows}


CALENDARS = text(
    "SELECT DISTINCT ON (z.name) z.name, p.calendar_id FROM tickets.zone_directory z "
    "JOIN tickets.policy_versions p ON p.is_active "
    "AND (p.zones IS NULL OR z.name = ANY (p.zones)) "
    "ORDER BY z.name, p.zones IS NULL, p.priorities IS NOT NULL, p.id DESC"
)
DEFINITION = text("SELECT definition FROM tickets.calendar_versions WHERE id = :id")


def zone_calendars(connection: Connection) -> dict[str, "WorkingDays"]:
    """Return the calendar of each zone: that of its newest policy."""
    return {
        zone: calendar(connection, calendar_id)
        for zone, calendar_id in connection.execute(CALENDARS).all()
    }


@dataclass(frozen=True)
class WorkingDays:
    """On which dates a calendar version opens at all.

    lost, gained: exceptions to the weekdays, ascending.
    """

    weekdays: frozenset[int]
    lost: tuple[date, ...]
    gained: tuple[date, ...]

    def is_open(self, day: date) -> bool:
        if day.weekday() in self.weekdays:
            return day not in self.lost
        return day in self.gained

    def count(self, first: date, last: date) -> int:
        """Return how many of the days from first to last, inclusive, are open."""
        weeks, odd = divmod((last - first).days + 1, 7)
        rest = sum((first.weekday() + n) % 7 in self.weekdays for n in range(odd))
        regular = weeks * len(self.weekdays) + rest
        return (
            regular - within(self.lost, first, last) + within(self.gained, first, last)
        )


def within(days: tuple[date, ...], first: date, last: date) -> int:
    return bisect_right(days, last) - bisect_left(days, first)


KNOWN: dict[int, WorkingDays] = {}


def calendar(connection: Connection, calendar_id: int) -> WorkingDays:
    found = KNOWN.get(calendar_id)
    if found is None:
        definition = connection.scalar(DEFINITION, {"id": calendar_id})
        found = KNOWN[calendar_id] = working_days(definition)
    return found


def working_days(definition: dict[str, Any]) -> WorkingDays:
    """Return the open days of a calendar's definition (docs/sla.md, R1)."""
    overrides = {
        date.fromisoformat(day): intervals
        for day, intervals in (definition.get("overrides") or {}).items()
    }
    holidays = {date.fromisoformat(d) for d in definition.get("holidays") or ()}
    weekdays = frozenset(int(d) for d, hours in definition["weekly"].items() if hours)
    opened = {day for day, hours in overrides.items() if hours}
    closed = (
        holidays | {day for day, hours in overrides.items() if not hours}
    ) - opened
    return WorkingDays(
        weekdays,
        tuple(sorted(day for day in closed if day.weekday() in weekdays)),
        tuple(sorted(day for day in opened if day.weekday() not in weekdays)),
    )
