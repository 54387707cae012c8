"""The use case: a request in, the best plan found in the time given out.

All of today's plan, nearest available, cheapest insertion and their improvement are
computed; the cheapest is answered, so the answer is never worse than the first two.
"""

from collections.abc import Mapping
from typing import Any

from ai_service.dispatch import answer
from ai_service.dispatch.evaluator import IMPOSSIBLE, plan_cost
from ai_service.dispatch.problem import Problem, problem_from
from ai_service.dispatch.search import (
    Routes,
    cheapest_insertion,
    improve,
    nearest_available,
)
from service_kit.clock import monotonic_s

ENGINE = "cheapest insertion, then large neighbourhood search (numpy)"
LONGEST_S = 20.0  # of one request; longer searches need a job, which is not there yet
TRAVEL_NAME = "haversine"


def optimise(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plan of a checked request."""
    began = monotonic_s()
    p = problem_from(request)
    today = plan_of_today(p)
    greedy = nearest_available(p)
    first = cheapest_insertion(p)
    starts = [r for r in (today, greedy, first) if r is not None]
    start = min(starts, key=lambda routes: plan_cost(p, routes))
    budget = min(float(request.get("time_budget_s", 5)), LONGEST_S)
    most = request.get("iterations")

    def goes_on(done: int) -> bool:
        if most is not None and done >= most:
            return False
        return monotonic_s() - began < budget

    found = improve(p, start, int(request.get("seed", 0)), goes_on)
    solver = {
        "engine": ENGINE,
        "travel": TRAVEL_NAME,
        "seed": int(request.get("seed", 0)),
        "iterations": found.iterations,
        "wall_s": round(monotonic_s() - began, 3),
        "trace": [{"iteration": n, "cost": cost} for n, cost in found.trace],
    }
    return told(p, request, solver, (today, greedy, found.routes))


def told(
    p: Problem,
    request: Mapping[str, Any],
    solver: Mapping[str, Any],
    plans: tuple[Routes | None, Routes, Routes],
) -> dict[str, Any]:
    """Return the answer. plans: of today (or None), of the greedy rule, the best."""
    today, greedy, after = plans
    explain = request.get("explain", "codes") != "none"
    assignments = answer.assignment_items(p, after)
    if not explain:
        for one in assignments:
            one.pop("reasons")
    figures = {
        "before": None if today is None else answer.kpis(p, today),
        "greedy": answer.kpis(p, greedy),
        "after": answer.kpis(p, after),
    }
    figures["delta"] = answer.delta(
        figures["before"] or figures["greedy"] or {}, figures["after"] or {}
    )
    return {
        "plan_id": None,
        "status": "done",
        "solver": dict(solver),
        "objective": answer.objective(p, after),
        "kpis": figures,
        "routes": answer.route_items(p, after),
        "assignments": assignments,
        "unassigned": answer.unassigned_items(p, after),
        "zones": answer.zone_items(p, after),
        "suggestions": [],
        "warnings": warnings(p, request),
    }


def warnings(p: Problem, request: Mapping[str, Any]) -> list[str]:
    found = []
    without = sum(not has for has in p.has_place)
    if without:
        found.append(f"{without} tickets have no place and were left out.")
    if float(request.get("time_budget_s", 5)) > LONGEST_S:
        found.append(f"The search was ended after {LONGEST_S:.0f} s.")
    return found


def plan_of_today(p: Problem) -> Routes | None:
    """Return the routes as assigned now, None if nothing is or they break a rule.

    Each team works its tickets by priority, then by the latest start.
    """
    if not (p.before >= 0).any():
        return None
    routes: list[list[int]] = [[] for _ in range(p.n_teams)]
    for i in sorted(range(p.n_tickets), key=lambda i: (p.priority[i], p.latest[i])):
        team = int(p.before[i])
        if team >= 0 and p.can[i, team] and p.has_place[i]:
            routes[team].append(i)
    return routes if plan_cost(p, routes) < IMPOSSIBLE else None
