"""Secrets that a machine makes: refresh tokens, API keys, reset tokens. Pure.

They have 256 bits of their own, so a plain SHA-256 is enough to store them; what
people choose goes through `passwords` instead.
"""

import base64
import hashlib
import secrets

from service_kit.tokens import API_KEY_PREFIX

SHOWN_PREFIX_CHARS = 12
MAX_CHARS = 200


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def new_api_key() -> str:
    return API_KEY_PREFIX + secrets.token_urlsafe(32)


def new_rotation_key() -> bytes:
    return secrets.token_bytes(32)


def digest(secret: str) -> bytes:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def successor(refresh_token: str, rotation_key: bytes) -> str:
    """Return the one refresh token that follows `refresh_token` in its session.

    rotation_key: of the session; without it, and without the token itself, which
        is nowhere stored, the successor cannot be known.
    """
    mixed = hashlib.blake2b(refresh_token.encode(), key=rotation_key, digest_size=32)
    return base64.urlsafe_b64encode(mixed.digest()).rstrip(b"=").decode()
