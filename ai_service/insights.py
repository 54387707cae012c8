"""What stands out now: detectors over rows, each with its evidence.

Precision before number: thresholds are high, a zone gets at most `MOST_PER_ZONE`
findings. Every finding links to exactly the tickets it counted. Pure: rows and
`now` in, findings out; who may see them is decided when they are read.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import numpy as np

STALE_DAYS = 14
LEAST_TICKETS = 3  # fewer are no pattern
OVERLOAD_RATIO = 2.0  # queued work over one day's capacity
ANOMALY_Z = 3.5
ANOMALY_WEEKS, LEAST_WEEKS = 8, 4
ANOMALY_LEAST_GAP = 5
MOST_PER_ZONE = 5
SEVERITIES = ("critical", "warning", "info")
KINDS = (
    "anomaly",
    "sla_risk",
    "outage_cluster",
    "overload",
    "idle_capacity",
    "stale_tickets",
    "recurring_fault",
    "forecast_gap",
    "data_quality",
)
UNFINISHED_WORDS = "open,in_progress,on_hold"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. evidence: {metric, value, expected, window}."""

    fingerprint: str
    kind: str
    severity: str
    title: str
    text: str
    evidence: Mapping[str, Any]
    tickets_url: str
    suggested_action: str
    zone: str | None = None
    team_id: int | None = None

    def payload(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "text": self.text,
            "evidence": dict(self.evidence),
            "tickets_url": self.tickets_url,
            "suggested_action": self.suggested_action,
        }


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the detectors look at.

    unfinished: rows of queries.all_unfinished; teams: rows of all_team_rows;
    minutes: {ticket id: service minutes}; past_breach_rate: None without history;
    daily: {(zone, category): {local day: tickets created}}, whole days only;
    yesterday_bounds: the instants at which that local day begins and ends.
    """

    now: datetime
    unfinished: Sequence[Any]
    teams: Sequence[Any]
    minutes: Mapping[int, float]
    past_breach_rate: float | None
    daily: Mapping[tuple[str, str], Mapping[date, int]]
    yesterday: date
    yesterday_bounds: tuple[datetime, datetime]


def instant_text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def tickets_url(**filters: str | int) -> str:
    return "/api/tickets?" + urlencode(filters, safe=",:")


def find_all(situation: Situation) -> list[Finding]:
    """Return what all detectors found, the gravest first, thinned per zone."""
    found = [
        *risky_zones(situation),
        *stale_zones(situation),
        *overloaded_teams(situation),
        *idle_zones(situation),
        *odd_volumes(situation),
    ]
    found.sort(key=lambda f: (SEVERITIES.index(f.severity), f.fingerprint))
    taken: dict[str | None, int] = defaultdict(int)
    kept = []
    for finding in found:
        taken[finding.zone] += 1
        if taken[finding.zone] <= MOST_PER_ZONE:
            kept.append(finding)
    return kept


def by_zone(rows: Iterable[Any]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.zone].append(row)
    return dict(sorted(grouped.items()))


def is_at_risk(ticket: Any, now: datetime) -> bool:
    """Whether 75 % of the promised working time is used and the promise not broken."""
    if ticket.breached_at is not None or ticket.resolution_due_at is None:
        return False  # broken already, or paused
    risk_at = ticket.resolution_risk_at
    return risk_at is not None and risk_at <= now <= ticket.resolution_due_at


def risky_zones(situation: Situation) -> list[Finding]:
    """Zones where several tickets have used 75 % of their time."""
    found = []
    for zone, rows in by_zone(situation.unfinished).items():
        n = sum(is_at_risk(row, situation.now) for row in rows)
        rate = situation.past_breach_rate
        expected = None if rate is None else round(rate * len(rows), 1)
        if n < LEAST_TICKETS or (expected is not None and n <= expected):
            continue
        found.append(
            Finding(
                fingerprint=f"sla_risk:{zone}",
                kind="sla_risk",
                severity="critical" if n >= 5 * LEAST_TICKETS else "warning",
                zone=zone,
                title=f"{n} tickets in {zone} are about to miss their promise",
                text=f"{n} of {len(rows)} unfinished tickets in {zone} have used at "
                "least 75 % of their working time."
                + (
                    ""
                    if expected is None
                    else f" At the past breach rate {expected:g} of them would miss it."
                ),
                evidence={
                    "metric": "tickets_at_risk",
                    "value": n,
                    "expected": expected,
                    "window": "now",
                },
                tickets_url=tickets_url(
                    zone=zone, status=UNFINISHED_WORDS, sla_state="at_risk"
                ),
                suggested_action="Dispatch the earliest due ones first: see "
                "/api/ai/sla-risk for each ticket's factors.",
            )
        )
    return found


def stale_zones(situation: Situation) -> list[Finding]:
    """Zones where tickets that nobody has started are older than two weeks."""
    limit = situation.now - timedelta(days=STALE_DAYS)
    limit = limit.replace(microsecond=0)
    found = []
    for zone, rows in by_zone(situation.unfinished).items():
        old = [r for r in rows if r.status == "open" and r.created_at < limit]
        if len(old) < LEAST_TICKETS:
            continue
        oldest = max((situation.now - r.created_at).days for r in old)
        n = len(old)
        found.append(
            Finding(
                fingerprint=f"stale_tickets:{zone}",
                kind="stale_tickets",
                severity="warning" if n >= 5 * LEAST_TICKETS else "info",
                zone=zone,
                title=f"{n} tickets in {zone} have not been started for "
                f"{STALE_DAYS} days",
                text=f"{n} of {len(rows)} unfinished tickets in {zone} are still open "
                f"after {STALE_DAYS} days; the oldest is {oldest} days old.",
                evidence={
                    "metric": "open_tickets_older_than_14_days",
                    "value": n,
                    "expected": 0,
                    "window": f"created before {instant_text(limit)}",
                },
                tickets_url=tickets_url(
                    zone=zone, status="open", created_to=instant_text(limit)
                ),
                suggested_action="Assign them, or cancel those no longer needed.",
            )
        )
    return found


def queued_minutes(situation: Situation) -> dict[int, float]:
    """Return {team id: minutes of work it has}; tickets on hold wait for others."""
    total: dict[int, float] = defaultdict(float)
    for row in situation.unfinished:
        if row.team_id is not None and row.status != "on_hold":
            total[row.team_id] += situation.minutes[row.id]
    return total


def overload_severity(work: float, capacity: int) -> str:
    return "critical" if work > 2 * OVERLOAD_RATIO * capacity else "warning"


def overloaded_teams(situation: Situation) -> list[Finding]:
    """Teams with more than two days of work."""
    queued = queued_minutes(situation)
    found = []
    for team in situation.teams:
        work, capacity = queued.get(team.id, 0.0), team.daily_capacity_minutes
        if not team.is_active or work <= OVERLOAD_RATIO * capacity:
            continue
        found.append(
            Finding(
                fingerprint=f"overload:{team.id}",
                kind="overload",
                severity="critical"
                if work > 2 * OVERLOAD_RATIO * capacity
                else "warning",
                zone=team.zone,
                team_id=team.id,
                title=f"{team.name} has {work / capacity:.1f} days of work",
                text=f"{team.name} ({team.zone}) has {work:.0f} min of unfinished work "
                f"and {capacity} min a day.",
                evidence={
                    "metric": "queued_minutes",
                    "value": round(work),
                    "expected": capacity,
                    "window": "now, against one day's capacity",
                },
                tickets_url=tickets_url(team_id=team.id, status="open,in_progress"),
                suggested_action="Move the tickets due last to a team with room: ask "
                "for a recommendation per ticket.",
            )
        )
    return found


def idle_zones(situation: Situation) -> list[Finding]:
    """Zones with tickets that nobody has while a team there has no work."""
    queued = queued_minutes(situation)
    idle: dict[str, list[Any]] = defaultdict(list)
    for team in situation.teams:
        if team.is_active and team.members_count and not queued.get(team.id):
            idle[team.zone].append(team)
    waiting = by_zone(
        r for r in situation.unfinished if r.team_id is None and r.status == "open"
    )
    found = []
    for zone, rows in waiting.items():
        teams = idle.get(zone, [])
        if len(rows) < LEAST_TICKETS or not teams:
            continue
        found.append(
            Finding(
                fingerprint=f"idle_capacity:{zone}",
                kind="idle_capacity",
                severity="info",
                zone=zone,
                title=f"{len(teams)} idle team(s) in {zone}, "
                f"{len(rows)} tickets waiting",
                text=f"{len(rows)} open tickets in {zone} have no team, while "
                f"{', '.join(t.name for t in teams[:5])} "
                f"{'have' if len(teams) > 1 else 'has'} no work.",
                evidence={
                    "metric": "unassigned_open_tickets",
                    "value": len(rows),
                    "expected": 0,
                    "window": "now",
                },
                tickets_url=tickets_url(zone=zone, status="open", assigned="false"),
                suggested_action="Assign the waiting tickets: ask for a recommendation "
                "per ticket.",
            )
        )
    return found


def odd_volumes(situation: Situation) -> list[Finding]:
    """Zone and category pairs with far more tickets yesterday than on that weekday."""
    found = []
    for (zone, category), counts in sorted(situation.daily.items()):
        judged = judged_volume(counts, situation.yesterday)
        if judged is None:
            continue
        value, expected, score = judged
        start, end = (instant_text(at) for at in situation.yesterday_bounds)
        words = category.replace("_", " ")
        found.append(
            Finding(
                fingerprint=f"anomaly:{zone}:{category}:{situation.yesterday}",
                kind="anomaly",
                severity="critical" if score > 2 * ANOMALY_Z else "warning",
                zone=zone,
                title=f"Unusually many {words} tickets in {zone}",
                text=f"{value} {words} tickets were created in {zone} on "
                f"{situation.yesterday}; the median of that weekday in the "
                f"{ANOMALY_WEEKS} weeks before is {expected:g} (robust z {score:.1f}).",
                evidence={
                    "metric": "created",
                    "value": value,
                    "expected": expected,
                    "window": f"{start}/{end}",
                },
                tickets_url=tickets_url(
                    zone=zone, category=category, created_from=start, created_to=end
                ),
                suggested_action="Look for one common cause before sending one team "
                "per ticket.",
            )
        )
    return found


def judged_volume(
    counts: Mapping[date, int], day: date
) -> tuple[int, float, float] | None:
    """Return (value, expected, robust z) of a day that stands out, else None.

    Compared with the same weekday of the weeks before, on the variance-stable
    scale of counts (Anscombe); the spread is never taken below that of a Poisson.
    """
    first = min(counts, default=day)
    weeks = [day - timedelta(weeks=k) for k in range(1, ANOMALY_WEEKS + 1)]
    before = [counts.get(d, 0) for d in weeks if d >= first]
    if len(before) < LEAST_WEEKS:
        return None
    value = counts.get(day, 0)
    scaled = 2 * np.sqrt(np.array([*before, value], float) + 0.375)
    middle = float(np.median(scaled[:-1]))
    spread = max(1.0, 1.4826 * float(np.median(np.abs(scaled[:-1] - middle))))
    score = (float(scaled[-1]) - middle) / spread
    expected = float(np.median(before))
    if score <= ANOMALY_Z or value - expected < ANOMALY_LEAST_GAP:
        return None
    return value, expected, score
