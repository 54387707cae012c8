"""The stored rows, due times and figures are those that the events make."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from db.engine import Database
from db.vocabulary import SlaState
from service_kit.clock import utc_now
from service_kit.worker import JobContext
from tests.conftest import settings_for
from tests.tickets_service.conftest import Caller
from tests.tickets_service.test_bulk_load import load
from tickets_service import rebuild_sla, rollup_verify
from tickets_service.books import Shelf
from tickets_service.fold import fold_deltas, lock
from tickets_service.jobs import fold_figures
from tickets_service.rollup_completing import complete_finest_cut
from tickets_service.sweeping import sweep_due

KL = ZoneInfo("Asia/Kuala_Lumpur")


@pytest.fixture
def busy(
    database: Database, dispatcher: Caller, requester: Caller, team_id: int
) -> Database:
    """Return a database with loaded and with worked tickets, swept."""
    load(database, 30)
    for n in range(6):
        ticket = requester.open_ticket(
            priority=["urgent", "low"][n % 2], zone=["Johor", "Perak"][n % 2]
        )
        path = f"/tickets/{ticket['id']}"
        dispatcher.post(f"{path}/assignments", {"team_id": team_id})
        dispatcher.move(ticket, "start")
        dispatcher.move(ticket, "hold", reason="customer_absent")
        dispatcher.patch(path, {"zone": "Perlis", "priority": "high", "tags": ["a"]})
        dispatcher.post(f"{path}/comments", {"body": "hello"})
        if n % 2:
            dispatcher.move(ticket, "complete")
            requester.move(ticket, "reopen")
        else:
            dispatcher.move(ticket, "cancel")
    while sweep_due(database, Shelf(), KL, utc_now()):
        pass
    return database


def test_the_events_rebuild_every_row(busy: Database) -> None:
    with busy.transaction() as connection:
        assert rebuild_sla.rebuild(connection) == []


def test_a_spoilt_row_is_found_and_mended(busy: Database) -> None:
    with busy.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE tickets.tickets SET resolution_due_at = now(), status = 'closed' "
            "WHERE id = 1"
        )
        found = rebuild_sla.rebuild(connection, fix=True)
        assert {(d[0], d[1]) for d in found} == {
            (1, "resolution_due_at"),
            (1, "status"),
        }
        assert rebuild_sla.rebuild(connection) == []


def test_the_figures_equal_a_recount_before_and_after_folding(busy: Database) -> None:
    with busy.transaction() as connection:
        assert rollup_verify.verify(connection, KL) == []
        assert fold_deltas(connection) > 0
        while fold_deltas(connection):
            pass
        assert rollup_verify.verify(connection, KL) == []


def test_folding_does_not_chase_the_writes_of_its_own_time(
    busy: Database, database_url: str
) -> None:
    turns = CountedTurns(busy.engine, busy.reader)
    settings = settings_for("tickets", database_url)
    fold_figures(JobContext(turns, settings, threading.Event()))
    assert turns.taken == 1
    with busy.transaction() as connection:
        assert fold_deltas(connection) == 0
        assert rollup_verify.verify(connection, KL) == []


def test_deltas_that_name_the_same_counters_are_added_up(busy: Database) -> None:
    with busy.transaction() as connection:
        while fold_deltas(connection):
            pass
        before = rollup_row(connection)
        for counters in ('{"rw:7": 2}', '{"rw:7": 2}', '{"rw:7": 1, "rk:3": 1}', "{}"):
            connection.exec_driver_sql(
                "INSERT INTO tickets.rollup_deltas (starts_on, zone, team_id, category,"
                " priority, technician_id, completed, extra) VALUES ('2026-01-05',"
                f" 'Perlis', 0, 'repair', 'low', 0, 1, '{counters}')"
            )
        assert fold_deltas(connection) == 4
        after = rollup_row(connection)
        assert after["completed"] - before["completed"] == 4
        assert added(before, after, "rw:7") == 5
        assert added(before, after, "rk:3") == 1


def rollup_row(connection: Connection) -> dict[str, Any]:
    row = connection.exec_driver_sql(
        "SELECT completed, extra FROM tickets.rollup WHERE cut = '' AND grain = 'a'"
    ).one()
    return {"completed": row[0], **row[1]}


def added(before: dict[str, Any], after: dict[str, Any], name: str) -> int:
    found: int = after[name] - before.get(name, 0)
    return found


class CountedTurns(Database):
    taken = 0

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self.taken += 1
        with super().transaction() as connection:
            yield connection


def test_a_spoilt_figure_is_found_and_rebuilt(busy: Database) -> None:
    with busy.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE tickets.rollup SET created = created + 1 "
            "WHERE cut = '' AND grain = 'a'"
        )
        assert len(rollup_verify.verify(connection, KL)) == 1
        rollup_verify.rebuild(connection, KL)
        assert rollup_verify.verify(connection, KL) == []


def test_the_summary_is_the_same_before_and_after_folding(
    busy: Database, dispatcher: Caller
) -> None:
    path = "/tickets/stats/summary"
    before = [
        dispatcher.get(p)
        for p in (path, f"{path}?zone=Perlis,Johor", f"{path}?team_id=1&priority=high")
    ]
    with busy.transaction() as connection:
        while fold_deltas(connection):
            pass
    after = [
        dispatcher.get(p)
        for p in (path, f"{path}?zone=Perlis,Johor", f"{path}?team_id=1&priority=high")
    ]
    for old, new in zip(before, after, strict=True):
        assert old | {"as_of": None} == new | {"as_of": None}
    by_rows = dispatcher.get(f"{path}?created_from=2000-01-01")
    assert by_rows | {"as_of": None} == after[0] | {"as_of": None}


def events_of(database: Database, kind: str) -> list[tuple[int, str, datetime]]:
    with database.read_only() as connection:
        rows = connection.exec_driver_sql(
            "SELECT ticket_id, data->>'clock', occurred_at "
            "FROM tickets.ticket_events WHERE kind = %(kind)s",
            {"kind": kind},
        ).all()
    return sorted((r[0], r[1], r[2]) for r in rows)


def test_a_breach_is_told_once_by_two_workers_at_its_own_instant(
    database: Database, dispatcher: Caller
) -> None:
    for _ in range(20):
        dispatcher.open_ticket(
            opened_at="2026-10-05T02:00:00Z", opened_reason="late report"
        )
    now = utc_now()
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(lambda _: sweep_due(database, Shelf(), KL, now), range(4)))
    told = events_of(database, "sla.breached")
    assert len(told) == 40
    assert len(set(told)) == 40
    assert {str(at) for _, clock, at in told if clock == "resolution"} == {
        "2026-10-06 02:00:00+00:00"
    }
    assert sweep_due(database, Shelf(), KL, now + timedelta(minutes=1)) == 0
    assert dispatcher.get("/tickets/stats/summary")["overdue"] == 20


class Dying(Database):
    """A database whose connection is lost just before the commit."""

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            yield connection
            raise ConnectionError


def test_a_worker_that_dies_is_made_up_for_once(
    database: Database, database_url: str, dispatcher: Caller
) -> None:
    dispatcher.open_ticket(
        opened_at="2026-10-05T02:00:00Z", opened_reason="late report"
    )
    with pytest.raises(ConnectionError):
        sweep_due(Dying.at(database_url), Shelf(), KL, utc_now())
    assert events_of(database, "sla.breached") == []
    for _ in range(2):
        sweep_due(database, Shelf(), KL, utc_now())
    assert len(events_of(database, "sla.breached")) == 2


def test_the_filter_by_sla_state_selects_what_shows_that_state(
    busy: Database, dispatcher: Caller
) -> None:
    dispatcher.open_ticket()
    dispatcher.move(dispatcher.open_ticket(), "hold", reason="awaiting_parts")
    listed = dispatcher.get("/tickets?limit=200")["items"]
    shown = {
        state: [t["id"] for t in listed if t["sla"]["state"] == state]
        for state in SlaState
    }
    assert sum(map(len, shown.values())) == len(listed)
    for state, ids in shown.items():
        found = dispatcher.get(f"/tickets?limit=200&sla_state={state}")["items"]
        assert [t["id"] for t in found] == ids, state
        counted = dispatcher.get(f"/tickets/stats/summary?sla_state={state}")
        assert counted["total"] == len(ids)
    found = dispatcher.get("/tickets/stats/summary")
    assert found["overdue"] == len(shown[SlaState.BREACHED])
    assert found["at_risk"] == len(shown[SlaState.AT_RISK])


def fold_all(database: Database) -> None:
    with database.transaction() as connection:
        while fold_deltas(connection):
            pass


def lose_the_finest_cut(database: Database, dispatcher: Caller) -> None:
    """Leave what an upgrade does: the cut of what was folded since, and deltas."""
    fold_all(database)
    with database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM tickets.rollup WHERE cut = 'ztcpk'")
    dispatcher.open_ticket()
    fold_all(database)
    dispatcher.move(dispatcher.open_ticket(), "start")


def differences(database: Database) -> list[str]:
    with database.transaction() as connection:
        return rollup_verify.verify(connection, KL)


def test_a_cut_that_an_older_release_did_not_count_is_counted(
    busy: Database, dispatcher: Caller
) -> None:
    lose_the_finest_cut(busy, dispatcher)
    assert differences(busy)
    assert complete_finest_cut(busy, KL)
    assert differences(busy) == []
    assert not complete_finest_cut(busy, KL)
    fold_all(busy)
    assert differences(busy) == []


def test_a_cut_is_not_counted_while_others_fold(
    busy: Database, dispatcher: Caller
) -> None:
    lose_the_finest_cut(busy, dispatcher)
    with busy.transaction() as connection:
        lock(connection)
        assert not complete_finest_cut(busy, KL)
    assert differences(busy)
    assert complete_finest_cut(busy, KL)
