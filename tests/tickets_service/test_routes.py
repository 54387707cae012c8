"""Tickets over HTTP: open, read, change, move, and who may."""

from typing import Any

import pytest

from db.engine import Database
from tests.tickets_service.conftest import LEAK, As, Caller


def test_a_requester_opens_a_ticket_and_its_clocks_start(requester: Caller) -> None:
    ticket = requester.open_ticket()
    assert (ticket["id"], ticket["number"], ticket["status"]) == (1, "CTT_1", "open")
    assert ticket["sla"]["resolution"]["target_minutes"] == 480
    assert ticket["sla"]["state"] == "ok"


def test_a_new_ticket_is_found_at_its_location(requester: Caller) -> None:
    response = requester.call("POST", "/tickets", json=LEAK)
    assert (
        requester.get(response.headers["Location"].removeprefix("/api"))
        == response.json
    )


@pytest.mark.parametrize("ref", ["1", "CTT_1", "ctt_001", "001"])
def test_a_ticket_goes_by_its_id_and_its_number(requester: Caller, ref: str) -> None:
    requester.open_ticket()
    assert requester.get(f"/tickets/{ref}")["id"] == 1


@pytest.mark.parametrize("ref", ["2", "CTT_x", "-1", "9" * 40, "1.0"])
def test_what_is_no_ticket_is_not_found(requester: Caller, ref: str) -> None:
    requester.open_ticket()
    assert requester.get(f"/tickets/{ref}", 404)["code"] == "not_found"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"zone": "Atlantis"}, "zone"),
        ({"category": "plumbing"}, "category"),
        ({"priority": "critical"}, "priority"),
        ({"status": "closed"}, "status"),
        ({"coordinates": {"lat": 91, "lon": 0}}, "coordinates.lat"),
        ({"estimated_minutes": 0}, "estimated_minutes"),
        ({"parent_id": 99}, "parent_id"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_a_bad_field_is_named(
    dispatcher: Caller, change: dict[str, Any], field: str
) -> None:
    answer = dispatcher.post("/tickets", LEAK | change, 422)
    assert list(answer["errors"]) == [field]


def test_a_zone_goes_by_its_aliases(dispatcher: Caller) -> None:
    assert dispatcher.open_ticket(zone="kl")["zone"] == "Kuala Lumpur"


def test_a_change_changes_only_what_is_sent(dispatcher: Caller) -> None:
    ticket = dispatcher.open_ticket(description="dark", tags=["vip"])
    for method in ("PUT", "PATCH"):
        response = dispatcher.call(method, "/tickets/1", json={"title": f"by {method}"})
        assert response.json is not None
        assert response.json["title"] == f"by {method}"
        assert response.json["tags"] == ["vip"]
        version = response.json["version"]
    assert version == ticket["version"] + 2


def test_a_stale_version_is_refused(dispatcher: Caller) -> None:
    dispatcher.open_ticket()
    stale = dispatcher.call("GET", "/tickets/1").headers["ETag"]
    dispatcher.patch("/tickets/1", {"title": "newer"}, headers={"If-Match": stale})
    dispatcher.patch("/tickets/1", {"title": "x"}, 412, headers={"If-Match": stale})


def test_an_unchanged_ticket_is_304(dispatcher: Caller) -> None:
    dispatcher.open_ticket()
    tag = dispatcher.call("GET", "/tickets/1").headers["ETag"]
    again = dispatcher.call("GET", "/tickets/1", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_a_status_sent_with_a_change_goes_through_its_transition(
    dispatcher: Caller,
) -> None:
    dispatcher.open_ticket()
    assert dispatcher.patch("/tickets/1", {"status": "in_progress"})["started_at"]
    refused = dispatcher.patch("/tickets/1", {"status": "closed"}, 409)
    assert refused["code"] == "illegal_transition"
    assert refused["allowed"] == ["cancel", "complete", "hold"]


def test_a_ticket_lives_its_life(dispatcher: Caller, requester: Caller) -> None:
    ticket = requester.open_ticket()
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("start", "in_progress", {}),
        ("hold", "on_hold", {"reason": "awaiting_parts"}),
        ("resume", "in_progress", {}),
        ("complete", "completed", {"reason": "replaced_ont"}),
    ]
    for action, status, more in steps:
        assert dispatcher.move(ticket, action, **more)["status"] == status
    closed = requester.move(ticket, "close")
    assert (closed["status"], closed["sla"]["state"]) == ("closed", "met")
    kinds = [e["kind"] for e in dispatcher.get("/tickets/1/history")["items"]]
    assert kinds == [
        *("ticket.created", "ticket.started", "ticket.held", "ticket.resumed"),
        *("ticket.completed", "ticket.closed"),
    ]


def test_the_open_moves_are_those_of_the_caller(
    dispatcher: Caller, requester: Caller, viewer: Caller
) -> None:
    requester.open_ticket()
    assert dispatcher.get("/tickets/1/transitions")["allowed"] == [
        "start",
        "hold",
        "cancel",
    ]
    assert requester.get("/tickets/1/transitions")["allowed"] == ["cancel"]
    assert viewer.get("/tickets/1/transitions")["allowed"] == []


def test_a_hold_without_a_reason_changes_nothing(dispatcher: Caller) -> None:
    ticket = dispatcher.open_ticket()
    assert "reason" in dispatcher.move(ticket, "hold", 422)["errors"]
    assert dispatcher.get("/tickets/1") == ticket | {
        "sla": dispatcher.get("/tickets/1")["sla"]
    }


def test_a_fresh_ticket_can_be_deleted_and_a_worked_one_not(
    requester: Caller, dispatcher: Caller
) -> None:
    requester.open_ticket()
    assert requester.call("DELETE", "/tickets/1").status_code == 204
    requester.get("/tickets/1", 404)
    second = requester.open_ticket()
    dispatcher.move(second, "start")
    response = requester.call("DELETE", "/tickets/2")
    assert response.json is not None
    assert (response.status_code, response.json["code"]) == (409, "use_cancel")


def test_everyone_sees_what_is_theirs(
    as_role: As, dispatcher: Caller, team_id: int, technician: Caller, requester: Caller
) -> None:
    requester.open_ticket()
    dispatcher.open_ticket(zone="Johor")
    dispatcher.post("/tickets/2/assignments", {"team_id": team_id})
    johor = as_role("dispatcher", zones=["Johor"])
    for who, ids in (
        (requester, [1]),
        (technician, [2]),
        (johor, [2]),
        (dispatcher, [2, 1]),
    ):
        assert [t["id"] for t in who.get("/tickets")["items"]] == ids
        assert who.get("/tickets/stats/summary")["total"] == len(ids)
        assert who.get("/tickets?total=true")["page"]["total"] == len(ids)
        for hidden in {1, 2} - set(ids):
            who.get(f"/tickets/{hidden}", 404)
            who.get(f"/tickets/{hidden}/history", 404)


def test_a_viewer_sees_contacts_masked_everywhere(
    dispatcher: Caller, viewer: Caller
) -> None:
    customer = {"name": "Aminah", "phone": "0123456789", "email": "aminah@example.com"}
    dispatcher.open_ticket(customer=customer)
    dispatcher.patch("/tickets/1", {"customer": {"phone": "0199999999"}})
    assert (
        dispatcher.get("/tickets?q=aminah")["items"][0]["customer"]["name"] == "Aminah"
    )
    assert viewer.get("/tickets?q=aminah")["items"] == []
    for path in ("/tickets", "/tickets/1", "/tickets/1/history"):
        text = viewer.call("GET", path).text
        assert not [v for v in (*customer.values(), "0199999999") if v in text]


def test_pages_follow_each_other_without_gap_or_repeat(dispatcher: Caller) -> None:
    for n in range(7):
        dispatcher.open_ticket(priority=["urgent", "low", "high"][n % 3])
    for sort in (
        "created_at",
        "-created_at",
        "updated_at",
        "due_at",
        "-due_at",
        "-priority",
        "number",
    ):
        seen, path = [], f"/tickets?limit=3&sort={sort}"
        while True:
            page = dispatcher.get(path)
            seen += [t["id"] for t in page["items"]]
            if page["page"]["next"] is None:
                break
            path = f"/tickets?limit=3&sort={sort}&cursor={page['page']['next']}"
        assert sorted(seen) == list(range(1, 8)), sort


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "status=lost",
        "limit=0",
        "limit=201",
        "sort=title",
        "zone=Atlantis",
        "cursor=abc",
        "created_from=yesterday",
        "assigned=perhaps",
        "team_id=x",
        "sla_state=fine",
    ],
)
def test_an_unknown_parameter_or_value_is_refused(
    dispatcher: Caller, query: str
) -> None:
    assert dispatcher.get(f"/tickets?{query}", 422)["code"] == "invalid"


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("status=open", [1, 3]),
        ("status=open,in_progress", [1, 2, 3]),
        ("priority=urgent", [3]),
        ("zone=Johor", [3]),
        ("q=ctt_2", [2]),
        ("q=ont light", [1, 2]),
        ("q=splise", [3]),
        ("assigned=false", [1, 2, 3]),
        ("sla_state=ok", [1, 2, 3]),
        ("sla_state=met,missed", []),
        ("tag=vip", [2]),
        ("external_ref=X-9", [3]),
        ("created_to=2020-01-01", []),
        ("created_from=2020-01-01", [1, 2, 3]),
        ("mine=true", [1, 2, 3]),
        ("mine=false", []),
    ],
)
def test_a_filter_selects(dispatcher: Caller, query: str, ids: list[int]) -> None:
    dispatcher.open_ticket()
    dispatcher.open_ticket(tags=["vip"])
    dispatcher.open_ticket(
        title="Broken splice", zone="Johor", priority="urgent", external_ref="X-9"
    )
    dispatcher.patch("/tickets/2", {"status": "in_progress"})
    found = dispatcher.get(f"/tickets?{query}")["items"]
    assert sorted(t["id"] for t in found) == ids
    assert dispatcher.get(f"/tickets/stats/summary?{query}")["total"] == len(ids)


