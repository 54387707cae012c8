"""Finding a plan: nearest available, cheapest insertion, then improvement.

Improvement removes some tickets that belong together and inserts them again where the
regret of waiting is greatest, keeping what got cheaper (large neighbourhood search).
Deterministic for a seed and a number of iterations; with a time budget the machine
decides how many there are. Never worse than what it starts from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ai_service.dispatch.evaluator import (
    IMPOSSIBLE,
    costs_of,
    plan_cost,
    route_cost,
    timeline,
)
from ai_service.dispatch.problem import Ints, Problem

Routes = list[list[int]]
SMALLEST, LARGEST = 4, 18  # tickets taken out at once
MOST_RETRIED = 25  # unserved tickets tried again in one round
WORSENING = 0.0004  # accepted in one round at most, as a share of the cost


def nearest_available(p: Problem) -> Routes:
    """Send each ticket, by priority and due time, to the nearest team with time left.

    Teams of the ticket's zone first. The rule of a desk without a planner.
    """
    routes: Routes = [[] for _ in range(p.n_teams)]
    place = [p.start_place(v) for v in range(p.n_teams)]
    for i in order_of(p):
        team = nearest_with_time(p, routes, place, int(i))
        if team is not None:
            routes[team].append(int(i))
            place[team] = int(i)
    return routes


def order_of(p: Problem) -> Ints:
    return np.lexsort((p.latest, p.priority)).astype(np.int64)


def nearest_with_time(
    p: Problem, routes: Routes, place: Sequence[int], i: int
) -> int | None:
    if not p.has_place[i]:
        return None
    able = np.flatnonzero(p.can[i])
    drive = p.minutes[np.array(place)[able], i]
    abroad = p.team_zone[able] != p.ticket_zone[i]
    for k in np.lexsort((drive, abroad)):
        team = int(able[k])
        if timeline(p, team, [*routes[team], i]).overtime <= 0:
            return team
    return None


@dataclass(slots=True)
class Search:
    """A plan being improved. best_cost[i, v]: cheapest insertion of ticket i in team v,
    at best_place[i, v], as of the route that seen[i, v] names."""

    p: Problem
    routes: Routes
    route_costs: list[float]
    version: Ints
    seen: Ints
    best_cost: np.ndarray
    best_place: Ints
    table: Ints  # the routes as rows padded with -1
    lengths: Ints
    versions: int = 0
    left: set[int] = field(default_factory=set)

    @classmethod
    def begin(cls, p: Problem, routes: Sequence[Sequence[int]]) -> "Search":
        kept = [list(route) for route in routes]
        served = {i for route in kept for i in route}
        shape = (p.n_tickets, p.n_teams)
        table = np.full((p.n_teams, max(map(len, kept), default=0) + 8), -1, np.int64)
        for v, route in enumerate(kept):
            table[v, : len(route)] = route
        return cls(
            p=p,
            routes=kept,
            route_costs=[route_cost(p, v, r) for v, r in enumerate(kept)],
            version=np.arange(p.n_teams, dtype=np.int64),
            seen=np.full(shape, -1, np.int64),
            best_cost=np.full(shape, np.inf),
            best_place=np.zeros(shape, np.int64),
            table=table,
            lengths=np.array([len(r) for r in kept], np.int64),
            versions=p.n_teams,
            left={i for i in range(p.n_tickets) if i not in served},
        )

    def cost(self) -> float:
        return sum(self.route_costs) + float(self.p.unserved[sorted(self.left)].sum())

    # ---- changes

    def set_route(self, team: int, route: list[int], cost: float) -> None:
        self.routes[team] = route
        self.route_costs[team] = cost
        self.versions += 1
        self.version[team] = self.versions
        self.write_row(team)

    def write_row(self, team: int) -> None:
        route = self.routes[team]
        if len(route) > self.table.shape[1]:
            more = np.full((self.p.n_teams, len(route)), -1, np.int64)
            self.table = np.concatenate([self.table, more], axis=1)
        self.table[team] = -1
        self.table[team, : len(route)] = route
        self.lengths[team] = len(route)

    def take_out(self, tickets: Sequence[int]) -> None:
        gone = set(tickets)
        for team, route in enumerate(self.routes):
            if gone.intersection(route):
                kept = [i for i in route if i not in gone]
                self.set_route(team, kept, route_cost(self.p, team, kept))
        self.left |= gone

    def put_in(self, ticket: int, team: int) -> None:
        route = list(self.routes[team])
        route.insert(int(self.best_place[ticket, team]), ticket)
        added = float(self.best_cost[ticket, team])
        self.set_route(team, route, self.route_costs[team] + added)
        self.left.discard(ticket)

    # ---- insertion costs

    def refresh(self, tickets: Ints) -> None:
        """Bring the insertion costs of these tickets up to date, all teams at once."""
        stale = (self.seen[tickets] != self.version[None]) & self.p.can[tickets]
        rows, teams = np.nonzero(stale)
        if not len(rows):
            return
        pairs_i = tickets[rows]
        places = self.lengths[teams] + 1
        pair = np.repeat(np.arange(len(rows)), places)
        at = np.arange(len(pair)) - np.repeat(np.cumsum(places) - places, places)
        routes = self.with_inserted(pairs_i[pair], teams[pair], at)
        grown = costs_of(self.p, teams[pair], routes)
        base = np.array(self.route_costs)[teams[pair]]
        added = np.where(grown >= IMPOSSIBLE, np.inf, grown - base)
        first = np.cumsum(places) - places
        least = np.minimum.reduceat(added, first)
        # the first place of least cost: places are few, so sort by (pair, cost, place)
        order = np.lexsort((at, added, pair))
        where = at[order][first]
        self.best_cost[pairs_i, teams] = least
        self.best_place[pairs_i, teams] = where
        self.seen[pairs_i, teams] = self.version[teams]

    def with_inserted(self, tickets: Ints, teams: Ints, at: Ints) -> Ints:
        """Return routes [n, longest + 1] of `teams` with each ticket put in at `at`."""
        longest = int(self.lengths[teams].max()) + 1
        table = self.table[teams, :longest]
        if table.shape[1] < longest:
            table = np.pad(table, ((0, 0), (0, 1)), constant_values=-1)
        steps = np.arange(longest)[None]
        source = np.where(steps > at[:, None], steps - 1, steps)
        grown = np.take_along_axis(table, np.maximum(source, 0), axis=1)
        return np.where(steps == at[:, None], tickets[:, None], grown)

    def insert_all(
        self, tickets: Sequence[int], noise: np.ndarray | None = None
    ) -> None:
        """Insert tickets, the one that would regret waiting most first.

        A ticket whose cheapest place costs more than leaving it stays unserved.
        """
        pool = np.array([i for i in tickets if self.p.has_place[i]], np.int64)
        while len(pool):
            self.refresh(pool)
            costs = np.where(self.p.can[pool], self.best_cost[pool], np.inf)
            if noise is not None:
                costs = costs * noise[pool][:, None]
            two = np.partition(costs, min(1, costs.shape[1] - 1), axis=1)[:, :2]
            stay = self.p.unserved[pool]
            best = two[:, 0]
            second = np.minimum(two[:, -1], stay)
            gain = np.where(best < stay, second - best, -np.inf)
            k = int(np.argmax(gain))
            if gain[k] == -np.inf:
                return
            self.put_in(int(pool[k]), int(np.argmin(costs[k])))
            pool = np.delete(pool, k)


def cheapest_insertion(p: Problem) -> Routes:
    """Insert tickets one by one, by priority and due time, where they cost least."""
    search = Search.begin(p, [[] for _ in range(p.n_teams)])
    for i in order_of(p):
        if p.has_place[i]:
            search.insert_all([int(i)])
    return search.routes


@dataclass(frozen=True, slots=True)
class Improved:
    routes: Routes
    cost: float
    iterations: int
    trace: list[tuple[int, float]]


def improve(
    p: Problem, routes: Routes, seed: int, goes_on: Callable[[int], bool]
) -> Improved:
    """Improve a plan while `goes_on(iterations done)`; return the best seen."""
    rng = np.random.default_rng(seed)
    search = Search.begin(p, routes)
    now = best = search.cost()
    kept = [list(r) for r in search.routes]
    trace, done = [(0, round(best, 1))], 0
    while goes_on(done):
        before = snapshot(search)
        take_some_out(search, rng)
        noise = rng.uniform(0.9, 1.1, p.n_tickets) if done % 2 else None
        search.insert_all(pool_of(search, rng), noise)
        cost = search.cost()
        done += 1
        if cost <= now * (1 + WORSENING * rng.random()):
            now = cost
        else:
            restore(search, before)
        if cost < best - 1e-6:
            best, kept = cost, [list(r) for r in search.routes]
            trace.append((done, round(best, 1)))
    return Improved(kept, plan_cost(p, kept), done, trace)


Snapshot = tuple[Routes, list[float], Ints, set[int]]


def snapshot(search: Search) -> Snapshot:
    return (
        list(search.routes),
        list(search.route_costs),
        search.version.copy(),
        set(search.left),
    )


def restore(search: Search, kept: Snapshot) -> None:
    changed = np.flatnonzero(search.version != kept[2])
    search.routes, search.route_costs, search.version, search.left = kept
    for team in changed:
        search.write_row(int(team))


def pool_of(search: Search, rng: np.random.Generator) -> list[int]:
    """Return the tickets to insert: all that are left, or a fair part of many."""
    left = sorted(search.left)
    if len(left) <= LARGEST + MOST_RETRIED:
        return left
    chosen = rng.choice(left, LARGEST + MOST_RETRIED, replace=False)
    return sorted(int(i) for i in chosen)


def take_some_out(search: Search, rng: np.random.Generator) -> None:
    """Take out tickets near one another, one team's whole round, or any."""
    served = [i for route in search.routes for i in route]
    if not served:
        return
    size = int(rng.integers(SMALLEST, LARGEST + 1))
    way = rng.random()
    heart = int(rng.choice(served))
    if way < 0.6:
        near = np.array(served)
        distance = search.p.minutes[heart, near] * rng.uniform(0.8, 1.2, len(near))
        chosen = near[np.argsort(distance, kind="stable")[:size]].tolist()
    elif way < 0.8:
        home = next(r for r in search.routes if heart in r)
        chosen = list(home)
    else:
        chosen = rng.choice(served, min(size, len(served)), replace=False).tolist()
    search.take_out([int(i) for i in chosen])
