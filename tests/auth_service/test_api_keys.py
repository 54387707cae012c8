"""API keys: shown once, scoped, ended; and what a program may not do."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from db.engine import Database
from service_kit.clock import utc_now
from tests.actors import Person, bearer
from tests.auth_service.conftest import Client


def add_key(client: Client, person: Person, **changes: Any) -> Any:
    body = {"label": "export", "scopes": ["auth:read"]} | changes
    return client.post("/api/auth/api-keys", json=body, headers=person.headers)


def test_a_key_is_shown_once_and_stored_as_a_hash(
    client: Client, aisyah: Person, database: Database
) -> None:
    made = add_key(client, aisyah)
    assert made.status_code == 201
    key = made.json["key"]
    assert key.startswith("aiff_")
    assert made.headers["Cache-Control"] == "no-store"
    listed = client.get("/api/auth/api-keys", headers=aisyah.headers)
    assert listed.json["items"] == [
        {name: value for name, value in made.json.items() if name != "key"}
    ]
    assert key not in listed.text
    with database.read_only() as connection:
        rows = connection.execute(text("SELECT * FROM auth.api_keys")).all()
        events = connection.execute(text("SELECT * FROM auth.audit_events")).all()
    assert key not in str(rows) + str(events)


def test_a_key_says_who_its_owner_is_and_remembers_its_use(
    client: Client, aisyah: Person
) -> None:
    key = bearer(add_key(client, aisyah).json["key"])
    assert client.get("/api/auth/me", headers=key).json["id"] == aisyah.user_id
    assert client.get("/internal/verify", headers=key).status_code == 204
    listed = client.get("/api/auth/api-keys", headers=aisyah.headers)
    assert listed.json["items"][0]["last_used_at"]


def test_the_use_of_a_key_is_written_once_a_minute(
    client: Client, aisyah: Person, database: Database
) -> None:
    key = bearer(add_key(client, aisyah).json["key"])

    def last_used() -> Any:
        with database.read_only() as connection:
            return connection.scalar(text("SELECT last_used_at FROM auth.api_keys"))

    client.get("/internal/verify", headers=key)
    first = last_used()
    client.get("/internal/verify", headers=key)
    assert last_used() == first
    client.application.extensions["touched_keys"].clear()  # as another process
    client.get("/internal/verify", headers=key)
    assert last_used() == first
    with database.transaction() as connection:
        connection.execute(
            text("UPDATE auth.api_keys SET last_used_at = now() - interval '2 min'")
        )
    client.application.extensions["touched_keys"].clear()
    client.get("/internal/verify", headers=key)
    assert last_used() > first


def test_an_ended_or_expired_key_is_worth_nothing(
    client: Client, aisyah: Person, database: Database
) -> None:
    ended = add_key(client, aisyah).json
    path = f"/api/auth/api-keys/{ended['id']}"
    assert client.delete(path, headers=aisyah.headers).status_code == 204
    assert client.delete(path, headers=aisyah.headers).status_code == 404
    soon = (utc_now() + timedelta(hours=1)).isoformat()
    expiring = add_key(client, aisyah, expires_at=soon).json
    assert (
        client.get("/api/auth/me", headers=bearer(expiring["key"])).status_code == 200
    )
    with database.transaction() as connection:
        connection.execute(text("UPDATE auth.api_keys SET expires_at = now()"))
    for key in (ended, expiring):
        answer = client.get("/api/auth/me", headers=bearer(key["key"]))
        assert answer.status_code == 401


def test_a_key_may_no_more_than_its_scopes(client: Client, aisyah: Person) -> None:
    key = bearer(add_key(client, aisyah, scopes=["tickets:read"]).json["key"])
    answer = client.get("/api/auth/teams", headers=key)
    assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/api/auth/api-keys", {"label": "x", "scopes": ["auth:write"]}),
        ("get", "/api/auth/api-keys", None),
        ("post", "/api/auth/password", {"old_password": "x", "new_password": "y"}),
        ("post", "/api/auth/logout?everywhere=true", None),
        ("get", "/api/auth/sessions", None),
        ("patch", "/api/auth/me", {"email": "thief@example.com"}),
        ("post", "/api/auth/second-factor", {"password": "x"}),
    ],
)
def test_a_program_does_not_touch_the_ways_in(
    client: Client, aisyah: Person, method: str, path: str, body: Any
) -> None:
    key = add_key(client, aisyah, scopes=["auth:read", "auth:write"]).json["key"]
    answer = client.open(path, method=method.upper(), json=body, headers=bearer(key))
    assert (answer.status_code, answer.json["code"]) == (403, "session_required")


def test_nobody_ends_the_key_of_another_but_an_admin(
    client: Client, aisyah: Person, admin: Person, database: Database
) -> None:
    mine = add_key(client, admin).json["id"]
    path = f"/api/auth/api-keys/{mine}"
    assert client.delete(path, headers=aisyah.headers).status_code == 404
    hers = add_key(client, aisyah).json["id"]
    path = f"/api/auth/api-keys/{hers}"
    assert client.delete(path, headers=admin.headers).status_code == 204


@pytest.mark.parametrize(
    "changes",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"scopes": "tickets:read"},
        {"label": ""},
        {"label": "x" * 101},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "tomorrow"},
        {"expires_at": "9999-12-31T23:59:59Z"},
        {"user_id": 1},
    ],
)
def test_what_a_key_cannot_be_is_refused(
    client: Client, aisyah: Person, changes: dict[str, Any]
) -> None:
    assert add_key(client, aisyah, **changes).status_code == 422