def test_an_external_ref_is_taken_once(dispatcher: Caller) -> None:
    dispatcher.open_ticket(external_ref="X-1")
    assert (
        dispatcher.post("/tickets", LEAK | {"external_ref": "X-1"}, 409)["code"]
        == "external_ref_taken"
    )
    assert dispatcher.open_ticket()["id"] == 2  # the refused one left no gap


def test_a_repeated_request_is_done_once(dispatcher: Caller) -> None:
    key = {"Idempotency-Key": "abc"}
    first = dispatcher.call("POST", "/tickets", json=LEAK, headers=key)
    again = dispatcher.call("POST", "/tickets", json=LEAK, headers=key)
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert dispatcher.get("/tickets?total=true")["page"]["total"] == 1


def test_backdating_fixes_the_start_of_the_clock(
    dispatcher: Caller, requester: Caller
) -> None:
    old = {"opened_at": "2026-10-05T02:00:00Z", "opened_reason": "reported by phone"}
    ticket = dispatcher.open_ticket(**old)
    assert ticket["sla"]["resolution"]["due_at"] == "2026-10-06T02:00:00Z"
    assert ticket["sla"]["state"] == "breached"
    assert (
        "opened_reason"
        in dispatcher.post("/tickets", LEAK | {"opened_at": old["opened_at"]}, 422)[
            "errors"
        ]
    )
    requester.post("/tickets", LEAK | old, 403)


