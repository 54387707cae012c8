"""New versions of calendars and policies, and repricing of running clocks (R13).

A version is never changed: saving under a known name makes the next version,
which new tickets get. Repricing is asked for, previewed, and logged per ticket.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from db.vocabulary import Category, HoldReason
from service_kit.errors import Invalid, NotFound
from tickets_service import sla
from tickets_service.books import policy_from
from tickets_service.calendars import parse_calendar
from tickets_service.commands import Reprice
from tickets_service.decisions import decide
from tickets_service.filters import UNFINISHED_SQL
from tickets_service.sla_queries import get_calendar, get_policy
from tickets_service.statements import json_text
from tickets_service.storage import Request, World, act, load_ticket
from tickets_service.ticket_state import TicketState, from_micros

MAX_REPRICED = 1_000
VERSION_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))"


def add_calendar(
    connection: Connection, sent: Mapping[str, Any], request: Request
) -> dict[str, Any]:
    """Save a calendar, as the next version if its name is known."""
    parse_calendar(sent["definition"], "definition")
    row = {
        "name": sent["name"],
        "definition": json_text(sent["definition"]),
        "created_by": request.actor.user_id,
    }
    connection.exec_driver_sql(VERSION_LOCK, {"name": f"calendar:{sent['name']}"})
    made = connection.exec_driver_sql(
        "INSERT INTO tickets.calendars (name, version, definition, created_by) "
        "SELECT %(name)s, coalesce(max(version), 0) + 1, %(definition)s, "
        "%(created_by)s FROM tickets.calendars WHERE name = %(name)s RETURNING id",
        row,
    ).scalar_one()
    return get_calendar(connection, int(made))


def add_policy(
    connection: Connection, sent: Mapping[str, Any], request: Request
) -> dict[str, Any]:
    """Save a policy, as the next version if its name is known."""
    check_policy(connection, sent)
    row = dict(sent) | {
        "targets": json_text(sent["targets"]),
        "options": json_text(sent["options"]),
        "zones": sent.get("zones"),
        "priorities": sent.get("priorities"),
        "created_by": request.actor.user_id,
    }
    connection.exec_driver_sql(VERSION_LOCK, {"name": f"policy:{sent['name']}"})
    made = connection.exec_driver_sql(
        "INSERT INTO tickets.sla_policies (name, version, calendar_id, zones, "
        "priorities, targets, options, is_active, created_by) "
        "SELECT %(name)s, coalesce(max(version), 0) + 1, %(calendar_id)s, %(zones)s, "
        "%(priorities)s, %(targets)s, %(options)s, %(is_active)s, %(created_by)s "
        "FROM tickets.sla_policies WHERE name = %(name)s RETURNING id, version",
        row,
    ).one()
    retire_others(connection, sent["name"], int(made[0]), is_active=sent["is_active"])
    return get_policy(connection, int(made[0]))


def retire_others(
    connection: Connection, name: str, policy_id: int, *, is_active: bool
) -> None:
    """Let only the newest version of a name serve new tickets."""
    connection.exec_driver_sql(
        "UPDATE tickets.sla_policies SET is_active = false "
        "WHERE name = %(name)s AND id <> %(id)s AND is_active",
        {"name": name, "id": policy_id if is_active else 0},
    )


def check_policy(connection: Connection, sent: Mapping[str, Any]) -> None:
    """Raise Invalid for targets, options or a calendar that cannot serve."""
    sla.parse_targets(sent["targets"])
    check_options(sent["options"])
    try:
        get_calendar(connection, sent["calendar_id"])
    except NotFound as error:
        raise Invalid({"calendar_id": "there is no such calendar"}) from error


CHOICES: Mapping[str, frozenset[str]] = {
    "priority_change": frozenset({"retroactive", "forward", "proportional"}),
    "reopen": frozenset({"resume", "new_cycle"}),
}


def check_options(options: Mapping[str, Any]) -> None:
    for name, allowed in CHOICES.items():
        if name in options and options[name] not in allowed:
            known = ", ".join(sorted(allowed))
            raise Invalid({f"options.{name}": f"must be one of: {known}"})
    reasons = options.get("pausing_reasons", [])
    if not isinstance(reasons, list) or not set(reasons) <= set(HoldReason):
        raise Invalid({"options.pausing_reasons": "must be a list of hold reasons"})
    ratio = options.get("priority_change_floor_ratio")
    if ratio is not None and not (isinstance(ratio, int | float) and 0 < ratio <= 1):
        raise Invalid({"options.priority_change_floor_ratio": "must be 0 to 1"})
    days = options.get("reopen_window_days", 14)
    if not isinstance(days, int) or not 0 <= days <= 365:
        raise Invalid({"options.reopen_window_days": "must be 0 to 365"})
    if not isinstance(options.get("response_pauses", False), bool):
        raise Invalid({"options.response_pauses": "must be true or false"})
    check_evidence(options.get("evidence") or {})


def check_evidence(rules: object) -> None:
    if not isinstance(rules, Mapping):
        raise Invalid({"options.evidence": "must be an object: category to fields"})
    for category, names in rules.items():
        where = f"options.evidence.{category}"
        if category not in set(Category):
            raise Invalid({where: "unknown category"})
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise Invalid({where: "must be a list of names"})


# The unfinished tickets of a policy's name that are under another version of it.
TO_REPRICE = (
    "FROM tickets.tickets t JOIN tickets.sla_policies p ON p.id = t.policy_id "
    "WHERE p.name = %(name)s AND p.id <> %(policy_id)s AND t.id > %(after)s "
    f"AND {UNFINISHED_SQL} AND t.deleted_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Which tickets are repriced now: up to `limit` after the id `after`."""

    after: int = 0
    limit: int = MAX_REPRICED
    preview: bool = False


