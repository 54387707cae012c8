"""Analytics under test beside the tickets service, on one eventful history."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from analytics_service.app import create_app as create_analytics
from db.engine import Database
from service_kit.clock import utc_now
from tests.actors import add_person
from tests.analytics_service.histories import add_crews, add_histories
from tests.conftest import settings_for
from tickets_service.app import create_app as create_tickets

TICKETS = 400


@pytest.fixture(scope="session")
def analytics_app(database_url: str) -> Flask:
    return create_analytics(settings_for("analytics", database_url))


@pytest.fixture(scope="session")
def tickets_app(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("var")
    return create_tickets(settings_for("tickets", database_url, var_dir=folder))


@dataclass(frozen=True)
class Reader:
    """A person who asks both services."""

    analytics: FlaskClient
    tickets: FlaskClient
    headers: dict[str, str]

    def get(self, path: str, status: int = 200, **headers: str) -> Any:
        """Return what analytics answers."""
        response = self.analytics.get(
            f"/api/analytics{path}", headers=self.headers | headers
        )
        assert response.status_code == status, response.text
        return response.json if response.is_json else response.text

    def refused(self, path: str, status: int = 422) -> set[str]:
        """Return the names of the parameters that were refused."""
        response = self.analytics.get(f"/api/analytics{path}", headers=self.headers)
        assert response.status_code == status, response.text
        return set(response.get_json(force=True).get("errors", {}))

    def rows(self, url: str) -> list[Any]:
        """Return every row that a figure's tickets_url leads to."""
        found: list[Any] = []
        cursor = ""
        while True:
            split = urlsplit(f"{url}&limit=200{cursor}")
            response = self.tickets.get(
                f"{split.path}?{split.query}", headers=self.headers
            )
            assert response.status_code == 200, (url, response.text)
            answer = response.get_json()
            found += answer["items"]
            if answer["page"]["next"] is None:
                return found
            cursor = f"&cursor={answer['page']['next']}"


ReadAs = Callable[..., Reader]


@dataclass(frozen=True)
class World:
    """A database full of tickets, their teams, and when it was made."""

    owner: Database
    teams: dict[int, list[int]]
    now: datetime


@pytest.fixture(scope="module")
def world(module_database: Database) -> World:
    now = utc_now()
    teams = add_crews(module_database)
    add_histories(module_database, teams, TICKETS, now)
    return World(module_database, teams, now)


@pytest.fixture(scope="module")
def read_as(world: World, analytics_app: Flask, tickets_app: Flask) -> ReadAs:
    """Return a maker of readers: read_as("manager", zones=["Johor"])."""

    def made(role: str, **person: Any) -> Reader:
        who = add_person(world.owner, role, **person)
        return Reader(
            analytics_app.test_client(), tickets_app.test_client(), who.headers
        )

    return made


@pytest.fixture(scope="module")
def admin(read_as: ReadAs) -> Reader:
    return read_as("admin")
