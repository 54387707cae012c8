"""Database URLs as people write them, made fit for SQLAlchemy with psycopg2."""

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

DRIVER = "postgresql+psycopg2"
ACCEPTED = {"postgres", "postgresql", "postgresql+psycopg", DRIVER}


def normalised(url: str) -> URL:
    """Return `url` for psycopg2, whichever PostgreSQL spelling it came in.

    Raises ValueError, without repeating the password, for anything else.
    """
    try:
        parsed = make_url(url.strip())
    except ArgumentError as error:
        raise ValueError("DATABASE_URL is not a database URL") from error
    if parsed.drivername not in ACCEPTED:
        raise ValueError(
            f"DATABASE_URL must begin with postgresql://, not {parsed.drivername}://"
        )
    if not parsed.database:
        raise ValueError("DATABASE_URL names no database")
    return parsed.set(drivername=DRIVER)
