"""Who sees which tickets: one table for the row in hand and for the SQL condition."""

import pytest
from sqlalchemy import text
from sqlalchemy.sql import column, literal, select, values
from sqlalchemy.types import BigInteger, Text

from db.engine import Database
from db.scope import Actor, masked, may_see_ticket, sees_contacts, visible_tickets
from db.vocabulary import Role

ROWS = [
    (1, 10, "Johor", 5),
    (2, 11, "Johor", 6),
    (3, None, "Perak", 5),
    (4, 10, "Perak", 7),
]
CASES = [
    pytest.param(Actor(1, Role.ADMIN), {1, 2, 3, 4}, id="an admin sees all"),
    pytest.param(Actor(1, Role.VIEWER), {1, 2, 3, 4}, id="a viewer sees all"),
    pytest.param(Actor(1, Role.MANAGER), {1, 2, 3, 4}, id="a manager without zones"),
    pytest.param(
        Actor(1, Role.MANAGER, zones=("Perak",)), {3, 4}, id="a manager of a zone"
    ),
    pytest.param(
        Actor(1, Role.DISPATCHER, zones=()), set(), id="a dispatcher of no zone"
    ),
    pytest.param(
        Actor(1, Role.TECHNICIAN, team_id=10), {1, 4}, id="a technician's team"
    ),
    pytest.param(Actor(1, Role.TECHNICIAN), set(), id="a technician without a team"),
    pytest.param(Actor(5, Role.REQUESTER), {1, 3}, id="a requester sees their own"),
]


@pytest.mark.parametrize(("actor", "seen"), CASES)
def test_the_row_in_hand(actor: Actor, seen: set[int]) -> None:
    found = {
        n
        for n, team, zone, by in ROWS
        if may_see_ticket(actor, team_id=team, zone=zone, created_by=by)
    }
    assert found == seen


@pytest.mark.parametrize(("actor", "seen"), CASES)
def test_the_condition_says_the_same(
    owner: Database, actor: Actor, seen: set[int]
) -> None:
    table = values(
        column("id", BigInteger),
        column("team_id", BigInteger),
        column("zone", Text),
        column("created_by", BigInteger),
        name="t",
    ).data(ROWS)
    condition = visible_tickets(
        actor, team_id=table.c.team_id, zone=table.c.zone, created_by=table.c.created_by
    )
    with owner.read_only() as connection:
        assert set(connection.scalars(select(table.c.id).where(condition))) == seen


def test_an_aggregate_without_creators_hides_all_from_requesters(
    owner: Database,
) -> None:
    condition = visible_tickets(
        Actor(5, Role.REQUESTER), team_id=literal(1), zone=literal("x"), created_by=None
    )
    with owner.read_only() as connection:
        assert connection.scalar(select(text("1")).where(condition)) is None


def test_only_viewers_get_masked_contacts() -> None:
    assert {r for r in Role if not sees_contacts(Actor(1, r))} == {Role.VIEWER}
    assert masked("Aminah") == "A••••"
    assert masked(None) is None
