"""Who may make which move, what follows from it, and what is refused."""

import contextlib
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.vocabulary import Role, Status, VisitStatus
from service_kit.errors import AppError, Conflict, Forbidden, IllegalTransition, Invalid
from tests.tickets_service.worlds import (
    ADMIN,
    DISPATCHER,
    REQUESTER,
    TECHNICIAN,
    VIEWER,
    OnePolicy,
    Story,
    actor,
)
from tickets_service import lifecycle
from tickets_service.commands import (
    AddComment,
    Command,
    DeleteTicket,
    EditTicket,
    MoveTicket,
    MoveVisit,
    OfferVisit,
    OpenTicket,
    Sweep,
)
from tickets_service.lifecycle import Action
from tickets_service.ticket_state import TicketState, replay

MONDAY = "2026-10-05 "
V = VisitStatus
NEEDS_REASON = {Action.HOLD: "customer_absent"}


def move(action: Action) -> MoveTicket:
    return MoveTicket(action, NEEDS_REASON.get(action))


ROUTES: dict[Status, list[Action]] = {
    Status.OPEN: [],
    Status.IN_PROGRESS: [Action.START],
    Status.ON_HOLD: [Action.START, Action.HOLD],
    Status.COMPLETED: [Action.START, Action.COMPLETE],
    Status.CLOSED: [Action.START, Action.COMPLETE, Action.CLOSE],
    Status.CANCELLED: [Action.CANCEL],
}


def ticket_in(status: Status) -> Story:
    story = Story(MONDAY + "09:00")
    for n, action in enumerate(ROUTES[status]):
        story.do(move(action), f"{MONDAY}10:{n:02}")
    assert story.ticket.status is status
    return story


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("status", Status)
def test_a_move_is_made_or_refused_as_the_table_says(
    status: Status, action: Action
) -> None:
    story = ticket_in(status)
    if status in lifecycle.TICKET_MOVES[action].from_:
        story.do(move(action), MONDAY + "11:00")
        wanted = lifecycle.status_after(
            action, has_started=story.ticket.started_at is not None
        )
        assert story.ticket.status is wanted
        return
    with pytest.raises(IllegalTransition) as refused:
        story.do(move(action), MONDAY + "11:00")
    assert refused.value.extra["allowed"] == sorted(lifecycle.actions_from(status))


@pytest.mark.parametrize("action", Action)
def test_a_viewer_may_make_no_move(action: Action) -> None:
    for status in Status:
        with pytest.raises(Forbidden):
            ticket_in(status).do(move(action), MONDAY + "11:00", VIEWER)


def test_every_unfinished_ticket_can_reach_an_end() -> None:
    for status in (Status.OPEN, Status.IN_PROGRESS, Status.ON_HOLD):
        assert Action.CANCEL in lifecycle.actions_from(status)


VISIT_ROUTES: dict[VisitStatus, list[VisitStatus]] = {
    V.OFFERED: [],
    V.ACCEPTED: [V.ACCEPTED],
    V.EN_ROUTE: [V.ACCEPTED, V.EN_ROUTE],
    V.ON_SITE: [V.ACCEPTED, V.ON_SITE],
    V.DONE: [V.ACCEPTED, V.ON_SITE, V.DONE],
    V.NOT_DONE: [V.ACCEPTED, V.ON_SITE, V.NOT_DONE],
    V.DECLINED: [V.DECLINED],
    V.RELEASED: [V.RELEASED],
}


def visit_in(status: VisitStatus) -> Story:
    story = Story(MONDAY + "09:00")
    story.do(OfferVisit(1, team_id=7), MONDAY + "09:10")
    for n, to in enumerate(VISIT_ROUTES[status]):
        story.do(MoveVisit(1, to, "why"), f"{MONDAY}10:{n:02}")
    assert story.ticket.visits[0].status is status
    return story


@pytest.mark.parametrize("to", V)
@pytest.mark.parametrize("status", V)
def test_a_visit_moves_as_the_table_says(status: VisitStatus, to: VisitStatus) -> None:
    story = visit_in(status)
    table = lifecycle.VISIT_MOVES.get(to)
    if table and status in table.from_:
        story.do(MoveVisit(1, to, "why"), MONDAY + "11:00")
        assert story.ticket.visits[0].status is to
        return
    with pytest.raises(IllegalTransition):
        story.do(MoveVisit(1, to, "why"), MONDAY + "11:00")


