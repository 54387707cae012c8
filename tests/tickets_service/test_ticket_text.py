"""A ticket's stored text says the same as its row, for every reader and state."""

from typing import Any

import orjson
import pytest
from sqlalchemy import Connection

from db.engine import Database
from service_kit.answers import to_json
from service_kit.clock import utc_now
from tests.tickets_service.conftest import Caller
from tickets_service import ticket_json, ticket_text
from tickets_service.books import Shelf, StoredBook
from tickets_service.text_filling import fill_texts

CUSTOMER = {"name": 'Ali "the \\ cable" binti', "phone": "+60 12", "email": None}
LIVES: dict[str, list[dict[str, Any]]] = {
    "open": [],
    "in progress": [{"action": "start"}],
    "paused": [{"action": "start"}, {"action": "hold", "reason": "awaiting_parts"}],
    "completed": [{"action": "start"}, {"action": "complete"}],
    "cancelled": [{"action": "cancel", "note": "by mistake"}],
    "reopened": [{"action": "start"}, {"action": "complete"}, {"action": "reopen"}],
}


def both(connection: Connection, *, contacts: bool) -> tuple[Any, Any]:
    """Return what the text of ticket 1 says, and what its columns say."""
    now, book = utc_now(), StoredBook(connection, Shelf())
    row = connection.exec_driver_sql(
        f"SELECT {ticket_json.SELECTED} FROM tickets.tickets t WHERE t.id = 1"
    ).one()
    short = connection.exec_driver_sql(
        f"SELECT {ticket_text.SELECTED} FROM tickets.tickets t WHERE t.id = 1"
    ).one()
    assert ticket_text.is_current(short)
    text = ticket_text.ticket_text(short, now, book.calendar, contacts=contacts)
    columns = ticket_json.ticket_json(row, now, book.calendar, contacts=contacts)
    return orjson.loads(text), orjson.loads(to_json(columns))


@pytest.mark.parametrize("contacts", [True, False], ids=["unmasked", "masked"])
@pytest.mark.parametrize("moves", list(LIVES.values()), ids=list(LIVES))
def test_the_text_says_what_the_columns_say(
    dispatcher: Caller,
    database: Database,
    moves: list[dict[str, Any]],
    contacts: bool,
) -> None:
    place = {"lat": 3.1, "lon": 101.7}
    ticket = dispatcher.open_ticket(
        customer=CUSTOMER, coordinates=place, tags=["a b", "ü"], description='"\\\n'
    )
    for move in moves:
        dispatcher.post(f"/tickets/{ticket['id']}/transitions", move, 200)
    with database.read_only() as connection:
        text, columns = both(connection, contacts=contacts)
    assert text == columns


def spoil(database: Database, what: str) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE tickets.tickets SET {what}")


@pytest.mark.parametrize(
    "what",
    ["body_json = NULL, sla_json = NULL", "version = version + 1, title = 'Newer'"],
    ids=["without texts", "written by an older release"],
)
def test_a_text_that_is_not_the_rows_is_made_anew(
    dispatcher: Caller, database: Database, what: str
) -> None:
    dispatcher.open_ticket()
    spoil(database, what)
    with database.read_only() as connection:
        row = connection.exec_driver_sql(
            "SELECT title, version FROM tickets.tickets"
        ).one()
    one, [listed] = dispatcher.get("/tickets/1"), dispatcher.get("/tickets")["items"]
    assert (one["title"], one["version"]) == tuple(row)
    assert {k: one[k] for k in one if k != "sla"} == {
        k: listed[k] for k in listed if k != "sla"
    }


def test_the_worker_writes_the_texts_that_are_missing(
    dispatcher: Caller, database: Database
) -> None:
    dispatcher.open_ticket()
    dispatcher.move(dispatcher.open_ticket(), "cancel", note="twice")
    query = "SELECT id, body_json, sla_json FROM tickets.tickets ORDER BY id"
    with database.read_only() as connection:
        before = connection.exec_driver_sql(query).all()
    spoil(database, "body_json = NULL, sla_json = NULL")
    with database.transaction() as connection:
        assert fill_texts(connection, Shelf()) == 2
        assert fill_texts(connection, Shelf()) == 0
        assert connection.exec_driver_sql(query).all() == before
