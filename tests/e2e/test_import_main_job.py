"""The main job on real input: an export comes in, and every page answers on it.

The whole system runs as `make run` starts it; the importer runs as a person runs
it; every question goes through the gateway, and every count is compared with a
recount of the file made here from its text. Always on a file made here; on the
real records too where they lie beside the repository.
"""

import csv
import gzip
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
import requests

from auth_service.make_admin import make_admin
from db.engine import Database
from scripts.local.stack import Stack
from tests.conftest import REAL_DATA
from tests.scripts.importing.boston import MAPPING, made_up_rows, row, write_csv

pytestmark = pytest.mark.stack
PROJECT = Path(__file__).resolve().parents[2]
REAL = REAL_DATA / "boston311_2015_asof_2015-09-01.csv.gz"
NEW_YORK = ZoneInfo("America/New_York")
NOBODYS = "Boston (no neighborhood)"
PASSWORD = "a long and quiet password"
PERIOD = {"from": "2015-01-01", "to": "2015-08-31"}


@dataclass(frozen=True)
class Recount:
    """What the file itself says, counted from its text."""

    rows: list[dict[str, str]]

    def by_zone(self) -> Counter[str]:
        return Counter(r["neighborhood"] or NOBODYS for r in self.rows)

    def by_status(self) -> Counter[str]:
        return Counter(r["CASE_STATUS"].lower() for r in self.rows)

    def created_on(self) -> Counter[str]:
        return Counter(r["OPEN_DT"][:10] for r in self.rows)

    def closed_on(self) -> Counter[str]:
        """Count closings by day; a device behind by seconds closes at the opening."""
        ended = (max(r["CLOSED_DT"], r["OPEN_DT"]) for r in self.rows if r["CLOSED_DT"])
        return Counter(at[:10] for at in ended)

    def verdicts(self) -> Counter[str]:
        """Count promises kept and broken, those overdue and still open as broken."""
        now = datetime.now(UTC).astimezone(NEW_YORK).replace(tzinfo=None)
        counted: Counter[str] = Counter()
        for r in self.rows:
            if r["TARGET_DT"]:
                due = datetime.fromisoformat(r["TARGET_DT"])
                end = r["CLOSED_DT"] and datetime.fromisoformat(r["CLOSED_DT"])
                is_judged = bool(end) or due < now
                if is_judged:
                    counted["met" if end and end <= due else "missed"] += 1
        return counted