def test_the_summary_counts(dispatcher: Caller, team_id: int) -> None:
    for priority in ("urgent", "high", "high"):
        dispatcher.open_ticket(priority=priority)
    dispatcher.post("/tickets/1/assignments", {"team_id": team_id})
    dispatcher.move({"id": 2}, "start")
    dispatcher.move({"id": 2}, "complete")
    found = dispatcher.get("/tickets/stats/summary")
    assert found["by_status"] == {
        "open": 2,
        "in_progress": 0,
        "on_hold": 0,
        "completed": 1,
        "closed": 0,
        "cancelled": 0,
    }
    assert found["by_priority"] == {"urgent": 1, "high": 2, "medium": 0, "low": 0}
    assert found["by_zone"] == {"Selangor": 3}
    assert (
        found["total"],
        found["unassigned"],
        found["created_today"],
        found["completed_today"],
    ) == (3, 1, 3, 1)
    assert (found["overdue"], found["sla_met_ratio"]) == (0, 1.0)
    assert found["median_resolution_minutes"] is not None
    by_team = dispatcher.get("/tickets/stats/summary?group_by=team_id")["groups"]
    assert by_team == [{"key": None, "total": 2}, {"key": team_id, "total": 1}]
    assert dispatcher.get("/tickets/stats/summary?status=closed")["total"] == 0
    assert dispatcher.get("/tickets/stats/summary?q=ont")["total"] == 3


