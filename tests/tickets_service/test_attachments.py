"""Attachments: their kind told by their bytes, sent so that no browser runs them."""

import io
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from db.engine import Database
from tests.tickets_service.conftest import As, Caller
from tickets_service.attachment_files import MAX_BYTES

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
PDF = b"%PDF-1.7\n" + bytes(16)
HTML = b"<script>alert(1)</script>"


def attach(
    who: Caller,
    content: bytes = PNG,
    name: str = "splice.png",
    status: int = 201,
    **form: str,
) -> Any:
    file = FileStorage(io.BytesIO(content), name)
    boundary, body = encode_multipart({"file": file, **form})
    kind = f"multipart/form-data; boundary={boundary}"
    path = "/tickets/1/attachments"
    return who.expect(status, who.call("POST", path, data=body, content_type=kind))


def files_in(app: Flask) -> list[Path]:
    folder: Path = app.config["SETTINGS"].var_dir / "attachments"
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_comes_back_as_it_was(dispatcher: Caller) -> None:
    dispatcher.open_ticket()
    made = attach(dispatcher)
    assert (made["content_type"], made["size_bytes"]) == ("image/png", len(PNG))
    response = dispatcher.call("GET", f"/tickets/CTT_1/attachments/{made['id']}")
    assert response.data == PNG
    assert dispatcher.get("/tickets/1/attachments")["items"] == [made]
    history = dispatcher.get("/tickets/1/history")["items"]
    assert history[-1]["kind"] == "attachment.added"
    assert history[-1]["data"]["filename"] == "splice.png"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xd8\xff\xe0" + bytes(8), "image/jpeg"),
        (PNG, "image/png"),
        (b"GIF89a" + bytes(8), "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x18ftypheic" + bytes(8), "image/heic"),
        (PDF, "application/pdf"),
        ("tiga bacaan: −21,4 dBm\n".encode(), "text/plain"),
        (HTML, "text/plain"),
    ],
    ids=["jpeg", "png", "gif", "webp", "heic", "pdf", "text", "a page as text"],
)
def test_the_kind_is_told_by_the_bytes(
    dispatcher: Caller, content: bytes, kind: str
) -> None:
    dispatcher.open_ticket()
    assert attach(dispatcher, content, "photo.exe")["content_type"] == kind


@pytest.mark.parametrize(
    ("content", "status", "field"),
    [
        (b"", 422, "file"),
        (b"MZ\x90\x00" + bytes(64), 422, "file"),
        (b"PK\x03\x04" + bytes(64), 422, "file"),
        (b"text\x00with nul", 422, "file"),
        (PNG + bytes(MAX_BYTES), 413, None),
        (PNG + bytes(MAX_BYTES * 2), 413, None),
    ],
    ids=["empty", "program", "archive", "nul", "a little too large", "far too large"],
)
def test_what_is_no_evidence_is_refused_and_leaves_nothing(
    dispatcher: Caller, tickets_app: Flask, content: bytes, status: int, field: str
) -> None:
    dispatcher.open_ticket()
    before = len(files_in(tickets_app))
    answer = attach(dispatcher, content, status=status)
    assert field is None or list(answer["errors"]) == [field]
    assert dispatcher.get("/tickets/1/attachments")["items"] == []
    assert len(files_in(tickets_app)) == before


def test_a_form_without_a_file_or_with_more_is_refused(dispatcher: Caller) -> None:
    dispatcher.open_ticket()
    response = dispatcher.call(
        "POST",
        "/tickets/1/attachments",
        data={"visibility": "public"},
        content_type="multipart/form-data",
    )
    assert list(dispatcher.expect(422, response)["errors"]) == ["file"]
    assert list(attach(dispatcher, status=422, owner="7")["errors"]) == ["owner"]
    assert "visibility" in attach(dispatcher, status=422, visibility="secret")["errors"]


@pytest.mark.parametrize(
    ("content", "shown"),
    [(PNG, "inline"), (PDF, "attachment"), (HTML, "attachment")],
    ids=["picture", "pdf", "text"],
)
def test_a_browser_never_runs_a_file(
    dispatcher: Caller, content: bytes, shown: str
) -> None:
    dispatcher.open_ticket()
    made = attach(dispatcher, content, 'a"b\r\nX-Evil: 1.png')
    headers = dispatcher.call("GET", f"/tickets/1/attachments/{made['id']}").headers
    assert headers["Content-Disposition"].startswith(f"{shown}; filename*=UTF-8''")
    assert "X-Evil" not in headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"].startswith("private")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:/temp/foto.jpg", "foto.jpg"),
        ("gambar ✓.png", "gambar ✓.png"),
        ("x" * 300, "x" * 200),
    ],
    ids=["up the tree", "windows", "any script", "long"],
)
def test_a_name_is_only_a_name(
    dispatcher: Caller, tickets_app: Flask, name: str, kept: str
) -> None:
    dispatcher.open_ticket()
    assert attach(dispatcher, name=name)["filename"] == kept
    assert [f for f in files_in(tickets_app) if "passwd" in f.name] == []


def test_everyone_reads_the_files_of_the_tickets_they_see(
    requester: Caller, dispatcher: Caller, as_role: As, team_id: int, viewer: Caller
) -> None:
    requester.open_ticket(zone="Johor")
    made = attach(requester)
    path = f"/tickets/1/attachments/{made['id']}"
    for who in (requester, dispatcher, viewer, as_role("manager", zones=["Johor"])):
        assert who.call("GET", path).status_code == 200
    hidden = (as_role("requester"), as_role("technician", team_id))
    for who in (*hidden, as_role("manager", zones=["Perak"])):
        assert who.call("GET", path).status_code == 404
        who.get("/tickets/1/attachments", 404)
        attach(who, status=404)
    attach(viewer, status=403)


def test_a_requester_neither_sees_nor_hears_of_internal_files(
    requester: Caller, dispatcher: Caller
) -> None:
    requester.open_ticket()
    made = attach(dispatcher, name="blame.png", visibility="internal")
    assert requester.get("/tickets/1/attachments")["items"] == []
    requester.get(f"/tickets/1/attachments/{made['id']}", 404)
    for path in ("/tickets/1/history", "/tickets/changes"):
        assert "blame" not in requester.call("GET", path).text
        assert "blame" in dispatcher.call("GET", path).text


def test_a_requester_cannot_hide_a_file(requester: Caller, tickets_app: Flask) -> None:
    requester.open_ticket()
    before = len(files_in(tickets_app))
    attach(requester, status=403, visibility="internal")
    assert len(files_in(tickets_app)) == before


def test_a_file_of_one_ticket_is_not_found_under_another(dispatcher: Caller) -> None:
    dispatcher.open_ticket()
    dispatcher.open_ticket()
    made = attach(dispatcher)
    dispatcher.get(f"/tickets/2/attachments/{made['id']}", 404)


def test_a_file_that_is_gone_is_not_found(
    dispatcher: Caller, tickets_app: Flask, database: Database
) -> None:
    dispatcher.open_ticket()
    made = attach(dispatcher)
    with database.read_only() as connection:
        key: str = connection.exec_driver_sql(
            "SELECT storage_key FROM tickets.attachments"
        ).scalar_one()
    next(f for f in files_in(tickets_app) if f.name == key).unlink()
    dispatcher.get(f"/tickets/1/attachments/{made['id']}", 404)
