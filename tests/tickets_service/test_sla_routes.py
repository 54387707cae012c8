"""The SLA over HTTP: explain, what-if, preview, versions, repricing."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from db.engine import Database
from tests.tickets_service.conftest import LEAK, As, Caller
from tests.tickets_service.worlds import VECTORS
from tickets_service.reprice import Repricing, reprice_all

PROJECT = Path(__file__).resolve().parents[2]

OLD = {"opened_at": "2026-10-05T02:00:00Z", "opened_reason": "late report"}
KL: dict[str, Any] = VECTORS["calendars"]["KL"]
QUESTION: dict[str, Any] = {
    "calendar": KL,
    "start": "2026-10-05T02:00:00Z",
    "target_seconds": 28800,
    "pauses": [{"from": "2026-10-05T03:30:00Z", "to": "2026-10-06T01:45:00Z"}],
    "now": "2026-10-06T02:00:00Z",
}


def ask(who: Caller, status: int = 200, **changes: Any) -> Any:
    return who.post("/sla/preview", QUESTION | changes, status)


def test_the_preview_answers_the_worked_case(viewer: Caller) -> None:
    answer = ask(viewer)
    assert set(answer) == {"due_at", "elapsed_seconds", "remaining_seconds", "segments"}
    assert answer["due_at"] == "2026-10-06T09:15:00Z"
    assert (answer["elapsed_seconds"], answer["remaining_seconds"]) == (6_300, 22_500)
    seconds: dict[str, int] = {}
    for s in answer["segments"]:
        seconds[s["kind"]] = seconds.get(s["kind"], 0) + s["seconds"]
    assert (seconds["open"], seconds["paused"]) == (28_800, 22_500)
    assert answer["segments"][0]["from"] == QUESTION["start"]
    assert answer["segments"][-1]["to"] == answer["due_at"]


@pytest.mark.parametrize(
    "case", [v for v in VECTORS["vectors"] if "start" in v], ids=lambda v: str(v["id"])
)
def test_the_preview_agrees_with_every_case(
    viewer: Caller, case: dict[str, Any]
) -> None:
    pauses = [{"from": a, "to": b} for a, b in case["pauses"]]
    answer = ask(
        viewer,
        calendar=VECTORS["calendars"][case["calendar"]],
        start=case["start"],
        target_seconds=case["target_s"],
        pauses=pauses,
    )
    assert answer["due_at"] == case["due"]
    opened = sum(s["seconds"] for s in answer["segments"] if s["kind"] == "open")
    assert opened == case["target_s"]


def test_a_running_pause_has_no_due_time(viewer: Caller) -> None:
    answer = ask(viewer, pauses=[{"from": "2026-10-05T03:30:00Z"}])
    assert answer["due_at"] is None
    assert (answer["elapsed_seconds"], answer["remaining_seconds"]) == (5_400, 23_400)


def test_a_calendar_may_be_named_by_its_id(viewer: Caller) -> None:
    assert (
        ask(viewer, calendar={"id": 1}, pauses=[])["due_at"] == "2026-10-06T02:00:00Z"
    )
    ask(viewer, 404, calendar={"id": 99_999})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"calendar": KL | {"tz": "Nowhere"}}, "calendar.tz"),
        ({"calendar": KL | {"weekly": {}}}, "calendar.weekly"),
        (
            {
                "calendar": KL
                | {"weekly": {"0": [["09:00", "12:00"], ["11:00", "13:00"]]}}
            },
            "calendar.weekly.0",
        ),
        (
            {"calendar": KL | {"weekly": {"0": [["12:00", "09:00"]]}}},
            "calendar.weekly.0",
        ),
        ({"calendar": None}, "calendar"),
        ({"calendar": []}, "calendar"),
        ({"start": "tomorrow"}, "start"),
        ({"start": "2026-10-05T02:00:00"}, "start"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "start"),
        ({"target_seconds": 0}, "target_seconds"),
        ({"target_seconds": -5}, "target_seconds"),
        ({"target_seconds": 1.5}, "target_seconds"),
        ({"target_seconds": True}, "target_seconds"),
        ({"target_seconds": 10**18}, "target_seconds"),
        ({"start": "1995-01-01T00:00:00Z"}, "start"),
        ({"pauses": {}}, "pauses"),
        ({"pauses": [{"to": "2026-10-05T03:30:00Z"}]}, "pauses.0.from"),
        (
            {
                "pauses": [
                    {"from": "2026-10-06T00:00:00Z", "to": "2026-10-05T00:00:00Z"}
                ]
            },
            "pauses.0.to",
        ),
        ({"now": 5}, "now"),
        ({"colour": 1}, "colour"),
    ],
)
def test_an_impossible_question_names_its_field(
    viewer: Caller, change: dict[str, Any], field: str
) -> None:
    assert list(ask(viewer, 422, **change)["errors"]) == [field]


def test_a_body_that_is_no_json_is_400(viewer: Caller) -> None:
    response = viewer.call(
        "POST", "/sla/preview", data="{", content_type="application/json"
    )
    assert response.status_code == 400
    viewer.post("/sla/preview", [1], 422)


def test_the_explanation_adds_up(dispatcher: Caller) -> None:
    ticket = dispatcher.open_ticket(**OLD)
    dispatcher.move(ticket, "start", occurred_at="2026-10-05T02:30:00Z")
    dispatcher.move(
        ticket, "hold", reason="weather_safety", occurred_at="2026-10-05T03:30:00Z"
    )
    dispatcher.move(ticket, "resume", occurred_at="2026-10-06T01:45:00Z")
    found = dispatcher.get("/tickets/1/sla")["resolution"]
    assert found["due_at"] == "2026-10-06T09:15:00Z"
    by_kind = {s["kind"]: 0 for s in found["segments"]}
    for s in found["segments"]:
        by_kind[s["kind"]] += s["seconds"]
    assert by_kind["open"] == found["target_seconds"] == 28_800
    assert by_kind["paused:weather_safety"] == 22_500
    dispatcher.move(ticket, "complete", occurred_at="2026-10-06T09:15:00Z")
    assert dispatcher.get("/tickets/1")["sla"]["resolution"]["state"] == "met"


def test_a_holiday_is_named_in_the_explanation(dispatcher: Caller) -> None:
    late = OLD | {"opened_at": "2026-08-28T09:00:00Z"}
    dispatcher.open_ticket(zone="Kuala Lumpur", **late)
    kinds = [
        s["kind"] for s in dispatcher.get("/tickets/1/sla")["resolution"]["segments"]
    ]
    assert any(kind.startswith("holiday:") for kind in kinds)


def test_a_hold_shows_what_resuming_now_would_mean(dispatcher: Caller) -> None:
    ticket = dispatcher.open_ticket()
    dispatcher.move(ticket, "hold", reason="customer_absent")
    shown = dispatcher.get("/tickets/1")["sla"]
    assert (shown["state"], shown["resolution"]["due_at"]) == ("paused", None)
    assert shown["response"]["due_at"] is not None
    assert shown["response"]["due_if_resumed_now"] is None
    assert shown["resolution"]["due_if_resumed_now"] is not None
    explained = dispatcher.get("/tickets/1/sla")["resolution"]
    assert explained["due_at"] is None
    assert explained["due_if_resumed_now"] is not None


@pytest.mark.parametrize(
    "body",
    [
        {"priority": "urgent"},
        {"hold": {"to": "2030-01-01T00:00:00Z"}},
        {"calendar_id": 1},
        {},
    ],
    ids=["priority", "hold", "calendar", "nothing"],
)
def test_a_what_if_changes_nothing(dispatcher: Caller, body: dict[str, Any]) -> None:
    dispatcher.open_ticket()
    before = dispatcher.get("/tickets/1/history")
    answer = dispatcher.post("/tickets/1/sla/what-if", body, 200)
    same = (
        answer["resolution"]["now"]["due_at"] == answer["resolution"]["then"]["due_at"]
    )
    assert same is (body in ({}, {"calendar_id": 1})) or "calendar_id" in body
    assert dispatcher.get("/tickets/1/history") == before


def test_a_saved_calendar_is_the_next_version(
    admin: Caller, dispatcher: Caller
) -> None:
    sent = {"name": "Night shift", "definition": VECTORS["calendars"]["BER-NIGHT"]}
    first = admin.post("/sla/calendars", sent)
    second = admin.post("/sla/calendars", sent)
    assert second["version"] == first["version"] + 1
    assert admin.get(f"/sla/calendars/{second['id']}") == second
    dispatcher.post("/sla/calendars", sent, 403)
    bad = {"name": "Never", "definition": {"tz": "UTC", "weekly": {}}}
    assert "definition.weekly" in admin.post("/sla/calendars", bad, 422)["errors"]


def policy(**changes: Any) -> dict[str, Any]:
    targets = {
        p: {"response_minutes": 10, "resolution_minutes": 60}
        for p in ("urgent", "high", "medium", "low")
    }
    return {
        "name": "Gold",
        "calendar_id": 1,
        "zones": ["Perlis"],
        "targets": targets,
    } | changes


def test_a_new_policy_serves_new_tickets_and_old_ones_when_repriced(
    admin: Caller, dispatcher: Caller
) -> None:
    first = admin.post("/sla/policies", policy())
    dispatcher.open_ticket(zone="Perlis")
    assert dispatcher.get("/tickets/1")["sla"]["resolution"]["target_minutes"] == 60
    faster = {
        p: {"response_minutes": 5, "resolution_minutes": 30} for p in first["targets"]
    }
    second = admin.post("/sla/policies", policy(targets=faster))
    assert dispatcher.get("/tickets/1")["sla"]["resolution"]["target_minutes"] == 60
    dispatcher.open_ticket(zone="Perlis")
    assert dispatcher.get("/tickets/2")["sla"]["resolution"]["target_minutes"] == 30
    path = f"/sla/policies/{second['id']}/reprice"
    shown = admin.post(f"{path}?preview=true", {}, 200)
    assert [item["ticket_id"] for item in shown["items"]] == [1]
    assert dispatcher.get("/tickets/1")["sla"]["resolution"]["target_minutes"] == 60
    assert admin.post(path, {}, 200)["items"] == shown["items"]
    assert dispatcher.get("/tickets/1")["sla"]["resolution"]["target_minutes"] == 30
    assert dispatcher.get("/tickets/1/history")["items"][-1]["kind"] == "sla.repriced"
    admin.post("/sla/policies", policy(is_active=False))


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}], ids=["", "keyed"])
def test_a_write_notices_policies_that_changed_since_the_last(
    admin: Caller, dispatcher: Caller, headers: dict[str, str]
) -> None:
    dispatcher.open_ticket(zone="Perlis")  # what is active now is known
    admin.post("/sla/policies", policy(name="Newer"))
    made = dispatcher.post("/tickets", LEAK | {"zone": "Perlis"}, headers=headers)
    assert (made["id"], made["sla"]["resolution"]["target_minutes"]) == (2, 60)
    admin.post("/sla/policies", policy(name="Newer", is_active=False))
    made = dispatcher.open_ticket(zone="Perlis")
    assert (made["id"], made["sla"]["resolution"]["target_minutes"]) != (3, 60)
    assert made["id"] == 3


@pytest.fixture
def quicker(admin: Caller, dispatcher: Caller) -> Iterator[int]:
    """Yield the second version of a policy; seven tickets are under its first."""
    first = admin.post("/sla/policies", policy())
    for _ in range(7):
        dispatcher.open_ticket(zone="Perlis")
    faster = {
        p: {"response_minutes": 5, "resolution_minutes": 30} for p in first["targets"]
    }
    yield admin.post("/sla/policies", policy(targets=faster))["id"]
    admin.post("/sla/policies", policy(is_active=False))


def targets(who: Caller) -> list[int]:
    """Return the resolution targets of all tickets in minutes, the first one first."""
    items = who.get("/tickets?sort=number")["items"]
    return [item["sla"]["resolution"]["target_minutes"] for item in items]


def test_repricing_goes_through_all_tickets_call_by_call(
    admin: Caller, quicker: int
) -> None:
    path, cursor, seen = f"/sla/policies/{quicker}/reprice?limit=3", "", []
    for remaining, done in ((4, 3), (1, 6), (0, 7)):
        answer = admin.post(path + cursor, {}, 200)
        assert (answer["remaining"], answer["more"]) == (remaining, remaining > 0)
        assert targets(admin) == [30] * done + [60] * (7 - done)
        seen += [item["ticket_id"] for item in answer["items"]]
        cursor = f"&cursor={answer['next']}"
    assert answer["next"] is None
    assert seen == [1, 2, 3, 4, 5, 6, 7]


def test_a_preview_goes_on_where_it_ended_though_nothing_changed(
    admin: Caller, quicker: int
) -> None:
    path = f"/sla/policies/{quicker}/reprice?preview=true&limit=5"
    first = admin.post(path, {}, 200)
    second = admin.post(f"{path}&cursor={first['next']}", {}, 200)
    assert [i["ticket_id"] for i in second["items"]] == [6, 7]
    assert targets(admin) == [60] * 7


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "cursor=nonsense"])
def test_a_batch_that_is_none_is_refused(
    admin: Caller, quicker: int, query: str
) -> None:
    path = f"/sla/policies/{quicker}/reprice?{query}"
    assert list(admin.post(path, {}, 422)["errors"]) == [query.partition("=")[0]]


def all_repriced(
    database: Database, policy_id: int, stop_after: int = 99, **more: Any
) -> tuple[int, int, list[int]]:
    """Return done, left and the counts of the batches of a run of the command."""
    stop, counts = threading.Event(), list[int]()

    def told(found: Mapping[str, Any]) -> None:
        counts.append(found["count"])
        if len(counts) == stop_after:
            stop.set()

    wanted = Repricing(policy_id, stop, batch=3, **more)
    zone = ZoneInfo("Asia/Kuala_Lumpur")
    return (*reprice_all(database, wanted, zone, told), counts)


def test_the_command_goes_through_all_in_batches(
    admin: Caller, quicker: int, database: Database
) -> None:
    assert all_repriced(database, quicker, preview=True) == (7, 0, [3, 3, 1])
    assert targets(admin) == [60] * 7
    assert all_repriced(database, quicker) == (7, 0, [3, 3, 1])
    assert targets(admin) == [30] * 7
    last = admin.get("/tickets/7/history")["items"][-1]
    assert (last["kind"], last["via"]) == ("sla.repriced", "worker")
    assert all_repriced(database, quicker) == (0, 0, [0]), "nothing is done twice"


def test_a_stopped_command_keeps_what_is_done_and_goes_on_when_run_again(
    admin: Caller, quicker: int, database: Database
) -> None:
    assert all_repriced(database, quicker, stop_after=1) == (3, 4, [3])
    assert targets(admin) == [30] * 3 + [60] * 4
    assert all_repriced(database, quicker) == (4, 0, [3, 1])
    assert targets(admin) == [30] * 7


def test_a_ticket_that_goes_while_a_batch_waits_for_it_is_left_out(
    admin: Caller, quicker: int, database: Database
) -> None:
    found: list[tuple[int, int, list[int]]] = []
    run = threading.Thread(target=lambda: found.append(all_repriced(database, quicker)))
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE tickets.tickets SET deleted_at = now() WHERE id = 2"
        )
        run.start()
        assert waits_for_a_lock(database), "the run waits for the deletion"
    run.join(30)
    assert found == [(6, 0, [3, 3])]


def waits_for_a_lock(database: Database) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    for _ in range(200):
        with database.read_only() as connection:
            if connection.exec_driver_sql(query).scalar_one():
                return True
        time.sleep(0.02)
    return False


def test_the_command_says_how_far_it_has_come(
    admin: Caller, quicker: int, database_url: str
) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tickets_service.reprice", *arguments],
            cwd=PROJECT,
            env={"DATABASE_URL": database_url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    shown = run(str(quicker), "--preview")
    assert shown.returncode == 0, shown.stderr
    assert "CTT_7: " in shown.stderr
    assert targets(admin) == [60] * 7
    done = run(str(quicker))
    assert (done.returncode, targets(admin)) == (0, [30] * 7)
    assert done.stderr.splitlines()[-1] == "7 tickets repriced, 0 left"
    missing = run("999999")
    assert missing.returncode == 2
    assert "Traceback" not in missing.stderr


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"calendar_id": 99_999}, "calendar_id"),
        ({"targets": {}}, "targets.urgent"),
        (
            {
                "targets": policy()["targets"]
                | {"low": {"response_minutes": 0, "resolution_minutes": 5}}
            },
            "targets.low.response_minutes",
        ),
        ({"targets": policy()["targets"] | {"huge": {}}}, "targets.huge"),
        ({"options": {"reopen": "never"}}, "options.reopen"),
        ({"options": {"pausing_reasons": ["tea"]}}, "options.pausing_reasons"),
        (
            {"options": {"evidence": {"plumbing": ["photo"]}}},
            "options.evidence.plumbing",
        ),
        (
            {"options": {"priority_change_floor_ratio": 2}},
            "options.priority_change_floor_ratio",
        ),
    ],
)
def test_a_policy_that_cannot_serve_is_refused(
    admin: Caller, change: dict[str, Any], field: str
) -> None:
    assert list(admin.post("/sla/policies", policy(**change), 422)["errors"]) == [field]


def test_evidence_is_asked_for_by_the_policy(admin: Caller, dispatcher: Caller) -> None:
    rules = {"evidence": {"repair": ["optical_power_dbm"]}}
    admin.post("/sla/policies", policy(name="Proof", zones=["Labuan"], options=rules))
    ticket = dispatcher.open_ticket(zone="Labuan")
    dispatcher.move(ticket, "start")
    refused = dispatcher.move(ticket, "complete", 422)
    assert list(refused["errors"]) == ["evidence.optical_power_dbm"]
    dispatcher.move(ticket, "complete", evidence={"optical_power_dbm": -19.5})
    admin.post("/sla/policies", policy(name="Proof", zones=["Labuan"], is_active=False))


def test_another_ones_clock_is_not_found(dispatcher: Caller, as_role: As) -> None:
    dispatcher.open_ticket()
    stranger = as_role("requester")
    stranger.get("/tickets/1/sla", 404)
    stranger.post("/tickets/1/sla/what-if", {"priority": "low"}, 404)
