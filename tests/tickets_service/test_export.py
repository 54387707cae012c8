"""Export: the rows of the list, streamed, safe to open in a spreadsheet."""

import csv
import io
import json
from typing import Any

import pytest
from flask import Flask

from db.engine import Database
from tests.tickets_service.conftest import As, Caller
from tests.tickets_service.test_bulk_load import load
from tickets_service import export_queries, transfer_routes


def table(who: Caller, query: str = "") -> list[dict[str, str]]:
    text = who.call("GET", f"/tickets/export{query}").text
    return list(csv.DictReader(io.StringIO(text, newline="")))


def lines(who: Caller, query: str = "") -> list[Any]:
    text = who.call("GET", f"/tickets/export?format=jsonl{query}").text
    return [json.loads(line) for line in text.splitlines()]


def test_a_ticket_is_a_row_with_instants_in_utc_and_its_time_zone(
    dispatcher: Caller,
) -> None:
    ticket = dispatcher.open_ticket(
        tags=["vip", "night"],
        coordinates={"lat": -3.5, "lon": 101.25},
        customer={"name": "Aminah"},
        external_ref="X-1",
    )
    [row] = table(dispatcher)
    assert list(row) == list(export_queries.FIELDS)
    assert row["number"] == "CTT_1"
    assert row["created_at"] == ticket["created_at"][:19] + "Z"
    assert row["time_zone"] == "Asia/Kuala_Lumpur"
    assert (row["lat"], row["lon"], row["tags"]) == ("-3.5", "101.25", "vip;night")
    assert (row["customer_name"], row["customer_phone"]) == ("Aminah", "")
    assert (row["sla_state"], row["response_state"]) == ("ok", "ok")


def test_a_line_is_the_ticket_with_its_time_zone(dispatcher: Caller) -> None:
    dispatcher.open_ticket()
    [line] = lines(dispatcher)
    ticket = dispatcher.get("/tickets/1")
    assert line.pop("time_zone") == "Asia/Kuala_Lumpur"
    assert line | {"sla": None} == ticket | {"sla": None}
    assert line["sla"].keys() == ticket["sla"].keys()


def test_an_export_is_a_file_with_a_name(dispatcher: Caller) -> None:
    response = dispatcher.call("GET", "/tickets/export?format=jsonl")
    assert response.mimetype == "application/x-ndjson"
    disposition = response.headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename=")
    assert disposition.endswith('.jsonl"')
    assert response.text == ""
    header = dispatcher.call("GET", "/tickets/export").text
    assert header.strip().split(",") == list(export_queries.FIELDS)


@pytest.mark.parametrize(
    "text",
    [
        *("=HYPERLINK(1)", "+60123456789", "-1+1", "@SUM(A1)", "\t=1", "\r=1"),
        *(" =1+1", "＝1", "＠x"),
    ],
    ids=repr,
)
def test_a_formula_is_written_as_text(text: str) -> None:
    assert export_queries.cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["plain", "a=b", "x+y", "", None, -3.5, 0])
def test_what_is_no_formula_stays_as_it_is(value: Any) -> None:
    assert export_queries.cell(value) == value


def test_no_cell_of_an_export_begins_a_formula(dispatcher: Caller) -> None:
    dispatcher.open_ticket(
        title="=1+1",
        description="@x",
        location="+1",
        tags=["-a", "b"],
        customer={"name": "=A", "phone": "+60 12", "email": "-@x"},
        external_ref="=1",
    )
    [row] = table(dispatcher)
    assert [v for v in row.values() if v.startswith(("=", "+", "-", "@"))] == []
    assert (row["title"], row["tags"]) == ("'=1+1", "'-a;b")


def test_an_export_takes_the_filters_of_the_list(dispatcher: Caller) -> None:
    for zone in ("Selangor", "Johor", "Johor"):
        dispatcher.open_ticket(zone=zone)
    dispatcher.move({"id": 3}, "start")
    for query in ("zone=johor", "status=open", "q=light", "zone=Perak", "mine=true"):
        listed = sorted(t["id"] for t in dispatcher.get(f"/tickets?{query}")["items"])
        assert [int(r["id"]) for r in table(dispatcher, f"?{query}")] == listed
        assert [t["id"] for t in lines(dispatcher, f"&{query}")] == listed


@pytest.mark.parametrize(
    ("query", "field"),
    [("format=xml", "format"), ("colour=red", "colour"), ("zone=Atlantis", "zone")],
)
def test_an_unknown_parameter_or_value_is_refused(
    dispatcher: Caller, query: str, field: str
) -> None:
    assert list(dispatcher.get(f"/tickets/export?{query}", 422)["errors"]) == [field]


def test_everyone_exports_what_their_list_shows(
    dispatcher: Caller, requester: Caller, as_role: As, team_id: int, viewer: Caller
) -> None:
    requester.open_ticket(zone="Johor", customer={"phone": "0123456789"})
    dispatcher.open_ticket(zone="Selangor", customer={"name": "Aminah"})
    dispatcher.post("/tickets/2/assignments", {"team_id": team_id})
    callers = [
        *(dispatcher, requester, viewer, as_role("admin"), as_role("technician")),
        *(as_role("manager", zones=["Johor"]), as_role("dispatcher", zones=[])),
        *(as_role("technician", team_id), as_role("requester")),
    ]
    counts = []
    for who in callers:
        listed = sorted(t["id"] for t in who.get("/tickets")["items"])
        assert [int(row["id"]) for row in table(who)] == listed
        assert [line["id"] for line in lines(who)] == listed
        counts.append(len(listed))
    assert counts == [2, 1, 2, 2, 0, 1, 0, 1, 0]
    for query in ("", "?format=jsonl"):
        text = viewer.call("GET", f"/tickets/export{query}").text
        assert "Aminah" not in text
        assert "0123456789" not in text


def test_a_large_export_comes_in_pieces_with_every_row_once(
    database: Database, dispatcher: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_queries, "BATCH", 20)
    load(database, 130)
    response = dispatcher.call("GET", "/tickets/export", buffered=False)
    pieces = list(response.response)
    response.close()
    assert len(pieces) == 7
    rows = list(csv.DictReader(io.StringIO(b"".join(pieces).decode())))  # type: ignore[arg-type]
    assert [int(row["id"]) for row in rows] == list(range(1, 131))


def test_exports_beyond_the_places_are_refused_and_places_come_back(
    dispatcher: Caller, tickets_app: Flask
) -> None:
    dispatcher.open_ticket()
    places = tickets_app.extensions[transfer_routes.EXPORTS].places
    readers = [
        dispatcher.call("GET", "/tickets/export", buffered=False) for _ in range(places)
    ]
    refused = dispatcher.call("GET", "/tickets/export")
    assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
    for reader in readers:
        reader.close()
    dispatcher.get("/tickets/export?colour=red", 422)
    assert len(table(dispatcher)) == 1
    database: Database = tickets_app.extensions["database"]
    assert (database.writers.in_use, database.readers.in_use) == (0, 0)
