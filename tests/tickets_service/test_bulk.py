"""Bulk changes: each ticket by its own rules, in one order, all or none if asked."""

import threading
from typing import Any

import pytest
from flask import Flask

from db.engine import Database
from tests.actors import add_person
from tests.tickets_service.conftest import As, Caller


def three(dispatcher: Caller) -> None:
    for zone in ("Selangor", "Selangor", "Johor"):
        dispatcher.open_ticket(zone=zone)


def test_each_ticket_of_a_bulk_has_its_own_outcome(dispatcher: Caller) -> None:
    three(dispatcher)
    dispatcher.move({"id": 2}, "cancel")
    found = dispatcher.post(
        "/tickets/bulk", {"ids": [3, 2, 1, 99], "action": "start"}, 200
    )
    assert [(i["number"], i["status"], i.get("code")) for i in found["items"]] == [
        ("CTT_3", "ok", None),
        ("CTT_2", "error", "illegal_transition"),
        ("CTT_1", "ok", None),
        ("CTT_99", "error", "not_found"),
    ]
    assert (found["succeeded"], found["failed"]) == (2, 2)
    assert found["items"][1]["allowed"] == []
    assert found["items"][1]["detail"]
    assert found["items"][0]["version"] == 2


def test_an_atomic_bulk_is_all_or_nothing(dispatcher: Caller) -> None:
    three(dispatcher)
    body = {"ids": [1, 2, 99], "set": {"priority": "low"}}
    refused = dispatcher.post("/tickets/bulk?atomic=true", body, 409)
    assert [i["code"] for i in refused["items"]] == [
        "not_applied",
        "not_applied",
        "not_found",
    ]
    assert refused["code"] == "bulk_refused"
    assert dispatcher.get("/tickets?priority=low")["items"] == []
    dispatcher.post("/tickets/bulk?atomic=true", body | {"ids": [1, 2]}, 200)
    assert len(dispatcher.get("/tickets?priority=low")["items"]) == 2


def test_a_bulk_may_go_by_filter(dispatcher: Caller, team_id: int) -> None:
    three(dispatcher)
    body = {
        "filter": {"zone": ["Selangor"], "status": "open"},
        "set": {"team_id": team_id},
    }
    assert dispatcher.post("/tickets/bulk", body, 200)["succeeded"] == 2
    assert {t["zone"] for t in dispatcher.get("/tickets?assigned=true")["items"]} == {
        "Selangor"
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": [1]},
        {"action": "start"},
        {"ids": [1], "filter": {"q": "x"}, "action": "start"},
        {"ids": [], "action": "start"},
        {"filter": {}, "action": "start"},
        {"ids": [1], "set": {}},
        {"ids": [1], "set": {"number": 5}},
        {"filter": {"zone": "Atlantis"}, "action": "start"},
        {"ids": list(range(1, 1_002)), "action": "start"},
        {"ids": [1], "set": {"priority": "low"}, "reason": "x"},
    ],
    ids=lambda body: ",".join(body) or "nothing",
)
def test_an_unclear_bulk_is_refused(dispatcher: Caller, body: dict[str, Any]) -> None:
    assert dispatcher.post("/tickets/bulk", body, 422)["errors"]


def test_a_bulk_of_nothing_new_says_so(dispatcher: Caller) -> None:
    three(dispatcher)
    body = {"ids": [1, 1], "set": {"priority": "high"}}
    found = dispatcher.post("/tickets/bulk", body, 200)
    assert [i["changed"] for i in found["items"]] == [False]


def test_a_filter_that_selects_nothing_changes_nothing(dispatcher: Caller) -> None:
    body = {"filter": {"zone": "Johor"}, "action": "start"}
    found = dispatcher.post("/tickets/bulk", body, 200)
    assert found == {"items": [], "succeeded": 0, "failed": 0}


def test_a_bulk_keeps_everyone_to_their_own_tickets_and_moves(
    dispatcher: Caller, requester: Caller, as_role: As, team_id: int, viewer: Caller
) -> None:
    requester.open_ticket(zone="Johor")
    dispatcher.open_ticket(zone="Selangor")
    dispatcher.post("/tickets/2/assignments", {"team_id": team_id})
    everything: dict[str, Any] = {"ids": [1, 2], "set": {"priority": "low"}}
    wanted = {
        ("manager", None, ("Johor",)): ["ok", "not_found"],
        ("technician", team_id, None): ["not_found", "forbidden"],
        ("technician", None, None): ["not_found", "not_found"],
        ("requester", None, None): ["not_found", "not_found"],
    }
    for (role, team, zones), outcomes in wanted.items():
        caller = as_role(role, team, zones=zones)
        items = caller.post("/tickets/bulk", everything, 200)["items"]
        assert [i.get("code", i["status"]) for i in items] == outcomes, role
    assert requester.post("/tickets/bulk", everything, 200)["items"][0]["code"] == (
        "forbidden"
    )
    viewer.post("/tickets/bulk", everything, 403)
    assert dispatcher.get("/tickets/2")["priority"] == "high"
    found = as_role("manager", zones=["Johor"]).post(
        "/tickets/bulk", {"filter": {"status": "open"}, "action": "cancel"}, 200
    )
    assert [i["id"] for i in found["items"]] == [1]


def test_a_repeated_bulk_is_done_once(dispatcher: Caller) -> None:
    three(dispatcher)
    body = {"ids": [1, 2], "action": "start"}
    key = {"Idempotency-Key": "bulk-1"}
    first = dispatcher.post("/tickets/bulk", body, 200, headers=key)
    assert dispatcher.post("/tickets/bulk", body, 200, headers=key) == first
    assert first["succeeded"] == 2


def test_two_bulks_in_opposite_orders_both_end(
    tickets_app: Flask, database: Database, dispatcher: Caller
) -> None:
    for n in range(20):
        dispatcher.open_ticket(title=str(n))
    answers: list[Any] = []

    def change(ids: list[int], tag: str) -> None:
        person = add_person(database, "dispatcher")
        caller = Caller(tickets_app.test_client(), person.headers, person.user_id)
        body = {"ids": ids, "set": {"title": tag}}
        answers.append(caller.post("/tickets/bulk?atomic=true", body, 200))

    ids = list(range(1, 21))
    writers = [
        threading.Thread(target=change, args=(ids, "up")),
        threading.Thread(target=change, args=(ids[::-1], "down")),
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert [answer["succeeded"] for answer in answers] == [20, 20]
    titles = {t["title"] for t in dispatcher.get("/tickets")["items"]}
    assert titles in ({"up"}, {"down"})  # the later one whole, never a mixture
