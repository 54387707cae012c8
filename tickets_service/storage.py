"""How one decision is read and written: a locked row in, one round trip out.

`act` is the way of every change of a ticket: lock its row, check that the caller
may see it and has the newest version, decide, write. The row, its events, its
visits and what they move in the daily figures go to PostgreSQL in one statement
batch of the caller's transaction, with its COMMIT where nothing in them can be
refused (db/writing.py).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from db.engine import tuples
from db.scope import Actor, may_see_ticket
from db.vocabulary import Via
from service_kit.errors import Conflict, NotFound, Stale
from tickets_service import rollup, sla
from tickets_service.books import StoredBook
from tickets_service.commands import Command
from tickets_service.decisions import decide
from tickets_service.notices import notify
from tickets_service.records import changed
from tickets_service.rows import (
    OWN_COLUMNS,
    POLICY_COLUMNS,
    RESOLUTION_COLUMNS,
    RESPONSE_COLUMNS,
    columns_of,
    own_columns,
    state_from,
)
from tickets_service.standing import count_deltas
from tickets_service.standing_store import (
    COUNT_COLUMNS,
    SHORT_COLUMNS,
    UNTIMED,
    count_rows,
)
from tickets_service.statements import NUMBER, NumberedStatement, Statements
from tickets_service.ticket_state import Event, TicketState, VisitState

LOAD = (
    f"SELECT {', '.join(OWN_COLUMNS)}, memo FROM tickets.tickets "  # noqa: S608
    "WHERE id = %(id)s"
)
EVENT_COLUMNS = (
    "ticket_id",
    "seq",
    "kind",
    "actor_id",
    "via",
    "occurred_at",
    "recorded_at",
    "changes",
    "data",
)
CELL_COLUMNS = (
    *("starts_on", "zone", "team_id", "category", "priority", "technician_id"),
)
DELTA_COLUMNS = (*CELL_COLUMNS, *rollup.MEASURES, "extra")
# What a new ticket hardly ever has.
LATER = (
    *("promised_at", "started_at", "completed_at", "closed_at", "cancelled_at"),
    *("deleted_at", "hold_reason", "resolution_code", "parent_id", "duplicate_of_id"),
    *("follows_id", "responded_at", "paused_at", "breached_at"),
    *("response_breached_at", "response_wall_s", "resolution_wall_s"),
    *("response_verdict", "response_elapsed_s"),
    *("resolution_verdict", "resolution_elapsed_s"),
)


@dataclass(frozen=True, slots=True)
class World:
    """What a write needs beside its ticket: versions, days, and how it came in."""

    book: StoredBook
    zone: ZoneInfo
    via: str = Via.API
    must_explain: bool = False  # teams against the rules of skill and zone


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision did. columns: of the row as it is now, None if unchanged."""

    before: TicketState | None
    after: TicketState
    events: Sequence[Event]
    columns: Mapping[str, Any] | None = None


def load_ticket(connection: Connection, ticket_id: int, *, lock: bool) -> TicketState:
    """Return the ticket as it stands, locked against other writers if `lock`.

    Raises NotFound if there is none, or it is deleted.
    """
    sql = LOAD + (" FOR UPDATE" if lock else "")
    rows = tuples(connection, sql, {"id": ticket_id})
    if not rows:
        raise NotFound(f"There is no ticket {ticket_id}.")
    state = state_from(rows[0][:-1], rows[0][-1])
    if state.deleted_at is not None:
        raise NotFound(f"There is no ticket {ticket_id}.")
    return state


def check_visible(state: TicketState, actor: Actor) -> None:
    """Raise NotFound for what the caller may not see, as if there were none."""
    if not may_see_ticket(
        actor, team_id=state.team_id, zone=state.zone, created_by=state.created_by
    ):
        raise NotFound(f"There is no ticket {state.id}.")


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, when, and which version they saw (None: any)."""

    actor: Actor
    now: datetime
    version: int | None = None


def act(
    connection: Connection,
    ticket_id: int,
    command: Command | Callable[[TicketState], Sequence[Command]],
    request: Request,
    world: World,
) -> Outcome:
    """Carry out a command on a ticket, or those made from its locked state."""
    before = load_ticket(connection, ticket_id, lock=True)
    check_visible(before, request.actor)
    if request.version is not None and request.version != before.version:
        raise Stale("Someone else changed this ticket since you read it.")
    asked = command(before) if callable(command) else [command]
    return act_on(connection, before, asked, request, world)


def act_on(
    connection: Connection,
    before: TicketState,
    commands: Sequence[Command],
    request: Request,
    world: World,
) -> Outcome:
    """Carry out commands, all or none, on a ticket that the caller has locked."""
    after, events = before, list[Event]()
    for command in commands:
        after, more = decide(
            after, command, request.actor, request.now, world.book, world.via
        )
        events += more
    columns = None
    if events:
        columns = save(connection, before, after, events, world)
        notify(connection, after, events)
    return Outcome(before, after, events, columns)


def save(
    connection: Connection,
    before: TicketState,
    after: TicketState,
    events: Sequence[Event],
    world: World,
) -> dict[str, Any]:
    """Write what a decision changed, in one round trip; return the row's columns."""
    sql = Statements(connection)
    columns = columns_of(after, world.book)
    moved = changed_columns(before, after, columns)
    sql.update("tickets.tickets", moved, after.id)
    visits = changed_visits(before, after)
    add_effects(sql, after.id, visits, event_rows(after.id, before.seq + 1, events))
    add_figures(sql, before, after, world)
    if visits or "external_ref" in moved:
        sql.run()
    else:
        sql.leave()
    return columns