@pytest.mark.parametrize(
    ("moves", "status", "team"),
    [
        pytest.param([], Status.OPEN, 7, id="offered"),
        pytest.param([V.ACCEPTED], Status.OPEN, 7, id="accepted"),
        pytest.param([V.ACCEPTED, V.ON_SITE], Status.IN_PROGRESS, 7, id="on site"),
        pytest.param([V.ACCEPTED, V.ON_SITE, V.DONE], Status.COMPLETED, 7, id="done"),
        pytest.param(
            [V.ACCEPTED, V.ON_SITE, V.NOT_DONE], Status.IN_PROGRESS, 7, id="not done"
        ),
        pytest.param([V.DECLINED], Status.OPEN, None, id="declined"),
    ],
)
def test_the_ticket_follows_its_visit(
    moves: list[V], status: Status, team: int | None
) -> None:
    story = Story(MONDAY + "09:00")
    story.do(OfferVisit(1, team_id=7), MONDAY + "09:10")
    for n, to in enumerate(moves):
        story.do(MoveVisit(1, to, "why"), f"{MONDAY}10:{n:02}", TECHNICIAN)
    assert (story.ticket.status, story.ticket.team_id) == (status, team)


def test_a_new_offer_releases_the_previous_one_and_keeps_it() -> None:
    story = Story(MONDAY + "09:00")
    story.do(OfferVisit(1, team_id=7), MONDAY + "09:10")
    story.do(OfferVisit(2, team_id=8), MONDAY + "09:20")
    assert [(v.team_id, v.status) for v in story.ticket.visits] == [
        (7, V.RELEASED),
        (8, V.OFFERED),
    ]
    assert story.ticket.team_id == 8


def test_a_visit_on_site_is_never_released_nor_cancelled() -> None:
    story = visit_in(V.ON_SITE)
    for command in (OfferVisit(2, team_id=8), MoveTicket(Action.CANCEL)):
        with pytest.raises(Conflict):
            story.do(command, MONDAY + "11:00")


def test_a_technician_who_starts_out_becomes_the_one_on_the_visit() -> None:
    story = Story(MONDAY + "09:00")
    story.do(OfferVisit(1, team_id=7), MONDAY + "09:10")
    story.do(MoveVisit(1, V.ACCEPTED), MONDAY + "09:20", TECHNICIAN)
    assert story.ticket.visits[0].technician_id == TECHNICIAN.user_id


OTHER_TEAM = actor(Role.TECHNICIAN, 30, team_id=8)
STRANGER = actor(Role.REQUESTER, 40)


@pytest.mark.parametrize(
    ("who", "command", "error"),
    [
        pytest.param(
            OTHER_TEAM, MoveVisit(1, V.ACCEPTED), Forbidden, id="another team's visit"
        ),
        pytest.param(
            TECHNICIAN,
            EditTicket({"priority": "low"}),
            Forbidden,
            id="technician's priority",
        ),
        pytest.param(
            TECHNICIAN, OfferVisit(2, team_id=7), Forbidden, id="technician's offer"
        ),
        pytest.param(
            STRANGER, MoveTicket(Action.CANCEL), Forbidden, id="someone else's ticket"
        ),
        pytest.param(
            REQUESTER,
            MoveTicket(Action.HOLD, "other"),
            Forbidden,
            id="requester's hold",
        ),
        pytest.param(
            REQUESTER,
            AddComment(1, "psst", "internal"),
            Forbidden,
            id="requester's note",
        ),
        pytest.param(
            VIEWER, AddComment(1, "hm", "public"), Forbidden, id="viewer's comment"
        ),
        pytest.param(
            DISPATCHER, MoveTicket(Action.HOLD), Invalid, id="hold without a reason"
        ),
        pytest.param(
            DISPATCHER, MoveTicket(Action.HOLD, "tea"), Invalid, id="hold for tea"
        ),
        pytest.param(
            TECHNICIAN,
            MoveVisit(1, V.DECLINED),
            Invalid,
            id="declined without a reason",
        ),
        pytest.param(
            DISPATCHER, DeleteTicket(), Forbidden, id="deleting another's ticket"
        ),
        pytest.param(ADMIN, DeleteTicket(), Conflict, id="deleting what has happened"),
    ],
)
def test_what_is_refused_changes_nothing(
    who: Any, command: Command, error: type[AppError]
) -> None:
    story = Story(MONDAY + "09:00")
    story.do(OfferVisit(1, team_id=7), MONDAY + "09:10")
    before = story.ticket
    with pytest.raises(error):
        story.do(command, MONDAY + "10:00", who)
    assert story.ticket == before


