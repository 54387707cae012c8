"""The request's way to the database.

A POST with an Idempotency-Key runs in a transaction that is already open
(`service_kit.idempotency`); `transaction()` joins it, so that the write and the
memory of its answer are kept or lost together.
"""

from contextlib import AbstractContextManager, nullcontext

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection

from db.engine import Database, engine_options
from db.tables import METADATA
from db.urls import normalised
from service_kit.current import this_app, this_g
from service_kit.settings import Settings

READER = "reader"


def init_database(app: Flask, settings: Settings) -> None:
    """Give the app its engines, owned by Flask-SQLAlchemy."""
    url = normalised(settings.database_url)
    options = {
        reads: engine_options(
            settings.database_url,
            role=settings.role,
            statement_timeout_ms=settings.statement_timeout_ms,
            pool_size=settings.pool_size,
            reads=reads,
        )
        for reads in (False, True)
    }
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options[False]
    app.config["SQLALCHEMY_BINDS"] = {READER: {"url": url, **options[True]}}
    extension = SQLAlchemy(app, metadata=METADATA)
    with app.app_context():
        engines = extension.engines
        app.extensions["database"] = Database(engines[None], engines[READER])


def database() -> Database:
    """Return the current app's database."""
    found: Database = this_app().extensions["database"]
    return found


def transaction() -> AbstractContextManager[Connection]:
    """Yield the request's connection; leaving commits, raising rolls back."""
    joined: Connection | None = this_g().get("transaction")
    return database().transaction() if joined is None else nullcontext(joined)


def is_joined() -> bool:
    """Whether the request's transaction is an outer one, which alone can repeat it."""
    return this_g().get("transaction") is not None


def read_only() -> AbstractContextManager[Connection]:
    """Yield a connection on which PostgreSQL refuses any write."""
    return database().read_only()


def snapshot() -> AbstractContextManager[Connection]:
    """Yield a read-only connection in one transaction."""
    return database().snapshot()
