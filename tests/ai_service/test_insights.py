"""Findings: each kind planted and found, quiet data silent, visibility kept."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from ai_service import actions
from db.ai import Insight
from service_kit.clock import utc_now
from tests.ai_service.conftest import World

Login = Callable[..., dict[str, str]]
TZ = "Asia/Kuala_Lumpur"


def sweep(world: World, now: datetime | None = None) -> list[str]:
    with world.database.transaction() as connection:
        found = actions.sweep_insights(connection, now or utc_now(), TZ)
    return [f.kind for f in found]


def shown(client: FlaskClient, headers: dict[str, str], query: str = "") -> Any:
    answer = client.get(f"/api/ai/insights{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.get_json()["items"]


def plant_risk(world: World) -> None:
    for _ in range(4):
        world.ticket(resolution_risk_at=utc_now() - timedelta(minutes=5))


def plant_stale(world: World) -> None:
    for _ in range(4):
        world.ticket(opened_at=utc_now() - timedelta(days=20))


def plant_overload(world: World) -> None:
    team_id = world.team("Full", daily_capacity_minutes=60)
    for _ in range(3):
        world.ticket(team_id=team_id, estimated_minutes=60)


def plant_idle(world: World) -> None:
    team_id = world.team("Free")
    world.user("technician", team_id=team_id)
    for _ in range(3):
        world.ticket()


def plant_anomaly(world: World) -> None:
    yesterday = utc_now() - timedelta(days=1)
    for week in range(1, 9):
        world.judged(0.5, opened_at=yesterday - timedelta(weeks=week))
    for _ in range(20):
        world.judged(0.5, opened_at=yesterday)


PLANTS = {
    "sla_risk": plant_risk,
    "stale_tickets": plant_stale,
    "overload": plant_overload,
    "idle_capacity": plant_idle,
    "anomaly": plant_anomaly,
}


@pytest.mark.parametrize("kind", PLANTS)
def test_a_planted_case_is_found_with_its_evidence(
    client: FlaskClient, world: World, as_role: Login, kind: str
) -> None:
    PLANTS[kind](world)
    assert sweep(world) == [kind]
    (item,) = shown(client, as_role("manager"))
    assert item["kind"] == kind
    assert set(item["evidence"]) == {"metric", "value", "expected", "window"}
    assert item["tickets_url"].startswith("/api/tickets?")
    assert all(item[name] for name in ("title", "text", "suggested_action"))


def test_quiet_data_has_no_findings(world: World) -> None:
    world.team("One")
    for k in range(1, 40):
        world.judged(0.5, opened_at=utc_now() - timedelta(days=k))
    world.ticket()
    assert sweep(world) == []


def test_a_finding_keeps_its_first_sight_until_it_goes(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    plant_stale(world)
    start = utc_now()
    headers = as_role("manager")
    sweep(world, start)
    sweep(world, start + timedelta(hours=1))
    (item,) = shown(client, headers)
    first, last = (
        datetime.fromisoformat(item[f"{k}_seen_at"]) for k in ("first", "last")
    )
    assert last - first == timedelta(hours=1)
    sweep(world, start - timedelta(days=10))  # then they were not yet stale
    assert shown(client, headers) == []
    sweep(world, start + timedelta(hours=2))
    (again,) = shown(client, headers)
    assert again["id"] == item["id"]
    assert again["first_seen_at"] != item["first_seen_at"]


def test_only_those_who_see_the_rows_see_the_finding(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    plant_stale(world)
    plant_overload(world)
    sweep(world)
    full = world.rows(Insight)
    team_id = next(row.team_id for row in full if row.kind == "overload")
    other = world.team("Other")
    seen = {
        "admin": shown(client, as_role("admin")),
        "viewer": shown(client, as_role("viewer")),
        "own zone": shown(client, as_role("dispatcher", zones=["Selangor"])),
        "other zone": shown(client, as_role("dispatcher", zones=["Johor"])),
        "own team": shown(client, as_role("technician", team_id=team_id)),
        "other team": shown(client, as_role("technician", team_id=other)),
        "requester": shown(client, as_role("requester")),
    }
    assert {who: len(items) for who, items in seen.items()} == {
        "admin": 2,
        "viewer": 2,
        "own zone": 2,
        "other zone": 0,
        "own team": 1,
        "other team": 0,
        "requester": 0,
    }


def test_a_dismissed_finding_is_put_aside(
    client: FlaskClient, world: World, as_role: Login
) -> None:
    plant_stale(world)
    sweep(world)
    headers = as_role("manager")
    (item,) = shown(client, headers)
    path = f"/api/ai/insights/{item['id']}/dismiss"
    assert client.post(path, headers=as_role("viewer")).status_code == 403
    foreign = as_role("dispatcher", zones=["Johor"])
    assert client.post(path, headers=foreign).status_code == 404
    assert client.post(path, headers=headers).status_code == 204
    sweep(world)
    assert shown(client, headers) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        pytest.param("?kind=weather", "kind", id="an unknown kind"),
        pytest.param("?zone=Atlantis", "zone", id="an unknown zone"),
        pytest.param("?colour=red", "colour", id="an unknown parameter"),
        pytest.param("?limit=0", "limit", id="no rows"),
    ],
)
def test_a_bad_filter_is_refused(
    client: FlaskClient, as_role: Login, query: str, field: str
) -> None:
    answer = client.get(f"/api/ai/insights{query}", headers=as_role("admin"))
    assert answer.status_code == 422
    assert any(name.startswith(field) for name in answer.get_json()["errors"])
