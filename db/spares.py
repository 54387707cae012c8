"""Connections between two uses, handed on as they are.

SQLAlchemy's pool makes its objects anew for each use, which is a twentieth of a small
request's CPU. It still makes, counts and ends the connections: of those that it has
given out, the unused wait here, the last used first, as its caches are the warmest.
"""

import time
from threading import Lock
from typing import Any

import psycopg2
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

IDLE_S = 5.0  # a connection unused for longer is asked before it is trusted


class Spares:
    """The unused connections of one engine. Safe for threads; not for forks.

    As many as the pool keeps wait here; those above it, and those that another thread
    waits for at the pool, go back to it.
    """

    def __init__(self, engine: Engine) -> None:
        pool: Any = engine.pool
        self.engine = engine
        self.most: int = pool.size()
        self.unused: list[tuple[Connection, float]] = []
        self.waiting = 0
        self.lock = Lock()

    def take(self) -> Connection:
        """Return a connection without a transaction; raises as `engine.connect`."""
        while (found := self._pop()) is not None:
            connection, since = found
            if time.monotonic() - since < IDLE_S or lives(connection):
                return connection
            drop(connection)
        try:
            return self.engine.connect()
        finally:
            with self.lock:
                self.waiting -= 1

    def _pop(self) -> tuple[Connection, float] | None:
        with self.lock:
            if self.unused:
                return self.unused.pop()
            self.waiting += 1
            return None

    def give(self, connection: Connection) -> None:
        """Take a connection back. One that was lost takes the others along.

        They are as old as it is: after a restart of the server each would cost a
        request of its own to find out.
        """
        if is_lost(connection):
            drop(connection)
            self.clear()
            return
        with self.lock:
            is_kept = not self.waiting and len(self.unused) < self.most
            if is_kept:
                self.unused.append((connection, time.monotonic()))
        if not is_kept:
            connection.close()

    @property
    def in_use(self) -> int:
        """How many connections are in somebody's hands."""
        pool: Any = self.engine.pool
        return int(pool.checkedout()) - len(self.unused)

    def clear(self) -> None:
        """Give all up, as after the loss of one or at the end."""
        with self.lock:
            given_up, self.unused = self.unused, []
        for connection, _ in given_up:
            drop(connection)


def is_lost(connection: Connection) -> bool:
    """End what SQLAlchemy began, be it a commit that failed; tell of a lost server."""
    try:
        connection.rollback()
    except DBAPIError:
        return True
    if connection.invalidated:
        return True
    plain: Any = connection.connection.dbapi_connection
    return bool(plain.closed)


def drop(connection: Connection) -> None:
    connection.invalidate()
    connection.close()


def lives(connection: Connection) -> bool:
    """Ask the server for one row, outside of any transaction."""
    plain: Any = connection.connection
    try:
        with plain.cursor() as cursor:
            cursor.execute("SELECT 1")
        plain.rollback()
    except psycopg2.Error:
        return False
    return True
