"""Dispatch plans: exact costs, hard rules, never worse, through the HTTP face."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from ai_service.dispatch.evaluator import (
    IMPOSSIBLE,
    costs_of,
    plan_cost,
    route_cost,
    timeline,
)
from ai_service.dispatch.planning import optimise
from ai_service.dispatch.problem import Problem, problem_from
from ai_service.dispatch.search import cheapest_insertion, nearest_available
from service_kit.clock import utc_now
from tests.ai_service.assistant_world import System, running_apps, system
from tests.ai_service.conftest import World

__all__ = ["running_apps", "system"]

Login = Callable[..., dict[str, str]]
PATH = "/api/ai/optimize"


def day(seed: int, tickets: int = 40, teams: int = 8) -> dict[str, Any]:
    """Return a small day in the inline form, the same for a seed."""
    rng = np.random.default_rng(seed)

    def place() -> dict[str, float]:
        return {
            "lat": round(3.0 + float(rng.uniform(0, 0.3)), 5),
            "lon": round(101.4 + float(rng.uniform(0, 0.3)), 5),
        }

    skills = ["ftth_repair", "splice", "power"]
    return {
        "instance": f"small-{seed}",
        "seed": 1,
        "iterations": 15,
        "teams": [
            {
                "team_id": f"C{v}",
                "zone": f"Z{v % 3}",
                "skills": {s: int(rng.integers(0, 4)) for s in skills},
                "available_from_min": float(rng.choice([420, 480, 660])),
                "shift_end_min": 1140.0,
                "start": place(),
                "base": place(),
            }
            for v in range(teams)
        ],
        "tickets": [
            {
                "ticket_id": f"T{i}",
                "priority": f"P{rng.integers(1, 5)}",
                "zone": f"Z{rng.integers(0, 3)}",
                **place(),
                "required_skills": {str(rng.choice(skills)): int(rng.integers(1, 4))},
                "service_min": int(rng.integers(15, 180)),
                "earliest_start_min": float(rng.choice([420, 540, 720])),
                "latest_start_min": float(rng.integers(500, 1400)),
                "must_today": bool(rng.random() < 0.5),
                "created_min": float(rng.integers(0, 480)),
            }
            for i in range(tickets)
        ],
    }


def routes_of(p: Problem, plan: dict[str, Any]) -> list[list[int]]:
    ticket_at = {name: i for i, name in enumerate(p.ticket_ids)}
    team_at = {name: v for v, name in enumerate(p.team_ids)}
    routes: list[list[int]] = [[] for _ in p.team_ids]
    for one in sorted(plan["assignments"], key=lambda one: one["seq"]):
        routes[team_at[one["team_id"]]].append(ticket_at[one["ticket_id"]])
    return routes


@pytest.mark.parametrize("seed", range(4))
def test_many_routes_at_once_cost_what_each_costs_alone(seed: int) -> None:
    p = problem_from(day(seed))
    rng = np.random.default_rng(seed)
    teams = rng.integers(0, p.n_teams, 60)
    rows = [rng.permutation(p.n_tickets)[: rng.integers(1, 6)] for _ in teams]
    table = np.full((len(rows), 6), -1, np.int64)
    for k, row in enumerate(rows):
        table[k, : len(row)] = row
    alone = [
        route_cost(p, int(v), r.tolist()) for v, r in zip(teams, rows, strict=True)
    ]
    assert costs_of(p, teams, table) == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_a_plan_breaks_no_rule_and_is_never_worse_than_greedy(seed: int) -> None:
    asked = day(seed)
    plan, p = optimise(asked), problem_from(asked)
    routes = routes_of(p, plan)
    served = [i for route in routes for i in route]
    assert len(served) == len(set(served))
    for v, route in enumerate(routes):
        assert all(p.can[i, v] for i in route)
        assert timeline(p, v, route).overtime <= p.rules.max_overtime + 1e-3
    cost = plan_cost(p, routes)
    assert plan["objective"]["total"] == pytest.approx(cost, abs=0.1)
    assert cost <= plan_cost(p, nearest_available(p)) + 1e-6
    assert cost <= plan_cost(p, cheapest_insertion(p)) + 1e-6
    assert len(served) + len(plan["unassigned"]) == p.n_tickets


@pytest.mark.parametrize("seed", range(3))
def test_the_terms_of_an_assignment_add_up_to_what_the_route_would_save(
    seed: int,
) -> None:
    asked = day(seed)
    plan, p = optimise(asked), problem_from(asked)
    routes = routes_of(p, plan)
    team_at = {name: v for v, name in enumerate(p.team_ids)}
    for one in plan["assignments"]:
        assert sum(one["terms"].values()) == pytest.approx(
            one["marginal_cost"], abs=0.5
        )
        v = team_at[one["team_id"]]
        i = p.ticket_ids.index(one["ticket_id"])
        without = [j for j in routes[v] if j != i]
        saved = route_cost(p, v, routes[v]) - route_cost(p, v, without)
        assert one["marginal_cost"] == pytest.approx(saved, abs=0.1)


def test_the_same_seed_and_iterations_give_the_same_plan() -> None:
    first, second = optimise(day(1)), optimise(day(1))
    assert first["assignments"] == second["assignments"]


def ticket(**changes: Any) -> dict[str, Any]:
    base = day(1)["tickets"][0]
    found: dict[str, Any] = base | {"required_skills": {}, "earliest_start_min": 0.0}
    return found | changes


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("NO_SKILLED_TEAM", {"required_skills": {"copper": 1}}),
        ("MISSING_LOCATION", {"lat": None, "lon": None}),
        ("WINDOW_UNREACHABLE", {"earliest_start_min": 1300.0, "service_min": 60}),
        ("LOWER_PRIORITY", {"lat": 3.9, "priority": "P4", "must_today": False}),
    ],
)
def test_what_stays_unserved_says_why(code: str, changes: dict[str, Any]) -> None:
    asked = day(1, tickets=0) | {"tickets": [ticket(**changes)]}
    (left,) = optimise(asked)["unassigned"]
    assert left["reason"] == code


def test_a_full_day_leaves_no_capacity() -> None:
    asked = day(1, tickets=0, teams=1)
    asked["teams"][0]["available_from_min"] = 480.0
    long_one = {"service_min": 420, "must_today": True, "priority": "P1"}
    asked["tickets"] = [ticket(ticket_id=name, **long_one) for name in "AB"]
    plan = optimise(asked)
    assert [left["reason"] for left in plan["unassigned"]] == ["NO_CAPACITY_LEFT"]


def test_a_pinned_ticket_goes_to_its_team_and_a_forbidden_one_never() -> None:
    asked = day(2) | {
        "pin": [{"ticket_id": "T0", "team_id": "C1"}],
        "forbid": [{"ticket_id": "T1", "team_id": f"C{v}"} for v in range(8)],
    }
    asked["tickets"][0]["required_skills"] = {}
    asked["tickets"][0] |= {"must_today": True, "priority": "P1"}
    plan = optimise(asked)
    teams = {one["ticket_id"]: one["team_id"] for one in plan["assignments"]}
    assert teams["T0"] == "C1"
    assert "T1" not in teams


def test_a_route_past_the_overtime_cap_is_impossible() -> None:
    p = problem_from(day(3))
    assert route_cost(p, 0, list(range(20))) == IMPOSSIBLE


def test_the_inline_form_is_answered_over_http(
    client: FlaskClient, as_role: Login
) -> None:
    answer = client.post(PATH, json=day(4), headers=as_role("dispatcher"))
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["kpis"]["after"]["served"] > 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"teams": None}, "teams", id="no list"),
        pytest.param({"teams": []}, "teams", id="no teams"),
        pytest.param({"date": "2030-01-01"}, "date", id="both forms"),
        pytest.param({"time_budget_s": 1000}, "time_budget_s", id="too long"),
        pytest.param({"colour": 1}, "colour", id="unknown field"),
        pytest.param({"zones": ["Johor"]}, "zones", id="scope with inline"),
    ],
)
def test_a_bad_request_is_refused_by_its_field(
    client: FlaskClient, as_role: Login, change: dict[str, Any], field: str
) -> None:
    body = day(1) | change
    answer = client.post(PATH, json=body, headers=as_role("manager"))
    assert answer.status_code == 422
    assert any(name.startswith(field) for name in answer.get_json()["errors"])


def test_a_ticket_or_team_given_twice_is_refused(
    client: FlaskClient, as_role: Login
) -> None:
    body = day(1)
    body["tickets"][1]["ticket_id"] = body["tickets"][0]["ticket_id"]
    answer = client.post(PATH, json=body, headers=as_role("manager"))
    assert "tickets" in answer.get_json()["errors"]


@pytest.mark.parametrize("role", ["technician", "requester", "viewer"])
def test_only_the_desk_may_plan(client: FlaskClient, as_role: Login, role: str) -> None:
    answer = client.post(PATH, json=day(1), headers=as_role(role))
    assert answer.status_code == 403


def tomorrow() -> str:
    return (utc_now() + timedelta(hours=8, days=1)).date().isoformat()


def test_a_day_is_planned_from_the_rows_that_the_caller_sees(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    world.team("One")
    world.team("Two", zone="Johor")
    mine = world.ticket()
    world.ticket(zone="Johor")
    headers = as_role("dispatcher", zones=["Selangor"])
    body = {"date": tomorrow(), "iterations": 2}
    plan = client.post(PATH, json=body, headers=headers).get_json()
    assert [one["ticket_id"] for one in plan["assignments"]] == [mine]
    kept = client.get(f"/api/ai/plans/{plan['plan_id']}", headers=headers)
    assert kept.get_json()["assignments"] == plan["assignments"]
    other = as_role("dispatcher")
    assert (
        client.get(f"/api/ai/plans/{plan['plan_id']}", headers=other).status_code == 404
    )


def test_a_plan_is_applied_unless_a_ticket_changed(
    system: Callable[[], System],
) -> None:
    running = system()
    team_id = running.world.team("One")
    running.world.user("technician", team_id=team_id)
    headers = running.login("manager")
    place = {"coordinates": {"lat": 3.1, "lon": 101.5}}
    for _ in range(2):
        running.ticket(headers, **place)
    body = {"date": tomorrow(), "iterations": 2}
    plan = running.ai.post(PATH, json=body, headers=headers).get_json()
    apply = f"/api/ai/plans/{plan['plan_id']}/apply"
    change = {"title": "Another"}
    running.tickets.patch("/api/tickets/1", json=change, headers=headers)
    refused = running.ai.post(apply, json={"assignment_ids": "all"}, headers=headers)
    assert refused.status_code == 409
    assert refused.get_json()["changed"] == [1]
    done = running.ai.post(apply, json={"assignment_ids": [2]}, headers=headers)
    assert done.get_json()["applied"] == [{"ticket_id": 2, "team_id": team_id}]
    assert running.get("/api/tickets/2", headers)["team_id"] == team_id
    assert running.get("/api/tickets/1", headers)["team_id"] is None
    unknown = running.ai.post(apply, json={"assignment_ids": [9]}, headers=headers)
    assert unknown.status_code == 422


def test_a_ticket_long_overdue_is_still_worth_a_visit(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    world.team("One")
    overdue = world.ticket(
        priority="urgent", resolution_due_at=utc_now() - timedelta(days=20)
    )
    body = {"date": tomorrow(), "iterations": 1}
    plan = client.post(PATH, json=body, headers=as_role("manager")).get_json()
    assert [one["ticket_id"] for one in plan["assignments"]] == [overdue]
