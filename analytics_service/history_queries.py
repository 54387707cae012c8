"""Reads for training and for lists: daily history, team days, policies, breaches.

Training may read more than a request: every day of every zone and category.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, text

from analytics_service.periods import Period
from analytics_service.queries import Reading, cells

NEWEST = 20  # breaches shown one by one
POLICIES = text("SELECT id, name, version FROM tickets.policy_versions ORDER BY id")
BREACHES = """
SELECT id AS ticket_id, number, title, zone, team_id, priority, category, status,
       breached_at AS due_at, completed_at,
       CASE WHEN responded_at IS NULL OR responded_at > breached_at THEN 'not_answered'
            WHEN started_at IS NULL OR started_at > breached_at THEN 'not_started'
            WHEN reopen_count > 0 THEN 'reopened' ELSE 'not_finished' END AS reason
FROM tickets.ticket_facts
WHERE breached_at >= %(start)s AND breached_at < %(end)s AND status <> 'cancelled'
"""


def policy_names(connection: Connection) -> list[tuple[int, str]]:
    rows = connection.execute(POLICIES).all()
    return [(row.id, f"{row.name} v{row.version}") for row in rows]


def newest_breaches(
    connection: Connection, reading: Reading, period: Period
) -> list[dict[str, Any]]:
    """Return the resolutions that fell due in the period and were missed, newest
    first, at most NEWEST; each with why it was late (tickets_service/rollup.py)."""
    where, values = cells(reading, created_by=True)
    values |= {"start": period.starts_at, "end": period.ends_at}
    query = (
        f"{BREACHES} AND {where} "
        f"ORDER BY breached_at DESC, ticket_id DESC LIMIT {NEWEST}"
    )
    return [dict(row) for row in connection.exec_driver_sql(query, values).mappings()]


@dataclass(frozen=True, slots=True)
class History:
    """What there is to learn from: whole days since the first ticket, and theirs."""

    first_on: date | None
    days: int
    tickets: int


FIRST_DAY = text(
    "SELECT min(starts_on) FROM tickets.daily_figures "
    "WHERE cut = '' AND grain = 'd' AND created > 0"
)
TICKETS = text(
    "SELECT sum(CASE grain WHEN 'a' THEN created ELSE -created END)::bigint "
    "FROM tickets.daily_figures WHERE cut = '' "
    "AND (grain = 'a' OR grain = 'd' AND starts_on >= :today)"
)
HISTORY = {
    name: text(
        f"SELECT zone, category, starts_on, sum({name})::bigint "  # noqa: S608
        "FROM tickets.daily_figures WHERE cut = 'zc' AND grain = 'd' "
        "AND starts_on >= :first AND starts_on < :today GROUP BY 1, 2, 3"
    )
    for name in ("created", "workload_minutes")
}
TEAM_DAYS = text(
    "SELECT team_id, sum(on_site_s) / 60.0 FROM tickets.daily_figures "
    "WHERE cut = 't' AND grain = 'd' AND starts_on >= :first AND starts_on < :today "
    "AND team_id > 0 GROUP BY team_id, starts_on HAVING sum(on_site_s) > 0"
)


def history_facts(connection: Connection, today: date) -> History:
    first = connection.scalar(FIRST_DAY)
    days = (today - first).days if first is not None else 0
    tickets = int(connection.scalar(TICKETS, {"today": today}) or 0)
    return History(first, max(days, 0), tickets)


def daily_history(
    connection: Connection, metric: str, today: date, most_days: int
) -> pd.DataFrame:
    """Return the whole days before `today` of every zone and category.

    index (zone, category), columns daily DatetimeIndex without gaps, values ≥ 0;
    for training, which may read more than a request.
    """
    known = history_facts(connection, today)
    first = max(known.first_on or today, today - timedelta(days=most_days))
    days = pd.date_range(first, today - timedelta(days=1), freq="D")
    rows = connection.execute(HISTORY[metric], {"first": first, "today": today}).all()
    keys = sorted({(zone, category) for zone, category, _, _ in rows})
    place = {key: n for n, key in enumerate(keys)}
    values = np.zeros((len(keys), len(days)))
    for zone, category, day, value in rows:
        values[place[zone, category], (day - first).days] += max(value, 0)
    index = pd.MultiIndex.from_tuples(keys, names=["zone", "category"])
    return pd.DataFrame(values, index=index, columns=days)


def team_days(
    connection: Connection, first: date, today: date
) -> list[tuple[int, float]]:
    """Return (team, minutes on site) of every day on which a team had visits."""
    found = connection.execute(TEAM_DAYS, {"first": first, "today": today}).all()
    return [(team_id, float(minutes)) for team_id, minutes in found]
