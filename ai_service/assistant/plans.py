"""What passes between hearing and doing: a message taken apart, and a plan.

Values only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ai_service.assistant.gazetteer import Gazetteer
from ai_service.assistant.slots import Slots

Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do. details: for clarify and none, what the reply should say."""

    tool: str
    arguments: Arguments = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    unfinished: bool = False  # `status` means open, in progress and on hold
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What the server remembers of a conversation, read-only to the planner.

    asking: an unfinished plan {tool, arguments, missing} that the last reply asked
    about; last: the last read {tool, arguments, unfinished}.
    """

    last: Mapping[str, Any] | None = None
    asking: Mapping[str, Any] | None = None
    focus: str | None = None
    listed: int = 0
    has_proposal: bool = False
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """One message, taken apart. raw: as typed; words: plain and spelled."""

    raw: str
    words: tuple[str, ...]
    slots: Slots
    names: Gazetteer
    memory: Memory

    @property
    def text(self) -> str:
        return self.slots.text

    def has(self, pattern: str) -> bool:
        return re.search(rf"(?<!\w)(?:{pattern})(?!\w)", self.text) is not None
