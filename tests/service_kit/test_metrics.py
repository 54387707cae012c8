"""The figures of a service for Prometheus: every request once, where it was."""

import re

from flask.testing import FlaskClient


def counted(client: FlaskClient) -> dict[str, float]:
    """Return {line without its value: value}."""
    lines = client.get("/metrics").text.splitlines()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if line[:1] != "#")
    }


def test_every_request_is_counted_by_route_and_status(client: FlaskClient) -> None:
    before = counted(client)
    for _ in range(3):
        client.post("/notes", json={"body": "one"})
    client.post("/notes", json={"body": ""})
    client.get("/nowhere/17")
    after = counted(client)
    moved = {
        re.sub(r'service="[^"]*",?', "", name): after[name] - before.get(name, 0)
        for name in after
        if name.startswith("aiff_requests_total")
    }
    assert moved['aiff_requests_total{method="POST",route="/notes",status="201"}'] == 3
    assert moved['aiff_requests_total{method="POST",route="/notes",status="422"}'] == 1
    assert moved['aiff_requests_total{method="GET",route="none",status="404"}'] == 1


def test_the_time_of_every_request_is_counted(client: FlaskClient) -> None:
    before = counted(client)
    for _ in range(4):
        client.get("/nowhere")
    after = counted(client)
    (count,) = (n for n in after if n.startswith("aiff_request_seconds_count"))
    # The first look at the figures is a request too, counted after it was answered.
    assert after[count] - before.get(count, 0) == 5
