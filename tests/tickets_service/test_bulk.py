"""Bulk changes, the change feed, export and import over HTTP."""

import csv
import io
import json
import threading
import time
from typing import Any

import pytest
from flask import Flask

from db.engine import Database
from tests.tickets_service.conftest import LEAK, As, Caller


def three(dispatcher: Caller) -> None:
    for zone in ("Selangor", "Selangor", "Johor"):
        dispatcher.open_ticket(zone=zone)


def test_each_ticket_of_a_bulk_has_its_own_outcome(dispatcher: Caller) -> None:
    three(dispatcher)
    dispatcher.move({"id": 2}, "cancel")
    found = dispatcher.post(
        "/tickets/bulk", {"ids": [3, 2, 1, 99], "action": "start"}, 200
    )
    assert [(i["id"], i["status"]) for i in found["items"]] == [
        (3, 200),
        (2, 409),
        (1, 200),
        (99, 404),
    ]
    assert (found["succeeded"], found["failed"]) == (2, 2)
    assert found["items"][1]["error"]["allowed"] == []


def test_an_atomic_bulk_is_all_or_nothing(dispatcher: Caller) -> None:
    three(dispatcher)
    body = {"ids": [1, 2, 99], "set": {"priority": "low"}}
    refused = dispatcher.post("/tickets/bulk?atomic=true", body, 409)
    assert [i["ok"] for i in refused["items"]] == [True, True, False]
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
    ],
    ids=lambda body: ",".join(body) or "nothing",
)
def test_an_unclear_bulk_is_refused(dispatcher: Caller, body: dict[str, Any]) -> None:
    assert dispatcher.post("/tickets/bulk", body, 422)["errors"]


def read_feed(
    who: Caller, after: str | None = None, limit: int = 2
) -> tuple[list[Any], str]:
    found: list[Any] = []
    while True:
        query = f"limit={limit}" + (f"&after={after}" if after else "")
        page = who.get(f"/tickets/changes?{query}")
        found += page["items"]
        after = page["page"]["next"]
        if len(page["items"]) < limit:
            return found, after or ""


def test_the_feed_gives_every_change_once_in_order(
    dispatcher: Caller, as_role: As
) -> None:
    three(dispatcher)
    dispatcher.move({"id": 1}, "start")
    found, after = read_feed(dispatcher)
    assert [(e["ticket_id"], e["kind"]) for e in found] == [
        (1, "ticket.created"),
        (2, "ticket.created"),
        (3, "ticket.created"),
        (1, "ticket.started"),
    ]
    assert read_feed(dispatcher, after)[0] == []
    dispatcher.move({"id": 2}, "start")
    assert [e["kind"] for e in read_feed(dispatcher, after)[0]] == ["ticket.started"]
    assert [e["cursor"] for e in found[2:]] == [
        e["cursor"] for e in read_feed(dispatcher, found[1]["cursor"])[0][:2]
    ]
    johor = as_role("dispatcher", zones=["Johor"])
    assert [e["ticket_id"] for e in read_feed(johor)[0]] == [3]
    assert read_feed(as_role("requester"))[0] == []


def test_the_feed_never_passes_over_a_writer_that_is_slow(
    tickets_app: Flask, dispatcher: Caller, database: Database
) -> None:
    three(dispatcher)
    _, after = read_feed(dispatcher)
    with database.engine.begin() as slow:
        slow.exec_driver_sql(
            "INSERT INTO tickets.ticket_events (ticket_id, seq, kind, occurred_at) "
            "VALUES (1, 2, 'ticket.slow', now())"
        )
        dispatcher.move({"id": 2}, "start")  # begun later, committed earlier
        found, after = read_feed(dispatcher, after)
        assert found == []
    found, _ = read_feed(dispatcher, after)
    assert [e["kind"] for e in found] == ["ticket.slow", "ticket.started"]


def test_a_long_poll_answers_as_soon_as_something_happens(
    tickets_app: Flask, dispatcher: Caller
) -> None:
    dispatcher.open_ticket()
    writer = Caller(tickets_app.test_client(), dispatcher.headers, dispatcher.user_id)
    timer = threading.Timer(0.7, lambda: writer.move({"id": 1}, "start"))
    timer.start()
    began = time.monotonic()
    page = dispatcher.get("/tickets/changes?after=now&wait=10")
    timer.join()
    assert [e["kind"] for e in page["items"]] == ["ticket.started"]
    assert time.monotonic() - began < 5


def test_the_stream_sends_what_the_feed_holds(dispatcher: Caller) -> None:
    dispatcher.open_ticket()
    first = dispatcher.get("/tickets/changes?limit=1")["items"][0]
    dispatcher.move({"id": 1}, "start")
    headers = {"Last-Event-ID": first["cursor"]}
    response = dispatcher.call(
        "GET", "/tickets/stream", headers=headers, buffered=False
    )
    assert response.mimetype == "text/event-stream"
    text = b""
    for piece in response.response:
        text += piece  # type: ignore[operator]
        if b"event: ticket.started" in text:
            break
    response.close()


