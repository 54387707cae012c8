"""People for tests: rows straight into the database, and tokens of their sessions.

Works with an app of any service made with `settings_for(...)`: the key pair that
signs is in `auth.signing_keys`, the session in `auth.sessions`.

    headers = token_for(owner, "dispatcher", zones=["Selangor"])
    client.get("/api/tickets", headers=headers)
"""

import hashlib
import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import Connection, insert
from sqlalchemy.dialects.postgresql import insert as upsert

from auth_service.names import email_key, username_key
from db.auth import ApiKey, Session, SigningKey, Team, User
from db.engine import Database
from db.vocabulary import Role
from service_kit.clock import utc_now
from service_kit.tokens import ASYMMETRIC, AUDIENCE, ISSUER, SYMMETRIC

KID = "key-of-the-tests"
numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Person:
    """A user with a live session."""

    user_id: int
    username: str
    role: Role
    session_id: int
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.token)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@cache
def key_pair() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def token_for(
    owner: Database,
    role: str,
    team_id: int | None = None,
    zones: Sequence[str] | None = None,
    **user: Any,
) -> dict[str, str]:
    """Return the headers of a new user with this role, team and zones."""
    return add_person(owner, role, team_id, zones, **user).headers


def add_person(
    owner: Database,
    role: str,
    team_id: int | None = None,
    zones: Sequence[str] | None = None,
    **user: Any,
) -> Person:
    """Add a user and a session. user: further columns of auth.users."""
    with owner.transaction() as connection:
        username = user.pop("username", None) or f"{role}-{next(numbers)}x"
        user_id = add_user(connection, role, team_id, zones, username=username, **user)
        session_id = add_session(connection, user_id)
        add_signing_key(connection)
    token = access_token(user_id, session_id, role)
    return Person(user_id, username, Role(role), session_id, token)


def add_user(
    connection: Connection,
    role: str,
    team_id: int | None = None,
    zones: Sequence[str] | None = None,
    *,
    username: str,
    **columns: Any,
) -> int:
    email = columns.pop("email", f"{username}@example.com")
    values = {
        "username": username,
        "username_key": username_key(username),
        "email": email,
        "email_key": email_key(email),
        "full_name": f"A {role}",
        "role": role,
        "team_id": team_id,
        "zones": None if zones is None else list(zones),
        **columns,
    }
    made = insert(User).values(**values).returning(User.id)
    return connection.execute(made).scalar_one()


def add_team(
    owner: Database, zone: str = "Selangor", name: str | None = None, **columns: Any
) -> int:
    """Add a team; return its id. columns: further ones of auth.teams."""
    values = {"name": name or f"Team {next(numbers)}", "zone": zone, **columns}
    with owner.transaction() as connection:
        made = insert(Team).values(**values).returning(Team.id)
        return connection.execute(made).scalar_one()


def add_session(connection: Connection, user_id: int) -> int:
    new = insert(Session).values(
        user_id=user_id,
        expires_at=utc_now() + timedelta(days=1),
        refresh_hash=secrets.token_bytes(32),
        rotation_key=secrets.token_bytes(32),
    )
    return connection.execute(new.returning(Session.id)).scalar_one()


def add_signing_key(connection: Connection) -> None:
    """Store the key pair of the tests as one that is verified but does not sign."""
    key = key_pair()
    private_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public_pem = (
        key.public_key()
        .public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        .decode()
    )
    new = upsert(SigningKey).values(
        kid=KID,
        algorithm=ASYMMETRIC,
        private_pem=private_pem,
        public_pem=public_pem,
        signs_from=utc_now() + timedelta(days=365),
    )
    connection.execute(new.on_conflict_do_nothing())


def add_api_key(owner: Database, user_id: int, scopes: Sequence[str]) -> dict[str, str]:
    """Return the headers of a new API key of a user."""
    key = f"aiff_{secrets.token_urlsafe(32)}"
    with owner.transaction() as connection:
        connection.execute(
            insert(ApiKey).values(
                user_id=user_id,
                label="test",
                prefix=key[:12],
                key_hash=hashlib.sha256(key.encode()).digest(),
                scopes=list(scopes),
            )
        )
    return bearer(key)


def access_token(
    user_id: int,
    session_id: int,
    role: str,
    *,
    secret: str | None = None,
    headers: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    """Return a token as the auth service would mint it; claims override.

    secret: sign with HS256 instead, for apps with a jwt_secret. A claim that is
        None is left out.
    """
    now = utc_now()
    wanted = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + timedelta(minutes=15),
        "sub": str(user_id),
        "sid": str(session_id),
        "jti": secrets.token_hex(8),
        "typ": "access",
        "role": role,
        **claims,
    }
    kept = {name: value for name, value in wanted.items() if value is not None}
    if secret is not None:
        return jwt.encode(kept, secret, SYMMETRIC, headers=headers)
    return jwt.encode(kept, key_pair(), ASYMMETRIC, headers=headers or {"kid": KID})
