"""Import: good rows kept, bad ones named, and safe to send again."""

import json
import threading
from typing import Any

import pytest
from flask import Flask

from db.engine import Database
from tests.actors import add_person
from tests.tickets_service.conftest import LEAK, As, Caller
from tests.tickets_service.test_export import table
from tickets_service import import_actions, import_files, transfer_routes

FILE = """external_ref,title,category,zone,priority,tags,lat,lon
A-1,Cut cable,repair,Selangor,high,vip;night,3.1,101.6
A-2,No light,repair,Atlantis,high,,,
A-3,Slow,plumbing,Johor,low,,,
A-4,"Quoted, title",repair,KL,low,,,
"""


def bring(
    who: Caller,
    text: str | bytes,
    query: str = "",
    kind: str = "text/csv",
    status: int = 200,
) -> Any:
    data = text if isinstance(text, bytes) else text.encode()
    path = f"/tickets/import{query}"
    return who.expect(status, who.call("POST", path, data=data, content_type=kind))


def counts(report: Any) -> tuple[int, ...]:
    names = ("created", "updated", "unchanged", "failed")
    assert report["rows"] == sum(report[name] for name in names)
    return tuple(report[name] for name in names)


def test_good_rows_are_kept_and_bad_ones_named(dispatcher: Caller) -> None:
    report = bring(dispatcher, FILE)
    assert counts(report) == (2, 0, 0, 2)
    assert [
        (e["line"], e["external_ref"], list(e["errors"])) for e in report["errors"]
    ] == [
        (3, "A-2", ["zone"]),
        (4, "A-3", ["category"]),
    ]
    assert all(e["reason"] and e["code"] == "invalid" for e in report["errors"])
    tickets = dispatcher.get("/tickets?sort=number")["items"]
    assert [(t["external_ref"], t["zone"]) for t in tickets] == [
        ("A-1", "Selangor"),
        ("A-4", "Kuala Lumpur"),
    ]
    assert tickets[0]["coordinates"] == {"lat": 3.1, "lon": 101.6}
    assert tickets[0]["tags"] == ["vip", "night"]
    history = dispatcher.get("/tickets/1/history")["items"]
    assert [e["via"] for e in history] == ["import"]


def test_the_same_file_again_changes_nothing(dispatcher: Caller) -> None:
    bring(dispatcher, FILE)
    assert counts(bring(dispatcher, FILE)) == (0, 0, 2, 2)
    changed = FILE.replace("Cut cable", "Cut twice")
    assert counts(bring(dispatcher, changed)) == (0, 1, 1, 2)
    assert dispatcher.get("/tickets/1")["title"] == "Cut twice"
    assert len(dispatcher.get("/tickets/1/history")["items"]) == 2


def test_rows_without_a_reference_are_not_doubled_either(dispatcher: Caller) -> None:
    text = "title,category,zone\n" + "Survey,inspection,Johor\n" * 3
    assert counts(bring(dispatcher, text)) == (3, 0, 0, 0)
    assert counts(bring(dispatcher, text)) == (0, 0, 3, 0)
    assert counts(bring(dispatcher, text + "Survey,inspection,Johor\n")) == (1, 0, 3, 0)


def test_an_empty_cell_leaves_the_field(dispatcher: Caller) -> None:
    bring(dispatcher, FILE)
    dispatcher.patch("/tickets/1", {"location": "Jalan 1", "cause": "rodent"})
    bring(dispatcher, "external_ref,location,cause\nA-1,,\n")
    ticket = dispatcher.get("/tickets/1")
    assert (ticket["location"], ticket["cause"]) == ("Jalan 1", "rodent")


def test_a_dry_run_leaves_no_trace(
    dispatcher: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer_routes, "CHUNK", 2)
    text = FILE + "A-1,Again,repair,Selangor,high,,,\n"
    report = bring(dispatcher, text, "?dry_run=true")
    assert (counts(report), report["dry_run"]) == ((2, 1, 0, 2), True)
    assert dispatcher.get("/tickets")["items"] == []
    assert dispatcher.get("/tickets/changes")["items"] == []
    assert dispatcher.open_ticket()["id"] == 1
    assert counts(bring(dispatcher, text)) == counts(report)


