"""From the API's answers to sentences: every figure shown comes from them.

Pure: plan, answers and the language in, text out. Nothing is estimated or rounded
into another meaning here. Text of tickets is trimmed and shown, never obeyed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ai_service.assistant.api_client import Answer
from ai_service.assistant.calls import FIGURES, ZONE_FIGURES, Setting
from ai_service.assistant.periods import bounds
from ai_service.assistant.plans import Plan
from ai_service.assistant.wording import say, term

TITLE_CHARS = 80
LINES_SHOWN = 10
HEADLINE = (
    "created",
    "completed",
    "backlog",
    "completion_ratio",
    "resolution_mean_minutes",
    "first_response_median_minutes",
    "sla_met_ratio_resolution",
    "first_visit_fix_ratio",
)


@dataclass(frozen=True, slots=True)
class Telling:
    """What a renderer needs. team_names: {id: name} of the teams that are known."""

    plan: Plan
    answers: Sequence[Answer]
    setting: Setting
    language: str
    team_names: Mapping[int, str]

    @property
    def body(self) -> Any:
        return self.answers[0].body

    def say(self, key: str, **values: Any) -> str:
        return say(key, self.language, **values)

    def term(self, word: Any) -> str:
        return term(word, self.language)

    @property
    def what(self) -> str:
        return interpretation(self.plan, self.setting, self.language)

    def team(self, team_id: int | None) -> str | None:
        if team_id is None:
            return None
        return self.team_names.get(team_id, f"#{team_id}")

    def local(self, instant: str | None) -> str:
        """Return an instant as local date and time."""
        if instant is None:
            return self.say("no_value")
        at = datetime.fromisoformat(instant).astimezone(ZoneInfo(self.setting.tz))
        return at.strftime("%d %b %Y %H:%M")


# ---- what was understood -------------------------------------------------------------


def interpretation(plan: Plan, setting: Setting, language: str) -> str:
    """Return the plan's filters in words: "open, Selangor, 1–12 Nov 2026"."""
    words = [*spoken_words(plan, language), *spoken_amounts(plan, language)]
    wanted = plan.arguments
    named = ("ticket_number", "zone", "availability", "focus")
    words += [term(wanted[name], language) for name in named if name in wanted]
    if "team" in wanted:
        words.append(" / ".join(as_list(wanted["team"])))
    if "text" in wanted and plan.tool != "add_comment":
        words.append(f"“{wanted['text']}”")
    words += spoken_periods(plan, setting, language)
    return ", ".join(words) or term_all(language)


def as_list(value: Any) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def spoken_words(plan: Plan, language: str) -> list[str]:
    """Return statuses, priorities, categories and flags in words."""
    wanted = plan.arguments
    words = ["unfinished"] if plan.unfinished else as_list(wanted.get("status", []))
    words += as_list(wanted.get("priority", [])) + as_list(wanted.get("category", []))
    words += [f for f in ("overdue", "unassigned", "breached") if wanted.get(f)]
    words += ["mine"] if wanted.get("assigned_to") == "me" else []
    return [term(word, language) for word in words]


def spoken_amounts(plan: Plan, language: str) -> list[str]:
    found = []
    if plan.arguments.get("min_age_days"):
        found.append(f"> {plan.arguments['min_age_days']} {term('day', language)}")
    if plan.arguments.get("window_hours"):
        found.append(f"≤ {plan.arguments['window_hours']:g} h")
    return found


def term_all(language: str) -> str:
    return say("everything", language)


def spoken_periods(plan: Plan, setting: Setting, language: str) -> list[str]:
    wanted = plan.arguments
    found = []
    for name in ("period", "compare_to"):
        if name in wanted:
            spoken = spoken_period(wanted[name], setting, language)
            field = wanted.get("date_field")
            lead = f"{term(field, language)} " if field and name == "period" else ""
            found.append(lead + spoken)
    return found


def spoken_period(symbol: str, setting: Setting, language: str) -> str:
    """Return a period in words with its dates."""
    start, end = bounds(symbol, setting.today)
    last = end - timedelta(days=1) if end else None
    dates = "–".join(d.strftime("%d %b %Y") if d else "…" for d in (start, last))
    if start is not None and start == last:
        dates = start.strftime("%d %b %Y")
    name = term(symbol, language)
    return dates if name == symbol else f"{name} ({dates})"


# ---- pieces --------------------------------------------------------------------------


