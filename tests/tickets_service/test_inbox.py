"""The inbox: who is told of what, and that nobody reads another's."""

from typing import Any

import pytest

from db.engine import Database
from tests.actors import add_person
from tests.tickets_service.conftest import As, Caller


def kinds(who: Caller, query: str = "") -> list[str]:
    return [n["kind"] for n in who.get(f"/notifications{query}")["items"]]


def say(who: Caller, body: str, visibility: str = "public") -> None:
    who.post("/tickets/1/comments", {"body": body, "visibility": visibility})


def test_a_mention_tells_who_is_mentioned(
    dispatcher: Caller, database: Database, as_role: As
) -> None:
    aisha = as_role("manager", username="aisha")
    dispatcher.open_ticket()
    say(dispatcher, "please look, @Aisha!")
    [told] = aisha.get("/notifications")["items"]
    assert (told["kind"], told["ticket_number"]) == ("mention", "CTT_1")
    assert told["read_at"] is None
    assert kinds(dispatcher) == []


def test_a_mention_reaches_only_who_may_see_the_ticket_and_the_note(
    requester: Caller, dispatcher: Caller, as_role: As, team_id: int
) -> None:
    mine = as_role("requester", username="owner")
    ticket = mine.open_ticket(zone="Johor")
    callers = {
        "owner": mine,
        "stranger": as_role("requester", username="stranger"),
        "perak": as_role("manager", username="perak", zones=["Perak"]),
        "johor": as_role("manager", username="johor", zones=["Johor"]),
        "elsewhere": as_role("technician", team_id, username="elsewhere"),
    }
    everyone = " ".join(f"@{name}" for name in callers)
    path = f"/tickets/{ticket['id']}/comments"
    dispatcher.post(path, {"body": everyone, "visibility": "internal"})
    told = {name for name, who in callers.items() if kinds(who) == ["mention"]}
    assert told == {"johor"}
    dispatcher.post(path, {"body": everyone, "visibility": "public"})
    told = {name for name, who in callers.items() if "mention" in kinds(who)}
    assert told == {"johor", "owner"}


def test_an_offer_tells_the_person_or_the_whole_team(
    dispatcher: Caller, as_role: As, team_id: int
) -> None:
    one, two = as_role("technician", team_id), as_role("technician", team_id)
    dispatcher.open_ticket()
    dispatcher.post("/tickets/1/assignments", {"team_id": team_id})
    assert kinds(one) == kinds(two) == ["visit.offered"]
    sent = {"team_id": team_id, "technician_id": one.user_id}
    dispatcher.post("/tickets/1/assignments", sent)
    assert (len(kinds(one)), len(kinds(two))) == (2, 1)


def test_a_completion_tells_who_opened_the_ticket(
    requester: Caller, dispatcher: Caller
) -> None:
    ticket = requester.open_ticket()
    dispatcher.move(ticket, "start")
    dispatcher.move(ticket, "complete")
    assert kinds(requester) == ["ticket.completed"]


def test_a_user_who_is_off_is_told_nothing(
    dispatcher: Caller, database: Database, as_role: As
) -> None:
    gone = add_person(database, "manager", username="gone", is_active=False)
    dispatcher.open_ticket()
    say(dispatcher, "@gone")
    with database.read_only() as connection:
        count = connection.exec_driver_sql(
            "SELECT count(*) FROM tickets.notifications WHERE user_id = %s",
            (gone.user_id,),
        ).scalar_one()
    assert count == 0


@pytest.fixture
def three_told(dispatcher: Caller, as_role: As) -> Caller:
    aisha = as_role("manager", username="aisha")
    dispatcher.open_ticket()
    for n in range(3):
        say(dispatcher, f"@aisha {n}")
    return aisha


def test_reading_one_leaves_the_others_unread(three_told: Caller) -> None:
    newest = three_told.get("/notifications")["items"][0]
    assert three_told.get("/notifications/unread") == {"unread": 3}
    path = f"/notifications/{newest['id']}/read"
    read = three_told.post(path, status=200)
    assert read["read_at"]
    assert three_told.post(path, status=200) == read  # again is no error
    assert three_told.get("/notifications/unread") == {"unread": 2}
    assert len(kinds(three_told, "?unread=true")) == 2
    assert len(kinds(three_told)) == 3


def test_all_can_be_read_at_once(three_told: Caller) -> None:
    assert three_told.post("/notifications/read", status=200) == {"marked": 3}
    assert three_told.post("/notifications/read", status=200) == {"marked": 0}
    assert kinds(three_told, "?unread=true") == []


def test_pages_go_from_the_newest_to_the_oldest(three_told: Caller) -> None:
    first = three_told.get("/notifications?limit=2")
    cursor = first["page"]["next"]
    second = three_told.get(f"/notifications?limit=2&cursor={cursor}")
    ids = [n["id"] for page in (first, second) for n in page["items"]]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), second["page"]["next"]) == (3, None)


def test_nobody_reads_anothers(three_told: Caller, admin: Caller) -> None:
    theirs = three_told.get("/notifications")["items"][0]["id"]
    assert kinds(admin) == []
    admin.post(f"/notifications/{theirs}/read", status=404)
    admin.post("/notifications/999/read", status=404)
    assert three_told.get("/notifications/unread") == {"unread": 3}


@pytest.mark.parametrize("query", ["unread=perhaps", "cursor=x", "limit=0", "a=b"])
def test_a_bad_question_is_refused(viewer: Caller, query: str) -> None:
    answer: Any = viewer.get(f"/notifications?{query}", 422)
    assert list(answer["errors"]) == [query.partition("=")[0]]
