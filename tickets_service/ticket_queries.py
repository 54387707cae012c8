"""Reads of tickets: lists, one ticket, its history. Nothing here changes a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from db.engine import tuples
from db.scope import (
    Actor,
    masked,
    sees_contacts,
    sees_everything,
    sees_internal_comments,
)
from db.vocabulary import UNFINISHED, HoldReason
from service_kit.errors import Conflict, Forbidden, Invalid, NotFound
from service_kit.paging import decode_cursor, encode_cursor
from tickets_service import lifecycle, ticket_json, ticket_text
from tickets_service.books import StoredBook
from tickets_service.commands import MoveTicket
from tickets_service.decisions import PRIVATE, decide
from tickets_service.filters import TicketFilter, conditions, spelled
from tickets_service.lifecycle import Action
from tickets_service.storage import check_visible, load_ticket
from tickets_service.ticket_json import Calendars
from tickets_service.ticket_state import TicketState
from tickets_service.ticket_text import BODY, SELECTED, TicketText, is_current, texts_of

MAX_NUMBER = 2**53
PREFIX = "ctt_"


@dataclass(frozen=True, slots=True)
class Page:
    items: Sequence[Any]
    next_cursor: str | None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """A sorting of the list: its column, and the type of a cursor's value."""

    column: str
    kind: type


SORTS: Mapping[str, Sort] = {
    "created_at": Sort("created_at", datetime),
    "updated_at": Sort("updated_at", datetime),
    "due_at": Sort("due_key", datetime),
    "priority": Sort("priority_rank", int),
    "number": Sort("id", int),
}
AT_WORK_ORDERS = frozenset({"created_at", "due_key", "priority_rank"})
USUAL_LIMITS = frozenset({20, 25, 50, 100})
ORDERED = frozenset({"status", "zone", "team_id", "created_by"})
SORT_WORDS = tuple(sign + name for name in SORTS for sign in ("", "-"))


