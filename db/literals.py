"""Values as the literals of an EXECUTE, where the plan knows the type of each.

psycopg2 makes an object for each value that it quotes, which took an eighth of a
write's CPU. Here are the few plain types that rows are made of; any other is left to
psycopg2. Needs `standard_conforming_strings` and UTF-8 (db/engine.py sets both): a
backslash is a backslash, and a quote the only character that ends a text.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from psycopg2.extensions import cursor


def quoted(text: str) -> str:
    """Return a text literal; raises ValueError for what PostgreSQL cannot hold."""
    if "\0" in text:
        raise ValueError("A text cannot contain NUL (0x00) characters.")
    return "'" + text.replace("'", "''") + "'"


LITERALS: dict[type[Any], Callable[[Any], str]] = {
    type(None): lambda _: "NULL",
    bool: lambda value: "true" if value else "false",
    int: str,
    str: quoted,
    datetime: lambda value: f"'{value.isoformat()}'",
    date: lambda value: f"'{value.isoformat()}'",
}


def literals(values: Sequence[Any], plain: cursor) -> bytes:
    """Return the values as a list in brackets. plain: quotes what is not known here."""
    writer = LITERALS.get
    found = [
        write(value) if (write := writer(type(value))) else other(value, plain)
        for value in values
    ]
    return f"({', '.join(found)})".encode()


def other(value: Any, plain: cursor) -> str:
    """Return a literal of another type; words of a vocabulary are known from now on."""
    if isinstance(value, str):
        LITERALS[type(value)] = quoted
        return quoted(value)
    return plain.mogrify("%s", (value,)).decode()
