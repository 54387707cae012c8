"""What a route costs, exactly: one at a time with its timeline, or thousands at once.

The two agree to the minute (a test holds them together). A route that breaks a hard
rule costs `IMPOSSIBLE`. Pure numpy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ai_service.dispatch.problem import Floats, Ints, Mask, Problem

IMPOSSIBLE = 1e9
TOLERANCE = 1e-3
TERMS = (
    "travel",
    "breach",
    "late",
    "out_of_zone",
    "change",
    "overtime",
    "utilisation",
)


@dataclass(frozen=True, slots=True)
class Stop:
    ticket: int
    arrive: float
    start: float
    finish: float
    travel: float
    km: float
    late: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """One team's day. overtime may pass the cap: then the route is impossible."""

    stops: tuple[Stop, ...]
    end: float
    travel: float
    km: float
    overtime: float


def timeline(p: Problem, team: int, route: Sequence[int]) -> Timeline:
    """Return the day of a team that visits `route` in this order."""
    t, place = float(p.start[team]), p.start_place(team)
    rested = bool(p.lunch_taken[team])
    travel = km = 0.0
    stops = []
    for i in route:
        drive = float(p.minutes[place, i])
        start = max(t + drive, float(p.earliest[i]))
        if not rested and (
            t >= p.rules.lunch_from or start + p.service[i] > p.rules.lunch_by
        ):
            rested = True
            t += p.rules.lunch
            start = max(t + drive, float(p.earliest[i]))
        finish = start + float(p.service[i])
        late = max(0.0, start - float(p.latest[i]))
        leg = float(p.km[place, i])
        stops.append(Stop(int(i), t + drive, start, finish, drive, leg, late))
        travel, km, t, place = travel + drive, km + leg, finish, i
    if stops:
        home = p.base_place(team)
        travel += float(p.minutes[place, home])
        km += float(p.km[place, home])
        t += float(p.minutes[place, home])
        if not rested and t > p.rules.lunch_by:
            t += p.rules.lunch
    return Timeline(tuple(stops), t, travel, km, max(0.0, t - float(p.end[team])))


def route_terms(p: Problem, team: int, route: Sequence[int]) -> dict[str, float]:
    """Return the cost of a route by term; all 0 for an empty one."""
    terms = dict.fromkeys(TERMS, 0.0)
    if not route:
        return terms
    day = timeline(p, team, route)
    terms["travel"] = day.travel * p.prices.travel
    for stop in day.stops:
        i = stop.ticket
        if stop.late > 0:
            terms["breach"] += float(p.breach[i])
            terms["late"] += stop.late * float(p.slope[i])
        if p.ticket_zone[i] != p.team_zone[team]:
            terms["out_of_zone"] += p.prices.out_of_zone
        if p.before[i] >= 0 and p.before[i] != team:
            terms["change"] += p.prices.change
    terms["overtime"] = day.overtime * p.prices.overtime
    used = (day.end - float(p.start[team])) / max(
        1.0, float(p.end[team] - p.start[team])
    )
    terms["utilisation"] = p.prices.balance * used * used
    return terms


def route_cost(p: Problem, team: int, route: Sequence[int]) -> float:
    if not route:
        return 0.0
    if timeline(p, team, route).overtime > p.rules.max_overtime + TOLERANCE:
        return IMPOSSIBLE
    return sum(route_terms(p, team, route).values())


def costs_of(p: Problem, teams: Ints, routes: Ints) -> Floats:
    """Return the cost of many routes at once.

    teams: [n]; routes: [n, longest], ticket numbers padded with -1 at the end, none
    of them empty.
    """
    n, longest = routes.shape
    clock = Clocks(
        p.start[teams].copy(), p.n_tickets + teams, p.lunch_taken[teams].copy()
    )
    travel, priced = np.zeros(n), np.zeros(n)
    for k in range(longest):
        drive, cost = clock.visit(p, teams, routes[:, k])
        travel += drive
        priced += cost
    home = p.minutes[clock.place, p.n_tickets + p.n_teams + teams]
    t = clock.t + home
    t = t + np.where(~clock.rested & (t > p.rules.lunch_by), p.rules.lunch, 0.0)
    overtime = np.maximum(0.0, t - p.end[teams])
    used = (t - p.start[teams]) / np.maximum(1.0, p.end[teams] - p.start[teams])
    total = (travel + home) * p.prices.travel + priced
    total += overtime * p.prices.overtime + p.prices.balance * used * used
    return np.where(overtime > p.rules.max_overtime + TOLERANCE, IMPOSSIBLE, total)


@dataclass(slots=True)
class Clocks:
    """Where many teams are, and when, as their routes are walked side by side."""

    t: Floats
    place: Ints
    rested: Mask

    def visit(self, p: Problem, teams: Ints, here: Ints) -> tuple[Floats, Floats]:
        """Drive to the next tickets (-1: none); return (driving, what it is priced)."""
        on = here >= 0
        i = np.where(on, here, 0)
        drive = p.minutes[self.place, i]
        start = np.maximum(self.t + drive, p.earliest[i])
        hungry = self.t >= p.rules.lunch_from
        hungry |= start + p.service[i] > p.rules.lunch_by
        rests = on & ~self.rested & hungry
        self.rested |= rests
        after_lunch = self.t + np.where(rests, p.rules.lunch, 0.0)
        start = np.maximum(after_lunch + drive, p.earliest[i])
        self.t = np.where(on, start + p.service[i], after_lunch)
        self.place = np.where(on, i, self.place)
        cost = np.where(on, price_of(p, teams, i, start), 0.0)
        return np.where(on, drive, 0.0), cost


def price_of(p: Problem, teams: Ints, i: Ints, start: Floats) -> Floats:
    """Return what visits beginning at `start` cost beside driving."""
    late = np.maximum(0.0, start - p.latest[i])
    cost = np.where(late > 0, p.breach[i] + late * p.slope[i], 0.0)
    cost += p.prices.out_of_zone * (p.ticket_zone[i] != p.team_zone[teams])
    cost += p.prices.change * ((p.before[i] >= 0) & (p.before[i] != teams))
    return cost


def plan_cost(p: Problem, routes: Sequence[Sequence[int]]) -> float:
    """Return the cost of a whole plan, with what it leaves unserved."""
    served = {i for route in routes for i in route}
    left = [i for i in range(p.n_tickets) if i not in served]
    return sum(route_cost(p, v, r) for v, r in enumerate(routes)) + float(
        p.unserved[left].sum()
    )
