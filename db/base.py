"""What every table has in common."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, DateTime, Identity, MetaData, Text, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CheckConstraint

# Alembic can only drop a constraint that has a name.
NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        int: BigInteger(),
        str: Text(),
    }


class Identified:
    """A row with a number of its own and the instant at which it was made."""

    id: Mapped[int] = mapped_column(Identity(always=False), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


def one_of(column: str, kind: type[StrEnum]) -> CheckConstraint:
    """Return the CHECK that holds text column `column` to the words of `kind`.

    NULL passes, where the column may be NULL. One list is read quicker than many
    constants, and PostgreSQL reads it anew for every statement.
    """
    words = ",".join(word.value for word in kind)
    return CheckConstraint(f"{column} = ANY ('{{{words}}}'::text[])", name=column)
