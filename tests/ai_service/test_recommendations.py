"""Recommendations through the HTTP face."""

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from ai_service import actions
from service_kit.clock import utc_now
from tests.ai_service.conftest import World

PATH = "/api/ai/recommendations"
Login = Callable[..., dict[str, str]]


def ask(client: FlaskClient, headers: dict[str, str], body: Any) -> Any:
    answer = client.post(PATH, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_the_score_is_the_sum_of_the_contributions_and_orders_the_candidates(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    for k in range(5):
        world.team(f"Team {k}", base_lat=3.07 + k / 20)
    found = ask(client, as_role("dispatcher"), {"ticket_id": world.ticket()})
    scores = [c["score"] for c in found["candidates"]]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    for c in found["candidates"]:
        terms = [r["contribution"] for r in c["reasons"]]
        assert c["score"] == pytest.approx(sum(terms), abs=1e-6)
        for r in c["reasons"]:
            assert r["contribution"] == pytest.approx(
                r["value"] * r["weight"], abs=2e-3
            )
    assert found["candidates"][0]["name"] == "Team 1"  # 3.12 is where the ticket is


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        pytest.param("inactive", {"is_active": False}, id="not active"),
        pytest.param("skills", {"skills": {"civil": 3}}, id="other skills"),
        pytest.param(
            "zone",
            {"zone": "Penang", "base_lat": 5.41, "base_lon": 100.33},
            id="far zone",
        ),
        pytest.param("capacity", {"daily_capacity_minutes": 20}, id="a day too short"),
    ],
)
def test_a_team_that_breaks_a_hard_rule_is_rejected_by_its_name(
    client: FlaskClient,
    world: World,
    as_role: Login,
    rule: str,
    changes: dict[str, Any],
) -> None:
    team_id = world.team("Wrong one", **changes)
    good = world.team("Right one")
    ticket_id = world.ticket(resolution_due_at=utc_now() + timedelta(hours=12))
    found = ask(client, as_role("manager"), {"ticket_id": ticket_id})
    assert [c["team_id"] for c in found["candidates"]] == [good]
    assert [(r["team_id"], r["rule"]) for r in found["rejected"]] == [(team_id, rule)]
    assert found["rejected"][0]["text"]


