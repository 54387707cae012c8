"""The metrics counted anew from tickets, visits and events, with pandas alone.

Shares no code with the service: it reads the tables of the tickets service and
follows the words of `GET /api/analytics/metrics`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import text

from db.engine import Database

FINISHED = ("ticket.completed", "ticket.cancelled")


@dataclass(frozen=True)
class Tables:
    tickets: pd.DataFrame
    visits: pd.DataFrame
    events: pd.DataFrame


def tables(owner: Database) -> Tables:
    with owner.read_only() as connection:

        def frame(query: str) -> pd.DataFrame:
            found = connection.execute(text(query))
            return pd.DataFrame(found.all(), columns=list(found.keys()))

        tickets = frame("SELECT * FROM tickets.tickets WHERE deleted_at IS NULL")
        visits = frame(
            "SELECT a.*, t.zone, t.category, t.priority FROM tickets.assignments a "
            "JOIN tickets.tickets t ON t.id = a.ticket_id WHERE t.deleted_at IS NULL"
        )
        events = frame(
            "SELECT e.ticket_id, e.seq, e.kind, e.occurred_at, e.changes, e.data "
            "FROM tickets.ticket_events e JOIN tickets.tickets t "
            "ON t.id = e.ticket_id WHERE t.deleted_at IS NULL ORDER BY 1, 2"
        )
    return Tables(tickets, visits, events)


Mask = Callable[[pd.DataFrame], "pd.Series[bool]"]


def expected(
    found: Tables, first: date, last: date, today: date, zone: ZoneInfo, keep: Mask
) -> dict[str, Any]:
    """Return the expected value and n of each figure: {key: (value, n)}.

    keep: the rows of a group, of tickets and visits alike.
    """
    start = pd.Timestamp(first, tz=str(zone))
    end = pd.Timestamp(last + timedelta(days=1), tz=str(zone))
    settled = min(last, today - timedelta(days=14))
    settled_end = pd.Timestamp(settled + timedelta(days=1), tz=str(zone))

    def inside(at: "pd.Series[Any]", until: pd.Timestamp = end) -> "pd.Series[bool]":
        instants = pd.to_datetime(at, utc=True)
        return (instants >= start) & (instants < until)

    t = found.tickets[keep(found.tickets)]
    created = t[inside(t.created_at)]
    completed = t[t.status.isin(["completed", "closed"]) & inside(t.completed_at)]
    old = completed[inside(completed.completed_at, settled_end)]
    unfinished = t[t.id.isin(unfinished_at(found.events, end))]
    soon = reopened_soon(found.events)
    v = found.visits[keep(found.visits)]
    ended = v[v.status.isin(["done", "not_done"]) & inside(v.finished_at)]
    met, missed = verdicts(t, "response", inside)
    good, bad = verdicts(t, "resolution", inside)
    answered = t[inside(t.responded_at)]
    wall, pauses = wall_seconds(found.events, completed)
    ends = ended_per_ticket(found.visits)
    fixed = old.id.map(lambda n: ends.get(n) == ["done"] and n not in soon)
    both = len(completed) + len(unfinished)
    response_wall = seconds_between(answered.opened_at, answered.responded_at)
    return {
        "created": (len(created), len(created)),
        "completed": (len(completed), len(completed)),
        "backlog": (len(unfinished), len(unfinished)),
        "completion_ratio": (share(len(completed), both), both),
        "workload_minutes": (
            int(created.estimated_minutes.fillna(0).sum()),
            len(created),
        ),
        "reopen_ratio": (
            share(int(completed.id.isin(soon).sum()), len(completed)),
            len(completed),
        ),
        "first_visit_fix_ratio": (share(int(fixed.sum()), len(old)), len(old)),
        "sla_met_ratio_response": (share(met, met + missed), met + missed),
        "sla_met_ratio_resolution": (share(good, good + bad), good + bad),
        "first_response_median_minutes": spread(response_wall, 0.5),
        "first_response_p90_minutes": spread(response_wall, 0.9),
        "first_response_median_working_minutes": spread(
            answered.response_elapsed_s, 0.5
        ),
        "resolution_mean_minutes": spread(wall, None),
        "resolution_median_minutes": spread(wall, 0.5),
        "resolution_p90_minutes": spread(wall, 0.9),
        "resolution_mean_working_minutes": spread(completed.resolution_elapsed_s, None),
        "resolution_p90_working_minutes": spread(completed.resolution_elapsed_s, 0.9),
        "visits": len(ended),
        "on_site_s": int(seconds_between(ended.on_site_at, ended.finished_at).sum()),
        "paused": pauses,
    }


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def spread(seconds: "pd.Series[Any]", quantile: float | None) -> tuple[Any, int]:
    kept = pd.to_numeric(seconds.dropna())
    if kept.empty:
        return None, 0
    value = kept.mean() if quantile is None else kept.quantile(quantile)
    return value / 60, len(kept)


def seconds_between(start: "pd.Series[Any]", end: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return whole seconds, none negative; missing where either end is."""
    spent = pd.to_datetime(end, utc=True) - pd.to_datetime(start, utc=True)
    return (spent.dt.total_seconds() // 1).clip(lower=0)


def unfinished_at(events: pd.DataFrame, end: pd.Timestamp) -> set[int]:
    """Return the tickets whose last step before `end` did not finish them."""
    steps = events[events.kind.isin([*FINISHED, "ticket.created", "ticket.reopened"])]
    known = steps[pd.to_datetime(steps.occurred_at, utc=True) < end]
    last = known.sort_values(["ticket_id", "seq"]).groupby("ticket_id").kind.last()
    return {int(str(n)) for n in last[~last.isin(FINISHED)].index}


def reopened_soon(events: pd.DataFrame) -> set[int]:
    """Return the tickets reopened within 14 days of the completion before."""
    found: set[int] = set()
    for ticket_id, steps in events.groupby("ticket_id"):
        done = pd.Timestamp.min.tz_localize("UTC")
        for kind, at in zip(steps.kind, steps.occurred_at, strict=True):
            if kind == "ticket.completed":
                done = at
            elif kind == "ticket.reopened" and at - done <= timedelta(days=14):
                found.add(int(str(ticket_id)))
    return found


def ended_per_ticket(visits: pd.DataFrame) -> dict[int, list[str]]:
    ended = visits[visits.status.isin(["done", "not_done"])]
    grouped = ended.groupby("ticket_id").status
    return {int(str(n)): list(statuses) for n, statuses in grouped}


def verdicts(t: pd.DataFrame, clock: str, inside: Any) -> tuple[int, int]:
    """Return met and missed: met counts when it is met, missed when it fell due."""
    done = t.responded_at if clock == "response" else t.completed_at
    due = t.response_breached_at if clock == "response" else t.breached_at
    verdict = t[f"{clock}_verdict"]
    met = (verdict == "met") & inside(done)
    judged = verdict.notna() | (t.status != "cancelled")
    missed = (verdict != "met") & judged & inside(due)
    return int(met.sum()), int(missed.sum())


PAUSING = {
    *("customer_absent", "awaiting_parts", "permit_access"),
    *("weather_safety", "third_party", "customer_info"),
}


def wall_seconds(
    events: pd.DataFrame, completed: pd.DataFrame
) -> tuple["pd.Series[Any]", int]:
    """Return opening to last completion less holds and reopened gaps, in seconds."""
    wanted = events[events.ticket_id.isin(completed.id)]
    opened = completed.set_index("id").opened_at
    spent: list[float] = []
    pauses = 0
    for ticket_id, steps in wanted.groupby("ticket_id"):
        lost = pd.Timedelta(0)
        since = None
        end = None
        for kind, at, changes in zip(
            steps.kind, steps.occurred_at, steps.changes, strict=True
        ):
            if since is not None and kind in LEAVES:
                lost += at - since
                since = None
                pauses += 1
            if kind == "ticket.completed":
                end = at
                since = at
            elif kind == "ticket.held" and changes["hold_reason"][1] in PAUSING:
                since = at
        spent.append((end - opened[ticket_id] - lost).total_seconds())
    return pd.Series(spent, dtype=float) // 1, pauses


LEAVES = ("ticket.started", "ticket.resumed", "ticket.completed", "ticket.reopened")
