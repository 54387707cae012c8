"""Rows and callers for the AI service's tests, arranged straight in the database."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from ai_service.app import create_app
from db.auth import Team
from db.engine import Database
from db.tickets import Assignment, Ticket
from service_kit.clock import utc_now
from tests.actors import add_person, token_for
from tests.conftest import settings_for

SHAH_ALAM = (3.07, 101.52)

Headers = dict[str, str]


@pytest.fixture(scope="session")
def ai_app(database_url: str) -> Flask:
    return create_app(settings_for("ai", database_url))


@pytest.fixture
def client(ai_app: Flask, database: Database) -> FlaskClient:
    return ai_app.test_client()


class World:
    """Adds rows with sensible values; each method returns the new row's id."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.last_ticket = 0

    def one(self, table: Any, values: dict[str, Any]) -> int:
        with self.database.transaction() as connection:
            new = insert(table).values(**values).returning(table.id)
            return int(connection.execute(new).scalar_one())

    def team(self, name: str, zone: str = "Selangor", **changes: Any) -> int:
        lat, lon = SHAH_ALAM
        values: dict[str, Any] = {
            "name": name,
            "zone": zone,
            "skills": {"ftth_repair": 2, "ftth_install": 2},
            "base_lat": lat,
            "base_lon": lon,
            "shift_start": time(0, 0),
            "shift_end": time(23, 59),
        }
        return self.one(Team, values | changes)

    def user(self, role: str, **changes: Any) -> int:
        return add_person(self.database, role, **changes).user_id

    def ticket(self, **changes: Any) -> int:
        self.last_ticket += 1
        now = utc_now()
        opened = changes.pop("opened_at", now - timedelta(hours=1))
        lat, lon = SHAH_ALAM
        values: dict[str, Any] = {
            "id": self.last_ticket,
            "title": "No signal at home",
            "status": "open",
            "priority": "medium",
            "category": "repair",
            "zone": "Selangor",
            "lat": lat + 0.05,
            "lon": lon,
            "created_by": 999,
            "created_at": opened,
            "updated_at": opened,
            "opened_at": opened,
            "resolution_target_s": 57_600,
            "resolution_due_at": now + timedelta(days=2),
            "resolution_risk_at": now + timedelta(days=1),
        }
        if "memo" in Ticket.__table__.columns:
            values["memo"] = {}
        return self.one(Ticket, values | changes)

    def judged(self, used: float, **changes: Any) -> int:
        """Add a finished ticket that took `used` of its promised 16 hours."""
        opened = changes.pop("opened_at", datetime(2026, 9, 1, tzinfo=UTC))
        values: dict[str, Any] = {
            "status": "closed",
            "opened_at": opened,
            "completed_at": opened + timedelta(hours=16 * used),
            "resolution_due_at": opened + timedelta(hours=16),
            "resolution_elapsed_s": int(57_600 * used),
            "resolution_verdict": "missed" if used > 1 else "met",
        }
        return self.ticket(**(values | changes))

    def visit(self, ticket_id: int, team_id: int, **changes: Any) -> int:
        now = utc_now()
        values = {
            "ticket_id": ticket_id,
            "team_id": team_id,
            "status": "done",
            "created_by": 999,
            "offered_at": now,
            "updated_at": now,
        }
        return self.one(Assignment, values | changes)

    def rows(self, table: Any) -> list[Any]:
        with self.database.read_only() as connection:
            return list(connection.execute(select(table).order_by(table.id)).all())


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def as_role(world: World) -> Callable[..., Headers]:
    """Return a function: role and user fields in, headers of a fresh login out."""

    def headers(role: str, **changes: Any) -> Headers:
        return token_for(world.database, role, **changes)

    return headers
