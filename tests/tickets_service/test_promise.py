"""An explicit promise takes the place of the policy's target."""

from datetime import UTC, datetime, timedelta

import pytest

from db.scope import Actor
from db.vocabulary import Role, SlaState, Via
from service_kit.errors import Invalid
from tickets_service import commands as ask
from tickets_service import sla
from tickets_service.calendars import WorkCalendar, micros
from tickets_service.decisions import decide
from tickets_service.lifecycle import Action
from tickets_service.ticket_state import Event, TicketState, replay

EVERY_DAY = {str(day): [["00:00", "24:00"]] for day in range(7)}
ALWAYS = WorkCalendar.of({"tz": "America/New_York", "weekly": EVERY_DAY})
TARGETS = dict.fromkeys(("urgent", "high", "medium", "low"), (3600, 7200))
POLICY = sla.Policy(1, "Promised", 1, 1, TARGETS)
IMPORTER = Actor(7, Role.DISPATCHER, "importer")
OPENED = datetime(2015, 3, 6, 15, tzinfo=UTC)
PROMISED = datetime(2015, 3, 10, 12, 30, tzinfo=UTC)  # over a change to summer time
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Book:
    def policy(self, policy_id: int) -> sla.Policy:
        return POLICY

    def calendar(self, calendar_id: int) -> WorkCalendar:
        return ALWAYS

    def choose(self, zone: str, priority: str) -> sla.Policy | None:
        return POLICY


def imported(**more: object) -> tuple[TicketState, list[Event]]:
    fields = {"title": "x", "category": "repair", "zone": "Here", **more}
    new = ask.OpenTicket(
        1, fields, opened_at=OPENED, created_at=OPENED, has_policy="promised_at" in more
    )
    return decide(None, new, IMPORTER, NOW, Book(), Via.IMPORT)


def clocks(state: TicketState) -> sla.Clocks:
    assert state.clocks is not None
    return state.clocks


def test_the_resolution_is_due_when_promised() -> None:
    state, _ = imported(promised_at=PROMISED)
    assert sla.due(clocks(state).resolution, ALWAYS) == micros(PROMISED)


def test_nothing_is_promised_of_the_response() -> None:
    state, _ = imported(promised_at=PROMISED)
    response = clocks(state).response
    assert sla.state(response, ALWAYS, micros(NOW)) is SlaState.NONE


@pytest.mark.parametrize(
    ("late", "verdict"),
    [
        pytest.param(timedelta(0), "met", id="to the second"),
        pytest.param(timedelta(seconds=1), "missed", id="a second late"),
    ],
)
def test_the_verdict_is_by_the_promise(late: timedelta, verdict: str) -> None:
    state, events = imported(promised_at=PROMISED)
    for action in (Action.START, Action.COMPLETE):
        move = ask.MoveTicket(action, occurred_at=PROMISED + late)
        state, more = decide(state, move, IMPORTER, NOW, Book(), Via.IMPORT)
        events += more
    assert clocks(state).resolution.verdict == verdict
    assert replay(state.id, events, Book()) == state


def test_another_priority_does_not_move_a_promise() -> None:
    state, _ = imported(promised_at=PROMISED)
    edit = ask.EditTicket({"priority": "urgent"})
    state, _ = decide(state, edit, IMPORTER, NOW, Book(), Via.IMPORT)
    assert sla.due(clocks(state).resolution, ALWAYS) == micros(PROMISED)


def test_a_ticket_may_come_without_any_promise() -> None:
    assert imported()[0].clocks is None


def test_a_promise_before_the_opening_is_refused() -> None:
    with pytest.raises(Invalid, match="promised_at"):
        imported(promised_at=OPENED - timedelta(seconds=1))