@dataclass
class Imported:
    """A running system that has taken in a file."""

    stack: Stack
    path: Path
    truth: Recount
    said: str
    token: str = ""

    def get(self, path: str, **query: Any) -> Any:
        answer = requests.get(
            f"{self.stack.gateway_url}{path}",
            params=query,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text + self.stack.log[-3000:]
        return answer.json()

    def log_in(self) -> None:
        answer = requests.post(
            f"{self.stack.gateway_url}/api/auth/login",
            json={"username": "chief", "password": PASSWORD},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]


def rows_of(path: Path) -> list[dict[str, str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def made_up_file(folder: Path) -> Path:
    """Write 900 rows, among them what the real file has: ends before beginnings."""
    late_clock = row(
        CASE_ENQUIRY_ID="1",
        OPEN_DT="2015-02-01 10:00:30",
        TARGET_DT="2015-02-03 08:30:00",
        CLOSED_DT="2015-02-01 10:00:00",
    )
    return write_csv(folder / "made_up.csv.gz", [late_clock, *made_up_rows(899)])


def run_importer(stack: Stack, path: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command of docs/importing.md."""
    script = PROJECT / "scripts" / "import_tickets.py"
    return subprocess.run(
        [sys.executable, str(script), "--mapping", str(MAPPING), str(path)],
        env={**os.environ, **stack.values, "DATABASE_URL": stack.database_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=1_200,
    )


@pytest.fixture(scope="module", params=["made up", "real"])
def imported(request: pytest.FixtureRequest) -> Iterator[Imported]:
    if request.param == "real" and not REAL.exists():
        pytest.skip("the real records are not beside the repository")
    # Not below pytest's own folder: a second pytest closes that to nginx.
    with tempfile.TemporaryDirectory(prefix="aiff-import-") as place:
        folder = Path(place)
        path = REAL if request.param == "real" else made_up_file(folder)
        settings = {"ORG_TIMEZONE": NEW_YORK.key}
        with Stack.started(folder / "var", settings) as stack:
            yield imported_into(stack, path)


def imported_into(stack: Stack, path: Path) -> Imported:
    """Import a file as a person does; log in as an admin made by the command's way."""
    done = run_importer(stack, path)
    assert done.returncode == 0, done.stdout + done.stderr + stack.log[-6000:]
    database = Database.at(stack.database_url)
    make_admin(database, "chief", "chief@example.com", PASSWORD)
    database.close()
    system = Imported(stack, path, Recount(rows_of(path)), done.stdout)
    system.log_in()
    return system


def test_every_row_is_in(imported: Imported) -> None:
    total = len(imported.truth.rows)
    assert f"{total:,} tickets created, 0 updated, 0 unchanged." in imported.said
    seconds = int(imported.said.splitlines()[-1].removesuffix(" s."))
    print(f"{total:,} rows in {seconds} s")


def test_the_list_counts_and_finds_them(imported: Imported) -> None:
    truth = imported.truth
    page = imported.get("/api/tickets", total="true", limit=1)
    assert page["page"]["total"] == len(truth.rows)
    for zone, count in truth.by_zone().most_common(3):
        page = imported.get("/api/tickets", zone=zone, total="true", limit=1)
        assert page["page"]["total"] == count


def test_the_list_can_be_walked_to_its_end(imported: Imported) -> None:
    zone, count = imported.truth.by_zone().most_common()[-1]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = imported.get("/api/tickets", zone=zone, limit=50, **cursor)
        seen += [ticket["external_ref"] for ticket in page["items"]]
        if not page["page"]["next"]:
            break
        cursor = {"cursor": page["page"]["next"]}
    expected = {
        r["CASE_ENQUIRY_ID"]
        for r in imported.truth.rows
        if (r["neighborhood"] or NOBODYS) == zone
    }
    assert len(seen) == count
    assert set(seen) == expected


def test_a_ticket_says_what_its_row_says(imported: Imported) -> None:
    told = next(
        r
        for r in imported.truth.rows
        if r["TARGET_DT"] and r["CLOSED_DT"] > r["OPEN_DT"]
    )
    ref = told["CASE_ENQUIRY_ID"]
    (ticket,) = imported.get("/api/tickets", external_ref=ref)["items"]
    assert ticket["status"] == "closed"
    assert ticket["zone"] == (told["neighborhood"] or NOBODYS)
    assert local(ticket["opened_at"]) == told["OPEN_DT"]
    assert local(ticket["closed_at"]) == told["CLOSED_DT"]
    resolution = imported.get(f"/api/tickets/{ticket['id']}")["sla"]["resolution"]
    assert resolution["state"] == (
        "met" if told["CLOSED_DT"] <= told["TARGET_DT"] else "missed"
    )
    kinds = [
        event["kind"]
        for event in imported.get(f"/api/tickets/{ticket['id']}/history")["items"]
    ]
    assert {"ticket.created", "ticket.completed", "ticket.closed"} <= set(kinds)


def local(instant: str) -> str:
    at = datetime.fromisoformat(instant).astimezone(NEW_YORK)
    return at.replace(tzinfo=None).isoformat(" ", "seconds")


def test_the_statistics_equal_a_recount(imported: Imported) -> None:
    truth = imported.truth
    found = imported.get("/api/tickets/stats/summary")
    assert found["total"] == len(truth.rows)
    assert found["by_zone"] == truth.by_zone()
    by_status = {status: n for status, n in found["by_status"].items() if n}
    assert by_status == truth.by_status()
    verdicts = truth.verdicts()
    ratio = verdicts["met"] / verdicts.total()
    assert found["sla_met_ratio"] == pytest.approx(ratio, abs=0.0001)


def test_performance_equals_a_recount(imported: Imported) -> None:
    truth = imported.truth
    found = imported.get("/api/analytics/performance", by="zone", **PERIOD)
    overall = found["overall"]
    assert overall["created"]["value"] == len(truth.rows)
    assert overall["completed"]["value"] == truth.by_status()["closed"]
    assert overall["backlog"]["value"] == truth.by_status()["open"]
    by_zone = {g["key"]: g["created"]["value"] for g in found["groups"]}
    assert {zone: n for zone, n in by_zone.items() if n} == truth.by_zone()


@pytest.mark.parametrize("metric", ["created", "completed"])
def test_trends_equal_a_recount_day_by_day(imported: Imported, metric: str) -> None:
    truth = imported.truth
    expected = truth.created_on() if metric == "created" else truth.closed_on()
    found = imported.get(
        "/api/analytics/trends", metric=metric, granularity="day", **PERIOD
    )
    by_day = {point["at"][:10]: point["value"] for point in found["series"]}
    assert {day: n for day, n in by_day.items() if n} == expected
    assert found["trend"]["method"]


def test_zones_equal_a_recount(imported: Imported) -> None:
    truth = imported.truth
    found = imported.get("/api/analytics/zones", **PERIOD)
    by_zone = {item["zone"]: item["created"]["value"] for item in found["items"]}
    assert {zone: n for zone, n in by_zone.items() if n} == truth.by_zone()


def test_a_zone_with_a_slash_in_its_name_has_its_page(imported: Imported) -> None:
    zone = "South Boston / South Boston Waterfront"
    path = f"/api/analytics/zones/{quote(zone, safe='')}"
    found = imported.get(path, **PERIOD)
    assert found["created"]["value"] == imported.truth.by_zone()[zone]


def test_the_forecast_answers(imported: Imported) -> None:
    zone = imported.truth.by_zone().most_common(1)[0][0]
    found = imported.get("/api/analytics/forecast", zone=zone, horizon_days=14)
    assert len(found["points"]) == 14
    assert found["model"]
    for point in found["points"]:
        assert 0 <= point["lo95"] <= point["lo80"] <= point["hi80"] <= point["hi95"]


def test_importing_again_changes_nothing_and_says_so(imported: Imported) -> None:
    before = imported.get("/api/tickets/stats/summary")
    done = run_importer(imported.stack, imported.path)
    assert done.returncode == 0, done.stderr
    total = len(imported.truth.rows)
    assert f"0 tickets created, 0 updated, {total:,} unchanged." in done.stdout
    after = imported.get("/api/tickets/stats/summary")
    assert after | {"as_of": None} == before | {"as_of": None}
