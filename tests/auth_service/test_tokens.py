"""Access tokens: what is refused, how keys rotate, how fast a revocation is felt."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, Response
from flask_smorest import Blueprint
from sqlalchemy import text

from auth_service.app import create_app
from auth_service.preferences import Preferences
from auth_service.rotate_keys import rotate
from db.engine import Database
from db.tickets import idempotency_keys
from service_kit.answers import json_response
from service_kit.app import build_app
from service_kit.auth import EVERYONE, allow, current_actor
from service_kit.clock import monotonic_s, utc_now
from service_kit.settings import BadSettings, Settings
from tests.actors import KID, Person, access_token, add_person, bearer, key_pair
from tests.auth_service.conftest import Client, log_in, new_app
from tests.conftest import settings_for

SECRET = "a secret of more than thirty-two bytes, made for tests"


def is_good(client: Client, token: str) -> bool:
    answer = client.get("/internal/verify", headers=bearer(token))
    assert answer.status_code in (204, 401)
    return bool(answer.status_code == 204)


def unsigned(claims: dict[str, Any]) -> str:
    """Return a token of the algorithm `none`."""

    def part(value: dict[str, Any]) -> str:
        packed = base64.urlsafe_b64encode(json.dumps(value, default=str).encode())
        return packed.rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'JWT', 'kid': KID})}.{part(claims)}."


def claims_of(person: Person) -> dict[str, Any]:
    decoded: dict[str, Any] = jwt.decode(
        person.token, options={"verify_signature": False}
    )
    return decoded


def bad_tokens(person: Person) -> dict[str, str]:
    """Return tokens that name a live session and are still not good."""
    who = (person.user_id, person.session_id, "admin")
    claims = claims_of(person)
    stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    public_pem = key_pair().public_key().public_numbers().n.to_bytes(256, "big").hex()
    long_ago = utc_now() - timedelta(hours=1)
    return {
        "none algorithm": unsigned(claims),
        "foreign key": jwt.encode(claims, stranger, "RS256", headers={"kid": KID}),
        "unknown key": access_token(*who, headers={"kid": "no-such-key"}),
        "no key named": access_token(*who, headers={"kid": ""}),
        "public key as secret": jwt.encode(
            claims, public_pem, "HS256", headers={"kid": KID}
        ),
        "HS256 with a guessed secret": access_token(*who, secret=SECRET),
        "other audience": access_token(*who, aud="another-api"),
        "other issuer": access_token(*who, iss="somebody-else"),
        "expired": access_token(*who, exp=long_ago),
        "not yet valid": access_token(*who, iat=utc_now() + timedelta(hours=1)),
        "no expiry": access_token(*who, exp=None),
        "no audience": access_token(*who, aud=None),
        "no issuer": access_token(*who, iss=None),
        "no subject": access_token(*who, sub=None),
        "no session": access_token(*who, sid=None),
        "no id": access_token(*who, jti=None),
        "no type": access_token(*who, typ=None),
        "type of a refresh token": access_token(*who, typ="refresh"),
        "session of another": access_token(person.user_id + 1, person.session_id, "x"),
        "session that never was": access_token(person.user_id, 999_999, "admin"),
        "session is an object": access_token(*who, sid={"a": 1}),
        "session out of range": access_token(*who, sid="9" * 30),
        "subject is a list": access_token(*who, sub=["1"]),
        "cut short": person.token[:-20],
        "one letter changed": person.token[:-5] + "AAAAA",
        "100 kB": "x" * 100_000,
        "not a token": "not-a-token",
        "an unknown API key": "aiff_" + "x" * 43,
        "odd characters": "\xe9\xff",
    }


def test_no_bad_token_is_good(client: Client, aisyah: Person) -> None:
    assert is_good(client, aisyah.token)
    accepted = [
        name for name, token in bad_tokens(aisyah).items() if is_good(client, token)
    ]
    assert accepted == []


def test_a_bad_token_is_a_clear_401_everywhere(client: Client, aisyah: Person) -> None:
    for name, token in bad_tokens(aisyah).items():
        answer = client.get("/api/auth/me", headers=bearer(token))
        assert answer.status_code == 401, name
        assert answer.headers["WWW-Authenticate"], name
        assert answer.json["code"] in (
            "invalid_token",
            "token_expired",
            "session_ended",
        )


def test_a_refresh_token_is_no_access_token(client: Client, aisyah: Person) -> None:
    tokens = log_in(client, "aisyah").json
    assert not is_good(client, tokens["refresh_token"])
    swapped = client.post(
        "/api/auth/refresh", json={"refresh_token": tokens["access_token"]}
    )
    assert swapped.status_code == 401


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "Bearer ", "aiff_x"])
def test_another_kind_of_header_is_401(client: Client, header: str) -> None:
    answer = client.get("/api/auth/me", headers={"Authorization": header})
    assert answer.status_code == 401
    assert client.get("/internal/verify").status_code == 401


def test_the_role_in_the_token_counts_for_nothing(
    client: Client, aisyah: Person
) -> None:
    boastful = access_token(aisyah.user_id, aisyah.session_id, "admin")
    assert client.get("/api/auth/users", headers=bearer(boastful)).status_code == 403


def test_with_a_secret_tokens_are_hs256(
    aisyah: Person, database_url: str, tmp_path: Path
) -> None:
    settings = settings_for("auth", database_url, jwt_secret=SECRET, var_dir=tmp_path)
    client = create_app(settings, Preferences()).test_client()
    token = log_in(client, "aisyah").json["access_token"]
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert is_good(client, token)
    assert not is_good(client, aisyah.token), "RS256 is not on the list then"
    assert client.get("/.well-known/jwks.json").json == {"keys": []}


@pytest.mark.parametrize(
    ("environment", "secret", "starts"),
    [
        pytest.param("production", "changeme", False, id="published"),
        pytest.param("production", "a" * 31, False, id="short"),
        pytest.param("production", SECRET, True, id="long"),
        pytest.param("production", "", True, id="none: a key pair"),
        pytest.param("development", "changeme", True, id="published, in development"),
    ],
)
def test_a_service_refuses_to_start_on_a_weak_secret(
    environment: str, secret: str, starts: bool
) -> None:
    values = {
        "DATABASE_URL": "postgresql://a@b/c",
        "AIFF_ENV": environment,
        "JWT_SECRET": secret,
    }
    if starts:
        assert Settings.from_env("auth", values).jwt_secret == secret
        return
    with pytest.raises(BadSettings, match="JWT_SECRET"):
        Settings.from_env("auth", values)


def test_the_first_start_makes_one_key_however_many_start_at_once(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: new_app(database_url, tmp_path), range(4)))
    with database.read_only() as connection:
        count = connection.scalar(text("SELECT count(*) FROM auth.signing_keys"))
    assert count == 1


def test_the_key_set_shows_public_halves_only(client: Client) -> None:
    keys = client.get("/.well-known/jwks.json").json["keys"]
    assert [set(key) for key in keys] == [{"kty", "kid", "use", "alg", "n", "e"}]


def test_any_library_can_check_a_token_by_the_key_set(
    client: Client, aisyah: Person
) -> None:
    token = log_in(client, "aisyah").json["access_token"]
    keys = jwt.PyJWKSet.from_dict(client.get("/.well-known/jwks.json").json)
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, ["RS256"], audience="aiff-api", issuer="aiff")
    assert claims["sub"] == str(aisyah.user_id)


def test_rotation_logs_nobody_out(
    client: Client, aisyah: Person, database: Database
) -> None:
    before = log_in(client, "aisyah").json
    kid = rotate(database, Preferences())
    after = log_in(client, "aisyah").json["access_token"]
    assert jwt.get_unverified_header(after)["kid"] == kid
    assert is_good(client, before["access_token"])
    assert is_good(client, after)
    keys = client.get("/.well-known/jwks.json").json["keys"]
    assert kid in {key["kid"] for key in keys}
    assert len(keys) == 3, "the old one, the new one and that of the tests"


def test_a_withdrawn_key_is_refused(
    client: Client, aisyah: Person, database: Database
) -> None:
    token = log_in(client, "aisyah").json["access_token"]
    assert is_good(client, token)
    with database.transaction() as connection:
        connection.execute(text("UPDATE auth.signing_keys SET verifies_until = now()"))
    client.application.extensions["token_reader"].ring.loaded_at -= 11
    assert not is_good(client, token)


@pytest.fixture
def other_service(database_url: str) -> Client:
    """Return a client of another service, with the cache that it really has."""
    blueprint = Blueprint("rows", __name__, url_prefix="/rows")

    @blueprint.get("")
    @allow(*EVERYONE)
    def rows() -> Response:
        """Answer the caller's role."""
        return json_response({"role": current_actor().role})

    settings = settings_for("tickets", database_url, session_cache_s=5)
    app: Flask = build_app(settings, idempotency_keys, blueprint)
    return app.test_client()


