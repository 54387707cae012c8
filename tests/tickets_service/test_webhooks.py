"""Webhooks, against a real receiver: signed, tried again, each attempt on file."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask

from db.engine import Database
from service_kit.worker import JobContext
from tests.conftest import settings_for
from tests.tickets_service.conftest import As, Caller
from tickets_service import webhook_jobs
from tickets_service.webhook_sending import (
    BACK_OFF_S,
    next_try_at,
    signature,
    why_not_sent_to,
)

SECRET = "a secret of the tests"


class Receiver:
    """A server on this machine that keeps what it is sent. answers: status codes to
    give, the last one again and again. pause_s: how long each answer takes."""

    def __init__(self) -> None:
        self.answers = [200]
        self.pause_s = 0.0
        self.got: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                time.sleep(receiver.pause_s)
                more = len(receiver.answers) > 1
                status = receiver.answers.pop(0) if more else receiver.answers[0]
                self.send_response(status)
                self.send_header("Location", receiver.url)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def events(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def context(database_url: str) -> Iterator[JobContext]:
    data = Database.at(database_url, role="aiff_tickets")
    settings = settings_for("tickets", database_url)
    yield JobContext(data, settings, threading.Event())
    data.close()


@pytest.fixture
def work(context: JobContext) -> Callable[[], None]:
    """Return what does one round of the worker's work."""

    def done() -> None:
        webhook_jobs.queue_events(context)
        webhook_jobs.send_due(context)

    return done


def hook(who: Caller, receiver: Receiver, **changes: Any) -> Any:
    body = {"url": receiver.url, "secret": SECRET} | changes
    return who.post("/webhooks", body)


def deliveries(who: Caller, made: Any) -> list[Any]:
    items: list[Any] = who.get(f"/webhooks/{made['id']}/deliveries")["items"]
    return items


def make_due(database: Database) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE tickets.webhook_deliveries SET next_try_at = now() "
            "WHERE state = 'pending'"
        )


def test_what_happens_is_sent_once_in_order_and_signed(
    admin: Caller, receiver: Receiver, work: Callable[[], None]
) -> None:
    admin.open_ticket(title="before the webhook")
    made = hook(admin, receiver)
    ticket = admin.open_ticket(customer={"name": "Aminah", "phone": "0123456789"})
    admin.move(ticket, "start")
    for _ in range(3):
        work()
    assert [(e["kind"], e["ticket"]["number"]) for e in receiver.events()] == [
        ("ticket.created", "CTT_2"),
        ("ticket.started", "CTT_2"),
    ]
    for headers, body in receiver.got:
        signed = f"{headers['X-AIFF-Timestamp']}.{headers['X-AIFF-Delivery']}.".encode()
        digest = hmac.new(SECRET.encode(), signed + body, hashlib.sha256).hexdigest()
        assert headers["X-AIFF-Signature"] == f"sha256={digest}"
        assert abs(time.time() - int(headers["X-AIFF-Timestamp"])) < 60
        assert b"Aminah" not in body
        assert b"0123456789" not in body
    states = [(d["state"], len(d["attempts"])) for d in deliveries(admin, made)]
    assert states == [("delivered", 1)] * 2


def test_only_the_kinds_asked_for_are_sent(
    admin: Caller, receiver: Receiver, work: Callable[[], None]
) -> None:
    hook(admin, receiver, kinds=["ticket.started"])
    admin.move(admin.open_ticket(), "start")
    work()
    assert [e["kind"] for e in receiver.events()] == ["ticket.started"]


def test_a_failure_is_tried_again_under_the_same_id_until_it_succeeds(
    admin: Caller, receiver: Receiver, work: Callable[[], None], database: Database
) -> None:
    receiver.answers = [500, 302, 204]
    made = hook(admin, receiver)
    admin.open_ticket()
    for n in range(1, 4):
        work()
        assert len(receiver.got) == n  # and a redirect is not followed
        make_due(database)
    work()
    assert len(receiver.got) == 3
    assert len({headers["X-AIFF-Delivery"] for headers, _ in receiver.got}) == 1
    assert len({body for _, body in receiver.got}) == 1
    [delivery] = deliveries(admin, made)
    assert delivery["state"] == "delivered"
    assert [a["status"] for a in delivery["attempts"]] == [500, 302, 204]
    assert all(a["at"] and a["ms"] >= 0 for a in delivery["attempts"])


