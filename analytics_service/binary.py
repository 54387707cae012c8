"""Rows of a query as bytes, by COPY in PostgreSQL's binary form.

Histograms are a megabyte for the teams of a large desk; as hexadecimal digits, the only
form an ordinary answer has for bytes, they cost more than the query. For reads that
return much of it and little else.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg2
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

HEADER = 11 + 4  # the signature and the flags; then the length of an extension
COUNT, SIZE = struct.Struct(">h"), struct.Struct(">i")
Field = bytes | None


class Messages(list[bytes]):
    """What the server sends, unjoined: one message a row, by the protocol.

    The first begins with the header; the last is the count that ends them.
    """

    write = list.append


def copied(
    connection: Connection, query: str, values: Mapping[str, Any]
) -> Iterator[list[Field]]:
    """Yield the rows of a query as the bytes of their fields, None for NULL."""
    found = Messages()
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
    return rows_in(found)


def rows_in(messages: Sequence[bytes]) -> Iterator[list[Field]]:
    """Yield the rows of a binary copy; a count of -1 ends them."""
    (extension,) = SIZE.unpack_from(messages[0], HEADER)
    at = HEADER + SIZE.size + extension
    for message in messages:
        (n_fields,) = COUNT.unpack_from(message, at)
        if n_fields < 0:
            return
        yield fields_in(message, at + COUNT.size, n_fields)
        at = 0


def fields_in(message: bytes, at: int, n_fields: int) -> list[Field]:
    row: list[Field] = []
    for _ in range(n_fields):
        (size,) = SIZE.unpack_from(message, at)
        at += SIZE.size
        row.append(None if size < 0 else message[at : at + size])
        at += max(size, 0)
    return row
