"""Strong entity tags and the two conditions that rest on them.

A tag is `"<version>"` or `"<version>-<suffix>"`: the version is what If-Match
compares; the suffix tells representations apart that change with time alone
(an SLA state), so that If-None-Match stays honest.
"""

from flask import Response, request

from service_kit.current import this_request
from service_kit.errors import Stale


def etag(version: int, suffix: str = "") -> str:
    return f'"{version}-{suffix}"' if suffix else f'"{version}"'


def check_if_match(version: int) -> None:
    """Raise Stale if the request has an If-Match that does not name `version`."""
    header = request.headers.get("If-Match", "").strip()
    if not header or header == "*":
        return
    named = {part.strip().strip('"').partition("-")[0] for part in header.split(",")}
    if str(version) not in named:
        raise Stale("Someone else changed this since you read it; read it again.")


def expected_version() -> int | None:
    """Return the version of If-Match, None without one, -1 for one of no row."""
    header = this_request().environ.get("HTTP_IF_MATCH", "").strip()
    if not header or header == "*":
        return None
    value = header.strip('"').partition("-")[0]
    return int(value) if value.isascii() and value.isdigit() else -1


def tagged(response: Response, tag: str) -> Response:
    """Return `response` with its tag, or 304 when the caller has it already."""
    response.headers["ETag"] = tag
    response.headers.setdefault("Cache-Control", "private, no-cache")
    if this_request().method in ("GET", "HEAD") and tag in asked_tags():
        response.status_code = 304
        response.set_data(b"")
        response.headers.pop("Content-Type", None)
    return response


def asked_tags() -> set[str]:
    header = request.headers.get("If-None-Match", "")
    return {part.strip().removeprefix("W/") for part in header.split(",")}
