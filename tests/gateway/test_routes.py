"""Which service answers what, with and without a token."""

import http.client
from contextlib import closing
from urllib.parse import urlsplit

import pytest
import requests

from tests.gateway.conftest import Edge

ROUTED = [
    ("/api/auth/me", "auth"),
    ("/api/auth/teams/3/members", "auth"),
    ("/api/auth/audit", "auth"),
    ("/api/tickets", "tickets"),
    ("/api/tickets/CTT_42", "tickets"),
    ("/api/tickets/42/assignments", "tickets"),
    ("/api/tickets/stats/summary", "tickets"),
    ("/api/tickets/export", "tickets"),
    ("/api/tickets/changes", "tickets"),
    ("/api/assignments/7", "tickets"),
    ("/api/zones", "tickets"),
    ("/api/sla/calendars", "tickets"),
    ("/api/webhooks/1/deliveries", "tickets"),
    ("/api/views", "tickets"),
    ("/api/analytics/performance", "analytics"),
    ("/api/analytics/zones/Kuala%20Lumpur", "analytics"),
    ("/api/ai/insights", "ai"),
    ("/api/ai/chat", "ai"),
]
PUBLIC = [
    ("POST", "/api/auth/login", "auth"),
    ("POST", "/api/auth/register", "auth"),
    ("POST", "/api/auth/refresh", "auth"),
    ("GET", "/.well-known/jwks.json", "auth"),
]


@pytest.mark.parametrize(("path", "service"), ROUTED)
def test_a_path_is_answered_by_its_service(
    gateway: Edge, path: str, service: str
) -> None:
    answer = gateway.get(path)
    assert answer.status_code == 200
    assert answer.json()["service"] == service
    assert answer.json()["path"] == path


@pytest.mark.parametrize("path", [path for path, _ in ROUTED])
def test_a_path_without_a_token_is_refused_at_the_edge(
    gateway: Edge, path: str
) -> None:
    answer = gateway.get(path, token=None)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path", "service"), PUBLIC)
def test_a_public_path_needs_no_token(
    gateway: Edge, method: str, path: str, service: str
) -> None:
    answer = gateway.call(method, path, token=None)
    assert answer.status_code == 200
    assert answer.json()["service"] == service


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/",
        "/api/nothing",
        "/api/ticketsandmore",
        "/api/authority",
        "/api/aid",
        "/metrics",
        "/ready",
        "/internal/verify",
        "/_verify",
        "/_problem",
        "/_any_service",
        "/_ready/auth",
        "/_down",
        "/api/auth/../../internal/verify",
        "/api/auth/%2e%2e/%2e%2e/internal/verify",
    ],
)
def test_what_has_no_route_is_not_found(gateway: Edge, path: str) -> None:
    place = urlsplit(gateway.url).netloc
    with closing(http.client.HTTPConnection(place, timeout=10)) as connection:
        connection.putrequest("GET", path)
        connection.putheader("Authorization", "Bearer good")
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
    assert answer.status == 404
    assert answer.getheader("Content-Type") == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("/api/openapi.json", "application/json", '"openapi"'),
        ("/api/docs", "text/html; charset=utf-8", "documents"),
        ("/api/docs/start.js", "text/javascript; charset=utf-8", "1;"),
    ],
)
def test_the_documents_are_public(
    gateway: Edge, path: str, kind: str, text: str
) -> None:
    answer = gateway.get(path, token=None)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == kind
    assert text in answer.text


def test_query_and_body_reach_the_service_untouched(gateway: Edge) -> None:
    path = "/api/tickets?q=a%20b%2Fc&zone=Johor"
    answer = gateway.call("POST", path, data=b"x" * 5000).json()
    assert answer["path"] == path
    assert answer["bytes"] == 5000


def test_the_dashboard_serves_the_same_api_on_its_own_origin(gateway: Edge) -> None:
    answer = requests.get(
        gateway.dashboard_url + "/api/tickets",
        headers={"Authorization": "Bearer good"},
        timeout=10,
    )
    assert answer.json()["service"] == "tickets"
    refused = requests.get(gateway.dashboard_url + "/api/tickets", timeout=10)
    assert refused.status_code == 401
    assert refused.json()["code"] == "unauthenticated"
