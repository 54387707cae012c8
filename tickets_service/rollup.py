"""What a ticket adds to the daily figures, and what a change of it moves.

`contributions(ticket)` is a pure function of the ticket's state; a write stores
the difference between the ticket after and before as rows of `rollup_deltas`
(append only, so no two writers wait for each other), a job folds them into
`rollup`. So recounting from the events gives the same sums, always.

Every contribution of a ticket stands in the cell of its *present* zone, team,
technician, category and priority (so that a list with those filters returns exactly
the rows counted); visits stand in the cell of their own team and technician. Days
are local days of the organisation. Measures, each on the day of:

    created, workload_minutes      created_at (deleted tickets nowhere)
    unfinished_<status>            created_at, of tickets that are unfinished now: ages
    backlog_delta                  +1 created, -1 completed or cancelled, +1 reopened:
                                   the backlog at the end of a day is the sum up to it
    completed, reopened,           last completed_at, of tickets completed or closed;
    first_visit_fixed,             reopened: of those, the ones reopened within 14 days
    resolution_wall_s / _work_s    of an earlier completion; wall is less the pauses
    cancelled                      cancelled_at
    responded, response_wall_s,    first response
    response_work_s
    *_met                          the verdict; *_missed: the due instant, also while
                                   the ticket is still open (once the breach is known,
                                   at most a sweep later)
    visits_done, visits_not_done,  the visit's end; travel is en route to on site
    on_site_s, travel_s
    extra                          counters by name: `held:<reason>` working seconds of
                                   pauses and `holds:<reason>` tickets that had any, on
                                   the day of completion; `met:<policy_id>`,
                                   `missed:<policy_id>` verdicts on resolution, and
                                   `late:<reason>` why it was missed; four
                                   histograms `<which>:<bin>`: rw, rk (resolution
                                   wall and working), fw, fk (first response)

Reading (contract view `tickets.daily_figures`): choose the cut whose letters are the
dimensions filtered and grouped by (z, t, c, p and k for technicians; if there is
none, the smallest one that has them), the grain `d` for the odd days at both ends,
`w` for whole weeks from Monday and `m` for whole months between (`a` holds all time
on 1970-01-01), then sum. `bins` holds the histograms of `extra` packed (`packed_bins`),
NULL for deltas. Medians: add up the histograms, find the bin of
the rank (`bin_of`, `bin_bounds`: bins are 2 % wide), then read the exact values of the
tickets of that bin and period (indexed; about 2 % of the rows); without that read the
error is at most 1 %.
"""

import math
import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from db.vocabulary import UNFINISHED, Status, VisitStatus
from tickets_service import sla
from tickets_service.calendars import SECOND, instant, micros
from tickets_service.ticket_state import Book, TicketState, VisitState

MEASURES = (
    "created",
    "workload_minutes",
    "unfinished_open",
    "unfinished_in_progress",
    "unfinished_on_hold",
    "backlog_delta",
    "completed",
    "cancelled",
    "reopened",
    "first_visit_fixed",
    "responded",
    "response_wall_s",
    "response_work_s",
    "response_met",
    "response_missed",
    "resolution_wall_s",
    "resolution_work_s",
    "resolution_met",
    "resolution_missed",
    "visits_done",
    "visits_not_done",
    "on_site_s",
    "travel_s",
)
CUTS = (
    *("", "z", "t", "c", "p", "zt", "zc", "zp", "tc", "tp", "cp"),
    *("ztk", "zcp", "ztc", "ztp", "ztcp", "ztcpk"),
)
GRAINS = ("d", "w", "m", "a")
ALL_TIME = date(1970, 1, 1)
ANY, NONE = -1, 0  # of teams and technicians
DAY_S = 86_400
BIN_WIDTH = math.log(1.02)
HISTOGRAMS = ("rw", "rk", "fw", "fk")
MOST_BINS = 2_048


class Cell(NamedTuple):
    day: date
    zone: str
    team_id: int
    category: str
    priority: str
    technician_id: int = NONE


Sums = dict[str, int]  # measures by name; names with a colon belong to `extra`
K = TypeVar("K")


@dataclass(slots=True)
class Tally:
    """Sums per cell while one ticket is being counted."""

    ticket: TicketState
    zone: ZoneInfo
    cells: dict[Cell, Sums]

    def add(self, at: datetime, **sums: int) -> None:
        self.add_all(at, sums)

    def add_all(
        self, at: datetime, sums: Sums, visit: VisitState | None = None
    ) -> None:
        """Add to the cell of a local day, for those of the visit if one is given."""
        t, by = self.ticket, visit or self.ticket
        day = local_day(at, self.zone)
        team_id, technician_id = by.team_id or NONE, by.technician_id or NONE
        key = Cell(day, t.zone, team_id, t.category, t.priority, technician_id)
        cell = self.cells[key]
        for name, value in sums.items():
            cell[name] = cell.get(name, 0) + value


