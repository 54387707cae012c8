"""The key pairs that sign access tokens, and the tokens themselves.

The private halves stay in `auth.signing_keys`, which only this service's role can
read. The first key is made on first start; a second takes over at rotation while
tokens of the first are still accepted until the last of them has expired. With
JWT_SECRET set there is no key pair: everything is HS256.
"""

import json
import threading
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, g
from flask_jwt_extended import create_access_token
from jwt.algorithms import RSAAlgorithm
from sqlalchemy import Connection, func, insert, or_, select, text, update

from db.auth import SigningKey
from db.engine import Database
from service_kit.clock import monotonic_s, utc_now
from service_kit.settings import Settings
from service_kit.tokens import ASYMMETRIC

KEY_BITS = 2048
LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('auth.signing_keys', 0))")
CLOCKS_APART = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Signature:
    """A private key ready for use, and the name by which its public half is found."""

    kid: str
    private_key: rsa.RSAPrivateKey


class Signer:
    """Mints access tokens with the key of the moment, kept for a few seconds."""

    def __init__(self, app: Flask, database: Database, settings: Settings) -> None:
        self.database = database
        self.symmetric = bool(settings.jwt_secret)
        self.keep_s = settings.session_cache_s
        self.loaded: Signature | None = None
        self.loaded_at = float("-inf")
        self.lock = threading.Lock()
        if not self.symmetric:
            manager = app.extensions["flask-jwt-extended"]
            manager.encode_key_loader(lambda _: g.signature.private_key)

    def current(self) -> Signature:
        with self.lock:
            if self.loaded is None or monotonic_s() - self.loaded_at > self.keep_s:
                self.loaded = self.load()
                self.loaded_at = monotonic_s()
            return self.loaded

    def load(self) -> Signature:
        """Return the key that signs now, making the first one if there is none."""
        with self.database.transaction() as connection:
            row = signing_row(connection, utc_now())
        if self.loaded is not None and self.loaded.kid == row["kid"]:
            return self.loaded  # parsing a private key costs more than a signature
        return Signature(row["kid"], private_key(row["private_pem"]))

    def access_token(
        self, *, user_id: int, session_id: int, role: str, life: timedelta
    ) -> str:
        """Return a signed access token; only within an app context."""
        headers = None
        if not self.symmetric:
            g.signature = self.current()
            headers = {"kid": g.signature.kid}
        token: str = create_access_token(
            identity=str(user_id),
            expires_delta=life,
            additional_claims={"typ": "access", "sid": str(session_id), "role": role},
            additional_headers=headers,
        )
        return token


def private_key(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("auth.signing_keys holds a key that is not RSA")
    return key


def signing_row(connection: Connection, now: datetime) -> dict[str, Any]:
    """Return kid and private_pem of the newest key in force; make the first."""
    found = newest_key(connection, now)
    if found is None:
        connection.execute(LOCK)  # several processes may start at once
        # One that another made while we waited may be younger than our `now`.
        found = newest_key(connection, now + CLOCKS_APART)
        found = found or add_key(connection, signs_from=now)
    return found


def newest_key(connection: Connection, now: datetime) -> dict[str, Any] | None:
    row = connection.execute(
        select(SigningKey.kid, SigningKey.private_pem)
        .where(SigningKey.signs_from <= now)
        .where(
            or_(SigningKey.verifies_until.is_(None), SigningKey.verifies_until > now)
        )
        .order_by(SigningKey.signs_from.desc(), SigningKey.kid)
        .limit(1)
    ).first()
    return dict(row._mapping) if row else None


def add_key(connection: Connection, *, signs_from: datetime) -> dict[str, Any]:
    """Make a key pair and store it; return kid and private_pem."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
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
    kid = uuid.uuid4().hex
    connection.execute(
        insert(SigningKey).values(
            kid=kid,
            algorithm=ASYMMETRIC,
            private_pem=private_pem,
            public_pem=public_pem,
            signs_from=signs_from,
        )
    )
    return {"kid": kid, "private_pem": private_pem}


def rotate_key(connection: Connection, *, now: datetime, token_life: timedelta) -> str:
    """Let a new key sign from now on; return its kid.

    The others verify until the last token that they signed has expired, so nobody
    is logged out.
    """
    connection.execute(LOCK)
    ends = now + token_life + CLOCKS_APART
    connection.execute(
        update(SigningKey).values(
            verifies_until=func.least(
                func.coalesce(SigningKey.verifies_until, ends), ends
            )
        )
    )
    return str(add_key(connection, signs_from=now)["kid"])


def key_set(connection: Connection, now: datetime) -> dict[str, Any]:
    """Return the public keys in force as a JWK set (RFC 7517)."""
    rows = connection.execute(
        select(SigningKey.kid, SigningKey.public_pem)
        .where(
            or_(SigningKey.verifies_until.is_(None), SigningKey.verifies_until > now)
        )
        .order_by(SigningKey.signs_from)
    )
    return {"keys": [jwk(row.kid, row.public_pem) for row in rows]}


def jwk(kid: str, public_pem: str) -> dict[str, Any]:
    key = serialization.load_pem_public_key(public_pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("auth.signing_keys holds a key that is not RSA")
    shown = json.loads(RSAAlgorithm.to_jwk(key))
    return {
        "kty": shown["kty"],
        "kid": kid,
        "use": "sig",
        "alg": ASYMMETRIC,
        "n": shown["n"],
        "e": shown["e"],
    }
