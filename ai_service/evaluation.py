"""How well the assistant understands: `python -m ai_service.evaluation`.

Runs the shipped questions through the planner (no database, no network) and prints
the share of right tools and of exact calls, per language, and refusals. The questions
were written with the assistant: a figure on other people's questions will be lower.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from ai_service.assistant.gazetteer import Gazetteer, build_gazetteer
from ai_service.assistant.intents import IntentModel, load_or_train
from ai_service.assistant.memory import State, memory_from
from ai_service.assistant.planner import Planner
from ai_service.assistant.plans import Plan
from service_kit.clock import monotonic_s, utc_now

QUESTIONS = Path(__file__).parent / "assistant" / "evaluation_set.txt"
TODAY = date(2026, 11, 23)
FOCUS = "CTT_9"
ZONES = (
    ("Johor", ("JB", "Johor Bahru")),
    ("Kedah", ()),
    ("Kelantan", ()),
    ("Kuala Lumpur", ("KL", "KUL")),
    ("Labuan", ()),
    ("Melaka", ("Malacca",)),
    ("Negeri Sembilan", ("N9", "Seremban")),
    ("Pahang", ("Kuantan",)),
    ("Penang", ("Pulau Pinang", "Pinang")),
    ("Perak", ("Ipoh",)),
    ("Perlis", ()),
    ("Putrajaya", ()),
    ("Sabah", ("KK",)),
    ("Sarawak", ("Kuching",)),
    ("Selangor", ("Shah Alam",)),
    ("Terengganu", ("Ganu",)),
)


@dataclass(frozen=True, slots=True)
class Question:
    language: str
    text: str
    tool: str
    arguments: dict[str, Any]
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Judged:
    question: Question
    plan: Plan
    ms: float

    @property
    def right_tool(self) -> bool:
        return self.plan.tool == self.question.tool

    @property
    def exact(self) -> bool:
        return self.right_tool and self.plan.arguments == self.question.arguments


def questions() -> Iterator[Question]:
    language = "en"
    for line in QUESTIONS.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        mark, text, tool, arguments = (part.strip() for part in line.split(" | "))
        goes_on = mark == "+"
        language = language if goes_on else mark
        yield Question(language, text, tool, json.loads(arguments), goes_on)


def names() -> Gazetteer:
    """Return the zones and teams that the questions name."""
    teams = [f"{zone} {n:02d}" for zone, _ in ZONES for n in range(1, 6)]
    return build_gazetteer(ZONES, enumerate([*teams, "Team Alpha"], 1))


def after(state: State, plan: Plan) -> State:
    """Return what the server would remember after a plan, without calling anything."""
    if plan.tool == "clarify" and plan.details.get("tool"):
        return {**state, "asking": dict(plan.details)}
    kept = {k: v for k, v in state.items() if k != "asking"}
    if plan.tool in {"none", "help", "smalltalk", "confirm", "cancel", "ticket_get"}:
        return kept
    last = {
        "tool": plan.tool,
        "arguments": plan.arguments,
        "unfinished": plan.unfinished,
    }
    return {**kept, "last": last, "listed": [FOCUS] * 5}


def judge_all(model: IntentModel) -> list[Judged]:
    planner = Planner(model, names(), TODAY)
    state: State = {"focus": FOCUS}
    found = []
    for question in questions():
        if not question.goes_on:
            state = {"focus": FOCUS}
        began = monotonic_s()
        memory = memory_from(state, utc_now())
        plan = planner.plan(question.text, replace(memory, focus=FOCUS))
        found.append(Judged(question, plan, (monotonic_s() - began) * 1000))
        state = after(state, plan)
    return found


def percent(part: int, whole: int) -> str:
    return f"{part}/{whole} = {100 * part / whole:.1f} %" if whole else "none"


def report(judged: list[Judged]) -> list[str]:
    lines = []
    for language in ("en", "ms"):
        asked = [j for j in judged if j.question.language == language]
        tools = percent(sum(j.right_tool for j in asked), len(asked))
        exact = percent(sum(j.exact for j in asked), len(asked))
        lines.append(f"{language}: tool {tools}, exact call {exact}")
    must = [j for j in judged if j.question.tool == "none"]
    may = [j for j in judged if j.question.tool != "none"]
    refused = percent(sum(j.plan.tool == "none" for j in must), len(must))
    wrongly = percent(sum(j.plan.tool == "none" for j in may), len(may))
    lines.append(f"refused where it must: {refused}; refused wrongly: {wrongly}")
    times = sorted(j.ms for j in judged)
    lines.append(f"understanding p95: {times[int(len(times) * 0.95)]:.1f} ms")
    return lines


def main() -> int:
    judged = judge_all(load_or_train(None))
    for j in judged:
        if not j.exact:
            wanted = f"{j.question.tool} {json.dumps(j.question.arguments)}"
            got = f"{j.plan.tool} {json.dumps(j.plan.arguments)}"
            sys.stdout.write(
                f"- {j.question.text}\n    wanted {wanted}\n    got    {got}\n"
            )
    sys.stdout.write("\n".join(report(judged)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
