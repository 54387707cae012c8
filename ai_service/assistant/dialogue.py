"""One turn of the assistant: understand, call, tell, remember.

Reads run at once; writes only ever become a proposal, which runs when the same user
sends its token or agrees in words while it is the only one pending. Every figure is
from the calls of this turn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ai_service.assistant import memory as memories
from ai_service.assistant.api_client import Answer, ApiClient, Call, call_from_json
from ai_service.assistant.articles import find_article
from ai_service.assistant.calls import Setting, calls_for, write_calls
from ai_service.assistant.lexicon import ENGLISH_MARKS, MALAY_MARKS
from ai_service.assistant.memory import State
from ai_service.assistant.normalising import words_of
from ai_service.assistant.planner import Planner
from ai_service.assistant.plans import Plan
from ai_service.assistant.registry import WRITE, kind_of
from ai_service.assistant.replies import Telling, interpretation, render, trimmed
from ai_service.assistant.wording import say, term
from db.vocabulary import Role

ENGINE = "embedded"
REMEMBERED_TOOLS = frozenset(
    {
        "ticket_search",
        "ticket_stats",
        "ticket_aging",
        "sla_risk",
        "performance_overview",
        "team_performance",
        "zone_analytics",
        "trends",
        "forecast",
        "insights",
        "recommendations",
        "team_list",
        "my_day",
    }
)
DESK = frozenset({Role.ADMIN, Role.MANAGER, Role.DISPATCHER})
NOT_VIEWERS = frozenset(Role) - {Role.VIEWER}
WRITERS: Mapping[str, frozenset[Role]] = {
    "assign_ticket": DESK,
    "change_priority": DESK,
    "change_status": NOT_VIEWERS,
    "add_comment": NOT_VIEWERS,
    "create_ticket": NOT_VIEWERS,
}
SUGGESTIONS = {
    "en": {
        "count": "How many tickets are unfinished?",
        "list": "Show them",
        "risk": "Which tickets are at risk of breaching SLA?",
        "performance": "How is performance this month?",
        "team": "Which team should take {ticket}?",
        "history": "Show the history of {ticket}",
        "zone": "Tickets by zone",
        "day": "What should I do today?",
        "create": "Create a ticket",
    },
    "ms": {
        "count": "Berapa tiket belum selesai?",
        "list": "Tunjukkan senarai",
        "risk": "Tiket mana berisiko langgar SLA?",
        "performance": "Bagaimana prestasi bulan ini?",
        "team": "Pasukan mana sesuai untuk {ticket}?",
        "history": "Tunjuk sejarah {ticket}",
        "zone": "Tiket mengikut zon",
        "day": "Apa kerja saya hari ini?",
        "create": "Cipta tiket",
    },
}


@dataclass(slots=True)
class Turn:
    """A turn in the making. state: of the conversation, changed as the turn goes."""

    client: ApiClient
    setting: Setting
    state: State
    language: str
    team_names: Mapping[int, str]
    done: list[dict[str, Any]] = field(default_factory=list)
    degraded: bool = False
    proposal: dict[str, Any] | None = None
    settled: Plan | None = None

    def say(self, key: str, **values: Any) -> str:
        return say(key, self.language, **values)

    def send(self, tool: str, arguments: Mapping[str, Any], call: Call) -> Answer:
        answer = self.client.send(call)
        self.degraded |= answer.status >= 500
        self.done.append(
            {
                "name": tool,
                "arguments": dict(arguments),
                "status": answer.status,
                "source_url": call.url,
            }
        )
        return answer


# ---- language ------------------------------------------------------------------------


def language_of(message: str, fallback: str) -> str:
    """Return ms or en by the words that only one of them has."""
    words = words_of(message)
    malay = sum(w in MALAY_MARKS for w in words)
    english = sum(w in ENGLISH_MARKS for w in words)
    if malay == english:
        return fallback
    return "ms" if malay > english else "en"


# ---- answering -----------------------------------------------------------------------


def answer_message(turn: Turn, planner: Planner, message: str) -> dict[str, Any]:
    """Return the answer to a message, the state updated."""
    memory = memories.memory_from(turn.state, turn.setting.now)
    plan = planner.plan(message, memory)
    reply = carry_out(turn, plan)
    if plan.tool == "smalltalk":
        reply = closing_words(message, turn) or reply
    note_asking(turn.state, plan)
    return finished(turn, plan, reply)


def finished(turn: Turn, plan: Plan, reply: str) -> dict[str, Any]:
    read = plan.tool not in {
        "none",
        "help",
        "smalltalk",
        "confirm",
        "cancel",
        "clarify",
    }
    return {
        "reply": reply,
        "language": turn.language,
        "tool_calls": turn.done,
        "plan": {"tool": plan.tool, "arguments": plan.arguments},
        "interpretation": (
            interpretation(turn.settled or plan, turn.setting, turn.language)
            if read
            else ""
        ),
        "proposal": turn.proposal,
        "suggestions": suggestions(turn, plan),
        "engine": ENGINE,
        "degraded": turn.degraded,
    }


def note_asking(state: State, plan: Plan) -> None:
    """Remember what a question back was about; any other plan ends the asking."""
    if plan.tool == "clarify" and plan.details.get("tool"):
        state["asking"] = dict(plan.details)
    elif plan.tool not in {"none", "smalltalk", "help"}:
        state.pop("asking", None)


def carry_out(turn: Turn, plan: Plan) -> str:
    if plan.tool in DIALOGUE:
        return DIALOGUE[plan.tool](turn, plan)
    if plan.tool == "kb_search":
        article = find_article(plan.arguments["query"])
        return article.text(turn.language) if article else turn.say("kb_none")
    settled = settle(turn, plan)
    if isinstance(settled, str):
        return settled
    turn.settled = settled
    if kind_of(plan.tool) == WRITE:
        return propose(turn, settled)
    return read(turn, settled)


def settle(turn: Turn, plan: Plan) -> Plan | str:
    """Return the plan with "@2" and "@recommended" replaced, or what to say instead."""
    arguments = dict(plan.arguments)
    number = arguments.get("ticket_number", "")
    if number.startswith("@"):
        listed = turn.state.get("listed", [])
        place = int(number[1:])
        if not 1 <= place <= len(listed):
            return turn.say("no_reference")
        arguments["ticket_number"] = listed[place - 1]
    if arguments.get("team") == "@recommended":
        team = recommended_team(turn, arguments["ticket_number"])
        if team is None:
            return turn.say("no_recommended")
        arguments["team"] = team
    if plan.tool == "assign_ticket" and turn.setting.team_id(arguments["team"]) is None:
        return turn.say("unknown_team", said=arguments["team"])
    return replace(plan, arguments=arguments)


def recommended_team(turn: Turn, number: str) -> str | None:
    """Return the team last recommended for a ticket, asking now if none was."""
    kept = turn.state.get("recommended")
    if kept and kept["ticket"] == number:
        return str(kept["team"])
    plan = Plan("recommend_team", {"ticket_number": number})
    answer = turn.send(plan.tool, plan.arguments, calls_for(plan, turn.setting)[0])
    candidates = answer.body.get("candidates") if answer.ok else None
    return str(candidates[0]["name"]) if candidates else None


# ---- reads ---------------------------------------------------------------------------


def read(turn: Turn, plan: Plan) -> str:
    """Run a read tool and tell its answer."""
    calls = calls_for(plan, turn.setting)
    answers = [turn.send(plan.tool, plan.arguments, call) for call in calls]
    if not answers[0].ok or (len(answers) > 1 and kind_fails(plan, answers)):
        return failure(turn, plan, next(a for a in answers if not a.ok))
    told = Telling(plan, answers, turn.setting, turn.language, turn.team_names)
    remember_read(turn.state, plan, answers)
    return render(told)


def kind_fails(plan: Plan, answers: Sequence[Answer]) -> bool:
    """Whether a failed later call spoils the answer; parts of a ticket do not."""
    return plan.tool != "ticket_get" and any(not a.ok for a in answers)


def failure(turn: Turn, plan: Plan, answer: Answer) -> str:
    if answer.status >= 500 or answer.status == 429:
        return turn.say("away")
    if answer.status == 404 and "ticket_number" in plan.arguments:
        return turn.say("no_ticket", number=plan.arguments["ticket_number"])
    if answer.status in (401, 403):
        return turn.say("refused_403")
    return turn.say("refused", detail=detail_of(answer))


def detail_of(answer: Answer) -> str:
    body = answer.body if isinstance(answer.body, Mapping) else {}
    allowed = body.get("allowed")
    text = str(body.get("detail", answer.status))
    return f"{text} ({', '.join(allowed)})" if allowed else text


def remember_read(state: State, plan: Plan, answers: Sequence[Answer]) -> None:
    body = answers[0].body
    if plan.tool in REMEMBERED_TOOLS:
        state["last"] = {
            "tool": plan.tool,
            "arguments": plan.arguments,
            "unfinished": plan.unfinished,
        }
    if plan.tool in {"ticket_search", "sla_risk", "my_day", "similar_tickets"}:
        numbers = [row["number"] for row in body["items"]]
        state["listed"] = numbers[: memories.LISTED_KEPT]
        if len(numbers) == 1:
            state["focus"] = numbers[0]
    if "ticket_number" in plan.arguments:
        state["focus"] = plan.arguments["ticket_number"]
    if plan.tool == "recommend_team" and body["candidates"]:
        number = plan.arguments["ticket_number"]
        state["recommended"] = {"ticket": number, "team": body["candidates"][0]["name"]}


# ---- writes --------------------------------------------------------------------------


def propose(turn: Turn, plan: Plan) -> str:
    """Keep what would be written as a proposal and ask for a yes."""
    if turn.setting.actor.role not in WRITERS[plan.tool]:
        return turn.say("refused_403")
    version = None
    if "ticket_number" in plan.arguments:
        call = Call("GET", f"/api/tickets/{plan.arguments['ticket_number']}")
        answer = turn.send(
            "ticket_get", {"ticket_number": plan.arguments["ticket_number"]}, call
        )
        if not answer.ok:
            return failure(turn, plan, answer)
        version = answer.body["version"]
        turn.state["focus"] = plan.arguments["ticket_number"]
    act = act_of(turn, plan)
    calls = [call.as_json() for call in write_calls(plan, turn.setting, version)]
    token, expires_at = memories.keep_proposal(
        turn.state,
        {
            "tool": plan.tool,
            "arguments": plan.arguments,
            "calls": calls,
            "version": version,
            "summary": act,
        },
        turn.setting.now,
    )
    turn.proposal = {
        "token": token,
        "expires_at": expires_at,
        "summary": act,
        "calls": calls,
    }
    return turn.say("propose", act=act)


def act_of(turn: Turn, plan: Plan) -> str:
    """Return what a write would do, in words."""
    wanted = plan.arguments
    number = wanted.get("ticket_number", "")
    match plan.tool:
        case "assign_ticket":
            team_id = turn.setting.team_id(wanted["team"])
            team = turn.team_names.get(team_id or 0, wanted["team"])
            return turn.say("act_assign", number=number, team=team)
        case "change_status":
            status = term(wanted["status"], turn.language)
            return turn.say("act_status", number=number, status=status)
        case "change_priority":
            priority = term(wanted["priority"], turn.language)
            return turn.say("act_priority", number=number, priority=priority)
        case "add_comment":
            return turn.say("act_comment", number=number, text=trimmed(wanted["text"]))
    rest = [term(v, turn.language) for k, v in wanted.items() if k != "title"]
    return turn.say("act_create", title=trimmed(wanted["title"]), rest=", ".join(rest))


def run_proposal(turn: Turn, kept: Mapping[str, Any] | None) -> tuple[Plan, str]:
    """Carry out a proposal that was taken; return its plan and what to say."""
    plan = Plan("confirm")
    if kept is None:
        return plan, turn.say("nothing_pending")
    tool, arguments = str(kept["tool"]), dict(kept["arguments"])
    number = arguments.get("ticket_number")
    if number is not None and is_changed(turn, number, kept["version"]):
        return plan, turn.say("changed", number=number)
    answer = None
    for call in kept["calls"]:
        answer = turn.send(tool, arguments, call_from_json(call))
        if not answer.ok:
            return plan, failed_write(turn, Plan(tool, arguments), answer)
    if tool == "create_ticket" and answer is not None:
        turn.state["focus"] = answer.body["number"]
        made = {"number": answer.body["number"], "title": trimmed(answer.body["title"])}
        return plan, turn.say("created", **made)
    return plan, turn.say("done", what=kept["summary"])


def is_changed(turn: Turn, number: str, version: int) -> bool:
    call = Call("GET", f"/api/tickets/{number}")
    answer = turn.send("ticket_get", {"ticket_number": number}, call)
    return answer.ok and answer.body["version"] != version


def failed_write(turn: Turn, plan: Plan, answer: Answer) -> str:
    if answer.status == 412:
        return turn.say("changed", number=plan.arguments.get("ticket_number", ""))
    return failure(turn, plan, answer)


# ---- dialogue tools ------------------------------------------------------------------


def clarify(turn: Turn, plan: Plan) -> str:
    missing = plan.arguments["missing"][0]
    said = plan.details.get("unknown")
    if said and missing == "zone":
        choices = ", ".join(turn.setting.names.zone_names[:20])
        return turn.say("unknown_zone", said=said, choices=choices)
    if said and missing == "team":
        return turn.say("unknown_team", said=said)
    return turn.say(f"ask_{missing}")


def refuse(turn: Turn, plan: Plan) -> str:
    return turn.say(f"none_{plan.arguments['reason']}", can=turn.say("can"))


def cancel(turn: Turn, _: Plan) -> str:
    had = turn.state.pop("proposal", None) or turn.state.pop("asking", None)
    return turn.say("cancelled" if had else "nothing_pending")


def help_text(turn: Turn, _: Plan) -> str:
    offered = ["count", "list", "risk", "performance", "team", "zone", "create"]
    if turn.setting.actor.role is Role.TECHNICIAN:
        offered.insert(0, "day")
    if turn.setting.actor.role in (Role.VIEWER,):
        offered.remove("create")
    if turn.setting.actor.role is Role.REQUESTER:
        offered = ["count", "list", "create"]
    spoken = SUGGESTIONS[turn.language]
    items = "\n".join(f"- {spoken[name].format(ticket='CTT_42')}" for name in offered)
    return turn.say("help", items=items)


def smalltalk(turn: Turn, _: Plan) -> str:
    return turn.say("hello", can=turn.say("can"))


def confirm(_turn: Turn, _plan: Plan) -> str:
    """Say nothing yet: the proposal is taken from its row first (routes.py)."""
    return ""


DIALOGUE = {
    "confirm": confirm,
    "clarify": clarify,
    "none": refuse,
    "cancel": cancel,
    "help": help_text,
    "smalltalk": smalltalk,
}


def suggestions(turn: Turn, plan: Plan) -> list[str]:
    """Return what could be asked next, at most three."""
    if turn.proposal is not None:
        return ["yes", "no"] if turn.language == "en" else ["ya", "tidak"]
    focus, listed = turn.state.get("focus"), turn.state.get("listed")
    names, ticket = ["count", "risk", "performance"], focus
    if plan.tool == "ticket_stats":
        names = ["list", "zone", "risk"]
    elif plan.tool in {"ticket_get", "add_comment"} and focus:
        names = ["team", "history"]
    elif plan.tool in {"ticket_search", "sla_risk"} and listed:
        names, ticket = ["team", "performance"], listed[0]
    elif turn.setting.actor.role is Role.TECHNICIAN:
        names = ["day", "risk"]
    return [SUGGESTIONS[turn.language][name].format(ticket=ticket) for name in names]


def closing_words(message: str, turn: Turn) -> str | None:
    """Return the reply to thanks or goodbye, None for another greeting."""
    words = set(words_of(message))
    if words & {"thanks", "thank", "terima", "cheers"}:
        return turn.say("thanks")
    if words & {"bye", "goodbye", "jumpa"}:
        return turn.say("bye")
    return None
