"""Put a plan into the database: accounts, tickets, figures, all in one transaction.

Whole or not at all: Ctrl-C or an error leaves the database as it was. Two processes
live and pack the tickets; this one writes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from scripts.bulk import parcels
from scripts.bulk.histories import ReadBook
from scripts.bulk.parcels import Parcel
from scripts.bulk.pool import workers
from scripts.progress import Progress
from scripts.seeding.accounts import add_staff
from scripts.seeding.copies import (
    COMMENT_MARK,
    TICKET_MARK,
    VISIT_MARK,
    Numbering,
    copied,
    originals,
)
from scripts.seeding.plan import (
    PlannedTicket,
    planned_staff,
    planned_tickets,
    window_of,
)
from scripts.seeding.replay import Cast, histories, without_running
from scripts.seeding.staff import Staff
from tickets_service import commands as ask

CHUNK, MIN_CHUNK = 250, 10
WORTH_PROCESSES = 2_000  # tickets; below that, starting processes takes longer
VISIT_IDS, COMMENT_IDS = "tickets.assignments_id_seq", "tickets.comments_id_seq"


@dataclass(frozen=True, slots=True)
class Wish:
    """What to make. days: full days before that of `until`; copies: of each history."""

    scale: float
    tickets: int
    until: datetime
    days: int
    zone: ZoneInfo
    password_hash: str
    copies: int = 1


@dataclass(frozen=True, slots=True)
class Made:
    tickets: int
    teams: int
    people: int


def seed(connection: Connection, wish: Wish, say: Callable[[str], None]) -> Made:
    """Write what is wished; return what was made. The caller commits."""
    staff = planned_staff(wish.scale)
    cast = add_staff(connection, staff, wish.password_hash)
    first = parcels.next_number(connection)
    say(f"planning {wish.tickets:,} tickets of {wish.days} days")
    plan = planned(staff, wish, first)
    plan = without_running(plan, running_people(connection, cast, wish.copies))
    numbering = numbered(connection, plan, first, wish.copies)
    made = write(connection, plan, Scene.of(connection, cast, wish, numbering))
    parcels.count_numbers(connection, first - 1 + made)
    return Made(made, len(staff.teams), len(staff.people))


def planned(staff: Staff, wish: Wish, first: int) -> list[PlannedTicket]:
    window = window_of(wish.until, wish.days)
    if wish.copies == 1:
        return planned_tickets(staff, wish.tickets, window, wish.until, first)
    count = wish.tickets // wish.copies
    marked = planned_tickets(staff, count, window, wish.until, TICKET_MARK)
    return originals(marked, count)


def running_people(connection: Connection, cast: Cast, copies: int) -> set[int]:
    """Return the positions of those who may not be on the road at the end.

    They are already, or there are several copies of them.
    """
    if copies > 1:
        return set(range(len(cast.people)))
    rows = connection.exec_driver_sql(
        "SELECT technician_id FROM tickets.assignments "
        "WHERE status IN ('en_route', 'on_site') AND technician_id IS NOT NULL"
    )
    busy = {row[0] for row in rows}
    return {n for n, actor in enumerate(cast.people) if actor.user_id in busy}


def numbered(
    connection: Connection, plan: Sequence[PlannedTicket], first: int, copies: int
) -> Numbering:
    """Reserve ids of visits and comments; return where all numbers begin."""
    commands = [step.command for ticket in plan for step in ticket.steps]
    visits = sum(isinstance(c, ask.OfferVisit) for c in commands)
    remarks = sum(isinstance(c, ask.AddComment) for c in commands)
    return Numbering(
        first,
        parcels.reserved(connection, VISIT_IDS, visits * copies),
        parcels.reserved(connection, COMMENT_IDS, remarks * copies),
        copies,
        dropped=plan[0].id - TICKET_MARK if copies > 1 else 0,
    )


def write(connection: Connection, plan: Sequence[PlannedTicket], scene: "Scene") -> int:
    """Let the plan happen and copy it into the tables; return the tickets written."""
    copies = scene.numbering.copies
    size = max(MIN_CHUNK, CHUNK // copies)
    processes = None if len(plan) * copies >= WORTH_PROCESSES else 1
    total = Parcel()
    connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")
    with (
        workers(set_scene, (scene,), count=processes) as work,
        Progress("tickets", len(plan) * copies, what="seeding") as progress,
    ):
        for parcel in work(lived, chunks(plan, size)):
            parcels.send(connection, parcel)
            parcels.add_up(total, parcel)
            progress.add(parcel.tickets)
    parcels.fold_figures(connection, total)
    return total.tickets


def chunks(
    plan: Sequence[PlannedTicket], size: int
) -> Iterator[Sequence[PlannedTicket]]:
    for start in range(0, len(plan), size):
        yield plan[start : start + size]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a process needs to let tickets live."""

    cast: Cast
    book: ReadBook
    until: datetime
    zone: ZoneInfo
    numbering: Numbering

    @classmethod
    def of(
        cls, connection: Connection, cast: Cast, wish: Wish, numbering: Numbering
    ) -> "Scene":
        first = numbering.visit, numbering.comment
        if numbering.copies > 1:
            first = VISIT_MARK, COMMENT_MARK
        told = Cast(cast.people, cast.teams, *first)
        return cls(told, ReadBook.of(connection), wish.until, wish.zone, numbering)


_scene: list[Scene] = []


def set_scene(scene: Scene) -> None:
    _scene[:] = [scene]


def lived(tickets: Sequence[PlannedTicket]) -> Parcel:
    """Return a chunk of the plan as it came out."""
    (scene,) = _scene
    found = histories(tickets, scene.cast, scene.book, scene.until)
    parcel = parcels.packed(found, scene.zone, scene.book)
    several = scene.numbering.copies > 1
    return copied(parcel, scene.numbering) if several else parcel
