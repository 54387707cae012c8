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
from marshmallow import ValidationError
from webargs.core import _UNKNOWN_DEFAULT_PARAM, is_json, missing
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import ClientDisconnected

from service_kit.current import this_request

PLACES = {"json": "load_json", "query": "load_querystring"}
NO_OPTIONS = {
    "unknown": _UNKNOWN_DEFAULT_PARAM,
    "validate": None,
    "error_status_code": None,
    "error_headers": None,
}


def init_bodies() -> None:
    """Set the one parser that all blueprints share, also those made before."""
    parser = Blueprint.ARGUMENTS_PARSER
    # webargs would drop unknown query parameters; the schema decides (it refuses).
    parser.DEFAULT_UNKNOWN_BY_LOCATION = {"headers": "exclude", "cookies": "exclude"}
    parser._raw_load_json = strict_json
    parser.load_querystring = given_query
    parser._get_schema = one_instance
    parser.parse = parsed


def parsed(
    schema: Any, req: Request | None = None, *, location: str, **options: Any
) -> Any:
    """Return what webargs' `parse` returns: the same steps, where no option is given.

    Its general way looks at every option anew for each request.
    """
    parser: Any = Blueprint.ARGUMENTS_PARSER
    if options != NO_OPTIONS or location not in PLACES:
        return type(parser).parse(parser, schema, req, location=location, **options)
    asked = this_request()
    one = one_instance(schema, asked)
    try:
        sent = getattr(parser, PLACES[location])(asked, one)
        return one.load({} if sent is missing else sent)
    except ValidationError as error:
        parser._on_validation_error(
            error, asked, one, location, error_status_code=None, error_headers=None
        )


def one_instance(given: Any, _: Request) -> Any:
    """Return the schema to load by: a class is made once, not for each request."""
    return instance_of(given) if isinstance(given, type) else given


@cache
def instance_of(kind: type[Any]) -> Any:
    return kind()


def given_query(request: Request, schema: Any) -> Any:
    """Return the query as sent, as a plain dict; lists where the schema has lists.

    Looking up forty absent parameters in werkzeug's dict costs an exception each.
    """
    args = request.args
    lists = list_names(schema) if args else ()
    return {key: args.getlist(key) if key in lists else args[key] for key in args}


@cache
def list_names(schema: Any) -> set[str]:
    """Return the parameters of a schema that may be given more than once."""
    names: set[str] = MultiDictProxy(MultiDict(), schema).multiple_keys
    return names


def body_of(request: Request) -> bytes:
    """Return the body; raises as werkzeug's `get_data`, which reads what is unusual.

    That wraps the server's stream in two of its own to find where a body ends: one
    whose length was told, and may be taken, is read from the server as it is.
    """
    length, most = request.content_length, request.max_content_length
    if length and most and length <= most and not hasattr(request, "_cached_data"):
        body: bytes = request.environ["wsgi.input"].read(length)
        if len(body) < length:
            raise ClientDisconnected
        request._cached_data = body
    return request.get_data(cache=True)


def strict_json(request: Request) -> Any:
    """Return the body; raises json.JSONDecodeError, which becomes a 400."""
    body = body_of(request)
    if not body or not is_json(request.mimetype):
        return missing
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # Without the document, lest it be taken for an absent body or echoed.
        raise JSONDecodeError(error.msg, "?", 0) from None
