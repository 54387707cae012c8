"""The table that remembers answered POSTs, one per schema, all of one shape."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from db.base import Base


def idempotency_table(schema: str) -> Table:
    """Return `<schema>.idempotency_keys`.

    user_id is 0 for callers without an account. body_sha256 covers method, path
    and body. The row is written by the transaction of the write it answers for.
    """
    return Table(
        "idempotency_keys",
        Base.metadata,
        Column("user_id", BigInteger, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("body_sha256", LargeBinary, nullable=False),
        Column("status", SmallInteger, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column[datetime](
            "created_at",
            DateTime(timezone=True),
            nullable=False,
            server_default=func.now(),
            index=True,
        ),
        schema=schema,
    )