def ticket_id_of(ref: str) -> int:
    """Return the id in `42`, `CTT_42` or `ctt_0042`; raises NotFound for others."""
    digits = ref[len(PREFIX) :] if ref.lower().startswith(PREFIX) else ref
    if not (digits.isascii() and digits.isdigit()) or int(digits[:20]) > MAX_NUMBER:
        raise NotFound(f"There is no ticket {ref[:40]}.")
    return int(digits)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, when, and the versions that say how the clocks stand."""

    actor: Actor
    now: datetime
    book: StoredBook


@dataclass(frozen=True, slots=True)
class Paging:
    sort: str = "-created_at"
    limit: int = 50
    cursor: str | None = None


def page_of_tickets(
    connection: Connection, wanted: TicketFilter, reader: Reader, paging: Paging
) -> Page:
    """Return a page of the tickets that the reader may see; its items are texts."""
    wanted = spelled(connection, wanted, reader.actor)
    where, values = conditions(wanted, reader.actor, reader.now)
    sort, limit = paging.sort, paging.limit
    by = SORTS[sort.lstrip("-")]
    order, sign = ("DESC", "<") if sort.startswith("-") else ("ASC", ">")
    if paging.cursor is not None:
        after, after_id = decode_cursor(paging.cursor, sort, (by.kind, int))
        values |= {"after": after, "after_id": after_id}
        where += f" AND (t.{by.column}, t.id) {sign} (%(after)s, %(after_id)s)"
    rows = tuples(
        connection,
        f"SELECT {SELECTED}, t.{by.column} FROM tickets.tickets t WHERE {where} "  # noqa: S608
        f"ORDER BY t.{by.column} {order}, t.id {order} LIMIT {limit + 1}",
        values,
        kept=limit in USUAL_LIMITS and has_one_plan(wanted, reader.actor, by),
    )
    shown = with_texts(connection, rows[:limit], reader)
    contacts, now, calendar = view_of(reader)
    items = [
        ticket_text.ticket_text(row, now, calendar, contacts=contacts) for row in shown
    ]
    more = len(rows) > limit
    last = shown[-1] if more else None
    return Page(items, encode_cursor(sort, [last[-1], last[0]]) if last else None)


def has_one_plan(wanted: TicketFilter, actor: Actor, by: Sort) -> bool:
    """Whether a list is best read in one way, whatever its values.

    So it is without a condition, or with one value in the order of opening: each has
    an index of that; what is unfinished has one of more orders. Else, which is the
    shorter way depends on how rare the values are.
    """
    given = wanted.given()
    if given == {"status"} and set(wanted.status or ()) == set(UNFINISHED):
        return sees_everything(actor) and by.column in AT_WORK_ORDERS
    if not given <= ORDERED or len(actor.zones or ()) > 1:
        return False
    values = sum(len(getattr(wanted, name)) for name in given)
    narrowed = values + (not sees_everything(actor))
    return narrowed <= (by.column == "created_at")


def view_of(reader: Reader) -> tuple[bool, datetime, Calendars]:
    return sees_contacts(reader.actor), reader.now, reader.book.calendar


def get_ticket(connection: Connection, ticket_id: int, reader: Reader) -> TicketText:
    """Return one ticket; raises NotFound also for what the reader may not see."""
    row = ticket_row(connection, ticket_id, reader.actor, reader.now)
    [row] = with_texts(connection, [row], reader)
    contacts, now, calendar = view_of(reader)
    return ticket_text.one_ticket(row, now, calendar, contacts=contacts)


def written_ticket(columns: Mapping[str, Any], reader: Reader) -> TicketText:
    """Return a ticket as it was just written by the reader."""
    row = [columns[name] for name in ticket_text.COLUMNS]
    contacts, now, calendar = view_of(reader)
    return ticket_text.one_ticket(row, now, calendar, contacts=contacts)


def with_texts(
    connection: Connection, rows: Sequence[Sequence[Any]], reader: Reader
) -> Sequence[Sequence[Any]]:
    """Return rows with their texts, made here for those that have none yet."""
    missing = [row[0] for row in rows if not is_current(row)]
    if not missing:
        return rows
    found = connection.exec_driver_sql(
        f"SELECT {ticket_json.SELECTED} FROM tickets.tickets t "  # noqa: S608
        "WHERE t.id = ANY(%(ids)s)",
        {"ids": missing},
    ).all()
    made = {}
    for columns in found:
        named = dict(zip(ticket_json.COLUMNS, columns, strict=True))
        made[columns[0]] = tuple(texts_of(named, reader.book.calendar).values())
    return [
        (*row[:BODY], *made[row[0]], *row[BODY + 2 :]) if row[0] in made else row
        for row in rows
    ]


def ticket_row(
    connection: Connection, ticket_id: int, actor: Actor, now: datetime
) -> Sequence[Any]:
    where, values = conditions(TicketFilter(), actor, now)
    rows = tuples(
        connection,
        f"SELECT {SELECTED} FROM tickets.tickets t "  # noqa: S608
        f"WHERE t.id = %(ticket_id)s AND {where}",
        values | {"ticket_id": ticket_id},
    )
    if not rows:
        raise NotFound(f"There is no ticket {ticket_id}.")
    return rows[0]


def check_seen(connection: Connection, ref: str, actor: Actor, now: datetime) -> int:
    """Return the ticket's id; raises NotFound unless the actor may see it."""
    ticket_id = ticket_id_of(ref)
    where, values = conditions(TicketFilter(), actor, now)
    found = connection.exec_driver_sql(
        f"SELECT 1 FROM tickets.tickets t WHERE t.id = %(ticket_id)s AND {where}",  # noqa: S608
        values | {"ticket_id": ticket_id},
    ).first()
    if found is None:
        raise NotFound(f"There is no ticket {ref[:40]}.")
    return ticket_id


