"""The life of one ticket: what people do about a need, step by step, in time.

A story is a generator. It pauses whenever it wants to look at the world (book a
team, see whether the outage is over) and goes on when all others have come to its
`at`, so that all share the teams' diaries in the order of time. It writes steps:
an instant, who, and the command. Refuses to decide whether a command is allowed:
the tickets service's rules do, in scripts/seeding/replay.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from db.vocabulary import Category, Cause, HoldReason, Priority, VisitStatus
from scripts.seeding import wording
from scripts.seeding.crews import Crews, Job, Visit
from scripts.seeding.demand import (
    DAY_S,
    HOUR_S,
    MONSOON,
    Need,
    local_midnight_of,
    local_seconds,
)
from scripts.seeding.names import pick
from scripts.seeding.staff import Staff
from tickets_service import commands as ask
from tickets_service.lifecycle import Action

T = TypeVar("T")

MINUTE_S = 60
DESK_OPENS_S, DESK_CLOSES_S = 8 * HOUR_S, 18 * HOUR_S
MOST_VISITS = 5

ESTIMATES: Mapping[Category | Cause, int] = {  # minutes on site
    Category.FIBER_INSTALLATION: 150,
    Category.MAINTENANCE: 120,
    Category.INSPECTION: 60,
    Category.EMERGENCY: 210,
    Cause.DROP_FIBRE: 90,
    Cause.CUSTOMER_CPE: 45,
    Cause.LONG_SPAN: 180,
    Cause.RODENT: 120,
    Cause.FDP_BREAKDOWN: 120,
    Cause.POWER: 75,
    Cause.OTHER: 60,
}
SKILLS: Mapping[Category | Cause, str] = {
    Category.FIBER_INSTALLATION: "ftth_install",
    Category.MAINTENANCE: "ftth_repair",
    Category.INSPECTION: "ftth_repair",
    Category.REPAIR: "ftth_repair",
    Cause.LONG_SPAN: "splice",
    Cause.POWER: "power",
    Cause.FDP_BREAKDOWN: "otdr",
    Cause.OTHER: "ftth_repair",
}
FAILURES: Mapping[Category, float] = {  # chance that a visit ends not done
    Category.REPAIR: 0.12,
    Category.FIBER_INSTALLATION: 0.17,
    Category.MAINTENANCE: 0.09,
    Category.INSPECTION: 0.05,
    Category.EMERGENCY: 0.05,
}
# Why not done, by category; and how many days the hold then lasts on average.
FAILED_AT_HOME = (0.45, 0.20, 0.08, 0.10, 0.07, 0.06, 0.04)
FAILED_OUTSIDE = (0.03, 0.30, 0.25, 0.20, 0.14, 0.02, 0.06)
HOLD_DAYS: Mapping[HoldReason, float] = {
    HoldReason.CUSTOMER_ABSENT: 2.5,
    HoldReason.AWAITING_PARTS: 9.0,
    HoldReason.PERMIT_ACCESS: 12.0,
    HoldReason.WEATHER_SAFETY: 1.5,
    HoldReason.THIRD_PARTY: 16.0,
    HoldReason.CUSTOMER_INFO: 2.0,
    HoldReason.OTHER: 1.0,
}
# Chance that work waits for something before anyone is sent, and for what.
WAITS_FIRST: Mapping[Category, float] = {
    Category.FIBER_INSTALLATION: 0.22,
    Category.MAINTENANCE: 0.40,
    Category.INSPECTION: 0.20,
}
WAITS_FOR = (
    HoldReason.PERMIT_ACCESS,
    HoldReason.AWAITING_PARTS,
    HoldReason.THIRD_PARTY,
)
# Days until the appointment on average: of a new line, of other work that can wait.
NEW_LINE_DAYS, LOW_PRIORITY_DAYS = 3.2, 2.4
DECLINES = ("no_capacity", "missing_skill", "vehicle_broken_down")
CANCELLED, DECLINED = 0.045, 0.05
REOPENED, REPRIORITISED, CHASED, ANSWERED = 0.035, 0.03, 0.12, 0.30
ACCOUNT_SHARE, FIELD_SHARE = 0.30, 0.35  # opened by a customer; by a technician
OUTAGE_DUPLICATES, OUTAGE_REMOTE = 0.30, 0.55  # the rest need a visit of their own


@dataclass(frozen=True, slots=True)
class Step:
    """One command. at: seconds since 1970; actor: a position in staff.people.

    Ids of visits and comments in the command count within the ticket, from 1.
    """

    at: int
    actor: int
    command: ask.Command


@dataclass(slots=True)
class World:
    """What stories share.

    ticket_ids: by position of the need. outage_heads: outage to the ticket of the
    emergency and its instant. restored_at: outage to the instant of its end.
    """

    staff: Staff
    crews: Crews
    ticket_ids: list[int]
    outage_heads: dict[int, tuple[int, int]] = field(default_factory=dict)
    restored_at: dict[int, int] = field(default_factory=dict)  # outage to instant


class Story:
    """One ticket's steps, in order of time."""

    def __init__(
        self, position: int, need: Need, world: World, rng: np.random.Generator
    ) -> None:
        self.position = position
        self.need = need
        self.world = world
        self.rng = rng
        self.steps: list[Step] = []
        self.at = self.completed_at = need.at
        self.visits = 0
        self.comments = 0
        self.declined: tuple[int, ...] = ()
        self.desk = self.someone(world.staff.dispatchers[need.region.zone])
        self.author = self.desk
        self.priority = need.priority

    def tell(self) -> Iterator[None]:
        """Write steps; pause to let the world come to `at`."""
        self.open()
        if self.need.outage is not None and not self.need.is_head:
            yield from self.wait_for_restoration(self.need.outage)
            return
        self.perhaps_answer()
        self.at = self.dispatched_at()
        yield
        if self.rng.random() < CANCELLED and not self.need.is_head:
            self.cancel("customer_withdrew")
            return
        if self.rng.random() < WAITS_FIRST.get(self.need.category, 0.0):
            self.put_on_hold(self.desk, self.one_of(WAITS_FOR))
            yield
            self.end_hold()
        yield from self.work()
        self.complete_life()
        if self.rng.random() < REOPENED:
            yield from self.come_back()

    # Opening

    def open(self) -> None:
        need = self.need
        self.author = self.opened_by()
        fields: dict[str, Any] = {
            "title": wording.title_of(need, self.rng),
            "description": wording.description_of(need, self.rng),
            "category": need.category.value,
            "priority": need.priority.value,
            "zone": need.region.zone,
            "location": need.address.text,
            "lat": need.address.lat,
            "lon": need.address.lon,
            "estimated_minutes": self.estimate(),
            "tags": self.tags(),
        }
        if need.category in (Category.REPAIR, Category.FIBER_INSTALLATION):
            fields |= self.customer_fields()
        if need.cause and (need.is_head or self.rng.random() < 0.25):
            fields["cause"] = need.cause.value
        ticket_id = self.world.ticket_ids[self.position]
        self.step(self.author, ask.OpenTicket(ticket_id, fields))

    def opened_by(self) -> int:
        """Return who opens it: a customer, a technician on the road, or the desk."""
        zone, chance = self.need.region.zone, self.rng.random()
        if self.need.category in (Category.REPAIR, Category.FIBER_INSTALLATION):
            if chance < ACCOUNT_SHARE:
                return self.someone(self.world.staff.requesters[zone])
        elif chance < FIELD_SHARE:
            team = self.someone([t.position for t in self.world.crews.by_zone[zone]])
            return self.someone(self.world.staff.teams[team].members)
        return self.desk

    def customer_fields(self) -> dict[str, str]:
        account = self.world.staff.people[self.author]
        if self.author != self.desk and account.phone:
            return {
                "customer_name": account.full_name,
                "customer_phone": account.phone,
                "customer_email": account.email,
            }
        person = self.need.customer
        return {
            "customer_name": person.name,
            "customer_phone": person.phone,
            "customer_email": person.email,
        }

    def estimate(self) -> int:
        """Return the desk's estimate: it does not know the cause, so it is rough."""
        usual = ESTIMATES.get(self.need.category, 90)
        return max(30, 15 * round(usual * float(self.rng.uniform(0.8, 1.25)) / 15))

    def tags(self) -> list[str]:
        tags = ["outage"] if self.need.is_head else []
        if self.need.is_repeat:
            tags.append("repeat_fault")
        if self.rng.random() < 0.04:
            tags.append("business_customer")
        return tags

    # The desk

    def perhaps_answer(self) -> None:
        if self.author != self.desk and self.rng.random() < ANSWERED:
            self.at = self.in_desk_hours(self.at + self.minutes(25))
            self.comment(self.desk, pick(wording.FIRST_ANSWERS, self.rng), "public")

    def dispatched_at(self) -> int:
        """Return when the desk comes to it: at once if urgent, else in its hours."""
        if self.priority is Priority.URGENT:
            return self.at + self.minutes(9, least=3)
        if self.priority is Priority.HIGH:
            return self.in_desk_hours(self.at + self.minutes(25, least=5), early=True)
        mean = 60 if self.priority is Priority.MEDIUM else 240
        return self.in_desk_hours(self.at + self.minutes(mean, least=8))

    def in_desk_hours(self, at: int, *, early: bool = False) -> int:
        opens, closes = DESK_OPENS_S, DESK_CLOSES_S
        if early:
            opens, closes = 7 * HOUR_S, 22 * HOUR_S
        second = local_seconds(at)
        if second < opens:
            return local_midnight_of(at) + opens + self.minutes(40)
        if second > closes:
            return local_midnight_of(at) + DAY_S + opens + self.minutes(40)
        return at

    def perhaps_reprioritise(self) -> None:
        higher = {Priority.LOW: Priority.MEDIUM, Priority.MEDIUM: Priority.HIGH}
        to = higher.get(self.priority)
        if to is not None and self.rng.random() < REPRIORITISED:
            self.priority = to
            edit = ask.EditTicket({"priority": to.value}, "customer_escalation")
            self.step(self.desk, edit)

    def cancel(self, reason: str) -> None:
        self.at += self.minutes(30, least=2)
        self.step(self.desk, ask.MoveTicket(Action.CANCEL, reason))

    # Visits

    def work(self) -> Iterator[None]:
        """Send teams until it is done."""
        while True:
            self.perhaps_reprioritise()
            visit = self.offer()
            if visit is None:
                yield
                continue
            reason = self.visit_site(visit)
            if reason is None:
                return
            self.put_on_hold(visit.technician, reason)
            yield
            self.end_hold()

    def offer(self) -> Visit | None:
        """Offer the work to the team that can be there first; None if it declines."""
        place, minutes = self.need.address, self.time_on_site()
        is_urgent = self.priority is Priority.URGENT
        answered_at = self.at + self.minutes(6 if is_urgent else 20, least=2)
        job = Job(
            self.need.region.zone,
            self.skill(),
            place.lat,
            place.lon,
            max(answered_at + 3 * MINUTE_S, self.appointment()),
            minutes * MINUTE_S,
            is_urgent,
            self.declined,
        )
        if self.rng.random() < DECLINED and not self.declined:
            self.decline(job, answered_at)
            return None
        visit = self.world.crews.book(job)
        self.make_offer(visit.team.position, visit.technician)
        self.at = answered_at
        self.move_visit(visit.technician, VisitStatus.ACCEPTED)
        return visit

    def make_offer(self, team: int, technician: int) -> None:
        self.visits += 1
        self.step(self.desk, ask.OfferVisit(self.visits, team, technician))

    def decline(self, job: Job, answered_at: int) -> None:
        team = next(t for t, _ in self.world.crews.candidates(job))
        technician = team.members[0]
        self.make_offer(team.position, technician)
        self.at = answered_at
        self.move_visit(
            technician, VisitStatus.DECLINED, reason=pick(DECLINES, self.rng)
        )
        self.declined = (*self.declined, team.position)
        self.at += self.minutes(20, least=3)

    def appointment(self) -> int:
        """Return the earliest instant that suits: new lines wait for their day."""
        if self.need.category is Category.FIBER_INSTALLATION and self.visits == 0:
            return self.at + int(self.rng.exponential(NEW_LINE_DAYS) * DAY_S)
        if self.priority is Priority.LOW:
            return self.at + int(self.rng.exponential(LOW_PRIORITY_DAYS) * DAY_S)
        return self.at

    def skill(self) -> str:
        need = self.need
        if need.category is Category.EMERGENCY and need.cause:
            return SKILLS.get(need.cause, "ftth_repair")
        return SKILLS.get(need.category, "ftth_repair")

    def time_on_site(self) -> int:
        """Return the minutes that the work really takes."""
        need = self.need
        usual = ESTIMATES.get(need.category) or ESTIMATES[need.cause or Cause.OTHER]
        return max(15, int(usual * float(self.rng.lognormal(-0.05, 0.35))))

    def visit_site(self, visit: Visit) -> HoldReason | None:
        """Go there and work; return why it is not done, None if it is."""
        self.perhaps_chase(visit.departs_at)
        self.at = max(self.at + MINUTE_S, visit.departs_at)
        self.move_visit(visit.technician, VisitStatus.EN_ROUTE)
        self.at = max(self.at + MINUTE_S, visit.arrives_at)
        self.move_visit(visit.technician, VisitStatus.ON_SITE)
        reason = self.failure(visit)
        if reason is None:
            self.do_the_work(visit)
            return None
        left_at = self.at + max(5, int((visit.ends_at - self.at) * 0.3 / 60)) * MINUTE_S
        self.at = min(left_at, max(visit.ends_at, self.at + 5 * MINUTE_S))
        self.move_visit(visit.technician, VisitStatus.NOT_DONE, reason=reason.value)
        return reason

    def failure(self, visit: Visit) -> HoldReason | None:
        need = self.need
        if self.visits >= MOST_VISITS:
            return None
        month = np.datetime64(visit.arrives_at, "s").astype("datetime64[M]")
        wet = MONSOON[need.region.monsoon].get(int(month.astype(int)) % 12 + 1, 1.0)
        chance = FAILURES[need.category] + 0.03 * (3 - visit.level) + 0.08 * (wet - 1)
        chance += 0.05 if need.cause in (Cause.LONG_SPAN, Cause.RODENT) else 0.0
        if self.rng.random() >= chance:
            return None
        outside = need.category in (Category.MAINTENANCE, Category.EMERGENCY)
        shares = FAILED_OUTSIDE if outside else FAILED_AT_HOME
        return HoldReason(pick([r.value for r in HoldReason], self.rng, shares))

    def do_the_work(self, visit: Visit) -> None:
        self.at = max(self.at + 5 * MINUTE_S, visit.ends_at)
        note = wording.field_note(self.need, self.rng)
        if self.need.cause and self.need.cause is not Cause.OTHER:
            edit = ask.EditTicket({"cause": self.need.cause.value})
            self.step(visit.technician, edit, at=self.at - MINUTE_S)
        evidence: dict[str, Any] = {"note": note}
        if self.need.category is not Category.INSPECTION:
            level = float(self.rng.normal(-20.5, 1.6))
            evidence["optical_power_dbm"] = round(min(level, -14.0), 1)
        self.move_visit(visit.technician, VisitStatus.DONE, evidence=evidence)
        if self.rng.random() < 0.5:
            self.comment(visit.technician, note, "internal")

    def put_on_hold(self, actor: int, reason: HoldReason) -> None:
        """Hold the ticket, and wait until the hold ends."""
        self.at += self.minutes(6, least=1)
        note = f"Waiting: {reason.value.replace('_', ' ')}."
        self.step(actor, ask.MoveTicket(Action.HOLD, reason.value, note))
        days = float(self.rng.gamma(1.6, HOLD_DAYS[reason] / 1.6))
        self.at = self.in_desk_hours(self.at + max(HOUR_S, int(days * DAY_S)))

    def end_hold(self) -> None:
        self.step(self.desk, ask.MoveTicket(Action.RESUME))
        self.at += self.minutes(15, least=2)

    def perhaps_chase(self, before: int) -> None:
        """Let a customer ask where the technician is, in a wait of a day or more."""
        is_long = before - self.at >= DAY_S
        if not (self.is_customer() and is_long and self.rng.random() < CHASED):
            return
        asked_at = self.at + int((before - self.at) * 0.6)
        self.comment(self.author, pick(wording.CHASERS, self.rng), "public", asked_at)

    # The end, and after

    def complete_life(self) -> None:
        """Note the restoration, and let the customer confirm now and then.

        Whoever does not confirm has the ticket closed by the service itself.
        """
        if self.need.is_head and self.need.outage is not None:
            self.world.restored_at[self.need.outage] = self.at
        self.completed_at = self.at
        if self.rng.random() < 0.45:
            confirms = self.author if self.is_customer() else self.desk
            at = self.in_desk_hours(self.at + self.minutes(22 * 60, least=30))
            if at < self.at + 4 * DAY_S:
                self.at = at
                self.step(confirms, ask.MoveTicket(Action.CLOSE))

    def is_customer(self) -> bool:
        return self.author in self.world.staff.requesters[self.need.region.zone]

    def come_back(self) -> Iterator[None]:
        """Reopen within the window and send a team again."""
        wait = int(self.rng.exponential(2.5) * DAY_S) + 2 * HOUR_S
        self.at = max(self.at, self.completed_at + min(wait, 12 * DAY_S))
        asks = self.author if self.is_customer() else self.desk
        self.step(asks, ask.MoveTicket(Action.REOPEN, "fault_returned"))
        yield from self.work_later()

    def work_later(self) -> Iterator[None]:
        self.at = self.in_desk_hours(self.at + self.minutes(40, least=5))
        yield
        yield from self.work()
        self.complete_life()

    def wait_for_restoration(self, outage: int) -> Iterator[None]:
        """Live as one of many tickets of an outage."""
        head_id, head_at = self.world.outage_heads[outage]
        self.at = max(self.at, head_at) + self.minutes(25, least=4)
        self.step(self.desk, ask.EditTicket({"parent_id": head_id}, "part_of_outage"))
        text = wording.OUTAGE_ANSWER.format(place=self.need.exchange.name)
        self.comment(self.desk, text, "public")
        while outage not in self.world.restored_at:
            self.at += HOUR_S
            yield
        self.at = max(self.at, self.world.restored_at[outage])
        chance = self.rng.random()
        if chance < OUTAGE_DUPLICATES:
            edit = ask.EditTicket({"duplicate_of_id": head_id}, "part_of_outage")
            self.step(self.desk, edit)
            self.cancel("duplicate")
        elif chance < OUTAGE_DUPLICATES + OUTAGE_REMOTE:
            self.complete_remotely()
        else:
            yield from self.work_later()

    def complete_remotely(self) -> None:
        """Complete without a visit: the line came back with the trunk."""
        self.at += self.minutes(50, least=5)
        self.step(self.desk, ask.MoveTicket(Action.START))
        self.at += self.minutes(20, least=2)
        self.step(self.desk, ask.MoveTicket(Action.COMPLETE, "restored_with_outage"))
        self.complete_life()

    # Writing steps

    def step(self, actor: int, command: ask.Command, *, at: int | None = None) -> None:
        self.steps.append(Step(at or self.at, actor, command))

    def move_visit(
        self,
        actor: int,
        status: VisitStatus,
        reason: str | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        move = ask.MoveVisit(self.visits, status, reason, evidence=evidence or {})
        self.step(actor, move)

    def comment(
        self, actor: int, body: str, visibility: str, at: int | None = None
    ) -> None:
        self.comments += 1
        self.step(actor, ask.AddComment(self.comments, body, visibility), at=at)

    def someone(self, positions: Sequence[int]) -> int:
        return self.one_of(positions)

    def one_of(self, choices: Sequence[T]) -> T:
        return choices[int(self.rng.random() * len(choices))]

    def minutes(self, mean: float, least: float = 0) -> int:
        """Return seconds: a random wait of `mean` minutes and at least `least`."""
        return int((least + self.rng.exponential(mean)) * MINUTE_S)
