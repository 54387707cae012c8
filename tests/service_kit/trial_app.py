"""A WSGI app that behaves as a path says, for the tests of the gunicorn worker."""

import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

Start = Callable[[str, list[tuple[str, str]]], Any]
View = Callable[[dict[str, Any], Start], Any]


def app(environ: dict[str, Any], start: Start) -> Any:
    view: View = VIEWS.get(environ["PATH_INFO"], hello)
    return view(environ, start)


def hello(_: dict[str, Any], start: Start) -> list[bytes]:
    return whole(start, b"hello")


def echo(environ: dict[str, Any], start: Start) -> list[bytes]:
    return whole(start, environ["wsgi.input"].read())


def unread(_: dict[str, Any], start: Start) -> list[bytes]:
    return whole(start, b"not looked at")


def slow(_: dict[str, Any], start: Start) -> list[bytes]:
    time.sleep(1.5)
    return whole(start, b"late")


def stream(_: dict[str, Any], start: Start) -> Iterator[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return streamed()


def file(environ: dict[str, Any], start: Start) -> Any:
    opened = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it
    opened.write(b"f" * 100_000)
    opened.seek(0)
    start("200 OK", [("Content-Length", "100000")])
    return environ["wsgi.file_wrapper"](opened)


def nothing(_: dict[str, Any], start: Start) -> list[bytes]:
    start("304 Not Modified", [("ETag", '"1"')])
    return []


def fails(_: dict[str, Any], start: Start) -> list[bytes]:
    raise RuntimeError("on purpose")


VIEWS: dict[str, View] = {
    f"/{view.__name__}": view
    for view in (echo, unread, slow, stream, file, nothing, fails)
}


def whole(start: Start, body: bytes) -> list[bytes]:
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def streamed() -> Iterator[bytes]:
    yield b"first"
    time.sleep(1.0)
    yield b"second"
