"""Prometheus figures of one service: requests by route and status, and their time."""

import os
from collections import Counter as Counts

from flask import Flask, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)

from service_kit.auth import public
from service_kit.buffer import Buffer
from service_kit.clock import monotonic_s
from service_kit.current import this_g, this_request

REQUESTS = Counter(
    "aiff_requests", "Requests answered", ["service", "route", "method", "status"]
)
SECONDS = Histogram(
    "aiff_request_seconds",
    "Wall time of a request",
    ["service"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def init_metrics(app: Flask, service: str) -> None:
    seconds = SECONDS.labels(service)

    def add_up(answered: list[tuple[str, str, int, float]]) -> None:
        kinds = Counts((route, method, status) for route, method, status, _ in answered)
        for kind, count in kinds.items():
            REQUESTS.labels(service, *kind).inc(count)
        for *_, spent_s in answered:
            seconds.observe(spent_s)

    waiting = Buffer(add_up)

    @app.after_request
    def count(response: Response) -> Response:
        asked = this_request()
        route = asked.url_rule.rule if asked.url_rule else "none"
        method = asked.method if asked.method in METHODS else "other"
        spent_s = monotonic_s() - this_g().began
        waiting.add((route, method, response.status_code, spent_s))
        return response

    @app.get("/metrics")
    @public
    def metrics() -> Response:
        """Answer this service's figures in Prometheus' text form.

        Those of other workers may be of 0.2 s ago.
        """
        waiting.flush()
        return Response(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)


def registry() -> CollectorRegistry:
    """Return the figures of all workers where gunicorn shares a folder for them."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    shared = CollectorRegistry()
    multiprocess.MultiProcessCollector(shared)
    return shared
