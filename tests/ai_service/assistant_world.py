"""A running system with an assistant in it, shared by the assistant's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from db.engine import Database
from tests.actors import token_for
from tests.ai_service.conftest import World
from tests.ai_service.gateway import AI, TICKETS, running_gateway

Headers = dict[str, str]


class Chat:
    """One conversation of one user."""

    def __init__(self, client: FlaskClient, headers: Headers) -> None:
        self.client = client
        self.headers = headers
        self.conversation_id: int | None = None

    def post(self, body: dict[str, Any]) -> Any:
        if self.conversation_id is not None:
            body = {"conversation_id": self.conversation_id, **body}
        return self.client.post("/api/ai/chat", json=body, headers=self.headers)

    def say(self, message: str, **more: Any) -> Any:
        """Send a message; return the answer."""
        response = self.post({"message": message, **more})
        assert response.status_code == 200, response.text
        answer = response.get_json()
        self.conversation_id = answer["conversation_id"]
        return answer

    def confirm(self, token: str) -> Any:
        response = self.post({"confirm": token})
        assert response.status_code == 200, response.text
        return response.get_json()


class System:
    """The services and a few tickets in them."""

    def __init__(self, database: Database, apps: Any) -> None:
        self.world = World(database)
        self.apps = apps
        self.tickets = apps[TICKETS].test_client()
        self.ai = apps[AI].test_client()

    def login(self, role: str, **changes: Any) -> Headers:
        return token_for(self.world.database, role, **changes)

    def chat(self, role: str, **changes: Any) -> Chat:
        return Chat(self.ai, self.login(role, **changes))

    def ticket(self, headers: Headers, **changes: Any) -> Any:
        values = {"title": "No internet", "category": "repair", "zone": "Selangor"}
        made = self.tickets.post("/api/tickets", json=values | changes, headers=headers)
        assert made.status_code == 201, made.text
        return made.get_json()

    def get(self, path: str, headers: Headers) -> Any:
        return self.tickets.get(path, headers=headers).get_json()


@pytest.fixture(scope="session")
def running_apps(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    var_dir: Path = tmp_path_factory.mktemp("var")
    with running_gateway(database_url, var_dir=var_dir) as apps:
        yield apps


@pytest.fixture
def system(database: Database, running_apps: Any) -> Callable[[], System]:
    return lambda: System(database, running_apps)
