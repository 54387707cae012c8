"""Background work: `python -m service_kit.worker tickets_service ai_service …`.

Each named service lists its jobs in `jobs.JOBS`. A job runs when its time has
come, in one worker only (advisory lock), again sooner or later after a failure,
and is asked to stop through `context.stop`.
"""

import importlib
import logging
import os
import signal
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from db.engine import Database
from service_kit.clock import monotonic_s
from service_kit.settings import BadSettings, Settings
from service_kit.tracing import init_logs

RETRY_FIRST_S, RETRY_MOST_S = 1.0, 60.0
STOP_WITHIN_S = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job may use. Its database writes as the role of its service."""

    database: Database
    settings: Settings
    stop: threading.Event


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of background work, due every `every_s` seconds after its last end."""

    name: str
    every_s: float
    run: Callable[[JobContext], None]


def run_forever(job: Job, context: JobContext) -> None:
    """Run `job` until told to stop; after a failure wait longer each time."""
    pause_s = 0.0
    retry_s = RETRY_FIRST_S
    while not context.stop.wait(pause_s):
        try:
            run_once(job, context)
            pause_s, retry_s = job.every_s, RETRY_FIRST_S
        except Exception:  # a job must never end the worker
            log.exception("job failed", extra={"facts": {"job": job.name}})
            pause_s, retry_s = min(retry_s, job.every_s), min(retry_s * 2, RETRY_MOST_S)


def run_once(job: Job, context: JobContext) -> bool:
    """Run `job` unless another worker is at it; return whether it ran here."""
    with one_runner(context.database, job.name) as mine:
        if mine:
            began = monotonic_s()
            job.run(context)
            facts = {"job": job.name, "ms": round((monotonic_s() - began) * 1000)}
            log.debug("job done", extra={"facts": facts})
    return mine


@contextmanager
def one_runner(database: Database, name: str) -> Iterator[bool]:
    """Yield whether this process holds the lock `name`, held until the block ends."""
    key = {"key": zlib.crc32(f"job:{name}".encode())}
    with database.read_only() as connection:
        mine = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key))
        try:
            yield mine
        finally:
            if mine:
                unlock(connection, key)


def unlock(connection: object, key: dict[str, int]) -> None:
    try:
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)  # type: ignore[attr-defined]
    except SQLAlchemyError:
        log.info("the lock went with its connection")


def jobs_of(package: str) -> tuple[Job, ...]:
    jobs: tuple[Job, ...] = importlib.import_module(f"{package}.jobs").JOBS
    return jobs


def start(package: str, stop: threading.Event) -> list[threading.Thread]:
    """Start a thread per job of one service."""
    settings = Settings.from_env(package.removesuffix("_service"))
    jobs = jobs_of(package)
    database = Database.at(
        settings.database_url,
        role=settings.role,
        statement_timeout_ms=0,
        pool_size=2 * len(jobs) or 1,
    )
    context = JobContext(database, settings, stop)
    threads = [
        threading.Thread(
            target=run_forever, args=(job, context), name=job.name, daemon=True
        )
        for job in jobs
    ]
    for thread in threads:
        thread.start()
    return threads


def main(packages: list[str]) -> int:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    init_logs("worker", os.environ.get("LOG_LEVEL", "INFO"))
    try:
        threads = [thread for package in packages for thread in start(package, stop)]
    except BadSettings as error:
        log.error("%s", error)
        return 2
    log.info("worker started", extra={"facts": {"jobs": [t.name for t in threads]}})
    stop.wait()
    for thread in threads:
        thread.join(STOP_WITHIN_S / max(1, len(threads)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
