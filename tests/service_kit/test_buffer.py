"""Lines are sent together, soon, all of them and in their order."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from service_kit.buffer import Buffer


class Reader:
    """What the lines are sent to; says when something came."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.came = threading.Event()

    def take(self, lines: list[bytes]) -> None:
        self.sent.append(b"".join(line + b"\n" for line in lines))
        self.came.set()


def test_lines_of_a_moment_are_sent_together_by_themselves() -> None:
    reader = Reader()
    buffer = Buffer(reader.take)
    buffer.add(b"one")
    buffer.add(b"two")
    assert reader.came.wait(5)
    assert b"".join(reader.sent) == b"one\ntwo\n"


def test_a_line_after_a_rest_is_sent_too() -> None:
    reader = Reader()
    buffer = Buffer(reader.take)
    for line in (b"one", b"two"):
        buffer.add(line)
        assert reader.came.wait(5)
        reader.came.clear()
    assert reader.sent == [b"one\n", b"two\n"]


def test_no_line_of_many_threads_is_lost() -> None:
    reader = Reader()
    buffer = Buffer(reader.take)

    def write(writer: int) -> None:
        for n in range(500):
            buffer.add(f"{writer}:{n}".encode())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    buffer.flush()
    until = time.monotonic() + 5
    while len(lines := b"".join(reader.sent).decode().split()) < 4_000:
        assert time.monotonic() < until
        time.sleep(0.01)
    for writer in range(8):
        own = [line for line in lines if line.startswith(f"{writer}:")]
        assert sorted(own) == sorted(f"{writer}:{n}" for n in range(500))


def test_what_waits_is_sent_when_the_process_ends() -> None:
    program = (
        "import sys; from service_kit.buffer import Buffer; "
        "Buffer(sys.stdout.writelines).add('last words')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True
    )
    assert done.stdout == b"last words"
