"""How the desk did over a period: overall, by group, and against the period before.

The groups of an answer add up to its overall figures, because these are their sum.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from analytics_service.asking import Asked
from analytics_service.directory import (
    Technician,
    WorkingDays,
    technicians,
    zone_calendars,
)
from analytics_service.figures import Answer, figures_of, group_filters, links_for
from analytics_service.metrics import Totals
from analytics_service.periods import Period
from analytics_service.queries import Key
from analytics_service.selection import url_filters
from analytics_service.totals import group_shift, group_totals, team_shifts, together
from db.vocabulary import Category, Priority

People = Mapping[int, Technician]


def performance(
    connection: Connection, asked: Asked, by: str | None, *, compared: bool
) -> Answer:
    """Return the answer of GET /api/analytics/performance."""
    known = Known.read(connection, by)
    answer = {
        **asked.frame(),
        "by": by,
        **period_figures(connection, asked, asked.period, by, known),
        "previous": None,
    }
    if compared:
        before = asked.period.previous()
        answer["previous"] = {
            **asked.frame(before),
            **period_figures(connection, asked, before, by, known),
        }
    return answer


@dataclass(frozen=True, slots=True)
class Known:
    """What does not change from one period to the other."""

    people: People
    calendars: Mapping[str, WorkingDays]

    @classmethod
    def read(cls, connection: Connection, by: str | None) -> "Known":
        people = technicians(connection) if by == "technician" else {}
        return cls(people, zone_calendars(connection))


def period_figures(
    connection: Connection,
    asked: Asked,
    period: Period,
    by: str | None,
    known: Known | None = None,
) -> Answer:
    """Return the overall figures of a period and those of its groups."""
    known = known or Known.read(connection, by)
    people = known.people
    found = group_totals(connection, asked, period, by, len(people))
    shifts = team_shifts(known.calendars, asked, period)
    links = links_for(period, asked.today, asked.actor)
    everyone = replace(together(found.values()), shift_s=sum(shifts.values()))

    def group(key: Key) -> Answer:
        team_key = people[int(key)].team_id if by == "technician" and key else key
        base = "team" if by == "technician" else by
        shift_s = group_shift(asked, shifts, base, team_key)
        totals = replace(found.get(key, Totals()), shift_s=shift_s)
        filters = group_filters(asked.wanted, by, key)
        named = {"key": key or None, "name": name_of(asked, by, key, people)}
        return {**named, **figures_of(totals, links, filters)}

    return {
        "overall": figures_of(everyone, links, url_filters(asked.wanted)),
        "groups": [group(key) for key in keys_of(asked, by, found, people)]
        if by
        else [],
    }


def keys_of(
    asked: Asked, by: str | None, found: Mapping[Key, Totals], people: People
) -> list[Key]:
    """Return the groups to show, in order: those with rows, and those that could.

    Tickets without a technician are in the overall figures only.
    """
    chosen = asked.selection
    match by:
        case "category":
            return list(chosen.categories or (str(c) for c in Category))
        case "priority":
            return list(chosen.priorities or (str(p) for p in Priority))
        case "zone":
            expected = {z.name for z in asked.directory.zones.values() if z.is_active}
            if chosen.zones is not None:
                expected = set(chosen.zones)
            return sorted(expected | with_rows(found), key=str)
        case "team":
            teams: set[Key] = {team.id for team in asked.teams()}
            return by_name(asked, by, teams | with_rows(found), people)
    known = {key for key in with_rows(found) if key in people}
    return by_name(asked, by, known, people)


def with_rows(found: Mapping[Key, Totals]) -> set[Key]:
    return {
        key
        for key, totals in found.items()
        if totals.backlog or any(totals.sums.values())
    }


def by_name(asked: Asked, by: str | None, keys: set[Key], people: People) -> list[Key]:
    return sorted(keys, key=lambda key: (key == 0, name_of(asked, by, key, people)))


def name_of(asked: Asked, by: str | None, key: Key, people: People) -> str:
    """Return what a person calls the group."""
    if by == "team":
        team = asked.directory.teams.get(int(key or 0))
        return team.name if team else "No team" if key == 0 else f"Team {key}"
    if by == "technician":
        return people[int(key or 0)].name
    return str(key)
