"""One way to ask for a page and one way to answer with it: keyset cursors.

A cursor holds the sort key and the values of the last row sent, so rows that
are inserted meanwhile neither repeat nor hide others.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, request
from marshmallow import fields, validate

from service_kit.answers import json_bytes, to_json
from service_kit.errors import Invalid
from service_kit.schemas import MAX_ID, Schema

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


class PageQuerySchema(Schema):
    """The paging parameters of every list; filters are added by inheriting."""

    limit = fields.Integer(
        load_default=DEFAULT_LIMIT, validate=validate.Range(min=1, max=MAX_LIMIT)
    )
    cursor = fields.String(load_default=None, validate=validate.Length(max=500))
    total = fields.Boolean(load_default=False)


def encode_cursor(sort: str, values: Sequence[Any]) -> str:
    """Return an opaque cursor for the rows after the one with these sort values."""
    packed = orjson.dumps([sort, *values], option=orjson.OPT_UTC_Z)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode_cursor(cursor: str, sort: str, kinds: Sequence[type]) -> list[Any]:
    """Return the sort values in a cursor; raises Invalid for one of another list.

    kinds: the Python type of each value (datetime, int, str, float); a None
    passes for any.
    """
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        found = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if (
            not isinstance(found, list)
            or len(found) != len(kinds) + 1
            or found[0] != sort
        ):
            raise ValueError
        return [
            typed(value, kind) for value, kind in zip(found[1:], kinds, strict=True)
        ]
    except (ValueError, TypeError, binascii.Error, UnicodeError) as error:
        raise Invalid({"cursor": "is not a cursor of this list and sorting"}) from error


def typed(value: Any, kind: type) -> Any:
    if value is None:
        return None
    if kind is datetime:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError
        return instant
    if kind is float and isinstance(value, int):
        return float(value)
    if type(value) is not kind:
        raise ValueError
    if isinstance(value, int) and abs(value) > MAX_ID:
        raise ValueError
    return value


def page_response(
    items: bytes | Sequence[Any],
    *,
    limit: int,
    next_cursor: str | None,
    total: int | None = None,
) -> Response:
    """Return the list envelope. items: rows, or the bytes of a JSON array."""
    page: dict[str, Any] = {"limit": limit, "next": next_cursor}
    if total is not None:
        page["total"] = total
    packed = items if isinstance(items, bytes) else to_json(items)
    response = json_bytes(b'{"items":' + packed + b',"page":' + to_json(page) + b"}")
    if next_cursor:
        asked = [(k, v) for k, v in request.args.items(multi=True) if k != "cursor"]
        query = urlencode([*asked, ("cursor", next_cursor)])
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response
