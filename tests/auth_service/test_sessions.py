"""Logging in, staying in and logging out."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import text

from auth_service.passwords import Hasher
from db.engine import Database
from tests.actors import Person, add_person, bearer
from tests.auth_service.conftest import PASSWORD, Client, log_in, new_app


@pytest.mark.parametrize(
    "typed", ["aisyah", "AISYAH", "aisyah@example.com", "Aisyah@Example.COM"]
)
def test_a_user_name_or_an_e_mail_address_lets_in(
    client: Client, aisyah: Person, typed: str
) -> None:
    response = log_in(client, typed)
    assert response.status_code == 200, response.json
    assert set(response.json) == {
        "access_token",
        "refresh_token",
        "token_type",
        "expires_in",
        "user",
    }
    assert response.json["token_type"] == "Bearer"
    assert response.json["expires_in"] == 900
    assert response.json["user"]["username"] == "aisyah"
    assert response.headers["Cache-Control"] == "no-store"


def test_the_access_token_carries_every_claim(client: Client, aisyah: Person) -> None:
    token = log_in(client, "aisyah").json["access_token"]
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    assert {"iss", "aud", "exp", "iat", "sub", "jti", "typ", "sid"} <= set(claims)
    assert (claims["iss"], claims["aud"], claims["typ"]) == (
        "aiff",
        "aiff-api",
        "access",
    )
    assert claims["sub"] == str(aisyah.user_id)
    assert claims["role"] == "dispatcher"
    assert claims["exp"] - claims["iat"] == 900
    header = jwt.get_unverified_header(token)
    keys = client.get("/.well-known/jwks.json").json["keys"]
    assert header["alg"] == "RS256"
    assert header["kid"] in {key["kid"] for key in keys}


def test_a_fresh_token_says_who_one_is(client: Client, aisyah: Person) -> None:
    token = log_in(client, "aisyah").json["access_token"]
    me = client.get("/api/auth/me", headers=bearer(token))
    assert me.status_code == 200
    assert me.json["id"] == aisyah.user_id
    assert "password_hash" not in me.json


def test_a_session_can_be_refreshed_and_ended(client: Client, aisyah: Person) -> None:
    first = log_in(client, "aisyah").json
    second = client.post(
        "/api/auth/refresh", json={"refresh_token": first["refresh_token"]}
    )
    assert second.status_code == 200, second.json
    assert second.json["refresh_token"] != first["refresh_token"]
    headers = bearer(second.json["access_token"])
    assert client.get("/internal/verify", headers=headers).status_code == 204
    assert client.post("/api/auth/logout", headers=headers).status_code == 204
    gone = client.get("/internal/verify", headers=headers)
    assert gone.status_code == 401
    assert gone.headers["X-Problem-Code"] == "session_ended"
    again = {"refresh_token": second.json["refresh_token"]}
    assert client.post("/api/auth/refresh", json=again).status_code == 401


def test_register_makes_a_requester(client: Client, database: Database) -> None:
    body = {"username": "kumar", "email": "kumar@example.com", "password": PASSWORD}
    made = client.post("/api/auth/register", json=body)
    assert made.status_code == 201, made.json
    assert made.json["role"] == "requester"
    assert log_in(client, "kumar").status_code == 200


def refresh(client: Client, token: str) -> Any:
    return client.post("/api/auth/refresh", json={"refresh_token": token})


def age_rotation(owner: Database, seconds: int) -> None:
    """Let the last rotation of every session lie `seconds` further back."""
    aged = "UPDATE auth.sessions SET rotated_at = rotated_at - :age * interval '1s'"
    with owner.transaction() as connection:
        connection.execute(text(aged), {"age": seconds})


def test_a_refresh_token_asked_twice_at_once_is_answered_twice_the_same(
    client: Client, aisyah: Person
) -> None:
    first = log_in(client, "aisyah").json["refresh_token"]
    answers = [refresh(client, first), refresh(client, first)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json["refresh_token"] == answers[1].json["refresh_token"]
    assert refresh(client, answers[0].json["refresh_token"]).status_code == 200


def test_a_refresh_token_used_again_after_the_grace_ends_the_whole_family(
    client: Client, aisyah: Person, database: Database
) -> None:
    first = log_in(client, "aisyah").json["refresh_token"]
    second = refresh(client, first).json
    age_rotation(database, 11)
    stolen = refresh(client, first)
    assert (stolen.status_code, stolen.json["code"]) == (401, "token_reused")
    assert refresh(client, second["refresh_token"]).status_code == 401
    verified = client.get("/internal/verify", headers=bearer(second["access_token"]))
    assert verified.status_code == 401


def test_only_the_token_just_before_has_grace(client: Client, aisyah: Person) -> None:
    first = log_in(client, "aisyah").json["refresh_token"]
    second = refresh(client, first).json["refresh_token"]
    third = refresh(client, second).json["refresh_token"]
    assert refresh(client, first).json["code"] == "token_reused"
    assert refresh(client, third).status_code == 401


def test_a_reuse_ends_no_other_session(client: Client, aisyah: Person) -> None:
    phone = log_in(client, "aisyah").json["refresh_token"]
    desk = log_in(client, "aisyah").json["refresh_token"]
    second = refresh(client, phone).json["refresh_token"]
    refresh(client, second)
    assert refresh(client, phone).json["code"] == "token_reused"
    assert refresh(client, desk).status_code == 200


def test_two_who_refresh_at_the_same_moment_rotate_once(
    client: Client, aisyah: Person, database: Database
) -> None:
    token = log_in(client, "aisyah").json["refresh_token"]
    barrier = threading.Barrier(8)

    def ask(_: int) -> Any:
        other = client.application.test_client()
        barrier.wait()
        return refresh(other, token)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json["refresh_token"] for answer in answers}) == 1
    with database.read_only() as connection:
        used = connection.scalar(text("SELECT count(*) FROM auth.used_refresh_tokens"))
    assert used == 1


def test_a_session_lasts_no_longer_than_its_life(
    client: Client, aisyah: Person, database: Database
) -> None:
    tokens = log_in(client, "aisyah").json
    with database.transaction() as connection:
        connection.execute(text("UPDATE auth.sessions SET expires_at = now()"))
    answer = refresh(client, tokens["refresh_token"])
    assert (answer.status_code, answer.json["code"]) == (401, "token_expired")
    verified = client.get("/internal/verify", headers=bearer(tokens["access_token"]))
    assert verified.status_code == 401


def test_an_unknown_name_and_a_wrong_password_are_answered_alike(
    client: Client, aisyah: Person
) -> None:
    wrong = log_in(client, "aisyah", "not the password").json
    unknown = log_in(client, "nobody-here", "not the password").json
    for answer in (wrong, unknown):
        answer.pop("request_id")
    assert wrong == unknown
    assert wrong["code"] == "invalid_credentials"


def test_an_unknown_name_costs_the_same_hash(
    client: Client, aisyah: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []
    whole = Hasher.matches

    def counting(self: Hasher, stored: str | None, password: str) -> bool:
        seen.append(stored)
        return whole(self, stored, password)

    monkeypatch.setattr(Hasher, "matches", counting)
    log_in(client, "aisyah", "not the password")
    log_in(client, "nobody-here", "not the password")
    assert len(seen) == 2
    assert seen[1] is None


def test_a_deactivated_user_is_as_unknown(
    client: Client, database: Database, password_hash: str
) -> None:
    add_person(
        database,
        "viewer",
        username="gone",
        password_hash=password_hash,
        is_active=False,
    )
    answer = log_in(client, "gone")
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_credentials")


def fail(client: Client, times: int, name: str = "aisyah") -> list[int]:
    return [log_in(client, name, "not it").status_code for _ in range(times)]


@pytest.mark.parametrize("name", ["aisyah", "nobody-here"])
def test_five_failures_lock_a_name_known_or_not(
    client: Client, aisyah: Person, name: str
) -> None:
    assert fail(client, 5, name) == [401] * 5
    locked = log_in(client, name)
    assert (locked.status_code, locked.json["code"]) == (429, "account_locked")
    assert 1 <= int(locked.headers["Retry-After"]) <= 30


def end_locks(owner: Database) -> None:
    with owner.transaction() as connection:
        connection.execute(text("UPDATE auth.login_failures SET locked_until = now()"))


def test_a_lock_ends_by_itself_and_the_next_lasts_longer(
    client: Client, aisyah: Person, database: Database
) -> None:
    fail(client, 5)
    end_locks(database)
    assert fail(client, 1) == [401]
    again = log_in(client, "aisyah")
    assert again.status_code == 429
    assert 30 < int(again.headers["Retry-After"]) <= 60
    end_locks(database)
    assert log_in(client, "aisyah").status_code == 200
    assert fail(client, 4) == [401] * 4, "a login forgives what was before"
    assert log_in(client, "aisyah").status_code == 200


NAMES = {"name": "aisyah", "look-alike": "AISYAH", "e-mail": "Aisyah@Example.com"}


@pytest.mark.parametrize("asked", NAMES.values(), ids=NAMES)
def test_failures_of_all_names_of_an_account_count_together(
    client: Client, aisyah: Person, asked: str
) -> None:
    assert (
        fail(client, 2, "aisyah") + fail(client, 2, "aisyah@example.com") == [401] * 4
    )
    assert fail(client, 1, "Aisyah") == [401]
    assert log_in(client, asked).json["code"] == "account_locked"


def test_a_login_by_one_name_forgives_the_failures_of_the_other(
    client: Client, aisyah: Person
) -> None:
    assert fail(client, 4, "aisyah@example.com") == [401] * 4
    assert log_in(client, "aisyah").status_code == 200
    assert fail(client, 4, "aisyah@example.com") == [401] * 4
    assert log_in(client, "aisyah@example.com").status_code == 200


def test_wrong_old_passwords_lock_the_login_by_either_name(
    client: Client, aisyah: Person
) -> None:
    body = {"old_password": "not it", "new_password": "another fine password"}
    for _ in range(5):
        client.post("/api/auth/password", json=body, headers=aisyah.headers)
    assert log_in(client, "aisyah@example.com").json["code"] == "account_locked"


def test_names_that_nobody_has_are_counted_each_on_its_own(
    client: Client, database: Database
) -> None:
    assert (
        fail(client, 4, "nobody") + fail(client, 4, "nobody@example.com") == [401] * 8
    )


class CountingHasher(Hasher):
    """Counts how often a password was looked at."""

    looked = 0

    def matches(self, password_hash: str | None, password: str) -> bool:
        self.looked += 1
        return super().matches(password_hash, password)


@pytest.mark.parametrize("name", [*NAMES.values(), "nobody"], ids=[*NAMES, "unknown"])
def test_a_locked_name_costs_no_hash(
    client: Client, app: Flask, aisyah: Person, name: str
) -> None:
    hasher = CountingHasher()
    app.extensions["door"] = replace(app.extensions["door"], hasher=hasher)
    statuses = fail(client, 5, "nobody" if name == "nobody" else "aisyah")
    assert (statuses, hasher.looked) == ([401] * 5, 5)
    assert fail(client, 2, name) == [429, 429]
    assert hasher.looked == 5


def told(client: Client, name: str, password: str) -> tuple[int, Any, str | None]:
    """Return all that an answer says, but for what is its own each time."""
    answer = log_in(client, name, password)
    body = {k: v for k, v in answer.json.items() if k != "request_id"}
    return answer.status_code, body, answer.headers.get("Retry-After")


@pytest.mark.parametrize("known", ["aisyah", "aisyah@example.com"])
def test_a_known_name_is_answered_like_one_that_nobody_has(
    client: Client, aisyah: Person, known: str
) -> None:
    unknown = known.replace("aisyah", "nobody")
    for _ in range(5):
        assert told(client, known, "not it") == told(client, unknown, "not it")
    # Half a second may lie between two locks, so their waits differ by one at most.
    locked, other = told(client, known, PASSWORD), told(client, unknown, PASSWORD)
    assert locked[:2] == other[:2]
    assert abs(int(locked[2] or 0) - int(other[2] or 0)) <= 1


def test_a_lock_holds_for_one_address_only(client: Client, aisyah: Person) -> None:
    fail(client, 5)
    body = {"username": "aisyah", "password": PASSWORD}
    elsewhere = {"X-Forwarded-For": "198.51.100.7"}
    assert (
        client.post("/api/auth/login", json=body, headers=elsewhere).status_code == 200
    )


def test_guesses_made_at_once_gain_nothing(client: Client, aisyah: Person) -> None:
    barrier = threading.Barrier(8)

    def guess(_: int) -> int:
        other = client.application.test_client()
        barrier.wait()
        return int(log_in(other, "aisyah", "not it").status_code)

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(guess, range(8)))
    assert answers == [401] * 5 + [429] * 3


def test_right_logins_at_once_all_get_in(client: Client, aisyah: Person) -> None:
    def enter(_: int) -> int:
        return int(log_in(client.application.test_client(), "aisyah").status_code)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(enter, range(16))) == {200}


def test_logging_out_everywhere_ends_every_session(
    client: Client, aisyah: Person
) -> None:
    tokens = [log_in(client, "aisyah").json["access_token"] for _ in range(3)]
    out = client.post("/api/auth/logout?everywhere=true", headers=bearer(tokens[0]))
    assert out.status_code == 204
    for token in (*tokens, aisyah.token):
        verified = client.get("/internal/verify", headers=bearer(token))
        assert verified.status_code == 401


def test_logging_out_ends_this_session_only(client: Client, aisyah: Person) -> None:
    tokens = [log_in(client, "aisyah").json["access_token"] for _ in range(2)]
    assert client.post("/api/auth/logout", headers=bearer(tokens[0])).status_code == 204
    assert client.get("/api/auth/me", headers=bearer(tokens[0])).status_code == 401
    assert client.get("/api/auth/me", headers=bearer(tokens[1])).status_code == 200


def test_sessions_are_listed_with_device_and_address_and_can_be_ended(
    client: Client, aisyah: Person
) -> None:
    body = {"username": "aisyah", "password": PASSWORD}
    telephone = {"User-Agent": "Telephone/1.0", "X-Forwarded-For": "203.0.113.9"}
    client.post("/api/auth/login", json=body, headers=telephone)
    listed = client.get("/api/auth/sessions", headers=aisyah.headers).json["items"]
    assert len(listed) == 2
    other = next(item for item in listed if not item["is_current"])
    assert (other["device"], other["address"]) == ("Telephone/1.0", "203.0.113.9")
    path = f"/api/auth/sessions/{other['id']}"
    assert client.delete(path, headers=aisyah.headers).status_code == 204
    assert client.delete(path, headers=aisyah.headers).status_code == 404
    left = client.get("/api/auth/sessions", headers=aisyah.headers).json["items"]
    assert [item["is_current"] for item in left] == [True]


def test_nobody_ends_the_session_of_another(
    client: Client, aisyah: Person, admin: Person
) -> None:
    path = f"/api/auth/sessions/{admin.session_id}"
    assert client.delete(path, headers=aisyah.headers).status_code == 404
    assert client.get("/api/auth/me", headers=admin.headers).status_code == 200


def test_a_hash_made_with_old_figures_is_renewed_at_login(
    client: Client, database: Database
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)
    person = add_person(
        database, "viewer", username="old-timer", password_hash=weak.hash(PASSWORD)
    )
    assert log_in(client, "old-timer").status_code == 200
    with database.read_only() as connection:
        query = text("SELECT password_hash FROM auth.users WHERE id = :id")
        stored = connection.scalar(query, {"id": person.user_id})
    assert "m=19456,t=2,p=1" in stored
    assert log_in(client, "old-timer").status_code == 200


def test_a_lost_database_is_503_for_a_login(tmp_path: Path) -> None:
    app = new_app("postgresql://aiff:x@127.0.0.1:1/aiff", tmp_path)
    answer = log_in(app.test_client(), "aisyah")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
