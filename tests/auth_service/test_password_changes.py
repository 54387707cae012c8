"""Changing a password, and getting back in without it."""

import re
import time
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from auth_service.mail import mails_in
from db.engine import Database
from tests.actors import Person, bearer
from tests.auth_service.conftest import PASSWORD, Client, log_in

NEW = "an even finer password"


def change(client: Client, headers: Any, old: str = PASSWORD, new: str = NEW) -> Any:
    body = {"old_password": old, "new_password": new}
    return client.post("/api/auth/password", json=body, headers=headers)


def test_a_new_password_ends_the_other_sessions(client: Client, aisyah: Person) -> None:
    here = bearer(log_in(client, "aisyah").json["access_token"])
    assert change(client, here).status_code == 204
    assert client.get("/api/auth/me", headers=here).status_code == 200
    assert client.get("/api/auth/me", headers=aisyah.headers).status_code == 401
    assert log_in(client, "aisyah").status_code == 401
    assert log_in(client, "aisyah", NEW).status_code == 200


def test_the_old_password_is_needed_and_cannot_be_guessed(
    client: Client, aisyah: Person
) -> None:
    for _ in range(5):
        answer = change(client, aisyah.headers, old="a guess")
        assert (answer.status_code, answer.json["code"]) == (422, "wrong_password")
    assert change(client, aisyah.headers).json["code"] == "account_locked"


def test_a_weak_new_password_is_refused(client: Client, aisyah: Person) -> None:
    for weak in ("short", "password123", "aisyah@example.com"):
        answer = change(client, aisyah.headers, new=weak)
        assert (answer.status_code, answer.json["code"]) == (422, "weak_password")


def forget(client: Client, email: str) -> Any:
    return client.post("/api/auth/password/forgot", json={"email": email})


def wait_for_post(client: Client) -> None:
    client.application.extensions["door"].post.line.submit(lambda: None).result(5)


def reset(client: Client, token: str, password: str = NEW) -> Any:
    body = {"token": token, "password": password}
    return client.post("/api/auth/password/reset", json=body)


def token_from_mail(folder: Path, count: int = 1) -> str:
    for _ in range(100):
        mails = mails_in(folder)
        if len(mails) >= count:
            message = message_from_bytes(mails[-1].read_bytes())
            payload: Any = message.get_payload(decode=True)
            found = re.search(r"token=(\S+)", payload.decode())
            assert found
            return found.group(1)
        time.sleep(0.05)
    raise AssertionError("no mail came")


def test_a_token_from_the_mail_works_once(
    client: Client, aisyah: Person, tmp_path: Path
) -> None:
    assert forget(client, "Aisyah@example.com").status_code == 202
    token = token_from_mail(tmp_path)
    assert reset(client, token, "short").json["code"] == "weak_password"
    assert reset(client, token).status_code == 204
    assert client.get("/api/auth/me", headers=aisyah.headers).status_code == 401
    assert log_in(client, "aisyah", NEW).status_code == 200
    again = reset(client, token, "yet another password")
    assert (again.status_code, again.json["code"]) == (422, "invalid_token")


def test_a_token_is_good_for_half_an_hour(
    client: Client, aisyah: Person, database: Database, tmp_path: Path
) -> None:
    forget(client, "aisyah@example.com")
    token = token_from_mail(tmp_path)
    with database.transaction() as connection:
        life = connection.scalar(
            text("SELECT expires_at - created_at FROM auth.password_resets")
        )
        assert life.total_seconds() == 1800
        connection.execute(text("UPDATE auth.password_resets SET expires_at = now()"))
    assert reset(client, token).json["code"] == "invalid_token"


def test_nobody_learns_which_addresses_are_known(
    client: Client, aisyah: Person, tmp_path: Path
) -> None:
    answers = [
        forget(client, "nobody@example.com"),
        forget(client, "aisyah@example.com"),
    ]
    assert answers[0].json == answers[1].json
    assert {answer.status_code for answer in answers} == {202}
    wait_for_post(client)
    assert len(mails_in(tmp_path)) == 1


def test_a_second_letter_waits_a_minute_and_replaces_the_first(
    client: Client, aisyah: Person, database: Database, tmp_path: Path
) -> None:
    forget(client, "aisyah@example.com")
    first = token_from_mail(tmp_path)
    forget(client, "aisyah@example.com")
    wait_for_post(client)
    with database.transaction() as connection:
        connection.execute(
            text(
                "UPDATE auth.password_resets SET created_at = now() - interval '2 min'"
            )
        )
    forget(client, "aisyah@example.com")
    second = token_from_mail(tmp_path, 2)
    assert len(mails_in(tmp_path)) == 2
    assert reset(client, first).status_code == 422
    assert reset(client, second).status_code == 204


def test_the_letter_speaks_the_readers_language(
    client: Client, aisyah: Person, tmp_path: Path
) -> None:
    client.patch("/api/auth/me", json={"locale": "ms"}, headers=aisyah.headers)
    forget(client, "aisyah@example.com")
    token_from_mail(tmp_path)
    assert b"kata laluan" in mails_in(tmp_path)[0].read_bytes()


def test_a_reset_token_is_stored_as_a_digest(
    client: Client, aisyah: Person, database: Database, tmp_path: Path
) -> None:
    forget(client, "aisyah@example.com")
    token = token_from_mail(tmp_path)
    with database.read_only() as connection:
        rows = connection.execute(text("SELECT * FROM auth.password_resets")).all()
    assert token not in str(rows)


@pytest.mark.parametrize("token", ["x", "x" * 200, "x" * 201])
def test_an_invented_token_resets_nothing(client: Client, token: str) -> None:
    assert reset(client, token).status_code == 422
