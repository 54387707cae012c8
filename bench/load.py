"""A closed-loop load of kept-alive connections against 127.0.0.1, bounded in time."""

import http.client
import itertools
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

CONNECTIONS = 16


@dataclass(frozen=True)
class Call:
    """One request; `ok` is the status that it must answer with."""

    method: str
    path: str
    body: Any = None
    ok: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """What a load gave: seconds per answered request, and how many went wrong."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    wall_s: float = 0.0

    def figures(self) -> dict[str, float]:
        spans = sorted(self.seconds) or [0.0]
        cut = statistics.quantiles(spans, n=100) if len(spans) > 1 else spans * 99
        return {
            "requests": len(self.seconds),
            "per_second": round(len(self.seconds) / self.wall_s, 1)
            if self.wall_s
            else 0,
            "p50_ms": round(cut[49] * 1000, 2),
            "p95_ms": round(cut[94] * 1000, 2),
            "p99_ms": round(cut[98] * 1000, 2),
            "wrong": len(self.wrong),
        }


def closed_loop(
    base_url: str,
    calls: Callable[[int], Iterator[Call]],
    *,
    seconds: float,
    token: str = "",
    connections: int = CONNECTIONS,
) -> Outcome:
    """Send requests on each connection, the next when the last is answered.

    calls: given the connection's number, yields the calls it makes.
    """
    outcome = Outcome()
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(
            target=one_connection, args=(base_url, calls(n), until, token, outcome)
        )
        for n in range(connections)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.wall_s = time.monotonic() - began
    return outcome


def one_connection(
    base_url: str, calls: Iterator[Call], until: float, token: str, outcome: Outcome
) -> None:
    host = urlsplit(base_url).netloc
    connection = http.client.HTTPConnection(host, timeout=30)
    common = {"Authorization": f"Bearer {token}"} if token else {}
    for call in calls:
        if time.monotonic() > until:
            break
        body = None if call.body is None else json.dumps(call.body).encode()
        headers = {**common, **call.headers}
        if body is not None:
            headers["Content-Type"] = "application/json"
        began = time.monotonic()
        connection.request(call.method, call.path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        outcome.seconds.append(time.monotonic() - began)
        if answer.status != call.ok:
            outcome.wrong.append(
                f"{answer.status} {call.method} {call.path} {text[:200]!r}"
            )
    connection.close()


def repeated(*calls: Call) -> Callable[[int], Iterator[Call]]:
    """Return a source of the same calls, over and over, for every connection."""
    return lambda number: itertools.islice(itertools.cycle(calls), number, None)
