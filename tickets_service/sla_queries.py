"""Why a ticket is due when it is, what would be if, and the stored versions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from db.vocabulary import SlaState
from service_kit.errors import NotFound
from tickets_service import preview, sla
from tickets_service.calendars import SECOND, WorkCalendar, micros
from tickets_service.storage import check_visible, load_ticket
from tickets_service.ticket_queries import Reader
from tickets_service.ticket_state import TicketState, from_micros

CALENDAR_COLUMNS = "id, name, version, definition, created_by, created_at"
POLICY_COLUMNS = (
    "id, name, version, calendar_id, zones, priorities, targets, options, is_active, "
    "created_by, created_at"
)


def calendars(connection: Connection, after: int, limit: int) -> list[dict[str, Any]]:
    return versions(connection, "calendars", CALENDAR_COLUMNS, after, limit)


def policies(connection: Connection, after: int, limit: int) -> list[dict[str, Any]]:
    return versions(connection, "sla_policies", POLICY_COLUMNS, after, limit)


def versions(
    connection: Connection, table: str, columns: str, after: int, limit: int
) -> list[dict[str, Any]]:
    rows = connection.exec_driver_sql(
        f"SELECT {columns} FROM tickets.{table} WHERE id > %(after)s "  # noqa: S608
        f"ORDER BY id LIMIT {limit}",
        {"after": after},
    ).mappings()
    return [dict(row) for row in rows]


def get_calendar(connection: Connection, calendar_id: int) -> dict[str, Any]:
    return version_by_id(connection, "calendars", CALENDAR_COLUMNS, calendar_id)


def get_policy(connection: Connection, policy_id: int) -> dict[str, Any]:
    return version_by_id(connection, "sla_policies", POLICY_COLUMNS, policy_id)


def version_by_id(
    connection: Connection, table: str, columns: str, row_id: int
) -> dict[str, Any]:
    row = (
        connection.exec_driver_sql(
            f"SELECT {columns} FROM tickets.{table} WHERE id = %(id)s",  # noqa: S608
            {"id": row_id},
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotFound("There is no such version.")
    return dict(row)


def seen_ticket(connection: Connection, ticket_id: int, reader: Reader) -> TicketState:
    state = load_ticket(connection, ticket_id, lock=False)
    check_visible(state, reader.actor)
    return state


def explained(connection: Connection, ticket_id: int, reader: Reader) -> dict[str, Any]:
    """Return both clocks of a ticket with the segments that add up."""
    state = seen_ticket(connection, ticket_id, reader)
    clocks = state.clocks
    if clocks is None:
        none = {"state": SlaState.NONE, "segments": []}
        return {"ticket_id": state.id, "state": SlaState.NONE} | dict.fromkeys(
            ("response", "resolution"), none
        )
    policy = reader.book.policy(clocks.policy_id)
    calendar = reader.book.calendar(clocks.calendar_id)
    resolution = clock_explained(clocks.resolution, calendar, reader.now)
    return {
        "ticket_id": state.id,
        "state": resolution["state"],
        "policy": {"id": policy.id, "name": policy.name, "version": policy.version},
        "calendar": {"id": clocks.calendar_id, "tz": calendar.definition.tz},
        "response": clock_explained(clocks.response, calendar, reader.now),
        "resolution": resolution,
        "as_of": reader.now,
    }


def clock_explained(
    clock: sla.Clock, calendar: WorkCalendar, now: datetime
) -> dict[str, Any]:
    """Return a clock and where its time went: to its end, or to its due instant.

    Up to due the open seconds (and what was carried over) sum to the target.
    """
    at = micros(now)
    due = sla.due(clock, calendar)
    end = first_of(clock.done, clock.stopped, due, at)
    stretches = sla.segments(clock, calendar, max(end, clock.base))
    used = sla.elapsed(clock, calendar, at)
    return {
        "state": sla.state(clock, calendar, at),
        "target_minutes": clock.target // SECOND / 60,
        "target_seconds": clock.limit // SECOND,
        "floor_seconds": clock.grant // SECOND,
        "started_at": from_micros(clock.base),
        "carried_seconds": clock.used // SECOND,
        "due_at": from_micros(due),
        "due_if_resumed_now": resumed_due(clock, calendar, at),
        "done_at": from_micros(clock.done),
        "breached_at": from_micros(breach_of(clock, calendar, at)),
        "elapsed_seconds": used // SECOND,
        "remaining_seconds": clock.limit // SECOND - used // SECOND,
        "cycle": clock.cycle,
        "superseded": [
            {
                "target_minutes": s.target // SECOND / 60,
                "due_at": from_micros(s.due),
                "replaced_at": from_micros(s.at),
            }
            for s in clock.superseded
        ],
        "segments": preview.segments_as_json(stretches),
    }


def first_of(*instants: int | None) -> int:
    return next(at for at in instants if at is not None)


def resumed_due(clock: sla.Clock, calendar: WorkCalendar, at: int) -> datetime | None:
    if clock.paused_since is None:
        return None
    return from_micros(sla.due_if_resumed(clock, calendar, at))


def breach_of(clock: sla.Clock, calendar: WorkCalendar, at: int) -> int | None:
    if clock.is_settled or clock.breached is not None:
        return clock.breached
    point = sla.breach_point(clock, calendar)
    return point if point is not None and at > point else None


def what_if(
    connection: Connection, ticket_id: int, sent: Mapping[str, Any], reader: Reader
) -> dict[str, Any]:
    """Return the due times as they would be; nothing is changed."""
    state = seen_ticket(connection, ticket_id, reader)
    clocks, at = state.clocks, micros(reader.now)
    if clocks is None:
        raise NotFound("The ticket has no SLA clocks.")
    policy = reader.book.policy(clocks.policy_id)
    calendar = reader.book.calendar(sent.get("calendar_id") or clocks.calendar_id)
    targets = policy.targets[sent.get("priority") or state.priority]
    pair: Sequence[tuple[str, sla.Clock, int]] = (
        ("response", clocks.response, targets[0]),
        ("resolution", clocks.resolution, targets[1]),
    )
    found: dict[str, Any] = {"ticket_id": state.id}
    for name, clock, target_s in pair:
        imagined = clock
        if sent.get("priority"):
            imagined = sla.retargeted(imagined, calendar, target_s, at, policy)
        if sent.get("hold") is not None and (
            name == "resolution" or policy.response_pauses
        ):
            imagined = with_hold(imagined, sent["hold"], at)
        found[name] = {
            "now": brief(clock, reader.book.calendar(clocks.calendar_id), at),
            "then": brief(imagined, calendar, at),
        }
    return found | {"as_of": reader.now}


def with_hold(clock: sla.Clock, hold: Mapping[str, Any], at: int) -> sla.Clock:
    """Return the clock with a hold from `from` (now) to `to` (open if absent)."""
    if clock.is_settled:
        return clock
    start = micros(hold["from"]) if hold.get("from") else at
    clock = sla.held(clock, max(start, clock.base), hold.get("reason") or "what_if")
    if hold.get("to"):
        clock = sla.resumed(clock, max(micros(hold["to"]), start))
    return replace(clock, breached=None)


def brief(clock: sla.Clock, calendar: WorkCalendar, at: int) -> dict[str, Any]:
    used = sla.elapsed(clock, calendar, at) // SECOND
    return {
        "state": sla.state(clock, calendar, at),
        "target_minutes": clock.target // SECOND / 60,
        "due_at": from_micros(sla.due(clock, calendar)),
        "due_if_resumed_now": resumed_due(clock, calendar, at),
        "elapsed_seconds": used,
        "remaining_seconds": clock.limit // SECOND - used,
    }


def previewed(body: object, reader: Reader) -> dict[str, Any]:
    """Return the answer of the stateless preview."""
    question = preview.parse_question(body, reader.now)
    if question.calendar_id is not None:
        calendar = reader.book.calendar(question.calendar_id)
    else:
        calendar = WorkCalendar.of(question.calendar)
    return preview.answer(question, calendar)
