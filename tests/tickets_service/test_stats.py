"""`stats/summary` from counters is what the rows say, whoever asks for what."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import combinations, count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from db.engine import Database
from db.scope import Actor
from db.vocabulary import Category, Cause, Priority, Role, Status, Via, VisitStatus
from service_kit.clock import utc_now
from tests.tickets_service.conftest import Caller
from tests.tickets_service.test_truth import differences, fold_all
from tickets_service import fold, standing, stats_creators, stats_times
from tickets_service.books import Shelf
from tickets_service.bulk_load import Loader, Story
from tickets_service.commands import MoveTicket, MoveVisit, OfferVisit, Sweep
from tickets_service.filters import TicketFilter
from tickets_service.lifecycle import Action
from tickets_service.rollup_verify import stored_counts
from tickets_service.standing import Standing
from tickets_service.standing_completing import complete_standing, is_whole
from tickets_service.standing_store import fold_counts
from tickets_service.stats_counts import counts_from_rows
from tickets_service.stats_queries import (
    GROUPED_BY_COUNTERS,
    by_cause,
    grouped,
    summary,
    total,
)
from tickets_service.stats_question import Question, dimensions_of
from tickets_service.stats_times import times_from_rows
from tickets_service.sweeping import sweep_due

CAUSES = (None, *map(str, Cause))
KL = ZoneInfo("Asia/Kuala_Lumpur")
BOSS = Actor(1, Role.ADMIN)
OPENERS = (501, 502, 503)
ZONES = ("Selangor", "Johor", "Perak")
ENDS = (None, "start", "hold", "complete", "close", "reopen", "cancel")
QUANTILES = ("median_resolution_minutes", "p90_resolution_minutes")
ASKED_BY = {
    "admin": BOSS,
    "dispatcher of two zones": Actor(2, Role.DISPATCHER, zones=ZONES[:2]),
    "technician": Actor(3, Role.TECHNICIAN, team_id=2),
    "technician without a team": Actor(3, Role.TECHNICIAN),
    "requester": Actor(OPENERS[0], Role.REQUESTER),
}
FILTERS: Mapping[str, Mapping[str, Any]] = {
    "nothing": {},
    "zone": {"zone": ["Johor"]},
    "priority": {"priority": ["high", "urgent"]},
    "category": {"category": ["repair"]},
    "team": {"team_id": [1, 3]},
    "zone, category and priority": {
        "zone": ["Johor", "Perak"],
        "category": ["repair"],
        "priority": ["low"],
    },
    "nobody's": {"assigned": False},
}


def subsets() -> Iterator[list[str]]:
    for size in range(1, len(Status) + 1):
        for chosen in combinations(map(str, Status), size):
            yield list(chosen)


def live(loader: Loader, n: int, now: datetime) -> Story:
    """Open a ticket that ends in each way, some today and some late."""
    at = now - timedelta(hours=(n * 17) % 900, minutes=n % 50)
    fields = {
        "title": f"Fault {n}",
        "zone": ZONES[n % 3],
        "category": list(Category)[n % 2 * 2],
        "priority": list(Priority)[n % 4],
        "cause": CAUSES[n % len(CAUSES)],
    }
    story = loader.open(fields, Actor(OPENERS[n % 3], Role.REQUESTER), at)
    if n % 5:
        visit = loader.visit_id()
        story.do(OfferVisit(visit, team_id=1 + n % 3), BOSS, at)
        story.do(MoveVisit(visit, VisitStatus.ACCEPTED), BOSS, at)
    end, spent = ENDS[n % len(ENDS)], timedelta(minutes=n * 37 % 2_000)
    if end in (None, "cancel"):
        steps = [Action.CANCEL] if end else []
    else:
        steps = [Action.START]
        if end == "hold":
            steps.append(Action.HOLD)
        elif end != "start":
            steps.append(Action.COMPLETE)
        if end in ("close", "reopen"):
            steps.append(Action(end))
    for number, action in enumerate(steps):
        reason = "awaiting_parts" if action is Action.HOLD else None
        moment = at + spent * (number + 1) / len(steps)
        if action is Action.CANCEL:
            story.do(Sweep(), BOSS, min(moment, now))  # some are late by then
        story.do(MoveTicket(action, reason=reason), BOSS, min(moment, now))
    return story


@pytest.fixture
def full(database: Database, dispatcher: Caller) -> Database:
    """Return a database with 210 tickets of all kinds, a part of them still deltas."""
    now = utc_now()
    with database.transaction() as connection:
        loader = Loader(connection, KL, Via.SEED)
        for n in range(210):
            live(loader, n, now)
        loader.close()
    while sweep_due(database, Shelf(), KL, utc_now()):
        pass
    fold_all(database)
    for n in range(12):
        ticket = dispatcher.open_ticket(zone=ZONES[n % 3], priority="low")
        if n % 3:
            dispatcher.move(ticket, "start")
            dispatcher.move(ticket, "complete")
        if n % 3 == 2:
            dispatcher.move(ticket, "close")
    for state, action in (("completed", "close"), ("closed", "reopen")):
        for ticket in dispatcher.get(f"/tickets?status={state}&limit=5")["items"]:
            dispatcher.call(
                "POST",
                f"/tickets/{ticket['id']}/transitions",
                json={"action": action, "reason": "not_fixed"},
            )
    find_causes(dispatcher)
    return database


def find_causes(dispatcher: Caller) -> None:
    for cause in CAUSES[1:]:
        dispatcher.open_ticket(cause=cause)
    for n, ticket in enumerate(dispatcher.get("/tickets?limit=9")["items"]):
        dispatcher.patch(f"/tickets/{ticket['id']}", {"cause": CAUSES[n % len(CAUSES)]})


def question(actor: Actor, **wanted: Any) -> Question:
    return Question(TicketFilter(**wanted), actor, utc_now(), KL)


def from_rows(connection: Connection, asked: Question) -> dict[str, Any]:
    found = counts_from_rows(connection, asked) | times_from_rows(connection, asked)
    return found | {"as_of": asked.now}


def all_kinds(database: Database) -> dict[str, int]:
    with database.read_only() as connection:
        by_status: dict[str, int] = from_rows(connection, question(BOSS))["by_status"]
        return by_status


@pytest.mark.parametrize("who", ASKED_BY)
def test_any_statuses_are_what_their_rows_say(full: Database, who: str) -> None:
    assert min(all_kinds(full).values()) >= 5
    with full.read_only() as connection:
        for status in subsets():
            asked = question(ASKED_BY[who], status=status)
            assert summary(connection, asked) == from_rows(connection, asked), status


@pytest.mark.parametrize("name", FILTERS)
def test_any_statuses_within_a_filter_are_what_their_rows_say(
    full: Database, name: str
) -> None:
    with full.read_only() as connection:
        for status in subsets():
            asked = question(BOSS, status=status, **FILTERS[name])
            assert dimensions_of(asked) is not None
            assert summary(connection, asked) == from_rows(connection, asked), status


def test_the_figures_of_a_creator_are_what_their_rows_say(
    full: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats_creators, "FEW", 0)
    requester = ASKED_BY["requester"]
    with full.read_only() as connection:
        for status in (None, *subsets()):
            for asked in (
                question(requester, status=status),
                question(BOSS, status=status, created_by=list(OPENERS[1:])),
                question(requester, status=status, mine=True, created_by=[OPENERS[0]]),
            ):
                answer = stats_creators.summary_of_creators(connection, asked)
                assert answer is not None
                compare_roughly(answer, from_rows(connection, asked))
                assert total(connection, asked) == answer["total"]


def compare_roughly(found: dict[str, Any], rows: dict[str, Any]) -> None:
    """Compare all exactly but quantiles, which may be off by a bin of few tickets."""
    for name in QUANTILES:
        if rows[name] is None:
            assert found[name] is None
    exact = found.keys() - set(QUANTILES)
    assert {n: found[n] for n in exact} == {n: rows[n] for n in exact}


def test_nobody_sees_a_creators_figures_who_may_not_see_their_tickets(
    full: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats_creators, "FEW", 0)
    other = Actor(OPENERS[1], Role.REQUESTER)
    zonal = ASKED_BY["dispatcher of two zones"]
    with full.read_only() as connection:
        asked = question(other, created_by=[OPENERS[0]])
        answer = stats_creators.summary_of_creators(connection, asked)
        assert answer is None or answer["total"] == 0
        assert summary(connection, asked)["total"] == 0
        asked = question(zonal, created_by=[OPENERS[0]])
        assert stats_creators.summary_of_creators(connection, asked) is None
        by_zone = summary(connection, asked)["by_zone"]
        assert set(by_zone) <= set(ZONES[:2])


def test_a_fold_is_never_seen_by_halves(
    full: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats_creators, "FEW", 0)
    monkeypatch.setattr(fold, "BATCH", 1)  # a fold for every delta
    wanted: tuple[tuple[Actor, dict[str, Any]], ...] = (
        (ASKED_BY["requester"], {}),
        (BOSS, {"status": ["closed"]}),
        (BOSS, {"status": ["completed"], "zone": ["Johor"]}),
    )

    def answers() -> list[dict[str, Any]]:
        with full.read_only() as connection:
            found = [summary(connection, question(who, **w)) for who, w in wanted]
        return [answer | {"as_of": None} for answer in found]

    before = answers()
    with ThreadPoolExecutor(1) as folding:
        folded = folding.submit(fold_all_in_turns, full)
        seen = [answers()]
        while not folded.done():
            seen.append(answers())
        assert folded.result() > 5
    assert all(answer == before for answer in seen)


def fold_all_in_turns(database: Database) -> int:
    """Fold delta by delta, each in a transaction; return how many there were."""
    for turn in count():
        with database.transaction() as connection:
            if not fold.fold_deltas(connection):
                return turn
    raise AssertionError


def test_quantiles_of_many_are_within_a_hundredth(
    full: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats_times, "REFINED_ROWS", 0)
    with full.read_only() as connection:
        for status in (["closed"], ["completed", "closed"], list(Status)):
            asked = question(BOSS, status=status)
            found, rows = summary(connection, asked), from_rows(connection, asked)
            low, high = walls_around(connection, asked, 0.9)
            p90 = found["p90_resolution_minutes"]
            assert low * 0.98 <= p90 <= high * 1.02, (status, p90, low, high)
            compare_roughly(found, rows)


def test_quantiles_of_few_around_them_are_exact(
    full: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats_times, "REFINED_ROWS", 20)  # of 60 and more
    with full.read_only() as connection:
        for status in (["closed"], ["completed", "closed"], list(Status)):
            asked = question(BOSS, status=status)
            assert summary(connection, asked) == from_rows(connection, asked)


def walls_around(
    connection: Connection, asked: Question, quantile: float
) -> tuple[float, float]:
    """Return the tickets' own times below and above a quantile, in minutes."""
    walls = connection.exec_driver_sql(
        "SELECT resolution_wall_s / 60.0 FROM tickets.tickets "
        "WHERE resolution_wall_s IS NOT NULL AND status = ANY(%(status)s) ORDER BY 1",
        {"status": list(asked.wanted.status or ())},
    ).scalars()
    ordered = list(map(float, walls))
    rank = int(quantile * (len(ordered) - 1))
    return ordered[rank], ordered[min(rank + 1, len(ordered) - 1)]


