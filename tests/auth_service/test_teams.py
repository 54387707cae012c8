"""Teams: made, found, changed, deactivated; each role sees its own."""

from typing import Any

import pytest
from sqlalchemy import select, text

from auth_service import team_queries
from db.auth import Team
from db.engine import Database
from service_kit.clock import utc_now
from tests.actors import Person, add_person, add_team
from tests.auth_service.conftest import Client

PATH = "/api/auth/teams"


def new_team(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Selangor 1",
        "zone": "Selangor",
        "skills": ["fibre", {"name": "aerial", "level": 3}],
        "base": {"lat": 3.07, "lon": 101.52},
        "shift": {"start": "08:00", "end": "17:00"},
        "daily_capacity_minutes": 480,
    } | changes


def test_a_team_is_made_and_shown(client: Client, admin: Person) -> None:
    made = client.post(PATH, json=new_team(), headers=admin.headers)
    assert made.status_code == 201, made.json
    team = client.get(made.headers["Location"], headers=admin.headers)
    assert (
        team.json
        == made.json
        == {
            "id": made.json["id"],
            "name": "Selangor 1",
            "zone": "Selangor",
            "skills": ["aerial", "fibre"],
            "skill_levels": {"aerial": 3, "fibre": 1},
            "base": {"lat": 3.07, "lon": 101.52},
            "shift": {"start": "08:00", "end": "17:00"},
            "daily_capacity_minutes": 480,
            "is_active": True,
            "members_count": 0,
            "open_tickets": 0,
        }
    )


def test_a_change_changes_what_was_sent_and_keeps_levels(
    client: Client, admin: Person
) -> None:
    made = client.post(PATH, json=new_team(), headers=admin.headers)
    path = made.headers["Location"]
    tag = client.get(path, headers=admin.headers).headers["ETag"]
    headers = admin.headers | {"If-Match": tag}
    body = {"skills": ["aerial", "splicing"], "base": None}
    changed = client.patch(path, json=body, headers=headers)
    assert changed.status_code == 200, changed.json
    assert changed.json["skill_levels"] == {"aerial": 3, "splicing": 1}
    assert changed.json["base"] is None
    assert changed.json["shift"] == made.json["shift"]
    assert client.patch(path, json=body, headers=headers).status_code == 412


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"zone": "Atlantis"}, "zone"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"skills": "fibre"}, "skills"),
        ({"skills": [{"name": "fibre", "level": 4}]}, "skills"),
        ({"skills": [{"name": "fibre", "level": True}]}, "skills"),
        ({"skills": [{"name": "fibre", "size": 1}]}, "skills"),
        ({"skills": [["fibre"]]}, "skills"),
        ({"skills": ["fibre", "fibre"]}, "skills"),
        ({"skills": ["a,b"]}, "skills"),
        ({"skills": ["x"] * 51}, "skills"),
        ({"base": {"lat": 91, "lon": 0}}, "base.lat"),
        ({"base": {"lat": 3}}, "base.lon"),
        ({"shift": {"start": "8:00", "end": "17:00"}}, "shift.start"),
        ({"shift": {"start": "08:00", "end": "24:00"}}, "shift.end"),
        ({"shift": {"start": "08:00", "end": "08:00"}}, "shift"),
        ({"daily_capacity_minutes": -1}, "daily_capacity_minutes"),
        ({"daily_capacity_minutes": "480"}, "daily_capacity_minutes"),
        ({"members_count": 3}, "members_count"),
        ({"open_tickets": 0}, "open_tickets"),
    ],
)
def test_what_a_team_cannot_have_is_named(
    client: Client, admin: Person, changes: dict[str, Any], field: str
) -> None:
    answer = client.post(PATH, json=new_team(**changes), headers=admin.headers)
    assert answer.status_code == 422
    assert field in answer.json["errors"]


def test_two_teams_do_not_bear_one_name(
    client: Client, admin: Person, database: Database
) -> None:
    add_team(database, name="Selangor 1")
    other = add_team(database, name="Selangor 2")
    made = client.post(PATH, json=new_team(), headers=admin.headers)
    assert (made.status_code, made.json["code"]) == (409, "team_name_taken")
    path = f"{PATH}/{other}"
    renamed = client.patch(path, json={"name": "Selangor 1"}, headers=admin.headers)
    assert renamed.json["code"] == "team_name_taken"


def ids(client: Client, query: str, person: Person) -> list[int]:
    answer = client.get(f"{PATH}{query}", headers=person.headers)
    assert answer.status_code == 200, answer.json
    return [team["id"] for team in answer.json["items"]]


def test_teams_are_found_by_zone_skill_name_and_state(
    client: Client, admin: Person, database: Database
) -> None:
    one = add_team(database, "Selangor", "North", skills={"fibre": 1, "aerial": 2})
    two = add_team(database, "Johor", "South", skills={"fibre": 3})
    three = add_team(database, "Johor", "Gone", is_active=False)
    assert ids(client, "?zone=Johor", admin) == [two, three]
    assert ids(client, "?zone=Johor,Selangor&is_active=true", admin) == [one, two]
    assert ids(client, "?skill=fibre", admin) == [one, two]
    assert ids(client, "?skill=fibre,aerial", admin) == [one]
    assert ids(client, "?q=sou", admin) == [two]
    assert ids(client, "?sort=-name&limit=2", admin) == [two, one]


