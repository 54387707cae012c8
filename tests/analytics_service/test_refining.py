"""Percentiles of many durations equal those of sorting all of them."""

from datetime import timedelta
from math import ceil

import pandas as pd
import pytest
from sqlalchemy import text

from analytics_service import duration_queries, queries, refining
from db.engine import Database
from tests.analytics_service.conftest import Reader, World
from tests.analytics_service.histories import KL
from tests.analytics_service.recount import expected, tables
from tickets_service import rollup

SPREAD = ("median", "p90")


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take any number of durations for too many to read one by one."""
    monkeypatch.setattr(duration_queries, "EXACT_ROWS", 0)
    monkeypatch.setattr(duration_queries, "EXACT_FILTERED", 0)


@pytest.mark.parametrize("filters", ["", "&zone=Selangor,Johor", "&category=repair"])
@pytest.mark.usefixtures("many")
def test_many_durations_have_the_percentiles_of_the_recount(
    admin: Reader, world: World, filters: str
) -> None:
    today = world.now.astimezone(KL).date()
    first = today - timedelta(days=90)
    answer = admin.get(f"/performance?from={first}&to={today}{filters}")["overall"]

    def keep(t: pd.DataFrame) -> "pd.Series[bool]":
        if "zone" in filters:
            return t.zone.isin(["Selangor", "Johor"])
        return t.category.eq("repair") | (not filters)

    wanted = expected(tables(world.owner), first, today, today, KL, keep)
    compared = [key for key in wanted if any(word in key for word in SPREAD)]
    assert len(compared) >= 6
    for key in compared:
        value, n = wanted[key]
        assert answer[key]["value"] == pytest.approx(value, rel=1e-12), key
        assert answer[key]["n"] == n
        assert answer[key]["exact"] is True


@pytest.mark.parametrize("by", ["team", "zone", "technician", "priority"])
@pytest.mark.usefixtures("many")
def test_groups_have_the_percentiles_that_reading_all_rows_gives(
    admin: Reader, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = admin.get(f"/performance?by={by}")
    monkeypatch.setattr(duration_queries, "EXACT_ROWS", 1_000_000)
    one_by_one = admin.get(f"/performance?by={by}")
    pairs = zip(
        [found["overall"], *found["groups"]],
        [one_by_one["overall"], *one_by_one["groups"]],
        strict=True,
    )
    for ours, theirs in pairs:
        for key in (k for k in ours if any(word in k for word in SPREAD)):
            value = theirs[key]["value"]
            known = None if value is None else pytest.approx(value, rel=1e-12)
            assert ours[key]["value"] == known
            assert ours[key]["exact"] is True


@pytest.mark.usefixtures("many")
def test_a_percentile_too_costly_to_read_says_that_it_is_within_one_per_cent(
    admin: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    exactly = admin.get("/performance")["overall"]["resolution_median_minutes"]
    monkeypatch.setattr(refining, "MOST_ROWS", 0)
    near = admin.get("/performance")["overall"]
    assert exactly["exact"] is True
    assert near["resolution_median_minutes"]["exact"] is False
    assert near["resolution_mean_minutes"]["exact"] is True
    assert near["resolution_median_minutes"]["value"] == pytest.approx(
        exactly["value"], rel=0.0101
    )


@pytest.mark.parametrize(
    ("metric", "is_exact"), [("resolution_minutes", False), ("completed", True)]
)
@pytest.mark.usefixtures("many")
def test_a_course_of_binned_percentiles_says_so(
    admin: Reader, metric: str, is_exact: bool
) -> None:
    assert admin.get(f"/trends?metric={metric}")["exact"] is is_exact


def test_a_course_of_few_durations_is_exact(admin: Reader) -> None:
    assert admin.get("/trends?metric=resolution_minutes")["exact"] is True


@pytest.mark.parametrize(
    ("values", "total"),
    [([], 0), ([1, -3], -2), ([2**53 - 7, 4, 2], 2**53 - 1), ([86_399] * 9, 777_591)],
)
def test_sums_are_exact(owner: Database, values: list[int], total: int) -> None:
    summed = queries.sum_of("n", "FILTER (WHERE true)")
    query = f"SELECT {summed} FROM unnest(%(n)s::bigint[]) AS t (n)"
    with owner.read_only() as connection:
        found = connection.exec_driver_sql(query, {"n": values}).scalar_one()
    assert found == total


def test_the_database_has_the_bins_of_the_roll_up(owner: Database) -> None:
    edges = {ceil(rollup.bin_bounds(number)[0]) for number in range(1, 1_085)}
    seconds = sorted({0, 1, 2, *edges, *(edge - 1 for edge in edges if edge)})
    bin_sql = duration_queries.BIN_SQL.format("s")
    query = text(f"SELECT s, {bin_sql} FROM unnest(:s\\:\\:int[]) AS t (s)")
    with owner.read_only() as connection:
        found = connection.execute(query, {"s": seconds}).all()
    assert [tuple(row) for row in found] == [(s, rollup.bin_of(s)) for s in seconds]
