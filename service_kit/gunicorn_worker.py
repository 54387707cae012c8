"""A gunicorn worker whose threads take turns at the sockets.

gunicorn's gthread hands each request from its main thread to a pool and back: a
future, two locks, a pipe and two changes of thread, about a tenth of what a small
request costs. Here every thread waits at one epoll; whoever is given a connection
serves it itself and puts it back. Parsing, limits and answers are gunicorn's own
(Linux only).
"""

import contextlib
import errno
import os
import select
import socket
import threading
import time
from functools import lru_cache
from typing import Any

from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.http.body import LengthReader
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from service_kit.clock import monotonic_s, utc_now

ONCE = select.EPOLLIN | select.EPOLLONESHOT  # one thread is told, and it alone
TURN_S = 1.0  # how long a thread waits before it looks whether it is still needed
GONE = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED)


class TurnsWorker(ThreadWorker):
    """gthread with the threads at the sockets.

    Refuses what this project does not use: HTTP/2, TLS, gunicorn's access log, hooks
    around requests, and ending after a number of them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.epoll: Any = None
        self.listeners: dict[int, socket.socket] = {}
        self.connections: set[TConn] = set()
        self.idle: dict[int, TConn] = {}  # by file descriptor; who pops it, has it
        self.ended = False

    def init_process(self) -> None:
        """Make once what gunicorn makes for each request, then begin."""
        shared = wsgi.base_environ(self.cfg)
        wsgi.base_environ = lambda _: shared.copy()
        # Each reading of a setting is a search otherwise, twenty of them a request.
        known = {name: setting.get() for name, setting in self.cfg.settings.items()}
        self.cfg.__dict__.update(known)
        super().init_process()

    def run(self) -> None:
        """Serve until told to stop, then end what is under way."""
        self.epoll = select.epoll()
        for listener in self.sockets:
            listener.setblocking(False)
            self.listeners[listener.fileno()] = listener
            self.epoll.register(listener.fileno(), ONCE)
        for n in range(self.cfg.threads):
            threading.Thread(target=self.serve, name=f"turn-{n}", daemon=True).start()
        while self.alive and self.is_parent_alive():
            self.notify()
            self.sleep_or_signal()
            self.close_idle(monotonic_s())
        self.wind_down()

    def sleep_or_signal(self) -> None:
        if select.select([self.PIPE[0]], [], [], TURN_S)[0]:
            with contextlib.suppress(OSError):
                os.read(self.PIPE[0], 64)

    def handle_exit(self, _sig: int, _frame: object) -> None:
        self.alive = False  # the signal has woken the main thread

    def serve(self) -> None:
        """Take one event at a time, for as long as the worker lives."""
        while not self.ended:
            for fd, _ in self.epoll.poll(TURN_S, 1):
                try:
                    self.turn(fd)
                except Exception:  # a thread that ends would never be missed
                    self.log.exception("A connection was lost")

    def turn(self, fd: int) -> None:
        if fd in self.listeners:
            self.welcome(self.listeners[fd])
        elif (connection := self.idle.pop(fd, None)) is not None:
            self.take(connection)

    def welcome(self, listener: socket.socket) -> None:
        """Accept one connection, and wait for its request with the others."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in GONE:  # another worker was first
                self.listen(listener)
            else:  # no room for one more: the main thread listens again in a second
                self.log.error("Cannot accept: %s", error)
            return
        connection = TConn(self.cfg, client, address, listener.getsockname())
        connection.data_ready = True  # nobody serves it before
        self.connections.add(connection)
        self.put_back(connection, self.epoll.register)
        self.listen(listener)

    def listen(self, listener: socket.socket) -> None:
        if self.alive and len(self.connections) < self.worker_connections:
            with contextlib.suppress(FileNotFoundError):  # the stop came in between
                self.epoll.modify(listener.fileno(), ONCE)

    def take(self, connection: TConn) -> None:
        """Serve what came on a connection; then wait for more, or close it."""
        keep = self.handle(connection)
        while keep and connection.parser.unreader.buf.getvalue():
            keep = self.handle(connection)  # read ahead: no event would tell of it
        if keep:
            self.put_back(connection, self.epoll.modify)
        else:
            self.close(connection, graceful=True)

    def put_back(self, connection: TConn, tell: Any) -> None:
        connection.set_timeout()
        fd = connection.sock.fileno()
        self.idle[fd] = connection
        tell(fd, ONCE)

    def close(self, connection: TConn, *, graceful: bool) -> None:
        connection.close(graceful=graceful)
        self.connections.discard(connection)

    def close_idle(self, now: float) -> None:
        for fd, connection in list(self.idle.items()):
            if connection.timeout <= now and self.idle.pop(fd, None) is not None:
                self.close(connection, graceful=False)
        for listener in self.listeners.values():
            self.listen(listener)

    def wind_down(self) -> None:
        """Accept nothing more; end when all is answered, or the grace is over.

        A kept connection stays for a moment: its client may be sending already, and
        is answered with `Connection: close`.
        """
        self.alive = False
        for fd in self.listeners:
            self.epoll.unregister(fd)
        until = monotonic_s() + self.cfg.graceful_timeout
        linger = monotonic_s() + STOP_KEEPALIVE_LINGER
        while self.connections and monotonic_s() < until:
            self.notify()
            time.sleep(0.05)
            if monotonic_s() > linger:
                self.close_idle(float("inf"))
        self.ended = True
        for listener in self.sockets:
            listener.close()

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        """Whether the connection may be kept: not with a body that is still to come.

        gunicorn asks the socket; of a body read to its end the length says it.
        """
        message = conn.parser.mesg
        reader = getattr(message.body, "reader", None)
        if keepalive and isinstance(reader, LengthReader) and reader.length == 0:
            conn.parser.mesg = None  # done with: nothing of it is looked at again
            return True
        return bool(super()._keepalive_after(conn, keepalive))

    def handle_request(self, req: Any, conn: TConn) -> bool:
        """Answer one request; return whether its connection may be kept."""
        response, environ = wsgi.create(
            req, conn.sock, conn.client, conn.server, self.cfg, Answer
        )
        environ["wsgi.multithread"] = True
        if not self.alive:
            response.force_close()
        try:
            self.answer(environ, response)
        except OSError:
            raise
        except (Exception, SystemExit):
            if response.headers_sent:
                self.log.exception("Error handling request")
                util.close_graceful(conn.sock)
                raise StopIteration from None
            raise
        return not response.should_close()

    def answer(self, environ: dict[str, Any], response: "Answer") -> None:
        parts = self.wsgi(environ, response.start_response)
        try:
            if isinstance(parts, environ["wsgi.file_wrapper"]):
                response.write_file(parts)
            else:
                for part in parts:
                    response.write(part)
            response.close()
        finally:
            if hasattr(parts, "close"):
                parts.close()


