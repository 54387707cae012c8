"""PostgreSQL, not good manners, keeps each service out of the others' tables."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from db.engine import Database
from db.tables import METADATA, ROLES, SCHEMAS

TABLES = [t.fullname for t in METADATA.sorted_tables]
FOREIGN = [(s, t) for s in SCHEMAS for t in TABLES if not t.startswith(f"{s}.")]
VIEWS = [
    "auth.live_sessions",
    "auth.live_api_keys",
    "auth.public_keys",
    "auth.team_directory",
    "auth.user_directory",
    "tickets.ticket_facts",
    "tickets.visit_facts",
    "tickets.event_facts",
    "tickets.zone_directory",
    "tickets.daily_figures",
]


def as_role(url: str, schema: str) -> Database:
    return Database.at(url, role=ROLES[schema])


@pytest.mark.parametrize(("schema", "table"), FOREIGN)
@pytest.mark.parametrize("verb", ["SELECT 1 FROM", "DELETE FROM", "TRUNCATE"])
def test_a_service_cannot_touch_the_tables_of_another(
    owner: Database, database_url: str, schema: str, table: str, verb: str
) -> None:
    with owner.engine.connect() as connection:
        connection.execute(text(f"SET LOCAL ROLE {ROLES[schema]}"))
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text(f"{verb} {table}"))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("schema", ["analytics", "ai"])
def test_analytics_and_ai_read_the_contract_views(
    owner: Database, schema: str, view: str
) -> None:
    with owner.engine.connect() as connection:
        connection.execute(text(f"SET LOCAL ROLE {ROLES[schema]}"))
        connection.execute(text(f"SELECT * FROM {view} LIMIT 1"))


def test_a_service_starts_as_its_role(owner: Database, database_url: str) -> None:
    database = as_role(database_url, "tickets")
    with database.read_only() as connection:
        assert connection.scalar(text("SELECT current_user")) == "aiff_tickets"
    database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tickets.ticket_events SET kind = 'x'",
        "DELETE FROM tickets.ticket_events",
        "DELETE FROM auth.audit_events",
    ],
)
def test_history_is_append_only_even_for_the_owner(
    owner: Database, statement: str
) -> None:
    with (
        owner.engine.connect() as connection,
        pytest.raises(ProgrammingError, match="append-only"),
    ):
        connection.execute(text(statement))
