"""Tickets with eventful lives, the same at every run, through the rules of the API."""

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from db.engine import Database
from db.scope import Actor
from db.vocabulary import Category, HoldReason, Priority, Role, Via, Visibility
from db.vocabulary import VisitStatus as V
from service_kit.errors import AppError
from tests.actors import add_team, add_user
from tickets_service.bulk_load import Loader, Story
from tickets_service.commands import (
    Command,
    DeleteTicket,
    EditTicket,
    MoveTicket,
    MoveVisit,
    OfferVisit,
    Sweep,
)
from tickets_service.lifecycle import Action

KL = ZoneInfo("Asia/Kuala_Lumpur")
ZONES = ("Selangor", "Johor", "Perak", "Kedah")
BOSS = Actor(900_001, Role.ADMIN)
OPENER = Actor(900_002, Role.REQUESTER)


class Life:
    """One ticket that lives on by chance; what the rules refuse is not done."""

    def __init__(self, story: Story, loader: Loader, rng: random.Random) -> None:
        self.story, self.loader, self.rng = story, loader, rng

    def do(self, command: Command, at: datetime) -> bool:
        try:
            self.story.do(Sweep(), BOSS, at)
            self.story.do(command, BOSS, at)
        except AppError:
            return False
        return True

    def live(self, at: datetime, until: datetime, teams: dict[int, list[int]]) -> None:
        for _ in range(self.rng.randrange(14)):
            at += timedelta(minutes=self.rng.choice((3, 20, 45, 90, 400, 1500, 6000)))
            if at >= until:
                break
            self.step(at, teams)
        self.do(Sweep(), until)
        visit = self.story.state.live_visit
        if visit and visit.technician_id and visit.status in (V.EN_ROUTE, V.ON_SITE):
            # a person is on one visit at a time
            self.do(MoveVisit(visit.id, V.NOT_DONE, "because"), until)

    def step(self, at: datetime, teams: dict[int, list[int]]) -> None:
        visit = self.story.state.live_visit
        if visit is None and self.rng.random() < 0.5:
            team = self.rng.choice(list(teams))
            people = [*teams[team], None]
            visit_id = self.loader.visit_id()
            self.do(OfferVisit(visit_id, team, self.rng.choice(people)), at)
        elif visit is not None and self.rng.random() < 0.75:
            steps = {
                V.OFFERED: (V.ACCEPTED, V.ACCEPTED, V.DECLINED, V.RELEASED),
                V.ACCEPTED: (V.EN_ROUTE, V.EN_ROUTE, V.ON_SITE, V.RELEASED),
                V.EN_ROUTE: (V.ON_SITE, V.ON_SITE, V.NOT_DONE),
                V.ON_SITE: (V.DONE, V.DONE, V.DONE, V.NOT_DONE),
            }[visit.status]
            self.do(MoveVisit(visit.id, self.rng.choice(steps), "because"), at)
        else:
            self.other(at)

    def other(self, at: datetime) -> None:
        action = self.rng.choice((*Action, Action.REOPEN, Action.RESUME, None, None))
        if action is not None:
            reason = str(self.rng.choice(list(HoldReason)))
            evidence = {"note": "seen", "resolution_code": "fixed"}
            given = reason if action is Action.HOLD else "because"
            self.do(MoveTicket(action, given, "said", evidence=evidence), at)
        elif self.rng.random() < 0.5:
            self.story.comment(BOSS, "On our way", Visibility.PUBLIC, at)
        else:
            changed = {
                "priority": str(self.rng.choice(list(Priority))),
                "category": str(self.rng.choice(list(Category))),
            }
            name = self.rng.choice(list(changed))
            self.do(EditTicket({name: changed[name]}), at)


def add_crews(owner: Database) -> dict[int, list[int]]:
    """Add two teams a zone with two technicians each; return {team: technicians}."""
    crews: dict[int, list[int]] = {}
    for zone in ZONES:
        for n in range(2):
            team_id = add_team(owner, zone, f"{zone} {n + 1}")
            with owner.transaction() as connection:
                crews[team_id] = [
                    add_user(
                        connection,
                        "technician",
                        team_id,
                        username=f"tech-{zone}-{n}-{person}",
                        full_name=f"Person {zone} {n} {person}",
                    )
                    for person in range(2)
                ]
    return crews


def add_histories(
    owner: Database,
    teams: dict[int, list[int]],
    count: int,
    until: datetime,
    *,
    days: int = 70,
    seed: int = 7,
    zone: ZoneInfo = KL,
) -> None:
    """Load tickets opened over the `days` before `until`, as they stood then."""
    rng = random.Random(seed)
    with owner.transaction() as connection:
        loader = Loader(connection, zone, Via.SEED)
        for _ in range(count):
            at = until - timedelta(minutes=rng.randrange(1, days * 1440))
            fields = {
                "title": "A fault",
                "zone": rng.choice(ZONES),
                "category": str(rng.choice(list(Category))),
                "priority": str(rng.choice(list(Priority))),
                "estimated_minutes": rng.choice((None, 30, 60, 120)),
            }
            story = loader.open(fields, OPENER, at)
            life = Life(story, loader, rng)
            if rng.random() < 0.03:
                life.do(DeleteTicket(), at + timedelta(minutes=1))
            else:
                life.live(at, until, teams)
        loader.close()
