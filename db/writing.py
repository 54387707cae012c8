"""A connection whose transactions cost no round trips of their own.

psycopg2 sends BEGIN and COMMIT by themselves: two trips, and two times in which a
lock is held while nothing is done. Here BEGIN goes with the first statement, what is
left for the end goes with COMMIT, and a transaction that is one batch needs neither.
Refuses to read: rows of a batch are those of its last statement.
"""

from typing import Any

from psycopg2.extensions import TRANSACTION_STATUS_IDLE, cursor

from db.prepared import Preparing

BEGIN, COMMIT, ROLLBACK = b"BEGIN", b"COMMIT", b"ROLLBACK"


class Writer(Preparing):
    """Autocommit to psycopg2; the transactions are ours."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.autocommit = True
        self.cursor_factory = WriterCursor
        self.left: list[bytes] = []

    @property
    def is_open(self) -> bool:
        """Whether the server is in a transaction of ours, a failed one included."""
        return self.get_transaction_status() != TRANSACTION_STATUS_IDLE

    def leave(self, statement: bytes) -> None:
        """Keep a statement for the next trip, at the latest that of COMMIT."""
        self.left.append(statement)

    def take(self, *, begin: bool) -> list[bytes]:
        """Return what must go before a statement: BEGIN if need be, and what was left.

        begin: whether the transaction is to stay open afterwards.
        """
        taken, self.left = self.left, []
        if begin and not self.is_open:
            taken.insert(0, BEGIN)
        return taken

    def commit(self) -> None:
        if self.is_open:
            self._send([*self.take(begin=False), COMMIT])
        elif self.left:
            self._send(self.take(begin=False))  # one batch is one transaction

    def rollback(self) -> None:
        self.left.clear()
        if self.closed == 0 and self.is_open:
            self._send([ROLLBACK])

    def _send(self, statements: list[bytes]) -> None:
        with super().cursor(cursor_factory=cursor) as plain:
            plain.execute(b";\n".join(statements))


class WriterCursor(cursor):
    """Sends what belongs before a statement together with it."""

    connection: Writer

    def execute(self, query: Any, values: Any = None) -> None:
        self._with_head(query, values, begin=True)

    def finish(self, query: Any, values: Any = None) -> None:
        """Execute the last statement of a transaction; it commits if it is the first.

        Only what is safe to be committed before its caller says so.
        """
        self._with_head(query, values, begin=self.connection.is_open)

    def executemany(self, query: Any, values: Any) -> None:
        self._head_alone()
        super().executemany(query, values)

    def copy_expert(self, query: Any, file: Any, size: int = 8192) -> None:
        self._head_alone()
        super().copy_expert(query, file, size)

    def _with_head(self, query: Any, values: Any, *, begin: bool) -> None:
        head = self.connection.take(begin=begin)
        if not head:
            super().execute(query, values)
            return
        sql = self.mogrify(query, values) if values is not None else query
        sql = sql.encode() if isinstance(sql, str) else sql
        super().execute(b";\n".join([*head, sql]))

    def _head_alone(self) -> None:
        head = self.connection.take(begin=True)
        if head:
            super().execute(b";\n".join(head))
