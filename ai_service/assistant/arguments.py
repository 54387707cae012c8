"""From slots to the arguments of one tool. One builder per tool; none calls anything.

The words that decide (was it completed, is it still to come) are looked up here,
because only here is it known which tool they are for.
"""

import re
from collections.abc import Callable, Mapping

from ai_service.assistant import lexicon
from ai_service.assistant.free_text import (
    comment_text,
    create_fields,
    problem_text,
    search_text,
    status_note,
)
from ai_service.assistant.lexicon import UNFINISHED
from ai_service.assistant.plans import Arguments, Heard
from ai_service.assistant.slots import TIME_METRICS

WILL = (
    r"akan|hampir|mahu|will|about to|going to|at risk|likely|close to|berisiko|nyaris|"
    r"soon|near|could|might|may|bakal|dalam bahaya|in danger"
)
DUE = (
    r"due|deadline|perlu siap|perlu disiapkan|tamat tempoh|tarikh akhir|"
    r"perlu diselesaikan|expire|expiring"
)
DONE_WORDS = (
    r"complete|completed|close|closed|finish|finished|resolve|resolved|siapkan|"
    r"selesaikan|tutup|disiapkan|diselesaikan|ditutup|siap|selesai|fixed|fix"
)
NEGATED = r"not|belum|tidak|perlu|yet to be|to be"


def statuses_of(heard: Heard) -> list[str]:
    """Return statuses for a read tool, sorted; unfinished is open and in progress."""
    found: set[str] = set()
    still_due = heard.has("perlu (?:siap|disiapkan|selesai|diselesaikan)")
    for status in heard.slots.statuses:
        if status == "completed" and still_due:
            continue
        found |= {"open", "in_progress"} if status == UNFINISHED else {status}
    asks_done = heard.has(DONE_WORDS) and not heard.has(NEGATED)
    if not found and asks_done and not heard.slots.overdue:
        found = {"completed"}
    return sorted(found)


def period_arguments(heard: Heard, arguments: Arguments) -> None:
    periods = heard.slots.periods
    if not periods:
        return
    arguments["period"] = periods[0]
    if heard.has(DUE):
        arguments["date_field"] = "due"
    elif arguments.get("status") == ["completed"]:
        arguments["date_field"] = "completed"


def filters_of(heard: Heard) -> Arguments:
    """Return the filters that list and count share."""
    slots = heard.slots
    arguments: Arguments = {}
    statuses = statuses_of(heard)
    if statuses:
        arguments["status"] = statuses
    if slots.priorities:
        arguments["priority"] = sorted(slots.priorities)
    if slots.categories:
        arguments["category"] = sorted(slots.categories)
    arguments |= place_of(heard)
    if slots.mine:
        arguments["assigned_to"] = "me"
    if slots.unassigned:
        arguments["unassigned"] = True
    if slots.overdue:
        arguments["overdue"] = True
    if slots.min_age_days:
        arguments["min_age_days"] = slots.min_age_days
    period_arguments(heard, arguments)
    return arguments


