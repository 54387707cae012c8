"""Rules that hold for every route of every service."""

import re

import pytest
from flask import Flask

from tests.contract.services import SERVICES, Route

# Every route that anyone may call, and why.
PUBLIC = {
    "/health": "asked by supervisors and the gateway",
    "/ready": "asked by supervisors and the gateway",
    "/metrics": "asked by Prometheus; not through the gateway",
    "/internal/verify": "the gateway's question about a token; not through it",
    "/.well-known/jwks.json": "public halves of keys",
    "/api/auth/register": "makes the first account of a person",
    "/api/auth/login": "where tokens come from",
    "/api/auth/refresh": "shows a refresh token instead",
    "/api/auth/password/forgot": "for who cannot log in",
    "/api/auth/password/reset": "shows a mailed token instead",
}
PATHS = {
    "auth": r"/api/auth/.+|/\.well-known/jwks\.json|/internal/verify",
    "tickets": r"/api/(?!auth|analytics|ai|docs|openapi).+",
    "analytics": r"/api/analytics/.+",
    "ai": r"/api/(ai/.+|openapi\.json|openapi\.yaml|postman\.json|docs(/.+)?)",
}
OF_ALL = r"/(health|ready|metrics)"


def test_every_route_is_public_on_purpose_or_names_its_roles(
    routes: list[Route],
) -> None:
    open_ = {route.path for route in routes if route.is_public}
    assert open_ <= set(PUBLIC)
    unguarded = {
        route.name for route in routes if not route.is_public and route.roles is None
    }
    assert unguarded == set()


def test_no_route_is_public_and_guarded(routes: list[Route]) -> None:
    both = {route.name for route in routes if route.is_public and route.roles}
    assert both == set()


def test_every_route_says_what_it_does(routes: list[Route]) -> None:
    silent = {route.name for route in routes if not (route.view.__doc__ or "").strip()}
    assert silent == set()


def test_every_route_is_where_the_gateway_looks_for_it(routes: list[Route]) -> None:
    lost = {
        f"{route.service}: {route.path}"
        for route in routes
        if not re.fullmatch(f"{PATHS[route.service]}|{OF_ALL}", route.path)
    }
    assert lost == set()


def test_no_path_ends_with_a_slash(routes: list[Route]) -> None:
    assert [route.path for route in routes if route.path.endswith("/")] == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_failure_has_the_same_shape(apps: dict[str, Flask], service: str) -> None:
    client = apps[service].test_client()
    first = next(
        rule.rule
        for rule in apps[service].url_map.iter_rules()
        if not getattr(apps[service].view_functions[rule.endpoint], "is_public", False)
        and "GET" in (rule.methods or ())
        and "<" not in rule.rule
    )
    answers = {
        404: client.get("/no/such/path"),
        401: client.get(first),
        405: client.delete("/health"),
        422: client.get("/health?colour=red"),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.content_type == "application/problem+json"
        assert answer.json is not None
        assert answer.json["status"] == status
        named = {"type", "title", "code", "detail", "request_id"}
        assert named <= set(answer.json)
        assert answer.headers["X-Request-Id"] == answer.json["request_id"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_lost_database_is_503_and_says_nothing_of_it(
    service: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from tests.contract.services import make_app

    url = "postgresql://aiff:secret-word@127.0.0.1:1/aiff"
    client = make_app(service, url, tmp_path_factory.mktemp("var")).test_client()
    assert client.get("/health").status_code == 200
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "127.0.0.1" not in answer.text
    assert "secret-word" not in answer.text
