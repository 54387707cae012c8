"""Attachments: their kind told by their bytes, sent so that no browser runs them.

All of it with both stores, a folder and an S3 server in a process of its own.
"""

import errno
import io
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from db.engine import Database
from scripts.local.processes import free_port
from service_kit.clock import monotonic_s
from service_kit.errors import NotFound, Unavailable
from service_kit.settings import BadSettings
from tests.conftest import settings_for
from tests.tickets_service.conftest import As, Caller
from tests.tickets_service.s3_server import LossyWire, S3Server
from tickets_service.app import create_app
from tickets_service.attachment_bucket import Bucket
from tickets_service.attachment_files import MAX_BYTES, Folder, Store
from tickets_service.attachment_routes import STORE
from tickets_service.preferences import BucketSettings, Preferences

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


PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture(scope="module", params=["folder", "s3"])
def tickets_app(
    request: pytest.FixtureRequest,
    database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    s3_server: S3Server,
) -> Flask:
    """Return the service with each kind of store in turn."""
    bucket = s3_server.new_bucket() if request.param == "s3" else None
    settings = settings_for(
        "tickets", database_url, var_dir=tmp_path_factory.mktemp("var")
    )
    return create_app(settings, Preferences(bucket=bucket))


def keys_in(app: Flask) -> Set[str]:
    """Return the keys of all files that the app's store holds."""
    store = app.extensions[STORE]
    if isinstance(store, Bucket):
        found = store.client.list_objects(store.name, recursive=True)
        return {str(o.object_name).removeprefix("attachments/") for o in found}
    return {path.name for path in store.root.rglob("*") if path.is_file()}


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
    before = keys_in(tickets_app)
    answer = attach(dispatcher, content, status=status)
    assert field is None or list(answer["errors"]) == [field]
    assert dispatcher.get("/tickets/1/attachments")["items"] == []
    assert keys_in(tickets_app) == before


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
    assert all(len(key) == 32 and key.isalnum() for key in keys_in(tickets_app))


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
    before = keys_in(tickets_app)
    attach(requester, status=403, visibility="internal")
    assert keys_in(tickets_app) == before


def test_a_file_of_one_ticket_is_not_found_under_another(dispatcher: Caller) -> None:
    dispatcher.open_ticket()
    dispatcher.open_ticket()
    made = attach(dispatcher)
    dispatcher.get(f"/tickets/2/attachments/{made['id']}", 404)


def kept_key(database: Database) -> str:
    with database.read_only() as connection:
        key: str = connection.exec_driver_sql(
            "SELECT storage_key FROM tickets.attachments"
        ).scalar_one()
    return key


def test_a_file_that_is_gone_is_not_found(
    dispatcher: Caller, tickets_app: Flask, database: Database
) -> None:
    dispatcher.open_ticket()
    made = attach(dispatcher)
    tickets_app.extensions[STORE].remove(kept_key(database))
    dispatcher.get(f"/tickets/1/attachments/{made['id']}", 404)