def seconds_until(condition: Any, most_s: float = 10.0) -> float:
    began = monotonic_s()
    while monotonic_s() - began < most_s:
        if condition():
            return monotonic_s() - began
        import time

        time.sleep(0.1)
    return float("inf")


def test_a_revocation_is_felt_by_another_service_within_ten_seconds(
    client: Client, admin: Person, database: Database, other_service: Client
) -> None:
    people = {
        what: add_person(database, "dispatcher", username=f"person-{what}")
        for what in ("deactivated", "demoted", "logged-out", "key")
    }
    made = client.post(
        "/api/auth/api-keys",
        json={"label": "feed", "scopes": ["tickets:read"]},
        headers=people["key"].headers,
    ).json
    headers = {what: person.headers for what, person in people.items()}
    headers["key"] = bearer(made["key"])

    def status(what: str) -> tuple[int, str]:
        answer = other_service.get("/rows", headers=headers[what])
        return answer.status_code, answer.json.get("role", "")

    assert {what: status(what) for what in people} == dict.fromkeys(
        people, (200, "dispatcher")
    )
    path = "/api/auth/users"
    client.delete(f"{path}/{people['deactivated'].user_id}", headers=admin.headers)
    client.patch(
        f"{path}/{people['demoted'].user_id}",
        json={"role": "viewer"},
        headers=admin.headers,
    )
    client.post("/api/auth/logout", headers=headers["logged-out"])
    client.delete(f"/api/auth/api-keys/{made['id']}", headers=people["key"].headers)
    expected = {
        "deactivated": (401, ""),
        "demoted": (200, "viewer"),
        "logged-out": (401, ""),
        "key": (401, ""),
    }
    waited = seconds_until(lambda: {w: status(w) for w in people} == expected)
    print(f"felt after {waited:.1f} s")
    assert waited <= 10


def test_what_one_service_knows_of_a_session_is_not_asked_each_time(
    database: Database, other_service: Client
) -> None:
    person = add_person(database, "viewer")
    assert other_service.get("/rows", headers=person.headers).status_code == 200
    with database.transaction() as connection:
        connection.execute(text("UPDATE auth.sessions SET revoked_at = now()"))
    assert other_service.get("/rows", headers=person.headers).status_code == 200
    other_service.application.extensions["token_reader"].forget()
    assert other_service.get("/rows", headers=person.headers).status_code == 401
