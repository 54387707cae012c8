"""Rows of a query as bytes, by COPY in PostgreSQL's binary form.

Histograms are a megabyte for the teams of a large desk; as hexadecimal digits, the only
form an ordinary answer has for bytes, they cost more than the query. For reads that
return much of it and little else.
"""

import io
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg2
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

HEADER = 11 + 4  # the signature and the flags; then the length of an extension
COUNT, SIZE = struct.Struct(">h"), struct.Struct(">i")
Field = memoryview | None


def copied(
    connection: Connection, query: str, values: Mapping[str, Any]
) -> Iterator[list[Field]]:
    """Yield the rows of a query as the bytes of their fields, None for NULL."""
    found = io.BytesIO()
    cursor: Any = connection.connection.cursor()
    try:
        sql = cursor.mogrify(query, values).decode()
        cursor.copy_expert(f"COPY ({sql}) TO STDOUT (FORMAT binary)", found)
    except psycopg2.Error as error:
        if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
            connection.invalidate(error)
        raise DBAPIError.instance(query, None, error, psycopg2.Error) from error
    finally:
        cursor.close()
    return rows_in(found.getbuffer())


def rows_in(data: memoryview) -> Iterator[list[Field]]:
    """Yield the rows of a binary copy; a count of -1 ends them."""
    (extension,) = SIZE.unpack_from(data, HEADER)
    at = HEADER + SIZE.size + extension
    while True:
        (n_fields,) = COUNT.unpack_from(data, at)
        at += COUNT.size
        if n_fields < 0:
            return
        row: list[Field] = []
        for _ in range(n_fields):
            (size,) = SIZE.unpack_from(data, at)
            at += SIZE.size
            row.append(None if size < 0 else data[at : at + size])
            at += max(size, 0)
        yield row
