"""Writes the texts of tickets that a release before the texts has left without.

They are made from the row as it stands, so nothing else of it changes.
"""

from sqlalchemy import Connection

from tickets_service import ticket_json
from tickets_service.books import Shelf, StoredBook
from tickets_service.ticket_text import texts_of

BATCH = 200
WITHOUT = (
    f"SELECT {ticket_json.SELECTED} FROM tickets.tickets t "  # noqa: S608
    f"WHERE t.body_json IS NULL ORDER BY t.id LIMIT {BATCH} FOR UPDATE SKIP LOCKED"
)
WRITE = (
    "UPDATE tickets.tickets SET body_json = %(body_json)s, sla_json = %(sla_json)s "
    "WHERE id = %(id)s"
)


def fill_texts(connection: Connection, shelf: Shelf) -> int:
    """Write the texts of a batch; return how many tickets it had."""
    book = StoredBook(connection, shelf)
    rows = connection.exec_driver_sql(WITHOUT).all()
    for row in rows:
        columns = dict(zip(ticket_json.COLUMNS, row, strict=True))
        texts = texts_of(columns, book.calendar)
        connection.exec_driver_sql(WRITE, {"id": columns["id"], **texts})
    return len(rows)
