"""What a ticket asks of a team: skills by category and cause.

Skills are names with a level from 1 to 3, the same names that teams carry. The
table is a planning rule of the organisation, not a measurement; a cause that
needs a specialist overrides the category. Refuses to guess for unknown words.
"""

from collections.abc import Mapping

SKILLS = (
    "ftth_repair",
    "ftth_install",
    "splice",
    "otdr",
    "active_olt",
    "civil",
    "power",
    "copper",
)

BY_CATEGORY: Mapping[str, Mapping[str, int]] = {
    "fiber_installation": {"ftth_install": 1},
    "maintenance": {"ftth_repair": 1},
    "repair": {"ftth_repair": 1},
    "inspection": {"otdr": 1},
    "emergency": {"ftth_repair": 2},
}

BY_CAUSE: Mapping[str, Mapping[str, int]] = {
    "long_span": {"splice": 1},
    "rodent": {"splice": 1},
    "fdp_breakdown": {"splice": 1},
    "power": {"power": 1},
}


def required_skills(category: str, cause: str | None = None) -> dict[str, int]:
    """Return {skill: least level} for a ticket."""
    return dict(BY_CAUSE.get(cause or "") or BY_CATEGORY[category])


def missing_skills(needed: Mapping[str, int], has: Mapping[str, int]) -> dict[str, int]:
    """Return the part of `needed` that a team with `has` does not reach."""
    return {s: level for s, level in needed.items() if has.get(s, 0) < level}


def surplus_levels(needed: Mapping[str, int], has: Mapping[str, int]) -> int:
    """Return how many levels of skill a team brings beyond what is needed."""
    return sum(max(0, level - needed.get(s, 0)) for s, level in has.items())
