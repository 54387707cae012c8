"""Between a ticket's state and its row: the columns are a cache of the replay.

What has no column of its own (the clocks with their pauses, the visits) stands
packed in `memo`, so that locking the one row locks and reads all of the state.
Refuses to run SQL.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from db.vocabulary import Status, VisitStatus
from tickets_service import sla
from tickets_service.calendars import SECOND, WorkCalendar, instant, micros
from tickets_service.records import built
from tickets_service.rollup import resolution_wall_s, response_wall_s
from tickets_service.ticket_state import (
    INSTANTS,
    Book,
    TicketState,
    VisitState,
    from_micros,
)
from tickets_service.ticket_text import texts_of
from tickets_service.time_decisions import next_check_at

PACKED = ("moved_at", "absences", "reopened_soon", "photos", "comments", "clocks")
OWN_COLUMNS = tuple(
    f.name for f in fields(TicketState) if f.name not in (*PACKED, "visits")
)
VISIT_COLUMNS = tuple(f.name for f in fields(VisitState))
CLOCK_FIELDS = tuple(f.name for f in fields(sla.Clock))

# What follows from the response clock, from the resolution clock, from their promise.
OF_A_CLOCK = (
    *("target_s", "due_at", "risk_at", "verdict", "elapsed_s", "used_us", "from_at"),
)
RESPONSE_COLUMNS = frozenset(
    {*(f"response_{part}" for part in OF_A_CLOCK), "responded_at"}
    | {"response_breached_at"}
)
RESOLUTION_COLUMNS = frozenset(
    {*(f"resolution_{part}" for part in OF_A_CLOCK), "paused_at", "breached_at"}
)
POLICY_COLUMNS = frozenset({"policy_id", "calendar_id"})

Memo = dict[str, Any]


def memo_of(state: TicketState) -> Memo:
    """Return what the row must hold beyond its columns, as JSON."""
    return {
        "moved": micros(state.moved_at),
        "absences": [
            [micros(gone), None if back is None else micros(back)]
            for gone, back in state.absences
        ],
        "soon": state.reopened_soon,
        "photos": state.photos,
        "comments": state.comments,
        "clocks": None if state.clocks is None else packed_clocks(state.clocks),
        "visits": [packed_visit(visit) for visit in state.visits],
    }


def packed_clocks(clocks: sla.Clocks) -> list[Any]:
    return [
        clocks.policy_id,
        clocks.calendar_id,
        packed_clock(clocks.response),
        packed_clock(clocks.resolution),
    ]


def packed_clock(clock: sla.Clock) -> list[Any]:
    return [
        clock.target,
        clock.base,
        clock.used,
        clock.grant,
        [[p.start, p.end, p.reason] for p in clock.pauses],
        clock.done,
        clock.verdict,
        clock.elapsed,
        clock.breached,
        clock.warned,
        clock.cycle,
        clock.stopped,
        [[s.target, s.due, s.at] for s in clock.superseded],
        [[t.at, t.target, t.base, t.used, t.grant] for t in clock.earlier],
    ]


def unpacked_clock(packed: Sequence[Any]) -> sla.Clock:
    # Rows of before have fewer values; the defaults of what came later are right.
    values = dict(zip(CLOCK_FIELDS, packed, strict=False))
    values["pauses"] = tuple(sla.Pause(*p) for p in values["pauses"])
    values["superseded"] = tuple(sla.Superseded(*s) for s in values["superseded"])
    values["earlier"] = tuple(sla.Terms(*t) for t in values.get("earlier", ()))
    return built(sla.Clock, values)


def unpacked_clocks(packed: Sequence[Any] | None) -> sla.Clocks | None:
    if packed is None:
        return None
    policy_id, calendar_id, response, resolution = packed
    return sla.Clocks(
        policy_id, calendar_id, unpacked_clock(response), unpacked_clock(resolution)
    )


def packed_visit(visit: VisitState) -> list[Any]:
    """Return a visit as JSON; its instants as microseconds."""
    values = (getattr(visit, name) for name in VISIT_COLUMNS)
    return [micros(v) if isinstance(v, datetime) else v for v in values]


def unpacked_visit(packed: Sequence[Any]) -> VisitState:
    values: dict[str, Any] = {
        name: from_micros(value) if name in INSTANTS else value
        for name, value in zip(VISIT_COLUMNS, packed, strict=True)
    }
    values["status"] = VisitStatus(values["status"])
    return VisitState(**values)


def state_from(columns: Sequence[Any], memo: Memo) -> TicketState:
    """Return the state cached in a row. columns: in the order of OWN_COLUMNS."""
    values = dict(zip(OWN_COLUMNS, columns, strict=True))
    values["status"] = Status(values["status"])
    values["tags"] = tuple(values["tags"])
    values |= {
        "moved_at": instant(memo["moved"]),
        "absences": tuple(
            (instant(gone), from_micros(back)) for gone, back in memo["absences"]
        ),
        "reopened_soon": memo["soon"],
        "photos": memo["photos"],
        "comments": memo["comments"],
        "clocks": unpacked_clocks(memo["clocks"]),
        "visits": tuple(unpacked_visit(v) for v in memo["visits"]),
    }
    return built(TicketState, values)


def columns_of(state: TicketState, book: Book) -> dict[str, Any]:
    """Return every column of the ticket's row but the generated ones."""
    own = own_columns(state)
    columns = own | cached_columns(state, book)
    return columns | texts_of(columns, book.calendar)