def test_a_requester_cancels_until_a_visit_is_accepted() -> None:
    story = Story(MONDAY + "09:00")
    story.do(OfferVisit(1, team_id=7), MONDAY + "09:10")
    early = replace(story.ticket)
    story.do(MoveTicket(Action.CANCEL), MONDAY + "09:15", REQUESTER)
    assert (early.status, story.ticket.status) == (Status.OPEN, Status.CANCELLED)
    with pytest.raises(Forbidden):
        visit_in(V.ACCEPTED).do(MoveTicket(Action.CANCEL), MONDAY + "11:00", REQUESTER)


@pytest.mark.parametrize(
    "evidence", [{}, {"optical_power_dbm": ""}], ids=["none", "empty"]
)
def test_a_completion_without_its_evidence_is_refused(evidence: dict[str, Any]) -> None:
    book = OnePolicy(evidence={"repair": ("optical_power_dbm",)})
    story = Story(MONDAY + "09:00", book=book)
    story.do(move(Action.START), MONDAY + "09:10")
    with pytest.raises(Invalid) as refused:
        story.do(MoveTicket(Action.COMPLETE, evidence=evidence), MONDAY + "10:00")
    assert "evidence.optical_power_dbm" in refused.value.extra["errors"]
    story.do(
        MoveTicket(Action.COMPLETE, evidence={"optical_power_dbm": -19.5}),
        MONDAY + "10:00",
    )
    assert story.events[-1].data["evidence"] == {"optical_power_dbm": -19.5}


def test_a_completed_ticket_closes_by_itself_after_five_working_days() -> None:
    story = ticket_in(Status.COMPLETED)  # on Monday
    assert not story.do(Sweep(), "2026-10-12 17:59")
    story.do(Sweep(), "2026-10-12 18:00")
    assert story.ticket.status is Status.CLOSED


def test_an_offer_expires() -> None:
    story = Story(MONDAY + "09:00")
    story.do(OfferVisit(1, team_id=7, expires_at=story.now), MONDAY + "09:10")
    story.do(Sweep(), MONDAY + "09:11")
    assert (story.ticket.visits[0].outcome_reason, story.ticket.team_id) == (
        "offer_expired",
        None,
    )


def test_a_reopening_after_the_window_is_refused() -> None:
    story = ticket_in(Status.CLOSED)
    with pytest.raises(Conflict) as refused:
        story.do(move(Action.REOPEN), "2026-10-20 10:00")
    assert refused.value.code == "reopen_window_over"


def test_backdating_needs_the_right_and_a_reason() -> None:
    story = Story(MONDAY + "09:00")
    new = {"title": "x", "zone": "Selangor", "category": "repair"}
    for who, error in ((REQUESTER, Forbidden), (DISPATCHER, Invalid)):
        story.state = None
        with pytest.raises(error):
            story.do(OpenTicket(2, new, opened_at=story.now), MONDAY + "12:00", who)


LATE_STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *(move(action) for action in Action),
                OfferVisit(1, team_id=7),
                OfferVisit(2, team_id=8),
                *(MoveVisit(n, to, "why") for n in (1, 2) for to in V),
                EditTicket({"priority": "urgent"}),
                EditTicket({"priority": "low"}),
                AddComment(1, "hello", "public"),
                Sweep(),
            ]
        ),
        st.integers(0, 600),  # minutes that pass before it arrives
        st.integers(-300, 10),  # minutes by which it says to have happened then
    ),
    max_size=12,
)


@given(LATE_STEPS, st.randoms())
def test_events_in_any_arrival_order_give_the_same_verdicts(
    steps: list[tuple[Command, int, int]], rng: random.Random
) -> None:
    story = Story(MONDAY + "09:00", "medium")
    now = story.now
    for command, passed, late in steps:
        now += timedelta(minutes=passed)
        if isinstance(command, MoveTicket | MoveVisit):
            claimed = now + timedelta(minutes=late)
            command = replace(command, occurred_at=claimed)  # noqa: PLW2901
        with contextlib.suppress(AppError):
            story.do(command, now)
    arrived = list(enumerate(story.events))
    rng.shuffle(arrived)
    in_time = [e for _, e in sorted(arrived, key=lambda p: (p[1].occurred_at, p[0]))]
    assert verdicts(replay(1, in_time, story.book)) == verdicts(story.ticket)


def verdicts(ticket: TicketState) -> list[Any]:
    assert ticket.clocks is not None
    pair = (ticket.clocks.response, ticket.clocks.resolution)
    return [(c.verdict, c.elapsed, c.done, c.target) for c in pair]