@pytest.mark.parametrize("group_by", GROUPED_BY_COUNTERS)
def test_groups_are_what_their_rows_say(full: Database, group_by: str) -> None:
    with full.read_only() as connection:
        for who in ("admin", "dispatcher of two zones", "technician"):
            for wanted in FILTERS.values():
                for status in (None, ["open", "closed"]):
                    asked = question(ASKED_BY[who], status=status, **wanted)
                    cells = dimensions_of(asked)
                    rows = grouped(connection, asked, None, {}, group_by)
                    assert grouped(connection, asked, cells, {}, group_by) == rows


@pytest.mark.parametrize("who", ["admin", "dispatcher of two zones"])
def test_causes_of_zones_need_no_rows(full: Database, who: str) -> None:
    with full.read_only() as connection:
        for zones in (None, ["Johor"], ["Johor", "Perak"], ["Kedah"]):
            asked = question(ASKED_BY[who], zone=zones)
            cells = dimensions_of(asked)
            assert cells is not None
            known = by_cause(connection, cells)
            assert known is not None or zones == ["Kedah"]
            counted = {g["key"]: g["total"] for g in groups_of_rows(connection, asked)}
            assert (known or {}) == counted
            assert len(counted) == (0 if zones == ["Kedah"] else len(CAUSES))