@lru_cache(maxsize=4_096)
def local_day(at: datetime, zone: ZoneInfo) -> date:
    """Return the day of an instant. The same few are asked for at every move."""
    return at.astimezone(zone).date()


def contributions(ticket: TicketState, zone: ZoneInfo, book: Book) -> dict[Cell, Sums]:
    """Return what `ticket` adds to each cell. zone: the organisation's."""
    if ticket.deleted_at is not None:
        return {}
    tally = Tally(ticket, zone, defaultdict(dict))
    minutes = ticket.estimated_minutes or 0
    tally.add(ticket.created_at, created=1, workload_minutes=minutes, backlog_delta=1)
    add_presence(tally)
    for visit in ticket.visits:
        add_visit(tally, visit)
    if ticket.completed_at is not None:
        add_completion(tally, ticket.completed_at, book)
    if ticket.clocks is not None:
        add_response(tally, ticket.clocks.response)
        add_verdict(tally, "response", ticket.clocks.response)
        add_verdict(tally, "resolution", ticket.clocks.resolution)
    return tally.cells


def add_presence(tally: Tally) -> None:
    """Count when the ticket joined and left the unfinished ones."""
    ticket = tally.ticket
    if ticket.status in UNFINISHED:
        tally.add_all(ticket.created_at, {f"unfinished_{ticket.status}": 1})
    for gone, back in ticket.absences:
        tally.add(gone, backlog_delta=-1)
        if back is not None:
            tally.add(back, backlog_delta=1)
    if ticket.cancelled_at is not None and ticket.status is Status.CANCELLED:
        tally.add(ticket.cancelled_at, cancelled=1)


def add_visit(tally: Tally, visit: VisitState) -> None:
    if visit.status not in (VisitStatus.DONE, VisitStatus.NOT_DONE):
        return
    if visit.finished_at is None:
        return
    arrived = visit.on_site_at or visit.finished_at
    travel = seconds(visit.en_route_at, arrived)
    on_site = seconds(visit.on_site_at, visit.finished_at)
    sums = {f"visits_{visit.status}": 1, "travel_s": travel, "on_site_s": on_site}
    tally.add_all(visit.finished_at, sums, visit)


def seconds(start: datetime | None, end: datetime | None) -> int:
    if start is None or end is None:
        return 0
    return max(0, int((end - start).total_seconds()))


def add_completion(tally: Tally, at: datetime, book: Book) -> None:
    ticket = tally.ticket
    wall = resolution_wall_s(ticket) or 0
    sums = {
        "completed": 1,
        "reopened": int(ticket.reopened_soon),
        "first_visit_fixed": int(is_first_visit_fix(ticket)),
        "resolution_wall_s": wall,
        f"rw:{bin_of(wall)}": 1,
    }
    clocks = ticket.clocks
    if clocks is not None and clocks.resolution.elapsed is not None:
        work = clocks.resolution.elapsed // SECOND
        sums |= {"resolution_work_s": work, f"rk:{bin_of(work)}": 1}
        sums |= held_seconds(clocks, book)
    tally.add_all(at, sums)


def held_seconds(clocks: sla.Clocks, book: Book) -> Sums:
    """Return the working seconds lost per hold reason."""
    found: Sums = {}
    calendar = book.calendar(clocks.calendar_id)
    for pause in clocks.resolution.pauses:
        if pause.end is not None and pause.reason != sla.COMPLETED:
            key = f"held:{pause.reason}"
            lost = calendar.worked(pause.start, pause.end) // SECOND
            found[key] = found.get(key, 0) + lost
            found[f"holds:{pause.reason}"] = 1
    return found


def is_first_visit_fix(ticket: TicketState) -> bool:
    ends = [v.status for v in ticket.visits]
    return (
        ends.count(VisitStatus.DONE) == 1
        and VisitStatus.NOT_DONE not in ends
        and not ticket.reopened_soon
    )


