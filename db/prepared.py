"""Connections that let PostgreSQL keep the plans of the statements sent most.

Parsing and planning a ticket's writes costs the server as much as doing them. A
statement sent through here is prepared once per connection, by its text. Only for
texts of which there are few: what a client makes up belongs to `execute`.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from psycopg2.extensions import connection, cursor

from db.literals import literals

MOST = 200  # plans kept per connection; the oldest makes room
MARK = re.compile(r"%\((\w+)\)s|%s|%%")


@lru_cache(maxsize=4_096)
def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """Return psycopg2's SQL with PostgreSQL's $1, $2 …, and what each stands for.

    That is a name, or "%s" for the next value. The same name twice is one number.
    """
    marks: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found.group() == "%%":
            return "%"
        mark = found.group(1) or "%s"
        if mark == "%s" or mark not in marks:
            marks.append(mark)
            return f"${len(marks)}"
        return f"${1 + marks.index(mark)}"

    return MARK.sub(number, sql), tuple(marks)


class Preparing(connection):
    """A connection that knows what it has prepared. Dies with its plans."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._names: dict[str, bytes] = {}
        self._made = 0

    def call(
        self, sql: str, values: Sequence[Any] | Mapping[str, Any], plain: cursor
    ) -> bytes:
        """Return what to send in place of `sql` with its values.

        plain: a cursor of this connection.
        """
        name = self._names.get(sql) or self._prepare(sql)
        _, marks = numbered(sql)
        if not marks:
            return b"EXECUTE " + name
        if isinstance(values, Mapping):
            values = [values[mark] for mark in marks]
        return b"EXECUTE " + name + literals(values, plain)

    def _prepare(self, sql: str) -> bytes:
        """Prepare a statement; return its name. Plans outlive the transaction."""
        text, _ = numbered(sql)
        self._made += 1
        name = f"aiff_{self._made}"
        with super().cursor(cursor_factory=cursor) as plain:
            if len(self._names) >= MOST:
                oldest = self._names.pop(next(iter(self._names)))
                plain.execute(b"DEALLOCATE " + oldest)
            plain.execute(f"PREPARE {name} AS {text}")
        self._names[sql] = name.encode()
        return self._names[sql]
