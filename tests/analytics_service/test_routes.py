"""The endpoints over HTTP: shapes, scope, drill-down, CSV, refusals."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from analytics_service.metrics import figure_names
from db.engine import Database
from tests.actors import token_for
from tests.analytics_service.conftest import ReadAs, Reader, World
from tests.analytics_service.histories import KL

PATHS = ("/performance", "/trends", "/zones", "/zones/Johor", "/aging", "/sla")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_says_when_and_in_which_time_zone(
    admin: Reader, path: str
) -> None:
    answer = admin.get(path)
    assert answer["as_of"].endswith("Z")
    assert answer["time_zone"] == "Asia/Kuala_Lumpur"


def figures_in(answer: Any) -> Iterator[dict[str, Any]]:
    """Yield every figure anywhere in an answer."""
    if isinstance(answer, dict):
        if "tickets_url" in answer and "n" in answer:
            yield answer
        for value in answer.values():
            yield from figures_in(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from figures_in(value)


ASKED = (
    "/performance?by=team&compare=previous",
    "/performance?by=technician",
    "/performance?by=zone&category=repair",
    "/performance?by=category&zone=Johor,Perak",
    "/performance?by=priority&from={month_ago}&to={week_ago}",
    "/zones",
    "/aging",
    "/aging?from={month_ago}&to={week_ago}&zone=Johor",
    "/sla",
    "/sla?priority=urgent,high&from={month_ago}",
)
ROLES: dict[str, dict[str, Any]] = {
    "admin": {},
    "manager": {"zones": ["Johor", "Perak"]},
    "technician": {"team": True},
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", ASKED)
def test_a_figure_leads_to_exactly_the_rows_that_it_counts(
    read_as: ReadAs, world: World, path: str, role: str
) -> None:
    person = dict(ROLES[role])
    if person.pop("team", False):
        person["team_id"] = min(world.teams)
    reader = read_as(role, **person)
    seen: dict[str, int] = {}
    for figure in figures_in(reader.get(path.format(**days(world)))):
        url = figure["tickets_url"]
        if url is None:
            assert figure["n"] == 0
            continue
        if url not in seen:
            seen[url] = len(reader.rows(url))
        assert seen[url] == figure["n"], (figure, path)
    assert len(seen) > 3


def days(world: World) -> dict[str, str]:
    def before(n: int) -> str:
        return (world.now - timedelta(days=n)).astimezone(KL).date().isoformat()

    return {"week_ago": before(7), "month_ago": before(40), "today": before(0)}


@pytest.mark.parametrize(
    "path", ["/performance", "/trends", "/zones", "/aging", "/sla"]
)
@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("from=2026-03-02&to=2026-03-01", "from"),
        ("from=0000-01-01", "from"),
        ("to=0001-01-01", "to"),
        ("from=2015-01-01&to=2026-01-01", "from"),
        ("from=yesterday", "from"),
        ("to=9999-12-31", "to"),
        ("zone=Atlantis", "zone"),
        ("zone=Johor,,Perak", "zone"),
        ("team_id=99999", "team_id"),
        ("team_id=one", "team_id"),
        ("category=plumbing", "category"),
        ("priority=whenever", "priority"),
        ("colour=red", "colour"),
    ],
)
def test_a_bad_filter_is_refused_by_name(
    admin: Reader, path: str, query: str, named: str
) -> None:
    assert named in admin.refused(f"{path}?{query}")


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/performance?by=colour", "by"),
        ("/performance?compare=next", "compare"),
        ("/trends?metric=happiness", "metric"),
        ("/trends?granularity=hour", "granularity"),
        ("/metrics?zone=Johor", "zone"),
    ],
)
def test_a_bad_question_is_refused_by_name(
    admin: Reader, path: str, named: str
) -> None:
    assert named in admin.refused(path)


def test_a_zone_that_is_not_there_or_not_yours_is_not_found(
    read_as: ReadAs, admin: Reader
) -> None:
    admin.get("/zones/Atlantis", 404)
    manager = read_as("manager", zones=["Johor"])
    manager.get("/zones/Perak", 404)
    assert manager.get("/zones/Johor")["backlog"]["n"] > 0


def test_nobody_sees_more_than_their_zones_or_their_team(
    read_as: ReadAs, admin: Reader, world: World
) -> None:
    whole = admin.get("/performance?by=zone")
    manager = read_as("manager", zones=["Johor"]).get("/performance?by=zone")
    assert [g["key"] for g in manager["groups"]] == ["Johor"]
    mine = next(g for g in whole["groups"] if g["key"] == "Johor")
    assert manager["overall"]["created"]["value"] == mine["created"]["value"]
    team_id = min(world.teams)
    technician = read_as("technician", team_id=team_id).get("/performance?by=team")
    assert [g["key"] for g in technician["groups"]] == [team_id]
    homeless = read_as("technician").get("/performance")
    assert homeless["overall"]["created"]["value"] == 0
    other = read_as("manager", zones=["Johor"]).get("/performance?zone=Perak")
    assert other["overall"]["created"]["value"] == 0


@pytest.mark.parametrize("path", [*PATHS, "/metrics", "/forecast"])
def test_requesters_have_no_business_here(read_as: ReadAs, path: str) -> None:
    read_as("requester").get(path, 403)


@pytest.mark.parametrize("path", ["/performance", "/zones", "/aging"])
def test_viewers_see_what_admins_see(read_as: ReadAs, admin: Reader, path: str) -> None:
    seen, whole = read_as("viewer").get(path), admin.get(path)
    assert {**seen, "as_of": None} == {**whole, "as_of": None}


@pytest.mark.parametrize(
    ("path", "columns"),
    [
        ("/performance?by=zone&compare=previous", {"name", "created", "created_n"}),
        ("/trends", {"at", "value", "n"}),
        ("/zones", {"zone", "backlog", "ages.0-1"}),
        ("/zones/Johor", {"zone", "backlog"}),
        ("/aging", {"name", "count", "by_status.open"}),
        ("/sla", {"section", "key", "sla_met_ratio_resolution"}),
        ("/metrics", {"id", "numerator"}),
    ],
)
def test_an_answer_is_csv_for_who_asks_for_it(
    admin: Reader, path: str, columns: set[str]
) -> None:
    found = list(csv.DictReader(io.StringIO(admin.get(path, Accept="text/csv"))))
    assert found
    assert columns <= set(found[0])


def test_the_period_before_is_as_long_and_ends_where_this_one_begins(
    admin: Reader,
) -> None:
    answer = admin.get(
        "/performance?from=2026-10-11&to=2026-10-20&compare=previous&by=zone"
    )
    assert (answer["previous"]["from"], answer["previous"]["to"]) == (
        "2026-10-01",
        "2026-10-10",
    )
    same = admin.get("/performance?from=2026-10-01&to=2026-10-10&by=zone")
    assert answer["previous"]["overall"] == same["overall"]
    assert answer["previous"]["groups"] == same["groups"]


def test_small_groups_say_so(admin: Reader) -> None:
    for figure in figures_in(admin.get("/performance?by=team")):
        assert figure["small_sample"] == (figure["n"] < 5)


@pytest.mark.parametrize("granularity", ["day", "week", "month"])
@pytest.mark.parametrize("metric", ["created", "completed", "workload_minutes"])
def test_a_series_adds_up_to_the_figure_of_the_period(
    admin: Reader, metric: str, granularity: str
) -> None:
    answer = admin.get(f"/trends?metric={metric}&granularity={granularity}")
    whole = admin.get("/performance")["overall"][metric]
    assert sum(point["value"] for point in answer["series"]) == whole["value"]
    assert sum(point["n"] for point in answer["series"]) == whole["n"]


@pytest.mark.parametrize("metric", figure_names())
def test_every_metric_has_a_course(admin: Reader, metric: str) -> None:
    answer = admin.get(f"/trends?metric={metric}&granularity=week")
    assert 5 <= len(answer["series"]) <= 6
    assert answer["trend"] is None or answer["trend"]["method"]


def test_the_backlog_of_the_last_day_is_the_backlog_of_the_period(
    admin: Reader,
) -> None:
    series = admin.get("/trends?metric=backlog")["series"]
    assert series[-1]["value"] == admin.get("/performance")["overall"]["backlog"]["n"]


def test_ages_add_up_to_the_backlog(admin: Reader) -> None:
    answer = admin.get("/aging")
    backlog = admin.get("/performance")["overall"]["backlog"]["n"]
    assert answer["total"]["n"] == backlog
    assert sum(bucket["count"]["n"] for bucket in answer["buckets"]) == backlog
    assert sum(f["n"] for f in answer["by_status"].values()) == backlog


def test_lateness_has_reasons_that_add_up(admin: Reader) -> None:
    answer = admin.get("/sla")
    ratio = answer["overall"]["sla_met_ratio_resolution"]
    missed = round(ratio["n"] * (1 - ratio["value"]))
    assert sum(r["count"]["n"] for r in answer["breach_reasons"]) == missed
    assert (
        sum(p["sla_met_ratio_resolution"]["n"] for p in answer["by_policy"])
        == ratio["n"]
    )
    assert answer["breaches"]
    assert answer["hold_reasons"]


def test_an_empty_database_has_answers_without_numbers(
    database: Database, analytics_app: Flask
) -> None:
    headers = token_for(database, "admin")
    for path in ("/performance?by=team", "/trends", "/zones", "/aging", "/sla"):
        response = analytics_app.test_client().get(
            f"/api/analytics{path}", headers=headers
        )
        assert response.status_code == 200, response.text
        assert b"NaN" not in response.data