def save_new(
    connection: Connection, after: TicketState, events: Sequence[Event], world: World
) -> tuple[TicketState, dict[str, Any]]:
    """Number and write a new ticket, in one round trip; return it with its columns.

    Commits if nothing else was done in the transaction. Raises Conflict with the
    code OUTDATED if the policies are not those that the ticket was decided by.
    """
    sql = NumberedStatement(connection)
    columns = columns_of(after, world.book)
    row = born(columns) | {"id": NUMBER}
    sql.insert("tickets.tickets", tuple(row), [tuple(row.values())])
    add_effects(sql, NUMBER, after.visits, event_rows(NUMBER, 1, events))
    add_figures(sql, None, after, world)
    try:
        number = sql.finish(world.book.known_state)
    except Conflict:
        world.book.shelf.forget_policies()
        raise
    columns["id"] = number
    return changed(after, id=number), columns


def born(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns to insert: two sets of them, so that there are two plans."""
    row = dict(columns)
    if all(row.get(name) is None for name in LATER):
        for name in LATER:
            row.pop(name, None)
    return row


def add_effects(
    sql: Statements,
    ticket_id: Any,
    visits: Iterable[VisitState],
    events: Sequence[Sequence[Any]],
) -> None:
    for visit in visits:
        sql.upsert_visit(ticket_id, visit)
    sql.insert("tickets.ticket_events", EVENT_COLUMNS, events)


def add_figures(
    sql: Statements, before: TicketState | None, after: TicketState, world: World
) -> None:
    """Add what a change moves in the roll-up and in the counts."""
    moved = rollup.deltas(before, after, world.zone, world.book)
    for cell, sums in moved.items():
        # What does not move stands at its default: 25 values fewer to send.
        own = [name for name in rollup.MEASURES if name in sums]
        row = [*cell, *(sums[name] for name in own)]
        if extra := extra_of(sums):
            own.append("extra")
            row.append(extra)
        sql.insert("tickets.rollup_deltas", (*CELL_COLUMNS, *own), [row])
    add_counts(sql, count_rows(count_deltas(before, after)))


def add_counts(sql: Statements, rows: list[tuple[Any, ...]]) -> None:
    """Add rows of COUNT_COLUMNS, without the times where there are none."""
    columns: tuple[str, ...] = COUNT_COLUMNS
    short = len(SHORT_COLUMNS)
    if all(row[short:] == UNTIMED for row in rows):
        columns, rows = SHORT_COLUMNS, [row[:short] for row in rows]
    sql.insert("tickets.ticket_count_deltas", columns, rows)


def changed_columns(
    before: TicketState, after: TicketState, columns: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the columns to update: own ones that differ, and what may follow anew.

    What follows from a clock alone stands as it is while the clock does.
    """
    own, standing = own_columns(before), unmoved(before.clocks, after.clocks)
    return {
        name: value
        for name, value in columns.items()
        if (name not in own or own[name] != value) and name not in standing
    }


def unmoved(before: sla.Clocks | None, after: sla.Clocks | None) -> frozenset[str]:
    """Return the columns of clocks that a move has left alone."""
    if before is None or after is None or before.calendar_id != after.calendar_id:
        return frozenset()
    found = POLICY_COLUMNS if before.policy_id == after.policy_id else frozenset()
    if after.response is before.response:
        found |= RESPONSE_COLUMNS
    if after.resolution is before.resolution:
        found |= RESOLUTION_COLUMNS
    return found


def changed_visits(before: TicketState, after: TicketState) -> list[VisitState]:
    if after.visits is before.visits:
        return []
    known = set(before.visits)
    return [visit for visit in after.visits if visit not in known]


def event_rows(
    ticket_id: Any, first_seq: int, events: Sequence[Event]
) -> list[tuple[Any, ...]]:
    return [
        (
            ticket_id,
            first_seq + n,
            e.kind,
            e.actor_id,
            e.via,
            e.occurred_at,
            e.recorded_at,
            e.changes,
            e.data,
        )
        for n, e in enumerate(events)
    ]


def delta_rows(
    cells: Mapping[rollup.Cell, rollup.Sums],
) -> list[tuple[Any, ...]]:
    return [(*cell, *measures_of(sums)) for cell, sums in cells.items()]


def measures_of(sums: rollup.Sums) -> tuple[Any, ...]:
    """Return the values of the measure columns, `extra` last."""
    return (*(sums.get(name, 0) for name in rollup.MEASURES), extra_of(sums))


def extra_of(sums: rollup.Sums) -> dict[str, int]:
    return {name: value for name, value in sums.items() if ":" in name}
