"""The SLA rules R3-R15: the worked cases and the properties."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.vocabulary import SlaState, VisitStatus
from tests.tickets_service.worlds import (
    ADMIN,
    CALENDARS,
    DISPATCHER,
    REQUESTER,
    TECHNICIAN,
    VECTORS,
    OnePolicy,
    Story,
    at,
    local,
    us,
)
from tickets_service import sla
from tickets_service.calendars import SECOND, micros
from tickets_service.commands import (
    AddComment,
    EditTicket,
    MoveTicket,
    MoveVisit,
    OfferVisit,
    Reprice,
    Sweep,
)
from tickets_service.lifecycle import Action

HOURS = 3_600 * SECOND


def hold(reason: str = "customer_absent", **more: Any) -> MoveTicket:
    return MoveTicket(Action.HOLD, reason, **more)


START, RESUME = MoveTicket(Action.START), MoveTicket(Action.RESUME)
COMPLETE, REOPEN = MoveTicket(Action.COMPLETE), MoveTicket(Action.REOPEN)


def started(opened: str, priority: str = "high", **more: Any) -> Story:
    story = Story(opened, priority, **more)
    story.do(START, opened, DISPATCHER)
    return story


@pytest.mark.parametrize(
    "case", [v for v in VECTORS["vectors"] if "start" in v], ids=lambda v: str(v["id"])
)
def test_the_due_time_is_that_of_the_worked_case(case: dict[str, Any]) -> None:
    pauses = tuple(
        sla.Pause(instant_us(start), instant_us(end), "x")
        for start, end in case["pauses"]
    )
    clock = sla.Clock(
        case["target_s"] * SECOND, instant_us(case["start"]), pauses=pauses
    )
    assert sla.due(clock, CALENDARS[case["calendar"]]) == instant_us(case["due"])


def instant_us(text: str) -> int:
    return micros(datetime.fromisoformat(text))


def test_a_due_time_at_closing_is_not_the_next_opening() -> None:
    assert Story("2026-10-05 19:30").due() == "Tue 06 Oct 18:00:00"


def test_a_hold_pauses_only_working_time() -> None:
    story = started("2026-10-05 10:00")
    story.do(hold(), "2026-10-05 11:30")
    assert story.due() is None
    story.do(RESUME, "2026-10-06 09:45")
    assert story.due() == "Tue 06 Oct 17:15:00"


def test_a_hold_outside_hours_costs_nothing() -> None:
    story = started("2026-10-05 10:00")
    story.do(hold(), "2026-10-05 18:30")
    story.do(RESUME, "2026-10-06 08:30")
    assert story.due() == "Tue 06 Oct 10:00:00"


def test_a_reason_that_does_not_pause_leaves_the_clock_running() -> None:
    story = started("2026-10-05 10:00")
    story.do(hold("other"), "2026-10-05 11:30")
    assert story.due() == "Tue 06 Oct 10:00:00"


def test_two_holds_back_to_back_are_one_pause() -> None:
    story = started("2026-10-05 10:00")
    story.do(hold(), "2026-10-05 11:00")
    story.do(RESUME, "2026-10-05 11:30")
    story.do(hold(), "2026-10-05 11:30")
    story.do(RESUME, "2026-10-05 12:00")
    assert len(story.resolution.pauses) == 1
    assert story.due() == "Tue 06 Oct 11:00:00"


def test_completing_straight_from_hold_ends_the_pause_first() -> None:
    story = started("2026-10-05 10:00")
    story.do(hold(), "2026-10-05 11:00")
    story.do(COMPLETE, "2026-10-07 12:00")
    assert story.resolution.elapsed == 1 * HOURS
    assert story.resolution.verdict == "met"


@pytest.mark.parametrize(
    ("second", "verdict"),
    [("00", "met"), ("01", "missed")],
    ids=["on the dot", "a second late"],
)
def test_the_verdict_compares_instants(second: str, verdict: str) -> None:
    story = started("2026-10-05 10:00")
    story.do(COMPLETE, f"2026-10-06 10:00:{second}")
    assert story.resolution.verdict == verdict


def test_done_after_closing_time_on_which_it_was_due_is_missed() -> None:
    story = started("2026-10-05 19:30")  # due Tuesday 18:00
    story.do(COMPLETE, "2026-10-06 20:00")
    assert story.resolution.verdict == "missed"


@pytest.mark.parametrize(
    ("policy", "due"),
    [
        ("retroactive", "Mon 05 Oct 18:00:00"),
        ("forward", "Tue 06 Oct 15:00:00"),
        # 5 of 16 hours used: 5/16 of 8 hours count as used
        ("proportional", "Tue 06 Oct 11:30:00"),
    ],
)
def test_a_priority_change_follows_the_policy(policy: str, due: str) -> None:
    story = Story("2026-10-05 09:00", "medium", OnePolicy(priority_change=policy))
    story.do(EditTicket({"priority": "high"}), "2026-10-05 15:00")
    assert story.due() == due


def test_a_priority_change_keeps_the_pauses() -> None:
    story = started("2026-10-05 09:00", "medium")
    story.do(hold(), "2026-10-05 10:00")
    story.do(RESUME, "2026-10-06 10:00")
    story.do(EditTicket({"priority": "high"}), "2026-10-06 10:30")
    assert story.due() == "Tue 06 Oct 18:00:00"


def test_work_reported_late_is_judged_by_the_target_of_its_own_time() -> None:
    story = started("2026-10-05 09:00", "low")
    story.do(EditTicket({"priority": "urgent"}), "2026-10-05 17:00")  # due was 13:00
    done = MoveTicket(Action.COMPLETE, occurred_at=at("2026-10-05 16:00"))
    story.do(done, "2026-10-05 17:30")
    assert (story.resolution.verdict, story.resolution.target) == ("met", 40 * HOURS)


def test_the_floor_leaves_a_quarter_of_the_new_target() -> None:
    book = OnePolicy(priority_change_floor_ratio=0.25)
    story = Story("2026-10-05 09:00", "low", book)
    story.do(EditTicket({"priority": "urgent"}), "2026-10-06 10:00")
    assert story.due() == "Tue 06 Oct 11:00:00"


def test_a_missed_target_stays_recorded_as_superseded() -> None:
    story = Story("2026-10-05 09:00", "urgent")
    story.do(EditTicket({"priority": "low"}), "2026-10-06 10:00")
    assert local(story.resolution.superseded[0].due) == "Mon 05 Oct 14:00:00".replace(
        "14", "13"
    )
    assert story.resolution.breached is None


def test_a_response_verdict_is_not_judged_again() -> None:
    story = Story("2026-10-05 09:00", "medium")
    story.do(AddComment(1, "On it", "public"), "2026-10-05 12:00")
    story.do(EditTicket({"priority": "urgent"}), "2026-10-05 12:30")
    assert story.response.verdict == "met"


def test_reopening_resumes_the_remaining_budget() -> None:
    story = started("2026-10-05 09:00")
    story.do(COMPLETE, "2026-10-05 14:00")
    story.do(REOPEN, "2026-10-07 09:30", REQUESTER)
    assert story.due() == "Wed 07 Oct 14:30:00"


def test_a_breach_persists_over_a_reopening() -> None:
    story = started("2026-10-05 09:00", "urgent")
    story.do(COMPLETE, "2026-10-06 14:00")
    story.do(REOPEN, "2026-10-07 09:30")
    state = sla.state(story.resolution, CALENDARS["KL"], us("2026-10-07 09:31"))
    assert state is SlaState.BREACHED


def test_reopening_may_begin_a_new_cycle() -> None:
    story = started("2026-10-05 09:00", book=OnePolicy(reopen="new_cycle"))
    story.do(COMPLETE, "2026-10-05 14:00")
    story.do(REOPEN, "2026-10-07 09:30")
    assert (story.due(), story.resolution.cycle) == ("Thu 08 Oct 09:30:00", 2)


@pytest.mark.parametrize(
    ("who", "visibility", "counts"),
    [
        pytest.param(DISPATCHER, "public", True, id="staff in public"),
        pytest.param(DISPATCHER, "internal", False, id="an internal note"),
        pytest.param(REQUESTER, "public", False, id="the creator"),
    ],
)
def test_the_first_response_is_a_human_acknowledgement(
    who: Any, visibility: str, counts: bool
) -> None:
    story = Story("2026-10-05 10:00")
    story.do(AddComment(1, "Hello", visibility), "2026-10-05 10:20", who)
    assert (story.response.done is not None) is counts


def test_a_visit_accepted_is_the_first_response() -> None:
    story = Story("2026-10-05 10:00")
    story.do(OfferVisit(1, team_id=7), "2026-10-05 10:10")
    story.do(MoveVisit(1, VisitStatus.ACCEPTED), "2026-10-05 11:00", TECHNICIAN)
    assert (story.response.verdict, story.response.elapsed) == ("met", 1 * HOURS)


def test_a_breached_clock_stays_breached_on_hold_and_its_overdue_freezes() -> None:
    story = started("2026-10-05 09:00", "urgent")
    story.do(hold(), "2026-10-05 16:00")
    calendar = CALENDARS["KL"]
    for now in ("2026-10-05 17:00", "2026-10-09 17:00"):
        assert sla.state(story.resolution, calendar, us(now)) is SlaState.BREACHED
        assert sla.elapsed(story.resolution, calendar, us(now)) == 6 * HOURS
    assert [e.kind for e in story.events].count("sla.breached") == 2  # both clocks


def test_each_threshold_is_told_once() -> None:
    story = started("2026-10-05 09:00", "urgent")  # resolution due 13:00
    told = [
        story.do(Sweep(), f"2026-10-05 {when}") for when in ("10:59", "11:00", "11:00")
    ]
    marks = [
        [
            (e.kind, e.data.get("percent"))
            for e in events
            if e.data["clock"] == "resolution"
        ]
        for events in told
    ]
    assert marks == [[], [("sla.warning", 50)], []]
    story.do(Sweep(), "2026-10-06 09:00")
    story.do(Sweep(), "2026-10-06 09:01")
    kinds = [
        (e.kind, e.data.get("percent"))
        for e in story.events
        if e.data.get("clock") == "resolution"
    ]
    assert kinds == [
        ("sla.warning", 50),
        ("sla.warning", 75),
        ("sla.warning", 90),
        ("sla.breached", None),
    ]


def test_no_threshold_is_told_while_paused() -> None:
    story = started("2026-10-05 09:00", "urgent")
    story.do(hold(), "2026-10-05 09:30")
    assert [
        e
        for e in story.do(Sweep(), "2026-10-08 12:00")
        if e.data["clock"] == "resolution"
    ] == []


def test_a_late_hold_retracts_the_breach() -> None:
    story = started("2026-10-05 09:00", "urgent")  # due 13:00
    story.do(Sweep(), "2026-10-05 15:00")
    assert story.resolution.breached == us("2026-10-05 13:00")
    events = story.do(
        hold(occurred_at=at("2026-10-05 12:00")), "2026-10-05 15:10", DISPATCHER
    )
    assert [e.kind for e in events] == ["ticket.held", "sla.breach_retracted"]
    assert story.resolution.breached is None


@pytest.mark.parametrize(
    ("claimed", "accepted", "flag"),
    [
        pytest.param("2026-10-05 12:00", "12:00:00", None, id="late but plausible"),
        pytest.param("2026-10-05 15:01", "15:01:00", None, id="within the grace"),
        pytest.param(
            "2026-10-05 15:03", "15:00:00", "in_the_future", id="in the future"
        ),
        pytest.param(
            "2026-10-05 08:00",
            "09:00:00",
            "before_the_previous_move",
            id="before the previous move",
        ),
    ],
)
def test_a_late_event_is_clamped_and_flagged(
    claimed: str, accepted: str, flag: str | None
) -> None:
    story = started("2026-10-05 09:00")
    event = story.do(hold(occurred_at=at(claimed)), "2026-10-05 15:00")[0]
    assert event.occurred_at == at(f"2026-10-05 {accepted}")
    assert event.data.get("clamped") == flag


def test_a_reprice_leaves_a_given_verdict_alone() -> None:
    book = OnePolicy()
    book.policies[2] = sla.Policy(
        2, "Test", 2, 1, dict.fromkeys(("urgent", "high", "medium", "low"), (60, 120))
    )
    story = Story("2026-10-05 09:00", book=OnePolicy())
    story.book = book
    story.do(AddComment(1, "On it", "public"), "2026-10-05 09:30")
    story.do(Reprice(2), "2026-10-05 09:40", ADMIN)
    assert story.response.target == 1 * HOURS
    assert story.resolution.target == 120 * SECOND


def test_the_segments_add_up_to_the_target() -> None:
    story = started("2026-10-05 10:00")
    story.do(hold(), "2026-10-05 11:30")
    story.do(RESUME, "2026-10-06 09:45")
    due = sla.due(story.resolution, CALENDARS["KL"])
    assert due is not None
    found = sla.segments(story.resolution, CALENDARS["KL"], due)
    seconds = sla.in_seconds(found)
    by_kind: dict[str, int] = {}
    for (_, _, kind), s in zip(found, seconds, strict=True):
        by_kind[kind] = by_kind.get(kind, 0) + s
    assert by_kind["open"] == 8 * 3_600
    assert by_kind["paused:customer_absent"] == 22_500


STARTS = st.datetimes(
    datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)
).map(micros)
NAMES = st.sampled_from(sorted(CALENDARS))
TARGETS = st.integers(1, 200 * 3_600)
PAUSES = st.lists(st.integers(0, 20 * 86_400), min_size=0, max_size=6)


def paused_clock(start: int, target_s: int, cuts: list[int]) -> sla.Clock:
    edges = sorted(set(cuts))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    pauses = tuple(
        sla.Pause(start + a * SECOND, start + b * SECOND, "x") for a, b in pairs
    )
    return sla.Clock(target_s * SECOND, start, pauses=pauses)


def must(value: int | None) -> int:
    assert value is not None
    return value


@given(NAMES, STARTS, TARGETS, st.integers(0, 10**6), st.integers(0, 10**6), PAUSES)
def test_due_is_monotone_in_start_and_in_target(
    name: str, start: int, target: int, later_s: int, more_s: int, cuts: list[int]
) -> None:
    calendar = CALENDARS[name]
    clock = paused_clock(start, target, cuts)
    due = must(sla.due(clock, calendar))
    later_start = sla.Clock(clock.target, start + later_s * SECOND, pauses=clock.pauses)
    assert must(sla.due(later_start, calendar)) >= due
    longer = sla.Clock(clock.target + more_s * SECOND, start, pauses=clock.pauses)
    assert must(sla.due(longer, calendar)) >= due


@given(NAMES, STARTS, TARGETS, PAUSES)
def test_a_pause_never_makes_due_earlier(
    name: str, start: int, target: int, cuts: list[int]
) -> None:
    calendar, clock = CALENDARS[name], paused_clock(start, target, cuts)
    fewer = sla.Clock(clock.target, start, pauses=clock.pauses[:-1])
    assert must(sla.due(clock, calendar)) >= must(sla.due(fewer, calendar))


@given(NAMES, STARTS, TARGETS, PAUSES)
def test_the_open_segments_up_to_due_sum_to_the_target(
    name: str, start: int, target: int, cuts: list[int]
) -> None:
    calendar, clock = CALENDARS[name], paused_clock(start, target, cuts)
    due = must(sla.due(clock, calendar))
    found = sla.segments(clock, calendar, due)
    seconds = sla.in_seconds(found)
    assert (
        sum(s for (_, _, k), s in zip(found, seconds, strict=True) if k == "open")
        == target
    )
    assert sla.elapsed(clock, calendar, due) == clock.target


@given(
    st.lists(st.integers(0, 4 * 86_400), min_size=2, max_size=6, unique=True),
    st.randoms(),
)
def test_acknowledgements_in_any_arrival_order_give_the_same_verdict(
    offsets: list[int], rng: random.Random
) -> None:
    calendar, start = CALENDARS["KL"], us("2026-10-05 09:00")
    shuffled = list(offsets)
    rng.shuffle(shuffled)

    def verdict(order: list[int]) -> sla.Clock:
        clock = sla.Clock(4 * HOURS, start)
        for offset in order:
            clock = sla.responded(clock, calendar, start + offset * SECOND)
        return clock

    assert verdict(offsets) == verdict(shuffled)


def test_the_most_specific_policy_is_chosen_then_the_newest() -> None:
    def policy(
        n: int, zones: tuple[str, ...] | None, priorities: tuple[str, ...] | None
    ) -> sla.Policy:
        return sla.Policy(n, "P", n, 1, {}, zones, priorities)

    everywhere, newer = policy(1, None, None), policy(5, None, None)
    selangor, urgent = (
        policy(2, ("Selangor",), None),
        policy(3, ("Selangor",), ("urgent",)),
    )
    policies = [everywhere, newer, selangor, urgent]
    assert sla.chosen(policies, "Selangor", "urgent") is urgent
    assert sla.chosen(policies, "Selangor", "low") is selangor
    assert sla.chosen(policies, "Johor", "low") is newer
    assert sla.chosen([selangor], "Johor", "low") is None
