"""Answers as bytes: orjson straight from rows, no object graph between."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from flask import Flask, Response
from flask.json.provider import JSONProvider
from werkzeug.datastructures import Headers

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC | orjson.OPT_NON_STR_KEYS

WHOLE = frozenset({200, 201})  # answers of which nothing is left out


def plain(value: Any) -> Any:
    """Return what orjson cannot write itself as something it can."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if hasattr(value, "item"):  # numpy scalars
        return value.item()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(type(value).__name__)


def to_json(value: Any) -> bytes:
    return orjson.dumps(value, default=plain, option=OPTIONS)


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return `value` as a JSON response. Instants are sent in UTC with a Z."""
    return json_bytes(to_json(value), status, headers)


def json_bytes(
    body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Answer(body, status=status, headers=headers, mimetype="application/json")


class Answer(Response):
    """A response whose headers go out as they were set.

    werkzeug looks at each for what it might have to add; our JSON has its length, and
    our locations are paths.
    """

    def get_wsgi_headers(self, environ: dict[str, Any]) -> Headers:
        if self.status_code in WHOLE and "Content-Length" in self.headers:
            return self.headers
        return super().get_wsgi_headers(environ)


class OrjsonProvider(JSONProvider):
    """Flask's JSON by orjson, so that every way to answer writes the same."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)

    def dumps(self, obj: Any, **_: Any) -> str:
        return to_json(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return orjson.loads(s)
