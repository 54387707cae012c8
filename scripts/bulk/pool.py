"""Work on both cores: a function over pieces, in fresh processes, results in order."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.pool import AsyncResult, Pool
from typing import Any, Protocol, TypeVar

AHEAD = 3  # pieces under way per process
Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Work(Protocol):
    """Applies a function to pieces, in order."""

    def __call__(
        self, function: Callable[[Any], Result], pieces: Iterable[Any]
    ) -> Iterator[Result]: ...


def in_this_process(
    function: Callable[[Piece], Result], pieces: Iterable[Piece]
) -> Iterator[Result]:
    return map(function, pieces)


@contextmanager
def workers(
    prepare: Callable[..., None],
    arguments: tuple[Any, ...],
    *,
    count: int | None = None,
) -> Iterator[Work]:
    """Yield what maps a function over pieces; `prepare` runs once in each process.

    count: processes; by default as many as there are cores. With one, everything
    happens in this process.
    """
    count = count or len(os.sched_getaffinity(0))
    if count <= 1:
        prepare(*arguments)
        yield in_this_process
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(count, ready, (prepare, arguments)) as pool:
        yield Ahead(pool, AHEAD * count)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Maps in a pool, no more than `most` pieces ahead of who takes the results."""

    pool: Pool
    most: int

    def __call__(
        self, function: Callable[[Any], Result], pieces: Iterable[Any]
    ) -> Iterator[Result]:
        under_way: deque[AsyncResult[Result]] = deque()
        for piece in pieces:
            under_way.append(self.pool.apply_async(function, (piece,)))
            if len(under_way) >= self.most:
                yield under_way.popleft().get()
        while under_way:
            yield under_way.popleft().get()


def ready(prepare: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who asked
    prepare(*arguments)
