"""Everything that analytics writes: trained forecasts with the scores they earned.

A run is stored with all its series in one transaction and served from then on; the
last few are kept. Old enough or changed enough history makes a new one.
"""

import logging
import os
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import joblib
import pandas as pd
from sqlalchemy import Connection, delete, insert, select, update

from analytics_service import history_queries
from analytics_service.directory import directory
from analytics_service.forecasting import MIN_DAYS, Calendar, NotEnoughHistory
from analytics_service.periods import DAY, local_day
from analytics_service.training import Run, productive_minutes, trained
from db.analytics import ForecastRun, ForecastSeries
from db.engine import Database
from service_kit.settings import Env, Settings

METRICS = ("created", "workload_minutes")
MOST_DAYS = 3 * 365
LEARNT_DAYS = 56
RUNS_KEPT = 8
CHANGED_SHARE = 0.02  # of all tickets: an import, rather than late arrivals

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Workers:
    """Where joblib computes. backend: loky, threading, or one that a cluster's
    package registers (dask, ray). jobs: how many at once; -1 is every core."""

    backend: str = "loky"
    jobs: int = 1

    @classmethod
    def from_env(cls) -> "Workers":
        env = Env(os.environ)
        found = cls(
            env.text("FORECAST_BACKEND", "loky"),
            env.integer("FORECAST_JOBS", 1, low=-1, high=4_096),
        )
        env.check()
        return found


def train_if_stale(database: Database, settings: Settings, now: datetime) -> list[str]:
    """Train the metrics whose stored run is old; return the names of those trained.

    An import of years long gone leaves no recent day to learn from: nothing to do.
    """
    today = local_day(now, ZoneInfo(settings.organisation_zone))
    with database.read_only() as connection:
        stale = [m for m in METRICS if is_stale(connection, m, today)]
    done = []
    for metric in stale:
        try:
            train(database, settings, metric, now)
            done.append(metric)
        except NotEnoughHistory as short:
            log.info(
                "not trained", extra={"facts": {"metric": metric, "why": str(short)}}
            )
    return done


def is_stale(connection: Connection, metric: str, today: date) -> bool:
    """Whether history has gone on, or been imported, since the served run."""
    history = history_queries.history_facts(connection, today)
    if history.days < MIN_DAYS:
        return False
    run = served_run(connection, metric)
    if run is None or run.last_on < today - DAY:
        return True
    seen = float(run.scores.get("tickets_seen", 0))
    return abs(history.tickets - seen) > CHANGED_SHARE * max(seen, 1.0)


def served_run(connection: Connection, metric: str) -> Any:
    return connection.execute(
        select(ForecastRun.__table__)
        .where(ForecastRun.metric == metric, ForecastRun.is_served)
        .order_by(ForecastRun.id.desc())
        .limit(1)
    ).first()


def train(database: Database, settings: Settings, metric: str, now: datetime) -> int:
    """Train one metric on all whole days, store the run, serve it; return its id.

    Raises NotEnoughHistory below 14 days, and where no ticket is recent enough.
    """
    today = local_day(now, ZoneInfo(settings.organisation_zone))
    with database.read_only() as connection:
        facts = history_queries.history_facts(connection, today)
        if facts.days < MIN_DAYS:
            raise NotEnoughHistory(facts.days)
        frame = history_queries.daily_history(connection, metric, today, MOST_DAYS)
        learnt = productive_now(connection, today)
    if frame.empty:
        raise NotEnoughHistory(0)
    calendar = Calendar(settings.organisation_country or None)
    workers = Workers.from_env()
    with joblib.parallel_config(backend=workers.backend, n_jobs=workers.jobs):
        run = trained(frame, calendar, whole=metric == "created")
    run.scores.update(tickets_seen=facts.tickets, productive_minutes=learnt)
    with database.transaction() as connection:
        run_id = store(connection, metric, run, now)
    told = {"metric": metric, "model": run.model, "mase": run.scores["mase"]}
    log.info("forecast trained", extra={"facts": told})
    return run_id


def productive_now(connection: Connection, today: date) -> dict[str, float]:
    """Return what a team gets done in a day, learnt from the last 8 weeks."""
    names = directory(connection)
    by_zone: dict[str, list[float]] = {}
    first = today - timedelta(days=LEARNT_DAYS)
    for team_id, minutes in history_queries.team_days(connection, first, today):
        team = names.teams.get(team_id)
        if team is not None:
            by_zone.setdefault(team.zone, []).append(minutes)
    capacities: dict[str, float] = {}
    shifts = pd.Series(
        {t.id: float(t.shift_minutes) for t in names.teams.values() if t.is_active},
        dtype=float,
    )
    capacities[""] = float(shifts.mean()) if len(shifts) else 480.0
    return productive_minutes(by_zone, capacities)


def store(connection: Connection, metric: str, run: Run, now: datetime) -> int:
    """Write the run and its series, serve it, and forget the oldest ones."""
    connection.execute(
        update(ForecastRun).where(ForecastRun.metric == metric).values(is_served=False)
    )
    run_id = connection.execute(
        insert(ForecastRun)
        .values(
            metric=metric,
            model=run.model,
            trained_at=now,
            first_on=run.first_on,
            last_on=run.last_on,
            history_days=run.history_days,
            scores=run.scores,
            is_served=True,
        )
        .returning(ForecastRun.id)
    ).scalar_one()
    rows = [{"run_id": run_id, **series} for series in run.series]
    connection.execute(insert(ForecastSeries), rows)
    kept = (
        select(ForecastRun.id)
        .where(ForecastRun.metric == metric)
        .order_by(ForecastRun.id.desc())
        .limit(RUNS_KEPT)
    )
    connection.execute(
        delete(ForecastRun).where(
            ForecastRun.metric == metric, ForecastRun.id.not_in(kept)
        )
    )
    return int(run_id)
