"""The secrets of second factors as they lie in the database: locked.

Their key is not in the database, so a copy of it opens none of them: TOTP_KEY, or a
file that is made when it is first needed and that only its owner may read. TOTP_KEY
may list several: the first one locks, the others, and the file, still open. Keys of
access tokens have nothing to do with it and may change at any time.

A locked secret is `v1.<name of its key>.<Fernet token>`. One from before is bare base32
without any dot; it opens to itself. Refuses to make a key in order to open.
"""

import base64
import logging
import os
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service_kit.errors import Unavailable

FORM = "v1"
PURPOSE = b"aiff: secrets of second factors"
KEY_BYTES, NAME_BYTES = 32, 4

log = logging.getLogger(__name__)


class Locked(Unavailable):
    """A secret was locked with a key that is not here."""

    code = "second_factor_locked"


@dataclass(frozen=True, slots=True)
class Key:
    """A key made of a text of any length. name: tells keys apart, and nothing else."""

    name: str
    fernet: Fernet


@lru_cache(maxsize=16)
def key_of(text: str) -> Key:
    made = HKDF(SHA256(), KEY_BYTES + NAME_BYTES, salt=None, info=PURPOSE)
    both = made.derive(text.encode())
    fernet = Fernet(base64.urlsafe_b64encode(both[:KEY_BYTES]))
    return Key(both[KEY_BYTES:].hex(), fernet)


class Vault:
    """Locks with the first of `texts` (TOTP_KEY), without any with that of `file`."""

    def __init__(self, texts: Sequence[str], file: Path) -> None:
        self.texts = tuple(texts)
        self.file = file

    def locked(self, secret: str) -> str:
        """Return the secret as it is stored; makes the key of the file if need be.

        Raises Unavailable where that file cannot be written.
        """
        try:
            key = key_of(self.texts[0] if self.texts else made_once(self.file))
        except OSError as error:
            log.error("no key for second factors: %s", error)
            raise Unavailable("Second factors cannot be set up now.") from error
        return f"{FORM}.{key.name}.{key.fernet.encrypt(secret.encode()).decode()}"

    def opened(self, stored: str) -> str:
        """Return the secret; raises Locked if none of the keys is its own."""
        if not stored.startswith(f"{FORM}."):
            return stored
        _, name, token = stored.split(".", 2)
        for key in self.keys():
            if key.name == name:
                try:
                    return key.fernet.decrypt(token).decode()
                except InvalidToken:
                    break
        log.error("a second factor is locked with another key than TOTP_KEY and file")
        raise Locked("The second factor cannot be checked here; use a recovery code.")

    def is_up_to_date(self, stored: str) -> bool:
        """Whether it is locked, and with the key that locks now."""
        keys = self.keys()
        return bool(keys) and stored.startswith(f"{FORM}.{keys[0].name}.")

    def keys(self) -> list[Key]:
        """Return the keys there are, the one that locks first."""
        return [key_of(text) for text in (*self.texts, *text_in(self.file))]


def text_in(file: Path) -> list[str]:
    try:
        text = file.read_text().strip()
    except FileNotFoundError:
        return []
    return [text] if text else []


def made_once(file: Path) -> str:
    """Return the text of a file, made now if there is none; of two makers one wins."""
    if not text_in(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=file.parent, prefix=".key-")
        try:
            with os.fdopen(handle, "w") as out:
                out.write(secrets.token_urlsafe(48))
                out.flush()
                os.fsync(out.fileno())
            Path(file).hardlink_to(scratch)
        except FileExistsError:
            pass
        finally:
            Path(scratch).unlink()
    return text_in(file)[0]