def test_a_crash_in_the_middle_keeps_what_was_done_and_can_be_run_again(
    dispatcher: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer_routes, "CHUNK", 3)
    rows = [f"R-{n},Row {n},repair,Johor" for n in range(10)]
    text = "\n".join(["external_ref,title,category,zone", *rows])
    whole = import_actions.import_rows
    calls: list[int] = []

    def crashes(*given: Any) -> Any:
        calls.append(1)
        done = whole(*given)
        if len(calls) == 3:
            raise RuntimeError("the power is gone")  # before the commit
        return done

    monkeypatch.setattr(import_actions, "import_rows", crashes)
    bring(dispatcher, text, status=500)
    monkeypatch.setattr(import_actions, "import_rows", whole)
    assert dispatcher.get("/tickets?total=true")["page"]["total"] == 6
    assert counts(bring(dispatcher, text)) == (4, 0, 6, 0)
    tickets = dispatcher.get("/tickets?sort=number")["items"]
    assert [t["id"] for t in tickets] == list(range(1, 11))
    assert [t["external_ref"] for t in tickets] == [f"R-{n}" for n in range(10)]


def test_two_at_once_bring_every_row_in_once(
    tickets_app: Flask, database: Database, dispatcher: Caller
) -> None:
    rows = [f"R-{n},Row {n},repair,Johor" for n in range(120)]
    reports: list[Any] = []

    def send(lines: list[str]) -> None:
        person = add_person(database, "dispatcher")
        caller = Caller(tickets_app.test_client(), person.headers, person.user_id)
        text = "\n".join(["external_ref,title,category,zone", *lines])
        reports.append(bring(caller, text))

    threads = [threading.Thread(target=send, args=(r,)) for r in (rows, rows[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [report["failed"] for report in reports] == [0, 0]
    assert sum(report["created"] for report in reports) == 120
    assert sum(report["unchanged"] for report in reports) == 120
    assert dispatcher.get("/tickets?total=true")["page"]["total"] == 120


# What a file says


def test_a_mapping_names_the_columns_and_their_words(dispatcher: Caller) -> None:
    text = "Case,Subject,Kind,State,Level,Noise\nB-1,Dark,rep,Johor,1,zzz\n"
    text += "B-2,Dim,,Johor,9,zzz\n"
    mapping = {
        "external_ref": "Case",
        "title": "Subject",
        "category": {
            "column": "Kind",
            "values": {"rep": "repair"},
            "default": "maintenance",
        },
        "zone": {"column": "State"},
        "priority": {"column": "Level", "values": {"1": "urgent"}},
        "location": {"default": "from the file"},
    }
    report = bring(dispatcher, text, f"?mapping={json.dumps(mapping)}")
    assert counts(report) == (1, 0, 0, 1)
    assert list(report["errors"][0]["errors"]) == ["priority"]
    ticket = dispatcher.get("/tickets/1")
    assert (ticket["category"], ticket["priority"]) == ("repair", "urgent")
    assert (ticket["title"], ticket["location"]) == ("Dark", "from the file")


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ('{"colour": "Case"}', "Case\n1\n"),
        ('{"title": "Missing"}', "Case\n1\n"),
        ('{"title": 5}', "Case\n1\n"),
        ('{"title": {"column": 5}}', "Case\n1\n"),
        ('{"title": {"column": "Case", "wrong": 1}}', "Case\n1\n"),
        ("[1]", "Case\n1\n"),
        ("{", "Case\n1\n"),
    ],
)
def test_an_unclear_mapping_ends_it_before_the_first_row(
    dispatcher: Caller, mapping: str, text: str
) -> None:
    errors = bring(dispatcher, text, f"?mapping={mapping}", status=422)["errors"]
    assert list(errors) == ["mapping"]


def test_an_unknown_column_ends_it_before_the_first_row(dispatcher: Caller) -> None:
    text = "external_ref,Noise,Smell\nA,1,2\n"
    assert set(bring(dispatcher, text, status=422)["errors"]) == {"Noise", "Smell"}
    text = "title,title\na,b\n"
    assert set(bring(dispatcher, text, status=422)["errors"]) == {"title"}


def test_json_lines_are_taken_too(dispatcher: Caller) -> None:
    nested = LEAK | {"external_ref": "C-1", "customer": {"name": "Aminah"}}
    odd = LEAK | {"external_ref": "C-2", "colour": "red"}
    lines = [json.dumps(row) for row in (nested, [1], LEAK, odd)]
    text = "\n".join(
        [*lines, "{", "", "nul", json.dumps(LEAK | {"lat": 1.5, "lon": 2})]
    )
    for kind in transfer_routes.JSON_LINES:
        report = bring(dispatcher, text, kind=kind)
        assert [e["line"] for e in report["errors"]] == [2, 4, 5, 7]
    assert counts(report) == (0, 0, 3, 4)
    assert dispatcher.get("/tickets/1")["customer"]["name"] == "Aminah"
    assert dispatcher.get("/tickets/3")["coordinates"] == {"lat": 1.5, "lon": 2.0}


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("X-1,,repair,Johor,,,", "title"),
        ("X-1,t,repair,Johor,91,0,", "coordinates.lat"),
        ("X-1,t,repair,Johor,north,0,", "coordinates.lat"),
        ("X-1,t,repair,Johor,,,soon", "estimated_minutes"),
        ("X-1,t,repair,Johor,,,0", "estimated_minutes"),
        (f"{'x' * 201},t,repair,Johor,,,", "external_ref"),
        ("X-1,a\x00b,repair,Johor,,,", "title"),
        ("X\x00,a,repair,Johor,,,", "external_ref"),
        ("X-1,t,repair", "line"),
        ("X-1,t,repair,Johor,,,,,,", "line"),
        ('X-1,"t"x,repair,Johor,,,', "line"),
    ],
    ids=lambda value: None if "," in value else value,
)
def test_a_bad_row_is_named_and_the_next_one_kept(
    dispatcher: Caller, row: str, field: str
) -> None:
    head = "external_ref,title,category,zone,lat,lon,estimated_minutes"
    report = bring(dispatcher, f"{head}\n{row}\nX-2,fine,repair,Johor,,,\n")
    assert counts(report) == (1, 0, 0, 1)
    assert (report["errors"][0]["line"], list(report["errors"][0]["errors"])) == (
        2,
        [field],
    )


