"""What a login costs beside its hash, what a verified request costs, and whether
logins slow ticket reads.

CPU is that of the server side: gateway, auth, PostgreSQL. The hash is measured in the
same run, by itself. The token check is measured inside a process, in a loop as long as
the cache lives, so that renewals count with their share.
"""

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import requests
from flask import Flask

from auth_service.app import create_app
from auth_service.passwords import Hasher
from bench.cpu import cpu_seconds
from bench.load import Call, closed_loop
from bench.tickets import load_tickets, wait_for_quiet
from scripts.local.stack import Stack
from service_kit.settings import Settings

MOST_TICKETS = 10_000
PASSWORD = os.environ.get("AIFF_DEV_PASSWORD", "fieldforce-dev")
LOGIN = Call(
    "POST", "/api/auth/login", {"username": "dispatcher", "password": PASSWORD}
)
READ = Call("GET", "/api/tickets?status=closed&limit=50")
LOGINS_PER_SECOND = 18
REQUESTS_PER_SECOND = 50  # of one token: what the gateway lets through
ALLOWED = {
    "login_beside_hash_cpu_ms": 3.0,
    "verified_request_cpu_ms": 0.15,
    "reads_slowed_ratio": 1.25,
}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Start the system, measure, print and return the figures."""
    with ExitStack() as held:
        folder = Path(
            held.enter_context(tempfile.TemporaryDirectory(prefix="aiff-bench-"))
        )
        folder.chmod(0o755)
        stack = held.enter_context(Stack.started(folder / "ours"))
        load_tickets(stack, min(options.tickets, MOST_TICKETS))
        wait_for_quiet([stack.pid("postgres"), stack.pid("worker")])
        figures: dict[str, Any] = {}
        figures |= login_figures(stack, options)
        figures |= check_figures(stack)
        figures |= reads_beside_logins(stack, options)
    for name, value in figures.items():
        limit = f"   at most {ALLOWED[name]}" if name in ALLOWED else ""
        print(f"{name:34}{value:10.3f}{limit}")
    return figures


def login_figures(stack: Stack, options: argparse.Namespace) -> dict[str, float]:
    """Return CPU ms of a login through the gateway, of its hash, and of the rest.

    The rest is what the service and PostgreSQL spend on the same logins when the
    password check costs nothing, and what the gateway spent.
    """
    through, gateway, rest = [], [], []
    for _ in range(options.rounds):
        whole_ms, gateway_ms = logins_over_http(stack, options.seconds)
        through.append(whole_ms)
        gateway.append(gateway_ms)
        rest.append(login_without_hash_ms(stack) + gateway_ms)
    return {
        "login_cpu_ms": statistics.median(through),
        "hash_cpu_ms": statistics.median(hash_cpu_ms() for _ in range(3)),
        "login_gateway_cpu_ms": statistics.median(gateway),
        "login_beside_hash_cpu_ms": statistics.median(rest),
    }


def logins_over_http(stack: Stack, seconds: float) -> tuple[float, float]:
    """Return CPU ms of a login: all programs without what they use idle; gateway."""
    pids = [stack.pid(name) for name in ("postgres", "gateway", "auth")]
    gateway = [stack.pid("gateway")]
    idle = cpu_seconds(pids)
    time.sleep(seconds)
    before, before_gateway = cpu_seconds(pids), cpu_seconds(gateway)
    outcome = closed_loop(
        stack.gateway_url, lambda _: repeat(LOGIN), seconds=seconds, connections=2
    )
    used = cpu_seconds(pids) - before - (before - idle)
    if outcome.wrong:
        raise SystemExit(f"wrong answers, first: {outcome.wrong[0]}")
    count = len(outcome.seconds)
    return 1000 * used / count, 1000 * (cpu_seconds(gateway) - before_gateway) / count


class NoHash(Hasher):
    """Takes any password for right, at no cost."""

    def matches(self, password_hash: str | None, password: str) -> bool:
        return password_hash is not None and bool(password)


def login_without_hash_ms(stack: Stack, times: int = 300) -> float:
    """Return CPU ms of a login in the service and in PostgreSQL, but for the hash."""
    app = own_app(stack)
    app.extensions["door"] = replace(app.extensions["door"], hasher=NoHash())
    client = app.test_client()
    postgres = [stack.pid("postgres")]
    for _ in range(10):
        client.post(LOGIN.path, json=LOGIN.body)
    began, idle = time.monotonic(), cpu_seconds(postgres)
    time.sleep(1.0)
    idle_share = (cpu_seconds(postgres) - idle) / (time.monotonic() - began)
    began, before = time.monotonic(), time.process_time() + cpu_seconds(postgres)
    for _ in range(times):
        answer = client.post(LOGIN.path, json=LOGIN.body)
        if answer.status_code != 200:
            raise SystemExit(f"wrong answer: {answer.text}")
    used = time.process_time() + cpu_seconds(postgres) - before
    return 1000 * (used - idle_share * (time.monotonic() - began)) / times


def own_app(stack: Stack) -> Flask:
    """Return the auth service in this process, on the database of the stack."""
    values = {**stack.values, "DATABASE_URL": stack.database_url}
    return create_app(replace(Settings.from_env("auth", values), log_level="ERROR"))


def hash_cpu_ms(times: int = 40) -> float:
    """Return CPU ms of one check of a password, two at a time as in the load."""
    hasher = Hasher(at_once=2)

    def check() -> None:
        for _ in range(times // 2):
            hasher.matches(None, PASSWORD)

    before = time.process_time()
    threads = [threading.Thread(target=check) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1000 * (time.process_time() - before) / times


def check_figures(stack: Stack) -> dict[str, float]:
    """Return CPU ms of finding out who calls: known, renewed, and seen first."""
    app = own_app(stack)
    reader = app.extensions["token_reader"]
    header = f"Bearer {token_of(stack)}"
    with app.app_context():
        reader.actor_of(header)
        known = cpu_ms(lambda: reader.actor_of(header), 20_000)
        renewed = cpu_ms(lambda: (reader.cache.clear(), reader.actor_of(header)), 500)
        first = cpu_ms(lambda: (reader.forget(), reader.actor_of(header)), 500)
    in_one_life = REQUESTS_PER_SECOND * reader.cache_s
    return {
        "token_known_cpu_ms": known,
        "token_renewed_cpu_ms": renewed,
        "token_first_seen_cpu_ms": first,
        "verified_request_cpu_ms": known + (renewed - known) / in_one_life,
    }


def cpu_ms(work: Any, times: int) -> float:
    before = time.process_time()
    for _ in range(times):
        work()
    return 1000 * (time.process_time() - before) / times


def token_of(stack: Stack) -> str:
    url = f"{stack.gateway_url}{LOGIN.path}"
    answer = requests.post(url, json=LOGIN.body, timeout=10)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def reads_beside_logins(stack: Stack, options: argparse.Namespace) -> dict[str, float]:
    """Return how many times slower ticket reads are while 18 people a second log in."""
    token = token_of(stack)

    def median_ms() -> float:
        outcome = closed_loop(
            stack.gateway_url,
            lambda _: repeat(READ),
            seconds=options.seconds,
            token=token,
        )
        if outcome.wrong:
            raise SystemExit(f"wrong answers, first: {outcome.wrong[0]}")
        return outcome.figures()["p50_ms"]

    ratios, rates = [], []
    for _ in range(options.rounds):
        alone = median_ms()
        with Logins(stack.gateway_url) as logins:
            beside = median_ms()
        ratios.append(beside / alone)
        rates.append(logins.done / logins.seconds)
    return {
        "logins_per_second_beside": statistics.median(rates),
        "reads_slowed_ratio": statistics.median(ratios),
    }


class Logins:
    """Logs in LOGINS_PER_SECOND times a second until the block ends."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stop = threading.Event()
        self.done = 0
        self.began = 0.0
        self.seconds = 0.0
        self.lock = threading.Lock()
        self.threads = [
            threading.Thread(target=self.work, args=(n,))
            for n in range(LOGINS_PER_SECOND)
        ]

    def __enter__(self) -> "Logins":
        self.began = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()
        self.seconds = time.monotonic() - self.began

    def work(self, number: int) -> None:
        with requests.Session() as session:
            for due in self.dues(number):
                if self.stop.wait(max(0.0, due - time.monotonic())):
                    return
                session.post(f"{self.url}{LOGIN.path}", json=LOGIN.body, timeout=30)
                with self.lock:
                    self.done += 1

    def dues(self, number: int) -> Iterator[float]:
        """Yield the instants at which thread `number` is to log in."""
        each = len(self.threads) / LOGINS_PER_SECOND
        begin = self.began + each * number / len(self.threads)
        count = 0
        while True:
            yield begin + count * each
            count += 1
