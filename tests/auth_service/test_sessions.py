"""Logging in, staying in and logging out."""

from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient

from db.engine import Database
from tests.actors import Person, bearer
from tests.auth_service.conftest import PASSWORD, log_in


@pytest.mark.parametrize(
    "typed", ["aisyah", "AISYAH", "aisyah@example.com", "Aisyah@Example.COM"]
)
def test_a_user_name_or_an_e_mail_address_lets_in(
    client: FlaskClient, aisyah: Person, typed: str
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


def test_the_access_token_carries_every_claim(
    client: FlaskClient, aisyah: Person
) -> None:
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


def test_a_fresh_token_says_who_one_is(client: FlaskClient, aisyah: Person) -> None:
    token = log_in(client, "aisyah").json["access_token"]
    me = client.get("/api/auth/me", headers=bearer(token))
    assert me.status_code == 200
    assert me.json["id"] == aisyah.user_id
    assert "password_hash" not in me.json


def test_a_session_can_be_refreshed_and_ended(
    client: FlaskClient, aisyah: Person
) -> None:
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


def test_register_makes_a_requester(client: FlaskClient, database: Database) -> None:
    body = {"username": "kumar", "email": "kumar@example.com", "password": PASSWORD}
    made = client.post("/api/auth/register", json=body)
    assert made.status_code == 201, made.json
    assert made.json["role"] == "requester"
    assert log_in(client, "kumar").status_code == 200
