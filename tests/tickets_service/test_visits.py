"""Visits and comments over HTTP."""

import threading
from typing import Any

import pytest
from flask import Flask

from db.engine import Database
from tests.actors import add_person, add_team
from tests.tickets_service.conftest import As, Caller


def offer(dispatcher: Caller, ticket: Any, team_id: int, **more: Any) -> Any:
    return dispatcher.post(
        f"/tickets/{ticket['id']}/assignments", {"team_id": team_id, **more}
    )


def test_a_visit_carries_its_ticket_from_offer_to_completion(
    dispatcher: Caller, technician: Caller, team_id: int
) -> None:
    ticket = dispatcher.open_ticket()
    visit = offer(dispatcher, ticket, team_id)
    path = f"/assignments/{visit['id']}"
    for status, ticket_status in (
        ("accepted", "open"),
        ("en_route", "open"),
        ("on_site", "in_progress"),
        ("done", "completed"),
    ):
        assert technician.patch(path, {"status": status})["status"] == status
        assert technician.get("/tickets/1")["status"] == ticket_status
    found = dispatcher.get("/tickets/1")
    assert found["sla"]["response"]["state"] == "met"
    assert found["technician_id"] == technician.user_id


def test_a_visit_may_not_jump(
    dispatcher: Caller, technician: Caller, team_id: int
) -> None:
    visit = offer(dispatcher, dispatcher.open_ticket(), team_id)
    refused = technician.patch(f"/assignments/{visit['id']}", {"status": "done"}, 409)
    assert refused["allowed"] == ["accepted", "declined", "released"]


def test_a_reassignment_keeps_the_history(
    dispatcher: Caller, database: Database, team_id: int
) -> None:
    ticket = dispatcher.open_ticket()
    offer(dispatcher, ticket, team_id)
    other = add_team(database, "Johor")
    second = offer(dispatcher, ticket, other, reason="nearer")
    assert second["warnings"] == ["the team's zone is Johor"]
    items = dispatcher.get("/tickets/1/assignments")["items"]
    assert [(v["team_id"], v["status"]) for v in items] == [
        (team_id, "released"),
        (other, "offered"),
    ]
    assert [
        v["id"] for v in dispatcher.get("/assignments?status=offered")["items"]
    ] == [second["id"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "team_id"),
        ({"team_id": 999}, "team_id"),
        ({"team_id": 1, "technician_id": 999}, "technician_id"),
        ({"team_id": 1, "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ],
)
def test_an_impossible_offer_is_refused(
    dispatcher: Caller, team_id: int, body: dict[str, Any], field: str
) -> None:
    dispatcher.open_ticket()
    body = body | ({"team_id": team_id} if body.get("team_id") == 1 else {})
    assert field in dispatcher.post("/tickets/1/assignments", body, 422)["errors"]


def test_another_teams_visit_is_not_found(
    dispatcher: Caller, as_role: As, database: Database, team_id: int
) -> None:
    visit = offer(dispatcher, dispatcher.open_ticket(), team_id)
    stranger = as_role("technician", add_team(database))
    stranger.patch(f"/assignments/{visit['id']}", {"status": "accepted"}, 404)
    assert stranger.get("/assignments")["items"] == []


def test_a_person_is_on_one_visit_at_a_time(
    dispatcher: Caller, technician: Caller, team_id: int
) -> None:
    visits = [offer(dispatcher, dispatcher.open_ticket(), team_id) for _ in range(2)]
    for visit in visits:
        technician.patch(f"/assignments/{visit['id']}", {"status": "accepted"})
    technician.patch(f"/assignments/{visits[0]['id']}", {"status": "on_site"})
    busy = technician.patch(
        f"/assignments/{visits[1]['id']}", {"status": "on_site"}, 409
    )
    assert busy["code"] == "technician_busy"


def test_comments_are_public_or_internal(dispatcher: Caller, requester: Caller) -> None:
    requester.open_ticket()
    dispatcher.post("/tickets/1/comments", {"body": "Team is coming"})
    dispatcher.post(
        "/tickets/1/comments", {"body": "Difficult customer", "visibility": "internal"}
    )
    assert len(dispatcher.get("/tickets/1/comments")["items"]) == 2
    assert [c["body"] for c in requester.get("/tickets/1/comments")["items"]] == [
        "Team is coming"
    ]
    requester.get("/tickets/1/comments/2", 404)
    assert "Difficult" not in requester.call("GET", "/tickets/1/history").text
    assert len(requester.get("/tickets/1/history")["items"]) == 2
    requester.post(
        "/tickets/1/comments", {"body": "psst", "visibility": "internal"}, 403
    )
    assert dispatcher.get("/tickets/1")["sla"]["response"]["state"] == "met"


def test_an_edited_comment_keeps_its_old_text(
    dispatcher: Caller, requester: Caller, database: Database
) -> None:
    requester.open_ticket()
    dispatcher.post("/tickets/1/comments", {"body": "one"})
    requester.patch("/tickets/1/comments/1", {"body": "mine now"}, 403)
    assert dispatcher.patch("/tickets/1/comments/1", {"body": "two"})["body"] == "two"
    assert dispatcher.call("DELETE", "/tickets/1/comments/1").status_code == 204
    assert dispatcher.get("/tickets/1/comments")["items"] == []
    with database.read_only() as connection:
        rows = connection.exec_driver_sql(
            "SELECT body FROM tickets.comment_edits ORDER BY id"
        ).all()
    assert [row[0] for row in rows] == ["one", "two"]


def race(*calls: Any) -> list[int]:
    """Run the calls at the same time; return their statuses, sorted."""
    barrier, found = threading.Barrier(len(calls)), []

    def run(call: Any) -> None:
        barrier.wait()
        found.append(call().status_code)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


def test_of_two_writers_with_the_same_version_one_wins(
    tickets_app: Flask, dispatcher: Caller
) -> None:
    dispatcher.open_ticket()
    tag = {"If-Match": '"1"'}

    def write(title: str) -> Any:
        caller = Caller(
            tickets_app.test_client(), dispatcher.headers, dispatcher.user_id
        )
        return lambda: caller.call(
            "PATCH", "/tickets/1", json={"title": title}, headers=tag
        )

    assert race(*(write(str(n)) for n in range(4))) == [200, 412, 412, 412]


def test_of_two_who_accept_one_wins(
    tickets_app: Flask, database: Database, dispatcher: Caller, team_id: int
) -> None:
    visit = offer(dispatcher, dispatcher.open_ticket(), team_id)

    def accept() -> Any:
        person = add_person(database, "technician", team_id)
        caller = Caller(tickets_app.test_client(), person.headers, person.user_id)
        return lambda: caller.call(
            "PATCH", f"/assignments/{visit['id']}", json={"status": "accepted"}
        )

    assert race(accept(), accept(), accept()) == [200, 409, 409]


def test_numbers_have_no_gap_and_no_double_under_load(
    tickets_app: Flask, dispatcher: Caller
) -> None:
    def opener(n: int) -> Any:
        caller = Caller(
            tickets_app.test_client(), dispatcher.headers, dispatcher.user_id
        )
        body = {
            "title": "x",
            "category": "repair",
            "zone": "Selangor" if n % 3 else "Atlantis",
        }
        return lambda: caller.call("POST", "/tickets", json=body)

    for _ in range(3):
        race(*(opener(n) for n in range(6)))
    found = sorted(t["id"] for t in dispatcher.get("/tickets?limit=200")["items"])
    assert found == list(range(1, len(found) + 1))