def bullets(lines: Sequence[str], told: Telling, shown: int = LINES_SHOWN) -> str:
    kept = [f"- {line}" for line in lines[:shown]]
    if len(lines) > shown:
        kept.append(told.say("and_more", n=len(lines) - shown))
    return "\n".join(kept)


def trimmed(text: str) -> str:
    plain = " ".join(str(text).replace("*", "").replace("`", "").split())
    return plain if len(plain) <= TITLE_CHARS else plain[: TITLE_CHARS - 1] + "…"


def number(value: float) -> str:
    """Return a figure with at most two decimals and thousands apart."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def figure_text(key: str, value: Any, told: Telling) -> str:
    """Return a figure with its unit: ratios as percent, minutes as hours when long."""
    if value is None:
        return told.say("no_value")
    if "_ratio" in key:
        return f"{float(value) * 100:.1f} %"
    if key.endswith("_minutes"):
        return (
            f"{float(value):,.0f} min" if value < 120 else f"{float(value) / 60:,.1f} h"
        )
    return number(float(value))


def ticket_line(row: Mapping[str, Any], told: Telling) -> str:
    parts = [told.term(row["status"]), told.term(row["priority"]), row["zone"]]
    team = told.team(row.get("team_id"))
    if team:
        parts.append(team)
    due = (row.get("sla") or {}).get("resolution", {}).get("due_at")
    state = (row.get("sla") or {}).get("state")
    if state in ("at_risk", "breached"):
        parts.append(told.term(state))
    if due and row["status"] in ("open", "in_progress"):
        parts.append(f"{told.term('due')} {told.local(due)}")
    return f"{row['number']} {trimmed(row['title'])} ({', '.join(parts)})"


# ---- one renderer per tool -----------------------------------------------------------


def tell_search(told: Telling) -> str:
    items, total = told.body["items"], told.body["page"].get("total")
    n = len(items) if total is None else total
    if not items:
        return told.say("nothing", what=told.what)
    head = told.say("list_head", n=number(n), what=told.what)
    if n > len(items):
        head += " " + told.say("list_shown", k=len(items))
    return head + "\n" + bullets([ticket_line(r, told) for r in items], told, 50)


def tell_stats(told: Telling) -> str:
    wanted = told.plan.arguments
    if "series" in told.body:
        return tell_series(told)
    total = told.body["total"]
    if "group_by" in wanted:
        return tell_groups(told, total)
    if len(told.answers) > 1:
        before = told.answers[1].body["total"]
        change = total - before
        key = "same" if not change else "more" if change > 0 else "fewer"
        return told.say(
            "compared",
            n=number(total),
            m=number(before),
            what=told.what,
            change=told.say(key, n=number(abs(change))),
        )
    key = "count_one" if total == 1 else "count"
    return told.say(key, n=number(total), what=told.what)


def tell_groups(told: Telling, total: int) -> str:
    wanted = told.plan.arguments
    rows = [(g["key"], g["total"]) for g in told.body["groups"]]
    if wanted.get("rank"):
        rows.sort(
            key=lambda r: (r[1] if wanted["rank"] == "bottom" else -r[1], str(r[0]))
        )
    rows = rows[: wanted.get("limit", LINES_SHOWN * 2)]
    lines = [f"{group_name(k, told)}: {number(n)}" for k, n in rows]
    group = told.term(wanted["group_by"])
    head = told.say("by_group", n=number(total), what=told.what, group=group)
    return head + "\n" + bullets(lines, told, 50)


def group_name(key: Any, told: Telling) -> str:
    if told.plan.arguments.get("group_by") == "team":
        return told.team(key) or told.term("unassigned")
    return told.term(key)


def tell_series(told: Telling) -> str:
    series = told.body["series"]
    lines = [
        f"{p['at']}: {figure_text(told.body['metric'], p['value'], told)}"
        for p in series
    ]
    step = told.term(told.body["granularity"])
    head = told.say(
        "trend",
        name=told.term(told.body["metric"]),
        step=step,
        what=told.what,
        direction=direction(told.body.get("trend"), told),
    )
    return head + "\n" + bullets(lines[-LINES_SHOWN * 3 :], told, LINES_SHOWN * 3)


def direction(trend: Mapping[str, Any] | None, told: Telling) -> str:
    if not trend or not trend.get("significant"):
        return told.say("no_trend")
    slope = float(trend["slope_per_day"])
    return told.say("rising" if slope > 0 else "falling", slope=f"{abs(slope):.3g}")


def tell_trends(told: Telling) -> str:
    series = told.body["series"]
    key = told.body.get("metric", "created")
    lines = [f"{p['at']}: {figure_text(key, p['value'], told)}" for p in series]
    head = told.say(
        "trend",
        name=told.term(key),
        step=told.term(told.body.get("granularity", "day")),
        what=told.what,
        direction=direction(told.body.get("trend"), told),
    )
    tail = told.say("trend_last") + "\n" + bullets(lines[-7:], told)
    return f"{head}\n{tail}" if lines else head


def tell_ticket(told: Telling) -> str:
    row = told.body
    text = told.say(
        "ticket_head",
        number=row["number"],
        title=trimmed(row["title"]),
        status=told.term(row["status"]),
        priority=told.term(row["priority"]),
        category=told.term(row["category"]),
        zone=row["zone"],
    )
    team = told.team(row["team_id"])
    lines = [told.say("ticket_team", team=team) if team else told.say("ticket_no_team")]
    lines.append(told.say("ticket_created", at=told.local(row["created_at"])))
    if row.get("completed_at"):
        lines.append(told.say("ticket_done", at=told.local(row["completed_at"])))
    lines.append(sla_line(row, told))
    lines += [tell_part(answer, told) for answer in told.answers[1:]]
    return "\n".join([text, *lines])


def sla_line(row: Mapping[str, Any], told: Telling) -> str:
    sla = row.get("sla") or {}
    state = told.term(sla.get("state", "none"))
    due = (sla.get("resolution") or {}).get("due_at")
    if due and row["status"] in ("open", "in_progress", "on_hold"):
        return told.say("ticket_due", state=state, at=told.local(due))
    return told.say("ticket_sla", state=state)


def tell_part(answer: Answer, told: Telling) -> str:
    """Return comments or history of a ticket; what they say is quoted, not obeyed."""
    if not answer.ok:
        return told.say("refused", detail=str(answer.body.get("detail", "")))
    items = answer.body["items"]
    if answer.call.path.endswith("/comments"):
        lines = [f"{c.get('author') or '?'}: “{trimmed(c['body'])}”" for c in items]
        head = told.say("comments", n=len(items))
    else:
        lines = [f"{told.local(e['occurred_at'])} {e['kind']}" for e in items]
        head = told.say("history", n=len(items))
    return head + "\n" + (bullets(lines, told) if lines else told.say("none_found"))


def tell_aging(told: Telling) -> str:
    lines = [
        f"{b['name']}: {number(b['count']['value'])}" for b in told.body["buckets"]
    ]
    total = told.body["total"]["value"]
    wanted = told.plan.arguments.get("status")
    if wanted and len(wanted) == 1 and wanted[0] in told.body["by_status"]:
        total = told.body["by_status"][wanted[0]]["value"]
        lines = [
            f"{b['name']}: {number(b['by_status'][wanted[0]]['value'])}"
            for b in told.body["buckets"]
        ]
    head = told.say("aging", n=number(total), what=told.what)
    return head + "\n" + bullets(lines, told)


def tell_risk(told: Telling) -> str:
    items = told.body["items"]
    if not items:
        return told.say("risk_none", what=told.what)
    total = told.body["page"].get("total", len(items))
    if "model" not in told.body:  # the list of tickets that broke it in a period
        head = told.say("breached_head", n=number(total), what=told.what)
        return head + "\n" + bullets([ticket_line(r, told) for r in items], told)
    key = "breached_head" if told.plan.arguments.get("breached") else "risk_head"
    head = told.say(key, n=number(total), what=told.what)
    return head + "\n" + bullets([risk_line(r, told) for r in items], told)


def risk_line(row: Mapping[str, Any], told: Telling) -> str:
    chance = row["breach_probability"]
    return told.say(
        "risk_item",
        number=row["number"],
        title=trimmed(row["title"]),
        chance=told.say("no_model") if chance is None else f"{chance * 100:.0f} %",
        due=told.local(row["due_at"]),
    )


def tell_overview(told: Telling) -> str:
    metric = told.plan.arguments.get("metric")
    if metric == "overdue":
        return told.say("count", n=number(told.body["total"]), what=told.what)
    figure = FIGURES.get(metric or "")
    if metric is None:
        lines = [overview_line(key, told) for key in HEADLINE]
        return told.say("figures", what=told.what) + "\n" + bullets(lines, told)
    if figure is None or metric in ("efficiency", "productivity"):
        instead = ""
        if figure is not None:
            instead = f"{told.term('nearest')} {overview_line(figure, told)}."
        return told.say("no_figure", name=told.term(metric), instead=instead).strip()
    return overview_one(figure, told)


def overview_one(figure: str, told: Telling) -> str:
    texts = []
    for answer in told.answers:
        found = answer.body["overall"][figure]
        texts.append(figure_text(figure, found["value"], told))
    first = told.body["overall"][figure]
    value = " ↔ ".join(texts)
    name = told.term(figure)
    return told.say(
        "figure_one", name=name, value=value, n=number(first["n"]), what=told.what
    )


def overview_line(key: str, told: Telling) -> str:
    values = [
        figure_text(key, a.body["overall"][key]["value"], told) for a in told.answers
    ]
    n = told.body["overall"][key]["n"]
    return f"{told.term(key)}: {' ↔ '.join(values)} (n {number(n)})"


def tell_teams_performance(told: Telling) -> str:
    figure = ranking_figure(told)
    rows = [
        (g["name"], g["figures"][figure] if "figures" in g else g[figure])
        for g in told.body["groups"]
    ]
    return tell_ranking(told, "teams", figure, rows)


def tell_zones(told: Telling) -> str:
    figure = ranking_figure(told)
    figure = {"resolution_mean_minutes": ZONE_FIGURES["avg_resolution_time"]}.get(
        figure, figure
    )
    wanted = told.plan.arguments.get("zone")
    items = [z for z in told.body["items"] if wanted in (None, z["zone"])]
    if wanted and items and "metric" not in told.plan.arguments:
        keys = [k for k in HEADLINE if k in items[0]] + ["resolution_median_minutes"]
        lines = [zone_line(key, items[0], told) for key in keys]
        return told.say("figures", what=told.what) + "\n" + bullets(lines, told)
    return tell_ranking(told, "zones", figure, [(z["zone"], z[figure]) for z in items])


def zone_line(key: str, zone: Mapping[str, Any], told: Telling) -> str:
    value = figure_text(key, zone[key]["value"], told)
    return f"{told.term(key)}: {value} (n {number(zone[key]['n'])})"


def ranking_figure(told: Telling) -> str:
    """Return the figure to rank by; completions when none was named."""
    return FIGURES.get(told.plan.arguments.get("metric", "")) or "completion_ratio"


def tell_ranking(
    told: Telling,
    group: str,
    figure: str,
    rows: Sequence[tuple[str, Mapping[str, Any]]],
) -> str:
    """Return groups in order; those without a value come last, small n is shown."""
    lower_is_better = figure.endswith("_minutes") or figure in (
        "backlog",
        "reopen_ratio",
    )
    best_first = told.plan.arguments.get("rank") != "bottom"
    descending = best_first != lower_is_better
    known = [r for r in rows if r[1]["value"] is not None and r[1]["n"]]
    known.sort(
        key=lambda r: ((-1 if descending else 1) * r[1]["value"], -r[1]["n"], r[0])
    )
    shown = known[: told.plan.arguments.get("limit", LINES_SHOWN)]
    if not shown:
        return told.say("no_visible")
    lines = [
        f"{name}: {figure_text(figure, f['value'], told)} (n {number(f['n'])})"
        for name, f in shown
    ]
    head = told.say(
        "ranked", group=told.term(group), name=told.term(figure), what=told.what
    )
    return head + "\n" + bullets(lines, told, 50)


def tell_forecast(told: Telling) -> str:
    points = told.body["points"]
    if told.plan.arguments.get("metric") == "teams_needed":
        return tell_staffing(told)
    total = sum(p["value"] for p in points)
    head = told.say(
        "forecast",
        what=told.what,
        total=number(round(total, 1)),
        model=told.body["model"],
    )
    lines = [
        told.say(
            "forecast_day",
            on=p["on"],
            value=number(p["value"]),
            lo=number(p["lo80"]),
            hi=number(p["hi80"]),
        )
        for p in points
    ]
    return head + "\n" + bullets(lines, told, 31)


def tell_staffing(told: Telling) -> str:
    by_day: dict[str, list[int]] = {}
    for row in told.body.get("resources") or []:
        day = by_day.setdefault(row["on"], [0, 0])
        day[0] += row["teams_needed"]
        day[1] += row["teams_available"]
    if not by_day:
        return told.say("no_resources")
    peak = max(by_day, key=lambda on: (by_day[on][0], on))
    head = told.say(
        "teams_needed", what=told.what, n=by_day[peak][0], on=peak, m=by_day[peak][1]
    )
    lines = [f"{on}: {need} / {have}" for on, (need, have) in sorted(by_day.items())]
    return head + "\n" + bullets(lines, told, 31)


def tell_insights(told: Telling) -> str:
    items = told.body["items"]
    if not items:
        return told.say("no_insights", what=told.what)
    total = told.body["page"]["total"]
    lines = [f"{i['title']} ({i['kind']}, {i['severity']})" for i in items]
    return told.say("insights", n=total, what=told.what) + "\n" + bullets(lines, told)


def tell_advice(told: Telling) -> str:
    items = told.body["items"]
    if not items:
        return told.say("no_advice", what=told.what)
    return (
        told.say("advice", what=told.what)
        + "\n"
        + bullets([i["text"] for i in items], told)
    )


def tell_candidates(told: Telling) -> str:
    name = told.plan.arguments["ticket_number"]
    candidates, rejected = told.body["candidates"], told.body["rejected"]
    if not candidates:
        rules: dict[str, int] = {}
        for team in rejected:
            rules[team["rule"]] = rules.get(team["rule"], 0) + 1
        why = ", ".join(f"{rule} {n}" for rule, n in sorted(rules.items()))
        return told.say("no_candidates", number=name, n=len(rejected), why=why or "-")
    lines = [candidate_line(c, told) for c in candidates[:3]]
    text = told.say("candidates", number=name) + "\n" + bullets(lines, told)
    return f"{text}\n{candidates[0]['counterfactual']}"


def candidate_line(row: Mapping[str, Any], told: Telling) -> str:
    km, chance = row["travel_km"], row["breach_probability"]
    return told.say(
        "candidate",
        name=row["name"],
        eta=f"{row['eta_minutes']:.0f}",
        km=told.say("km_unknown") if km is None else told.say("km", km=f"{km:.1f}"),
        risk=(
            told.say("risk_unknown")
            if chance is None
            else told.say("risk", p=f"{chance * 100:.0f} %")
        ),
    )


def tell_similar(told: Telling) -> str:
    items = told.body["items"]
    if not items:
        return told.say("no_similar")
    lines = []
    for row in items:
        how = row["resolution_code"] or row["cause"]
        minutes = row["resolution_minutes"]
        lines.append(
            told.say(
                "similar_item",
                number=row["number"],
                title=trimmed(row["title"]),
                status=told.term(row["status"]),
                how=f", {told.term(how).replace('_', ' ')}" if how else "",
                minutes=""
                if minutes is None
                else f", {figure_text('x_minutes', minutes, told)}",
            )
        )
    return told.say("similar", n=len(items)) + "\n" + bullets(lines, told)


def tell_team_list(told: Telling) -> str:
    items = told.body["items"]
    if told.plan.arguments.get("availability") == "busy":
        items = [t for t in items if t["open_tickets"]]
    if not items:
        return told.say("no_teams", what=told.what)
    lines = [
        told.say("team_item", name=t["name"], zone=t["zone"], n=t["open_tickets"])
        for t in items
    ]
    n = str(len(items)) + ("+" if told.body["page"]["next"] else "")
    return told.say("teams", n=n, what=told.what) + "\n" + bullets(lines, told, 20)


def tell_my_day(told: Telling) -> str:
    items = told.body["items"]
    if not items:
        return told.say("my_day_none")
    total = told.body["page"].get("total", len(items))
    lines = [ticket_line(row, told) for row in items]
    return told.say("my_day", n=number(total)) + "\n" + bullets(lines, told)


RENDERERS: Mapping[str, Callable[[Telling], str]] = {
    "ticket_get": tell_ticket,
    "ticket_search": tell_search,
    "ticket_stats": tell_stats,
    "ticket_aging": tell_aging,
    "sla_risk": tell_risk,
    "performance_overview": tell_overview,
    "team_performance": tell_teams_performance,
    "zone_analytics": tell_zones,
    "trends": tell_trends,
    "forecast": tell_forecast,
    "insights": tell_insights,
    "recommendations": tell_advice,
    "recommend_team": tell_candidates,
    "similar_tickets": tell_similar,
    "team_list": tell_team_list,
    "my_day": tell_my_day,
}


def render(told: Telling) -> str:
    return RENDERERS[told.plan.tool](told)
