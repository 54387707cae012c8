"""Rows by COPY, and deltas taken out of their tables. Refuses to commit."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from tickets_service.statements import json_text


def some_of(table: str, batch: int) -> str:
    """Return the deletion of a batch of rows: nobody else changes those of a delta."""
    chosen = f"SELECT ctid FROM tickets.{table} LIMIT {batch}"  # noqa: S608
    return f"DELETE FROM tickets.{table} WHERE ctid = ANY (ARRAY({chosen}))"  # noqa: S608


def summed(columns: Iterable[str]) -> str:
    return ", ".join(f"sum({name})::bigint AS {name}" for name in columns)


def stage(
    connection: Connection,
    table: str,
    like: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Copy rows into a temporary table shaped like `like`."""
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS "  # noqa: S608
        f"SELECT {', '.join(columns)} FROM {like} WITH NO DATA"
    )
    copy_rows(connection, table, columns, rows)


def copy_rows(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """COPY rows into a table; dicts and lists of dicts go as JSON."""
    text = io.StringIO()
    for row in rows:
        text.write("\t".join(map(copy_text, row)))
        text.write("\n")
    text.seek(0)
    cursor: Any = connection.connection.cursor()
    cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", text)
    cursor.close()


ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def copy_text(value: Any) -> str:
    """Return a value as COPY's text format writes it."""
    if type(value) is int:
        return str(value)
    if value is None:
        return r"\N"
    if isinstance(value, bytes):
        return rf"\\x{value.hex()}"
    if isinstance(value, dict):
        value = json_text(value)
    elif isinstance(value, list | tuple):
        items = (str(v).replace("\\", r"\\").replace('"', r"\"") for v in value)
        value = "{" + ",".join(f'"{v}"' for v in items) + "}"
    return str(value).translate(ESCAPES)
