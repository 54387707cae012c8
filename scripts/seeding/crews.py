"""Diaries of the teams: who can be where, when. No team is at two places at once.

Most days a team builds network and takes no tickets; a roster says when it does.
Urgent work goes to whoever is free, at any hour. Refuses to know why a visit is
wanted or how it ends.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from scripts.seeding import places
from scripts.seeding.demand import DAY_S, HOUR_S, Window, local_day, local_midnight_of
from scripts.seeding.staff import Team

ON_TICKETS_WEEKDAY, ON_TICKETS_WEEKEND = 0.20, 0.10
SMALL_ZONE, SMALL_ZONE_FACTOR = 4, 1.6
OVERTIME_S = HOUR_S
SEARCH_DAYS = 30
ROAD_FACTOR = 1.35  # roads are longer than the line
TOWN_KMH, COUNTRY_KMH, TOWN_KM = 32.0, 70.0, 18.0
PARKING_S = 6 * 60
RUSH_HOUR_S = 0  # an instant at which it is eight in the morning


@dataclass(frozen=True, slots=True)
class Visit:
    """A booked visit; instants in seconds since 1970."""

    team: Team
    technician: int
    departs_at: int
    arrives_at: int
    ends_at: int

    @property
    def level(self) -> int:
        """Return the team's best level, 1-3."""
        return max(self.team.skills.values())


@dataclass(frozen=True, slots=True)
class Job:
    """What a visit must do. not_before: an appointment; avoid: teams that declined."""

    zone: str
    skill: str
    lat: float
    lon: float
    ready_at: int
    seconds: int
    is_urgent: bool = False
    avoid: tuple[int, ...] = ()


@dataclass(slots=True)
class Crews:
    """All teams with their diaries. busy: {team: sorted (start, end)}."""

    teams: Sequence[Team]
    first_day: int
    on_tickets: np.ndarray
    by_zone: dict[str, list[Team]] = field(default_factory=dict)
    busy: dict[tuple[int, int], list[tuple[int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    @classmethod
    def of(
        cls, teams: Sequence[Team], window: Window, rng: np.random.Generator
    ) -> "Crews":
        by_zone: dict[str, list[Team]] = {}
        for team in teams:
            by_zone.setdefault(team.zone, []).append(team)
        first_day = local_day(window.starts_at)
        days = window.days + 2 * SEARCH_DAYS
        weekend = np.array([(first_day + d + 3) % 7 >= 5 for d in range(days)])
        chance = np.where(weekend, ON_TICKETS_WEEKEND, ON_TICKETS_WEEKDAY)
        small = [len(by_zone[t.zone]) <= SMALL_ZONE for t in teams]
        factor = np.where(small, SMALL_ZONE_FACTOR, 1.0)
        on_tickets = rng.random((len(teams), days)) < factor[:, None] * chance
        return cls(teams, first_day, on_tickets, by_zone)

    def book(self, job: Job) -> Visit:
        """Return the earliest visit that a fitting team can make, and book it."""

        def arrival(candidate: tuple[Team, int]) -> tuple[int, int]:
            team, departs_at = candidate
            return departs_at + travel_s(team, job, departs_at), team.position

        team, departs_at = min(self.candidates(job), key=arrival)
        arrives_at = departs_at + travel_s(team, job, departs_at)
        ends_at = arrives_at + job.seconds
        for day in range(local_day(departs_at), local_day(ends_at) + 1):
            insort(self.busy[team.position, day], (departs_at, ends_at))
        technician = team.members[local_day(departs_at) % len(team.members)]
        return Visit(team, technician, departs_at, arrives_at, ends_at)

    def candidates(self, job: Job) -> Iterator[tuple[Team, int]]:
        """Yield fitting teams and when each could leave."""
        teams = self.by_zone[job.zone]
        fitting = [
            t for t in teams if job.skill in t.skills and t.position not in job.avoid
        ]
        for team in fitting or teams:
            yield team, self.earliest(team, job)

    def earliest(self, team: Team, job: Job) -> int:
        length = travel_s(team, job, RUSH_HOUR_S) + job.seconds
        if job.is_urgent:
            return self.gap(team, job.ready_at, length)
        today = local_day(job.ready_at)
        for day in range(today, today + SEARCH_DAYS):
            if not self.works_tickets(team, day):
                continue
            midnight = local_midnight_of(day * DAY_S)
            first = midnight + team.shift[0] * HOUR_S + setting_out_s(team, day)
            closes = midnight + team.shift[1] * HOUR_S + OVERTIME_S
            at = self.gap(team, max(job.ready_at, first), length)
            if at + length <= closes or at == first:  # what takes a day starts early
                return at
        return self.gap(team, job.ready_at + SEARCH_DAYS * DAY_S, length)

    def works_tickets(self, team: Team, day: int) -> bool:
        n = min(max(day - self.first_day, 0), self.on_tickets.shape[1] - 1)
        return bool(self.on_tickets[team.position, n])

    def gap(self, team: Team, at: int, length: int) -> int:
        """Return the first instant from `at` with `length` seconds free."""
        day = local_day(at)
        while day <= local_day(at + length):
            for start, end in self.busy.get((team.position, day), ()):
                if start < at + length and end > at:
                    at = end
            day += 1
        return at


def setting_out_s(team: Team, day: int) -> int:
    """Return how long after the shift's start the team leaves: 4 to 28 minutes."""
    return 60 * (4 + (team.position * 17 + day * 29) % 25)


def travel_s(team: Team, job: Job, at: int) -> int:
    """Return the seconds on the road from the team's base, slower at rush hour."""
    km = ROAD_FACTOR * places.distance_km(team.lat, team.lon, job.lat, job.lon)
    hours = min(km, TOWN_KM) / TOWN_KMH + max(0.0, km - TOWN_KM) / COUNTRY_KMH
    hour = (at - local_midnight_of(at)) // HOUR_S
    rush = 1.35 if hour in (7, 8, 17, 18) else 1.0
    return PARKING_S + int(hours * rush * HOUR_S)
