"""The forecast over HTTP: trained and stored, or the baseline at once, or refused."""

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from analytics_service.actions import METRICS, is_stale, train, train_if_stale
from analytics_service.forecasting import NotEnoughHistory
from db.analytics import ForecastRun, ForecastSeries
from db.engine import Database
from service_kit.clock import utc_now
from tests.actors import token_for
from tests.analytics_service.conftest import ReadAs, Reader, World
from tests.analytics_service.histories import KL
from tests.conftest import settings_for


@pytest.fixture(scope="module")
def analytics_database(database_url: str) -> Database:
    return Database.at(database_url, role="aiff_analytics")


@pytest.fixture(scope="module")
def trained(world: World, analytics_database: Database, database_url: str) -> World:
    """Train both metrics on the module's history."""
    settings = settings_for("analytics", database_url)
    assert train_if_stale(analytics_database, settings, world.now) == list(METRICS)
    return world


def test_without_a_run_the_baseline_is_answered_at_once(
    admin: Reader, world: World
) -> None:
    with world.owner.transaction() as connection:
        connection.execute(text("TRUNCATE analytics.forecast_runs CASCADE"))
    answer = admin.get("/forecast?metric=created&horizon_days=7&zone=Johor")
    assert answer["model"] == "baseline"
    assert answer["trained_at"] is None
    assert len(answer["points"]) == 7
    assert answer["accuracy"]["mase"] is None
    assert answer["note"]


def test_a_stored_run_is_served_with_its_scores(admin: Reader, trained: World) -> None:
    answer = admin.get("/forecast?horizon_days=14")
    today = trained.now.astimezone(KL).date()
    assert [p["on"] for p in answer["points"]] == [
        (today + timedelta(days=n)).isoformat() for n in range(14)
    ]
    assert answer["trained_at"].endswith("Z")
    assert answer["history_days"] >= 56
    assert answer["accuracy"]["n_origins"] >= 1
    assert answer["accuracy"]["mase"] > 0
    assert answer["accuracy"]["baseline"]["mase"] > 0
    for point in answer["points"]:
        assert 0 <= point["lo95"] <= point["lo80"] <= point["hi80"] <= point["hi95"]
    assert answer["resources"]
    for row in answer["resources"]:
        assert row["gap"] == row["teams_needed"] - row["teams_available"]
        assert row["teams_needed_median"] <= row["teams_needed"]


def test_zones_and_categories_add_up_to_the_whole(
    admin: Reader, trained: World
) -> None:
    whole = [p["value"] for p in admin.get("/forecast")["points"]]
    for name, words in (
        ("zone", ("Johor", "Kedah", "Perak", "Selangor")),
        (
            "category",
            ("fiber_installation", "maintenance", "repair", "inspection", "emergency"),
        ),
    ):
        parts = [admin.get(f"/forecast?{name}={word}")["points"] for word in words]
        sums = [sum(p["value"] for p in day) for day in zip(*parts, strict=True)]
        assert sums == pytest.approx(whole)


def test_a_zone_never_seen_has_a_forecast_of_nothing(
    admin: Reader, trained: World
) -> None:
    points = admin.get("/forecast?zone=Labuan")["points"]
    assert {p["hi95"] for p in points} == {0}


def test_a_manager_of_two_zones_sees_their_sum_only(
    read_as: ReadAs, admin: Reader, trained: World
) -> None:
    manager = read_as("manager", zones=["Johor", "Perak"])
    answer = manager.get("/forecast?metric=workload_minutes")
    parts = [
        admin.get(f"/forecast?metric=workload_minutes&zone={z}")["points"]
        for z in ("Johor", "Perak")
    ]
    assert [p["value"] for p in answer["points"]] == pytest.approx(
        [a["value"] + b["value"] for a, b in zip(*parts, strict=True)]
    )
    assert {row["zone"] for row in answer["resources"]} == {"Johor", "Perak"}
    assert {p["value"] for p in manager.get("/forecast?zone=Kedah")["points"]} == {0}


def test_days_can_be_chosen_within_the_horizon(admin: Reader, trained: World) -> None:
    first = trained.now.astimezone(KL).date() + timedelta(days=3)
    points = admin.get(f"/forecast?from={first}&to={first + timedelta(days=1)}")
    assert [date.fromisoformat(p["on"]) - first for p in points["points"]] == [
        timedelta(0),
        timedelta(1),
    ]


def test_a_fresh_run_is_not_trained_again_and_an_old_one_is(
    trained: World, analytics_database: Database
) -> None:
    today = trained.now.astimezone(KL).date()
    with analytics_database.read_only() as connection:
        assert not is_stale(connection, "created", today)
        assert is_stale(connection, "created", today + timedelta(days=2))


def test_training_is_deterministic_and_old_runs_are_forgotten(
    trained: World, analytics_database: Database, database_url: str
) -> None:
    settings = settings_for("analytics", database_url)
    ids = [train(analytics_database, settings, "created", trained.now) for _ in "ab"]
    with analytics_database.read_only() as connection:
        points = [
            connection.execute(
                select(ForecastSeries.zone, ForecastSeries.points)
                .where(ForecastSeries.run_id == run_id)
                .order_by(ForecastSeries.zone, ForecastSeries.category)
            ).all()
            for run_id in ids
        ]
        served = connection.execute(
            select(ForecastRun.id).where(
                ForecastRun.metric == "created", ForecastRun.is_served
            )
        ).all()
    assert points[0] == points[1]
    assert [row.id for row in served] == [ids[1]]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("horizon_days=0", "horizon_days"),
        ("horizon_days=1000", "horizon_days"),
        ("metric=completed", "metric"),
        ("zone=Atlantis", "zone"),
        ("category=plumbing", "category"),
        ("team_id=1", "team_id"),
        ("from=2026-02-30", "from"),
        ("from=2026-03-02&to=2026-03-01", "from"),
    ],
)
def test_a_bad_question_is_refused_by_name(
    admin: Reader, query: str, named: str
) -> None:
    assert named in admin.refused(f"/forecast?{query}")


@pytest.mark.parametrize("role", ["technician", "requester"])
def test_who_sees_no_zone_sees_no_forecast(read_as: ReadAs, role: str) -> None:
    read_as(role).get("/forecast", 403)


def test_without_history_there_is_nothing_to_train_or_to_serve(
    database: Database, database_url: str, analytics_app: Flask
) -> None:
    settings = settings_for("analytics", database_url)
    with pytest.raises(NotEnoughHistory):
        train(database, settings, "created", utc_now())
    assert train_if_stale(database, settings, utc_now()) == []
    response = analytics_app.test_client().get(
        "/api/analytics/forecast", headers=token_for(database, "admin")
    )
    assert response.status_code == 422
    assert response.get_json(force=True)["code"] == "not_enough_history"
