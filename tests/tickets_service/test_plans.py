"""Which lists have one best plan, whatever their values."""

from typing import Any

import pytest
from sqlalchemy import text

from db.engine import Database
from db.scope import Actor
from db.vocabulary import Role
from tests.tickets_service.conftest import Caller
from tickets_service.filters import TicketFilter
from tickets_service.ticket_queries import has_one_plan

ALL = Actor(1, Role.DISPATCHER)
ZONAL = Actor(1, Role.DISPATCHER, zones=("Johor",))
CASES: dict[str, tuple[Actor, dict[str, Any], bool]] = {
    "everything": (ALL, {}, True),
    "one status": (ALL, {"status": ["open"]}, True),
    "a status and a zone": (ALL, {"status": ["open"], "zone": ["Johor"]}, False),
    "a zone's dispatcher": (ZONAL, {}, True),
    "a zone's dispatcher and a status": (ZONAL, {"status": ["open"]}, False),
    "words": (ALL, {"q": "cable"}, False),
    "a tag": (ALL, {"tag": ["vip"]}, False),
    "a period": (ALL, {"created_from": "2026-01-01"}, False),
}


@pytest.mark.parametrize(
    ("actor", "wanted", "is_so"), list(CASES.values()), ids=list(CASES)
)
def test_lists_with_one_plan(actor: Actor, wanted: dict[str, Any], is_so: bool) -> None:
    assert has_one_plan(TicketFilter(**wanted), actor) is is_so


def test_the_newest_of_one_status_are_found_in_its_index(
    dispatcher: Caller, database: Database
) -> None:
    for n in range(3):
        ticket = dispatcher.open_ticket()
        if n:
            dispatcher.move(ticket, "cancel", note="twice")
    listed = dispatcher.get("/tickets?status=cancelled")["items"]
    assert [item["id"] for item in listed] == [3, 2]
    query = (
        "EXPLAIN SELECT id FROM tickets.tickets t WHERE t.deleted_at IS NULL "
        "AND t.status = 'open' ORDER BY t.created_at DESC, t.id DESC LIMIT 51"
    )
    with database.transaction() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        connection.execute(text("SET LOCAL enable_sort = off"))
        plan = " ".join(row[0] for row in connection.execute(text(query)))
    assert "ix_tickets_status" in plan