def reprice(
    connection: Connection,
    policy_id: int,
    batch: Batch,
    request: Request,
    world: World,
) -> dict[str, Any]:
    """Put a batch of unfinished tickets of a policy's name under this version of it.

    Clocks with a verdict stay. A preview writes nothing. `remaining` counts the
    tickets after this batch, `last_id` is where the next one begins.
    """
    policy = policy_from(get_policy(connection, policy_id))
    chosen = {"name": policy.name, "policy_id": policy_id, "after": batch.after}
    # Locked at once, so that none of them is deleted before its turn.
    lock = "" if batch.preview else "FOR UPDATE OF t"
    rows = connection.exec_driver_sql(
        f"SELECT t.id {TO_REPRICE} ORDER BY t.id LIMIT {batch.limit} {lock}", chosen
    ).all()
    make = previewed if batch.preview else repriced
    items = [make(connection, int(row[0]), policy, request, world) for row in rows]
    last_id = int(rows[-1][0]) if rows else batch.after
    remaining = left_to_reprice(connection, chosen | {"after": last_id})
    return {
        "policy_id": policy_id,
        "preview": batch.preview,
        "count": len(items),
        "remaining": remaining,
        "last_id": last_id,
        "items": items,
    }


def left_to_reprice(connection: Connection, chosen: Mapping[str, Any]) -> int:
    counted = connection.exec_driver_sql(f"SELECT count(*) {TO_REPRICE}", chosen)
    return int(counted.scalar_one())


def previewed(
    connection: Connection,
    ticket_id: int,
    policy: sla.Policy,
    request: Request,
    world: World,
) -> dict[str, Any]:
    before = load_ticket(connection, ticket_id, lock=False)
    command = Reprice(policy.id)
    after, _ = decide(before, command, request.actor, request.now, world.book)
    return due_times(before, after, world)


def repriced(
    connection: Connection,
    ticket_id: int,
    policy: sla.Policy,
    request: Request,
    world: World,
) -> dict[str, Any]:
    outcome = act(connection, ticket_id, Reprice(policy.id), request, world)
    return due_times(outcome.before or outcome.after, outcome.after, world)


def due_times(before: TicketState, after: TicketState, world: World) -> dict[str, Any]:
    old, new = before.clocks, after.clocks
    if old is None or new is None:
        return {"ticket_id": after.id}

    def due(clocks: sla.Clocks, clock: sla.Clock) -> Any:
        return from_micros(sla.due(clock, world.book.calendar(clocks.calendar_id)))

    return {
        "ticket_id": after.id,
        "response_due_at": {
            "old": due(old, old.response),
            "new": due(new, new.response),
        },
        "resolution_due_at": {
            "old": due(old, old.resolution),
            "new": due(new, new.resolution),
        },
    }