def exported(who: Caller, query: str = "") -> list[dict[str, str]]:
    return list(
        csv.DictReader(io.StringIO(who.call("GET", f"/tickets/export{query}").text))
    )


def test_an_export_holds_what_the_list_holds(
    dispatcher: Caller, viewer: Caller
) -> None:
    three(dispatcher)
    dispatcher.patch(
        "/tickets/1", {"title": "=HYPERLINK(1)", "customer": {"name": "Aminah"}}
    )
    rows = exported(dispatcher)
    assert [row["number"] for row in rows] == ["CTT_1", "CTT_2", "CTT_3"]
    assert rows[0]["title"] == "'=HYPERLINK(1)"
    assert rows[0]["created_at"].endswith("Z")
    assert rows[0]["time_zone"] == "Asia/Kuala_Lumpur"
    assert [row["zone"] for row in exported(dispatcher, "?zone=Johor")] == ["Johor"]
    assert "Aminah" not in viewer.call("GET", "/tickets/export").text
    lines = dispatcher.call("GET", "/tickets/export?format=jsonl").text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [1, 2, 3]
    dispatcher.get("/tickets/export?format=xml", 422)


def bring(
    who: Caller, text: str, query: str = "", kind: str = "text/csv", status: int = 200
) -> Any:
    return who.expect(
        status,
        who.call(
            "POST", f"/tickets/import{query}", data=text.encode(), content_type=kind
        ),
    )


FILE = """external_ref,title,category,zone,priority,tags,lat,lon
A-1,Cut cable,repair,Selangor,high,vip;night,3.1,101.6
A-2,No light,repair,Atlantis,high,,,
A-3,Slow,plumbing,Johor,low,,,
A-4,"Quoted, title",repair,KL,low,,,
"""


def test_good_rows_are_kept_and_bad_ones_named(dispatcher: Caller) -> None:
    report = bring(dispatcher, FILE)
    assert (report["created"], report["failed"]) == (2, 2)
    assert [(e["line"], list(e["errors"])) for e in report["errors"]] == [
        (3, ["zone"]),
        (4, ["category"]),
    ]
    tickets = dispatcher.get("/tickets?sort=number")["items"]
    assert [(t["external_ref"], t["zone"]) for t in tickets] == [
        ("A-1", "Selangor"),
        ("A-4", "Kuala Lumpur"),
    ]
    assert tickets[0]["coordinates"] == {"lat": 3.1, "lon": 101.6}
    assert tickets[0]["tags"] == ["vip", "night"]


def test_the_same_file_again_changes_nothing(dispatcher: Caller) -> None:
    bring(dispatcher, FILE)
    again = bring(dispatcher, FILE)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 2)
    changed = bring(dispatcher, FILE.replace("Cut cable", "Cut twice"))
    assert (changed["updated"], changed["unchanged"]) == (1, 1)


def test_a_dry_run_leaves_no_trace(dispatcher: Caller) -> None:
    report = bring(dispatcher, FILE, "?dry_run=true")
    assert (report["created"], report["dry_run"]) == (2, True)
    assert dispatcher.get("/tickets")["items"] == []
    assert dispatcher.open_ticket()["id"] == 1


def test_a_mapping_names_the_columns(dispatcher: Caller) -> None:
    text = "Case,Subject,Kind,State,Noise\nB-1,Dark,repair,Johor,zzz\n"
    mapping = json.dumps(
        {
            "external_ref": "Case",
            "title": "Subject",
            "category": "Kind",
            "zone": "State",
        }
    )
    assert bring(dispatcher, text, f"?mapping={mapping}")["created"] == 1
    assert "Noise" in bring(dispatcher, text, status=422)["errors"]
    assert (
        "mapping"
        in bring(dispatcher, text, '?mapping={"colour":"Case"}', status=422)["errors"]
    )


def test_json_lines_are_taken_too(dispatcher: Caller) -> None:
    lines = [json.dumps(LEAK | {"external_ref": "C-1"}), "[1]", "{", json.dumps(LEAK)]
    report = bring(dispatcher, "\n".join(lines), kind="application/x-ndjson")
    assert (report["created"], [e["line"] for e in report["errors"]]) == (2, [2, 3])


@pytest.mark.parametrize(
    ("text", "kind", "status"),
    [
        ("\xff\xfe".encode("latin-1").decode("latin-1"), "text/csv", 422),
        ("", "text/csv", 200),
        ("a", "text/plain", 415),
    ],
    ids=["one odd column", "nothing", "another type"],
)
def test_what_is_no_table_is_refused(
    dispatcher: Caller, text: str, kind: str, status: int
) -> None:
    bring(dispatcher, text, kind=kind, status=status)


def test_only_the_desk_imports(requester: Caller, viewer: Caller) -> None:
    for who in (requester, viewer):
        bring(who, FILE, status=403)
