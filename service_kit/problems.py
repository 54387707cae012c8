"""Turn every failure into one JSON shape (RFC 9457, problem details)."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from service_kit import errors
from service_kit.answers import to_json

log = logging.getLogger(__name__)

STATUS_OF: dict[type[errors.AppError], HTTPStatus] = {
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unreadable: HTTPStatus.BAD_REQUEST,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.Stale: HTTPStatus.PRECONDITION_FAILED,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
CODE_OF = {
    400: "unreadable",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    500: "internal_error",
}
# SQLSTATE
RETRIABLE_CONFLICTS = ("40P01", "40001")  # deadlock, serialization
TOO_SLOW = ("55P03", "57014")  # lock not available, statement timeout
DISK_FULL = "53100"
CONFLICT, INVALID = HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY
UNAVAILABLE, NO_STORAGE = (
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.INSUFFICIENT_STORAGE,
)


def register_problem_handlers(app: Flask) -> None:
    app.register_error_handler(errors.AppError, on_app_error)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(DBAPIError, on_database_error)
    app.register_error_handler(PoolTimeout, on_busy_pool)
    app.register_error_handler(Exception, on_crash)


def on_app_error(error: errors.AppError) -> Response:
    kind = next(k for k in type(error).__mro__ if k in STATUS_OF)
    wait = getattr(error, "retry_after_s", None)
    return problem(
        STATUS_OF[kind], error.code, error.detail, retry_after_s=wait, extra=error.extra
    )


def on_http_error(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or 500)
    messages = getattr(error, "data", {}).get("messages")  # set by webargs
    if status is HTTPStatus.UNPROCESSABLE_ENTITY and messages:
        return on_app_error(errors.Invalid(flattened(messages)))
    code = CODE_OF.get(status, status.name.lower())
    response = problem(status, code, error.description or status.phrase)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def flattened(messages: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return marshmallow's nested messages as {dotted field: [message]}.

    The outermost level is the place (json, query …), which is left out.
    """
    found: dict[str, list[str]] = {}

    def walk(value: Any, path: tuple[str, ...]) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                walk(inner, path if key == "_schema" else (*path, str(key)))
        else:
            texts = value if isinstance(value, list) else [value]
            found.setdefault(".".join(path) or "body", []).extend(map(str, texts))

    for inner in messages.values():
        walk(inner, ())
    return found


def on_database_error(error: DBAPIError) -> Response:
    """Answer for PostgreSQL; its own text names tables and values: logged only."""
    log.info("database error", exc_info=error)
    state = getattr(error.orig, "pgcode", None)
    if state in RETRIABLE_CONFLICTS:
        return problem(CONFLICT, "conflict", "Someone else changed this first.")
    if state == DISK_FULL:
        text = "The disk of the database is full; nothing was written."
        return problem(NO_STORAGE, "storage_full", text, retry_after_s=30)
    if state in TOO_SLOW or is_disconnect(error):
        text = "The database is away; try again in a moment."
        return problem(UNAVAILABLE, "unavailable", text, retry_after_s=2)
    return on_refused_statement(error)


def on_refused_statement(error: DBAPIError) -> Response:
    if isinstance(error, IntegrityError):
        return problem(CONFLICT, "conflict", "The change breaks a data rule.")
    if isinstance(error, DataError):
        return problem(INVALID, "invalid", "A value is out of range.")
    return on_crash(error)


def is_disconnect(error: DBAPIError) -> bool:
    """Whether the server is away or closed the connection on us (psycopg2's texts)."""
    if isinstance(error, OperationalError) or error.connection_invalidated:
        return True
    text = str(error.orig)
    return "closed" in text or "terminat" in text


def on_busy_pool(error: PoolTimeout) -> Response:
    log.error("no free database connection", exc_info=error)
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        "Too many requests at once; try again in a moment.",
        retry_after_s=1,
    )


def on_crash(error: Exception) -> Response:
    log.error("unhandled error", exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return problem(status, "internal_error", "Something went wrong on our side.")


def problem(
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    retry_after_s: int | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """Return the problem document. extra: further members, such as `errors`."""
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "code": code,
        "request_id": g.get("request_id"),
        **(extra or {}),
    }
    response = Response(
        to_json(body), status.value, mimetype="application/problem+json"
    )
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="aiff"'
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    return response
