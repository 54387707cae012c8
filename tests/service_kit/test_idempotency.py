"""A POST that is sent twice is done once, also when both run at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from db.engine import Database
from tests.service_kit.conftest import Pause

BODY = {"body": "once"}


def post(
    client: FlaskClient, key: str, body: object = BODY
) -> tuple[int, object, bool]:
    answer = client.post("/notes", json=body, headers={"Idempotency-Key": key})
    return answer.status_code, answer.json, "Idempotency-Replayed" in answer.headers


def notes_written(database: Database) -> int:
    with database.read_only() as connection:
        return connection.scalar(text("SELECT value FROM tickets.counters")) or 0


def test_a_repeated_post_replays_its_answer(
    client: FlaskClient, database: Database
) -> None:
    first = post(client, "k1")
    second = post(client, "k1")
    assert first == (201, {"value": 1}, False)
    assert second == (201, {"value": 1}, True)
    assert notes_written(database) == 1


def test_the_replay_keeps_the_location(client: FlaskClient) -> None:
    for _ in range(2):
        answer = client.post("/notes", json=BODY, headers={"Idempotency-Key": "k"})
        assert answer.headers["Location"] == "/notes/1"


def test_a_key_used_for_another_body_is_refused(client: FlaskClient) -> None:
    post(client, "k1")
    status, body, _ = post(client, "k1", {"body": "other"})
    assert status == 422
    assert isinstance(body, dict)
    assert body["code"] == "idempotency_key_reused"


def test_a_refused_post_does_not_use_up_its_key(
    client: FlaskClient, database: Database
) -> None:
    assert post(client, "k1", {"body": "refuse"})[0] == 422
    assert post(client, "k1")[0] == 201
    assert notes_written(database) == 1


def test_a_key_is_forgotten_after_a_day(
    client: FlaskClient, database: Database
) -> None:
    post(client, "k1")
    old = "UPDATE tickets.idempotency_keys SET created_at = now() - interval '25 hours'"
    with database.transaction() as connection:
        connection.execute(text(old))
    assert post(client, "k1", {"body": "other"}) == (201, {"value": 2}, False)


def test_a_second_request_while_the_first_runs_is_told_so(
    kit_app: Flask, database: Database, pause: Pause
) -> None:
    with ThreadPoolExecutor(1) as other:
        running = other.submit(post, kit_app.test_client(), "k1", {"body": "slow"})
        assert pause.reached.wait(5)
        status, body, _ = post(kit_app.test_client(), "k1", {"body": "slow"})
        pause.go_on.set()
        assert running.result(5)[0] == 201
    assert status == 409
    assert isinstance(body, dict)
    assert body["code"] == "idempotency_in_flight"
    assert notes_written(database) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"], ids=["empty", "long", "tab"])
def test_a_bad_key_is_refused(client: FlaskClient, key: str) -> None:
    assert post(client, key)[0] == 422
