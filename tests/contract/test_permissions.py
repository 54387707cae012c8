"""docs/domain.md says what the system does: each call, each role, each scope."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from auth_service.schemas import SCOPES
from db.engine import Database
from db.vocabulary import Role
from tests.actors import Person, add_api_key, add_person, add_team
from tests.contract.matrix import ROLES, matrix_of, written_matrix
from tests.contract.services import Route

NO_SUCH_ID = "999999"
REFUSALS = ("forbidden", "insufficient_scope")


@dataclass(frozen=True, slots=True)
class World:
    """One person and one API key per role, and a client per service."""

    clients: dict[str, FlaskClient]
    people: dict[str, Person]
    keys: dict[str, dict[str, dict[str, str]]]  # role -> scope -> headers


@pytest.fixture(scope="module")
def world(module_database: Database, apps: dict[str, Flask]) -> World:
    team_id = add_team(module_database, "Selangor")
    people = {
        role: add_person(
            module_database, role, team_id if role == "technician" else None
        )
        for role in ROLES
    }
    add_person(module_database, "admin")  # so that none of them is the last
    keys = {
        role: {
            scope: add_api_key(module_database, person.user_id, [scope])
            for scope in SCOPES
        }
        for role, person in people.items()
    }
    for app in apps.values():
        app.extensions["token_reader"].forget()
    clients = {service: app.test_client() for service, app in apps.items()}
    return World(clients, people, keys)


def guarded(routes: list[Route]) -> Iterator[Route]:
    return (route for route in routes if route.roles is not None)


def call(world: World, route: Route, headers: dict[str, str]) -> TestResponse:
    """Ask for what is not there, with nothing sent: only the guard can refuse."""
    path = "/".join(
        NO_SUCH_ID if part.startswith("<") else part for part in route.path.split("/")
    )
    body: Any = None if route.method in ("GET", "DELETE") else {}
    # A stream would wait for events; what is asked wrongly ends at once.
    query = "?no_such_parameter=1" if route.path.endswith("/stream") else ""
    client = world.clients[route.service]
    return client.open(
        f"{path}{query}",
        method=route.method,
        json=body,
        headers=headers,
        buffered=True,  # a stream is read to its end and gives its place back
    )


def refused(answer: TestResponse) -> str | None:
    """Return the code of a refusal by the guard, None if it let the call through."""
    if answer.status_code != 403 or answer.json is None:
        return None
    code = str(answer.json["code"])
    return code if code in REFUSALS else None


def test_the_page_says_what_the_guards_say(routes: list[Route]) -> None:
    written, live = written_matrix(), matrix_of(routes)
    assert written == live, "look at it, then: python -m tests.contract.matrix"


def test_every_role_is_let_in_and_refused_as_the_page_says(
    world: World, routes: list[Route]
) -> None:
    written = written_matrix()
    wrong: dict[str, list[str]] = defaultdict(list)
    for route in guarded(routes):
        for role in ROLES:
            if route.path == "/api/auth/logout":
                continue  # it would end the session that the rest needs
            answer = call(world, route, world.people[role].headers)
            may = role in written[route.name][1]
            if (refused(answer) is None) is not may:
                wrong[route.name].append(f"{role}: {answer.status_code}")
            if answer.status_code >= 500:
                wrong[route.name].append(f"{role}: {answer.status_code}")
    assert wrong == {}


def test_nobody_gets_in_without_a_token(world: World, routes: list[Route]) -> None:
    answers = {
        route.name: call(world, route, {}).status_code for route in guarded(routes)
    }
    assert {name: status for name, status in answers.items() if status != 401} == {}


def test_a_key_opens_what_its_scope_names_and_nothing_else(
    world: World, routes: list[Route]
) -> None:
    wrong: list[str] = []
    for route in guarded(routes):
        role = Role.ADMIN.value if Role.ADMIN in (route.roles or ()) else None
        role = role or next(iter(route.roles or ()))
        for scope, headers in world.keys[role].items():
            answer = call(world, route, headers)
            opens = refused(answer) is None
            if opens is not (scope == route.scope):
                wrong.append(f"{route.name} with {scope}: {answer.status_code}")
    assert wrong == []


def test_every_scope_that_a_call_needs_can_be_given(routes: list[Route]) -> None:
    needed = {route.scope for route in guarded(routes)}
    assert needed <= set(SCOPES)
