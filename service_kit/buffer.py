"""What requests leave behind, sent on a few times a second: log lines, figures.

A write for each line wakes its reader in the midst of the next request. Only for what
may be lost: a process that is killed takes that of the last moment along.
"""

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

EVERY_S = 0.2
T = TypeVar("T")


class Buffer(Generic[T]):
    """Takes items from any thread; one thread of its own sends them, in their order.

    The thread begins with the first item, in the process that has it: a service is
    loaded before its workers are forked.
    """

    def __init__(self, send: Callable[[list[T]], object]) -> None:
        self.send = send
        self.items: deque[T] = deque()
        self.waiting = threading.Event()
        self.starting = threading.Lock()
        self.process = 0
        atexit.register(self.flush)

    def add(self, item: T) -> None:
        self.items.append(item)
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
        while self.items:
            found.append(self.items.popleft())
        if found:
            self.send(found)

    def _run(self) -> None:
        while self.waiting.wait():
            time.sleep(EVERY_S)
            self.waiting.clear()
            self.flush()
