"""Advice on workload, staffing and promises, each with its evidence and effect.

Counted from the tickets and teams that the asker may see; an effect is only
arithmetic on those counts (tickets moved, minutes covered), never a promise.
Pure: rows in, advice out.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from ai_service.insights import UNFINISHED_WORDS, is_at_risk, tickets_url

FOCUSES = ("workload", "staffing", "sla", "completion_rate", "priority", "routing")
MOST = 10
UNEVEN_RATIO = 1.5  # a team's load over the median of its zone
PRESSING = ("urgent", "high")


@dataclass(frozen=True, slots=True)
class Picture:
    """What the asker sees. minutes: {ticket id: service minutes}."""

    now: datetime
    unfinished: Sequence[Any]
    teams: Sequence[Any]
    minutes: Mapping[int, float]

    def zones(self) -> list[str]:
        return sorted({row.zone for row in self.unfinished})

    def in_zone(self, zone: str) -> list[Any]:
        return [row for row in self.unfinished if row.zone == zone]

    def teams_of(self, zone: str) -> list[Any]:
        return [team for team in self.teams if team.zone == zone and team.is_active]

    def queued(self) -> dict[int, float]:
        total: dict[int, float] = defaultdict(float)
        for row in self.unfinished:
            if row.team_id is not None and row.status != "on_hold":
                total[row.team_id] += self.minutes[row.id]
        return total


def advise(picture: Picture, focus: str | None) -> list[dict[str, Any]]:
    """Return advice, the largest effect of each focus first."""
    wanted = FOCUSES if focus is None else (focus,)
    return [one for name in wanted for one in by_effect(ADVISERS[name](picture))]


def by_effect(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    items.sort(key=lambda i: (-i["estimated_effect"]["value"], i["zone"] or ""))
    return items[:MOST]


def item(
    code: str,
    zone: str | None,
    text: str,
    evidence: Mapping[str, Any],
    effect: Any,
    url: str,
) -> dict[str, Any]:
    metric, value, unit = effect
    focus, _, _ = code.partition(".")
    return {
        "code": code,
        "focus": focus,
        "zone": zone,
        "text": text,
        "evidence": dict(evidence),
        "estimated_effect": {"metric": metric, "value": value, "unit": unit},
        "tickets_url": url,
    }


def days_of_work(team: Any, queued: Mapping[int, float]) -> float:
    return queued.get(team.id, 0.0) / max(1, int(team.daily_capacity_minutes))


def level_loads(picture: Picture) -> list[dict[str, Any]]:
    """Move work from the fullest team of a zone to its emptiest."""
    queued, found = picture.queued(), []
    for zone in picture.zones():
        loads = sorted(
            (
                (
                    queued.get(t.id, 0.0) / max(1, t.daily_capacity_minutes),
                    t.id,
                    t.name,
                ),
                t,
            )
            for t in picture.teams_of(zone)
        )
        if len(loads) < 2:
            continue
        (low, _, emptiest), _ = loads[0]
        (high, team_id, fullest), team = loads[-1]
        middle = loads[len(loads) // 2][0][0]
        minutes = round((high - low) / 2 * team.daily_capacity_minutes)
        if high <= 1 or high < UNEVEN_RATIO * max(middle, 0.1):
            continue
        found.append(
            item(
                "workload.level_loads",
                zone,
                f"{fullest} has {high:.1f} days of work, {emptiest} has {low:.1f}: "
                f"moving about {minutes} min of work would make them even.",
                {
                    "metric": "days_of_work",
                    "value": round(high, 2),
                    "expected": round(middle, 2),
                    "window": "now, median team of the zone",
                },
                ("spread_minutes", minutes, "minutes"),
                tickets_url(team_id=team_id, status="open,in_progress"),
            )
        )
    return found


def staff_zones(picture: Picture) -> list[dict[str, Any]]:
    """Compare one day's work of a zone with its teams."""
    found = []
    for zone in picture.zones():
        rows = [r for r in picture.in_zone(zone) if r.status != "on_hold"]
        work = sum(picture.minutes[r.id] for r in rows)
        teams = picture.teams_of(zone)
        capacity = sum(t.daily_capacity_minutes for t in teams)
        each = capacity / len(teams) if teams else 480
        gap = ceil(max(0.0, work - capacity) / each)
        if not gap:
            continue
        found.append(
            item(
                "staffing.more_teams",
                zone,
                f"{zone} has {work:.0f} min of unfinished work and {len(teams)} "
                f"active teams with {capacity} min a day: {gap} more team-days "
                "would clear it.",
                {
                    "metric": "queued_minutes",
                    "value": round(work),
                    "expected": capacity,
                    "window": "now, against one day's capacity",
                },
                ("team_days", gap, "team-days"),
                tickets_url(zone=zone, status="open,in_progress"),
            )
        )
    return found