def test_a_receiver_that_is_not_there_is_noted_and_tried_later(
    admin: Caller, receiver: Receiver, work: Callable[[], None]
) -> None:
    made = hook(admin, receiver)
    receiver.server.shutdown()
    receiver.server.server_close()
    admin.open_ticket()
    work()
    [delivery] = deliveries(admin, made)
    assert delivery["state"] == "pending"
    assert delivery["attempts"][0]["error"] == "ConnectionError"
    wait = datetime.fromisoformat(delivery["next_try_at"]) - datetime.now(UTC)
    assert timedelta() < wait <= timedelta(seconds=BACK_OFF_S[0])


def test_after_a_day_it_is_given_up_and_can_be_sent_again_by_hand(
    admin: Caller,
    receiver: Receiver,
    context: JobContext,
    work: Callable[[], None],
    database: Database,
) -> None:
    receiver.answers = [503, 200]
    made = hook(admin, receiver)
    admin.open_ticket()
    webhook_id = made["id"]
    webhook_jobs.queue_events(context)
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE tickets.webhook_deliveries "
            "SET created_at = created_at - interval '25 hours'"
        )
    work()
    [delivery] = deliveries(admin, made)
    assert delivery["state"] == "failed"
    path = f"/webhooks/{webhook_id}/deliveries/{delivery['id']}/redeliver"
    assert admin.post(path, status=202)["state"] == "pending"
    work()
    [again] = deliveries(admin, made)
    assert (again["id"], again["state"]) == (delivery["id"], "delivered")
    assert [a["status"] for a in again["attempts"]] == [503, 200]
    admin.post(f"/webhooks/{webhook_id}/deliveries/999/redeliver", status=404)


def test_no_transaction_is_open_while_a_receiver_takes_its_time(
    admin: Caller, receiver: Receiver, work: Callable[[], None]
) -> None:
    hook(admin, receiver)
    admin.open_ticket()
    receiver.pause_s = 2.0
    sending = threading.Thread(target=work)
    sending.start()
    while not receiver.got:
        time.sleep(0.02)
    admin.open_ticket(title="meanwhile")
    began_s = time.monotonic()
    page = admin.get("/tickets/changes")
    assert [item["ticket_id"] for item in page["items"]] == [1, 2]
    assert time.monotonic() - began_s < 1
    receiver.pause_s = 0.0
    sending.join()


def test_two_workers_send_each_event_once(
    admin: Caller, receiver: Receiver, context: JobContext
) -> None:
    made = hook(admin, receiver)
    for n in range(10):
        admin.open_ticket(title=str(n))
    receiver.pause_s = 0.02

    def round_of_work() -> None:
        webhook_jobs.queue_events(context)
        webhook_jobs.send_due(context)

    workers = [threading.Thread(target=round_of_work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(e["ticket"]["id"] for e in receiver.events()) == list(range(1, 11))
    assert {d["state"] for d in deliveries(admin, made)} == {"delivered"}


def test_a_worker_that_dies_after_sending_leaves_the_delivery_to_another(
    admin: Caller,
    receiver: Receiver,
    context: JobContext,
    work: Callable[[], None],
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hook(admin, receiver)
    admin.open_ticket()
    webhook_jobs.queue_events(context)

    def dies(*_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(webhook_jobs, "note", dies)
        with pytest.raises(SystemExit):
            webhook_jobs.send_one(context)
    work()
    assert len(receiver.got) == 1  # claimed: nobody else sends it meanwhile
    make_due(database)  # the claim has run out
    work()
    assert len(receiver.got) == 2
    assert len({headers["X-AIFF-Delivery"] for headers, _ in receiver.got}) == 1


def test_a_webhook_is_told_of_what_its_owner_sees(
    admin: Caller, as_role: As, receiver: Receiver, work: Callable[[], None]
) -> None:
    hook(as_role("manager", zones=["Johor"]), receiver)
    admin.open_ticket(zone="Perak")
    admin.open_ticket(zone="Johor")
    work()
    assert [e["ticket"]["zone"] for e in receiver.events()] == ["Johor"]


def test_a_webhook_of_one_who_left_is_silent(
    as_role: As,
    admin: Caller,
    receiver: Receiver,
    work: Callable[[], None],
    database: Database,
) -> None:
    manager = as_role("manager")
    hook(manager, receiver)
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE auth.users SET is_active = false WHERE id = %s", (manager.user_id,)
        )
    admin.open_ticket()
    work()
    assert receiver.got == []


def test_a_webhook_that_is_off_sends_nothing(
    admin: Caller, receiver: Receiver, work: Callable[[], None]
) -> None:
    made = hook(admin, receiver)
    admin.patch(f"/webhooks/{made['id']}", {"is_active": False})
    admin.open_ticket()
    work()
    assert receiver.got == []


def test_a_test_delivery_goes_out(
    admin: Caller, receiver: Receiver, work: Callable[[], None]
) -> None:
    made = hook(admin, receiver)
    queued = admin.post(f"/webhooks/{made['id']}/test", status=202)
    work()
    assert [e["kind"] for e in receiver.events()] == ["webhook.test"]
    assert deliveries(admin, made)[0]["id"] == queued["id"]


def test_the_secret_is_shown_once(admin: Caller, receiver: Receiver) -> None:
    made = admin.post("/webhooks", {"url": receiver.url})
    assert len(made["secret"]) >= 32
    path = f"/webhooks/{made['id']}"
    changed = admin.patch(path, {"kinds": ["ticket.created"]})
    shown = [admin.get(path), changed, *admin.get("/webhooks")["items"]]
    assert [webhook for webhook in shown if "secret" in webhook] == []
    key = {"Idempotency-Key": "hook-1"}
    first = admin.post("/webhooks", {"url": receiver.url}, headers=key)
    assert first["secret"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "http://user:word@example.com/"}, "url"),
        ({"url": "http:///nowhere"}, "url"),
        ({"url": "https://example.com", "secret": "short"}, "secret"),
        ({"url": "https://example.com", "kinds": "all"}, "kinds"),
        ({"url": "https://example.com", "owner_id": 1}, "owner_id"),
    ],
)
def test_an_impossible_webhook_is_refused(
    admin: Caller, body: dict[str, Any], field: str
) -> None:
    assert list(admin.post("/webhooks", body, 422)["errors"]) == [field]


