"""`python -m tickets_service.reprice POLICY_ID`: put all its tickets under a version.

All unfinished tickets of the policy's name, a batch at a time, each batch in a
transaction of its own, so that writers wait for a batch at most. Ctrl-C (or SIGTERM)
ends it after the batch at hand; run again it goes on, for what is done already is
under the version. `--preview` writes nothing and prints what would change.
"""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from db.engine import Database
from db.vocabulary import Via
from service_kit.clock import utc_now
from service_kit.errors import NotFound
from service_kit.settings import Settings
from tickets_service.books import Shelf, StoredBook
from tickets_service.sla_actions import Batch, reprice
from tickets_service.storage import Request, World
from tickets_service.sweeping import WORKER

BATCH = 200
STOPPED = 130

log = logging.getLogger(__name__)
Told = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Repricing:
    """What is wanted of a run. stop: set it to end after the batch at hand."""

    policy_id: int
    stop: threading.Event
    preview: bool = False
    batch: int = BATCH


def reprice_all(
    database: Database, wanted: Repricing, zone: ZoneInfo, told: Told
) -> tuple[int, int]:
    """Go through all tickets; return how many were done and how many are left.

    told: is given the answer of each batch, once it is committed.
    """
    shelf, after, done = Shelf(), 0, 0
    while True:
        batch = Batch(after, wanted.batch, wanted.preview)
        with database.transaction() as connection:
            world = World(StoredBook(connection, shelf), zone, Via.WORKER)
            asks = Request(WORKER, utc_now())
            found = reprice(connection, wanted.policy_id, batch, asks, world)
        told(found)
        after, done = found["last_id"], done + found["count"]
        if not found["remaining"] or wanted.stop.is_set():
            return done, found["remaining"]


def tell(found: Mapping[str, Any]) -> None:
    """Print a preview's tickets, and how far the run has come."""
    if found["preview"]:
        for item in found["items"]:
            due = item.get("resolution_due_at", {})
            log.info(
                "CTT_%s: %s -> %s", item["ticket_id"], due.get("old"), due.get("new")
            )
    log.info("%s tickets, %s left", found["count"], found["remaining"])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("policy_id", type=int, help="the version, as /api/sla/policies")
    parser.add_argument("--preview", action="store_true", help="write nothing")
    given = parser.parse_args(arguments)
    logging.basicConfig(level="INFO", format="%(message)s")
    settings = Settings.from_env("tickets")
    database = Database.at(
        settings.database_url, role=settings.role, statement_timeout_ms=0
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    wanted = Repricing(given.policy_id, stop, given.preview)
    zone = ZoneInfo(settings.organisation_zone)
    try:
        done, left = reprice_all(database, wanted, zone, tell)
    except NotFound as error:
        log.error("%s", error.detail)
        return 2
    verb = "would be repriced" if given.preview else "repriced"
    log.info("%s tickets %s, %s left", done, verb, left)
    return STOPPED if left else 0


if __name__ == "__main__":
    sys.exit(main())
