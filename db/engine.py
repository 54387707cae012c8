"""Access to PostgreSQL: one engine per process, two ways to open a connection.

A process that names a `role` writes as that role, whoever it logged in as:
either the login is of that name already, or the connection starts with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text

from db.urls import normalised

CONNECT_TIMEOUT_S = 2
POOL_TIMEOUT_S = 3


def engine_options(
    url: str,
    *,
    role: str | None = None,
    statement_timeout_ms: int = 5_000,
    pool_size: int = 5,
) -> dict[str, Any]:
    """Return the arguments of `create_engine` beside the URL.

    statement_timeout_ms: 0 switches it off (migrations, loads).
    """
    options = f"-c timezone=UTC -c statement_timeout={statement_timeout_ms}"
    if role and normalised(url).username != role:
        options += f" -c role={role}"
    return {
        "pool_pre_ping": True,
        "pool_size": pool_size,
        "max_overflow": 5,
        "pool_timeout": POOL_TIMEOUT_S,
        "connect_args": {
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": options,
            "application_name": role or "aiff",
        },
    }


class Database:
    """An engine with the two ways in which this project uses it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def at(cls, url: str, **options: Any) -> "Database":
        """Return a database at `url`; `options` as for `engine_options`."""
        return cls(create_engine(normalised(url), **engine_options(url, **options)))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Yield a connection; commit on leaving, roll back if the block raises."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read_only(self) -> Iterator[Connection]:
        """Yield a connection on which PostgreSQL itself refuses any write."""
        with self.engine.connect() as connection:
            connection.execution_options(postgresql_readonly=True)
            yield connection

    def ping(self) -> None:
        """Ask for one row; raises OperationalError when there is no answer."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()
