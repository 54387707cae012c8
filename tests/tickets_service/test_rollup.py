"""The daily figures: every measure on its day, and deltas that always add up."""

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.vocabulary import VisitStatus
from service_kit.errors import AppError
from tests.tickets_service.worlds import ADMIN, REQUESTER, Story, at, later
from tickets_service import rollup
from tickets_service.commands import (
    AddComment,
    Command,
    EditTicket,
    MoveTicket,
    MoveVisit,
    OfferVisit,
    Sweep,
)
from tickets_service.lifecycle import Action
from tickets_service.rollup import Cell, Sums
from tickets_service.standing import add_counts, count_deltas

KL = ZoneInfo("Asia/Kuala_Lumpur")
V = VisitStatus


def visited(story: Story, day: str = "2026-10-05") -> Story:
    story.do(OfferVisit(1, team_id=7), f"{day} 09:05")
    for when, to in (
        ("09:30", V.ACCEPTED),
        ("10:00", V.EN_ROUTE),
        ("10:20", V.ON_SITE),
        ("11:20", V.DONE),
    ):
        story.do(MoveVisit(1, to), f"{day} {when}")
    return story


def total(cells: Mapping[Cell, Sums], name: str) -> int:
    return sum(sums.get(name, 0) for sums in cells.values())


def figures(story: Story) -> dict[Cell, Sums]:
    return rollup.contributions(story.ticket, KL, story.book)


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        ("created", 1),
        ("workload_minutes", 90),
        ("completed", 1),
        ("backlog_delta", 0),
        ("responded", 1),
        ("response_wall_s", 1_800),
        ("response_met", 1),
        ("resolution_wall_s", 8_400),
        ("resolution_work_s", 8_400),
        ("resolution_met", 1),
        ("first_visit_fixed", 1),
        ("reopened", 0),
        ("visits_done", 1),
        ("travel_s", 1_200),
        ("on_site_s", 3_600),
    ],
)
def test_a_plain_ticket_counts(measure: str, value: int) -> None:
    story = visited(Story("2026-10-05 09:00", estimated_minutes=90))
    assert total(figures(story), measure) == value


def test_each_measure_stands_on_its_own_local_day() -> None:
    story = Story("2026-10-05 23:30")  # still Monday in UTC+8
    story.do(MoveTicket(Action.START), "2026-10-06 09:00")
    story.do(MoveTicket(Action.COMPLETE), "2026-10-07 00:10")
    days = {cell.day: sums for cell, sums in figures(story).items()}
    assert days[date(2026, 10, 5)]["created"] == 1
    assert days[date(2026, 10, 7)]["completed"] == 1


def test_an_overdue_ticket_counts_as_missed_on_its_due_day_while_open() -> None:
    story = Story("2026-10-05 09:00", "urgent")
    story.do(Sweep(), "2026-10-07 09:00")
    missed = {
        c.day for c, sums in figures(story).items() if sums.get("resolution_missed")
    }
    assert missed == {date(2026, 10, 5)}


def test_a_reopened_ticket_counts_by_its_last_completion() -> None:
    story = visited(Story("2026-10-05 09:00"))
    story.do(MoveTicket(Action.REOPEN), "2026-10-06 09:00")
    assert total(figures(story), "completed") == 0
    assert total(figures(story), "backlog_delta") == 1
    story.do(MoveTicket(Action.COMPLETE), "2026-10-08 09:00")
    cells = figures(story)
    assert [c.day for c, s in cells.items() if s.get("completed")] == [
        date(2026, 10, 8)
    ]
    assert (total(cells, "reopened"), total(cells, "first_visit_fixed")) == (1, 0)


def test_time_lost_is_kept_per_reason() -> None:
    story = Story("2026-10-05 10:00")
    story.do(MoveTicket(Action.HOLD, "weather_safety"), "2026-10-05 11:30")
    story.do(MoveTicket(Action.RESUME), "2026-10-06 09:45")
    story.do(MoveTicket(Action.START), "2026-10-06 09:46")
    story.do(MoveTicket(Action.COMPLETE), "2026-10-06 10:00")
    assert total(figures(story), "held:weather_safety") == 22_500


def without_zeros(cells: Mapping[Cell, Sums]) -> dict[Cell, Sums]:
    return {c: kept for c, sums in cells.items() if (kept := rollup.non_zero(sums))}


COMMANDS: list[tuple[Command, object]] = [
    (MoveTicket(Action.START), ADMIN),
    (MoveTicket(Action.HOLD, "customer_absent"), ADMIN),
    (MoveTicket(Action.RESUME), ADMIN),
    (MoveTicket(Action.COMPLETE), ADMIN),
    (MoveTicket(Action.CLOSE), REQUESTER),
    (MoveTicket(Action.REOPEN), ADMIN),
    (MoveTicket(Action.CANCEL), ADMIN),
    (EditTicket({"priority": "urgent"}), ADMIN),
    (EditTicket({"zone": "Johor", "priority": "low"}), ADMIN),
    (OfferVisit(1, team_id=7), ADMIN),
    (OfferVisit(2, team_id=8), ADMIN),
    (MoveVisit(1, V.ACCEPTED), ADMIN),
    (MoveVisit(1, V.ON_SITE), ADMIN),
    (MoveVisit(1, V.DONE), ADMIN),
    (AddComment(1, "hello", "public"), ADMIN),
    (Sweep(), ADMIN),
]


@given(
    st.lists(
        st.tuples(st.integers(0, len(COMMANDS) - 1), st.integers(0, 3_000)), max_size=15
    )
)
def test_the_deltas_of_any_story_sum_to_its_present_figures(
    steps: list[tuple[int, int]],
) -> None:
    story = Story("2026-10-05 09:00", "high")
    summed: dict[Cell, Sums] = rollup.deltas(None, story.ticket, KL, story.book)
    counted = count_deltas(None, story.ticket)
    now = at("2026-10-05 09:00")
    for number, minutes in steps:
        now = later(now, minutes=minutes)
        before = story.ticket
        try:
            story.do(COMMANDS[number][0], now, COMMANDS[number][1])  # type: ignore[arg-type]
        except AppError:
            continue
        for cell, sums in rollup.deltas(before, story.ticket, KL, story.book).items():
            rollup.add_into(summed.setdefault(cell, {}), sums)
        add_counts(counted, count_deltas(before, story.ticket))
    kept = without_zeros(summed)
    assert kept == without_zeros(figures(story))
    there = {key: moved for key, moved in counted.items() if any(moved)}
    assert there == count_deltas(None, story.ticket)
    assert sum(moved[0] for moved in there.values()) == 1
    assert total(kept, "backlog_delta") == (
        story.ticket.status in ("open", "in_progress", "on_hold")
    )


def test_every_cut_counts_a_cell_once() -> None:
    cell = Cell(date(2026, 10, 5), "Johor", 7, "repair", "high")
    rows = list(rollup.rows_of(cell))
    assert len(set(rows)) == len(rollup.CUTS) * len(rollup.GRAINS)


@given(st.integers(0, 10**9))
def test_a_value_lies_in_its_bin(value: int) -> None:
    low, high = rollup.bin_bounds(rollup.bin_of(value))
    assert low <= value * (1 + 1e-9)
    assert value < high * (1 + 1e-9)
