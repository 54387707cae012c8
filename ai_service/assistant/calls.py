"""Which requests answer a plan: the one place where a tool meets the REST API.

Pure: a plan and the setting in, calls out. Periods become instants of the
organisation's zone here; `completed` covers completed and closed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ai_service.assistant.api_client import Call
from ai_service.assistant.gazetteer import Gazetteer
from ai_service.assistant.periods import bounds
from ai_service.assistant.plans import Plan
from db.scope import Actor

UNFINISHED_WORDS = ("open", "in_progress", "on_hold")
LIST_LIMIT = 10
RISK_LIMIT = 10
TEAMS_SHOWN = 200
DEFAULT_DAYS = 30
FORECAST_DAYS = 28
SORTS = {
    "newest": "-created_at",
    "oldest": "created_at",
    "priority": "priority",
    "due": "due_at",
}
# The figure of the analytics API that a spoken metric means; None: nobody measures it.
FIGURES: Mapping[str, str | None] = {
    "completion_rate": "completion_ratio",
    "avg_resolution_time": "resolution_mean_minutes",
    "avg_response_time": "first_response_median_minutes",
    "sla_compliance": "sla_met_ratio_resolution",
    "tickets_completed": "completed",
    "open_tickets": "backlog",
    "created": "created",
    "efficiency": "first_visit_fix_ratio",
    "productivity": "utilisation_ratio",
    "overdue": None,
    "rating": None,
    "teams_needed": None,
}
ZONE_FIGURES = {"avg_resolution_time": "resolution_median_minutes"}


@dataclass(frozen=True, slots=True)
class Setting:
    """The moment and the asker."""

    now: datetime
    tz: str
    actor: Actor
    names: Gazetteer

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.tz)).date()

    def instant(self, day: date | None) -> str | None:
        """Return the first instant of a local day, in UTC."""
        if day is None:
            return None
        local = datetime.combine(day, time(), ZoneInfo(self.tz))
        return stamp(local)

    def team_id(self, team: Any) -> int | None:
        if team == "me":
            return self.actor.team_id
        return self.names.team_ids.get(str(team))


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def calls_for(plan: Plan, setting: Setting) -> list[Call]:
    """Return the requests of a read plan, in order."""
    return BUILDERS[plan.tool](plan, setting)


# ---- tickets -------------------------------------------------------------------------


def ticket_filters(plan: Plan, setting: Setting, period: str | None) -> dict[str, Any]:
    """Return the query that selects the tickets of a plan."""
    wanted = plan.arguments
    query: dict[str, Any] = {
        "status": statuses(plan),
        "priority": wanted.get("priority"),
        "category": wanted.get("category"),
        "zone": wanted.get("zone"),
        "q": wanted.get("text"),
    }
    if "team" in wanted:
        query["team_id"] = setting.team_id(wanted["team"]) or 0
    if wanted.get("assigned_to") == "me":
        query["mine"] = True
    if wanted.get("unassigned"):
        query["assigned"] = False
        query["status"] = query["status"] or UNFINISHED_WORDS
    if wanted.get("overdue"):
        query["sla_state"] = "breached"
    if wanted.get("min_age_days"):
        query["created_to"] = stamp(
            setting.now - timedelta(days=wanted["min_age_days"])
        )
        query["status"] = query["status"] or UNFINISHED_WORDS
    return query | between(wanted.get("date_field", "created"), period, setting)


def statuses(plan: Plan) -> Sequence[str] | None:
    if plan.unfinished:
        return UNFINISHED_WORDS
    asked = plan.arguments.get("status")
    if asked is None:
        return None
    return [
        s
        for a in asked
        for s in (("completed", "closed") if a == "completed" else (a,))
    ]


def between(field: str, period: str | None, setting: Setting) -> dict[str, Any]:
    if period is None:
        return {}
    start, end = bounds(period, setting.today)
    if field == "due":
        return {"due_before": setting.instant(end)}
    found = {
        f"{field}_from": setting.instant(start),
        f"{field}_to": setting.instant(end),
    }
    return {name: value for name, value in found.items() if value is not None}


def search_calls(plan: Plan, setting: Setting) -> list[Call]:
    query = ticket_filters(plan, setting, plan.arguments.get("period"))
    query["sort"] = SORTS.get(plan.arguments.get("sort", ""))
    query["limit"] = plan.arguments.get("limit", LIST_LIMIT)
    query["total"] = True
    return [Call("GET", "/api/tickets", query)]


def stats_calls(plan: Plan, setting: Setting) -> list[Call]:
    group = plan.arguments.get("group_by")
    if group in {"day", "week", "month"}:
        return [series_call(plan, setting, group)]
    found = []
    for name in ("period", "compare_to"):
        period = plan.arguments.get(name)
        if name == "period" or period:
            query = ticket_filters(plan, setting, period)
            query["group_by"] = "team_id" if group == "team" else group
            found.append(Call("GET", "/api/tickets/stats/summary", query))
    return found


def series_call(plan: Plan, setting: Setting, granularity: str) -> Call:
    done = plan.arguments.get("status") == ["completed"]
    query = {
        **days(plan.arguments.get("period"), setting),
        "metric": "completed" if done else "created",
        "granularity": granularity,
        "zone": plan.arguments.get("zone"),
        "category": plan.arguments.get("category"),
        "priority": plan.arguments.get("priority"),
    }
    return Call("GET", "/api/analytics/trends", query)


def get_calls(plan: Plan, _: Setting) -> list[Call]:
    path = f"/api/tickets/{plan.arguments['ticket_number']}"
    parts = [p for p in plan.arguments.get("include", []) if p != "sla"]
    return [
        Call("GET", path),
        *[Call("GET", f"{path}/{part}", {"limit": 20}) for part in parts],
    ]


def my_day_calls(plan: Plan, setting: Setting) -> list[Call]:
    query = {
        "mine": True,
        "status": UNFINISHED_WORDS,
        "sort": "due_at",
        "limit": LIST_LIMIT,
        "total": True,
    }
    period = plan.arguments.get("period")
    if period not in (None, "today"):
        query |= between("due", period, setting)
    return [Call("GET", "/api/tickets", query)]


# ---- figures -------------------------------------------------------------------------


def days(
    period: str | None, setting: Setting, default: int = DEFAULT_DAYS
) -> dict[str, Any]:
    """Return from and to of the analytics API, both inclusive, never after today."""
    if period is None:
        start, end = bounds(f"last_{default}_days", setting.today)
    else:
        start, end = bounds(period, setting.today)
    last = min((end - timedelta(days=1)) if end else setting.today, setting.today)
    first = start or last - timedelta(days=365)
    return {"from": min(first, last), "to": last}


def aging_calls(plan: Plan, setting: Setting) -> list[Call]:
    query: dict[str, Any] = {"zone": plan.arguments.get("zone")}
    if "team" in plan.arguments:
        query["team_id"] = setting.team_id(plan.arguments["team"]) or 0
    if plan.arguments.get("min_age_days"):
        oldest = setting.today - timedelta(days=plan.arguments["min_age_days"])
        query |= {"from": setting.today - timedelta(days=3650), "to": oldest}
    return [Call("GET", "/api/analytics/aging", query)]


def performance_query(
    plan: Plan, setting: Setting, period: str | None
) -> dict[str, Any]:
    return {**days(period, setting), "zone": plan.arguments.get("zone")}


def overview_calls(plan: Plan, setting: Setting) -> list[Call]:
    wanted = plan.arguments
    if wanted.get("metric") == "overdue":
        query = {"zone": wanted.get("zone"), "sla_state": "breached"}
        return [Call("GET", "/api/tickets/stats/summary", query)]
    periods = [wanted.get("period")]
    periods += [wanted["compare_to"]] if "compare_to" in wanted else []
    return [
        Call("GET", "/api/analytics/performance", performance_query(plan, setting, p))
        for p in periods
    ]


def team_calls(plan: Plan, setting: Setting) -> list[Call]:
    wanted = plan.arguments
    query = performance_query(plan, setting, wanted.get("period")) | {"by": "team"}
    named = wanted.get("team")
    if named is not None:
        chosen = named if isinstance(named, list) else [named]
        query["team_id"] = [setting.team_id(t) or 0 for t in chosen]
    return [Call("GET", "/api/analytics/performance", query)]


def zone_calls(plan: Plan, setting: Setting) -> list[Call]:
    query = days(plan.arguments.get("period"), setting)
    query["zone"] = plan.arguments.get("zone")
    return [Call("GET", "/api/analytics/zones", query)]


def trend_calls(plan: Plan, setting: Setting) -> list[Call]:
    wanted = plan.arguments
    figure = FIGURES.get(wanted.get("metric", "created")) or "created"
    query = {
        "metric": figure,
        "granularity": wanted.get("granularity", "day"),
        "zone": wanted.get("zone"),
    }
    if "team" in wanted:
        query["team_id"] = setting.team_id(wanted["team"]) or 0
    periods = [wanted.get("period")]
    periods += [wanted["compare_to"]] if "compare_to" in wanted else []
    return [
        Call("GET", "/api/analytics/trends", {**days(p, setting), **query})
        for p in periods
    ]


def forecast_calls(plan: Plan, setting: Setting) -> list[Call]:
    start, end = bounds(plan.arguments.get("period", "next_14_days"), setting.today)
    first = max(start or setting.today, setting.today)
    farthest = setting.today + timedelta(days=FORECAST_DAYS)
    last = min((end - timedelta(days=1)) if end else farthest, farthest)
    query = {
        "metric": "created",
        "zone": plan.arguments.get("zone"),
        "from": first,
        "to": max(first, last),
        "horizon_days": FORECAST_DAYS,
    }
    return [Call("GET", "/api/analytics/forecast", query)]


# ---- advice --------------------------------------------------------------------------


def risk_calls(plan: Plan, setting: Setting) -> list[Call]:
    wanted = plan.arguments
    team_id = setting.team_id(wanted["team"]) or 0 if "team" in wanted else None
    period = wanted.get("period")
    if wanted.get("breached") and period:
        start, end = bounds(period, setting.today)
        query = {
            "sla_state": ("breached", "missed"),
            "resolution_judged_from": setting.instant(start),
            "resolution_judged_to": setting.instant(end),
            "zone": wanted.get("zone"),
            "priority": wanted.get("priority"),
            "team_id": team_id,
            "limit": wanted.get("limit", RISK_LIMIT),
            "total": True,
        }
        return [Call("GET", "/api/tickets", query)]
    query = {
        "zone": wanted.get("zone"),
        "team_id": team_id,
        "priority": wanted.get("priority"),
        "window_hours": wanted.get("window_hours") or hours_until(period, setting),
        "breached": bool(wanted.get("breached")),
        "limit": wanted.get("limit", RISK_LIMIT),
    }
    return [Call("GET", "/api/ai/sla-risk", query)]


def hours_until(period: str | None, setting: Setting) -> float | None:
    """Return hours from now to the end of a period, None for one that is over."""
    if period is None:
        return None
    _, end = bounds(period, setting.today)
    if end is None:
        return None
    local = datetime.combine(end, time(), ZoneInfo(setting.tz))
    hours = (local - setting.now).total_seconds() / 3600
    return round(hours, 2) if hours > 0 else None


def insight_calls(plan: Plan, _: Setting) -> list[Call]:
    query = {"zone": plan.arguments.get("zone"), "limit": LIST_LIMIT}
    return [Call("GET", "/api/ai/insights", query)]


def recommendation_calls(plan: Plan, _: Setting) -> list[Call]:
    return [Call("POST", "/api/ai/recommendations", {}, dict(plan.arguments))]


def recommend_team_calls(plan: Plan, _: Setting) -> list[Call]:
    number = int(str(plan.arguments["ticket_number"]).removeprefix("CTT_"))
    return [Call("POST", "/api/ai/recommendations", {}, {"ticket_id": number})]


def similar_calls(plan: Plan, _: Setting) -> list[Call]:
    query: dict[str, Any] = {"limit": 5}
    if "ticket_number" in plan.arguments:
        query["ticket_id"] = int(
            str(plan.arguments["ticket_number"]).removeprefix("CTT_")
        )
    else:
        query["text"] = plan.arguments["text"]
    return [Call("GET", "/api/ai/similar", query)]


def team_list_calls(plan: Plan, _: Setting) -> list[Call]:
    wanted = plan.arguments.get("availability")
    query = {
        "zone": plan.arguments.get("zone"),
        "available": {"available": True}.get(wanted or ""),
        "is_active": {"inactive": False, "busy": True}.get(wanted or ""),
        "limit": TEAMS_SHOWN,
    }
    return [Call("GET", "/api/auth/teams", query)]


BUILDERS: Mapping[str, Callable[[Plan, Setting], list[Call]]] = {
    "ticket_get": get_calls,
    "ticket_search": search_calls,
    "ticket_stats": stats_calls,
    "ticket_aging": aging_calls,
    "sla_risk": risk_calls,
    "performance_overview": overview_calls,
    "team_performance": team_calls,
    "zone_analytics": zone_calls,
    "trends": trend_calls,
    "forecast": forecast_calls,
    "insights": insight_calls,
    "recommendations": recommendation_calls,
    "recommend_team": recommend_team_calls,
    "similar_tickets": similar_calls,
    "team_list": team_list_calls,
    "my_day": my_day_calls,
}


# ---- writes: what a proposal would send ----------------------------------------------


def write_calls(plan: Plan, setting: Setting, version: int | None) -> list[Call]:
    """Return the requests of a write plan; ticket numbers and teams are settled."""
    wanted = plan.arguments
    if plan.tool == "create_ticket":
        return [Call("POST", "/api/tickets", {}, dict(wanted))]
    path = f"/api/tickets/{wanted['ticket_number']}"
    if plan.tool == "assign_ticket":
        body: dict[str, Any] = {"team_id": setting.team_id(wanted["team"])}
        return [Call("POST", f"{path}/assignments", {}, body)]
    if plan.tool == "add_comment":
        body = {"body": wanted["text"], "visibility": "public"}
        return [Call("POST", f"{path}/comments", {}, body)]
    body = {k: wanted[k] for k in ("status", "priority", "note") if k in wanted}
    if body.get("status") == "open":
        body["status"] = "in_progress"  # reopening leads back to work
    return [Call("PATCH", path, {}, body, version)]
