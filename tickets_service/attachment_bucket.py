"""Attachments as objects of a bucket in any S3-compatible store.

Imported only where such a store is chosen: the client library costs 6 MB a process.
Every call ends within the times of its settings; a store that is away, refuses or
is too slow is `Unavailable`. Refuses to log what the store was told: keys of
objects and codes of errors only.
"""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from service_kit.clock import monotonic_s
from service_kit.errors import NotFound, Unavailable
from tickets_service.attachment_files import (
    AWAY,
    GONE,
    MAX_BYTES,
    StoredFile,
    described,
)
from tickets_service.preferences import BucketSettings

FOLDER = "attachments/"
PIECE_BYTES = 256 * 1024
# Asked once more after an answer of 5xx or a connection that broke (an idle one is
# closed by the other side now and then), never after one that could not be made.
RETRIES = urllib3.Retry(
    total=1,
    connect=0,
    redirect=0,
    backoff_factor=0.2,
    status_forcelist=(500, 502, 503, 504),
)

log = logging.getLogger(__name__)


class Bucket:
    """Attachments as objects named `attachments/<key>`; each is put in one request."""

    def __init__(self, settings: BucketSettings) -> None:
        scheme, _, host = settings.endpoint_url.partition("://")
        self.name = settings.name
        self.read_s = settings.read_s
        self.client = Minio(
            host,
            access_key=settings.access_key_id,
            secret_key=settings.secret_access_key,
            secure=scheme == "https",
            region=settings.region,
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(settings.send_s, settings.answer_s),
                retries=RETRIES,
                maxsize=16,  # as many as the service has threads
            ),
        )

    def save(self, content: bytes) -> StoredFile:
        """Store the bytes under a new key; whatever fails leaves none behind."""
        stored = described(content)
        try:
            with told("save", stored.storage_key):
                self.client.put_object(
                    self.name,
                    FOLDER + stored.storage_key,
                    io.BytesIO(content),
                    len(content),
                    content_type=stored.content_type,
                    part_size=MAX_BYTES,  # so never in parts
                )
        except Unavailable:
            self.take_back(stored.storage_key)
            raise
        return stored

    def take_back(self, key: str) -> None:
        """Remove what a failed save may have left: an answer lost on its way back."""
        try:
            self.remove(key)
        except Unavailable:
            log.warning("attachment %s may be left without a ticket", key)

    def read(self, key: str) -> bytes:
        with told("read", key):
            response = self.client.get_object(self.name, FOLDER + key)
            try:
                return read_within(response, self.read_s)
            finally:
                response.close()
                response.release_conn()

    def remove(self, key: str) -> None:
        """Remove the bytes of a key; none there is as good."""
        with told("remove", key):
            self.client.remove_object(self.name, FOLDER + key)


def read_within(response: BaseHTTPResponse, seconds: float) -> bytes:
    """Return the body; raises TimeoutError when it comes too slowly."""
    ends = monotonic_s() + seconds
    pieces = []
    for piece in response.stream(PIECE_BYTES):
        pieces.append(piece)
        if monotonic_s() > ends:
            raise TimeoutError
    return b"".join(pieces)


@contextmanager
def told(doing: str, key: str) -> Iterator[None]:
    """Turn what the store or the way to it says into NotFound or Unavailable."""
    try:
        yield
    except S3Error as error:
        if error.code == "NoSuchKey":
            raise NotFound(GONE) from error
        log.error("attachment store: %s %s: %s", doing, key, error.code)
    except (MinioException, HTTPError, OSError) as error:
        log.error("attachment store: %s %s: %s", doing, key, type(error).__name__)
    else:
        return
    raise Unavailable(AWAY)
