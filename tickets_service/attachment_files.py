"""Where the bytes of attachments lie, and what kind of file they are.

The kind is told by the bytes, never by the sender. Files are named by us; nothing
of the sender's name reaches a path.
"""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from service_kit.errors import Invalid, NotFound, TooLarge

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


@dataclass(frozen=True, slots=True)
class StoredFile:
    storage_key: str
    size_bytes: int
    sha256: bytes
    content_type: str


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


class Folder:
    """Attachments as files below a folder, two levels deep by their key."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def save(self, content: bytes) -> StoredFile:
        """Write the bytes durably under a new key."""
        kind = checked(content)
        key = secrets.token_hex(16)
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        return StoredFile(key, len(content), hashlib.sha256(content).digest(), kind)

    def read(self, key: str) -> bytes:
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError as error:
            raise NotFound("The file of this attachment is gone.") from error

    def remove(self, key: str) -> None:
        self.path(key).unlink(missing_ok=True)

    def path(self, key: str) -> Path:
        return self.root / key[:2] / key[2:4] / key
