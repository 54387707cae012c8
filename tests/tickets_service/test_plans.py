"""Which lists have one best plan, whatever their values."""

from collections.abc import Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from db.engine import Database
from db.scope import Actor
from db.vocabulary import UNFINISHED, Role
from service_kit.clock import utc_now
from tests.tickets_service.conftest import Caller
from tickets_service.filters import TicketFilter, conditions
from tickets_service.ticket_queries import SORTS, has_one_plan

ALL = Actor(1, Role.DISPATCHER)
ZONAL = Actor(1, Role.DISPATCHER, zones=("Johor",))
TWO_ZONES = Actor(1, Role.DISPATCHER, zones=("Johor", "Perlis"))
TECHNICIAN = Actor(1, Role.TECHNICIAN, team_id=4)
CASES: dict[str, tuple[Actor, dict[str, Any], bool]] = {
    "everything": (ALL, {}, True),
    "two statuses": (ALL, {"status": ["open", "on_hold"]}, False),
    "a dispatcher of two zones": (TWO_ZONES, {}, False),
    "a team's technician": (TECHNICIAN, {}, True),
    "a team's technician and a status": (TECHNICIAN, {"status": ["open"]}, False),
    "one status": (ALL, {"status": ["open"]}, True),
    "a status and a zone": (ALL, {"status": ["open"], "zone": ["Johor"]}, False),
    "a zone's dispatcher": (ZONAL, {}, True),
    "a zone's dispatcher and a status": (ZONAL, {"status": ["open"]}, False),
    "what is unfinished": (ALL, {"status": UNFINISHED}, True),
    "what is unfinished in a zone": (ZONAL, {"status": UNFINISHED}, False),
    "words": (ALL, {"q": "cable"}, False),
    "a tag": (ALL, {"tag": ["vip"]}, False),
    "a period": (ALL, {"created_from": "2026-01-01"}, False),
}


@pytest.mark.parametrize(
    ("actor", "wanted", "is_so"), list(CASES.values()), ids=list(CASES)
)
def test_lists_with_one_plan(actor: Actor, wanted: dict[str, Any], is_so: bool) -> None:
    assert has_one_plan(TicketFilter(**wanted), actor, SORTS["created_at"]) is is_so


def test_another_order_has_one_plan_only_without_a_condition() -> None:
    by = SORTS["updated_at"]
    assert has_one_plan(TicketFilter(), ALL, by)
    assert not has_one_plan(TicketFilter(status=UNFINISHED), ALL, by)
    assert has_one_plan(TicketFilter(status=UNFINISHED), ALL, SORTS["due_at"])
    assert not has_one_plan(TicketFilter(status=["open"]), ALL, by)
    assert not has_one_plan(TicketFilter(), ZONAL, by)


def test_what_is_kept_is_planned_once(tickets_app: Flask) -> None:
    database: Database = tickets_app.extensions["database"]
    with database.read_only() as connection:
        mode = connection.execute(text("SHOW plan_cache_mode")).scalar()
    assert mode == "force_generic_plan"


def test_the_newest_of_one_status_are_found_in_its_index(
    dispatcher: Caller, database: Database
) -> None:
    for n in range(3):
        ticket = dispatcher.open_ticket()
        if n:
            dispatcher.move(ticket, "cancel", note="twice")
    listed = dispatcher.get("/tickets?status=cancelled")["items"]
    assert [item["id"] for item in listed] == [3, 2]
    assert "ix_tickets_status" in plan_of(database, {"status": ["cancelled"]})


@pytest.mark.parametrize(
    ("order", "index"),
    [("created_at", "created"), ("due_at", "due"), ("priority", "priority")],
)
def test_what_is_at_work_is_listed_out_of_its_own_indexes(
    dispatcher: Caller, database: Database, order: str, index: str
) -> None:
    dispatcher.open_ticket()
    for status in (["open", "in_progress", "on_hold"], ["open", "on_hold"]):
        plan = plan_of(database, {"status": status}, order)
        assert f"ix_tickets_unfinished_{index}" in plan, plan


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({"tag": ["vip"]}, "tags"),
        ({"completed_from": utc_now()}, "completed_at"),
        ({"completed_to": utc_now()}, "completed_at"),
    ],
)
def test_what_not_all_have_is_found_in_the_index_of_those(
    database: Database, wanted: dict[str, Any], index: str
) -> None:
    plan = plan_of(database, wanted, dear=("seqscan", "indexscan"))
    assert f"Bitmap Index Scan on ix_tickets_{index}" in plan, plan


def plan_of(
    database: Database,
    wanted: dict[str, Any],
    order: str = "created_at",
    dear: Sequence[str] = ("seqscan", "sort"),
) -> str:
    """Return how a list would be read if these ways were dear."""
    where, values = conditions(TicketFilter(**wanted), ALL, utc_now())
    query = (
        f"EXPLAIN SELECT id FROM tickets.tickets t WHERE {where} "
        f"ORDER BY t.{SORTS[order].column}, t.id LIMIT 51"
    )
    with database.transaction() as connection:
        for way in dear:
            connection.execute(text(f"SET LOCAL enable_{way} = off"))
        return " ".join(row[0] for row in connection.exec_driver_sql(query, values))