def test_managers_keep_to_their_own_and_others_have_none(
    admin: Caller, as_role: As, receiver: Receiver
) -> None:
    one, two = as_role("manager"), as_role("manager")
    made = hook(one, receiver)
    path = f"/webhooks/{made['id']}"
    for method, place in (
        ("GET", path),
        ("GET", f"{path}/deliveries"),
        ("POST", f"{path}/test"),
        ("DELETE", path),
    ):
        assert two.call(method, place).status_code == 404, place
    assert two.get("/webhooks")["items"] == []
    assert [w["id"] for w in admin.get("/webhooks")["items"]] == [made["id"]]
    for role in ("dispatcher", "technician", "requester", "viewer"):
        as_role(role).get("/webhooks", 403)
    assert one.call("DELETE", path).status_code == 204
    one.get(path, 404)


def test_a_stale_version_is_refused(admin: Caller, receiver: Receiver) -> None:
    path = f"/webhooks/{hook(admin, receiver)['id']}"
    tag = {"If-Match": admin.call("GET", path).headers["ETag"]}
    admin.patch(path, {"kinds": []}, headers=tag)
    admin.patch(path, {"kinds": []}, 412, headers=tag)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8001/metrics",
        "http://localhost/",
        "http://[::1]/",
        "http://10.0.0.5/",
        "http://169.254.169.254/latest",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
    ],
)
def test_in_production_no_webhook_leads_into_the_house(url: str) -> None:
    assert why_not_sent_to(url, allow_private=False) == "points into a private network"
    assert why_not_sent_to(url, allow_private=True) is None


def test_waiting_grows_and_ends_after_a_day() -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    at, waits = begin, list[float]()
    while (then := next_try_at(begin, len(waits) + 1, at)) is not None:
        waits.append((then - at).total_seconds())
        at = then
    assert waits[:6] == list(BACK_OFF_S)
    assert sorted(waits) == waits
    assert timedelta(hours=22) < at - begin <= timedelta(hours=24)


def test_a_signature_covers_time_id_and_body() -> None:
    kinds = {
        signature("s", 1, 2, b"3"),
        signature("t", 1, 2, b"3"),
        signature("s", 9, 2, b"3"),
        signature("s", 1, 9, b"3"),
        signature("s", 1, 2, b"9"),
    }
    assert len(kinds) == 5


def test_the_app_and_the_worker_agree_on_private_addresses(tickets_app: Flask) -> None:
    assert webhook_jobs.allows_private(tickets_app.config["SETTINGS"])
