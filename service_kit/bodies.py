"""How views get their arguments: strict JSON by orjson, unknown parameters refused.

The standard library would take NaN for a number, and a body of ten thousand
brackets for a reason to crash.
"""

from functools import cache
from json import JSONDecodeError
from typing import Any

import orjson
from flask import Request
from flask_smorest import Blueprint
from webargs.core import is_json, missing


def init_bodies() -> None:
    """Set the one parser that all blueprints share, also those made before."""
    parser = Blueprint.ARGUMENTS_PARSER
    # webargs would drop unknown query parameters; the schema decides (it refuses).
    parser.DEFAULT_UNKNOWN_BY_LOCATION = {"headers": "exclude", "cookies": "exclude"}
    parser._raw_load_json = strict_json
    parser._get_schema = one_instance


def one_instance(given: Any, _: Request) -> Any:
    """Return the schema to load by: a class is made once, not for each request."""
    return instance_of(given) if isinstance(given, type) else given


@cache
def instance_of(kind: type[Any]) -> Any:
    return kind()


def strict_json(request: Request) -> Any:
    """Return the body; raises json.JSONDecodeError, which becomes a 400."""
    body = request.get_data(cache=True)
    if not body or not is_json(request.mimetype):
        return missing
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # Without the document, lest it be taken for an absent body or echoed.
        raise JSONDecodeError(error.msg, "?", 0) from None
