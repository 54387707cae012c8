"""From arguments to a plan: what is missing is asked, what is unknown is said.

Also how a plan follows from the ones before: the same question narrowed, its list,
its count, an answer to what was asked back.
"""

import re
from collections.abc import Mapping
from typing import Any

from ai_service.assistant.arguments import BUILDERS
from ai_service.assistant.lexicon import UNFINISHED
from ai_service.assistant.normalising import plain
from ai_service.assistant.plans import Arguments, Heard, Plan
from ai_service.assistant.registry import WRITE, kind_of, tools

FREE_TEXT_TOOLS = frozenset(
    {"add_comment", "create_ticket", "kb_search", "similar_tickets", "change_status"}
)


def required(tool: str) -> list[str]:
    if tool == "create_ticket":
        return ["title", "category", "zone"]  # what the API asks for
    if tool == "similar_tickets":
        return []
    listed: list[str] = tools()[tool]["function"]["parameters"]["required"]
    return listed


def checked(heard: Heard, tool: str, arguments: Arguments, confidence: float) -> Plan:
    """Return the plan, or `clarify` when something is missing or unknown."""
    slots = heard.slots
    if tool not in FREE_TEXT_TOOLS:
        if slots.unknown_zone and "zone" not in arguments and "text" not in arguments:
            return unknown(tool, arguments, "zone", slots.unknown_zone)
        if slots.unknown_team and "team" not in arguments:
            return unknown(tool, arguments, "team", slots.unknown_team)
    missing = [name for name in required(tool) if name not in arguments]
    if tool == "similar_tickets" and not arguments:
        missing = ["ticket_number"]
    if missing:
        asked = {"tool": tool, "arguments": arguments, "missing": missing}
        return Plan("clarify", {"missing": missing}, asked, confidence=confidence)
    unfinished = UNFINISHED in slots.statuses and "status" in arguments
    return Plan(tool, arguments, unfinished=unfinished, confidence=confidence)


def unknown(tool: str, arguments: Arguments, slot: str, said: str) -> Plan:
    details = {"tool": tool, "arguments": arguments, "missing": [slot], "unknown": said}
    return Plan("clarify", {"missing": [slot]}, details)


def again(heard: Heard, tool: str) -> Plan | None:
    """Return the last question asked of another tool: its list, or its count."""
    last = heard.memory.last
    if last is None or last["tool"] not in {"ticket_stats", "ticket_search"}:
        return None
    allowed = tools()[tool]["function"]["parameters"]["properties"]
    dropped = {"group_by", "rank", "compare_to", "limit", "sort"}
    kept = {
        k: v for k, v in last["arguments"].items() if k in allowed and k not in dropped
    }
    return Plan(tool, kept, unfinished=bool(last.get("unfinished")))


def merged(heard: Heard, last: Mapping[str, Any]) -> Plan | None:
    """Return the last question with the slots of this message put over its own."""
    tool = str(last["tool"])
    if kind_of(tool) == WRITE or tool not in BUILDERS:
        return None
    fresh = BUILDERS[tool](heard)
    fresh.pop("text", None)
    if not fresh and not (heard.slots.unknown_zone or heard.slots.unknown_team):
        return None
    kept = dict(last["arguments"])
    if "period" in fresh and "date_field" not in fresh and kept.get("date_field"):
        fresh["date_field"] = kept["date_field"]
    arguments = {**kept, **fresh}
    if arguments.get("status") == ["completed"] and "period" in arguments:
        arguments.setdefault("date_field", "completed")
    plan = checked(heard, tool, arguments, 1.0)
    kept_unfinished = bool(last.get("unfinished")) and "status" not in fresh
    return Plan(
        plan.tool, plan.arguments, plan.details, plan.unfinished or kept_unfinished
    )


def free_text_missing(asking: Mapping[str, Any]) -> bool:
    return asking["missing"][:1] in (["text"], ["title"])


def answers_to(heard: Heard, asking: Mapping[str, Any]) -> Arguments:
    """Return the missing arguments that a message gives."""
    tool, missing = str(asking["tool"]), list(asking["missing"])
    built = BUILDERS[tool](heard)
    slots, bare = heard.slots, heard.raw.strip()
    said: Arguments = {}
    if slots.zones:
        said["zone"] = slots.zones[0]
    if slots.teams:
        said["team"] = slots.teams[0]
    if re.fullmatch(r"#?0*\d{1,12}", bare):
        said["ticket_number"] = f"CTT_{int(bare.lstrip('#'))}"
    fills = {name: v for name, v in (said | built).items() if name in missing}
    if not fills and free_text_missing(asking) and plain(bare):
        return {missing[0]: bare[:200]}
    return fills
