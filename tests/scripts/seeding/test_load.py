"""Example data obey every rule, add up, and come whole or not at all."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from auth_service.passwords import Hasher
from db.engine import Database
from db.vocabulary import Role
from scripts.seeding import command
from scripts.seeding.load import Made, Wish, seed
from tickets_service import rebuild_sla, rollup_verify

KL = ZoneInfo("Asia/Kuala_Lumpur")
UNTIL = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)  # an afternoon
HASH = Hasher().hash("quiet river stone")


def wish(tickets: int = 150, copies: int = 1) -> Wish:
    return Wish(0.1, tickets, UNTIL, 25, KL, HASH, copies)


def seeded(database: Database, wanted: Wish) -> Made:
    with database.transaction() as connection:
        return seed(connection, wanted, lambda _: None)


def one(database: Database, sql: str) -> object:
    with database.transaction() as connection:
        return connection.execute(text(sql)).scalar()


def test_what_is_made_obeys_the_rules_and_adds_up(database: Database) -> None:
    made = seeded(database, wish())
    assert made.tickets >= 150
    with database.transaction() as connection:
        assert rebuild_sla.rebuild(connection) == []
        assert rollup_verify.verify(connection, KL) == []


def test_numbers_have_no_gaps_and_the_counter_follows(database: Database) -> None:
    made = seeded(database, wish())
    assert one(database, "SELECT max(id) FROM tickets.tickets") == made.tickets
    assert one(database, "SELECT count(*) FROM tickets.tickets") == made.tickets
    counter = "SELECT value FROM tickets.counters WHERE name = 'ticket'"
    assert one(database, counter) == made.tickets


def test_ids_of_visits_and_comments_go_on_after_it(database: Database) -> None:
    seeded(database, wish())
    for table in ("assignments", "comments"):
        last = one(database, f"SELECT max(id) FROM tickets.{table}")
        assert one(database, f"SELECT nextval('tickets.{table}_id_seq')") == last + 1  # type: ignore[operator]


def test_there_is_an_account_for_every_role_with_the_password(
    database: Database,
) -> None:
    seeded(database, wish())
    with database.read_only() as connection:
        rows = connection.execute(
            text("SELECT username, role, password_hash FROM auth.users ORDER BY id")
        ).all()
    assert [(r.username, r.role) for r in rows[:6]] == [(r, r) for r in Role]
    assert Hasher().matches(rows[0].password_hash, "quiet river stone")


def test_the_technician_account_has_work_in_its_team(database: Database) -> None:
    seeded(database, wish(600))
    assert one(
        database,
        "SELECT EXISTS (SELECT FROM tickets.tickets t JOIN auth.users u "
        "USING (team_id) WHERE u.username = 'technician')",
    )


def test_some_work_is_left_unfinished(database: Database) -> None:
    seeded(database, wish(600))
    with database.read_only() as connection:
        rows = connection.execute(
            text("SELECT status, count(*) FROM tickets.tickets GROUP BY 1")
        )
        by_status = {row[0]: row[1] for row in rows}
    assert {
        "open",
        "in_progress",
        "on_hold",
        "completed",
        "closed",
        "cancelled",
    } == set(by_status)


def test_more_can_be_added_to_what_is_there(database: Database) -> None:
    first, second = seeded(database, wish()), seeded(database, wish())
    total = first.tickets + second.tickets
    assert one(database, "SELECT max(id) FROM tickets.tickets") == total
    assert one(database, "SELECT count(*) FROM auth.users") == first.people
    with database.transaction() as connection:
        assert rebuild_sla.rebuild(connection) == []
        assert rollup_verify.verify(connection, KL) == []


def test_copies_obey_the_rules_as_their_originals_do(database: Database) -> None:
    made = seeded(database, wish(450, copies=3))
    assert made.tickets == 450
    assert one(database, "SELECT max(id) FROM tickets.tickets") == 450
    with database.transaction() as connection:
        assert rebuild_sla.rebuild(connection) == []
        assert rollup_verify.verify(connection, KL) == []


def test_a_stop_half_way_leaves_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("scripts.bulk.parcels.fold_figures", stopped)
    with pytest.raises(KeyboardInterrupt):
        seeded(database, wish())
    assert one(database, "SELECT count(*) FROM tickets.tickets") == 0
    assert one(database, "SELECT count(*) FROM auth.users") == 0


@pytest.fixture
def told(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Database:
    """Return the database that the command line is told to work on."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("AIFF_ENV", "development")
    monkeypatch.delenv("AIFF_DEV_PASSWORD", raising=False)
    monkeypatch.delenv("SEED_SCALE", raising=False)
    return database


SMALL = ("--scale", "0.1", "--tickets", "60", "--days", "20", "--until", "2026-03-01")


def test_the_command_makes_data_and_says_what(
    told: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(SMALL) == 0
    said = capsys.readouterr().out
    assert "Made 6" in said
    assert "fieldforce-dev" in said


def test_a_database_with_something_in_it_is_left_alone(
    told: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(SMALL) == 0
    before = one(told, "SELECT count(*) FROM tickets.tickets")
    assert command.main(SMALL) == 2
    assert "--append" in capsys.readouterr().err
    assert one(told, "SELECT count(*) FROM tickets.tickets") == before
    assert command.main([*SMALL, "--reset"]) == 0
    assert one(told, "SELECT count(*) FROM tickets.tickets") == before


def test_the_same_day_gives_the_same_rows(told: Database) -> None:
    rows = (
        "SELECT md5(string_agg(to_jsonb(t)::text, ',' ORDER BY id)) "
        "FROM tickets.tickets t"
    )
    assert command.main(SMALL) == 0
    first = one(told, rows)
    assert command.main([*SMALL, "--reset"]) == 0
    assert one(told, rows) == first


def test_a_published_password_is_refused_outside_development(
    told: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIFF_ENV", "production")
    assert command.main(SMALL) == 2
    assert "AIFF_DEV_PASSWORD" in capsys.readouterr().err
    assert one(told, "SELECT count(*) FROM auth.users") == 0


@pytest.mark.parametrize("scale", ["0", "-1", "many", "1e9"])
def test_a_scale_that_makes_no_sense_is_refused(scale: str) -> None:
    with pytest.raises(SystemExit):
        command.main(["--scale", scale])


@pytest.mark.parametrize(
    ("tickets", "copies"),
    [
        pytest.param(15_000, 1, id="few enough to differ"),
        pytest.param(100_000, 5, id="a hundred thousand"),
        pytest.param(1_000_000, 50, id="a million"),
    ],
)
def test_copies_divide_the_number_of_tickets(tickets: int, copies: int) -> None:
    assert command.copies_for(tickets) == copies
