"""Lines that requests write, sent on a few times a second.

A write for each line wakes its reader in the midst of the next request. Only for
lines that may be lost: a process that is killed takes those of the last moment along.
"""

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable

EVERY_S = 0.2


class LineBuffer:
    """Takes lines from any thread; one thread of its own sends them, in their order.

    The thread begins with the first line, in the process that writes it: a service
    is loaded before its workers are forked.
    """

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self.send = send
        self.lines: deque[bytes] = deque()
        self.waiting = threading.Event()
        self.starting = threading.Lock()
        self.process = 0
        atexit.register(self.flush)

    def add(self, line: bytes) -> None:
        self.lines.append(line)
        if not self.waiting.is_set():
            self._wake()

    def _wake(self) -> None:
        with self.starting:
            if self.process != os.getpid():
                self.process = os.getpid()
                threading.Thread(target=self._run, daemon=True).start()
        self.waiting.set()

    def flush(self) -> None:
        """Send what there is."""
        found = []
        while self.lines:
            found.append(self.lines.popleft())
        if found:
            self.send(b"\n".join([*found, b""]))

    def _run(self) -> None:
        while self.waiting.wait():
            time.sleep(EVERY_S)
            self.waiting.clear()
            self.flush()
