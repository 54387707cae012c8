"""Request ids and the log line of a request."""

import contextlib
import logging
import re
import sys
import uuid
from typing import Any

import orjson
from flask import Flask, Response, has_request_context

from service_kit.buffer import Buffer
from service_kit.clock import monotonic_s, utc_now
from service_kit.current import this_g, this_request

QUIET = frozenset({"/health", "/ready", "/metrics", "/internal/verify"})
SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
log = logging.getLogger("access")


def init_tracing(app: Flask) -> None:
    """Take or make the request id first, so that all that follows can name it."""

    @app.before_request
    def begin() -> None:
        given, kept = this_request().environ.get("HTTP_X_REQUEST_ID", ""), this_g()
        kept.request_id = given if SAFE_ID.fullmatch(given) else uuid.uuid4().hex
        kept.began = monotonic_s()

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = this_g().request_id
        if this_request().path not in QUIET and log.isEnabledFor(logging.INFO):
            write_line(app.name, request_facts(response))
        return response


def write_line(service: str, facts: dict[str, Any]) -> None:
    """Log a request. A line each is worth a way without a record and its handlers."""
    line = {
        "at": utc_now(),
        "level": "info",
        "service": service,
        "message": "request",
        **facts,
    }
    LINES.add(orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z))


def send_lines(lines: list[bytes]) -> None:
    """Write finished lines where the log goes, unless its reader has gone."""
    text = b"\n".join([*lines, b""]).decode()
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, JsonLines):
            with handler.lock, contextlib.suppress(ValueError):  # type: ignore[union-attr]
                handler.stream.write(text)  # type: ignore[attr-defined]
                handler.flush()


LINES = Buffer(send_lines)


def request_facts(response: Response) -> dict[str, Any]:
    """Return what the log says of a request: never a body, a query or a header."""
    asked, kept = this_request(), this_g()
    actor = kept.get("actor")
    return {
        "request_id": kept.request_id,
        "method": asked.method,
        "path": asked.path,
        "status": response.status_code,
        "ms": round((monotonic_s() - kept.began) * 1000, 1),
        "user_id": actor.user_id if actor else None,
    }


class JsonLines(logging.Formatter):
    """One JSON object a line, with the request id where there is one."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": utc_now(),
            "level": record.levelname.lower(),
            "service": self.service,
            "message": record.getMessage(),
        }
        if has_request_context():
            line["request_id"] = this_g().get("request_id")
        line.update(getattr(record, "facts", {}))
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z).decode()


def init_logs(service: str, level: str) -> None:
    """Write one JSON line an event; leave out what no line shows.

    Finding the caller's file, thread and process costs more than the line itself
    (the logging module's own advice, "Optimization").
    """
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel("WARNING")