def groups_of_rows(connection: Connection, asked: Question) -> list[dict[str, Any]]:
    return grouped(connection, asked, None, {}, "cause")


def test_a_cause_that_no_ticket_has_any_more_is_no_group(dispatcher: Caller) -> None:
    ticket = dispatcher.open_ticket(zone="Kedah", cause="power")
    dispatcher.patch(f"/tickets/{ticket['id']}", {"cause": None})
    answer = dispatcher.get("/tickets/stats/summary?zone=Kedah&group_by=cause")
    assert answer["groups"] == [{"key": None, "total": 1}]


def test_lost_causes_are_counted_anew(full: Database) -> None:
    fold_all(full)
    asked = question(BOSS)
    cells = dimensions_of(asked)
    assert cells is not None
    with full.transaction() as connection:  # as an older release left it
        connection.exec_driver_sql(
            "DELETE FROM tickets.ticket_counts "
            f"WHERE team_id = {standing.CAUSE} AND category = 'rodent'"
        )
        assert by_cause(connection, cells) is None
        answer = summary(connection, asked, "cause")["groups"]
        assert answer == groups_of_rows(connection, asked)
    assert not is_whole(full)
    assert complete_standing(full)
    assert differences(full) == []
    with full.read_only() as connection:
        assert by_cause(connection, cells) is not None


