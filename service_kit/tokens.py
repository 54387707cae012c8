"""From an Authorization header to the caller.

A signature says who the caller was at login; whether the session still lives,
and with which role, is asked of the contract views of the auth schema and kept
for a few seconds. So a revocation is felt everywhere within that time, also when
the auth service itself is down.
"""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from flask import Flask
from flask_jwt_extended import JWTManager, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from sqlalchemy import text

from db.engine import Database
from db.scope import Actor
from db.vocabulary import Role
from service_kit.clock import monotonic_s, utc_now
from service_kit.errors import Unauthenticated
from service_kit.schemas import MAX_ID
from service_kit.settings import Settings

T = TypeVar("T")

ISSUER = "aiff"
AUDIENCE = "aiff-api"
ASYMMETRIC = "RS256"
SYMMETRIC = "HS256"
REQUIRED_CLAIMS = ("iss", "aud", "exp", "iat", "sub", "jti", "typ", "sid")
API_KEY_PREFIX = "aiff_"
MAX_TOKEN_CHARS = 8_192
MAX_CACHED = 10_000
KEY_RELOAD_S = 1.0  # a token names a key that we do not have: look, but not always
KEYS_KEPT_S = 10.0  # a key that was withdrawn is refused after this at the latest
CLOCKS_APART_S = 2  # between the machine that signs and the one that checks

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
        JWT_DECODE_LEEWAY=CLOCKS_APART_S,
    )


class KeyRing:
    """The public keys by which access tokens are checked, loaded when needed."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.pems: dict[str, str] = {}
        self.keys: dict[str, PublicKeyTypes] = {}  # parsed: that costs more than a look
        self.loaded_at = float("-inf")
        self.lock = threading.Lock()

    def key(self, kid: str) -> PublicKeyTypes:
        """Return the key named `kid`; raises UnknownKey."""
        if kid not in self.keys and self.age_s() > KEY_RELOAD_S:
            self.load()
        try:
            return self.keys[kid]
        except KeyError:
            raise UnknownKey from None

    def age_s(self) -> float:
        return monotonic_s() - self.loaded_at

    def load(self) -> bool:
        """Read the keys in force; return whether any of those we had is gone."""
        with self.lock:
            return self.load_alone()

    def load_alone(self) -> bool:
        with self.database.read_only() as connection:
            pems = {row.kid: row.public_pem for row in connection.execute(PUBLIC_KEYS)}
        withdrawn = any(pems.get(kid) != pem for kid, pem in self.pems.items())
        self.keys = {kid: self.parsed(kid, pem) for kid, pem in pems.items()}
        self.pems = pems
        self.loaded_at = monotonic_s()
        return withdrawn

    def parsed(self, kid: str, pem: str) -> PublicKeyTypes:
        if self.pems.get(kid) == pem:
            return self.keys[kid]
        return load_pem_public_key(pem.encode())


@dataclass(frozen=True, slots=True)
class Verified:
    """What a signature has proved; true until the token expires."""

    user_id: int
    session_id: int
    expires_s: float  # seconds since 1970


@dataclass(frozen=True, slots=True)
class Cached:
    actor: Actor
    until_s: float


class TokenReader:
    """Turns Authorization headers into actors.

    A signature is checked once per token, the session behind it every few seconds.
    """

    def __init__(self, app: Flask, database: Database, settings: Settings) -> None:
        self.app = app
        self.database = database
        self.cache_s = settings.session_cache_s
        self.cache: dict[str, Cached] = {}
        self.verified: dict[str, Verified] = {}
        self.ring = None if settings.jwt_secret else KeyRing(database)
        configure_jwt(app, settings)
        manager = JWTManager(app)
        if self.ring is not None:
            manager.decode_key_loader(self.decode_key)

    def decode_key(
        self, header: Mapping[str, Any], _: Mapping[str, Any]
    ) -> PublicKeyTypes:
        if self.ring is None:
            raise UnknownKey
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
        remember(
            self.cache,
            header,
            Cached(actor, monotonic_s() + min(self.cache_s, lives_s)),
        )
        return actor

    def forget(self) -> None:
        """Drop what is cached, so that the next request asks again."""
        self.cache.clear()
        self.verified.clear()

    def read(self, header: str) -> tuple[Actor, float]:
        """Return the caller and for how many seconds the token still lives."""
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Send a bearer token.")
        if len(token) > MAX_TOKEN_CHARS:
            raise invalid_token()
        if token.startswith(API_KEY_PREFIX):
            return self.actor_of_key(token), float("inf")
        return self.actor_of_token(token)

    def actor_of_key(self, key: str) -> Actor:
        row = self.row(API_KEY, key_hash=hashlib.sha256(key.encode()).digest())
        return actor_from(row, scopes=frozenset(row["scopes"]))

    def actor_of_token(self, token: str) -> tuple[Actor, float]:
        proof = self.proof(token)
        row = self.row(SESSION, session_id=proof.session_id, user_id=proof.user_id)
        actor = actor_from(row, session_id=proof.session_id)
        return actor, proof.expires_s - utc_now().timestamp()

    def proof(self, token: str) -> Verified:
        """Return what the token's signature proves, from memory if it was checked."""
        if (
            self.ring is not None
            and self.ring.age_s() > KEYS_KEPT_S
            and self.ring.load()
        ):
            self.verified.clear()
        known = self.verified.get(token)
        if known is not None and known.expires_s > utc_now().timestamp():
            return known
        claims = self.claims(token)
        try:
            proof = Verified(
                row_number(claims["sub"]),
                row_number(claims["sid"]),
                float(claims["exp"]),
            )
        except (TypeError, ValueError) as error:
            raise invalid_token() from error
        remember(self.verified, token, proof)
        return proof

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
            raise invalid_token() from error
        if (
            any(claims.get(name) is None for name in REQUIRED_CLAIMS)
            or claims["typ"] != "access"
        ):
            raise invalid_token()
        return claims

    def row(self, query: Any, **parameters: Any) -> Mapping[str, Any]:
        with self.database.read_only() as connection:
            found = connection.execute(query, parameters).mappings().first()
        if found is None:
            raise Unauthenticated("The session has ended.", code="session_ended")
        return dict(found)


def remember(cache: dict[str, T], key: str, value: T) -> None:
    if len(cache) >= MAX_CACHED:
        cache.clear()
    cache[key] = value


def invalid_token() -> Unauthenticated:
    return Unauthenticated("The token is not valid.", code="invalid_token")


def row_number(claim: Any) -> int:
    """Return an id from a claim; raises ValueError for what no row can have."""
    if not isinstance(claim, str) or not claim.isascii() or not claim.isdigit():
        raise ValueError("not a row number")
    number = int(claim[:20])
    if number > MAX_ID:
        raise ValueError("not a row number")
    return number


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