def test_a_reopening_after_the_window_opens_a_linked_ticket(
    dispatcher: Caller, requester: Caller
) -> None:
    old = {"opened_at": "2026-10-05T02:00:00Z", "opened_reason": "late report"}
    ticket = dispatcher.open_ticket(tags=["vip"], **old)
    dispatcher.move(ticket, "start", occurred_at="2026-10-05T03:00:00Z")
    dispatcher.move(ticket, "complete", occurred_at="2026-10-05T04:00:00Z")
    allowed = dispatcher.get("/tickets/1/transitions")["allowed"]
    assert allowed == ["close", "reopen"]
    follower = dispatcher.move(ticket, "reopen", 201)
    assert (follower["id"], follower["follows_id"], follower["status"]) == (
        2,
        1,
        "open",
    )
    assert follower["tags"] == ["vip"]
    assert dispatcher.get("/tickets/1")["status"] == "completed"


def test_a_ticket_is_found_by_what_is_said_of_it_now(dispatcher: Caller) -> None:
    def found(word: str) -> list[int]:
        return [t["id"] for t in dispatcher.get(f"/tickets?q={word}")["items"]]

    dispatcher.open_ticket(title="Kabel putus", customer={"name": "Aminah"})
    dispatcher.open_ticket(location="Jalan Kerinchi", external_ref="REF-77")
    assert (found("kabel"), found("aminah")) == ([1], [1])
    assert found("kerinchi") == found("ref-77") == [2]
    dispatcher.patch("/tickets/1", {"title": "Tiang tumbang"})
    dispatcher.patch("/tickets/1", {"customer": {"name": "Ravi"}})
    assert found("kabel") == found("aminah") == []
    assert found("tiang") == found("ravi") == found("tiang ravi") == [1]
    changed = {"description": "Dekat sungai", "location": "Lorong Maarof"}
    dispatcher.patch("/tickets/1", {"customer": {"name": None}, **changed})
    assert (found("ravi"), found("tiang")) == ([], [1])
    assert found("sungai") == found("maarof") == [1]


def test_a_move_leaves_alone_what_a_ticket_is_found_by(
    dispatcher: Caller, owner: Database
) -> None:
    def version() -> object:
        with owner.read_only() as connection:
            return connection.exec_driver_sql(
                "SELECT xmin::text, ctid::text FROM tickets.search_texts"
            ).one()

    ticket = dispatcher.open_ticket()
    before = version()
    dispatcher.patch(f"/tickets/{ticket['id']}", {"status": "in_progress"})
    dispatcher.patch(f"/tickets/{ticket['id']}", {"priority": "urgent"})
    assert version() == before


def test_a_word_that_is_known_is_meant_as_it_stands(
    dispatcher: Caller, requester: Caller, viewer: Caller
) -> None:
    """Known to the caller: others' tickets tell nothing, nor do masked contacts."""
    dispatcher.open_ticket(title="Cable cut", customer={"name": "Tabla"})
    requester.open_ticket(title="Table broken")

    def found(who: Caller, word: str) -> list[int]:
        ids = [t["id"] for t in who.get(f"/tickets?q={word}")["items"]]
        assert who.get(f"/tickets/stats/summary?q={word}")["total"] == len(ids)
        return sorted(ids)

    assert (found(dispatcher, "cable"), found(dispatcher, "table")) == ([1], [2])
    assert found(dispatcher, "kable") == [1, 2]
    assert found(dispatcher, "tabla") == [1]
    assert found(viewer, "tabla") == [2]
    assert found(requester, "cable") == [2]
    dispatcher.call("DELETE", "/tickets/1")
    assert found(dispatcher, "cable") == [2]


def test_a_typo_means_the_same_in_list_total_and_export(dispatcher: Caller) -> None:
    dispatcher.open_ticket(title="Broken splice")
    dispatcher.open_ticket(title="Splise", description="broken")
    both, one = "broken splice", "broken splisse"
    for words, ids in ((both, [1]), (one, [1, 2]), ("brokken", [1, 2])):
        exported = dispatcher.call("GET", f"/tickets/export?format=jsonl&q={words}")
        assert exported.text.count('"CTT_') == len(ids), words
        listed = dispatcher.get(f"/tickets?q={words}&total=true")
        assert listed["page"]["total"] == len(listed["items"]) == len(ids)


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("splise", [1]),
        ("onu", []),  # too short to be misspelt
        ("ab12d", []),  # not a word of letters
        ("broken " * 8 + "nowhere", [1]),  # eight words are looked for
        ("broken " * 7 + "nowhere", []),
    ],
)
def test_what_is_a_word_of_a_search(
    dispatcher: Caller, words: str, ids: list[int]
) -> None:
    dispatcher.open_ticket(title="Broken splice", description="ONT ab12c")
    assert [t["id"] for t in dispatcher.get(f"/tickets?q={words}")["items"]] == ids
