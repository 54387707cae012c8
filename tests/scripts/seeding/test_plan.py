"""The plan of the example data: deterministic, exact in number, and like a network."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from db.vocabulary import Category, Role, VisitStatus
from scripts.seeding import demand, places
from scripts.seeding.demand import DAY_S, Need, Window, needs_of
from scripts.seeding.plan import (
    PlannedTicket,
    planned_staff,
    planned_tickets,
    window_of,
)
from scripts.seeding.staff import ROLE_ACCOUNTS, staff_of
from tickets_service import commands as ask

UNTIL = datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC)  # the end of a local day
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
COUNT, DAYS = 900, 60


def plan(until: datetime = UNTIL, first: int = 1) -> list[PlannedTicket]:
    window = window_of(until, DAYS)
    return planned_tickets(planned_staff(0.2), COUNT, window, until, first)


@pytest.fixture(scope="module")
def planned() -> list[PlannedTicket]:
    return plan()


def test_the_same_day_gives_the_same_plan(planned: list[PlannedTicket]) -> None:
    assert plan() == planned


def test_an_earlier_hour_of_the_day_gives_the_beginning_of_the_same_plan(
    planned: list[PlannedTicket],
) -> None:
    earlier = plan(NOON)
    by_id = {ticket.id: ticket for ticket in planned}
    assert 0 < len(earlier) < len(planned)
    for ticket in earlier:
        whole = [s.at for s in by_id[ticket.id].steps]
        assert [s.at for s in ticket.steps] == [
            at for at in whole if at <= NOON.timestamp()
        ]


def test_the_days_before_the_last_hold_exactly_the_number_asked_for(
    planned: list[PlannedTicket],
) -> None:
    midnight = window_of(UNTIL, DAYS).ends_at - DAY_S
    assert sum(t.steps[0].at < midnight for t in planned) == COUNT
    assert len(planned) > COUNT


def test_numbers_follow_the_order_of_opening_from_the_first_free_one() -> None:
    planned = plan(first=501)
    opened = [ticket.steps[0].at for ticket in planned]
    assert opened == sorted(opened)
    assert [t.id for t in planned] == list(range(501, 501 + len(planned)))
    visits = sorted(
        s.command.visit_id
        for t in planned
        for s in t.steps
        if isinstance(s.command, ask.OfferVisit)
    )
    assert visits == list(range(1, 1 + len(visits)))


def test_steps_are_in_order_of_time(planned: list[PlannedTicket]) -> None:
    for ticket in planned:
        times = [step.at for step in ticket.steps]
        assert times == sorted(times)
        assert isinstance(ticket.steps[0].command, ask.OpenTicket)


def test_no_technician_is_on_two_visits_at_once(planned: list[PlannedTicket]) -> None:
    runs = sorted(run for ticket in planned for run in runs_of(ticket))
    last: dict[int, int] = {}
    for start, technician, end in runs:
        assert start >= last.get(technician, 0)
        last[technician] = end


def runs_of(ticket: PlannedTicket) -> list[tuple[int, int, int]]:
    """Return (start, technician, end) of each visit that set out."""
    ends = {VisitStatus.DONE, VisitStatus.NOT_DONE}
    started: dict[int, tuple[int, int]] = {}
    found = []
    for step in ticket.steps:
        if not isinstance(step.command, ask.MoveVisit):
            continue
        visit = step.command.visit_id
        if step.command.status is VisitStatus.EN_ROUTE:
            started[visit] = (step.at, step.actor)
        elif step.command.status in ends:
            start, technician = started.pop(visit)
            found.append((start, technician, step.at))
    now = int(UNTIL.timestamp())
    return found + [(start, technician, now) for start, technician in started.values()]


def test_there_is_one_account_per_role_and_the_technician_has_a_team() -> None:
    staff = planned_staff(1)
    assert [p.username for p in staff.people[:6]] == list(ROLE_ACCOUNTS)
    technician = staff.people[ROLE_ACCOUNTS.index(Role.TECHNICIAN)]
    assert technician.team is not None
    assert technician.position in staff.teams[technician.team].members


def test_there_are_150_teams_of_three_in_16_zones() -> None:
    staff = planned_staff(1)
    assert len(staff.teams) == 150
    assert len({team.zone for team in staff.teams}) == 16
    assert all(len(team.members) == 3 for team in staff.teams)
    assert all(1 <= level <= 3 for t in staff.teams for level in t.skills.values())
    by_zone = Counter(team.zone for team in staff.teams)
    assert by_zone.most_common(1)[0][0] == "Selangor"


def test_every_person_has_a_name_and_address_of_their_own() -> None:
    people = staff_of(1, np.random.default_rng(5)).people
    assert len({p.username for p in people}) == len(people)
    assert all(p.email.endswith("@example.com") for p in people)
    assert all("-0" in p.phone for p in people if p.phone)  # no subscriber's number


@pytest.fixture(scope="module")
def needs() -> list[Need]:
    window = Window(date(2026, 3, 2), 365)
    return needs_of(12_000, window, np.random.default_rng(3))


def test_more_is_asked_on_mondays_than_on_sundays(needs: list[Need]) -> None:
    west = [n for n in needs if n.region.zone == "Selangor"]
    days = Counter((demand.local_day(n.at) + 3) % 7 for n in west)
    assert days[0] > 1.3 * days[6]


def test_the_weekend_of_kelantan_is_friday_and_saturday(needs: list[Need]) -> None:
    installs = [
        (demand.local_day(n.at) + 3) % 7
        for n in needs
        if n.region.zone == "Kelantan" and n.category is Category.FIBER_INSTALLATION
    ]
    days = Counter(installs)
    assert days[6] > 2 * days[4]


def test_the_east_coast_breaks_more_in_december(needs: list[Need]) -> None:
    def repairs(month: int) -> int:
        return sum(
            n.region.monsoon == "east"
            and n.category is Category.REPAIR
            and (datetime.fromtimestamp(n.at, UTC) + timedelta(hours=8)).month == month
            for n in needs
        )

    assert repairs(12) > 1.4 * repairs(7)


def test_an_outage_is_many_tickets_close_in_place_and_time(needs: list[Need]) -> None:
    outages: dict[int, list[Need]] = {}
    for need in needs:
        if need.outage is not None:
            outages.setdefault(need.outage, []).append(need)
    assert sum(len(o) for o in outages.values()) >= 0.08 * 12_000
    for members in outages.values():
        assert sum(n.is_head for n in members) == 1
        head = next(n for n in members if n.is_head)
        for n in members:
            km = places.distance_km(
                head.address.lat, head.address.lon, n.address.lat, n.address.lon
            )
            assert km < 6
            assert abs(n.at - head.at) < 12 * 3600


def test_faults_come_back_to_the_same_address(needs: list[Need]) -> None:
    repeats = [n for n in needs if n.is_repeat]
    addresses = Counter(n.address for n in needs)
    assert len(repeats) == round(12_000 * demand.REPEAT_SHARE)
    assert all(addresses[n.address] >= 2 for n in repeats)


@pytest.mark.parametrize(
    ("total", "shares", "least", "expected"),
    [
        pytest.param(10, [1, 1], 0, [5, 5], id="halves"),
        pytest.param(10, [3, 1, 1], 1, [5, 3, 2], id="largest remainder, one each"),
        pytest.param(3, [9, 1, 1], 1, [1, 1, 1], id="only the least"),
    ],
)
def test_shares_sum_to_the_total(
    total: int, shares: list[float], least: int, expected: list[int]
) -> None:
    assert places.apportioned(total, shares, least=least) == expected


def test_too_little_to_share_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot give"):
        places.apportioned(2, [1, 1, 1], least=1)