def test_the_largest_file_comes_back_whole(dispatcher: Caller) -> None:
    dispatcher.open_ticket()
    content = PNG + bytes(range(256)) * ((MAX_BYTES - len(PNG)) // 256)
    made = attach(dispatcher, content)
    path = f"/tickets/1/attachments/{made['id']}"
    assert dispatcher.call("GET", path).data == content


def test_a_store_keeps_gives_and_removes(tickets_app: Flask) -> None:
    store: Store = tickets_app.extensions[STORE]
    stored = store.save(PNG)
    assert store.read(stored.storage_key) == PNG
    assert store.save(PNG).storage_key != stored.storage_key, "each has its own key"
    store.remove(stored.storage_key)
    store.remove(stored.storage_key)
    with pytest.raises(NotFound):
        store.read(stored.storage_key)


# ---- a store that is away ------------------------------------------------------------


@pytest.fixture
def bucket(s3_server: S3Server) -> BucketSettings:
    return s3_server.new_bucket()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Yield a port where connections are taken and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield int(server.getsockname()[1])


AWAY = ["nobody there", "never answers", "no such bucket", "wrong server"]


@pytest.fixture(params=AWAY)
def lost(
    request: pytest.FixtureRequest, bucket: BucketSettings, silent_port: int
) -> BucketSettings:
    """Return settings of a store that cannot be used, for each reason."""
    quick = replace(bucket, send_s=0.5, answer_s=0.5)
    match request.param:
        case "nobody there":
            return replace(quick, endpoint_url=f"http://127.0.0.1:{free_port()}")
        case "never answers":
            return replace(quick, endpoint_url=f"http://127.0.0.1:{silent_port}")
        case "no such bucket":
            return replace(quick, name="never-made")
        case _:
            return replace(quick, endpoint_url="http://name.invalid")


@pytest.mark.parametrize("tickets_app", ["s3"], indirect=True)
def test_a_store_that_is_away_is_told_in_time_and_nothing_is_kept(
    dispatcher: Caller,
    tickets_app: Flask,
    database: Database,
    lost: BucketSettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    dispatcher.open_ticket()
    kept = attach(dispatcher)
    path = f"/tickets/1/attachments/{kept['id']}"
    there, events = tickets_app.extensions[STORE], "/tickets/1/history"
    before = dispatcher.get(events)
    caplog.set_level(logging.DEBUG)
    tickets_app.extensions[STORE] = Bucket(lost)
    try:
        began = monotonic_s()
        answers = [attach(dispatcher, status=503), dispatcher.get(path, 503)]
        assert monotonic_s() - began < 10
    finally:
        tickets_app.extensions[STORE] = there
    assert {answer["code"] for answer in answers} == {"unavailable"}
    assert dispatcher.get("/tickets/1/attachments")["items"] == [kept]
    assert dispatcher.get(events) == before
    assert "attachment store" in caplog.text
    for secret in (lost.access_key_id, lost.secret_access_key):
        assert secret not in caplog.text
        assert secret not in str(answers)


@pytest.mark.parametrize("tickets_app", ["folder"], indirect=True)
def test_a_folder_that_cannot_be_used_is_told_the_same_way(
    dispatcher: Caller, tickets_app: Flask, tmp_path: Path
) -> None:
    dispatcher.open_ticket()
    kept = attach(dispatcher)
    there = tickets_app.extensions[STORE]
    (tmp_path / "attachments").write_text("a file where the folder should be")
    tickets_app.extensions[STORE] = Folder(tmp_path / "attachments")
    try:
        answers = [
            attach(dispatcher, status=503),
            dispatcher.get(f"/tickets/1/attachments/{kept['id']}", 503),
        ]
    finally:
        tickets_app.extensions[STORE] = there
    assert {answer["code"] for answer in answers} == {"unavailable"}
    assert dispatcher.get("/tickets/1/attachments")["items"] == [kept]


def test_a_full_disk_leaves_no_part_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Unavailable):
        Folder(tmp_path).save(PNG)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_lost_answer_left_behind_is_taken_back(
    bucket: BucketSettings, s3_server: S3Server
) -> None:
    with LossyWire(s3_server) as wire:
        address = f"http://127.0.0.1:{wire.server_port}"
        store = Bucket(replace(bucket, endpoint_url=address, answer_s=1.0))
        with pytest.raises(Unavailable):
            store.save(PNG)
        assert wire.swallowed == [200, 200], "stored, and stored again"
    assert list(Bucket(bucket).client.list_objects(bucket.name, recursive=True)) == []


def test_a_body_that_trickles_is_given_up(
    bucket: BucketSettings, s3_server: S3Server
) -> None:
    key = Bucket(bucket).save(PNG + bytes(1_000_000)).storage_key
    with pytest.raises(Unavailable):
        Bucket(replace(bucket, read_s=0.0)).read(key)


# ---- settings ------------------------------------------------------------------------

CHOSEN = {
    "ATTACHMENT_STORE": "s3",
    "S3_ENDPOINT_URL": "https://objects.example.org:9000/",
    "S3_BUCKET": "aiff-files",
    "S3_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "S3_SECRET_ACCESS_KEY": "never to be shown",
}


def test_the_settings_name_the_store_and_show_no_secret() -> None:
    assert Preferences.from_env({}).bucket is None
    found = Preferences.from_env(CHOSEN)
    assert found.bucket is not None
    assert found.bucket.endpoint_url == "https://objects.example.org:9000"
    assert (found.bucket.name, found.bucket.region) == ("aiff-files", "us-east-1")
    assert "never" not in repr(found)
    assert "AKID" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ATTACHMENT_STORE", "ftp"),
        ("S3_ENDPOINT_URL", ""),
        ("S3_ENDPOINT_URL", "objects.example.org"),
        ("S3_ENDPOINT_URL", "https://objects.example.org/a-path"),
        ("S3_ENDPOINT_URL", "https://user:word@objects.example.org"),
        ("S3_ENDPOINT_URL", "https://objects.example.org:port"),
        ("S3_BUCKET", ""),
        ("S3_BUCKET", "Files Of Ours"),
        ("S3_ACCESS_KEY_ID", ""),
        ("S3_SECRET_ACCESS_KEY", ""),
    ],
)
def test_a_missing_or_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSettings) as refused:
        Preferences.from_env(CHOSEN | {name: value})
    assert str(refused.value).startswith(name)
    assert "never to be shown" not in str(refused.value)


def test_the_service_does_not_start_on_half_a_store(database_url: str) -> None:
    given = {"DATABASE_URL": database_url, "ATTACHMENT_STORE": "s3", "S3_BUCKET": "abc"}
    done = run("from tickets_service.app import create_app; create_app()", given)
    assert done.returncode != 0
    for name in ("S3_ENDPOINT_URL", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"):
        assert f"{name} is not set" in done.stderr


def test_the_client_of_the_store_is_loaded_only_where_it_is_chosen(
    database_url: str,
) -> None:
    program = (
        "import sys; from tickets_service.app import create_app; create_app(); "
        "print('minio' in sys.modules)"
    )
    given = {"DATABASE_URL": database_url}
    assert run(program, given).stdout.split() == ["False"]
    assert run(program, given | CHOSEN).stdout.split() == ["True"]


def run(program: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
