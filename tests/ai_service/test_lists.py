"""SLA risk, similar tickets and models through the HTTP face."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from ai_service import actions
from ai_service.jobs import JOBS
from db.ai import Conversation, Model
from db.engine import Database
from service_kit.clock import utc_now
from service_kit.worker import JobContext
from tests.ai_service.conftest import World
from tests.conftest import settings_for

Login = Callable[..., dict[str, str]]


def get(client: FlaskClient, path: str, headers: dict[str, str]) -> Any:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json


def train(world: World) -> None:
    with world.database.transaction() as connection:
        actions.train_models(connection, utc_now())


def test_the_riskiest_ticket_comes_first_with_factors_that_add_up(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    for k in range(80):
        world.judged(1.5 if k % 4 == 0 else 0.1 + k / 100)
    train(world)
    calm = world.ticket()
    now = utc_now()
    risky = world.ticket(
        opened_at=now - timedelta(hours=10),
        resolution_risk_at=now - timedelta(hours=1),
        resolution_due_at=now + timedelta(hours=1),
    )
    late = world.ticket(resolution_due_at=now - timedelta(hours=1), breached_at=now)
    found = get(client, "/api/ai/sla-risk", as_role("manager"))
    assert [i["ticket_id"] for i in found["items"]] == [late, risky, calm]
    assert found["items"][0]["breached"] is True
    assert found["items"][0]["breach_probability"] == 1.0
    item = found["items"][1]
    effects = [f["effect"] for f in item["factors"]]
    assert sum(effects) == pytest.approx(item["breach_probability"], abs=5e-4)
    assert item["what_would_help"][0]["code"] == "assign_team"


def test_sla_risk_is_narrowed_by_each_filter(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    now, team_id = utc_now(), world.team("One")
    mine = world.ticket(team_id=team_id, priority="high")
    far = world.ticket(zone="Johor")
    late = world.ticket(resolution_due_at=now - timedelta(hours=1))
    headers = as_role("viewer")
    wanted = {
        f"team_id={team_id}": {mine},
        "priority=high,urgent": {mine},
        "zone=Johor": {far},
        "breached=true": {late},
        "breached=false": {mine, far},
        "window_hours=3": {late},
    }
    for query, ids in wanted.items():
        found = get(client, f"/api/ai/sla-risk?{query}", headers)
        assert {i["ticket_id"] for i in found["items"]} == ids, query


def test_each_role_sees_the_risk_of_its_own_tickets_only(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    team_id = world.team("One")
    ours = world.ticket(team_id=team_id)
    world.ticket()
    user = as_role("technician", team_id=team_id)
    found = get(client, "/api/ai/sla-risk", user)
    assert [i["ticket_id"] for i in found["items"]] == [ours]
    assert get(client, "/api/ai/sla-risk", as_role("requester"))["items"] == []


def test_similar_tickets_are_ended_ones_with_how_they_ended(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    past = world.judged(
        0.5, title="Fibre cut by rodent near the pole", resolution_code="spliced"
    )
    world.judged(0.5, title="Install new line for an office")
    asked = world.ticket(title="Rodent bit the fibre at the pole")
    headers = as_role("manager")
    found = get(client, f"/api/ai/similar?ticket_id={asked}", headers)
    assert found["items"][0]["ticket_id"] == past
    assert found["items"][0]["resolution_code"] == "spliced"
    by_text = get(client, "/api/ai/similar?text=rodent fibre pole", headers)
    assert by_text["items"][0]["ticket_id"] == past
    assert by_text["summary"]["by_resolution"] == {"spliced": 1}
    assert get(client, "/api/ai/similar?text=zzzz qqqq", headers)["items"] == []


def test_similar_shows_nobody_a_ticket_of_others(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    world.judged(0.5, title="Fibre cut by rodent")
    found = get(client, "/api/ai/similar?text=fibre cut", as_role("requester"))
    assert found["items"] == []
    hidden = client.get("/api/ai/similar?ticket_id=1", headers=as_role("requester"))
    assert hidden.status_code == 404


@pytest.mark.parametrize(
    "query", ["", "?ticket_id=1&text=x", "?ticket_id=abc", "?text=x&limit=99", "?x=1"]
)
def test_a_bad_question_for_similar_tickets_is_refused(
    client: FlaskClient, as_role: Login, query: str
) -> None:
    answer = client.get(f"/api/ai/similar{query}", headers=as_role("admin"))
    assert answer.status_code == 422


def test_models_are_listed_with_figures_beside_their_baseline(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    headers = as_role("viewer")
    assert get(client, "/api/ai/models", headers)["items"] == []
    team_id = world.team("One")
    now = utc_now()
    for k in range(60):
        past = world.judged(
            1.5 if k % 3 == 0 else 0.5, priority="low" if k % 3 else "high"
        )
        world.visit(
            past, team_id, on_site_at=now, finished_at=now + timedelta(minutes=30 + k)
        )
    train(world)
    found = get(client, "/api/ai/models", headers)["items"]
    assert [m["name"] for m in found] == ["breach_rate_table", "visit_minutes_table"]
    assert found[0]["hold_out"]["brier"] < found[0]["baseline"]["brier"]
    assert found[0]["rows"] == 60


def test_training_twice_on_the_same_rows_stores_one_model(world: World) -> None:
    for _ in range(60):
        world.judged(0.5)
    train(world)
    train(world)
    assert len(world.rows(Model)) == 1


@pytest.mark.parametrize("path", ["sla-risk", "insights", "similar?text=x", "models"])
def test_a_stranger_is_asked_for_a_token(client: FlaskClient, path: str) -> None:
    assert client.get(f"/api/ai/{path}").status_code == 401


def test_conversations_are_forgotten_after_ninety_days(world: World) -> None:
    now = utc_now()
    user_id = world.user("manager")
    for days in (91, 10):
        touched = {"user_id": user_id, "updated_at": now - timedelta(days=days)}
        world.one(Conversation, touched)
    with world.database.transaction() as connection:
        assert actions.forget_old_talk(connection, now) == 1
    assert len(world.rows(Conversation)) == 1


def test_every_job_of_the_service_runs(
    world: World, database_url: str, tmp_path: Path
) -> None:
    settings = settings_for("ai", database_url, var_dir=tmp_path)
    role_of_the_service = Database.at(database_url, role=settings.role)
    context = JobContext(role_of_the_service, settings, threading.Event())
    world.judged(0.5)
    for job in JOBS:
        job.run(context)
    role_of_the_service.close()
    assert list((tmp_path / "models").glob("intents-*.npz"))