def place_of(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments: Arguments = {}
    if slots.zones:
        arguments["zone"] = slots.zones[0]
    if slots.teams:
        arguments["team"] = slots.teams[0]
    elif slots.my_team:
        arguments["team"] = "me"
    return arguments


def build_search(heard: Heard) -> Arguments:
    arguments = filters_of(heard)
    words = search_text(heard.raw)
    if words:
        arguments["text"] = words
    if heard.slots.sort:
        arguments["sort"] = heard.slots.sort
    if heard.slots.limit:
        arguments["limit"] = heard.slots.limit
    return arguments


def build_stats(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments = filters_of(heard)
    if slots.group_by:
        arguments["group_by"] = slots.group_by
    if slots.rank and slots.group_by:
        arguments["rank"] = slots.rank
        if slots.limit:
            arguments["limit"] = slots.limit
    if len(slots.periods) > 1:
        arguments["compare_to"] = slots.periods[1]
    return arguments


def build_aging(heard: Heard) -> Arguments:
    arguments = place_of(heard)
    statuses = statuses_of(heard)
    if statuses and UNFINISHED not in heard.slots.statuses:
        arguments["status"] = statuses
    if heard.slots.min_age_days:
        arguments["min_age_days"] = heard.slots.min_age_days
    return arguments


def build_risk(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments = place_of(heard)
    if slots.priorities:
        arguments["priority"] = sorted(slots.priorities)
    if slots.window_hours:
        hours = slots.window_hours
        arguments["window_hours"] = int(hours) if hours == int(hours) else hours
    if not heard.has(WILL) and (
        slots.breached or heard.has("missed|failed|violated|broke|out of")
    ):
        arguments["breached"] = True
    if slots.periods:
        arguments["period"] = slots.periods[0]
    if slots.limit:
        arguments["limit"] = slots.limit
    return arguments


def metric_of(heard: Heard) -> str | None:
    found = [m for m in heard.slots.metrics if m not in {"created", "open_tickets"}]
    if found:
        return found[0]
    if heard.has(
        "fastest|slowest|quickest|paling laju|paling lambat|paling pantas|terpantas"
    ):
        return TIME_METRICS[0]
    if heard.has("sla") and not heard.has("sla (?:clock|policy)"):
        return "sla_compliance"
    return next(iter(heard.slots.metrics), None)


def build_overview(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments: Arguments = {}
    metric = metric_of(heard)
    if metric is None and heard.has("how long|how fast|how quickly|berapa lama"):
        metric = (
            TIME_METRICS[1] if heard.has("respond|respon|respons") else TIME_METRICS[0]
        )
    if metric:
        arguments["metric"] = metric
    if slots.zones:
        arguments["zone"] = slots.zones[0]
    if slots.periods:
        arguments["period"] = slots.periods[0]
    if len(slots.periods) > 1:
        arguments["compare_to"] = slots.periods[1]
    return arguments


def rank_arguments(heard: Heard, arguments: Arguments) -> Arguments:
    slots = heard.slots
    metric = metric_of(heard)
    if metric is None and slots.rank and heard.has(DONE_WORDS):
        metric = "tickets_completed"
    if metric:
        arguments["metric"] = metric
    if slots.rank:
        arguments["rank"] = slots.rank
    if slots.limit:
        arguments["limit"] = slots.limit
    if slots.periods:
        arguments["period"] = slots.periods[0]
    return arguments


def build_team_performance(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments: Arguments = {}
    if len(slots.teams) > 1:
        arguments["team"] = list(slots.teams)
    elif slots.teams:
        arguments["team"] = slots.teams[0]
    elif slots.my_team:
        arguments["team"] = "me"
    if slots.zones:
        arguments["zone"] = slots.zones[0]
    return rank_arguments(heard, arguments)


def build_zone_analytics(heard: Heard) -> Arguments:
    zones = heard.slots.zones
    arguments: Arguments = {"zone": zones[0]} if len(zones) == 1 else {}
    return rank_arguments(heard, arguments)


def build_trends(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments: Arguments = {}
    metric = metric_of(heard)
    if metric is None and slots.statuses == ["completed"]:
        metric = "tickets_completed"
    if metric:
        arguments["metric"] = metric
    arguments |= place_of(heard)
    if slots.periods:
        arguments["period"] = slots.periods[0]
    if slots.group_by in {"day", "week", "month"}:
        arguments["granularity"] = slots.group_by
    if len(slots.periods) > 1:
        arguments["compare_to"] = slots.periods[1]
    return arguments


def build_forecast(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments: Arguments = {}
    if "teams_needed" in slots.metrics or heard.has(
        "teams|pasukan|crews|technicians|staff"
    ):
        arguments["metric"] = "teams_needed"
    elif heard.has("tickets|tiket|volume|demand|permintaan|jobs"):
        arguments["metric"] = "created"
    if slots.zones:
        arguments["zone"] = slots.zones[0]
    if slots.periods:
        arguments["period"] = slots.periods[0]
    return arguments


def build_insights(heard: Heard) -> Arguments:
    arguments: Arguments = {}
    if heard.slots.zones:
        arguments["zone"] = heard.slots.zones[0]
    if heard.slots.periods:
        arguments["period"] = heard.slots.periods[0]
    return arguments


def build_recommendations(heard: Heard) -> Arguments:
    arguments: Arguments = {}
    if heard.slots.zones:
        arguments["zone"] = heard.slots.zones[0]
    if heard.slots.focus:
        arguments["focus"] = heard.slots.focus
    return arguments


def ticket_of(heard: Heard) -> Arguments:
    """Return the ticket meant: named, by its place in the list, or the one in focus."""
    slots = heard.slots
    if slots.tickets:
        return {"ticket_number": slots.tickets[0]}
    if slots.reference:
        return {"ticket_number": slots.reference}
    if heard.memory.focus is not None and (
        slots.focus_ticket or heard.has("its|itu|ini|nya")
    ):
        return {"ticket_number": heard.memory.focus}
    return {}


def build_get(heard: Heard) -> Arguments:
    includes = [i for i in heard.slots.includes if i != "sla" or heard.has("sla")]
    arguments = ticket_of(heard)
    if includes:
        arguments["include"] = sorted(includes)
    return arguments


def build_recommend_team(heard: Heard) -> Arguments:
    found = ticket_of(heard)
    if not found and heard.memory.focus is not None:
        found = {"ticket_number": heard.memory.focus}
    return found


def build_similar(heard: Heard) -> Arguments:
    found = ticket_of(heard)
    if found:
        return found
    words = problem_text(heard.raw)
    if words:
        return {"text": words}
    return {} if heard.memory.focus is None else {"ticket_number": heard.memory.focus}


def build_team_list(heard: Heard) -> Arguments:
    arguments: Arguments = {}
    if heard.slots.zones:
        arguments["zone"] = heard.slots.zones[0]
    if heard.slots.availability:
        arguments["availability"] = heard.slots.availability
    return arguments


def build_my_day(heard: Heard) -> Arguments:
    return {"period": heard.slots.periods[0]} if heard.slots.periods else {}


def build_kb(heard: Heard) -> Arguments:
    return {"query": heard.raw.strip(" ?!.")[:200]}


def build_assign(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments = ticket_of(heard)
    if slots.teams:
        arguments["team"] = slots.teams[0]
    elif slots.recommended_team:
        arguments["team"] = "@recommended"
    elif slots.my_team or re.search(
        r"(?:to|kepada|ke|pada) (?:me|saya)(?!\w)", heard.text
    ):
        arguments["team"] = "me"
    return arguments


def build_change_status(heard: Heard) -> Arguments:
    arguments = ticket_of(heard)
    named = [s for s in heard.slots.statuses if s != UNFINISHED]
    target = target_status(heard) or (named[-1] if named else heard.slots.verb)
    if target:
        arguments["status"] = target
    note = status_note(heard.raw)
    if note:
        arguments["note"] = note
    return arguments


def target_status(heard: Heard) -> str | None:
    """Return the status after "to" or "as", which wins over the verb before it."""
    after = re.search(
        r"(?<!\w)(?:to|as|kepada|ke|sebagai|jadi) ([\w\- ]+)$", heard.text
    )
    if after is None:
        return None
    table = lexicon.by_phrase(lexicon.STATUS_VERBS) | lexicon.by_phrase(
        lexicon.STATUS_PHRASES
    )
    words = after.group(1).split()
    for size in (3, 2, 1):
        found = table.get(" ".join(words[:size]))
        if found and found != UNFINISHED:
            return found
    return None


def build_change_priority(heard: Heard) -> Arguments:
    arguments = ticket_of(heard)
    priorities = heard.slots.priorities
    if priorities:
        arguments["priority"] = last_said(heard, priorities)
    else:
        soft = lexicon.by_phrase(lexicon.PRIORITY_PHRASES)
        said = [soft[w] for w in heard.text.split() if w in soft]
        if said:
            arguments["priority"] = said[-1]
    return arguments


def last_said(heard: Heard, priorities: list[str]) -> str:
    table = lexicon.by_phrase(lexicon.PRIORITY_PHRASES)
    said = [table[w] for w in heard.text.split() if table.get(w) in priorities]
    return said[-1] if said else priorities[-1]


def build_comment(heard: Heard) -> Arguments:
    arguments = ticket_of(heard)
    if not arguments and heard.memory.focus is not None:
        arguments = {"ticket_number": heard.memory.focus}
    words = comment_text(heard.raw)
    if words:
        arguments["text"] = words
    return arguments


def build_create(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments: Arguments = dict(create_fields(heard.raw))
    if slots.categories:
        arguments["category"] = slots.categories[0]
    if slots.priorities:
        arguments["priority"] = slots.priorities[0]
    if slots.zones:
        arguments["zone"] = slots.zones[0]
    return arguments


def nothing(_: Heard) -> Arguments:
    return {}


BUILDERS: Mapping[str, Callable[[Heard], Arguments]] = {
    "ticket_get": build_get,
    "ticket_search": build_search,
    "ticket_stats": build_stats,
    "ticket_aging": build_aging,
    "sla_risk": build_risk,
    "performance_overview": build_overview,
    "team_performance": build_team_performance,
    "zone_analytics": build_zone_analytics,
    "trends": build_trends,
    "forecast": build_forecast,
    "insights": build_insights,
    "recommendations": build_recommendations,
    "recommend_team": build_recommend_team,
    "similar_tickets": build_similar,
    "team_list": build_team_list,
    "my_day": build_my_day,
    "kb_search": build_kb,
    "assign_ticket": build_assign,
    "change_status": build_change_status,
    "change_priority": build_change_priority,
    "add_comment": build_comment,
    "create_ticket": build_create,
    "help": nothing,
    "smalltalk": nothing,
}
