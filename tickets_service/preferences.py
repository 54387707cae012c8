"""Settings of the tickets service alone, read once at start-up."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from service_kit.settings import Env

BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
STORES = ("folder", "s3")
RULES = ("warn", "require_reason")


@dataclass(frozen=True, slots=True)
class BucketSettings:
    """Where an S3-compatible store is, and the key to it; repr() shows no secret.

    send_s: for connecting, and for sending a request. answer_s: until the first byte
        of the answer, and between two pieces of it. read_s: for all of a file.
    """

    endpoint_url: str
    name: str
    region: str
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    send_s: float = 10.0
    answer_s: float = 10.0
    read_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Preferences:
    """bucket: None keeps attachments in a folder of AIFF_VAR_DIR.

    must_explain: a team against the rules of skill and zone needs its reason.
    """

    bucket: BucketSettings | None = None
    must_explain: bool = False

    @classmethod
    def from_env(cls, values: Mapping[str, str] = os.environ) -> Self:
        """Read them; raises BadSettings that names every fault."""
        env = Env(values)
        store = env.one_of("ATTACHMENT_STORE", STORES, "folder")
        rules = env.one_of("ASSIGNMENT_RULES", RULES, "warn")
        preferences = cls(
            bucket=bucket_settings(env) if store == "s3" else None,
            must_explain=rules == "require_reason",
        )
        env.check()
        return preferences


def bucket_settings(env: Env) -> BucketSettings:
    return BucketSettings(
        endpoint_url=endpoint_url(env),
        name=bucket_name(env),
        region=env.text("S3_REGION", "us-east-1"),
        access_key_id=env.required("S3_ACCESS_KEY_ID"),
        secret_access_key=env.required("S3_SECRET_ACCESS_KEY"),
    )


def endpoint_url(env: Env) -> str:
    url = env.required("S3_ENDPOINT_URL")
    if url and not is_origin(url):
        env.faults.append(
            "S3_ENDPOINT_URL must be http:// or https:// with a host and nothing "
            "after it"
        )
    return url.rstrip("/")


def is_origin(url: str) -> bool:
    """Whether `url` names a scheme and a host, a port perhaps, and nothing else."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    rest = (parts.path.rstrip("/"), parts.query, parts.fragment, parts.username)
    return parts.scheme in {"http", "https"} and bool(host) and not any(rest)


def bucket_name(env: Env) -> str:
    name = env.required("S3_BUCKET")
    if name and not BUCKET_NAME.fullmatch(name):
        env.faults.append(
            "S3_BUCKET must be the name of a bucket: 3 to 63 small letters, digits, "
            "dots and dashes"
        )
    return name
