"""Access to PostgreSQL: an engine that writes, one that can only read.

A process that names a `role` acts as that role, whoever it logged in as: either
the login is of that name already, or the connection starts with it.

Reads run on connections of their own that PostgreSQL holds to reading; there each
statement is its own transaction, which saves three round trips a request. A read of
several statements that must agree takes `snapshot()`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import orjson
import psycopg2
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from db.prepared import Preparing
from db.spares import Spares
from db.urls import normalised
from db.writing import Writer

CONNECT_TIMEOUT_S = 2
POOL_TIMEOUT_S = 3
READS, SNAPSHOT = "AUTOCOMMIT", "READ COMMITTED"


def engine_options(
    url: str,
    *,
    role: str | None = None,
    statement_timeout_ms: int = 5_000,
    pool_size: int = 5,
    reads: bool = False,
) -> dict[str, Any]:
    """Return the arguments of `create_engine` beside the URL.

    statement_timeout_ms: 0 switches it off (migrations, loads).
    reads: for the engine whose connections can only read.
    """
    settings = {
        "timezone": "UTC",
        "statement_timeout": str(statement_timeout_ms),
        "standard_conforming_strings": "on",
    }
    if role and normalised(url).username != role:
        settings["role"] = role
    if reads:
        settings["default_transaction_read_only"] = "on"
    options: dict[str, Any] = {
        "pool_size": pool_size,
        "max_overflow": 5,
        "pool_use_lifo": True,  # the server process used last has the warmest caches
        "pool_timeout": POOL_TIMEOUT_S,
        "connect_args": {
            "connect_timeout": CONNECT_TIMEOUT_S,
            "client_encoding": "UTF8",  # db/literals.py writes nothing else
            "options": " ".join(f"-c {k}={v}" for k, v in settings.items()),
            "application_name": role or "aiff",
        },
        "json_deserializer": orjson.loads,
        "use_native_hstore": False,  # spares a question per connection
    }
    options["connect_args"]["connection_factory"] = Preparing if reads else Writer
    if reads:
        options |= {"isolation_level": READS, "pool_reset_on_return": None}
    return options


class Database:
    """The two engines, with the three ways in which this project uses them."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self.engine = engine
        self.reader = reader
        self.writers = Spares(engine)
        self.readers = Spares(reader)

    @classmethod
    def at(cls, url: str, **options: Any) -> "Database":
        """Return a database at `url`; `options` as for `engine_options`."""
        address = normalised(url)
        return cls(
            create_engine(address, **engine_options(url, **options)),
            create_engine(address, **engine_options(url, reads=True, **options)),
        )

    def transaction(self) -> AbstractContextManager[Connection]:
        """Give a connection; commit on leaving, roll back if the block raises."""
        return Transaction(self.writers)

    def read_only(self) -> AbstractContextManager[Connection]:
        """Give a connection on which PostgreSQL itself refuses any write.

        Each statement sees what was committed when it began.
        """
        return Reading(self.readers)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Yield a read-only connection in one transaction (cursors, SET LOCAL)."""
        with self.read_only() as connection:
            connection.execution_options(isolation_level=SNAPSHOT)
            try:
                yield connection
            finally:
                if not connection.invalidated:
                    connection.rollback()
                    connection.execution_options(isolation_level=READS)

    def ping(self) -> None:
        """Ask for one row; raises OperationalError when there is no answer."""
        with self.read_only() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        self.writers.clear()
        self.readers.clear()
        self.engine.dispose()
        self.reader.dispose()


class Reading:
    """The connection of a block that only reads."""

    def __init__(self, spares: Spares) -> None:
        self.spares = spares

    def __enter__(self) -> Connection:
        self.connection = self.spares.take()
        return self.connection

    def __exit__(self, *_: object) -> None:
        self.spares.give(self.connection)


class Transaction:
    """The connection of a block and the transaction around it.

    That is the Writer's, so SQLAlchemy's own begins only when its own statements are
    used: a third of what a transaction costs in the process.
    """

    def __init__(self, spares: Spares) -> None:
        self.spares = spares

    def __enter__(self) -> Connection:
        self.connection = self.spares.take()
        return self.connection

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        try:
            if error is None:
                self._commit()
            else:
                roll_back(self.connection)
        except BaseException:
            roll_back(self.connection)
            raise
        finally:
            self.spares.give(self.connection)

    def _commit(self) -> None:
        if self.connection.in_transaction():
            self.connection.commit()
            return
        writer: Any = self.connection.connection.dbapi_connection
        with told(self.connection, "COMMIT"):
            writer.commit()


def tuples(
    connection: Connection,
    sql: str,
    values: Mapping[str, Any] | Sequence[Any],
    *,
    kept: bool = True,
) -> list[tuple[Any, ...]]:
    """Return the rows of a hot read as plain tuples.

    kept: whether the server keeps its plan, which then serves any values. Not for
    texts of which there are many, nor where the best plan depends on the values.

    SQLAlchemy's result describes every column anew for each query, which costs a
    third of a list; its errors are kept, so a lost server is told like elsewhere.
    """
    plain: Any = connection.connection.dbapi_connection
    cursor = plain.cursor()
    try:
        with told(connection, sql):
            if kept:
                cursor.execute(plain.call(sql, values, cursor))
            else:
                cursor.execute(sql, values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows
    finally:
        cursor.close()


def roll_back(connection: Connection) -> None:
    """Roll back what the Writer began; a connection that cannot is dropped."""
    if connection.invalidated:
        return
    try:
        connection.connection.rollback()
    except psycopg2.Error as error:
        connection.invalidate(error)


def is_fresh(connection: Connection) -> bool:
    """Whether nothing was sent in the connection's transaction yet."""
    writer: Any = connection.connection.dbapi_connection
    return not writer.is_open


class told:  # noqa: N801 - used like a function
    """Tell psycopg2's errors as SQLAlchemy does, and drop a lost connection."""

    def __init__(self, connection: Connection, sql: str) -> None:
        self.connection = connection
        self.sql = sql

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        if not isinstance(error, psycopg2.Error):
            return
        if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
            self.connection.invalidate(error)
        raise DBAPIError.instance(self.sql, None, error, psycopg2.Error) from error


def keep_plans(engine: Engine) -> None:
    """Have the server plan a statement that it keeps once, whatever its values.

    Otherwise it weighs the kept plan against one for the values, by estimates that a
    large table makes higher than the time planning takes: then it plans each time.
    """

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET plan_cache_mode = force_generic_plan")
        connection.commit()
