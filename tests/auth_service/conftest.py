"""An auth service for tests, and ways to log in to it."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from auth_service.app import create_app
from auth_service.passwords import Hasher
from auth_service.preferences import Preferences
from db.engine import Database
from tests.actors import Person, add_person
from tests.conftest import settings_for

PASSWORD = "a fine long password"

# A FlaskClient, whose answers' `json` is whatever the test says it is.
Client = Any


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Return the hash of PASSWORD, made once."""
    return Hasher().hash(PASSWORD)


@pytest.fixture
def app(database: Database, database_url: str, tmp_path: Path) -> Flask:
    return new_app(database_url, tmp_path)


@pytest.fixture
def client(app: Flask) -> Client:
    return app.test_client()


@pytest.fixture
def admin(database: Database) -> Person:
    return add_person(database, "admin", username="boss")


@pytest.fixture
def aisyah(database: Database, password_hash: str) -> Person:
    """Return a dispatcher who knows PASSWORD."""
    return add_person(
        database, "dispatcher", username="aisyah", password_hash=password_hash
    )


def new_app(url: str, folder: Path, **preferences: Any) -> Flask:
    settings = settings_for("auth", url, var_dir=folder)
    return create_app(settings, Preferences(**preferences))


def log_in(client: Client, username: str, password: str = PASSWORD, **more: str) -> Any:
    """Return the response to a login."""
    body = {"username": username, "password": password, **more}
    return client.post("/api/auth/login", json=body)
