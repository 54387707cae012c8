"""A write is in the figures at once, before it is folded and after; and digests."""

from typing import Any

import pytest
from flask import Flask

from analytics_service import duration_queries
from db.engine import Database
from service_kit.clock import utc_now
from tests.actors import add_person, add_team
from tests.analytics_service.conftest import Reader
from tests.analytics_service.histories import add_crews, add_histories
from tickets_service.fold import fold_deltas

PATHS = (
    "/performance?by=team&compare=previous",
    "/performance?by=zone",
    "/zones",
    "/aging",
    "/sla",
    "/trends?metric=backlog",
    "/trends?metric=resolution_minutes&granularity=week",
)


@pytest.fixture
def reader(database: Database, analytics_app: Flask, tickets_app: Flask) -> Reader:
    who = add_person(database, "admin")
    return Reader(analytics_app.test_client(), tickets_app.test_client(), who.headers)


def write(reader: Reader, method: str, path: str, body: dict[str, Any]) -> Any:
    response = reader.tickets.open(
        f"/api{path}", method=method, json=body, headers=reader.headers
    )
    assert response.status_code < 300, response.text
    return response.get_json()


def live_through_the_api(reader: Reader, team_id: int) -> None:
    for priority in ("urgent", "high", "low"):
        new = {"title": "A fault", "zone": "Johor", "category": "repair"}
        ticket = write(reader, "POST", "/tickets", {**new, "priority": priority})
        offer = {"team_id": team_id}
        visit = write(reader, "POST", f"/tickets/{ticket['id']}/assignments", offer)
        for status in ("accepted", "on_site", "done"):
            change = {"status": status, "evidence": {"note": "x"}}
            if priority != "low" or status == "accepted":
                path = f"/assignments/{visit['id']}"
                write(
                    reader,
                    "PATCH",
                    path,
                    change if status == "done" else {"status": status},
                )


def answers(reader: Reader) -> list[Any]:
    found = [reader.get(path) for path in PATHS]
    for answer in found:
        for part in (answer, answer.get("previous") or {}):
            part.pop("as_of", None)
    return found


def test_a_write_is_counted_at_once_and_the_same_when_it_is_folded(
    database: Database, reader: Reader
) -> None:
    team_id = add_team(database, "Johor")
    live_through_the_api(reader, team_id)
    fresh = answers(reader)
    assert fresh[0]["overall"]["created"]["value"] == 3
    assert fresh[0]["overall"]["completed"]["value"] == 2
    with database.transaction() as connection:
        assert fold_deltas(connection) > 0
    for path, folded, written in zip(PATHS, answers(reader), fresh, strict=True):
        assert folded == written, path


def test_percentiles_of_many_are_within_one_per_cent(
    database: Database, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    teams = add_crews(database)
    add_histories(database, teams, 400, utc_now(), days=40)
    live_through_the_api(reader, min(teams))
    exact = reader.get("/performance?by=team")
    monkeypatch.setattr(duration_queries, "EXACT_ROWS", 0)
    for folded in (False, True):
        if folded:
            with database.transaction() as connection:
                fold_deltas(connection)
        binned = reader.get("/performance?by=team")
        pairs = zip(
            [exact["overall"], *exact["groups"]],
            [binned["overall"], *binned["groups"]],
            strict=True,
        )
        for one, other in pairs:
            for key, figure in one.items():
                if key.endswith("_minutes"):
                    assert other[key]["n"] == figure["n"]
                    close = figure["value"] and pytest.approx(
                        figure["value"], rel=0.0101
                    )
                    assert other[key]["value"] == close
    assert exact["overall"]["completed"]["n"] > 10