def moves_open(
    connection: Connection,
    ticket_id: int,
    actor: Actor,
    now: datetime,
    book: StoredBook,
) -> dict[str, Any]:
    """Return the actions that the actor could take now, with what they need.

    Each is tried on the state, so the answer and the deed cannot differ.
    """
    state = load_ticket(connection, ticket_id, lock=False)
    check_visible(state, actor)
    found = []
    for action in lifecycle.actions_for(state.status, actor.role):
        move = lifecycle.TICKET_MOVES[action]
        if is_open(state, action, actor, now, book):
            begun = state.started_at is not None
            found.append(
                {
                    "action": action,
                    "to": lifecycle.status_after(action, has_started=begun),
                    "needs": move.needs,
                    "effect": move.effect,
                }
            )
    allowed = [entry["action"] for entry in found]
    return {"status": state.status, "allowed": allowed, "items": found}


def is_open(
    state: TicketState, action: Action, actor: Actor, now: datetime, book: StoredBook
) -> bool:
    """Whether the move would be made, were it complete in what it needs."""
    reason = HoldReason.OTHER if action is Action.HOLD else None
    try:
        decide(state, MoveTicket(action, reason), actor, now, book)
    except Invalid:
        return True  # something to fill in is missing
    except Conflict as error:
        return error.code == "reopen_window_over"  # opens a linked ticket instead
    except Forbidden:
        return False
    return True


EVENT_SQL = (
    "SELECT e.id, e.seq, e.kind, e.actor_id, u.username, e.via, e.occurred_at, "
    "e.recorded_at, e.changes, e.data, e.ticket_id FROM tickets.ticket_events e "
    "LEFT JOIN auth.user_directory u ON u.id = e.actor_id "
)


def page_of_history(
    connection: Connection,
    ticket_id: int,
    actor: Actor,
    *,
    limit: int,
    cursor: str | None,
) -> Page:
    """Return a ticket's events in order, without internal notes for requesters."""
    after = decode_cursor(cursor, "seq", (int,))[0] if cursor else 0
    rows = connection.exec_driver_sql(
        f"{EVENT_SQL} WHERE e.ticket_id = %(id)s AND e.seq > %(after)s "
        f"AND {shown_events(actor)} ORDER BY e.seq LIMIT {limit + 1}",
        {"id": ticket_id, "after": after},
    ).all()
    shown = rows[:limit]
    contacts = sees_contacts(actor)
    items = [event_json(row, contacts=contacts) for row in shown]
    more = len(rows) > limit
    return Page(items, encode_cursor("seq", [shown[-1][1]]) if more else None)


def shown_events(actor: Actor) -> str:
    """Return the condition on events `e` that hides internal notes, if need be."""
    if sees_internal_comments(actor):
        return "true"
    return "coalesce(e.data->>'visibility', 'public') <> 'internal'"


def event_json(row: Sequence[Any], *, contacts: bool) -> dict[str, Any]:
    """Return an event on the wire. contacts: whether to show them unmasked."""
    event_id, seq, kind, actor_id, username, via, occurred, recorded = row[:8]
    changes, data, ticket_id = row[8:11]
    if not contacts:
        changes = {k: hidden(k, v) for k, v in changes.items()}
        data = {k: masked(v) if k in PRIVATE else v for k, v in data.items()}
    return {
        "id": event_id,
        "seq": seq,
        "ticket_id": ticket_id,
        "kind": kind,
        "actor_id": actor_id,
        "actor": username,
        "via": via,
        "occurred_at": occurred,
        "recorded_at": recorded,
        "changes": {k: {"old": v[0], "new": v[1]} for k, v in changes.items()},
        "data": data,
    }


def hidden(name: str, change: Sequence[Any]) -> Sequence[Any]:
    return [masked(value) for value in change] if name in PRIVATE else change


def list_zones(connection: Connection) -> list[dict[str, Any]]:
    rows = connection.exec_driver_sql(
        "SELECT id, name, code, country, region, tz, lat, lon, aliases, is_active "
        "FROM tickets.zones ORDER BY name"
    ).mappings()
    return [dict(row) for row in rows]
