"""How the desk did over a period: overall, by group, and against the period before.

The groups of an answer add up to its overall figures, because these are their sum.
"""

from collections.abc import Iterable, Mapping
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
from analytics_service.metrics import FIGURES, Figure, Totals
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
    connection: Connection, asked: Asked, period: Period, by: str | None, known: Known
) -> Answer:
    """Return the overall figures of a period and those of its groups."""
    found = group_totals(connection, asked, period, by, len(known.people))
    overall, groups = groups_of(asked, period, by, found, known)
    return {"overall": overall, "groups": groups}


def groups_of(
    asked: Asked,
    period: Period,
    by: str | None,
    found: Mapping[Key, Totals],
    known: Known,
    specs: Iterable[Figure] = FIGURES,
) -> tuple[Answer, list[Answer]]:
    """Return the figures of all groups together and of each of them."""
    specs = tuple(specs)
    shifts = team_shifts(known.calendars, asked, period)
    links = links_for(period, asked.today, asked.actor)
    everyone = replace(together(found.values()), shift_s=sum(shifts.values()))

    def group(key: Key) -> Answer:
        team_key, base = key, by
        if by == "technician":
            team_key, base = known.people[int(key or 0)].team_id, "team"
        shift_s = group_shift(asked, shifts, base, team_key)
        totals = replace(found.get(key, Totals()), shift_s=shift_s)
        filters = group_filters(asked.wanted, by, key)
        named = {"key": key or None, "name": name_of(asked, by, key, known.people)}
        return {**named, **figures_of(totals, links, filters, specs)}

    keys = keys_of(asked, by, found, known.people) if by else []
    overall = figures_of(everyone, links, url_filters(asked.wanted), specs)
    return overall, [group(key) for key in keys]


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
