"""How tickets stand now: the counters behind `stats/summary`.

A write stores what it moved as rows of `ticket_count_deltas` (append only), the
worker folds them into two tables. Pure: reads and writes are in standing_store.py.

    ticket_counts     per team, zone, status, priority and category; of all teams; and
                      the margins of one dimension. With status `completed` also the
                      times of what waits to be closed, which the roll-up does not tell
                      from what is closed. Causes have margins only, of all zones and
                      of each: with them the cells would be several times as many.
    creator_figures   per person who opened tickets, by status: what they may see

Measures: tickets; breached, the unfinished ones that are late; wall_s, seconds from
opening to completion less pauses; met and missed, the verdict on the resolution.
`rw:<bin>` counts the tickets of a bin of wall_s (`rollup.bin_of`).
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from db.vocabulary import UNFINISHED, Status
from tickets_service import rollup, sla
from tickets_service.rollup import ANY, NONE, Sums
from tickets_service.ticket_state import TicketState

MARGIN = -2  # of teams: the margins of the other dimensions
CAUSE = -3  # of teams: the margins of causes, which stand in place of the category
UNASSIGNED = "unassigned"  # the margin of unfinished tickets without a team
NO_BIN = -1  # of tickets that are not completed
MEASURES = ("tickets", "breached", "wall_s", "met", "missed")
TIMES = ("wall_s", "met", "missed")
IDLE = "idle"  # of creators: unfinished without a team
NAMED = ("priority", "category", "zone")  # counted per creator by `<name>:<value>`

Moved = tuple[int, ...]  # of MEASURES
Creators = dict[int, dict[str, Sums]]  # by user and status


class CountCell(NamedTuple):
    team_id: int
    zone: str
    status: str
    priority: str
    category: str


class Standing(NamedTuple):
    """A cell, who opened the ticket, the bin of its wall time, and its cause if any."""

    team_id: int
    zone: str
    status: str
    priority: str
    category: str
    created_by: int
    bin: int = NO_BIN
    cause: str = ""

    @property
    def cell(self) -> CountCell:
        return CountCell(*self[:5])


Counts = dict[Standing, Moved]


def standing_of(ticket: TicketState) -> tuple[Standing, Moved] | None:
    """Return where a ticket stands and what it adds there; None if deleted."""
    if ticket.deleted_at is not None:
        return None
    wall = rollup.resolution_wall_s(ticket)
    standing = Standing(
        ticket.team_id or NONE,
        ticket.zone,
        ticket.status,
        ticket.priority,
        ticket.category,
        ticket.created_by,
        NO_BIN if wall is None else rollup.bin_of(wall),
        ticket.cause or "",
    )
    met, missed = verdict_of(ticket)
    late = missed if ticket.status in UNFINISHED else 0
    return standing, (1, late, wall or 0, met, missed)


def verdict_of(ticket: TicketState) -> tuple[int, int]:
    """Return (1, 0) for a promise kept, (0, 1) for one broken, also while at work."""
    clock = ticket.clocks.resolution if ticket.clocks is not None else None
    if clock is None:
        return 0, 0
    if clock.verdict == sla.MET:
        return 1, 0
    return 0, int(clock.breached is not None and clock.stopped is None)


def count_deltas(before: TicketState | None, after: TicketState | None) -> Counts:
    """Return what a change moves, without zeros; None stands for no ticket."""
    found: Counts = {}
    for ticket, sign in ((before, -1), (after, 1)):
        stood = standing_of(ticket) if ticket is not None else None
        if stood is not None:
            add_count(found, stood[0], tuple(sign * value for value in stood[1]))
    return {standing: moved for standing, moved in found.items() if any(moved)}


def add_count(counts: Counts, standing: Standing, moved: Moved) -> None:
    had = counts.get(standing)
    if had is not None:
        moved = tuple(a + b for a, b in zip(had, moved, strict=True))
    counts[standing] = moved


def add_counts(into: Counts, counts: Counts) -> None:
    for standing, moved in counts.items():
        add_count(into, standing, moved)


def counters_of(cell: CountCell) -> Iterator[CountCell]:
    """Yield every counter that counts the cell: its own, all teams', the margins."""
    yield cell
    yield cell._replace(team_id=ANY)
    _, zone, status, priority, category = cell
    yield CountCell(MARGIN, zone, "", "", "")
    yield CountCell(MARGIN, "", status, "", "")
    yield CountCell(MARGIN, "", "", priority, "")
    yield CountCell(MARGIN, "", "", "", category)
    yield CountCell(MARGIN, "", "", "", "")
    if cell.team_id == NONE and status in UNFINISHED:
        yield CountCell(MARGIN, "", UNASSIGNED, "", "")


def causes_of(standing: Standing) -> Iterator[CountCell]:
    """Yield the margins that count the cause."""
    for zone in ("", standing.zone):
        yield CountCell(CAUSE, zone, "", "", standing.cause)


def counted(counts: Mapping[Standing, Moved]) -> dict[CountCell, Sums]:
    """Return what changes add to every counter, without zeros."""
    cells: dict[CountCell, Sums] = {}
    for standing, moved in counts.items():
        rollup.add_into(cells.setdefault(standing.cell, {}), sums_of(standing, moved))
    found: dict[CountCell, Sums] = {}
    for cell, sums in cells.items():
        plain = {name: sums[name] for name in MEASURES if name not in TIMES}
        for counter in counters_of(cell):
            own = sums if counter.status == Status.COMPLETED else plain
            rollup.add_into(found.setdefault(counter, {}), own)
    for standing, moved in counts.items():
        tickets = {"tickets": moved[0]}
        for counter in causes_of(standing):
            rollup.add_into(found.setdefault(counter, {}), tickets)
    return without_empty(found)


def without_empty(counters: Mapping[CountCell, Sums]) -> dict[CountCell, Sums]:
    """Return the counters without zeros, and without those that have nothing else."""
    kept = {cell: rollup.non_zero(sums) for cell, sums in counters.items()}
    return {cell: sums for cell, sums in kept.items() if sums}


def sums_of(standing: Standing, moved: Moved) -> Sums:
    sums = dict(zip(MEASURES, moved, strict=True))
    if standing.bin != NO_BIN:
        sums[f"rw:{standing.bin}"] = sums["tickets"]
    return sums


def by_creator(counts: Mapping[Standing, Moved]) -> Creators:
    """Return what changes add to the figures of each creator."""
    found: Creators = {}
    for standing, moved in counts.items():
        sums = sums_of(standing, moved)
        tickets = sums["tickets"]
        sums |= {f"{name}:{getattr(standing, name)}": tickets for name in NAMED}
        if standing.team_id == NONE and standing.status in UNFINISHED:
            sums[IDLE] = tickets
        add_creator(found, standing.created_by, {standing.status: sums})
    return found


def add_creator(into: Creators, user_id: int, figures: Mapping[str, Sums]) -> None:
    known = into.setdefault(user_id, {})
    for status, sums in figures.items():
        rollup.add_into(known.setdefault(status, {}), sums)


def without_zeros(creators: Creators) -> Creators:
    """Return the same creators with figures that are not zero."""
    return {
        user_id: {
            status: kept
            for status, sums in figures.items()
            if (kept := rollup.non_zero(sums))
        }
        for user_id, figures in creators.items()
    }


def tickets_of(figures: Mapping[str, Sums]) -> int:
    """Return how many tickets a creator's figures count."""
    return sum(sums.get("tickets", 0) for sums in figures.values())
