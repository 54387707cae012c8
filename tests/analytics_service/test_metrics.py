"""Every metric equals an independent recount, to the last digit."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from analytics_service import metrics
from analytics_service.durations import exact
from analytics_service.metrics import FIGURES, METRICS, Totals
from tests.analytics_service.conftest import Reader, World
from tests.analytics_service.histories import KL
from tests.analytics_service.recount import Tables, expected, tables

COLUMNS = {
    "team": "team_id",
    "technician": "technician_id",
    "zone": "zone",
    "category": "category",
    "priority": "priority",
}
PERIODS = {
    "the last 30 days": (29, 0),
    "a past month": (62, 31),
    "everything": (120, 0),
    "one day": (9, 9),
    "days to come": (-1, -5),
}


@pytest.fixture(scope="module")
def recounted(world: World) -> Tables:
    return tables(world.owner)


def local_today(world: World) -> date:
    return world.now.astimezone(KL).date()


def check(answer: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for key, (value, n) in ((k, v) for k, v in wanted.items() if isinstance(v, tuple)):
        assert answer[key]["n"] == n, key
        if value is None:
            assert answer[key]["value"] is None, key
        else:
            assert answer[key]["value"] == pytest.approx(value, rel=1e-12), key
    assert answer["utilisation_ratio"]["n"] == wanted["visits"]


@pytest.mark.parametrize("period", PERIODS)
def test_overall_figures_equal_the_recount(
    admin: Reader, world: World, recounted: Tables, period: str
) -> None:
    today = local_today(world)
    first, last = (today - timedelta(days=n) for n in PERIODS[period])
    answer = admin.get(f"/performance?from={first}&to={last}")["overall"]
    wanted = expected(
        recounted, first, last, today, KL, lambda t: pd.Series(True, index=t.index)
    )
    check(answer, wanted)


def test_the_history_has_everything_that_a_metric_turns_on(
    world: World, recounted: Tables
) -> None:
    today = local_today(world)
    found = expected(
        recounted,
        today - timedelta(days=120),
        today,
        today,
        KL,
        lambda t: pd.Series(True, index=t.index),
    )
    assert found["paused"] > 10
    for key in ("reopen_ratio", "first_visit_fix_ratio", "sla_met_ratio_resolution"):
        assert 0 < found[key][0] < 1


@pytest.mark.parametrize("by", COLUMNS)
def test_group_figures_equal_the_recount(
    admin: Reader, world: World, recounted: Tables, by: str
) -> None:
    today = local_today(world)
    first, last = today - timedelta(days=45), today - timedelta(days=3)
    answer = admin.get(f"/performance?by={by}&from={first}&to={last}")
    assert len(answer["groups"]) >= 4
    for group in answer["groups"]:
        column, key = COLUMNS[by], group["key"]

        def keep(
            t: pd.DataFrame, column: str = column, key: Any = key
        ) -> "pd.Series[bool]":
            return t[column].isna() if key is None else t[column] == key

        check(group, expected(recounted, first, last, today, KL, keep))


@pytest.mark.parametrize(
    ("name", "value"), [("category", "repair"), ("priority", "high")]
)
def test_technicians_can_be_narrowed_to_one_kind_of_work(
    admin: Reader, world: World, recounted: Tables, name: str, value: str
) -> None:
    today = local_today(world)
    first = today - timedelta(days=90)
    answer = admin.get(
        f"/performance?by=technician&{name}={value}&from={first}&to={today}"
    )
    assert len(answer["groups"]) >= 4
    for group in answer["groups"]:

        def keep(t: pd.DataFrame, key: Any = group["key"]) -> "pd.Series[bool]":
            return t.technician_id.eq(key) & t[name].eq(value)

        check(group, expected(recounted, first, today, today, KL, keep))


def test_groups_add_up_to_the_whole(admin: Reader) -> None:
    for by in ("team", "zone", "category", "priority"):
        answer = admin.get(f"/performance?by={by}")
        for key in ("created", "completed", "backlog", "workload_minutes"):
            whole = answer["overall"][key]["value"]
            assert sum(g[key]["value"] for g in answer["groups"]) == whole


def test_each_figure_belongs_to_a_metric_that_is_defined_in_words() -> None:
    known = {m.id for m in METRICS}
    assert {f.metric for f in FIGURES} == known
    assert len({f.key for f in FIGURES}) == len(FIGURES)
    for metric in METRICS:
        assert metric.numerator
        assert metric.population
        assert metric.exclusions


def test_nothing_has_no_ratio_and_no_duration_but_counts_of_zero() -> None:
    for figure in FIGURES:
        value = figure.value(Totals())
        assert figure.n(Totals()) == 0
        assert value in (0, None), figure.key


@pytest.mark.parametrize(
    ("key", "totals", "value", "n"),
    [
        ("completion_ratio", Totals(sums={"completed": 3}, backlog=1), 0.75, 4),
        ("reopen_ratio", Totals(sums={"completed": 8, "reopened": 2}), 0.25, 8),
        (
            "sla_met_ratio_resolution",
            Totals(sums={"resolution_met": 9, "resolution_missed": 1}),
            0.9,
            10,
        ),
        (
            "first_visit_fix_ratio",
            Totals(settled={"completed": 4, "first_visit_fixed": 3}),
            0.75,
            4,
        ),
        (
            "utilisation_ratio",
            Totals(
                sums={"on_site_s": 7_200, "travel_s": 3_600, "visits_done": 2},
                shift_s=28_800,
            ),
            0.375,
            2,
        ),
        (
            "resolution_median_minutes",
            Totals(durations={"rw": exact([60, 120, 600])}),
            2.0,
            3,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_figure_is_computed_from_totals(
    key: str, totals: Totals, value: float, n: int
) -> None:
    figure = metrics.FIGURE[key]
    assert (figure.value(totals), figure.n(totals)) == (value, n)
