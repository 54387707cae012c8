"""Request ids, forwarded headers, CORS, compression."""

import re

import pytest

from tests.gateway.conftest import DASHBOARD, Edge


def test_a_request_id_is_made_and_passed_on(gateway: Edge) -> None:
    answer = gateway.get("/api/tickets")
    made = answer.headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)
    assert answer.json()["headers"]["x-request-id"] == made


def test_a_safe_request_id_is_kept(gateway: Edge) -> None:
    answer = gateway.get("/api/tickets", headers={"X-Request-Id": "trace-1234.A_b"})
    assert answer.headers["X-Request-Id"] == "trace-1234.A_b"
    assert answer.json()["headers"]["x-request-id"] == "trace-1234.A_b"


@pytest.mark.parametrize(
    "sent", ["short", "with space in it", 'quo"te-1234', "x" * 65, "a{b}cdefgh"]
)
def test_an_unsafe_request_id_is_replaced(gateway: Edge, sent: str) -> None:
    answer = gateway.get("/api/tickets", headers={"X-Request-Id": sent})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])


def test_what_a_client_says_about_itself_is_not_passed_on(gateway: Edge) -> None:
    forged = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Real-IP": "6.6.6.6",
        "Forwarded": "for=6.6.6.6",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Host": "evil.test",
        "X-User-Id": "1",
        "X-User-Role": "admin",
        "X-HTTP-Method-Override": "DELETE",
        "X-Original-URL": "/admin",
        "Proxy": "http://evil.test",
    }
    seen = gateway.get("/api/tickets", headers=forged).json()["headers"]
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert "evil" not in str(seen)
    assert "admin" not in str(seen)
    assert not {"forwarded", "x-user-id", "x-http-method-override", "proxy"} & set(seen)


def test_the_host_keeps_its_port(gateway: Edge) -> None:
    seen = gateway.get("/api/tickets", headers={"Host": "aiff.test:8085"})
    assert seen.json()["headers"]["host"] == "aiff.test:8085"


def test_a_known_origin_is_answered(gateway: Edge) -> None:
    answer = gateway.get("/api/tickets", headers={"Origin": DASHBOARD})
    assert answer.headers["Access-Control-Allow-Origin"] == DASHBOARD
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.test",
        DASHBOARD + ".evil.test",
        "null",
        DASHBOARD.replace("http", "https"),
    ],
)
def test_another_origin_is_not(gateway: Edge, origin: str) -> None:
    answer = gateway.get("/api/tickets", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_preflight_is_answered_without_token_or_service(gateway: Edge) -> None:
    before = len(gateway.peers["tickets"].asked)
    answer = gateway.call(
        "OPTIONS",
        "/api/tickets/7",
        token=None,
        headers={
            "Origin": DASHBOARD,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization,if-match",
        },
    )
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == DASHBOARD
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert "If-Match" in answer.headers["Access-Control-Allow-Headers"]
    assert len(gateway.peers["tickets"].asked) == before


def test_a_preflight_of_another_origin_is_not_allowed(gateway: Edge) -> None:
    answer = gateway.call(
        "OPTIONS",
        "/api/tickets",
        token=None,
        headers={
            "Origin": "http://evil.test",
            "Access-Control-Request-Method": "DELETE",
        },
    )
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Access-Control-Allow-Methods" not in answer.headers


def test_cors_headers_of_a_service_are_replaced(gateway: Edge) -> None:
    answer = gateway.get("/api/tickets?do=cors", headers={"Origin": DASHBOARD})
    allowed = answer.raw.headers.getlist("Access-Control-Allow-Origin")
    assert allowed == [DASHBOARD]


def test_a_list_is_compressed(gateway: Edge) -> None:
    answer = gateway.get("/api/tickets?do=large")
    assert answer.headers["Content-Encoding"] == "gzip"


def test_a_single_thing_keeps_its_strong_etag(gateway: Edge) -> None:
    answer = gateway.get("/api/tickets/CTT_42?do=large")
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["ETag"] == '"v1"'


def test_the_server_does_not_name_its_version(gateway: Edge) -> None:
    assert gateway.get("/api/tickets").headers["Server"] == "nginx"