def test_a_team_whose_shift_begins_after_the_promise_is_rejected(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    local = (utc_now() + timedelta(hours=8)).replace(second=0, microsecond=0)
    start = (local + timedelta(hours=3)).time()
    end = (local + timedelta(hours=6)).time()
    team_id = world.team("Later", shift_start=start, shift_end=end)
    ticket_id = world.ticket(resolution_due_at=utc_now() + timedelta(hours=1))
    found = ask(client, as_role("manager"), {"ticket_id": ticket_id})
    assert [(r["team_id"], r["rule"]) for r in found["rejected"]] == [
        (team_id, "shift")
    ]


def test_a_nearby_team_of_another_zone_is_priced_not_rejected(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    world.team("Neighbour", zone="Kuala Lumpur", base_lat=3.14, base_lon=101.60)
    found = ask(client, as_role("manager"), {"ticket_id": world.ticket()})
    terms = {r["criterion"]: r for r in found["candidates"][0]["reasons"]}
    assert terms["zone"]["contribution"] == -10


def test_a_busy_team_comes_after_an_idle_one_at_the_same_place(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    busy, idle = world.team("Busy"), world.team("Idle")
    for _ in range(3):
        world.ticket(team_id=busy, estimated_minutes=90, lat=3.07)
    found = ask(client, as_role("manager"), {"ticket_id": world.ticket()})
    assert [c["team_id"] for c in found["candidates"]] == [idle, busy]
    assert found["candidates"][1]["eta_minutes"] > found["candidates"][0]["eta_minutes"]


def test_breach_probability_is_null_without_history_and_learnt_with_it(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    world.team("One")
    ticket_id = world.ticket()
    headers = as_role("dispatcher")
    before = ask(client, headers, {"ticket_id": ticket_id})
    assert before["candidates"][0]["breach_probability"] is None
    assert before["model"]["kind"] == "none"
    for k in range(100):
        world.judged(1.5 if k % 4 == 0 else 0.4)
    with world.database.transaction() as connection:
        actions.train_models(connection, utc_now())
    after = ask(client, headers, {"ticket_id": ticket_id})
    assert 0.2 < after["candidates"][0]["breach_probability"] < 0.4
    assert after["model"]["rows"] == 100


def test_asking_twice_gives_the_same_order_and_terms(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    for k in range(4):
        world.team(f"Team {k}")
    headers, body = as_role("manager"), {"ticket_id": world.ticket()}
    first, second = ask(client, headers, body), ask(client, headers, body)
    assert [c["team_id"] for c in first["candidates"]] == [
        c["team_id"] for c in second["candidates"]
    ]


def test_a_draft_ticket_is_ranked_without_being_stored(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    world.team("One")
    draft = {"category": "repair", "zone": "Selangor", "priority": "urgent"}
    found = ask(client, as_role("manager"), {"ticket": draft})
    assert found["candidates"][0]["name"] == "One"
    assert "centre of its zone" in found["assumptions"]["place_from"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"ticket_id": "x"}, "ticket_id", id="a word for an id"),
        pytest.param({"ticket_id": True}, "ticket_id", id="a boolean for an id"),
        pytest.param({"ticket_id": 1, "zone": "Johor"}, "zone", id="two questions"),
        pytest.param({"wrong": 1}, "wrong", id="an unknown field"),
        pytest.param({"zone": "Atlantis"}, "zone", id="an unknown zone"),
        pytest.param({"focus": "luck"}, "focus", id="an unknown focus"),
        pytest.param(
            {"ticket": {"category": "repair", "zone": "Atlantis"}},
            "ticket.zone",
            id="a draft in no zone",
        ),
    ],
)
def test_a_bad_question_is_refused_by_the_name_of_its_field(
    client: FlaskClient, as_role: Login, body: Any, field: str
) -> None:
    answer = client.post(PATH, json=body, headers=as_role("manager"))
    assert answer.status_code == 422
    assert field in answer.get_json()["errors"]


def test_a_ticket_that_the_caller_may_not_see_is_not_found(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    team_id = world.team("Mine")
    ticket_id = world.ticket()
    headers = as_role("technician", team_id=team_id)
    assert (
        client.post(PATH, json={"ticket_id": ticket_id}, headers=headers).status_code
        == 404
    )
    requester = client.post(PATH, json={"ticket_id": 1}, headers=as_role("requester"))
    assert requester.status_code == 403


def test_a_dispatcher_of_one_zone_is_shown_the_teams_of_that_zone_only(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    mine = world.team("Mine")
    world.team("Other", zone="Johor")
    headers = as_role("dispatcher", zones=["Selangor"])
    found = ask(client, headers, {"ticket_id": world.ticket()})
    shown = [t["team_id"] for t in found["candidates"] + found["rejected"]]
    assert shown == [mine]


def test_a_finished_ticket_needs_no_team(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    answer = client.post(
        PATH, json={"ticket_id": world.judged(0.5)}, headers=as_role("manager")
    )
    assert answer.status_code == 409
    assert answer.get_json()["code"] == "ticket_finished"


def test_advice_has_evidence_and_an_effect(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    world.team("One", daily_capacity_minutes=60)
    for _ in range(4):
        world.ticket(priority="urgent", estimated_minutes=60)
    found = ask(client, as_role("manager"), {"zone": "Selangor"})
    codes = {item["code"]: item for item in found["items"]}
    assert codes["staffing.more_teams"]["evidence"]["value"] == 240
    assert codes["staffing.more_teams"]["estimated_effect"]["value"] == 3
    assert codes["priority.assign_pressing"]["evidence"]["value"] == 4
    only = ask(client, as_role("manager"), {"zone": "Selangor", "focus": "priority"})
    assert {item["focus"] for item in only["items"]} == {"priority"}


def test_a_night_shift_over_midnight_is_one_shift() -> None:
    from ai_service.recommending import Crew, minutes_until_worked

    crew = Crew(1, "Night", "Johor", {}, None, None, 22 * 60, 6 * 60, 480, True)
    assert minutes_until_worked(crew, 23 * 60, 60) == 60
    assert minutes_until_worked(crew, 12 * 60, 60) == 660
    assert minutes_until_worked(crew, 5 * 60, 120) == 60 + 16 * 60 + 60
    assert time(22) > time(6)
