"""From an Authorization header to the caller.

A signature says who the caller was at login; whether the session still lives,
and with which role, is asked of the contract views of the auth schema and kept
for a few seconds. So a revocation is felt everywhere within that time, also when
the auth service itself is down.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from flask import Flask
from flask_jwt_extended import JWTManager, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from sqlalchemy import text

from db.engine import Database
from db.scope import Actor
from db.vocabulary import Role
from service_kit.clock import monotonic_s, utc_now
from service_kit.errors import Unauthenticated
from service_kit.settings import Settings

ISSUER = "aiff"
AUDIENCE = "aiff-api"
ASYMMETRIC = "RS256"
SYMMETRIC = "HS256"
REQUIRED_CLAIMS = ("iss", "aud", "exp", "iat", "sub", "jti", "typ", "sid")
API_KEY_PREFIX = "aiff_"
MAX_TOKEN_CHARS = 8_192
MAX_CACHED = 10_000
KEY_RELOAD_S = 1.0

SESSION = text(
    "SELECT user_id, username, role, team_id, zones, locale, session_id "
    "FROM auth.live_sessions WHERE session_id = :session_id AND user_id = :user_id"
)
API_KEY = text(
    "SELECT user_id, username, role, team_id, zones, locale, scopes "
    "FROM auth.live_api_keys WHERE key_hash = :key_hash"
)
PUBLIC_KEYS = text("SELECT kid, public_pem FROM auth.public_keys")


class UnknownKey(jwt.InvalidTokenError):
    """The token names a signing key that we do not have."""


def configure_jwt(app: Flask, settings: Settings) -> None:
    """Set Flask-JWT-Extended to one algorithm, our issuer and our audience."""
    app.config.update(
        JWT_ALGORITHM=SYMMETRIC if settings.jwt_secret else ASYMMETRIC,
        JWT_SECRET_KEY=settings.jwt_secret or None,
        JWT_DECODE_ISSUER=ISSUER,
        JWT_ENCODE_ISSUER=ISSUER,
        JWT_DECODE_AUDIENCE=AUDIENCE,
        JWT_ENCODE_AUDIENCE=AUDIENCE,
        JWT_DECODE_LEEWAY=0,
    )


class KeyRing:
    """The public keys by which access tokens are checked, loaded when needed."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.keys: dict[str, str] = {}
        self.loaded_at = float("-inf")

    def key(self, kid: str) -> str:
        """Return the PEM of `kid`; looks for a new one at most once a second."""
        if kid not in self.keys and monotonic_s() - self.loaded_at > KEY_RELOAD_S:
            self.load()
        try:
            return self.keys[kid]
        except KeyError:
            raise UnknownKey from None

    def load(self) -> None:
        with self.database.read_only() as connection:
            self.keys = {
                row.kid: row.public_pem for row in connection.execute(PUBLIC_KEYS)
            }
        self.loaded_at = monotonic_s()


@dataclass(frozen=True, slots=True)
class Cached:
    actor: Actor
    until_s: float


class TokenReader:
    """Turns Authorization headers into actors, with a cache of a few seconds."""

    def __init__(self, app: Flask, database: Database, settings: Settings) -> None:
        self.app = app
        self.database = database
        self.cache_s = settings.session_cache_s
        self.cache: dict[str, Cached] = {}
        self.ring = KeyRing(database)
        configure_jwt(app, settings)
        manager = JWTManager(app)
        if not settings.jwt_secret:
            manager.decode_key_loader(self.decode_key)

    def decode_key(self, header: Mapping[str, Any], _: Mapping[str, Any]) -> str:
        return self.ring.key(str(header.get("kid", "")))

    def actor_of(self, header: str) -> Actor:
        """Return the caller named by an Authorization header.

        Raises Unauthenticated if it is absent, malformed, expired, not ours or
        of a session that lives no more.
        """
        found = self.cache.get(header)
        if found is not None and found.until_s > monotonic_s():
            return found.actor
        actor, lives_s = self.read(header)
        if len(self.cache) >= MAX_CACHED:
            self.cache.clear()
        until_s = monotonic_s() + min(self.cache_s, lives_s)
        self.cache[header] = Cached(actor, until_s)
        return actor

    def forget(self) -> None:
        """Drop what is cached, so that the next request asks again."""
        self.cache.clear()

    def read(self, header: str) -> tuple[Actor, float]:
        """Return the caller and for how many seconds the token still lives."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Send a bearer token.")
        if len(token) > MAX_TOKEN_CHARS:
            raise Unauthenticated("The token is not valid.", code="invalid_token")
        if token.startswith(API_KEY_PREFIX):
            return self.actor_of_key(token), float("inf")
        return self.actor_of_token(token)

    def actor_of_key(self, key: str) -> Actor:
        row = self.row(API_KEY, key_hash=hashlib.sha256(key.encode()).digest())
        return actor_from(row, scopes=frozenset(row["scopes"]))

    def actor_of_token(self, token: str) -> tuple[Actor, float]:
        claims = self.claims(token)
        try:
            who = {"session_id": int(claims["sid"]), "user_id": int(claims["sub"])}
        except (TypeError, ValueError) as error:
            raise Unauthenticated(
                "The token is not valid.", code="invalid_token"
            ) from error
        actor = actor_from(self.row(SESSION, **who), session_id=who["session_id"])
        return actor, claims["exp"] - utc_now().timestamp()

    def claims(self, token: str) -> dict[str, Any]:
        """Return the verified claims of an access token."""
        try:
            with self.app.app_context():
                claims: dict[str, Any] = decode_token(token)
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated(
                "The token has expired.", code="token_expired"
            ) from error
        except (jwt.PyJWTError, JWTExtendedException, ValueError, TypeError) as error:
            raise Unauthenticated(
                "The token is not valid.", code="invalid_token"
            ) from error
        if (
            any(name not in claims for name in REQUIRED_CLAIMS)
            or claims["typ"] != "access"
        ):
            raise Unauthenticated("The token is not valid.", code="invalid_token")
        return claims

    def row(self, query: Any, **parameters: Any) -> Mapping[str, Any]:
        with self.database.read_only() as connection:
            found = connection.execute(query, parameters).mappings().first()
        if found is None:
            raise Unauthenticated("The session has ended.", code="session_ended")
        return dict(found)


def actor_from(
    row: Mapping[str, Any],
    *,
    scopes: frozenset[str] | None = None,
    session_id: int | None = None,
) -> Actor:
    return Actor(
        user_id=row["user_id"],
        role=Role(row["role"]),
        username=row["username"],
        team_id=row["team_id"],
        zones=None if row["zones"] is None else tuple(row["zones"]),
        scopes=scopes,
        session_id=session_id,
        locale=row["locale"],
    )
