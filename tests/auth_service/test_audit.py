"""The audit names what happened, holds no secret, and cannot be changed."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.engine import Database
from tests.actors import Person, bearer
from tests.auth_service.conftest import PASSWORD, Client, log_in


def events(client: Client, admin: Person, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"/api/auth/audit{query}", headers=admin.headers)
    assert answer.status_code == 200, answer.json
    items: list[dict[str, Any]] = answer.json["items"]
    return items


def test_what_happens_to_an_account_is_noted_newest_first(
    client: Client, admin: Person, aisyah: Person
) -> None:
    log_in(client, "aisyah", "wrong")
    tokens = log_in(client, "aisyah").json
    client.post("/api/auth/logout", headers=bearer(tokens["access_token"]))
    path = f"/api/auth/users/{aisyah.user_id}"
    client.patch(
        path, json={"role": "manager", "full_name": "A"}, headers=admin.headers
    )
    client.delete(path, headers=admin.headers)
    found = events(client, admin, f"?user_id={aisyah.user_id}")
    assert [event["kind"] for event in found] == [
        "user_deactivated",
        "user_changed",
        "role_changed",
        "logged_out",
        "logged_in",
        "login_failed",
    ]
    assert found[2]["details"] == {"from": "dispatcher", "to": "manager"}
    assert found[2]["actor_id"] == admin.user_id
    assert found[1]["details"] == {"fields": ["full_name"]}


def test_an_event_says_from_where_and_by_which_request(
    client: Client, admin: Person, aisyah: Person
) -> None:
    body = {"username": "aisyah", "password": PASSWORD}
    headers = {
        "X-Forwarded-For": "203.0.113.9",
        "User-Agent": "Telephone/1.0",
        "X-Request-Id": "req-1234",
    }
    client.post("/api/auth/login", json=body, headers=headers)
    event = events(client, admin, "?kind=logged_in")[0]
    assert event["address"] == "203.0.113.9"
    assert event["device"] == "Telephone/1.0"
    assert event["request_id"] == "req-1234"


def test_it_is_filtered_by_kind_actor_and_time(
    client: Client, admin: Person, aisyah: Person
) -> None:
    log_in(client, "aisyah", "wrong")
    log_in(client, "aisyah")
    kinds = "?kind=logged_in,login_failed"
    assert len(events(client, admin, kinds)) == 2
    assert len(events(client, admin, f"?actor_id={aisyah.user_id}")) == 1
    assert events(client, admin, "?created_from=2199-01-01T00:00:00Z") == []
    assert events(client, admin, "?created_to=2000-01-01T00:00:00Z") == []
    page = client.get("/api/auth/audit?limit=1", headers=admin.headers).json
    second = f"?limit=1&cursor={page['page']['next']}"
    assert events(client, admin, second)[0]["kind"] == "login_failed"


@pytest.mark.parametrize(
    "query", ["kind=tea", "user_id=x", "user_id=0", "created_from=yesterday", "who=me"]
)
def test_an_unknown_filter_is_refused(
    client: Client, admin: Person, query: str
) -> None:
    answer = client.get(f"/api/auth/audit?{query}", headers=admin.headers)
    assert answer.status_code == 422


def test_it_keeps_no_password_not_even_one_typed_as_a_name(
    client: Client, aisyah: Person, database: Database
) -> None:
    log_in(client, "my-secret-passphrase", PASSWORD)
    log_in(client, "aisyah")
    with database.read_only() as connection:
        rows = str(connection.execute(text("SELECT * FROM auth.audit_events")).all())
        failures = connection.execute(text("SELECT * FROM auth.login_failures")).all()
    assert "my-secret-passphrase" not in rows + str(failures)
    assert PASSWORD not in rows


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE auth.audit_events SET kind = 'nothing'",
        "DELETE FROM auth.audit_events",
    ],
)
def test_nobody_changes_it_not_even_the_owner(
    client: Client, aisyah: Person, database: Database, statement: str
) -> None:
    log_in(client, "aisyah")
    with (
        pytest.raises(DBAPIError, match="append-only"),
        database.transaction() as connection,
    ):
        connection.execute(text(statement))
