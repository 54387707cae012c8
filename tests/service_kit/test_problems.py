"""Every failure has one shape, and says which field is wrong."""

from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient

from db.tickets import idempotency_keys
from service_kit.app import build_app
from tests.conftest import settings_for

MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "body", id="missing"),
        pytest.param({"body": 7}, "body", id="a number for a text"),
        pytest.param({"body": {"a": 1}}, "body", id="an object for a text"),
        pytest.param({"body": "a\x00b"}, "body", id="a null character"),
        pytest.param({"body": "   "}, "body", id="only blanks"),
        pytest.param({"body": "a" * 101}, "body", id="too long"),
        pytest.param({"body": "a", "other": 1}, "other", id="an unknown field"),
        pytest.param(
            {"body": "a", "at": "2026-01-01"}, "at", id="a date for an instant"
        ),
        pytest.param({"body": "a", "at": "2026-01-01T00:00:00"}, "at", id="no offset"),
        pytest.param(
            {"body": "a", "at": "0001-01-01T00:00:00+14:00"}, "at", id="year 1"
        ),
        pytest.param({"body": "a", "number": "7"}, "number", id="a text for a number"),
        pytest.param(
            {"body": "a", "number": True}, "number", id="a truth for a number"
        ),
        pytest.param({"body": "a", "number": 2**63}, "number", id="a huge number"),
    ],
)
def test_a_wrong_field_is_named(client: FlaskClient, body: object, field: str) -> None:
    answer = client.post("/notes", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json is not None
    assert answer.json["code"] == "invalid"
    assert list(answer.json["errors"]) == [field]
    assert set(answer.json) >= MEMBERS


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        pytest.param(b"{", "application/json", 400, id="broken JSON"),
        pytest.param(b"\xff\xfe", "application/json", 400, id="not UTF-8"),
        pytest.param(
            b'{"body": "\\ud800"}', "application/json", 400, id="half a surrogate pair"
        ),
        pytest.param(b"[]", "application/json", 422, id="a list for an object"),
        pytest.param(b"null", "application/json", 422, id="null for an object"),
        pytest.param(b"body=a", "application/x-www-form-urlencoded", 415, id="a form"),
        pytest.param(b"{}" * 6_000, "application/json", 413, id="too large"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(
    client: FlaskClient, body: bytes, content_type: str, status: int
) -> None:
    answer = client.post("/notes", data=body, content_type=content_type)
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert set(answer.json) >= MEMBERS


@pytest.mark.parametrize("told", [11, 10_000])
def test_a_body_that_ends_early_is_refused(client: FlaskClient, told: int) -> None:
    """As when the client leaves: what came is JSON, but not all of it."""
    answer = client.post(
        "/notes",
        input_stream=BytesIO(b'{"body":1}'),
        environ_overrides={"CONTENT_LENGTH": str(told)},
        content_type="application/json",
    )
    assert answer.status_code == 400, answer.text
    assert answer.content_type == "application/problem+json"


def test_a_body_of_unknown_length_is_read_to_its_end(client: FlaskClient) -> None:
    """As gunicorn gives one that comes in chunks."""
    answer = client.post(
        "/notes",
        input_stream=BytesIO(b'{"body": 7}'),
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
        content_type="application/json",
    )
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    ("path", "field"),
    [
        pytest.param("/notes?size=a", "size", id="a text for a number"),
        pytest.param("/notes?colour=red", "colour", id="an unknown parameter"),
        pytest.param("/notes/one?colour=red", "colour", id="where none is taken"),
    ],
)
def test_a_wrong_parameter_is_named(client: FlaskClient, path: str, field: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 422
    assert answer.json is not None
    assert list(answer.json["errors"]) == [field]


def test_no_route_and_no_method_are_told_apart(client: FlaskClient) -> None:
    assert client.get("/nowhere").status_code == 404
    refused = client.delete("/notes")
    assert refused.status_code == 405
    assert "POST" in refused.headers["Allow"]


def test_a_view_is_closed_unless_it_says_otherwise(client: FlaskClient) -> None:
    answer = client.get("/notes/closed")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_crash_tells_nothing_of_itself(client: FlaskClient) -> None:
    answer = client.get("/notes/crash")
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_a_get_cannot_write(client: FlaskClient) -> None:
    assert client.get("/notes/write").status_code == 500


def test_a_lost_database_is_503_and_says_nothing_of_it() -> None:
    url = "postgresql+psycopg://nobody:hidden@127.0.0.1:1/x"
    app: Flask = build_app(settings_for("tickets", url), idempotency_keys)
    answer = app.test_client().get("/ready")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "127.0.0.1" not in answer.text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abc-123", True),
        ("x" * 129, False),
        ("a b", False),
        ("a\tb", False),
        ("é", False),
    ],
)
def test_a_safe_request_id_is_kept(client: FlaskClient, given: str, kept: bool) -> None:
    sent = client.get("/health", headers={"X-Request-Id": given}).headers[
        "X-Request-Id"
    ]
    assert (sent == given) is kept
    assert sent


def test_an_entity_tag_answers_304_and_412(client: FlaskClient) -> None:
    tag = client.get("/notes/one").headers["ETag"]
    again = client.get("/notes/one", headers={"If-None-Match": tag})
    assert (again.status_code, again.text) == (304, "")
    body = {"body": "a"}
    stale = client.patch("/notes/one", json=body, headers={"If-Match": '"2"'})
    fresh = client.patch("/notes/one", json=body, headers={"If-Match": tag})
    assert (stale.status_code, fresh.status_code) == (412, 200)
    assert stale.json is not None
    assert stale.json["code"] == "stale"
