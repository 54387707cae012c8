"""Connections that let PostgreSQL keep the plans of the statements sent most.

Parsing and planning a ticket's writes costs the server as much as doing them. A
statement sent through here is prepared once per connection, by its text. Only for
texts of which there are few: what a client makes up belongs to `execute`.
"""

import re
from functools import lru_cache
from typing import Any

from psycopg2.extensions import connection, cursor

MOST = 200  # plans kept per connection; the oldest makes room
MARK = re.compile(r"%\((\w+)\)s|%s|%%")


@lru_cache(maxsize=4_096)
def numbered(sql: str) -> tuple[str, str]:
    """Return psycopg2's SQL with PostgreSQL's $1, $2 …, and the list of its values.

    The same name twice is the same number.
    """
    marks: list[str] = []

    def number(found: re.Match[str]) -> str:
        mark = found.group()
        if mark == "%%":
            return "%"
        if mark == "%s" or mark not in marks:
            marks.append(mark)
            return f"${len(marks)}"
        return f"${1 + marks.index(mark)}"

    text = MARK.sub(number, sql)
    return text, f"({', '.join(marks)})" if marks else ""


class Preparing(connection):
    """A connection that knows what it has prepared. Dies with its plans."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._calls: dict[str, str] = {}
        self._made = 0

    def call_of(self, sql: str) -> str:
        """Return what to send in place of `sql`, with the same values."""
        call = self._calls.get(sql)
        if call is not None:
            return call
        text, values = numbered(sql)
        self._made += 1
        name = f"aiff_{self._made}"
        # Plans outlive the transaction, also one that fails.
        with super().cursor(cursor_factory=cursor) as plain:
            if len(self._calls) >= MOST:
                oldest = self._calls.pop(next(iter(self._calls)))
                plain.execute(f"DEALLOCATE {oldest.split('(')[0].split()[1]}")
            plain.execute(f"PREPARE {name} AS {text}")
        self._calls[sql] = f"EXECUTE {name}{values}"
        return self._calls[sql]
