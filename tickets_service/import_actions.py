"""Tickets from the rows of a file: each row on its own, known ones brought up to date.

A row is known by its `external_ref`, so the same file can be sent again, also after
a crash in the middle. A row without one gets one that follows from what it says, and
from how often the file has said it before. Good rows are kept; each bad one is
reported with its line and the reason. Refuses to commit.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson
from marshmallow import ValidationError
from sqlalchemy import Connection

from db.vocabulary import HoldReason, Status
from service_kit.errors import AppError, Conflict, IllegalTransition, Invalid
from service_kit.problems import flattened
from service_kit.schemas import Schema
from tickets_service import lifecycle, ticket_actions
from tickets_service.commands import MoveTicket
from tickets_service.import_files import ProgressSchema, Row, nested, shown
from tickets_service.lifecycle import Action
from tickets_service.schemas import NewTicketSchema, TicketChangesSchema
from tickets_service.statements import OUTDATED
from tickets_service.storage import Outcome, Request, World, act
from tickets_service.ticket_state import TicketState

MAX_REASONS = 1_000
REF = "external_ref"
OPENING_ONLY = (
    *("opened_at", "opened_reason"),
    *("team_id", "technician_id", "override_reason"),
)


NEW, CHANGES, PROGRESS = NewTicketSchema(), TicketChangesSchema(), ProgressSchema()


@dataclass(slots=True)
class Report:
    """What became of the rows. errors: the first MAX_REASONS of those that failed."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)

    def count(self, outcome: str) -> None:
        self.rows += 1
        setattr(self, outcome, getattr(self, outcome) + 1)

    def refuse(self, row: Row, error: AppError) -> None:
        self.count("failed")
        reason = {
            "line": row.line,
            REF: None if is_made(row) else shown(row.fields[REF]),
            "code": error.code,
            "reason": error.detail,
            "errors": error.extra.get("errors", {}),
        }
        self.errors.append(reason)

    def add(self, other: "Report") -> None:
        for name in ("rows", "created", "updated", "unchanged", "failed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.errors += other.errors[: MAX_REASONS - len(self.errors)]


def with_refs(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows, those without an external_ref with one that is made of them."""
    times: Counter[bytes] = Counter()
    for row in rows:
        if row.fault or row.fields.get(REF) is not None:
            yield row
            continue
        said = orjson.dumps(row.fields, option=orjson.OPT_SORT_KEYS, default=str)
        digest = blake2b(said, digest_size=12).digest()
        times[digest] += 1
        made = f"{MADE}{digest.hex()}-{times[digest]}"
        yield replace(row, fields={**row.fields, REF: made})


MADE = "row:"


def is_made(row: Row) -> bool:
    return str(row.fields.get(REF, MADE)).startswith(MADE)


def import_rows(
    connection: Connection, rows: Iterable[Row], request: Request, world: World
) -> Report:
    """Bring in rows, each under a savepoint of its own."""
    report = Report()
    for row in rows:
        try:
            report.count(import_row(connection, row, request, world))
        except AppError as error:
            report.refuse(row, error)
    return report


def import_row(connection: Connection, row: Row, request: Request, world: World) -> str:
    """Open or change the ticket of a row; return created, updated or unchanged."""
    if row.fault:
        raise Invalid({"line": row.fault}, detail=row.fault)
    sent = nested(row.fields)
    check_number(row, sent)
    progress = {name: sent.pop(name) for name in PROGRESS.fields if name in sent}
    where = loaded(PROGRESS, progress)
    ref = loaded(CHANGES, {REF: sent[REF]})[REF]
    try:
        with connection.begin_nested():
            return put(connection, ref, sent, where, (request, world))
    except Conflict as error:
        if error.code not in ("external_ref_taken", OUTDATED):
            raise
    with connection.begin_nested():  # another import was quicker: it is known by now
        return put(connection, ref, sent, where, (request, world))


def check_number(row: Row, sent: dict[str, Any]) -> None:
    """Leave out a ticket's number; refuse it where it should say which ticket."""
    if sent.pop("number", None) is not None and is_made(row):
        text = "does not say which ticket is meant: give the row an external_ref"
        raise Invalid({"number": text})


def put(
    connection: Connection,
    ref: str,
    sent: Mapping[str, Any],
    progress: Mapping[str, Any],
    how: tuple[Request, World],
) -> str:
    known = find_by_ref(connection, ref)
    if known is None:
        opened = ticket_actions.open_ticket(connection, loaded(NEW, sent), *how)
        catch_up(connection, opened.after, progress, how)
        return "created"
    changes = {k: v for k, v in sent.items() if k not in OPENING_ONLY}
    changed = ticket_actions.change_ticket(
        connection, known, loaded(CHANGES, changes), *how
    )
    moved = catch_up(connection, changed.after, progress, how)
    return "updated" if changed.events or moved else "unchanged"


def loaded(schema: Schema, sent: Mapping[str, Any]) -> Any:
    try:
        return schema.load(sent)
    except ValidationError as error:
        raise Invalid(flattened({"row": error.messages})) from error


def find_by_ref(connection: Connection, ref: str) -> int | None:
    """Return the id of the ticket of a reference; raises Conflict on a deleted one."""
    found = connection.exec_driver_sql(
        "SELECT id, deleted_at FROM tickets.tickets WHERE external_ref = %(ref)s",
        {"ref": ref},
    ).first()
    if found is not None and found.deleted_at is not None:
        raise Conflict("The ticket of this row was deleted.", code="ticket_deleted")
    return None if found is None else int(found.id)


# How far a ticket has come


def catch_up(
    connection: Connection,
    state: TicketState,
    progress: Mapping[str, Any],
    how: tuple[Request, World],
) -> bool:
    """Move a ticket to the row's status, at the row's times; return whether it moved.

    Raises IllegalTransition if no moves lead there.
    """
    wanted: Status | None = progress.get("status")
    if wanted is None or wanted is state.status:
        return False
    for action in moves_between(state, wanted):
        move = MoveTicket(
            action, reason_of(action, progress), None, time_of(action, progress)
        )
        outcome: Outcome = act(connection, state.id, move, *how)
        state = outcome.after
    return True


def moves_between(state: TicketState, wanted: Status) -> tuple[Action, ...]:
    """Return the fewest moves that lead from a ticket's status to another."""
    begun = state.started_at is not None
    ways: dict[Status, tuple[Action, ...]] = {state.status: ()}
    edge = [state.status]
    while edge and wanted not in ways:
        status = edge.pop(0)
        for action in lifecycle.actions_from(status):
            after = begun or Action.START in ways[status]
            to = lifecycle.status_after(action, has_started=after)
            if to not in ways:
                ways[to] = (*ways[status], action)
                edge.append(to)
    if wanted not in ways:
        raise IllegalTransition(
            f"A ticket that is {state.status} cannot become {wanted}.",
            allowed=lifecycle.actions_from(state.status),
        )
    return ways[wanted]


def reason_of(action: Action, progress: Mapping[str, Any]) -> str | None:
    if action is Action.HOLD:
        return str(progress.get("hold_reason", HoldReason.OTHER))
    return progress.get("resolution_code") if action is Action.COMPLETE else None


def time_of(action: Action, progress: Mapping[str, Any]) -> datetime | None:
    """Return when the source says that a move was made; a start that it does not
    know is the end."""
    times = {
        Action.START: progress.get("started_at") or progress.get("completed_at"),
        Action.COMPLETE: progress.get("completed_at") or progress.get("closed_at"),
        Action.CLOSE: progress.get("closed_at"),
        Action.CANCEL: progress.get("cancelled_at"),
    }
    return times.get(action)
