"""Where the bytes of attachments lie, and what kind of file they are.

A folder, or a bucket of an S3-compatible store (attachment_bucket.py). The kind is
told by the bytes, never by the sender. Files are named by us; nothing of the sender's
name reaches a path.
"""

import hashlib
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from service_kit.errors import AppError, Invalid, NotFound, TooLarge, Unavailable
from tickets_service.preferences import Preferences

MAX_BYTES = 10 * 1024 * 1024
# What the first bytes say. Text is what decodes as UTF-8 without control characters.
SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
HEIC_BRANDS = (b"heic", b"heix", b"mif1", b"heif")
INLINE = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
GONE = "The file of this attachment is gone."
AWAY = "The store of attachments is away; try again in a moment."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredFile:
    storage_key: str
    size_bytes: int
    sha256: bytes
    content_type: str


class Store(Protocol):
    """Bytes under keys of ours. Each file is there as a whole or not at all."""

    def save(self, content: bytes) -> StoredFile:
        """Keep the bytes durably; raises Invalid, TooLarge or Unavailable."""

    def read(self, key: str) -> bytes:
        """Return the bytes; raises NotFound or Unavailable."""

    def remove(self, key: str) -> None:
        """Remove the bytes, if they are there; raises Unavailable."""


def sniffed_type(content: bytes) -> str:
    """Return the content type that the bytes show; raises Invalid for other kinds."""
    for start, kind in SIGNATURES:
        if content.startswith(start):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        return "image/heic"
    if is_plain_text(content):
        return "text/plain"
    raise Invalid(
        {"file": "must be a picture (JPEG, PNG, GIF, WebP, HEIC), PDF or text"}
    )


def is_plain_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(c.isprintable() or c in "\r\n\t" for c in text)


def checked(content: bytes) -> str:
    """Return the type of an upload; raises Invalid or TooLarge."""
    if not content:
        raise Invalid({"file": "is empty"})
    if len(content) > MAX_BYTES:
        raise TooLarge(f"An attachment may have up to {MAX_BYTES // 1024**2} MiB.")
    return sniffed_type(content)


def described(content: bytes) -> StoredFile:
    """Return what is known of an upload, under a new key; raises Invalid, TooLarge."""
    kind = checked(content)
    digest = hashlib.sha256(content).digest()
    return StoredFile(secrets.token_hex(16), len(content), digest, kind)


def discard(store: Store, key: str) -> None:
    """Remove the bytes of an attachment that did not come to be.

    Raises nothing: why it did not come to be is what the caller wants to hear.
    """
    try:
        store.remove(key)
    except AppError as error:
        name = type(error).__name__
        log.warning("attachment %s is left without a ticket: %s", key, name)


def store_of(preferences: Preferences, var_dir: Path) -> Store:
    """Return the store that the settings choose."""
    if preferences.bucket is None:
        return Folder(var_dir / "attachments")
    from tickets_service.attachment_bucket import Bucket

    return Bucket(preferences.bucket)


class Folder:
    """Attachments as files below a folder, two levels deep by their key."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def save(self, content: bytes) -> StoredFile:
        """Write the bytes durably under a new key."""
        stored = described(content)
        path = self.path(stored.storage_key)
        part = path.with_suffix(".part")
        with told("save"):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                write_durably(part, content)
                part.rename(path)
            except OSError:
                part.unlink(missing_ok=True)
                raise
        return stored

    def read(self, key: str) -> bytes:
        with told("read"):
            return self.path(key).read_bytes()

    def remove(self, key: str) -> None:
        with told("remove"):
            self.path(key).unlink(missing_ok=True)

    def path(self, key: str) -> Path:
        return self.root / key[:2] / key[2:4] / key


def write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Turn what the disk says into NotFound or Unavailable."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(GONE) from error
    except OSError as error:
        log.error("attachment store: %s: %s", doing, error)
        raise Unavailable(AWAY) from error
