"""Parents, children and duplicates: never a circle, never a way to what is hidden."""

import threading
from typing import Any

import pytest
from flask import Flask

from db.engine import Database
from tests.actors import add_person
from tests.tickets_service.conftest import LEAK, As, Caller

LINKS = ("parent_id", "duplicate_of_id")
links = pytest.mark.parametrize("link", LINKS)


@links
def test_the_linked_tickets_are_found_by_the_link(
    dispatcher: Caller, link: str
) -> None:
    dispatcher.open_ticket(title="outage")
    for _ in range(2):
        dispatcher.open_ticket(**{link: 1})
    dispatcher.open_ticket()
    dispatcher.patch("/tickets/4", {link: 1})
    found = dispatcher.get(f"/tickets?{link}=1&sort=number")["items"]
    assert [(t["id"], t[link]) for t in found] == [(2, 1), (3, 1), (4, 1)]
    assert dispatcher.get(f"/tickets/stats/summary?{link}=1")["total"] == 3
    dispatcher.patch("/tickets/4", {link: None})
    assert len(dispatcher.get(f"/tickets?{link}=1")["items"]) == 2


@links
@pytest.mark.parametrize(
    ("ticket_id", "other", "why"),
    [
        (1, 1, "is the ticket itself"),
        (1, 2, "would close a circle"),
        (1, 3, "would close a circle"),
        (1, 99, "there is no such ticket"),
    ],
    ids=["itself", "its child", "its grandchild", "none"],
)
def test_a_link_never_closes_a_circle(
    dispatcher: Caller, link: str, ticket_id: int, other: int, why: str
) -> None:
    dispatcher.open_ticket()
    dispatcher.open_ticket(**{link: 1})
    dispatcher.open_ticket(**{link: 2})
    refused = dispatcher.patch(f"/tickets/{ticket_id}", {link: other}, 422)
    assert refused["errors"] == {link: [why]}
    assert dispatcher.get(f"/tickets/{ticket_id}")[link] is None


@links
def test_two_who_would_close_a_circle_together_do_not(
    tickets_app: Flask, database: Database, dispatcher: Caller, link: str
) -> None:
    for _ in range(2):
        dispatcher.open_ticket()
    statuses: list[int] = []
    together = threading.Barrier(2)

    def change(ticket_id: int, other: int) -> None:
        person = add_person(database, "dispatcher")
        client = tickets_app.test_client()
        together.wait()
        response = client.patch(
            f"/api/tickets/{ticket_id}", json={link: other}, headers=person.headers
        )
        statuses.append(response.status_code)

    for _ in range(5):
        statuses.clear()
        pairs = ((1, 2), (2, 1))
        threads = [threading.Thread(target=change, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200, 422]
        for ticket_id in (1, 2):
            dispatcher.patch(f"/tickets/{ticket_id}", {link: None})


@links
def test_a_link_does_not_tell_what_is_hidden(
    dispatcher: Caller, requester: Caller, as_role: As, link: str
) -> None:
    dispatcher.open_ticket(zone="Perak")
    mine = requester.open_ticket(zone="Johor")
    body: dict[str, Any] = LEAK | {link: 1}
    assert list(requester.post("/tickets", body, 422)["errors"]) == [link]
    johor = as_role("manager", zones=["Johor"])
    path = f"/tickets/{mine['id']}"
    assert list(johor.patch(path, {link: 1}, 422)["errors"]) == [link]
    assert johor.patch(path, {link: 99}, 422)["errors"] == {
        link: ["there is no such ticket"]
    }


def test_a_link_is_in_the_history(dispatcher: Caller) -> None:
    for _ in range(2):
        dispatcher.open_ticket()
    dispatcher.patch("/tickets/2", {"parent_id": 1})
    last = dispatcher.get("/tickets/2/history")["items"][-1]
    assert last["changes"] == {"parent_id": {"old": None, "new": 1}}


def test_closing_a_parent_leaves_its_children_and_a_bulk_moves_them(
    dispatcher: Caller,
) -> None:
    dispatcher.open_ticket(title="outage")
    for _ in range(3):
        dispatcher.open_ticket(parent_id=1)
    dispatcher.move({"id": 1}, "cancel")
    children = dispatcher.get("/tickets?parent_id=1")["items"]
    assert {t["status"] for t in children} == {"open"}
    body = {"filter": {"parent_id": 1}, "action": "cancel", "reason": "see CTT_1"}
    assert dispatcher.post("/tickets/bulk", body, 200)["succeeded"] == 3