def protect_promises(picture: Picture) -> list[dict[str, Any]]:
    """Point at tickets that can still be saved."""
    found = []
    for zone in picture.zones():
        rows = picture.in_zone(zone)
        risky = [r for r in rows if is_at_risk(r, picture.now)]
        idle = sum(r.team_id is None for r in risky)
        if not risky:
            continue
        found.append(
            item(
                "sla.dispatch_now",
                zone,
                f"{len(risky)} of {len(rows)} unfinished tickets in {zone} have used "
                "75 % of their time and can still be saved; "
                f"{idle} of them have no team.",
                {
                    "metric": "tickets_at_risk",
                    "value": len(risky),
                    "expected": 0,
                    "window": "now",
                },
                ("breaches_avoidable", len(risky), "tickets"),
                tickets_url(zone=zone, status=UNFINISHED_WORDS, sla_state="at_risk"),
            )
        )
    return found


def finish_held(picture: Picture) -> list[dict[str, Any]]:
    """Tickets on hold are started work that does not end."""
    found = []
    for zone in picture.zones():
        rows = picture.in_zone(zone)
        held = [r for r in rows if r.status == "on_hold"]
        if not held:
            continue
        reasons: dict[str, int] = defaultdict(int)
        for row in held:
            reasons[row.hold_reason or "other"] += 1
        top, n = max(reasons.items(), key=lambda pair: (pair[1], pair[0]))
        found.append(
            item(
                "completion_rate.end_holds",
                zone,
                f"{len(held)} of {len(rows)} unfinished tickets in {zone} are on hold, "
                f"{n} of them for {top.replace('_', ' ')}.",
                {
                    "metric": "tickets_on_hold",
                    "value": len(held),
                    "expected": 0,
                    "window": "now",
                },
                ("backlog", len(held), "tickets"),
                tickets_url(zone=zone, status="on_hold"),
            )
        )
    return found


def assign_pressing(picture: Picture) -> list[dict[str, Any]]:
    """Urgent and high tickets that nobody has."""
    found = []
    for zone in picture.zones():
        waiting = [
            r
            for r in picture.in_zone(zone)
            if r.priority in PRESSING and r.team_id is None and r.status == "open"
        ]
        if not waiting:
            continue
        found.append(
            item(
                "priority.assign_pressing",
                zone,
                f"{len(waiting)} urgent or high tickets in {zone} have no team.",
                {
                    "metric": "unassigned_pressing_tickets",
                    "value": len(waiting),
                    "expected": 0,
                    "window": "now",
                },
                ("unassigned", len(waiting), "tickets"),
                tickets_url(
                    zone=zone, status="open", priority="urgent,high", assigned="false"
                ),
            )
        )
    return found


def bring_home(picture: Picture) -> list[dict[str, Any]]:
    """Work that teams do outside their zone while the zone has teams of its own."""
    home = {team.id: team.zone for team in picture.teams}
    away: dict[str, list[Any]] = defaultdict(list)
    for row in picture.unfinished:
        if row.team_id in home and home[row.team_id] != row.zone:
            away[row.zone].append(row)
    return [
        item(
            "routing.bring_home",
            zone,
            f"{len(rows)} unfinished tickets in {zone} are with teams of other zones, "
            f"while {zone} has {len(picture.teams_of(zone))} active teams.",
            {
                "metric": "tickets_out_of_zone",
                "value": len(rows),
                "expected": 0,
                "window": "now",
            },
            ("out_of_zone", len(rows), "tickets"),
            tickets_url(
                zone=zone,
                status=UNFINISHED_WORDS,
                team_id=",".join(str(i) for i in sorted({r.team_id for r in rows})),
            ),
        )
        for zone, rows in sorted(away.items())
        if picture.teams_of(zone)
    ]


ADVISERS: Mapping[str, Callable[[Picture], list[dict[str, Any]]]] = {
    "workload": level_loads,
    "staffing": staff_zones,
    "sla": protect_promises,
    "completion_rate": finish_held,
    "priority": assign_pressing,
    "routing": bring_home,
}
