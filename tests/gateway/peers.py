"""Four services that do as a test tells them, to see what the gateway makes of it.

They answer with what they received; `?do=…` makes them misbehave; `/internal/verify`
answers by the token. Refuses to be clever: no Flask, no database.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

VERDICTS = {
    "": (401, "unauthenticated"),
    "Bearer good": (204, ""),
    "Bearer expired": (401, "token_expired"),
    "Bearer banned": (403, "account_inactive"),
    "Bearer outage": (503, "unavailable"),
}


class Peer(ThreadingHTTPServer):
    """One service: what it was asked, and whether it stands."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.asked: list[tuple[str, str]] = []
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is no news."""

    def times_asked(self, path: str) -> int:
        return sum(1 for _, asked in self.asked if urlsplit(asked).path == path)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Peer

    def log_message(self, *_: Any) -> None:
        """Say nothing: the test shows what failed."""

    def answer(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path))
        path = urlsplit(self.path).path
        if path == "/internal/verify":
            self.verify()
        elif path in ("/health", "/ready"):
            self.json({"status": "ok", "service": self.server.name})
        else:
            asked = parse_qs(urlsplit(self.path).query)
            self.obey(asked.get("do", ["echo"])[0], body)

    def verify(self) -> None:
        header = self.headers.get("Authorization", "")
        status, code = VERDICTS.get(header, (204, ""))
        headers = {"X-Problem-Code": code} if code else {}
        if status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="aiff", error="invalid_token"'
        self.answer(status, b"{}", headers)

    def json(
        self, value: object, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        kind = {"Content-Type": "application/json"}
        self.answer(status, json.dumps(value).encode(), {**kind, **(headers or {})})

    def obey(self, order: str, body: bytes) -> None:
        orders: dict[str, Callable[[], None]] = {
            "echo": lambda: self.echo(body),
            "large": lambda: self.json(["padding"] * 4000, headers={"ETag": '"v1"'}),
            "cors": lambda: self.json({}, headers={"Access-Control-Allow-Origin": "*"}),
            "locked": lambda: self.json({}, 429, {"Retry-After": "77"}),
            "fail": lambda: self.json({"code": "own"}, 500),
            "die": self.die,
            "die_once": self.die_once,
            "events": self.events,
            "hang": lambda: time.sleep(3),
        }
        orders[order]()

    def echo(self, body: bytes) -> None:
        self.json(
            {
                "service": self.server.name,
                "method": self.command,
                "path": self.path,
                "headers": {k.lower(): v for k, v in self.headers.items()},
                "bytes": len(body),
            }
        )

    def die(self) -> None:
        """End the connection as a killed worker does."""
        self.close_connection = True
        self.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
        )
        self.connection.close()

    def die_once(self) -> None:
        if sum(1 for _, path in self.server.asked if path == self.path) == 1:
            self.die()
        else:
            self.json({"asked_again": True})

    def events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for number in range(3):
            self.wfile.write(f"data: {number}\n\n".encode())
            self.wfile.flush()
            time.sleep(0.5)
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815
    do_HEAD = do_OPTIONS = handle_any  # noqa: N815


@contextmanager
def standing(name: str, port: int) -> Iterator[Peer]:
    """Yield a service that answers on the port until the block ends."""
    peer = Peer(name, port)
    thread = threading.Thread(target=peer.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        peer.shutdown()
        peer.server_close()
        thread.join()
