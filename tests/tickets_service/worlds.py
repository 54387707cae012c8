"""A small pure world for rule tests: calendars, a policy, actors, a way to act."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from db.scope import Actor
from db.vocabulary import Role
from tickets_service import sla
from tickets_service.calendars import WorkCalendar, instant, micros
from tickets_service.commands import Command, OpenTicket
from tickets_service.decisions import decide
from tickets_service.ticket_state import Event, TicketState, replay

DATA = Path(__file__).parent / "data"
VECTORS: dict[str, Any] = json.loads((DATA / "sla_vectors.json").read_text())
CALENDARS = {name: WorkCalendar.of(raw) for name, raw in VECTORS["calendars"].items()}
KL = ZoneInfo("Asia/Kuala_Lumpur")
BER = ZoneInfo("Europe/Berlin")
HOUR = 3_600
TARGETS = {
    "urgent": (HOUR // 2, 4 * HOUR),
    "high": (HOUR, 8 * HOUR),
    "medium": (4 * HOUR, 16 * HOUR),
    "low": (8 * HOUR, 40 * HOUR),
}


def actor(role: Role, user_id: int = 1, team_id: int | None = None) -> Actor:
    return Actor(user_id, role, username=f"{role}{user_id}", team_id=team_id)


ADMIN = actor(Role.ADMIN, 1)
DISPATCHER = actor(Role.DISPATCHER, 2)
TECHNICIAN = actor(Role.TECHNICIAN, 3, team_id=7)
REQUESTER = actor(Role.REQUESTER, 4)
VIEWER = actor(Role.VIEWER, 5)


class OnePolicy:
    """A book with one calendar and as many policies as a test gives it."""

    def __init__(self, calendar: str = "KL", **options: Any) -> None:
        self.calendars = {1: CALENDARS[calendar]}
        self.policies = {1: sla.Policy(1, "Test", 1, 1, TARGETS, **options)}

    def policy(self, policy_id: int) -> sla.Policy:
        return self.policies[policy_id]

    def calendar(self, calendar_id: int) -> WorkCalendar:
        return self.calendars[calendar_id]

    def choose(self, zone: str, priority: str) -> sla.Policy | None:
        return sla.chosen(list(self.policies.values()), zone, priority)


def at(text: str, zone: ZoneInfo = KL) -> datetime:
    """Return a local time such as "2026-10-05 10:00" as an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def us(text: str, zone: ZoneInfo = KL) -> int:
    return micros(at(text, zone))


def local(value: int | None, zone: ZoneInfo = KL) -> str | None:
    """Return microseconds as local text, to compare with the worked cases."""
    return (
        None
        if value is None
        else f"{instant(value).astimezone(zone):%a %d %b %H:%M:%S}"
    )


class Story:
    """A ticket that is acted upon step by step; keeps its events."""

    def __init__(
        self,
        opened: str,
        priority: str = "high",
        book: OnePolicy | None = None,
        creator: Actor = REQUESTER,
        **fields: Any,
    ) -> None:
        self.book = book or OnePolicy()
        self.events: list[Event] = []
        self.state: TicketState | None = None
        given: Mapping[str, Any] = {
            "title": "No light on the ONT",
            "zone": "Selangor",
            "category": "repair",
            "priority": priority,
        } | fields
        self.now = at(opened)
        self.do(OpenTicket(1, given), opened, creator)

    def do(
        self, command: Command, when: str | datetime, who: Actor = DISPATCHER
    ) -> list[Event]:
        self.now = at(when) if isinstance(when, str) else when
        self.state, events = decide(self.state, command, who, self.now, self.book)
        self.events += events
        return events

    @property
    def ticket(self) -> TicketState:
        assert self.state is not None
        assert replay(self.state.id, self.events, self.book) == self.state
        return self.state

    @property
    def resolution(self) -> sla.Clock:
        assert self.ticket.clocks is not None
        return self.ticket.clocks.resolution

    @property
    def response(self) -> sla.Clock:
        assert self.ticket.clocks is not None
        return self.ticket.clocks.response

    def due(self) -> str | None:
        return local(sla.due(self.resolution, self.book.calendar(1)))


def later(when: datetime, **span: float) -> datetime:
    return when + timedelta(**span)
