"""Jobs run in one worker at a time, again after a failure, and stop when asked."""

import threading

import pytest

from db.engine import Database
from service_kit.worker import Job, JobContext, one_runner, run_forever, run_once
from tests.conftest import settings_for


@pytest.fixture
def context(owner: Database, database_url: str) -> JobContext:
    settings = settings_for("tickets", database_url)
    return JobContext(owner, settings, threading.Event())


def test_a_job_does_not_run_while_another_worker_runs_it(context: JobContext) -> None:
    ran: list[str] = []
    job = Job("only-once", 1, lambda _: ran.append("ran"))
    with one_runner(context.database, "only-once") as mine:
        assert mine
        assert not run_once(job, context)
    assert run_once(job, context)
    assert ran == ["ran"]


def test_a_failed_job_is_tried_again(context: JobContext) -> None:
    tries: list[int] = []

    def fail_once(running: JobContext) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("the first time fails")
        running.stop.set()

    run_forever(Job("fails-once", 0.01, fail_once), context)
    assert len(tries) == 2
