"""Everything the AI service writes beside conversations: findings and models.

One function, one use case; the caller opens the transaction.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, case, delete, insert, null, update
from sqlalchemy.dialects.postgresql import insert as upsert

from ai_service import durations, insights, models, queries, risk
from ai_service.answering import service_minutes
from ai_service.insights import ANOMALY_WEEKS, Finding, Situation
from db.ai import Conversation, DispatchPlan, Insight, Model

LEAST_FOR_HOLD_OUT = 50
KEPT_DAYS = 90


def sweep_insights(connection: Connection, now: datetime, tz: str) -> list[Finding]:
    """Look at everything, store what stands out, close what no longer does."""
    found = insights.find_all(situation_of(connection, now, tz))
    keep_findings(connection, found, now)
    return found


def situation_of(connection: Connection, now: datetime, tz: str) -> Situation:
    table, _ = models.risk_table(connection)
    minutes, _ = models.duration_table(connection)
    rows = queries.all_unfinished(connection)
    today = queries.local_midnight(now.astimezone(ZoneInfo(tz)), 0)
    yesterday = today - timedelta(days=1)
    counted = queries.all_daily_counts(
        connection,
        since=today - timedelta(weeks=ANOMALY_WEEKS, days=1),
        until=today,
        tz=tz,
    )
    daily: dict[tuple[str, str], dict[date, int]] = {}
    for row in counted:
        daily.setdefault((row.zone, row.category), {})[row.day] = row.n
    return Situation(
        now=now,
        unfinished=rows,
        teams=queries.all_team_rows(connection),
        minutes=service_minutes(rows, minutes),
        past_breach_rate=table.overall_rate,
        daily=daily,
        yesterday=yesterday.date(),
        yesterday_bounds=utc_bounds(yesterday, today),
    )


def utc_bounds(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return the instants in UTC from which and before which a local day lasts."""
    return start.astimezone(UTC), end.astimezone(UTC)


def keep_findings(connection: Connection, found: list[Finding], now: datetime) -> None:
    """Store findings by fingerprint.

    One that stood already keeps its first sight and its dismissal; one that comes
    back after it was gone is new again.
    """
    for finding in found:
        row = {
            "kind": finding.kind,
            "severity": finding.severity,
            "zone": finding.zone,
            "team_id": finding.team_id,
            "payload": finding.payload(),
            "last_seen_at": now,
            "resolved_at": None,
        }
        new = upsert(Insight).values(
            fingerprint=finding.fingerprint, first_seen_at=now, **row
        )
        was_gone = Insight.resolved_at.is_not(None)
        again: dict[str, Any] = {
            "first_seen_at": case((was_gone, now), else_=Insight.first_seen_at),
            "dismissed_at": case((was_gone, null()), else_=Insight.dismissed_at),
            "dismissed_by": case((was_gone, null()), else_=Insight.dismissed_by),
        }
        connection.execute(
            new.on_conflict_do_update(index_elements=["fingerprint"], set_=row | again)
        )
    gone = update(Insight).where(Insight.resolved_at.is_(None))
    standing = [finding.fingerprint for finding in found]
    connection.execute(
        gone.where(Insight.fingerprint.not_in(standing)).values(resolved_at=now)
    )


def dismiss_insight(
    connection: Connection, insight_id: int, user_id: int, now: datetime
) -> None:
    connection.execute(
        update(Insight)
        .where(Insight.id == insight_id)
        .values(dismissed_by=user_id, dismissed_at=now)
    )


def forget_old_talk(connection: Connection, now: datetime) -> int:
    """Delete conversations and plans untouched for `KEPT_DAYS`; return how many."""
    before = now - timedelta(days=KEPT_DAYS)
    gone = 0
    for table, touched in (
        (Conversation, Conversation.updated_at),
        (DispatchPlan, DispatchPlan.created_at),
    ):
        gone += connection.execute(delete(table).where(touched < before)).rowcount
    return gone


# ---- models --------------------------------------------------------------------------


def train_models(connection: Connection, now: datetime) -> list[str]:
    """Fit every model on all history; return the names of those now served.

    A model is judged on the newest fifth, then fitted on everything. It is served
    when it is at least as good there as its plain baseline; else the one served
    before stays.
    """
    trained = (train_risk(connection, now), train_durations(connection, now))
    return [name for name in trained if name]


def train_risk(connection: Connection, now: datetime) -> str | None:
    past = risk.past_from(queries.all_judged_tickets(connection))
    if len(past) < LEAST_FOR_HOLD_OUT:
        return None
    figures, baseline = risk.hold_out_figures(past)
    body, checksum = risk.packed(risk.fit(past))
    return store_model(
        connection,
        {
            "name": risk.NAME,
            "purpose": risk.PURPOSE,
            "features": list(risk.FEATURES),
            "rows": len(past),
            "figures": figures,
            "baseline": baseline,
            "artefact": body,
            "sha256": checksum,
            "trained_at": now,
        },
        good=not_worse(figures, baseline, "brier"),
    )


def train_durations(connection: Connection, now: datetime) -> str | None:
    rows = queries.all_visit_minutes(connection)
    if len(rows) < LEAST_FOR_HOLD_OUT:
        return None
    figures, baseline = durations.hold_out_figures(rows)
    body, checksum = durations.packed(durations.fit(rows))
    return store_model(
        connection,
        {
            "name": durations.NAME,
            "purpose": durations.PURPOSE,
            "features": list(durations.FEATURES),
            "rows": len(rows),
            "figures": figures,
            "baseline": baseline,
            "artefact": body,
            "sha256": checksum,
            "trained_at": now,
        },
        good=not_worse(figures, baseline, "median_absolute_error_minutes"),
    )


def not_worse(
    figures: dict[str, object], baseline: dict[str, object], name: str
) -> bool:
    own, plain = figures[name], baseline[name]
    assert isinstance(own, float | int)  # noqa: S101 - written by us a line before
    assert isinstance(plain, float | int)  # noqa: S101
    return own <= plain


def store_model(
    connection: Connection, values: dict[str, Any], *, good: bool
) -> str | None:
    """Keep a model with its figures; return its name if it is now served.

    The same model again (by checksum) adds no row.
    """
    newest = queries.served_model_key(connection, values["name"])
    if newest is not None and newest[1] == values["sha256"]:
        return str(values["name"])
    first = newest is None
    serve = good or first
    if serve:
        connection.execute(
            update(Model)
            .where(Model.name == values["name"], Model.is_served)
            .values(is_served=False)
        )
    connection.execute(insert(Model).values(**values, is_served=serve))
    return str(values["name"]) if serve else None
