"""Every refusal of the gateway's own is a problem document."""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import requests

from tests.gateway.conftest import DASHBOARD, Edge

MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


def is_problem(answer: requests.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == MEMBERS
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["request_id"] == answer.headers["X-Request-Id"]


def raw(url: str, data: bytes) -> tuple[int, bytes]:
    """Send bytes as they are; return the status and everything that came."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=15) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        came = b"".join(iter(lambda: client.recv(65536), b""))
    return int(came.split()[1]), came


def test_no_route_is_404(gateway: Edge) -> None:
    is_problem(gateway.get("/nothing"), 404, "not_found")


def test_no_token_is_401_with_a_challenge(gateway: Edge) -> None:
    answer = gateway.get("/api/tickets", token=None)
    is_problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="aiff"')
    assert answer.raw.headers.getlist("WWW-Authenticate").__len__() == 1


def test_the_reason_of_the_token_check_is_the_code(gateway: Edge) -> None:
    is_problem(gateway.get("/api/tickets", token="expired"), 401, "token_expired")
    is_problem(gateway.get("/api/tickets", token="banned"), 403, "account_inactive")


def test_the_reason_is_kept_with_the_cached_verdict(gateway: Edge) -> None:
    for _ in range(3):
        is_problem(gateway.get("/api/tickets", token="expired"), 401, "token_expired")


def test_a_token_check_that_fails_is_503_not_500(gateway: Edge) -> None:
    answer = gateway.get("/api/tickets", token="outage")
    is_problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_an_auth_service_that_is_away_is_503(
    make_edge: Callable[..., Edge],
) -> None:
    answer = make_edge(away=("auth",)).get("/api/tickets")
    is_problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_service_that_is_away_is_502(make_edge: Callable[..., Edge]) -> None:
    answer = make_edge(away=("analytics",)).get("/api/analytics/trends")
    is_problem(answer, 502, "service_unreachable")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_body_too_large_is_413(gateway: Edge) -> None:
    answer = gateway.call("POST", "/api/tickets", data=b"x" * (1 << 20) + b"xx")
    is_problem(answer, 413, "too_large")


@pytest.mark.parametrize(
    ("path", "megabytes", "status"),
    [
        ("/api/tickets/7/attachments", 10, 200),
        ("/api/tickets/7/attachments", 12, 413),
        ("/api/tickets/import", 30, 200),
        ("/api/tickets/7", 2, 413),
        ("/api/auth/login", 2, 413),
    ],
)
def test_each_route_has_its_own_largest_body(
    gateway: Edge, path: str, megabytes: int, status: int
) -> None:
    answer = gateway.call("POST", path, data=b"x" * (megabytes << 20))
    assert answer.status_code == status


def test_a_broken_request_line_is_400_even_where_a_token_is_needed(
    gateway: Edge,
) -> None:
    status, came = raw(
        gateway.url,
        b"POST /api/tickets HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    )
    assert status == 400
    assert b"application/problem+json" in came
    assert b'"code":"unreadable"' in came


def test_two_hosts_are_400(gateway: Edge) -> None:
    status, came = raw(
        gateway.url, b"GET /api/tickets HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
    )
    assert status == 400
    assert b"application/problem+json" in came


def test_headers_too_large_are_431(gateway: Edge) -> None:
    answer = gateway.get("/api/tickets", headers={"X-Long": "x" * 40_000})
    is_problem(answer, 431, "headers_too_large")


def test_a_method_nobody_knows_is_405(gateway: Edge) -> None:
    is_problem(gateway.call("PROPFIND", "/api/tickets"), 405, "method_not_allowed")
    status, came = raw(
        gateway.url, b"TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )
    assert status == 405
    assert b"application/problem+json" in came


def test_an_address_too_long_is_414(gateway: Edge) -> None:
    status, _ = raw(
        gateway.url,
        b"GET /api/tickets?q="
        + b"x" * 40_000
        + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    assert status == 414


def test_an_error_of_the_service_passes_unchanged(gateway: Edge) -> None:
    answer = gateway.get("/api/tickets?do=fail")
    assert answer.status_code == 500
    assert answer.json() == {"code": "own"}


def test_a_wait_named_by_the_service_is_not_doubled(gateway: Edge) -> None:
    answer = gateway.get("/api/tickets?do=locked")
    assert answer.status_code == 429
    assert answer.raw.headers.getlist("Retry-After") == ["77"]


def test_errors_bear_the_cors_headers_too(make_edge: Callable[..., Edge]) -> None:
    origin = {"Origin": DASHBOARD}
    running = make_edge(away=("ai",))
    answers = [
        running.get("/nothing", headers=origin),
        running.get("/api/tickets", token=None, headers=origin),
        running.get("/api/ai/insights", headers=origin),
        running.call("POST", "/api/tickets", data=b"x" * (2 << 20), headers=origin),
    ]
    assert [a.status_code for a in answers] == [404, 401, 502, 413]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == DASHBOARD
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
