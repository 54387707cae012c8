"""From routes to the answer: times, terms, reasons, what stays unserved and why.

Terms of an assignment are what its route would cost less without it, so they add up
to its marginal cost. Texts are made from codes and figures.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ai_service.dispatch.evaluator import (
    TERMS,
    Timeline,
    route_terms,
    timeline,
)
from ai_service.dispatch.problem import Problem
from ai_service.dispatch.search import Search

Routes = Sequence[Sequence[int]]
AT_ONCE = 200  # unserved tickets judged together
REASON_TEXT = {
    "travel": "{value:.0f} min of driving",
    "breach": "misses its promise",
    "late": "{value:.0f} for late minutes",
    "out_of_zone": "outside the team's zone",
    "change": "changes what was announced",
    "overtime": "{value:.0f} for overtime",
    "utilisation": "{value:.1f} for a fuller day",
}
UNSERVED_TEXT = {
    "NO_SKILLED_TEAM": "No team has the skills.",
    "MISSING_LOCATION": "The ticket has no place.",
    "WINDOW_UNREACHABLE": "No team with the skills can do it within its shift.",
    "NO_CAPACITY_LEFT": "Every team with the skills has a full day.",
    "LOWER_PRIORITY": "Serving it would cost {cost:.0f}, leaving it {price:.0f}.",
}


def rounded(value: float) -> float:
    return round(float(value), 1)


def days_of(p: Problem, routes: Routes) -> list[Timeline]:
    return [timeline(p, v, route) for v, route in enumerate(routes)]


def left_over(p: Problem, routes: Routes) -> list[int]:
    served = {i for route in routes for i in route}
    return [i for i in range(p.n_tickets) if i not in served]


def objective(p: Problem, routes: Routes) -> dict[str, Any]:
    """Return the total cost and its terms."""
    terms = dict.fromkeys(TERMS, 0.0)
    for v, route in enumerate(routes):
        for name, value in route_terms(p, v, route).items():
            terms[name] += value
    terms["unserved"] = float(p.unserved[left_over(p, routes)].sum())
    shown = {name: rounded(value) for name, value in terms.items()}
    return {"total": rounded(sum(terms.values())), "terms": shown}


def kpis(p: Problem, routes: Routes) -> dict[str, Any]:
    """Return travel, lateness, failed promises and load of a plan."""
    days, left = days_of(p, routes), left_over(p, routes)
    stops = [stop for day in days for stop in day.stops]
    km = sum(day.km for day in days)
    late = [stop for stop in stops if stop.late > 0]
    left_today = sum(bool(p.due_today[i]) for i in left)
    used = [
        (day.end - float(p.start[v])) / max(1.0, float(p.end[v] - p.start[v]))
        for v, day in enumerate(days)
        if day.stops
    ]
    return {
        "cost": objective(p, routes)["total"],
        "served": len(stops),
        "unserved": len(left),
        "unserved_due_today": left_today,
        "breaches": len(late),
        "sla_failures": len(late) + left_today,
        "late_minutes": rounded(sum(stop.late for stop in late)),
        "travel_minutes": rounded(sum(day.travel for day in days)),
        "km": rounded(km),
        "km_per_served": round(km / len(stops), 2) if stops else None,
        "overtime_minutes": rounded(sum(d.overtime for d in days if d.stops)),
        "idle_teams": sum(not day.stops for day in days),
        "utilisation_mean": round(sum(used) / len(used), 3) if used else None,
    }


def delta(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    both = [k for k in after if before.get(k) is not None and after[k] is not None]
    return {name: round(after[name] - before[name], 3) for name in both}


def route_items(p: Problem, routes: Routes) -> list[dict[str, Any]]:
    return [
        {
            "team_id": p.team_ids[v],
            "stops": [
                {
                    "seq": seq,
                    "ticket_id": p.ticket_ids[stop.ticket],
                    "arrive_min": rounded(stop.arrive),
                    "start_min": rounded(stop.start),
                    "finish_min": rounded(stop.finish),
                    "travel_min": rounded(stop.travel),
                    "km": round(stop.km, 2),
                    "late_min": rounded(stop.late),
                }
                for seq, stop in enumerate(day.stops, 1)
            ],
            "end_min": rounded(day.end),
            "overtime_min": rounded(day.overtime),
            "km": round(day.km, 2),
        }
        for v, day in enumerate(days_of(p, routes))
        if day.stops
    ]


def assignment_items(p: Problem, routes: Routes) -> list[dict[str, Any]]:
    """Return each assignment with what it costs; terms add up to the marginal cost."""
    found = []
    for v, route in enumerate(routes):
        whole = route_terms(p, v, route)
        for seq, i in enumerate(route, 1):
            without = route_terms(p, v, [j for j in route if j != i])
            terms = {name: whole[name] - without[name] for name in TERMS}
            found.append(assignment(p, i, v, seq, terms))
    return found


def assignment(
    p: Problem, i: int, team: int, seq: int, terms: Mapping[str, float]
) -> dict[str, Any]:
    was = int(p.before[i])
    change = "new" if was < 0 else "kept" if was == team else "moved"
    shown = {name: rounded(value) for name, value in terms.items()}
    return {
        "ticket_id": p.ticket_ids[i],
        "team_id": p.team_ids[team],
        "seq": seq,
        "change": change,
        "marginal_cost": rounded(sum(terms.values())),
        "terms": shown,
        "reasons": [
            {
                "code": name.upper(),
                "text": REASON_TEXT[name].format(value=value),
                "value": value,
                "unit": "minutes of travel",
            }
            for name, value in shown.items()
            if abs(value) >= 0.05
        ],
    }


def unassigned_items(p: Problem, routes: Routes) -> list[dict[str, Any]]:
    """Return why each ticket stays unserved, told by its cheapest place in the plan."""
    left = np.array(left_over(p, routes), np.int64)
    full, idle = Search.begin(p, routes), Search.begin(p, [[]] * p.n_teams)
    found = []
    for at in range(0, len(left), AT_ONCE):
        part = left[at : at + AT_ONCE]
        for search in (full, idle):
            search.refresh(part)
        found += [unassigned(p, int(i), full, idle) for i in part]
    return found


def unassigned(p: Problem, i: int, full: Search, idle: Search) -> dict[str, Any]:
    able = np.flatnonzero(p.can[i])
    code, fix, cost = "NO_SKILLED_TEAM", None, 0.0
    if not p.has_place[i]:
        code = "MISSING_LOCATION"
    elif len(able):
        team = int(able[np.argmin(full.best_cost[i, able])])
        cost = float(full.best_cost[i, team])
        if np.isfinite(cost):
            code, fix = "LOWER_PRIORITY", team
        elif np.isfinite(idle.best_cost[i, able]).any():
            code = "NO_CAPACITY_LEFT"
        else:
            code = "WINDOW_UNREACHABLE"
    price = float(p.unserved[i])
    shown = {"cost": rounded(cost), "price": price}
    return {
        "ticket_id": p.ticket_ids[i],
        "reason": code,
        "text": UNSERVED_TEXT[code].format(**shown),
        "cheapest_fix": None if fix is None else {"team_id": p.team_ids[fix], **shown},
    }


def zone_items(p: Problem, routes: Routes) -> list[dict[str, Any]]:
    """Return demand and capacity per zone, and hours borrowed from other zones."""
    count = len(p.zone_names)
    demand, capacity, borrowed = [0.0] * count, [0.0] * count, [0.0] * count
    for i in range(p.n_tickets):
        demand[int(p.ticket_zone[i])] += float(p.service[i]) / 60
    for v, route in enumerate(routes):
        capacity[int(p.team_zone[v])] += float(p.end[v] - p.start[v]) / 60
        for i in route:
            if p.ticket_zone[i] != p.team_zone[v]:
                borrowed[int(p.ticket_zone[i])] += float(p.service[i]) / 60
    return [
        {
            "zone": name,
            "demand_h": rounded(demand[k]),
            "capacity_h": rounded(capacity[k]),
            "hours_borrowed": rounded(borrowed[k]),
            "shadow_price_per_team_hour": None,
        }
        for k, name in enumerate(p.zone_names)
    ]
