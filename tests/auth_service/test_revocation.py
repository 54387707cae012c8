"""On the whole system as it runs: a revocation is felt everywhere within ten seconds,
and when the auth service is away those who are in stay in, and nobody else gets in.
"""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import text

from auth_service.make_admin import make_admin
from bench.cpu import tree
from db.engine import Database
from scripts.local.stack import Stack

pytestmark = pytest.mark.stack

PASSWORD = "a fine long password"
PATHS = (
    "/api/auth/me",
    "/api/tickets",
    "/api/analytics/metrics",
    "/api/ai/models",
)


class System:
    """A running system and ways to ask it."""

    def __init__(self, stack: Stack, owner: Database) -> None:
        self.stack = stack
        self.owner = owner

    def call(self, method: str, path: str, token: str = "", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.stack.gateway_url}{path}"
        return requests.request(method, url, headers=headers, timeout=20, **more)

    def log_in(self, username: str) -> dict[str, Any]:
        body = {"username": username, "password": PASSWORD}
        answer = self.call("POST", "/api/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def statuses(self, token: str, paths: tuple[str, ...] = PATHS) -> list[int]:
        return [self.call("GET", path, token).status_code for path in paths]


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    # Not in pytest's own folder: another run of pytest shuts nginx' workers out of it.
    with (
        tempfile.TemporaryDirectory(prefix="aiff-test-") as folder,
        Stack.started(Path(folder) / "run") as stack,
    ):
        owner = Database.at(stack.database_url)
        make_admin(owner, "boss", "boss@example.com", PASSWORD)
        yield System(stack, owner)
        owner.close()
        # Shown when a test failed: what the supervisor and the gateway had to say.
        print("\n".join(line for line in stack.log.splitlines() if "{" not in line))


def add_viewer(system: System, username: str) -> dict[str, Any]:
    body = {
        "username": username,
        "email": f"{username}@example.com",
        "password": PASSWORD,
        "role": "viewer",
    }
    admin = system.log_in("boss")["access_token"]
    made = system.call("POST", "/api/auth/register", admin, json=body)
    assert made.status_code == 201, made.text
    return system.log_in(username)


def seconds_until(condition: Callable[[], bool], most_s: float = 15) -> float:
    began = time.monotonic()
    while time.monotonic() - began < most_s:
        if condition():
            return time.monotonic() - began
        time.sleep(0.25)
    return float("inf")


def test_a_deactivation_is_felt_by_every_service_within_ten_seconds(
    system: System,
) -> None:
    tokens = add_viewer(system, "first")
    assert system.statuses(tokens["access_token"]) == [200] * 4
    admin = system.log_in("boss")["access_token"]
    path = f"/api/auth/users/{tokens['user']['id']}"
    assert system.call("DELETE", path, admin).status_code == 204
    felt_s = seconds_until(lambda: system.statuses(tokens["access_token"]) == [401] * 4)
    print(f"felt after {felt_s:.1f} s")
    assert felt_s <= 10


def test_a_logout_is_felt_by_every_service_within_ten_seconds(system: System) -> None:
    token = add_viewer(system, "second")["access_token"]
    assert system.statuses(token) == [200] * 4
    assert system.call("POST", "/api/auth/logout", token).status_code == 204
    assert seconds_until(lambda: system.statuses(token) == [401] * 4) <= 10


@contextmanager
def auth_away(system: System) -> Iterator[None]:
    """Stop the auth service in its tracks, and let it go on afterwards."""
    pids = tree(system.stack.pid("auth"))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_with_auth_away_those_who_are_in_stay_in_and_nobody_else_gets_in(
    system: System,
) -> None:
    known = add_viewer(system, "third")["access_token"]
    unknown = system.log_in("third")["access_token"]
    others = PATHS[1:]
    assert system.statuses(known, others) == [200] * 3
    with auth_away(system):
        assert system.statuses(known, others) == [200] * 3
        time.sleep(6)  # past what any cache remembers
        assert system.statuses(known, others) == [200] * 3
        refused = system.call("GET", PATHS[1], unknown)
        assert refused.status_code == 503
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.headers["Retry-After"]
        with system.owner.transaction() as connection:
            connection.execute(
                text("UPDATE auth.users SET is_active = false WHERE username = 'third'")
            )
        felt_s = seconds_until(lambda: system.statuses(known, others) == [401] * 3)
        assert felt_s <= 10, "the services ask the database themselves"
    assert seconds_until(lambda: system.statuses(known) == [401] * 4) <= 15
