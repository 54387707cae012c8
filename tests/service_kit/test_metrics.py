"""The figures of a service for Prometheus: every request once, where it was."""

import time

import pytest
from flask.testing import FlaskClient

from service_kit.buffer import EVERY_S


def counted(client: FlaskClient) -> dict[str, float]:
    """Return {line without its value: value}."""
    lines = client.get("/metrics").text.splitlines()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if line[:1] != "#")
    }


@pytest.fixture(autouse=True)
def others_are_counted() -> None:
    """Services of other tests in this process count under the same name."""
    time.sleep(2 * EVERY_S)


def requests_of(client: FlaskClient, path: str, method: str, status: int) -> float:
    labels = f'method="{method}",route="{path}",service="tickets",status="{status}"'
    return counted(client).get(f"aiff_requests_total{{{labels}}}", 0)


KINDS = (("/notes", "POST", 201), ("/notes", "POST", 422), ("none", "GET", 404))


def test_every_request_is_counted_by_route_and_status(client: FlaskClient) -> None:
    before = [requests_of(client, *kind) for kind in KINDS]
    for _ in range(3):
        client.post("/notes", json={"body": "one"})
    client.post("/notes", json={"body": ""})
    client.get("/nowhere/17")
    after = [requests_of(client, *kind) for kind in KINDS]
    assert [b - a for a, b in zip(before, after, strict=True)] == [3, 1, 1]


def test_the_time_of_every_request_is_counted(client: FlaskClient) -> None:
    count = 'aiff_request_seconds_count{service="tickets"}'
    before = counted(client).get(count, 0)
    for _ in range(4):
        client.get("/nowhere")
    # The first look at the figures is a request too, counted after it was answered.
    assert counted(client)[count] - before == 5
