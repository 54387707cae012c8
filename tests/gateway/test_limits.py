"""How often one may ask, and what is said to those who ask more."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.gateway.conftest import DASHBOARD, Edge

DEFAULT = {
    "LOGIN_RATE": "",
    "LOGIN_BURST": "",
    "API_RATE": "",
    "API_BURST": "",
    "ADDRESS_RATE": "",
    "ADDRESS_BURST": "",
}


@pytest.fixture
def limited(make_edge: Callable[..., Edge]) -> Edge:
    return make_edge(DEFAULT)


def test_login_and_register_are_ten_a_minute_together(limited: Edge) -> None:
    statuses = [
        limited.call("POST", path, token=None).status_code
        for path in ["/api/auth/login"] * 6 + ["/api/auth/register"] * 7
    ]
    assert statuses == [200] * 10 + [429] * 3


def test_a_refusal_says_how_long_to_wait(limited: Edge) -> None:
    for _ in range(10):
        limited.call("POST", "/api/auth/login", token=None)
    answer = limited.call(
        "POST", "/api/auth/login", token=None, headers={"Origin": DASHBOARD}
    )
    assert answer.status_code == 429
    assert answer.json()["code"] == "rate_limited"
    assert answer.headers["Retry-After"] == "6"
    assert answer.headers["RateLimit-Limit"] == "10"
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert answer.headers["RateLimit-Reset"] == "6"
    assert answer.headers["RateLimit-Policy"] == '"address";q=10;w=60'
    assert answer.headers["Access-Control-Allow-Origin"] == DASHBOARD


def test_a_preflight_is_not_counted(limited: Edge) -> None:
    for _ in range(15):
        limited.call(
            "OPTIONS",
            "/api/auth/login",
            token=None,
            headers={"Origin": DASHBOARD, "Access-Control-Request-Method": "POST"},
        )
    assert limited.call("POST", "/api/auth/login", token=None).status_code == 200


def test_one_token_is_held_and_another_is_not(make_edge: Callable[..., Edge]) -> None:
    running = make_edge(DEFAULT | {"API_RATE": "1r/s", "API_BURST": "5"})
    seen = Counter(
        running.get("/api/tickets", token="good").status_code for _ in range(20)
    )
    assert seen[429] >= 12
    assert running.get("/api/tickets", token="good-too").status_code == 200
    answer = running.get("/api/tickets", token="good")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1"


def test_made_up_tokens_do_not_get_around_the_limit(
    make_edge: Callable[..., Edge],
) -> None:
    running = make_edge(DEFAULT | {"ADDRESS_RATE": "1r/s", "ADDRESS_BURST": "5"})
    seen = Counter(
        running.get("/api/tickets", token=f"made-up-{n}").status_code for n in range(20)
    )
    assert seen[429] >= 12


def test_requests_without_a_token_are_counted_by_address(
    make_edge: Callable[..., Edge],
) -> None:
    running = make_edge(DEFAULT | {"API_RATE": "1r/s", "API_BURST": "5"})
    seen = Counter(
        running.get("/api/tickets", token=None).status_code for _ in range(20)
    )
    assert seen[401] >= 6
    assert seen[429] >= 12


def test_a_normal_answer_names_the_policy(limited: Edge) -> None:
    answer = limited.get("/api/tickets")
    assert answer.headers["RateLimit-Limit"] == "50"
    assert answer.headers["RateLimit-Policy"] == '"token";q=50;w=1'
    assert "RateLimit-Remaining" not in answer.headers


def test_a_hundred_at_once_pass(limited: Edge) -> None:
    seen = {limited.get("/api/zones").status_code for _ in range(100)}
    assert seen == {200}
