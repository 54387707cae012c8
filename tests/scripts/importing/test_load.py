"""An export becomes tickets: all sound rows, once, judged by what was promised."""

import csv
import gzip
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from db.engine import Database
from scripts.importing import command
from tests.scripts.importing.boston import MAPPING, made_up_rows, row, write_csv
from tickets_service import rebuild_sla, rollup_verify

KL = ZoneInfo("Asia/Kuala_Lumpur")
ROWS = made_up_rows(120)
Import = Callable[..., tuple[int, str]]


@pytest.fixture
def bring_in(
    database: Database,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Import:
    """Return what imports rows and answers the exit code and what was said."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("AIFF_ENV", "development")

    def run(rows: list[dict[str, str]], *options: str) -> tuple[int, str]:
        path = write_csv(tmp_path / "export.csv.gz", rows)
        code = command.main(["--mapping", str(MAPPING), *options, str(path)])
        return code, capsys.readouterr().out

    return run


def rows_of(database: Database, sql: str) -> list[Any]:
    with database.transaction() as connection:
        return list(connection.execute(text(sql)).all())


def one(database: Database, sql: str) -> Any:
    return rows_of(database, sql)[0][0]


def test_every_sound_row_becomes_a_ticket(database: Database, bring_in: Import) -> None:
    code, said = bring_in(ROWS)
    assert code == 0
    assert "120 tickets created, 0 updated, 0 unchanged." in said
    counted = rows_of(
        database, "SELECT status, count(*) AS n FROM tickets.tickets GROUP BY 1"
    )
    expected = Counter(r["CASE_STATUS"].lower() for r in ROWS)
    assert {r.status: r.n for r in counted} == expected


def test_what_was_imported_obeys_the_rules_and_adds_up(
    database: Database, bring_in: Import
) -> None:
    bring_in(ROWS, "--batch", "50")
    with database.transaction() as connection:
        assert rebuild_sla.rebuild(connection) == []
        assert rollup_verify.verify(connection, KL) == []


def test_numbers_follow_the_file_without_gaps(
    database: Database, bring_in: Import
) -> None:
    bring_in(ROWS, "--batch", "50")
    numbered = rows_of(
        database, "SELECT id, external_ref FROM tickets.tickets ORDER BY id"
    )
    assert [tuple(r) for r in numbered] == [
        (n, r["CASE_ENQUIRY_ID"]) for n, r in enumerate(ROWS, 1)
    ]
    assert one(database, "SELECT value FROM tickets.counters") == 120


def test_the_verdict_is_by_the_promise(database: Database, bring_in: Import) -> None:
    bring_in(ROWS)

    def verdict(r: dict[str, str]) -> str | None:
        if not (r["TARGET_DT"] and r["CLOSED_DT"]):
            return None
        kept = datetime.fromisoformat(r["CLOSED_DT"]) <= datetime.fromisoformat(
            r["TARGET_DT"]
        )
        return "met" if kept else "missed"

    stored = rows_of(
        database, "SELECT external_ref, resolution_verdict FROM tickets.tickets"
    )
    assert {r.external_ref: r.resolution_verdict for r in stored} == {
        r["CASE_ENQUIRY_ID"]: verdict(r) for r in ROWS
    }


def test_times_are_those_of_the_source(database: Database, bring_in: Import) -> None:
    bring_in([row()])
    stored = rows_of(
        database,
        "SELECT created_at, opened_at, promised_at, resolution_due_at, completed_at, "
        "closed_at FROM tickets.tickets",
    )[0]
    opened = datetime.fromisoformat("2015-01-01T05:25:36+00:00")
    promised = datetime.fromisoformat("2015-01-16T13:30:00+00:00")
    closed = datetime.fromisoformat("2015-04-28T12:49:50+00:00")
    assert tuple(stored) == (opened, opened, promised, promised, closed, closed)


def test_crews_become_teams_and_neighborhoods_zones(
    database: Database, bring_in: Import
) -> None:
    bring_in(ROWS)
    crews = {r["QUEUE"] for r in ROWS}
    teams = rows_of(database, "SELECT external_ref, zone FROM auth.teams")
    assert {t.external_ref for t in teams} == crews
    zones = rows_of(
        database, "SELECT name, tz, lat FROM tickets.zones WHERE country = 'US'"
    )
    areas = {r["neighborhood"] or "Boston (no neighborhood)" for r in ROWS}
    assert {z.name for z in zones} == areas
    assert {z.tz for z in zones} == {"America/New_York"}
    assert all(42 < z.lat < 43 for z in zones)
    assert {t.zone for t in teams} <= areas


def test_importing_twice_changes_nothing_and_says_so(
    database: Database, bring_in: Import
) -> None:
    bring_in(ROWS)
    count = "SELECT count(*) FROM tickets.ticket_events"
    before = one(database, count)
    code, said = bring_in(ROWS)
    assert code == 0
    assert "0 tickets created, 0 updated, 120 unchanged." in said
    assert "Nothing is new." in said
    assert one(database, count) == before


def test_a_later_export_closes_what_was_open(
    database: Database, bring_in: Import
) -> None:
    is_open = {"CASE_STATUS": "Open", "CLOSED_DT": "", "CLOSURE_REASON": ""}
    bring_in([row(**is_open), *ROWS])
    code, said = bring_in([row(), *ROWS])
    assert code == 0
    assert "0 tickets created, 1 updated, 120 unchanged." in said
    stored = rows_of(
        database,
        "SELECT status, resolution_verdict, closed_at FROM tickets.tickets "
        "WHERE id = 1",
    )[0]
    closed = datetime.fromisoformat("2015-04-28T12:49:50+00:00")
    assert tuple(stored) == ("closed", "missed", closed)
    with database.transaction() as connection:
        assert rebuild_sla.rebuild(connection) == []
        assert rollup_verify.verify(connection, KL) == []


def test_what_people_here_changed_stays_when_the_row_says_nothing_new(
    database: Database, bring_in: Import
) -> None:
    bring_in([row()])
    with database.transaction() as connection:
        connection.execute(text("UPDATE tickets.tickets SET title = 'Ours'"))
    _, said = bring_in([row()])
    assert "1 unchanged" in said
    assert one(database, "SELECT title FROM tickets.tickets") == "Ours"


def test_a_row_that_says_something_new_changes_the_ticket(
    database: Database, bring_in: Import
) -> None:
    bring_in([row()])
    _, said = bring_in([row(CASE_TITLE="Lamp on fire", neighborhood="Roxbury")])
    assert "1 updated" in said
    assert one(database, "SELECT title FROM tickets.tickets") == "Lamp on fire"
    assert one(database, "SELECT zone FROM tickets.tickets") == "Roxbury"


def test_the_later_of_two_rows_about_one_ticket_counts(
    database: Database, bring_in: Import
) -> None:
    twice = [
        row(CASE_TITLE="first"),
        row(CASE_TITLE="second"),
        row(CASE_TITLE="second"),
    ]
    code, said = bring_in(twice)
    assert code == 0
    assert "1 tickets created, 1 updated" in said
    assert "2 rows told of a ticket that an earlier row had." in said
    assert one(database, "SELECT title FROM tickets.tickets") == "second"
    _, again = bring_in(twice)
    assert "0 tickets created, 0 updated, 1 unchanged." in again


def test_bad_rows_are_listed_with_line_and_reason_and_good_ones_kept(
    database: Database, bring_in: Import, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    bad = [row(CASE_ENQUIRY_ID="9", OPEN_DT="soon"), row(CASE_ENQUIRY_ID="")]
    code, said = bring_in([*ROWS[:3], *bad, *ROWS[3:6]], "--rejects", str(rejects))
    assert code == 1
    assert "6 tickets created" in said
    assert "2 bad rows:" in said
    assert "line 5 (9): opened_at: not a time: 'soon'" in said
    assert "line 6: external_ref: is empty" in said
    with rejects.open() as file:
        listed = list(csv.DictReader(file))
    assert [(r["line"], r["external_ref"]) for r in listed] == [("5", "9"), ("6", "")]
    assert one(database, "SELECT count(*) FROM tickets.tickets") == 6


def test_a_row_with_too_few_fields_is_bad(
    database: Database,
    database_url: str,
    tmp_path: Path,
    bring_in: Import,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = write_csv(tmp_path / "short.csv", ROWS[:2])
    path.write_text(path.read_text() + "1,2,3\n")
    assert command.main(["--mapping", str(MAPPING), str(path)]) == 1
    assert "line 4: has 3 fields where the header has 20" in capsys.readouterr().out
    assert one(database, "SELECT count(*) FROM tickets.tickets") == 2


def test_a_dry_run_tells_and_writes_nothing(
    database: Database, bring_in: Import
) -> None:
    code, said = bring_in(ROWS, "--dry-run")
    assert code == 0
    assert "120 tickets would be created" in said
    assert one(database, "SELECT count(*) FROM tickets.tickets") == 0
    assert one(database, "SELECT count(*) FROM tickets.zones WHERE country = 'US'") == 0


def test_an_import_that_was_stopped_goes_on(
    database: Database, bring_in: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scripts.importing import load

    whole = load.write

    def write_once(*given: Any) -> None:
        whole(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(load, "write", write_once)
    code, _ = bring_in(ROWS, "--batch", "50")
    assert code == 130
    assert one(database, "SELECT count(*) FROM tickets.tickets") == 50
    monkeypatch.setattr(load, "write", whole)
    _, said = bring_in(ROWS, "--batch", "50")
    assert "70 tickets created, 0 updated, 50 unchanged." in said
    with database.transaction() as connection:
        assert rollup_verify.verify(connection, KL) == []


def test_a_file_without_a_column_is_refused_before_the_first_row(
    database: Database,
    bring_in: Import,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "other.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("a,b\n1,2\n")
    assert command.main(["--mapping", str(MAPPING), str(path)]) == 2
    assert "no column CASE_ENQUIRY_ID" in capsys.readouterr().err
    none = tmp_path / "none.csv"
    assert command.main(["--mapping", str(MAPPING), str(none)]) == 2


def test_a_zone_of_another_country_is_not_taken_over(
    database: Database, bring_in: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO tickets.zones (name, country, tz) "
                "VALUES ('Roxbury', 'GB', 'Europe/London')"
            )
        )
    code, _ = bring_in([row(neighborhood="Roxbury")])
    assert code == 2
    assert one(database, "SELECT count(*) FROM tickets.tickets") == 0


def test_two_imports_do_not_run_at_once(database: Database, bring_in: Import) -> None:
    from scripts.importing.load import one_at_a_time

    with one_at_a_time(database):
        code, _ = bring_in(ROWS)
    assert code == 2
