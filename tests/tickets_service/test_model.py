"""Random legal and illegal moves by several roles over HTTP against a plain oracle.

The oracle knows only the two tables of moves and who may make them; after every
step the ticket answered must be the oracle's, and at the end the events alone must
rebuild every row.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from db.engine import Database
from tests.conftest import empty
from tests.tickets_service.conftest import As, Caller
from tickets_service import rebuild_sla

ACTIONS = ("start", "hold", "resume", "complete", "close", "reopen", "cancel")
WHO = st.sampled_from(("dispatcher", "technician", "requester", "viewer", "stranger"))
VISIT_STATUSES = (
    *("accepted", "declined", "en_route", "on_site", "done", "not_done", "released"),
)
LEGAL = {
    "start": {"open": "in_progress"},
    "hold": {"open": "on_hold", "in_progress": "on_hold"},
    "resume": {"on_hold": "?"},
    "complete": {"in_progress": "completed", "on_hold": "completed"},
    "close": {"completed": "closed"},
    "reopen": {"completed": "in_progress", "closed": "in_progress"},
    "cancel": dict.fromkeys(("open", "in_progress", "on_hold"), "cancelled"),
}
BY = {
    "dispatcher": set(ACTIONS),
    "technician": {"start", "hold", "resume", "complete"},
    "requester": {"close", "reopen", "cancel"},
    "viewer": set[str](),
}
VISIT_LEGAL = {
    "accepted": {"offered"},
    "declined": {"offered"},
    "en_route": {"accepted"},
    "on_site": {"accepted", "en_route"},
    "done": {"on_site"},
    "not_done": {"on_site", "en_route"},
    "released": {"offered", "accepted", "en_route"},
}
LIVE = {"offered", "accepted", "en_route", "on_site"}


class Oracle:
    """What one ticket should be, in the plainest words."""

    def __init__(self) -> None:
        self.status = "open"
        self.started = False
        self.team = False  # whether the ticket is our team's
        self.visits: dict[int, str] = {}
        self.accepted = False
        self.reopened = 0

    @property
    def live(self) -> int | None:
        return next((n for n, s in self.visits.items() if s in LIVE), None)

    def seen_by(self, who: str) -> bool:
        if who == "stranger":
            return False
        return self.team if who == "technician" else True

    def move(self, who: str, action: str) -> int:
        """Make a move; return the status code that the API must answer."""
        refused = self.refusal(who, action)
        if refused is None and action == "cancel":
            return self.cancel(who)
        if refused is None:
            self.follow(action)
        return refused or 200

    def refusal(self, who: str, action: str) -> int | None:
        if who == "viewer":
            return 403
        if not self.seen_by(who):
            return 404
        if action not in BY[who]:
            return 403
        return None if self.status in LEGAL[action] else 409

    def cancel(self, who: str) -> int:
        if self.live and self.visits[self.live] == "on_site":
            return 409
        if who == "requester" and (self.accepted or self.status != "open"):
            return 403
        self.end_live("released")
        self.status = "cancelled"
        return 200

    def follow(self, action: str) -> None:
        if action == "complete":
            on_site = self.live and self.visits[self.live] == "on_site"
            ended = "done" if on_site else "released"
            if self.live:
                self.visits[self.live] = ended
        to = LEGAL[action][self.status]
        if action == "resume":
            to = "in_progress" if self.started else "open"
        self.started = self.started or to in ("in_progress", "completed")
        self.reopened += action == "reopen"
        self.status = to

    def end_live(self, status: str) -> None:
        if self.live:
            self.visits[self.live] = status
            self.team = False

    def offer(self, who: str) -> int:
        if who != "dispatcher":
            return 403
        if self.status not in ("open", "in_progress", "on_hold"):
            return 409
        if self.live and self.visits[self.live] == "on_site":
            return 409
        self.end_live("released")
        return 201

    def visit(self, who: str, number: int, to: str) -> int:
        if who in ("viewer", "requester", "stranger"):
            return 403  # a role that works no visits, whatever it may see
        if not self.seen_by(who):
            return 404
        if who == "technician" and to == "released":
            return 403
        if self.visits[number] not in VISIT_LEGAL[to]:
            return 409
        self.visits[number] = to
        self.follow_visit(to)
        return 200

    def follow_visit(self, to: str) -> None:
        self.accepted = self.accepted or to == "accepted"
        if to in ("declined", "released"):
            self.team = False
        if to == "on_site" and self.status in ("open", "on_hold"):
            self.status, self.started = "in_progress", True
        if to == "done" and self.status in ("in_progress", "on_hold"):
            self.status = "completed"


Callers = dict[str, Caller]


def machine(  # noqa: C901 - a class whose methods share what the test made
    database: Database, callers: Callers, team_id: int
) -> type[Any]:
    """Return a state machine that acts through these callers."""

    class Life(RuleBasedStateMachine):
        @initialize()
        def open_ticket(self) -> None:
            self.oracle = Oracle()
            self.ticket = callers["requester"].open_ticket()
            self.path = f"/tickets/{self.ticket['id']}"

        def check(self, answer: Any, expected: int) -> None:
            assert answer.status_code == expected, answer.text
            seen = callers["dispatcher"].get(self.path)
            assert seen["status"] == self.oracle.status
            assert seen["reopen_count"] == self.oracle.reopened
            visits = callers["dispatcher"].get(f"{self.path}/assignments")["items"]
            assert {v["id"]: v["status"] for v in visits} == self.oracle.visits

        @rule(who=WHO, action=st.sampled_from(ACTIONS))
        def move(self, who: str, action: str) -> None:
            body = {"action": action}
            if action == "hold":
                body["reason"] = "customer_absent"
            path = f"{self.path}/transitions"
            answer = callers[who].call("POST", path, json=body)
            self.check(answer, self.oracle.move(who, action))

        @rule(who=WHO)
        def offer(self, who: str) -> None:
            path = f"{self.path}/assignments"
            answer = callers[who].call("POST", path, json={"team_id": team_id})
            expected = self.oracle.offer(who)
            if answer.status_code == expected == 201 and answer.json:
                self.oracle.visits[answer.json["id"]] = "offered"
                self.oracle.team = True
            self.check(answer, expected)

        @rule(who=WHO, to=st.sampled_from(VISIT_STATUSES), back=st.integers(0, 2))
        def move_visit(self, who: str, to: str, back: int) -> None:
            if not self.oracle.visits:
                return
            number = sorted(self.oracle.visits)[-1 - back % len(self.oracle.visits)]
            body = {"status": to, "reason": "why"}
            answer = callers[who].call("PATCH", f"/assignments/{number}", json=body)
            self.check(answer, self.oracle.visit(who, number, to))

        @rule(who=WHO)
        def ask_for_moves(self, who: str) -> None:
            """The moves said to be open are the moves that are."""
            answer = callers[who].call("GET", f"{self.path}/transitions")
            seen = self.oracle.seen_by(who)
            assert answer.status_code == (200 if seen else 404)
            if seen and answer.json:
                assert set(answer.json["allowed"]) <= BY[who] & set(open_moves(self))

        def teardown(self) -> None:
            with database.transaction() as connection:
                assert rebuild_sla.rebuild(connection) == []
                connection.exec_driver_sql(
                    "UPDATE tickets.assignments SET status = 'released' "
                    "WHERE status IN ('en_route', 'on_site')"
                )  # frees the one technician for the next life
                connection.exec_driver_sql("TRUNCATE tickets.tickets CASCADE")

    def open_moves(life: Any) -> list[str]:
        return [a for a, way in LEGAL.items() if life.oracle.status in way]

    return Life


@pytest.fixture
def callers(as_role: As, team_id: int) -> Callers:
    return {
        "dispatcher": as_role("dispatcher"),
        "technician": as_role("technician", team_id),
        "requester": as_role("requester"),
        "viewer": as_role("viewer"),
        "stranger": as_role("requester"),
    }


Run = Callable[[], None]


def test_random_lives_agree_with_the_oracle(
    database: Database, callers: Callers, team_id: int
) -> None:
    run_state_machine_as_test(
        machine(database, callers, team_id),
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    empty(database)
