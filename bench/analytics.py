"""CPU of each analytics endpoint at 10,000 and at 1,000,000 tickets (growth).

The service runs in this process and a PostgreSQL of its own beside it; a figure is
CPU milliseconds per request of both. To reach: at most 15 ms, and at most 1.5 times
as much at the larger size.
"""

import argparse
import time
from typing import Any

from flask.testing import FlaskClient

from analytics_service.actions import METRICS, train
from analytics_service.app import create_app
from bench._history import load
from bench.cpu import cpu_seconds
from db.engine import Database
from db.migrate import migrate
from scripts.local.postgres import Cluster
from service_kit.clock import utc_now
from service_kit.settings import Settings
from tests.actors import token_for

SMALL, LARGE = 10_000, 1_000_000
MOST_MS, MOST_RATIO = 15.0, 1.5
TIMES = 40
PATHS = {
    "metrics": "/metrics",
    "performance": "/performance",
    "performance by zone, compared": "/performance?by=zone&compare=previous",
    "performance by team": "/performance?by=team",
    "performance by category": "/performance?by=category",
    "performance of a zone by team": "/performance?by=team&zone=Selangor",
    "performance, 365 days": "/performance?from={year_ago}",
    "trends created": "/trends?metric=created",
    "trends resolution": "/trends?metric=resolution_minutes&granularity=week",
    "forecast": "/forecast?horizon_days=28",
    "zones": "/zones",
    "zone": "/zones/Selangor",
    "aging": "/aging",
    "sla": "/sla",
}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure both sizes one after the other; print and return the table.

    --tickets is the larger size where it is more than the smaller one's ten times.
    """
    large = options.tickets if options.tickets > 10 * SMALL else LARGE
    figures = {size: measured(size, options.rounds) for size in (SMALL, large)}
    table: dict[str, Any] = {}
    for name in PATHS:
        small, big = figures[SMALL][name], figures[large][name]
        table[name] = {
            f"cpu_ms_{SMALL}": round(small, 2),
            f"cpu_ms_{large}": round(big, 2),
            "ratio": round(big / small, 2),
            "reached": big <= MOST_MS and big / small <= MOST_RATIO,
        }
        print(f"{name:34}", *table[name].values(), sep="  ")
    table["training_cpu_s"] = {
        str(size): round(found["training"], 2) for size, found in figures.items()
    }
    print("training CPU s:", table["training_cpu_s"])
    return table


def measured(size: int, rounds: int) -> dict[str, float]:
    with Cluster.temporary() as cluster:
        owner = Database.at(cluster.url, statement_timeout_ms=0)
        migrate(owner)
        began = time.monotonic()
        load(cluster.url, size, utc_now())
        print(f"{size} tickets loaded in {time.monotonic() - began:.0f} s")
        settings = Settings(
            "analytics", cluster.url, environment="test", log_level="ERROR"
        )
        before = time.process_time()
        for metric in METRICS:
            train(owner, settings, metric, utc_now())
        found = {"training": time.process_time() - before}
        ours, headers = create_app(settings).test_client(), token_for(owner, "admin")
        postgres = int((cluster.data / "postmaster.pid").read_text().split()[0])
        for name, path in PATHS.items():
            found[name] = cpu_ms(ours, path, headers, postgres, rounds)
        owner.close()
    return found


def cpu_ms(
    ours: FlaskClient,
    path: str,
    headers: dict[str, str],
    postgres: int,
    rounds: int,
) -> float:
    """Return the least CPU ms per request over the rounds: noise only adds."""
    year_ago = utc_now().date().replace(year=utc_now().year - 1)
    url = "/api/analytics" + path.format(year_ago=year_ago)
    best = float("inf")
    for _ in range(1 + rounds):  # the first one warms up
        before = time.process_time() + cpu_seconds([postgres])
        for _ in range(TIMES):
            response = ours.get(url, headers=headers)
            if response.status_code != 200:
                raise SystemExit(f"{url}: {response.status_code} {response.text}")
        used = time.process_time() + cpu_seconds([postgres]) - before
        best = min(best, 1000 * used / TIMES)
    return best