def resolution_wall_s(ticket: TicketState) -> int | None:
    """Return opening to completion in seconds, less the pauses; None if not yet."""
    if ticket.completed_at is None:
        return None
    end = micros(ticket.completed_at)
    spent = end - micros(ticket.opened_at)
    if ticket.clocks is not None:
        spent -= sum(
            min(p.end, end) - p.start
            for p in ticket.clocks.resolution.pauses
            if p.end is not None
        )
    return max(0, spent // SECOND)


def response_wall_s(ticket: TicketState) -> int | None:
    clocks = ticket.clocks
    if clocks is None or clocks.response.done is None:
        return None
    return max(0, (clocks.response.done - micros(ticket.opened_at)) // SECOND)


def add_response(tally: Tally, clock: sla.Clock) -> None:
    wall = response_wall_s(tally.ticket)
    if wall is None or clock.done is None:
        return
    work = (clock.elapsed or 0) // SECOND
    sums = {"responded": 1, "response_wall_s": wall, "response_work_s": work}
    sums |= {f"fw:{bin_of(wall)}": 1, f"fk:{bin_of(work)}": 1}
    tally.add_all(instant(clock.done), sums)


def add_verdict(tally: Tally, name: str, clock: sla.Clock) -> None:
    """Count a verdict: met when given, missed from the due instant on."""
    verdict, at = None, None
    if clock.verdict == sla.MET:
        verdict, at = sla.MET, clock.done
    elif clock.breached is not None and clock.stopped is None:
        verdict, at = sla.MISSED, clock.breached
    if verdict is None or at is None:
        return
    sums = {f"{name}_{verdict}": 1}
    clocks = tally.ticket.clocks
    if name == "resolution" and clocks is not None:
        sums[f"{verdict}:{clocks.policy_id}"] = 1
        if verdict == sla.MISSED:
            sums[f"late:{late_reason(tally.ticket, instant(at))}"] = 1
    tally.add_all(instant(at), sums)


def late_reason(ticket: TicketState, due_at: datetime) -> str:
    """Return why a resolution is late: the first step that was not taken in time."""
    response = ticket.clocks.response.done if ticket.clocks else None
    if response is None or instant(response) > due_at:
        return "not_answered"
    if ticket.started_at is None or ticket.started_at > due_at:
        return "not_started"
    return "reopened" if ticket.reopen_count else "not_finished"


def bin_of(value_s: int) -> int:
    """Return the histogram bin of whole seconds: 0, then bins 2 % wide."""
    return 0 if value_s < 1 else 1 + math.floor(math.log(value_s) / BIN_WIDTH)


def bin_bounds(number: int) -> tuple[float, float]:
    """Return the half-open range of seconds of a bin."""
    if number == 0:
        return 0.0, 1.0
    return math.exp((number - 1) * BIN_WIDTH), math.exp(number * BIN_WIDTH)


def packed_bins(sums: Mapping[str, int]) -> bytes:
    """Return the histograms among the sums for readers that add up many.

    Pairs of 16 and 32 bits, little-endian: histogram x 2,048 + bin, and its count.
    """
    found = []
    for name, count in sums.items():
        kind, _, number = name.partition(":")
        if kind in HISTOGRAMS:
            code = HISTOGRAMS.index(kind) * MOST_BINS + min(int(number), MOST_BINS - 1)
            found.append(struct.pack("<Hi", code, count))
    return b"".join(sorted(found))


def unpacked_bins(packed: bytes, kind: str) -> dict[int, int]:
    """Return {bin: count} of one histogram of a row's `packed_bins`."""
    start = HISTOGRAMS.index(kind) * MOST_BINS
    end = start + MOST_BINS
    pairs = struct.unpack("<" + len(packed) // 6 * "Hi", packed)
    return {
        code - start: count
        for code, count in zip(pairs[::2], pairs[1::2], strict=True)
        if start <= code < end
    }


def deltas(
    before: TicketState | None, after: TicketState | None, zone: ZoneInfo, book: Book
) -> dict[Cell, Sums]:
    """Return what a change moves, without zeros; None stands for no ticket."""
    found: dict[Cell, Sums] = {}
    for ticket, sign in ((before, -1), (after, 1)):
        if ticket is None:
            continue
        for cell, sums in contributions(ticket, zone, book).items():
            add_into(found.setdefault(cell, {}), sums, sign)
    return {cell: kept for cell, sums in found.items() if (kept := non_zero(sums))}


def add_into(into: dict[K, int], sums: Mapping[K, int], sign: int = 1) -> None:
    for name, value in sums.items():
        into[name] = into.get(name, 0) + sign * value


def non_zero(sums: Sums) -> Sums:
    return {name: value for name, value in sums.items() if value}


# The key of a `rollup` row, in the order of its columns.
Row = tuple[str, str, str, int, date, str, str, int]


def rows_of(cell: Cell, cuts: Sequence[str] = CUTS) -> Iterator[Row]:
    """Yield the key of every `rollup` row of these cuts that counts the cell."""
    starts = {
        "d": cell.day,
        "w": cell.day - timedelta(days=cell.day.weekday()),
        "m": cell.day.replace(day=1),
        "a": ALL_TIME,
    }
    for cut in cuts:
        zone = cell.zone if "z" in cut else ""
        team_id = cell.team_id if "t" in cut else ANY
        category = cell.category if "c" in cut else ""
        priority = cell.priority if "p" in cut else ""
        technician_id = cell.technician_id if "k" in cut else ANY
        cell_key = (category, priority, technician_id)
        for grain in GRAINS:
            yield cut, grain, zone, team_id, starts[grain], *cell_key


def folded(cells: Mapping[Cell, Sums], cuts: Sequence[str] = CUTS) -> dict[Row, Sums]:
    """Return the sums of every `rollup` row of these cuts that the cells touch."""
    found: dict[Row, Sums] = {}
    for cell, sums in cells.items():
        for row in rows_of(cell, cuts):
            add_into(found.setdefault(row, {}), sums)
    return found
