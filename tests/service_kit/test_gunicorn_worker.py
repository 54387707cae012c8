"""The worker whose threads take turns: real gunicorn, real sockets."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.local import processes

PROJECT = Path(__file__).parents[2]
Server = tuple[int, "subprocess.Popen[bytes]"]
Serve = Callable[..., Server]
GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start a worker of two threads; more options may follow."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*options: str) -> Server:
        port = processes.free_port()
        command = [
            *(sys.executable, "-m", "gunicorn"),
            *("-c", "python:service_kit.gunicorn_conf"),
            *("-w", "1", "--threads", "2", "-b", f"127.0.0.1:{port}", *options),
            "tests.service_kit.trial_app:app",
        ]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        with (tmp_path / "log").open("ab") as output:
            process = processes.start(
                command, env=environment, cwd=PROJECT, output=output
            )
        started.append(process)
        assert processes.wait_until(lambda: processes.is_taken(port), seconds=15)
        with client(port) as first:
            first.sendall(GET % b"")
            assert answer(first)[1] == b"hello"
        return port, process

    yield begin
    for process in started:
        processes.end(process, seconds=1)
    assert "Traceback" not in (tmp_path / "log").read_text()


def client(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def answer(connection: socket.socket) -> tuple[http.client.HTTPResponse, bytes]:
    found = http.client.HTTPResponse(connection)
    found.begin()
    return found, found.read()


def is_closed(connection: socket.socket, seconds: float) -> bool:
    connection.settimeout(seconds)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


def test_a_connection_serves_one_request_after_the_other(serve: Serve) -> None:
    port, _ = serve()
    with client(port) as connection:
        for n in range(5):
            body = b"body %d" % n
            connection.sendall(POST % (b"echo", len(body), body))
            found, text = answer(connection)
            assert text == body
            assert found.headers["Connection"] == "keep-alive"


def test_head_and_body_come_in_one_packet(serve: Serve) -> None:
    port, _ = serve()
    with client(port) as connection:
        connection.sendall(GET % b"")
        assert connection.recv(10_000).endswith(b"\r\n\r\nhello")


def test_requests_sent_together_are_all_answered(serve: Serve) -> None:
    port, _ = serve()
    with client(port) as connection:
        connection.sendall(3 * (POST % (b"echo", 2, b"ab")))
        received = b""
        while received.count(b"\r\n\r\nab") < 3:
            received += connection.recv(10_000)


def test_a_body_that_nobody_read_is_not_taken_for_a_request(serve: Serve) -> None:
    port, _ = serve()
    with client(port) as connection:
        for _ in range(2):
            connection.sendall(POST % (b"unread", 20_000, b"GET / " * 3_333 + b"xx"))
            assert answer(connection)[1] == b"not looked at"


def test_a_slow_request_holds_one_thread_only(serve: Serve) -> None:
    port, _ = serve()
    with client(port) as slow, client(port) as quick:
        slow.sendall(GET % b"slow")
        began = time.monotonic()
        for _ in range(20):
            quick.sendall(GET % b"")
            assert answer(quick)[1] == b"hello"
        assert time.monotonic() - began < 1.0
        assert answer(slow)[1] == b"late"


def test_more_connections_than_threads_are_all_served(serve: Serve) -> None:
    port, _ = serve()
    wrong: list[bytes] = []

    def one(n: int) -> None:
        with client(port) as connection:
            for _ in range(20):
                connection.sendall(POST % (b"echo", 4, b"%04d" % n))
                if answer(connection)[1] != b"%04d" % n:
                    wrong.append(b"%04d" % n)

    clients = [threading.Thread(target=one, args=(n,)) for n in range(24)]
    for each in clients:
        each.start()
    for each in clients:
        each.join(20)
    assert not any(each.is_alive() for each in clients)
    assert wrong == []


def test_those_above_the_limit_wait_for_room(serve: Serve) -> None:
    port, _ = serve("--worker-connections", "3")
    held = [client(port) for _ in range(3)]
    for connection in held:
        connection.sendall(GET % b"")
        answer(connection)
    with client(port) as late:
        late.sendall(GET % b"")
        late.settimeout(1.5)
        with pytest.raises(TimeoutError):
            late.recv(1)
        for connection in held:
            connection.close()
        late.settimeout(10)
        assert answer(late)[1] == b"hello"


def test_an_idle_connection_is_closed_in_time(serve: Serve) -> None:
    port, _ = serve("--keep-alive", "1")
    with client(port) as idle, client(port) as silent:
        idle.sendall(GET % b"")
        answer(idle)
        assert is_closed(idle, 4)
        assert is_closed(silent, 4)


def test_a_stream_is_sent_as_it_comes(serve: Serve) -> None:
    port, _ = serve()
    with client(port) as connection:
        began = time.monotonic()
        connection.sendall(GET % b"stream")
        found = http.client.HTTPResponse(connection)
        found.begin()
        assert found.read(5) == b"first"
        assert time.monotonic() - began < 0.8
        assert found.read() == b"second"


def test_a_file_comes_whole(serve: Serve) -> None:
    port, _ = serve()
    with client(port) as connection:
        connection.sendall(GET % b"file")
        assert answer(connection)[1] == b"f" * 100_000


def test_an_answer_without_a_body_has_its_head(serve: Serve) -> None:
    port, _ = serve()
    with client(port) as connection:
        connection.sendall(GET % b"nothing")
        found, text = answer(connection)
        assert (found.status, text, found.headers["ETag"]) == (304, b"", '"1"')
        connection.sendall(GET % b"")
        assert answer(connection)[1] == b"hello"


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", GET % b"fails"])
def test_what_fails_costs_its_own_connection_only(serve: Serve, sent: bytes) -> None:
    port, _ = serve("--log-level", "critical")
    for _ in range(4):  # more often than there are threads
        with client(port) as connection:
            connection.sendall(sent)
            assert answer(connection)[0].status in (400, 500)
            assert is_closed(connection, 5)
    with client(port) as connection:
        connection.sendall(GET % b"")
        assert answer(connection)[1] == b"hello"


def test_a_stop_answers_what_is_under_way(serve: Serve) -> None:
    port, process = serve()
    with client(port) as slow, client(port) as kept:
        kept.sendall(GET % b"")
        answer(kept)
        slow.sendall(GET % b"slow")
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        kept.sendall(GET % b"")  # was on its way when the stop came
        found, text = answer(kept)
        assert (text, found.headers["Connection"]) == (b"hello", "close")
        assert answer(slow)[1] == b"late"
    assert process.wait(8) == 0


def test_idle_connections_do_not_hold_up_a_stop(serve: Serve) -> None:
    port, process = serve()
    with client(port) as idle:
        idle.sendall(GET % b"")
        answer(idle)
        process.send_signal(signal.SIGTERM)
        assert process.wait(6) == 0
        assert is_closed(idle, 1)