def test_an_unknown_zone_in_a_filter_is_refused(client: Client, admin: Person) -> None:
    answer = client.get(f"{PATH}?zone=Atlantis", headers=admin.headers)
    assert answer.status_code == 422
    assert "zone" in answer.json["errors"]


@pytest.mark.parametrize(
    ("clock", "shift", "is_available"),
    [
        pytest.param("02:00", ("08:00", "17:00"), True, id="10:00 by day"),
        pytest.param("09:00", ("08:00", "17:00"), False, id="17:00 is over"),
        pytest.param("00:00", ("08:00", "17:00"), True, id="08:00 begins"),
        pytest.param("15:00", ("22:00", "06:00"), True, id="23:00 by night"),
        pytest.param("20:00", ("22:00", "06:00"), True, id="04:00 past midnight"),
        pytest.param("04:00", ("22:00", "06:00"), False, id="noon of a night team"),
    ],
)
def test_a_team_is_available_in_its_shift_in_its_own_zones_time(
    database: Database,
    admin: Person,
    clock: str,
    shift: tuple[str, str],
    is_available: bool,
) -> None:
    team_id = add_team(database, shift_start=shift[0], shift_end=shift[1])
    add_person(database, "technician", team_id)
    hours, minutes = map(int, clock.split(":"))
    now = utc_now().replace(hour=hours, minute=minutes, second=0)
    condition = team_queries.available_at(now, "UTC")
    with database.read_only() as connection:
        found = connection.scalars(select(Team.id).where(condition)).all()
    assert (team_id in found) is is_available


def test_nobody_is_available_in_a_team_without_members(
    client: Client, admin: Person, database: Database
) -> None:
    all_day = {"shift_start": "00:00", "shift_end": "23:59:59"}
    empty = add_team(database, **all_day)
    manned = add_team(database, **all_day)
    add_person(database, "technician", manned)
    retired = add_team(database, **all_day, is_active=False)
    add_person(database, "technician", retired)
    assert ids(client, "?available=true", admin) == [manned]
    assert ids(client, "?available=false", admin) == [empty, retired]


def test_open_work_and_members_are_counted(
    client: Client, admin: Person, database: Database
) -> None:
    team_id = add_team(database)
    add_person(database, "technician", team_id)
    add_person(database, "technician", team_id, is_active=False)
    with database.read_only() as connection:
        assert connection.execute(text("SELECT * FROM tickets.open_work")).all() == []
    team = client.get(f"{PATH}/{team_id}", headers=admin.headers).json
    assert (team["members_count"], team["open_tickets"]) == (1, 0)


def test_members_are_shown_without_their_addresses(
    client: Client, admin: Person, database: Database
) -> None:
    team_id = add_team(database)
    person = add_person(database, "technician", team_id)
    answer = client.get(f"{PATH}/{team_id}/members", headers=person.headers)
    assert answer.json["items"] == [
        {
            "id": person.user_id,
            "username": person.username,
            "full_name": "A technician",
            "role": "technician",
            "team_id": team_id,
            "is_active": True,
        }
    ]
    assert client.get(f"{PATH}/999/members", headers=admin.headers).status_code == 404


def test_a_deleted_team_is_deactivated(
    client: Client, admin: Person, database: Database
) -> None:
    team_id = add_team(database)
    path = f"{PATH}/{team_id}"
    assert client.delete(path, headers=admin.headers).status_code == 204
    assert client.get(path, headers=admin.headers).json["is_active"] is False


def test_staff_of_some_zones_see_and_change_the_teams_of_those(
    client: Client, database: Database
) -> None:
    here, there = add_team(database, "Johor"), add_team(database, "Selangor")
    manager = add_person(database, "manager", zones=["Johor"])
    assert ids(client, "", manager) == [here]
    assert client.get(f"{PATH}/{there}", headers=manager.headers).status_code == 404
    for path, expected in ((here, 200), (there, 404)):
        answer = client.patch(
            f"{PATH}/{path}",
            json={"daily_capacity_minutes": 300},
            headers=manager.headers,
        )
        assert answer.status_code == expected
    move = {"zone": "Selangor"}
    answer = client.patch(f"{PATH}/{here}", json=move, headers=manager.headers)
    assert answer.status_code == 403
    made = client.post(PATH, json=new_team(), headers=manager.headers)
    assert made.status_code == 403


@pytest.mark.parametrize(
    ("role", "sees", "writes"),
    [
        ("admin", True, True),
        ("manager", True, True),
        ("dispatcher", True, False),
        ("technician", True, False),
        ("viewer", True, False),
        ("requester", False, False),
    ],
)
def test_each_role_sees_and_writes_teams_as_the_matrix_says(
    client: Client, database: Database, role: str, sees: bool, writes: bool
) -> None:
    team_id = add_team(database)
    person = add_person(database, role)
    assert ids(client, "", person) == ([team_id] if sees else [])
    status = client.get(f"{PATH}/{team_id}", headers=person.headers).status_code
    assert status == (200 if sees else 404)
    made = client.post(PATH, json=new_team(), headers=person.headers)
    assert made.status_code == (201 if writes else 403)
    gone = client.delete(f"{PATH}/{team_id}", headers=person.headers)
    assert gone.status_code == (204 if writes else 403)
