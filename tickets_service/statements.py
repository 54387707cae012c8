"""Batches of writes: their texts prepared once per connection, sent in one round trip.

A new ticket's number is taken by the statement that writes the ticket: the counter is
locked while the server works, and never while it waits for us. Refuses to decide.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from db.engine import told
from db.writing import Writer
from service_kit.answers import to_json
from service_kit.errors import Conflict
from tickets_service.books import STATE_OF_POLICIES
from tickets_service.rows import VISIT_COLUMNS
from tickets_service.ticket_state import VisitState

JSON_COLUMNS = frozenset({"memo", "changes", "data", "extra"})
TAKEN = {
    "uq_tickets_external_ref": ("external_ref_taken", "This external_ref is taken."),
    "uq_assignments_running": (
        "technician_busy",
        "The technician is on another visit: end that one first.",
    ),
    "uq_assignments_live": ("visit_exists", "The ticket has a live visit already."),
}
MOST_ROWS = 4
OUTDATED = "policies_changed"
# Stands for the number that a new ticket takes in the same statement.
NUMBER = "(SELECT value FROM taken)"
# No number when the policies are not those that the ticket was decided by.
TAKE_NUMBER = (
    "UPDATE tickets.counters SET value = CASE WHEN "  # noqa: S608
    f"(%s, %s) = ({STATE_OF_POLICIES}) THEN value + 1 END WHERE name = 'ticket' "
    "RETURNING value"
)


@lru_cache(maxsize=1_024)
def insert_sql(
    table: str, columns: tuple[str, ...], new: int | None = None, rows: int = 1
) -> str:
    """Return the statement of some rows. new: the place of a new ticket's number."""
    marks = ", ".join(NUMBER if n == new else "%s" for n in range(len(columns)))
    values = ", ".join([f"({marks})"] * rows)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values}"  # noqa: S608


@lru_cache(maxsize=1_024)
def update_sql(table: str, columns: tuple[str, ...]) -> str:
    pairs = ", ".join(f"{name} = %s" for name in columns)
    return f"UPDATE {table} SET {pairs} WHERE id = %s"  # noqa: S608


class Statements:
    """A batch of statements that goes to the server in one round trip."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        writer: Any = connection.connection.dbapi_connection
        self.writer: Writer = writer
        self.cursor: Any = writer.cursor()
        self.parts: list[bytes] = []

    def add(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Add a statement whose text is one of few."""
        with told(self.connection, sql):  # the text may have to be prepared first
            self.parts.append(self.writer.call(sql, values, self.cursor))

    def insert(
        self, table: str, columns: tuple[str, ...], rows: Iterable[Sequence[Any]]
    ) -> None:
        """Add rows, a few in a statement, so that there are few texts."""
        waiting = list(rows)
        while waiting:
            taken, waiting = waiting[:MOST_ROWS], waiting[MOST_ROWS:]
            values = [
                json_text(value) if name in JSON_COLUMNS else value
                for row in taken
                for name, value in zip(columns, row, strict=True)
                if value is not NUMBER
            ]
            new = next((n for n, v in enumerate(taken[0]) if v is NUMBER), None)
            self.add(insert_sql(table, columns, new, len(taken)), values)

    def update(self, table: str, changed: Mapping[str, Any], row_id: int) -> None:
        values = [
            json_text(value) if name in JSON_COLUMNS else value
            for name, value in changed.items()
        ]
        self.add(update_sql(table, tuple(changed)), [*values, row_id])

    def upsert_visit(self, ticket_id: Any, visit: VisitState) -> None:
        values = [getattr(visit, name) for name in VISIT_COLUMNS]
        new = ticket_id is NUMBER
        sql = insert_sql(
            "tickets.assignments", ("ticket_id", *VISIT_COLUMNS), 0 if new else None
        )
        pairs = ", ".join(f"{c} = excluded.{c}" for c in VISIT_COLUMNS if c != "id")
        self.add(
            f"{sql} ON CONFLICT (id) DO UPDATE SET {pairs}",
            values if new else [ticket_id, *values],
        )

    def run(self) -> None:
        """Send the batch; raises Conflict where two rows want one place."""
        if self.parts:
            self._send(self.cursor.execute)

    def leave(self) -> None:
        """Let the batch go with the transaction's next statement, or its COMMIT.

        Only for what no constraint can refuse: nobody would know why any more.
        """
        if self.parts:
            self.writer.leave(b";\n".join(self.parts))

    def _send(self, send: Callable[[bytes], None]) -> None:
        try:
            with told(self.connection, "a batch of writes"):
                send(b";\n".join(self.parts))
        except IntegrityError as error:
            raise_if_taken(error)
            raise


class NumberedStatement(Statements):
    """What is written of a new ticket, as one statement that takes its number too."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.texts: list[str] = []
        self.values: list[Any] = []

    def add(self, sql: str, values: Sequence[Any] = ()) -> None:
        self.texts.append(sql)
        self.values += values

    def finish(self, policies: tuple[int, int]) -> int:
        """Send it as the last of its transaction; return the number taken."""
        parts = [f"p{n} AS ({text})" for n, text in enumerate(self.texts)]
        taken = f"taken AS ({TAKE_NUMBER})"
        given = ", ".join([taken, *parts])
        text = f"WITH {given} SELECT value FROM taken"  # noqa: S608
        super().add(text, [*policies, *self.values])
        self._send(self.cursor.finish)
        return int(self.cursor.fetchone()[0])


def raise_if_taken(error: IntegrityError) -> None:
    diagnosis: Any = getattr(error.orig, "diag", None)
    name = getattr(diagnosis, "constraint_name", None)
    if name in TAKEN:
        code, text = TAKEN[name]
        raise Conflict(text, code=code) from error
    if getattr(diagnosis, "table_name", None) == "counters":
        raise Conflict(
            "The SLA policies have just changed: send it again.", code=OUTDATED
        ) from error


def json_text(value: Any) -> str:
    return to_json(value).decode()
