"""Many times the same story, for benchmarks: a million tickets in minutes.

Each history is lived once through the rules and written `copies` times at the same
instants with numbers of its own, so every copy obeys every rule and has the right
due times and figures. What copies cannot show is variety: use few of them when it
matters. Numbers of originals stand in the text as marks that no other number looks
like, and are put in place per copy.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from scripts.bulk.parcels import Parcel
from scripts.seeding.plan import PlannedTicket
from scripts.seeding.stories import Step
from tickets_service import commands as ask

MARK = re.compile(r"\b87654(3[123])(\d{8})\b")
TICKET_MARK, VISIT_MARK, COMMENT_MARK = (
    8765431 * 10**8,
    8765432 * 10**8,
    8765433 * 10**8,
)


@dataclass(frozen=True, slots=True)
class Numbering:
    """Where the numbers of the copies begin. dropped: originals left out before."""

    ticket: int
    visit: int
    comment: int
    copies: int
    dropped: int = 0

    def place(self, copy: int) -> Callable[[re.Match[str]], str]:
        """Return what puts the numbers of the n-th copy in place of marks."""
        firsts: Mapping[str, int] = {
            "31": self.ticket - self.dropped * self.copies + copy,
            "32": self.visit + copy,
            "33": self.comment + copy,
        }
        return lambda mark: str(firsts[mark[1]] + int(mark[2]) * self.copies)


def originals(plan: Sequence[PlannedTicket], count: int) -> list[PlannedTicket]:
    """Return the last `count` tickets of a plan, without links to those before."""
    kept = list(plan[-count:])
    first = kept[0].id
    return [
        replace(ticket, steps=tuple(s for s in ticket.steps if not_linked(s, first)))
        for ticket in kept
    ]


def not_linked(step: Step, first: int) -> bool:
    """Whether a step links its ticket to none before `first`."""
    if not isinstance(step.command, ask.EditTicket):
        return True
    links = (step.command.changes.get(n) for n in ("parent_id", "duplicate_of_id"))
    return all(link is None or link >= first for link in links)


def copied(parcel: Parcel, numbering: Numbering) -> Parcel:
    """Return a parcel with every ticket of another `numbering.copies` times."""
    copies = numbering.copies
    return Parcel(
        parcel.tickets * copies,
        [
            (table, columns, MARK.sub(numbering.place(n), text))
            for n in range(copies)
            for table, columns, text in parcel.texts
        ],
        {
            cell: {name: value * copies for name, value in sums.items()}
            for cell, sums in parcel.cells.items()
        },
        {
            standing: tuple(value * copies for value in moved)
            for standing, moved in parcel.counts.items()
        },
    )
