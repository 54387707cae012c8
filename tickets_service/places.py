"""A bounded number of places, for answers that hold a thread for long."""

import os
from collections.abc import Callable, Iterator
from threading import BoundedSemaphore, Lock


class Places:
    """Places of one process. A place that was taken is given back once, however often
    its release is called: at the end of an answer, and when its client has gone."""

    def __init__(self, places: int) -> None:
        self.free = BoundedSemaphore(places)
        self.places = places

    @classmethod
    def share(cls, part: int) -> "Places":
        """Return one place for every `part` threads of the process, at least one."""
        threads = int(os.environ.get("GUNICORN_THREADS") or 4)
        return cls(max(1, threads // part))

    def take(self) -> Callable[[], None] | None:
        """Return how to give the place back, None if there is none."""
        if not self.free.acquire(blocking=False):
            return None
        once = Lock()

        def give_back() -> None:
            if once.acquire(blocking=False):
                self.free.release()

        return give_back


def held(pieces: Iterator[bytes], give_back: Callable[[], None]) -> Iterator[bytes]:
    """Yield the pieces of an answer, its place given back at their end."""
    try:
        yield from pieces
    finally:
        give_back()