def test_bytes_that_are_no_text_spoil_only_their_row(dispatcher: Caller) -> None:
    head = b"\xef\xbb\xbfexternal_ref,title,category,zone\n"
    text = head + b"A,\xff\xfe,repair,Johor\n\xff,b,repair,Johor\nC,c,repair,Johor\n"
    report = bring(dispatcher, text)
    assert counts(report) == (1, 0, 0, 2)
    assert [e["line"] for e in report["errors"]] == [2, 3]


def test_a_row_of_several_lines_is_named_by_its_first(dispatcher: Caller) -> None:
    text = 'external_ref,title,category,zone\nA,"x\ny\nz",plumbing,Johor\nB,b,c,d\n'
    assert [e["line"] for e in bring(dispatcher, text)["errors"]] == [2, 5]


@pytest.mark.parametrize(
    ("text", "kind", "status"),
    [
        ("", "text/csv", 200),
        ("\n\n", "application/x-ndjson", 200),
        ("a", "text/plain", 415),
        ("{}", "application/json", 415),
        ("x" * (import_files.MAX_LINE_BYTES + 1), "text/csv", 422),
        ('"open', "text/csv", 422),
    ],
    ids=["nothing", "empty lines", "plain", "json", "an endless line", "an open quote"],
)
def test_what_is_no_table_is_refused(
    dispatcher: Caller, text: str, kind: str, status: int
) -> None:
    bring(dispatcher, text, kind=kind, status=status)


def test_a_file_with_too_many_rows_is_brought_in_so_far(
    dispatcher: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer_routes, "MAX_ROWS", 4)
    monkeypatch.setattr(transfer_routes, "CHUNK", 2)
    text = "title,category,zone\n" + "Survey,inspection,Johor\n" * 7
    report = bring(dispatcher, text)
    assert counts(report) == (4, 0, 0, 1)
    assert report["errors"][0]["line"] == 6


