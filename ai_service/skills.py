"""What a ticket asks of a team: its skills (db/skills.py) and planning minutes."""

from collections.abc import Mapping

from db.skills import SKILLS, missing_skills, required_skills, surplus_levels

__all__ = [
    "PLANNING_MINUTES",
    "SKILLS",
    "missing_skills",
    "required_skills",
    "surplus_levels",
]

# Used for a ticket without an estimate while no visits of its category are known.
PLANNING_MINUTES: Mapping[str, int] = {
    "fiber_installation": 105,
    "maintenance": 60,
    "repair": 60,
    "inspection": 50,
    "emergency": 120,
}
