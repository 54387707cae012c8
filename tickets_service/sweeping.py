"""What time alone brings to tickets: thresholds, expired offers, closing.

Each ticket holds the instant at which something is next due (`check_at`), found
through an index. A ticket is swept under its row's lock and its new `check_at` is
written with the events, so that two workers, or one after a crash, tell each
thing exactly once.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from db.engine import Database
from db.scope import Actor
from db.vocabulary import Role, Via
from tickets_service.books import Shelf, StoredBook
from tickets_service.commands import Sweep
from tickets_service.decisions import decide
from tickets_service.notices import notify
from tickets_service.rows import OWN_COLUMNS, state_from
from tickets_service.storage import World, save
from tickets_service.time_decisions import next_check_at

WORKER = Actor(0, Role.ADMIN, "worker")  # no account: its events name no actor
BATCH = 200
DUE = (
    f"SELECT {', '.join(OWN_COLUMNS)}, memo FROM tickets.tickets "  # noqa: S608
    "WHERE check_at <= %(now)s ORDER BY check_at "
    f"LIMIT {BATCH} FOR UPDATE SKIP LOCKED"
)


def sweep_due(database: Database, shelf: Shelf, zone: ZoneInfo, now: datetime) -> int:
    """Sweep one batch of tickets whose time has come; return how many."""
    with database.transaction() as connection:
        world = World(StoredBook(connection, shelf), zone, Via.WORKER)
        rows = connection.exec_driver_sql(DUE, {"now": now}).all()
        for row in rows:
            sweep_ticket(connection, row, now, world)
        return len(rows)


def sweep_ticket(
    connection: Connection, row: object, now: datetime, world: World
) -> None:
    before = state_from(row[:-1], row[-1])  # type: ignore[index]
    if before.deleted_at is not None:
        wait_until(connection, before.id, None)
        return
    after, events = decide(before, Sweep(), WORKER, now, world.book, world.via)
    if events:
        save(connection, before, after, events, world)
        notify(connection, after, events)
    else:
        wait_until(connection, before.id, next_check_at(before, world.book))


def wait_until(connection: Connection, ticket_id: int, at: datetime | None) -> None:
    connection.exec_driver_sql(
        "UPDATE tickets.tickets SET check_at = %(at)s WHERE id = %(id)s",
        {"at": at, "id": ticket_id},
    )