def test_a_counter_keeps_its_histogram_when_only_its_sums_move(
    database: Database,
) -> None:
    waits = Standing(0, "Johor", "completed", "low", "repair", OPENERS[0], bin=9)
    with database.transaction() as connection:
        fold_counts(connection, {waits: (1, 0, 50, 1, 0)})
        fold_counts(connection, {waits: (0, 0, 1, 0, 0)})
        stored = stored_counts(connection)[waits.cell]
    assert stored == {"tickets": 1, "wall_s": 51, "met": 1, "rw:9": 1}


def test_deltas_need_no_rows(full: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def dear(*_: object) -> None:
        raise AssertionError("rows were read for what the counters hold")

    monkeypatch.setattr(stats_times, "times_from_rows", dear)
    with full.read_only() as connection:
        deltas = "SELECT count(*) FROM tickets.ticket_count_deltas WHERE bin <> -1"
        assert connection.exec_driver_sql(deltas).scalar_one() > 5
        for status in subsets():
            summary(connection, question(BOSS, status=status))


def test_deltas_of_closed_tickets_alone_are_none_that_wait(full: Database) -> None:
    asked = question(BOSS, status=["completed"])
    with full.transaction() as connection:
        before = summary(connection, asked)
        connection.exec_driver_sql(
            "INSERT INTO tickets.ticket_count_deltas (team_id, zone, status, priority, "
            "category, created_by, bin, tickets, breached, wall_s, met) "
            "VALUES (0, 'Johor', 'closed', 'low', 'repair', 1, 900, 1, 0, 5, 1)"
        )
        assert summary(connection, asked) == before


def test_lost_times_are_missed(full: Database) -> None:
    fold_all(full)
    assert is_whole(full)
    with full.transaction() as connection:
        connection.exec_driver_sql("UPDATE tickets.ticket_counts SET bins = NULL")
    assert not is_whole(full)


def as_an_older_release_left_it(database: Database) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM tickets.creator_figures")
        connection.exec_driver_sql(
            "UPDATE tickets.ticket_counts SET wall_s = 0, met = 0, missed = 0, "
            "bins = NULL"
        )


def test_what_an_older_release_did_not_count_is_counted(
    full: Database, dispatcher: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats_creators, "FEW", 0)
    fold_all(full)
    as_an_older_release_left_it(full)
    dispatcher.move(dispatcher.open_ticket(), "start")  # deltas of the new one
    assert not is_whole(full)
    answers_are_those_of_rows(full)
    assert complete_standing(full)
    assert differences(full) == []
    answers_are_those_of_rows(full)
    fold_all(full)
    assert is_whole(full)
    assert not complete_standing(full)
    assert differences(full) == []


def answers_are_those_of_rows(database: Database) -> None:
    with database.read_only() as connection:
        for asked in (
            *(question(BOSS, status=[status]) for status in Status),
            question(ASKED_BY["requester"]),
        ):
            compare_roughly(summary(connection, asked), from_rows(connection, asked))


def test_a_delta_that_does_not_say_who_makes_creators_be_counted_anew(
    full: Database, dispatcher: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats_creators, "FEW", 0)
    fold_all(full)
    dispatcher.open_ticket()
    with full.transaction() as connection:  # as a worker of the older release writes
        connection.exec_driver_sql(
            "UPDATE tickets.ticket_count_deltas SET created_by = DEFAULT"
        )
        connection.exec_driver_sql("DELETE FROM tickets.creator_figures")
    assert not complete_standing(full)  # not while they wait
    fold_all(full)
    assert not is_whole(full)
    answers_are_those_of_rows(full)
    assert complete_standing(full)
    assert differences(full) == []


def test_folding_forgets_creators_when_a_delta_does_not_say_who(
    full: Database, dispatcher: Caller
) -> None:
    fold_all(full)
    assert is_whole(full)
    dispatcher.open_ticket()
    with full.transaction() as connection:
        connection.exec_driver_sql(
            "UPDATE tickets.ticket_count_deltas SET created_by = DEFAULT"
        )
    fold_all(full)
    assert not is_whole(full)
    assert differences(full) == []  # none are kept, so none are wrong
    assert complete_standing(full)
    assert is_whole(full)
