"""What the gateway does when services die, hang, are slow or restart."""

import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.gateway.conftest import Edge


def test_a_get_whose_worker_dies_is_asked_again(gateway: Edge) -> None:
    path = "/api/tickets/901?do=die_once"
    assert gateway.get(path).json() == {"asked_again": True}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_post_whose_worker_dies_is_not(gateway: Edge, method: str) -> None:
    path = "/api/tickets/902"
    before = gateway.peers["tickets"].times_asked(path)
    answer = gateway.call(method, path + "?do=die", data=b"{}")
    assert answer.status_code == 502
    assert answer.json()["code"] == "service_unreachable"
    assert gateway.peers["tickets"].times_asked(path) == before + 1


def test_a_post_on_a_kept_connection_that_died_is_not_repeated(gateway: Edge) -> None:
    gateway.get("/api/tickets/903")
    path = "/api/tickets/904"
    assert gateway.call("POST", path + "?do=die", data=b"{}").status_code == 502
    assert gateway.peers["tickets"].times_asked(path) == 1


def test_the_verdict_on_a_token_is_kept_for_less_than_five_seconds(
    make_edge: Callable[..., Edge],
) -> None:
    running = make_edge()
    auth = running.peers["auth"]
    for _ in range(10):
        running.get("/api/tickets", token="good")
    assert auth.times_asked("/internal/verify") == 1
    time.sleep(5)
    running.get("/api/tickets", token="good")
    assert auth.times_asked("/internal/verify") == 2


def test_one_token_never_gets_the_verdict_on_another(gateway: Edge) -> None:
    assert gateway.get("/api/tickets", token="good").status_code == 200
    assert gateway.get("/api/tickets", token="expired").status_code == 401
    assert gateway.get("/api/tickets", token=None).status_code == 401
    assert gateway.get("/api/tickets", token="banned").status_code == 403
    assert gateway.get("/api/tickets", token="good").status_code == 200


def test_a_known_token_outlives_a_short_outage_of_auth(
    make_edge: Callable[..., Edge],
) -> None:
    running = make_edge()
    assert running.get("/api/tickets").status_code == 200
    running.peers["auth"].shutdown()
    running.peers["auth"].server_close()
    assert running.get("/api/tickets").status_code == 200


def test_events_come_as_they_are_sent(gateway: Edge) -> None:
    began = time.monotonic()
    answer = gateway.get("/api/tickets/stream?do=events", stream=True)
    came = [(line, time.monotonic() - began) for line in answer.iter_lines() if line]
    assert [line for line, _ in came] == [b"data: 0", b"data: 1", b"data: 2"]
    assert came[0][1] < 0.4
    assert came[2][1] > 0.9


def test_slow_senders_do_not_reach_a_service(gateway: Edge) -> None:
    place = urlsplit(gateway.url)
    before = len(gateway.peers["tickets"].asked)
    slow = [
        socket.create_connection((place.hostname, place.port), timeout=20)
        for _ in range(200)
    ]
    try:
        for client in slow:
            client.sendall(
                b"POST /api/tickets HTTP/1.1\r\nHost: a\r\n"
                b"Authorization: Bearer good\r\nContent-Length: 1000\r\n\r\nx"
            )
        began = time.monotonic()
        assert gateway.get("/api/tickets/905").status_code == 200
        assert time.monotonic() - began < 2
        assert len(gateway.peers["tickets"].asked) == before + 1
    finally:
        for client in slow:
            client.close()


def test_health_needs_any_living_service(make_edge: Callable[..., Edge]) -> None:
    running = make_edge(away=("auth", "tickets", "analytics"))
    answer = running.get("/health", token=None)
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "service": "gateway"}


def test_health_without_any_service_is_503(make_edge: Callable[..., Edge]) -> None:
    running = make_edge(away=("auth", "tickets", "analytics", "ai"))
    answer = running.get("/health", token=None)
    assert answer.status_code == 503
    assert answer.json()["code"] == "unavailable"


def test_the_health_of_each_service_is_told(make_edge: Callable[..., Edge]) -> None:
    running = make_edge(away=("analytics",))
    answer = running.get("/health/services", token=None)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    services = answer.json()["services"]
    assert services["auth"] == {"status": "ok", "service": "auth"}
    assert services["tickets"] == {"status": "ok", "service": "tickets"}
    assert services["analytics"] == {"status": "down"}
    assert services["ai"] == {"status": "ok", "service": "ai"}


def test_the_log_holds_no_query_and_no_token(gateway: Edge) -> None:
    gateway.get("/api/tickets?q=private-customer", token="secret-token-9")
    path = gateway.folder / "access.log"
    ends = time.monotonic() + 5  # written once a second
    while (log := path.read_text()).count('"path":"/api/tickets"') < 1:
        assert time.monotonic() < ends
        time.sleep(0.1)
    assert "private-customer" not in log
    assert "secret-token-9" not in log
