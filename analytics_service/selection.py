"""Which cells of the roll-up a request may read, and with which cut.

The caller's visibility (db/scope.py) narrows every selection. Refuses selections
that would read more than 5,000 rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import quote

from analytics_service.schemas import Wanted
from db.scope import Actor
from db.vocabulary import Category, Priority, Role
from service_kit.errors import Invalid

Value = TypeVar("Value", str, int)

MOST_ROWS = 5_000

# The cuts that the roll-up keeps (tickets_service/rollup.py).
CUTS = (
    *("", "z", "t", "c", "p", "zt", "zc", "zp", "tc", "tp", "cp"),
    *("ztk", "zcp", "ztc", "ztp", "ztcp", "ztcpk"),
)
LETTERS = {
    "zone": "z",
    "team": "t",
    "technician": "k",
    "category": "c",
    "priority": "p",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Cells by their dimensions; None: any value, empty: nothing at all."""

    zones: tuple[str, ...] | None = None
    team_ids: tuple[int, ...] | None = None
    categories: tuple[str, ...] | None = None
    priorities: tuple[str, ...] | None = None

    @property
    def letters(self) -> set[str]:
        kept = {
            "z": self.zones,
            "t": self.team_ids,
            "c": self.categories,
            "p": self.priorities,
        }
        return {letter for letter, values in kept.items() if values is not None}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many zones, teams and technicians there are, for bounding a read."""

    zones: int
    teams: int
    technicians: int = 0


def selection_of(wanted: Wanted) -> Selection:
    return Selection(
        wanted.zones, wanted.team_ids, wanted.categories, wanted.priorities
    )


def seen_by(actor: Actor, selection: Selection) -> Selection:
    """Return what is left of `selection` for the actor (as db/scope.py has it)."""
    match actor.role:
        case Role.ADMIN | Role.VIEWER:
            return selection
        case Role.MANAGER | Role.DISPATCHER:
            return replace(selection, zones=common(selection.zones, actor.zones))
        case Role.TECHNICIAN:
            own = () if actor.team_id is None else (actor.team_id,)
            return replace(selection, team_ids=common(selection.team_ids, own))
    return Selection(zones=())


def common(
    asked: tuple[Value, ...] | None, allowed: Sequence[Value] | None
) -> tuple[Value, ...] | None:
    if allowed is None:
        return asked
    kept = tuple(allowed)
    return kept if asked is None else tuple(v for v in asked if v in kept)


def cut_for(selection: Selection, by: str | None) -> str:
    """Return the smallest cut that keeps what is filtered and grouped by."""
    needed = selection.letters | ({LETTERS[by]} if by else set())
    return min((cut for cut in CUTS if needed <= set(cut)), key=len)


def cells_of(cut: str, selection: Selection, sizes: Sizes) -> int:
    """Return at most how many cells a day of the cut has within the selection.

    A team works in one zone, a technician in one team: the larger of their numbers
    counts, and tickets without a team have one cell per zone.
    """
    zones = sizes.zones if selection.zones is None else len(selection.zones)
    teams = sizes.teams if selection.team_ids is None else len(selection.team_ids)
    cells = 1
    if "k" in cut:
        cells = zones + teams + sizes.technicians
    elif "t" in cut:
        cells = teams + (zones if "z" in cut else 1)
    elif "z" in cut:
        cells = zones
    for letter, values, size in (
        ("c", selection.categories, len(Category)),
        ("p", selection.priorities, len(Priority)),
    ):
        if letter in cut:
            cells *= size if values is None else len(values)
    return cells


def check_breadth(rows: int) -> None:
    """Raise Invalid if a read could be of more rows than any request may read."""
    if rows > MOST_ROWS:
        raise Invalid(
            {
                "from": f"Would read more than {MOST_ROWS} rows of daily figures: "
                "ask for a shorter period or fewer groups."
            }
        )


def url_filters(selection: Selection) -> str:
    """Return the selection as parameters of the ticket list, each begun by `&`."""
    parts = (
        ("zone", selection.zones),
        ("team_id", selection.team_ids),
        ("category", selection.categories),
        ("priority", selection.priorities),
    )
    return "".join(
        f"&{name}={','.join(quote(str(v), safe='') for v in values)}"
        for name, values in parts
        if values is not None
    )
