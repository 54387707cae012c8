"""The change feed: in order, without a gap, and to each only what is theirs."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from db.engine import Database
from db.migrate import migrate
from service_kit.paging import encode_cursor
from tests.actors import add_person
from tests.tickets_service.conftest import As, Caller
from tickets_service import feed_reading, feed_routes


def changes(caller: Caller, after: str | None = None, **query: Any) -> Any:
    given = query | ({} if after is None else {"after": after})
    asked = "&".join(f"{name}={value}" for name, value in given.items())
    return caller.get(f"/tickets/changes?{asked}")


def kinds(page: Any) -> list[str]:
    return [item["kind"] for item in page["items"]]


def all_changes(caller: Caller, limit: int = 3) -> list[Any]:
    """Read the feed from its beginning to its end, page by page."""
    found: list[Any] = []
    page = changes(caller, limit=limit)
    while True:
        found += page["items"]
        if not page["page"]["more"]:
            return found
        page = changes(caller, page["page"]["next"], limit=limit)


def test_events_come_once_and_in_order_over_pages(dispatcher: Caller) -> None:
    for n in range(5):
        ticket = dispatcher.open_ticket(title=f"ticket {n}")
        dispatcher.move(ticket, "start")
    found = all_changes(dispatcher)
    assert [(e["ticket_id"], e["kind"]) for e in found] == [
        (n, kind) for n in range(1, 6) for kind in ("ticket.created", "ticket.started")
    ]
    assert len({e["id"] for e in found}) == 10


def test_an_event_says_what_changed_who_did_it_and_how_the_ticket_is_now(
    dispatcher: Caller,
) -> None:
    dispatcher.move(dispatcher.open_ticket(), "hold", reason="awaiting_parts")
    created, held = changes(dispatcher)["items"]
    assert held["changes"]["status"] == {"old": "open", "new": "on_hold"}
    assert held["actor_id"] == dispatcher.user_id
    assert held["actor"].startswith("dispatcher-")
    assert created["ticket"] == held["ticket"]
    assert held["ticket"]["number"] == "CTT_1"
    assert held["ticket"]["status"] == "on_hold"


def test_each_event_has_a_cursor_that_resumes_after_it(dispatcher: Caller) -> None:
    ticket = dispatcher.open_ticket()
    dispatcher.move(ticket, "start")
    dispatcher.move(ticket, "hold", reason="other")
    first = changes(dispatcher)["items"][0]
    rest = changes(dispatcher, first["cursor"])
    assert kinds(rest) == ["ticket.started", "ticket.held"]


def test_an_empty_page_answers_a_cursor_that_goes_on(dispatcher: Caller) -> None:
    dispatcher.open_ticket()
    end = changes(dispatcher)["page"]["next"]
    empty = changes(dispatcher, end)
    assert (empty["items"], empty["page"]["more"]) == ([], False)
    dispatcher.open_ticket(title="later")
    later = changes(dispatcher, empty["page"]["next"])
    assert [item["ticket_id"] for item in later["items"]] == [2]


def test_from_now_on_skips_the_past(dispatcher: Caller) -> None:
    dispatcher.open_ticket()
    page = changes(dispatcher, "now")
    assert page["items"] == []
    dispatcher.open_ticket()
    page = changes(dispatcher, page["page"]["next"])
    assert [item["ticket_id"] for item in page["items"]] == [2]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=rubbish", "after"),
        ("after=", "after"),
        ("wait=31", "wait"),
        ("wait=-1", "wait"),
        ("limit=501", "limit"),
        ("since=now", "since"),
    ],
)
def test_a_bad_question_is_refused_by_its_field(
    dispatcher: Caller, query: str, field: str
) -> None:
    assert list(dispatcher.get(f"/tickets/changes?{query}", 422)["errors"]) == [field]


def test_a_cursor_of_another_list_is_refused(dispatcher: Caller) -> None:
    for n in range(2):
        dispatcher.open_ticket(title=str(n))
    other = dispatcher.get("/tickets?limit=1")["page"]["next"]
    assert "after" in dispatcher.get(f"/tickets/changes?after={other}", 422)["errors"]


def test_nothing_appears_behind_a_cursor_when_a_slow_writer_commits_late(
    dispatcher: Caller, database: Database
) -> None:
    dispatcher.open_ticket()
    slow = database.engine.connect()
    begun = slow.begin()
    slow.execute(
        text(
            "INSERT INTO tickets.ticket_events (ticket_id, seq, kind, occurred_at) "
            "VALUES (1, 900, 'ticket.slow', now())"
        )
    )
    dispatcher.open_ticket(title="quick")  # begun later, committed earlier
    page = changes(dispatcher)
    assert [e["ticket_id"] for e in page["items"]] == [1]  # the quick one must wait
    begun.commit()
    slow.close()
    rest = changes(dispatcher, page["page"]["next"])
    assert kinds(rest) == ["ticket.slow", "ticket.created"]


def test_two_writers_and_a_reader_lose_and_double_nothing(
    tickets_app: Flask, database: Database, dispatcher: Caller
) -> None:
    def write() -> None:
        person = add_person(database, "dispatcher")
        caller = Caller(tickets_app.test_client(), person.headers, person.user_id)
        for n in range(12):
            caller.move(caller.open_ticket(title=str(n)), "start")

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    seen: list[int] = []
    after: str | None = None
    end_s = time.monotonic() + 30
    while len(seen) < 48 and time.monotonic() < end_s:
        page = changes(dispatcher, after, limit=7, wait=1)
        seen += [item["id"] for item in page["items"]]
        after = page["page"]["next"]
    for writer in writers:
        writer.join()
    assert len(seen) == 48
    assert len(set(seen)) == 48


def test_who_waits_is_told_within_a_second_and_holds_no_connection(
    tickets_app: Flask, dispatcher: Caller, requester: Caller
) -> None:
    after = changes(dispatcher, "now")["page"]["next"]
    told: list[Any] = []

    def wait() -> None:
        told.append((changes(dispatcher, after, wait=20), time.monotonic()))

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.25)
    database: Database = tickets_app.extensions["database"]
    held = []
    for _ in range(10):
        time.sleep(0.01)
        held.append(database.writers.in_use + database.readers.in_use)
    requester.open_ticket()
    began_s = time.monotonic()
    waiting.join()
    page, answered_s = told[0]
    assert kinds(page) == ["ticket.created"]
    assert answered_s - began_s < 2
    assert held.count(0) >= 9


def test_a_wait_that_brings_nothing_ends_on_time(dispatcher: Caller) -> None:
    began_s = time.monotonic()
    page = changes(dispatcher, "now", wait=1)
    assert page["items"] == []
    assert 0.9 < time.monotonic() - began_s < 4


# Who sees what


@pytest.fixture
def two_zones(dispatcher: Caller, requester: Caller, team_id: int) -> Caller:
    """Open ticket 1 in Johor by a requester and ticket 2 in Selangor, with a team."""
    requester.open_ticket(
        zone="Johor", customer={"name": "Aminah", "phone": "0123456789"}
    )
    dispatcher.open_ticket(zone="Selangor")
    dispatcher.post("/tickets/2/assignments", {"team_id": team_id})
    dispatcher.post("/tickets/1/comments", {"body": "x", "visibility": "internal"})
    dispatcher.post("/tickets/1/comments", {"body": "y", "visibility": "public"})
    return dispatcher


def test_everyone_sees_the_tickets_that_their_list_shows(
    two_zones: Caller, as_role: As, team_id: int, requester: Caller
) -> None:
    callers = {
        "admin": (as_role("admin"), {1, 2}),
        "manager": (as_role("manager"), {1, 2}),
        "manager of Johor": (as_role("manager", zones=["Johor"]), {1}),
        "dispatcher of none": (as_role("dispatcher", zones=[]), set()),
        "technician": (as_role("technician", team_id), {2}),
        "technician of no team": (as_role("technician"), set()),
        "requester": (requester, {1}),
        "another requester": (as_role("requester"), set()),
        "viewer": (as_role("viewer"), {1, 2}),
    }
    for name, (caller, wanted) in callers.items():
        listed = {t["id"] for t in caller.get("/tickets")["items"]}
        assert {e["ticket_id"] for e in all_changes(caller)} == listed == wanted, name


def test_a_requester_is_not_told_of_internal_notes(
    two_zones: Caller, requester: Caller
) -> None:
    assert kinds(changes(requester)) == ["ticket.created", "comment.added"]
    staff = [e for e in changes(two_zones)["items"] if e["ticket_id"] == 1]
    assert len(staff) == 3


def test_a_viewer_sees_contacts_masked(two_zones: Caller, viewer: Caller) -> None:
    two_zones.patch("/tickets/1", {"customer": {"phone": "0999999999"}})
    page = json.dumps(changes(viewer))
    assert "Aminah" not in page
    assert "0123456789" not in page
    assert "0999999999" not in page
    assert "0999999999" in json.dumps(changes(two_zones))


def test_of_a_deleted_ticket_only_its_deletion_is_told(
    requester: Caller, dispatcher: Caller
) -> None:
    requester.open_ticket(title="secret")
    requester.call("DELETE", "/tickets/1")
    page = changes(dispatcher)
    assert kinds(page) == ["ticket.deleted"]
    assert "secret" not in json.dumps(page)


def test_who_sees_little_is_led_through_in_windows(
    monkeypatch: pytest.MonkeyPatch, dispatcher: Caller, requester: Caller
) -> None:
    window = feed_reading.WINDOW_END.replace(
        f"OFFSET {feed_reading.WINDOW - 1}", "OFFSET 2"
    )
    monkeypatch.setattr(feed_reading, "WINDOW_END", window)
    for n in range(8):
        dispatcher.open_ticket(title=str(n))
    requester.open_ticket()
    page = changes(requester)
    assert (page["items"], page["page"]["more"]) == ([], True)
    assert [e["ticket_id"] for e in all_changes(requester)] == [9]
    assert [e["ticket_id"] for e in all_changes(dispatcher)] == list(range(1, 10))


# The stream


class Reader:
    """One who reads a stream, frame by frame."""

    def __init__(self, caller: Caller, path: str = "", **headers: str) -> None:
        self.response = caller.call(
            "GET", f"/tickets/stream{path}", headers=headers, buffered=False
        )
        assert self.response.status_code == 200, self.response.text
        self.frames: Iterator[bytes] = iter(self.response.response)  # type: ignore[arg-type]

    def next_with(self, name: str) -> dict[str, str]:
        """Return the fields of the next frame that has the field."""
        for frame in self.frames:
            lines = frame.decode().strip().splitlines()
            found = dict(line.split(": ", 1) for line in lines)
            if name in found:
                return found
        raise AssertionError("the stream has ended")

    def close(self) -> None:
        self.response.close()


def test_a_stream_sends_what_happens_from_now_on(dispatcher: Caller) -> None:
    dispatcher.open_ticket()
    reader = Reader(dispatcher)
    assert reader.response.mimetype == "text/event-stream"
    assert "retry" in reader.next_with("id")
    dispatcher.open_ticket()
    item = json.loads(reader.next_with("data")["data"])
    assert (item["kind"], item["ticket_id"]) == ("ticket.created", 2)
    reader.close()


def test_a_stream_goes_on_after_the_last_event_id(dispatcher: Caller) -> None:
    for n in range(3):
        dispatcher.open_ticket(title=str(n))
    first = changes(dispatcher)["items"][0]
    reader = Reader(dispatcher, **{"Last-Event-ID": first["cursor"]})
    event = reader.next_with("data")
    assert json.loads(event["data"])["ticket_id"] == 2
    reader.close()
    again = Reader(dispatcher, f"?after={event['id']}")
    assert json.loads(again.next_with("data")["data"])["ticket_id"] == 3
    again.close()


def test_a_stream_ends_when_its_session_does(
    dispatcher: Caller, database: Database
) -> None:
    reader = Reader(dispatcher)
    reader.next_with("id")
    with database.transaction() as connection:
        connection.execute(text("UPDATE auth.sessions SET revoked_at = now()"))
    end = reader.next_with("event")
    assert end["event"] == "end"
    assert json.loads(end["data"])["code"] == "session_ended"
    assert list(reader.frames) == []


def test_a_stream_shows_what_the_role_of_the_moment_may_see(
    dispatcher: Caller, requester: Caller, database: Database
) -> None:
    reader = Reader(dispatcher)
    reader.next_with("id")
    with database.transaction() as connection:
        connection.execute(
            text("UPDATE auth.users SET zones = '{Johor}' WHERE id = :id"),
            {"id": dispatcher.user_id},
        )
    requester.open_ticket(zone="Selangor")
    requester.open_ticket(zone="Johor")
    assert json.loads(reader.next_with("data")["data"])["ticket_id"] == 2
    reader.close()


def test_a_quiet_stream_sends_signs_of_life(
    dispatcher: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_routes, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(feed_routes, "LOOK_EVERY_S", 0.05)
    reader = Reader(dispatcher)
    reader.next_with("retry")
    assert "data" not in reader.next_with("id")
    reader.close()


def test_streams_beyond_the_places_are_refused_and_places_come_back(
    dispatcher: Caller, tickets_app: Flask
) -> None:
    places = tickets_app.extensions[feed_routes.WAITING].places
    assert places >= 1
    for _ in range(3):
        looked = dispatcher.call("HEAD", "/tickets/stream", buffered=True)
        assert looked.status_code == 200
    readers = [Reader(dispatcher) for _ in range(places)]
    refused = dispatcher.call("GET", "/tickets/stream")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    assert changes(dispatcher, "now", wait=20)["items"] == []  # answered at once
    for reader in readers:
        reader.close()
    again = Reader(dispatcher)
    again.next_with("id")
    again.close()


def test_a_stranger_reads_neither(tickets_app: Flask, database: Database) -> None:
    stranger = Caller(tickets_app.test_client(), {}, 0)
    stranger.get("/tickets/changes", 401)
    stranger.get("/tickets/stream", 401)


def test_the_feed_goes_on_after_a_restore(
    dispatcher: Caller, database: Database
) -> None:
    dispatcher.open_ticket()
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO tickets.ticket_events "
            "(ticket_id, seq, kind, occurred_at, xid) "
            "VALUES (1, 2, 'ticket.started', now(), 1000000000)"
        )
    migrate(database)  # as the start of a restored database does
    dispatcher.open_ticket()
    told = [(e["ticket_id"], e["kind"]) for e in all_changes(dispatcher)]
    assert told == [(1, "ticket.created"), (1, "ticket.started"), (2, "ticket.created")]
    ahead = encode_cursor("feed", [10**9, 1])
    assert "after" in dispatcher.get(f"/tickets/changes?after={ahead}", 422)["errors"]