# Statuses


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        ("open", []),
        ("in_progress", ["started"]),
        ("on_hold", ["held"]),
        ("completed", ["started", "completed"]),
        ("closed", ["started", "completed", "closed"]),
        ("cancelled", ["cancelled"]),
    ],
)
def test_a_ticket_comes_to_its_status_by_the_moves_that_lead_there(
    dispatcher: Caller, status: str, kinds: list[str]
) -> None:
    text = f"external_ref,title,category,zone,status\nA,a,repair,Johor,{status}\n"
    assert counts(bring(dispatcher, text)) == (1, 0, 0, 0)
    assert dispatcher.get("/tickets/1")["status"] == status
    history = dispatcher.get("/tickets/1/history")["items"]
    assert [e["kind"] for e in history[1:]] == [f"ticket.{kind}" for kind in kinds]
    assert counts(bring(dispatcher, text)) == (0, 0, 1, 0)


def test_the_times_of_the_source_are_kept(dispatcher: Caller) -> None:
    head = "external_ref,title,category,zone,opened_at,status,started_at,completed_at"
    times = (
        "2026-10-05T02:00:00Z,completed,2026-10-05T04:00:00Z,2026-10-05T07:30:00+00:00"
    )
    assert counts(bring(dispatcher, f"{head}\nA,a,repair,Johor,{times}\n"))[0] == 1
    ticket = dispatcher.get("/tickets/1")
    assert ticket["opened_at"] == "2026-10-05T02:00:00Z"
    assert ticket["started_at"] == "2026-10-05T04:00:00Z"
    assert ticket["completed_at"] == "2026-10-05T07:30:00Z"
    assert ticket["sla"]["state"] == "met"


def test_a_status_to_which_no_move_leads_is_an_error_of_its_row(
    dispatcher: Caller,
) -> None:
    head = "external_ref,title,category,zone,status\n"
    bring(dispatcher, head + "A,a,repair,Johor,cancelled\n")
    report = bring(dispatcher, head + "A,a,repair,Johor,open\nB,b,repair,Johor,open\n")
    assert counts(report) == (1, 0, 0, 1)
    assert report["errors"][0]["code"] == "illegal_transition"


def test_an_edited_export_can_be_brought_back(dispatcher: Caller) -> None:
    dispatcher.open_ticket(
        external_ref="E-1", title="=1+1", customer={"phone": "+6012"}, tags=["a"]
    )
    dispatcher.open_ticket(title="no reference")
    export = dispatcher.call("GET", "/tickets/export").text
    assert len(table(dispatcher)) == 2
    report = bring(dispatcher, export)
    assert counts(report) == (0, 0, 1, 1)
    assert list(report["errors"][0]["errors"]) == ["number"]
    report = bring(dispatcher, export.replace("'=1+1", "'=2+2"))
    assert counts(report) == (0, 1, 0, 1)
    ticket = dispatcher.get("/tickets/1")
    assert (ticket["title"], ticket["customer"]["phone"]) == ("=2+2", "+6012")
    lines = dispatcher.call("GET", "/tickets/export?format=jsonl").text
    report = bring(dispatcher, lines, kind="application/x-ndjson")
    assert counts(report) == (0, 0, 1, 1)


# Who may


def test_only_the_desk_imports(as_role: As, team_id: int) -> None:
    for role in ("requester", "viewer", "technician"):
        bring(as_role(role), FILE, status=403)
    for role in ("admin", "manager", "dispatcher"):
        bring(as_role(role), FILE)


def test_a_ticket_of_another_zone_is_not_changed(
    dispatcher: Caller, as_role: As
) -> None:
    bring(dispatcher, FILE)
    johor = as_role("manager", zones=["Johor"])
    report = bring(johor, "external_ref,title\nA-1,Mine now\n")
    assert counts(report) == (0, 0, 0, 1)
    assert dispatcher.get("/tickets/1")["title"] == "Cut cable"


def test_a_deleted_ticket_is_not_brought_back(
    dispatcher: Caller, admin: Caller
) -> None:
    bring(dispatcher, FILE)
    admin.call("DELETE", "/tickets/1")
    report = bring(dispatcher, FILE)
    assert counts(report) == (0, 0, 1, 3)
    assert report["errors"][0]["code"] == "ticket_deleted"
