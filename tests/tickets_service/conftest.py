"""The tickets service under test, and a client per role."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from db.engine import Database
from tests.actors import add_person, add_team
from tests.conftest import settings_for
from tickets_service.app import create_app

LEAK = {
    "title": "No light on the ONT",
    "category": "repair",
    "zone": "Selangor",
    "priority": "high",
}


@pytest.fixture(scope="session")
def tickets_app(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("var")
    return create_app(settings_for("tickets", database_url, var_dir=folder))


class Caller:
    """A person who calls the API; keeps nothing but their token."""

    def __init__(
        self, client: FlaskClient, headers: dict[str, str], user_id: int
    ) -> None:
        self.client = client
        self.headers = headers
        self.user_id = user_id

    def call(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = self.headers | more.pop("headers", {})
        return self.client.open(f"/api{path}", method=method, headers=headers, **more)

    def get(self, path: str, status: int = 200, **more: Any) -> Any:
        return self.expect(status, self.call("GET", path, **more))

    def post(self, path: str, body: Any = None, status: int = 201, **more: Any) -> Any:
        return self.expect(status, self.call("POST", path, json=body or {}, **more))

    def patch(self, path: str, body: Any, status: int = 200, **more: Any) -> Any:
        return self.expect(status, self.call("PATCH", path, json=body, **more))

    def expect(self, status: int, response: TestResponse) -> Any:
        assert response.status_code == status, response.text
        return response.json if response.data else None

    def open_ticket(self, **changes: Any) -> Any:
        return self.post("/tickets", LEAK | changes)

    def move(self, ticket: Any, action: str, status: int = 200, **more: Any) -> Any:
        path = f"/tickets/{ticket['id']}/transitions"
        return self.post(path, {"action": action, **more}, status)


As = Callable[..., Caller]


@pytest.fixture
def as_role(tickets_app: Flask, database: Database) -> As:
    """Return a maker of callers: as_role("technician", team_id=3)."""

    def made(role: str, team_id: int | None = None, **user: Any) -> Caller:
        person = add_person(database, role, team_id, **user)
        return Caller(tickets_app.test_client(), person.headers, person.user_id)

    return made


@pytest.fixture
def team_id(database: Database) -> int:
    return add_team(database, "Selangor")


@pytest.fixture
def dispatcher(as_role: As) -> Caller:
    return as_role("dispatcher")


@pytest.fixture
def technician(as_role: As, team_id: int) -> Caller:
    return as_role("technician", team_id)


@pytest.fixture
def requester(as_role: As) -> Caller:
    return as_role("requester")


@pytest.fixture
def viewer(as_role: As) -> Caller:
    return as_role("viewer")


@pytest.fixture
def admin(as_role: As) -> Caller:
    return as_role("admin")
