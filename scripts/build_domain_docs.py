"""Write the tables and pictures of docs/domain.md from the rules in code.

`python -m scripts.build_domain_docs`. What stands between `<!-- name -->` and
`<!-- /name -->` is replaced; the words around it are a person's. A test fails when
the page is not what this would write.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from db.reference import OPTIONS, TARGETS
from db.vocabulary import HoldReason, Role, Status, VisitStatus
from tickets_service import drafting, rollup, sla, time_decisions
from tickets_service.lifecycle import TICKET_MOVES, VISIT_MOVES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "domain.md"
ORDER = tuple(Role)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def names(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def roles(found: Iterable[Role]) -> str:
    return ", ".join(role for role in ORDER if role in set(found))


def ticket_moves() -> str:
    rows = [
        (
            f"`{action}`",
            names(s for s in Status if s in move.from_),
            f"`{move.to}`" if move.to else "where the hold began",
            roles(move.roles),
            move.needs or "–",
            move.effect or "–",
        )
        for action, move in TICKET_MOVES.items()
    ]
    return table(("action", "from", "to", "who", "needs", "brings about"), rows)


def visit_moves() -> str:
    rows = [
        (
            f"`{to}`",
            names(s for s in VisitStatus if s in move.from_),
            roles(move.roles),
            move.needs or "–",
            move.effect or "–",
        )
        for to, move in VISIT_MOVES.items()
    ]
    return table(("to", "from", "who", "needs", "brings about"), rows)


def picture(edges: Iterable[tuple[str, str, str]], first: str) -> str:
    lines = [
        f"    {a} --> {b}" + (f": {label}" if label else "") for a, b, label in edges
    ]
    return "\n".join(
        ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}", *lines, "```"]
    )


def ticket_picture() -> str:
    edges = [
        (start, to, action)
        for action, move in TICKET_MOVES.items()
        for start in Status
        if start in move.from_
        for to in ([move.to] if move.to else [Status.OPEN, Status.IN_PROGRESS])
    ]
    return picture(edges, Status.OPEN)


def visit_picture() -> str:
    edges = [
        (start, to, "")
        for to, move in VISIT_MOVES.items()
        for start in VisitStatus
        if start in move.from_
    ]
    return picture(edges, VisitStatus.OFFERED)


def hold_reasons() -> str:
    pausing = OPTIONS["pausing_reasons"]
    rows = [
        (f"`{reason}`", "yes" if reason in list(pausing) else "no")  # type: ignore[call-overload]
        for reason in HoldReason
    ]
    return table(("reason", "pauses the resolution clock"), rows)


def targets() -> str:
    rows = [
        (priority, hours(found["response_minutes"]), hours(found["resolution_minutes"]))
        for priority, found in TARGETS.items()
    ]
    return table(("priority", "response", "resolution"), rows)


def hours(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02} h"


def constants() -> str:
    rows = [
        ("at risk from", f"{sla.AT_RISK} % of the working time"),
        ("warnings at", ", ".join(f"{p} %" for p in sla.WARNINGS)),
        (
            "a device's clock may be ahead by",
            f"{drafting.FUTURE_GRACE.seconds // 60} min",
        ),
        (
            "a completed ticket closes after",
            f"{time_decisions.AUTO_CLOSE_DAYS} working days",
        ),
        ("time to reopen", f"{OPTIONS['reopen_window_days']} days"),
    ]
    return table(("what", "how much"), rows)


def measures() -> str:
    return f"{names(rollup.MEASURES)}; cuts {names(c or 'all' for c in rollup.CUTS)}"


PARTS: Mapping[str, Callable[[], str]] = {
    "ticket moves": ticket_moves,
    "ticket picture": ticket_picture,
    "visit moves": visit_moves,
    "visit picture": visit_picture,
    "hold reasons": hold_reasons,
    "targets": targets,
    "constants": constants,
    "measures": measures,
}


def written(page: str) -> str:
    """Return the page with every part between its marks made anew."""
    for name, make in PARTS.items():
        block = f"<!-- {name} -->\n{make()}\n<!-- /{name} -->"
        pattern = re.compile(f"<!-- {name} -->.*?<!-- /{name} -->", re.DOTALL)
        if not pattern.search(page):
            raise ValueError(f"{PAGE.name} has no place for {name!r}")
        page = pattern.sub(block.replace("\\", r"\\"), page)
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