@lru_cache(maxsize=1)
def date_of(second: int) -> str:
    found: str = util.http_date(second)
    return found


class Answer(wsgi.Response):
    """Sends the head together with the body's first part: one packet instead of two."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.headers_sent = False
        self.head = b""
        self.holds = True

    def default_headers(self) -> list[str]:
        """Return the first lines: gunicorn's, with the date of this second kept."""
        major, minor = self.req.version
        lines = [
            f"HTTP/{major}.{minor} {self.status}\r\n",
            f"Server: {self.version}\r\n",
            f"Date: {date_of(int(utc_now().timestamp()))}\r\n",
            f"Connection: {self.connection_word()}\r\n",
        ]
        return [*lines, "Transfer-Encoding: chunked\r\n"] if self.chunked else lines

    def connection_word(self) -> str:
        if self.upgrade:
            return "upgrade"
        return "close" if self.should_close() else "keep-alive"

    def send_headers(self) -> None:
        if self.headers_sent:
            return
        lines = self.default_headers()
        lines += [f"{name}: {value}\r\n" for name, value in self.headers]
        self.head = ("".join(lines) + "\r\n").encode("latin-1")
        self.headers_sent = True
        if self.chunked or not self.holds:
            self.send_head()

    def send_head(self) -> None:
        head, self.head = self.head, b""
        if head:
            util.write(self.sock, head)

    def write_file(self, respiter: Any) -> None:
        self.holds = False
        super().write_file(respiter)

    def _emit_body(self, data: bytes) -> None:
        if self.head:
            data, self.head = self.head + data, b""
        super()._emit_body(data)

    def close(self) -> None:
        super().close()
        self.send_head()