def own_columns(state: TicketState) -> dict[str, Any]:
    """Return the columns that hold fields of the state as they are."""
    held = state.__dict__
    own = {name: held[name] for name in OWN_COLUMNS}
    own["tags"] = list(state.tags)
    return own


def cached_columns(state: TicketState, book: Book) -> dict[str, Any]:
    """Return the columns that follow from the replay."""
    found: dict[str, Any] = {
        "memo": memo_of(state),
        "check_at": next_check_at(state, book),
        "response_wall_s": response_wall_s(state),
        "resolution_wall_s": resolution_wall_s(state),
    }
    clocks = state.clocks
    if clocks is None:
        return found
    calendar = book.calendar(clocks.calendar_id)
    resolution = clocks.resolution
    found |= clock_columns("response", clocks.response, calendar)
    found |= clock_columns("resolution", resolution, calendar)
    found |= {
        "policy_id": clocks.policy_id,
        "calendar_id": clocks.calendar_id,
        "responded_at": from_micros(clocks.response.done),
        "paused_at": from_micros(resolution.paused_since),
        "breached_at": from_micros(resolution.breached),
        "response_breached_at": from_micros(clocks.response.breached),
    }
    return found


def clock_columns(
    name: str, clock: sla.Clock, calendar: WorkCalendar
) -> dict[str, Any]:
    used, runs_from = counted(clock, calendar)
    due = sla.due(clock, calendar)
    risk = None
    if runs_from is not None:
        risk = sla.threshold(clock, calendar, sla.AT_RISK)
    return {
        f"{name}_target_s": clock.limit // SECOND,
        f"{name}_due_at": from_micros(due),
        f"{name}_risk_at": from_micros(risk),
        f"{name}_verdict": clock.verdict,
        f"{name}_elapsed_s": None if runs_from is not None else used // SECOND,
        f"{name}_used_us": used,
        f"{name}_from_at": runs_from,
    }


def counted(clock: sla.Clock, calendar: WorkCalendar) -> tuple[int, datetime | None]:
    """Return the time used, and since when more is counted (None: it stands)."""
    if clock.elapsed is not None:
        return clock.elapsed, None
    if clock.paused_since is not None:
        return sla.elapsed(clock, calendar, clock.paused_since), None
    ends = [p.end for p in clock.pauses if p.end is not None]
    since = max([clock.base, *ends])
    return sla.elapsed(clock, calendar, since), instant(since)
