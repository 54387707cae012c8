"""No endpoint of any service shows a row that its caller may not see.

One world of tickets; what each actor may see is asked of `db.scope` alone; then every
endpoint that shows rows is asked as each of them. A row that is shown too much, or
missing, fails here whichever service shows it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from db.engine import Database
from db.scope import Actor, may_see_ticket
from db.vocabulary import Role
from tests.actors import Person, add_person, add_team

PHONE, CUSTOMER = "+60 12-345 6789", "Zulaikha Quraisyi"
ZONES = ("Selangor", "Johor")
ACTORS = (
    "admin",
    "viewer",
    "manager of all zones",
    "dispatcher of Johor",
    "dispatcher of no zone",
    "technician of team 1",
    "technician of team 2",
    "technician without team",
    "requester",
    "another requester",
)
NO_TICKETS = ("dispatcher of no zone", "technician without team")


@dataclass(frozen=True, slots=True)
class World:
    """The services, the people, and every ticket as (id, zone, team, opener)."""

    clients: dict[str, FlaskClient]
    people: dict[str, Person]
    actors: dict[str, Actor]
    tickets: list[tuple[int, str, int | None, int]]

    def visible(self, who: str) -> set[int]:
        return {
            number
            for number, zone, team_id, opener in self.tickets
            if may_see_ticket(
                self.actors[who], team_id=team_id, zone=zone, created_by=opener
            )
        }

    def ask(self, who: str, service: str, path: str, body: Any = None) -> TestResponse:
        client = self.clients[service]
        headers = self.people[who].headers
        if body is None:
            return client.get(path, headers=headers, buffered=True)
        return client.post(path, json=body, headers=headers, buffered=True)


@pytest.fixture(scope="module")
def world(module_database: Database, apps: dict[str, Flask]) -> World:
    teams = [add_team(module_database, zone) for zone in ZONES]
    people, actors = add_people(module_database, teams)
    for app in apps.values():
        app.extensions["token_reader"].forget()
    clients = {name: app.test_client() for name, app in apps.items()}
    open_tickets(clients["tickets"], people, teams)
    with module_database.read_only() as connection:
        query = text("SELECT id, zone, team_id, created_by FROM tickets.tickets")
        tickets = [
            (row.id, row.zone, row.team_id, row.created_by)
            for row in connection.execute(query)
        ]
    return World(clients, people, actors, tickets)


def add_people(
    owner: Database, teams: list[int]
) -> tuple[dict[str, Person], dict[str, Actor]]:
    places: dict[str, tuple[int | None, list[str] | None]] = {
        "dispatcher of Johor": (None, ["Johor"]),
        "dispatcher of no zone": (None, []),
        "technician of team 1": (teams[0], None),
        "technician of team 2": (teams[1], None),
    }
    people, actors = {}, {}
    for who in ACTORS:
        role = re.findall("|".join(Role), who)[0]
        team_id, zones = places.get(who, (None, None))
        person = add_person(owner, role, team_id, zones)
        people[who] = person
        actors[who] = Actor(
            user_id=person.user_id,
            role=Role(role),
            team_id=team_id,
            zones=None if zones is None else tuple(zones),
        )
    return people, actors


def open_tickets(
    client: FlaskClient, people: dict[str, Person], teams: list[int]
) -> None:
    """Open six tickets by different people in two zones; give two to each team."""
    openers = ("admin", "requester", "dispatcher of Johor")
    for opener in openers:
        for zone, team_id in zip(ZONES, teams, strict=True):
            body = {
                "title": "No light on the ONT",
                "description": "quokka",
                "category": "repair",
                "zone": zone,
                "customer": {"name": CUSTOMER, "phone": PHONE},
            }
            if opener.startswith("dispatcher") and zone != "Johor":
                continue
            made = client.post(
                "/api/tickets", json=body, headers=people[opener].headers
            )
            assert made.status_code == 201, made.text
            assert made.json is not None
            if opener == "requester":
                continue  # nobody's yet
            path = f"/api/tickets/{made.json['id']}/assignments"
            admin = people["admin"].headers
            given = client.post(path, json={"team_id": team_id}, headers=admin)
            assert given.status_code == 201, given.text


def ticket_ids(value: Any, *, ids_are_tickets: bool = False) -> Iterator[int]:
    """Yield every ticket id in an answer: `ticket_id`s, and ids of tickets."""
    if isinstance(value, list):
        for item in value:
            yield from ticket_ids(item, ids_are_tickets=ids_are_tickets)
    if isinstance(value, dict):
        if isinstance(value.get("ticket_id"), int):
            yield value["ticket_id"]
        if isinstance(value.get("id"), int) and (ids_are_tickets or "number" in value):
            yield value["id"]
        for inner in value.values():
            yield from ticket_ids(inner)


def items(answer: TestResponse) -> set[int]:
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return set(ticket_ids(answer.json["items"], ids_are_tickets=True))


@pytest.mark.parametrize("who", ACTORS)
@pytest.mark.parametrize(
    "query", ["", "?q=quokka", "?zone=Selangor,Johor", "?status=open&sort=-updated_at"]
)
def test_lists_and_searches_show_what_is_visible(
    world: World, who: str, query: str
) -> None:
    assert items(world.ask(who, "tickets", f"/api/tickets{query}")) == world.visible(
        who
    )


@pytest.mark.parametrize("who", ACTORS)
@pytest.mark.parametrize(
    "part", ["", "/history", "/comments", "/assignments", "/transitions", "/sla"]
)
def test_a_ticket_that_is_not_visible_is_not_there(
    world: World, who: str, part: str
) -> None:
    visible = world.visible(who)
    for number, *_ in world.tickets:
        answer = world.ask(who, "tickets", f"/api/tickets/{number}{part}")
        assert answer.status_code == (200 if number in visible else 404), number


@pytest.mark.parametrize("who", ACTORS)
def test_statistics_count_what_is_visible(world: World, who: str) -> None:
    answer = world.ask(who, "tickets", "/api/tickets/stats/summary")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["total"] == len(world.visible(who))
    zones = {zone for n, zone, *_ in world.tickets if n in world.visible(who)}
    shown = {zone for zone, count in answer.json["by_zone"].items() if count}
    assert shown == zones


@pytest.mark.parametrize("who", ACTORS)
def test_an_export_holds_what_is_visible(world: World, who: str) -> None:
    answer = world.ask(who, "tickets", "/api/tickets/export?format=jsonl")
    if answer.status_code == 403:
        assert who.endswith("requester")
        return
    lines = [orjson.loads(line) for line in answer.data.splitlines()]
    assert {line["id"] for line in lines} == world.visible(who)


@pytest.mark.parametrize("who", ACTORS)
def test_the_change_feed_tells_of_what_is_visible(world: World, who: str) -> None:
    answer = world.ask(who, "tickets", "/api/tickets/changes?limit=200")
    if answer.status_code == 403:
        return
    assert items_of_feed(answer) == world.visible(who)


def items_of_feed(answer: TestResponse) -> set[int]:
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return {item["ticket_id"] for item in answer.json["items"]}


@pytest.mark.parametrize("who", ACTORS)
def test_visits_are_those_of_visible_tickets(world: World, who: str) -> None:
    answer = world.ask(who, "tickets", "/api/assignments")
    assert answer.status_code == 200
    assert answer.json is not None
    shown = {visit["ticket_id"] for visit in answer.json["items"]}
    visited = {n for n, _, team_id, _ in world.tickets if team_id is not None}
    assert shown == visited & world.visible(who)


@pytest.mark.parametrize("who", ACTORS)
def test_analytics_counts_what_is_visible(world: World, who: str) -> None:
    answer = world.ask(who, "analytics", "/api/analytics/performance")
    if answer.status_code == 403:
        assert who.endswith("requester")
        return
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    created = answer.json["overall"]["created"]
    assert created["n"] == len(world.visible(who))


@pytest.mark.parametrize("who", ACTORS)
def test_what_a_figure_links_to_is_what_it_counted(world: World, who: str) -> None:
    answer = world.ask(who, "analytics", "/api/analytics/performance")
    if answer.status_code == 403:
        return
    assert answer.json is not None
    created = answer.json["overall"]["created"]
    url = created["tickets_url"]
    assert len(items(world.ask(who, "tickets", url))) == created["n"]


@pytest.mark.parametrize("who", ACTORS)
@pytest.mark.parametrize(
    "path", ["/api/ai/sla-risk", "/api/ai/insights", "/api/ai/similar?text=ONT+light"]
)
def test_advice_names_no_ticket_that_is_not_visible(
    world: World, who: str, path: str
) -> None:
    answer = world.ask(who, "ai", path)
    if answer.status_code == 403:
        return
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    assert set(ticket_ids(answer.json)) <= world.visible(who)


@pytest.mark.parametrize("who", ACTORS)
def test_nobody_is_advised_on_a_ticket_that_is_not_visible(
    world: World, who: str
) -> None:
    visible = world.visible(who)
    for number, *_ in world.tickets:
        similar = world.ask(who, "ai", f"/api/ai/similar?ticket_id={number}")
        recommended = world.ask(
            who, "ai", "/api/ai/recommendations", {"ticket_id": number}
        )
        for answer in (similar, recommended):
            if answer.status_code != 403:
                assert answer.status_code == (200 if number in visible else 404)


@pytest.mark.parametrize("who", ACTORS)
def test_the_assistant_counts_and_lists_what_is_visible(world: World, who: str) -> None:
    body = {"message": "list all tickets about quokka"}
    answer = world.ask(who, "ai", "/api/ai/chat", body)
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    named = {int(found) for found in re.findall(r"CTT_(\d+)", answer.text)}
    assert named <= world.visible(who)


READS = (
    ("tickets", "/api/tickets"),
    ("tickets", "/api/tickets?q=quokka"),
    ("tickets", "/api/tickets/export?format=csv"),
    ("tickets", "/api/tickets/export?format=jsonl"),
    ("tickets", "/api/tickets/changes?limit=200"),
    ("tickets", "/api/assignments"),
    ("tickets", "/api/tickets/{id}"),
    ("tickets", "/api/tickets/{id}/history"),
    ("analytics", "/api/analytics/performance"),
    ("ai", "/api/ai/sla-risk"),
    ("ai", "/api/ai/similar?ticket_id={id}"),
    ("ai", "/api/ai/insights"),
)


@pytest.mark.parametrize(("service", "path"), READS)
def test_a_viewer_sees_no_contact_of_a_customer(
    world: World, service: str, path: str
) -> None:
    for number, *_ in world.tickets:
        answer = world.ask("viewer", service, path.format(id=number))
        assert answer.status_code == 200, answer.text
        assert "345 6789" not in answer.text
        assert "Quraisyi" not in answer.text


def test_a_viewer_cannot_search_by_what_is_masked(world: World) -> None:
    for word in ("Zulaikha", "Quraisyi", "345"):
        found = items(world.ask("viewer", "tickets", f"/api/tickets?q={word}"))
        assert found == set(), word
    found = items(world.ask("admin", "tickets", "/api/tickets?q=Quraisyi"))
    assert found == world.visible("admin")


def test_who_may_see_a_contact_does(world: World) -> None:
    for who in ("admin", "requester", "technician of team 1"):
        number = min(world.visible(who))
        assert CUSTOMER in world.ask(who, "tickets", f"/api/tickets/{number}").text


@pytest.mark.parametrize("who", NO_TICKETS)
def test_who_has_no_place_sees_nothing(world: World, who: str) -> None:
    assert world.visible(who) == set()
