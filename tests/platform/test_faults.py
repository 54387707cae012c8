"""Parts are killed under writers: no acknowledged write is lost, none is doubled."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import pytest
import requests

from scripts.local import processes
from scripts.local.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.faults]

WRITERS = 8
ROUNDS = ("tickets", "postgres", "gateway", "auth", "a worker of tickets") * 2
ALLOWED = {409, 429, 502, 503, 504}  # 409: the first try is still under way


@dataclass
class Writer:
    """Creates tickets, each under a key of its own, again until it is told yes."""

    url: str
    token: str
    number: int
    stop: threading.Event
    acknowledged: dict[str, int] = field(default_factory=dict)
    refusals: Counter[int] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)

    def run(self) -> None:
        for turn in range(10_000):
            if self.stop.is_set():
                return
            self.write(f"writer {self.number} ticket {turn}")

    def write(self, title: str) -> None:
        end_at = time.monotonic() + 40
        while time.monotonic() < end_at:
            number = self.try_once(title)
            if number is not None:
                self.acknowledged[title] = number
                return
            time.sleep(0.1)
        self.strange.append(f"{title}: no answer for 40 s")

    def try_once(self, title: str) -> int | None:
        try:
            answer = requests.post(
                self.url + "/api/tickets",
                json={"title": title, "category": "repair", "zone": "Johor"},
                headers={
                    "Authorization": f"Bearer {self.token}",
                    "Idempotency-Key": title,
                },
                timeout=15,
            )
        except requests.RequestException:
            return None  # the gateway itself was killed
        if answer.status_code == 201:
            return int(answer.json()["id"])
        self.refusals[answer.status_code] += 1
        kind = answer.headers.get("Content-Type", "")
        if answer.status_code not in ALLOWED or "problem+json" not in kind:
            self.strange.append(f"{answer.status_code} {kind} {answer.text[:200]}")
        return None


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A system whose database waits for the disk."""
    folder = tmp_path_factory.mktemp("durable")
    with Stack.started(folder, {"POSTGRES_DURABLE": "on"}) as running:
        yield running


def token_of(stack: Stack, username: str) -> str:
    account = {"username": username, "password": "a-long-pass-phrase"}
    made = requests.post(
        stack.gateway_url + "/api/auth/register",
        json={**account, "email": f"{username}@example.org"},
        timeout=10,
    )
    assert made.status_code == 201, made.text
    answer = requests.post(
        stack.gateway_url + "/api/auth/login", json=account, timeout=10
    )
    return str(answer.json()["access_token"])


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def kill(stack: Stack, part: str) -> None:
    if part == "a worker of tickets":
        os.kill(child_of(stack.pid("tickets")), signal.SIGKILL)
        return
    os.kill(stack.pid(part), signal.SIGKILL)


def test_no_acknowledged_write_is_lost_and_none_is_doubled(durable: Stack) -> None:
    stop = threading.Event()
    writers = [
        Writer(durable.gateway_url, token_of(durable, f"writer{n}"), n, stop)
        for n in range(WRITERS)
    ]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    pauses: dict[str, float] = {}
    assert resumes(writers, 2 * WRITERS), "nobody writes at all"
    for part in ROUNDS:
        time.sleep(1.5)
        kill(durable, part)
        began, wanted = time.monotonic(), total(writers) + WRITERS
        assert resumes(writers, wanted), f"no writes after the death of {part}: " + (
            str([(writer.refusals, writer.strange) for writer in writers])
        )
        pauses[part] = max(pauses.get(part, 0.0), time.monotonic() - began)
    stop.set()
    for thread in threads:
        thread.join(60)
    print({part: f"{pause:.1f} s" for part, pause in pauses.items()})
    assert [line for writer in writers for line in writer.strange] == []
    acknowledged = {t: n for w in writers for t, n in w.acknowledged.items()}
    assert stored(durable) == acknowledged


def resumes(writers: list[Writer], wanted: int) -> bool:
    return processes.wait_until(lambda: total(writers) > wanted, seconds=30)


def total(writers: list[Writer]) -> int:
    return sum(len(writer.acknowledged) for writer in writers)


def stored(stack: Stack) -> dict[str, int]:
    """Return the tickets there are by title; fails on two of one title."""
    connection = psycopg2.connect(stack.database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT title, id FROM tickets.tickets")
        rows = cursor.fetchall()
    connection.close()
    found = dict(rows)
    assert len(found) == len(rows)
    return found
