"""A small service of the tests' own, built by the kit like every other."""

import threading
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from flask_smorest import Blueprint
from marshmallow import fields
from sqlalchemy import text

from db.engine import Database
from db.tickets import idempotency_keys
from service_kit.answers import json_response
from service_kit.app import build_app
from service_kit.auth import public
from service_kit.database import read_only, transaction
from service_kit.errors import Invalid
from service_kit.etags import check_if_match, etag, tagged
from service_kit.schemas import Id, Instant, Schema, Text
from tests.conftest import settings_for


class NoteSchema(Schema):
    body = Text(100, low=1, required=True)
    at = Instant()
    number = Id()


class QuerySchema(Schema):
    size = fields.Integer()


class Pause:
    """Lets a test hold a request in the middle of its work."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()


def notes_blueprint(pause: Pause) -> Blueprint:
    blueprint = Blueprint("notes", __name__, url_prefix="/notes")
    add_writes(blueprint, pause)
    add_reads(blueprint)
    add_failures(blueprint)
    return blueprint


def add_writes(blueprint: Blueprint, pause: Pause) -> None:
    @blueprint.post("")
    @public
    @blueprint.arguments(NoteSchema)
    def add_note(note: dict[str, Any]) -> Response:
        """Add a note."""
        if note["body"] == "refuse":
            raise Invalid({"body": "is refused"})
        with transaction() as connection:
            new = "UPDATE tickets.counters SET value = value + 1 RETURNING value"
            value = connection.scalar(text(new))
            if note["body"] == "slow":
                pause.reached.set()
                pause.go_on.wait(5)
        return json_response({"value": value}, 201, {"Location": f"/notes/{value}"})

    @blueprint.patch("/one")
    @public
    @blueprint.arguments(NoteSchema)
    def change_note(_: dict[str, Any]) -> Response:
        """Change a tagged note."""
        check_if_match(3)
        return json_response({})


def add_reads(blueprint: Blueprint) -> None:
    @blueprint.get("")
    @public
    @blueprint.arguments(QuerySchema, location="query")
    def list_notes(query: dict[str, Any]) -> Response:
        """Answer the query."""
        return json_response(query)

    @blueprint.get("/one")
    @public
    def get_note() -> Response:
        """Answer a tagged note."""
        return tagged(json_response({"version": 3}), etag(3, "ok"))


def add_failures(blueprint: Blueprint) -> None:
    @blueprint.get("/write")
    @public
    def write_in_a_get() -> Response:
        """Try to write where only reading is allowed."""
        with read_only() as connection:
            connection.execute(text("UPDATE tickets.counters SET value = 0"))
        return json_response({})

    @blueprint.get("/crash")
    @public
    def crash() -> Response:
        """Fail in a way that nobody foresaw."""
        raise RuntimeError("a secret of the house")

    @blueprint.get("/closed")
    def closed() -> Response:
        """Answer those with a token."""
        return json_response({})


@pytest.fixture(scope="session")
def pause() -> Pause:
    return Pause()


@pytest.fixture(scope="session")
def kit_app(database_url: str, pause: Pause) -> Flask:
    settings = settings_for("tickets", database_url, max_body_bytes=10_000)
    return build_app(settings, idempotency_keys, notes_blueprint(pause))


@pytest.fixture
def client(kit_app: Flask, database: Database) -> FlaskClient:
    return kit_app.test_client()
