"""Accounts: registering, and what an admin does with them."""

from typing import Any

import pytest
from sqlalchemy import text

from auth_service.mail import mails_in
from db.engine import Database
from tests.actors import Person, add_api_key, add_person, add_team, bearer
from tests.auth_service.conftest import PASSWORD, Client, log_in

USER_FIELDS = {
    "id",
    "username",
    "email",
    "full_name",
    "role",
    "team_id",
    "zones",
    "locale",
    "is_active",
    "created_at",
    "last_login_at",
}


def new_user(**changes: Any) -> dict[str, Any]:
    return {
        "username": "kumar",
        "email": "kumar@example.com",
        "password": PASSWORD,
    } | changes


def register(client: Client, headers: Any = None, **changes: Any) -> Any:
    return client.post("/api/auth/register", json=new_user(**changes), headers=headers)


def test_an_account_is_shown_without_its_password(client: Client) -> None:
    made = register(client, full_name="Kumar a/l Raj", locale="ms")
    assert made.status_code == 201
    assert set(made.json) == USER_FIELDS
    assert made.json["locale"] == "ms"
    assert made.json["created_at"].endswith("Z")
    assert PASSWORD not in made.text
    assert "argon2" not in made.text


def test_register_with_a_key_is_done_once(client: Client) -> None:
    headers = {"Idempotency-Key": "once"}
    first, again = register(client, headers), register(client, headers)
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"email": "other@example.com"}, "username_taken"),
        ({"username": "KUMAR", "email": "other@example.com"}, "username_taken"),
        ({"username": "ｋｕｍａｒ", "email": "other@example.com"}, "username_taken"),
        ({"username": "raj"}, "email_taken"),
        ({"username": "raj", "email": "KUMAR@EXAMPLE.COM"}, "email_taken"),
    ],
)
def test_a_name_or_address_is_taken_once(
    client: Client, changes: dict[str, str], code: str
) -> None:
    register(client)
    answer = register(client, **changes)
    assert (answer.status_code, answer.json["code"]) == (409, code)


def test_two_who_register_one_name_at_once_make_one_account(client: Client) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def ask(number: int) -> int:
        other = client.application.test_client()
        return int(register(other, email=f"k{number}@example.com").status_code)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, range(4))) == [201, 409, 409, 409]


@pytest.mark.parametrize(
    "wanted", [{"role": "admin"}, {"role": "viewer"}, {"zones": ["Selangor"]}]
)
def test_a_stranger_gets_no_role_and_no_zones(
    client: Client, aisyah: Person, wanted: dict[str, Any]
) -> None:
    assert register(client, **wanted).status_code == 403
    assert register(client, aisyah.headers, **wanted).status_code == 403


def test_a_bad_token_does_not_register(client: Client) -> None:
    assert register(client, bearer("nonsense")).status_code == 401


def test_an_admin_gives_role_team_and_zones(
    client: Client, admin: Person, database: Database
) -> None:
    team_id = add_team(database)
    made = register(
        client,
        admin.headers,
        role="technician",
        team_id=team_id,
        zones=["Selangor", "Johor"],
    )
    assert made.status_code == 201, made.json
    assert (made.json["role"], made.json["team_id"]) == ("technician", team_id)
    assert made.json["zones"] == ["Selangor", "Johor"]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"team_id": 999}, "team_id"),
        ({"zones": ["Atlantis"]}, "zones"),
        ({"role": "king"}, "role"),
        ({"is_admin": True}, "is_admin"),
        ({"password_hash": "x"}, "password_hash"),
        ({"id": 1}, "id"),
        ({"email": "no address"}, "email"),
        ({"password": "short"}, "password"),
        ({"locale": "fr"}, "locale"),
    ],
)
def test_what_an_account_cannot_have_is_named(
    client: Client, admin: Person, wanted: dict[str, Any], field: str
) -> None:
    for path in ("/api/auth/register", "/api/auth/users"):
        answer = client.post(path, json=new_user(**wanted), headers=admin.headers)
        assert answer.status_code == 422
        assert field in answer.json["errors"]


def test_a_team_that_is_gone_takes_nobody(
    client: Client, admin: Person, database: Database
) -> None:
    team_id = add_team(database, is_active=False)
    assert register(client, admin.headers, team_id=team_id).status_code == 422


def test_users_are_listed_searched_sorted_and_paged(
    client: Client, admin: Person, database: Database
) -> None:
    for number in range(5):
        add_person(database, "viewer", username=f"viewer-{number}x")
    path = "/api/auth/users?role=viewer&sort=-username&limit=2&total=true"
    seen: list[str] = []
    while path:
        page = client.get(path, headers=admin.headers)
        assert page.status_code == 200, page.json
        assert page.json["page"]["total"] == 5
        seen += [user["username"] for user in page.json["items"]]
        link = page.headers.get("Link", "")
        path = link.partition(">")[0].lstrip("<")
    assert seen == [f"viewer-{number}x" for number in (4, 3, 2, 1, 0)]
    found = client.get("/api/auth/users?q=VIEWER-3", headers=admin.headers)
    assert [user["username"] for user in found.json["items"]] == ["viewer-3x"]
    assert (
        client.get("/api/auth/users?q=%25", headers=admin.headers).json["items"] == []
    )


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "role=king",
        "sort=password_hash",
        "limit=0",
        "cursor=x",
        "is_active=7",
    ],
)
def test_an_unknown_parameter_or_value_is_refused(
    client: Client, admin: Person, query: str
) -> None:
    answer = client.get(f"/api/auth/users?{query}", headers=admin.headers)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "role", ["manager", "dispatcher", "technician", "requester", "viewer"]
)
def test_only_an_admin_sees_and_changes_accounts(
    client: Client, database: Database, role: str
) -> None:
    person = add_person(database, role)
    path = f"/api/auth/users/{person.user_id}"
    answers = [
        client.get("/api/auth/users", headers=person.headers),
        client.post("/api/auth/users", json=new_user(), headers=person.headers),
        client.get(path, headers=person.headers),
        client.patch(path, json={"role": "admin"}, headers=person.headers),
        client.delete(path, headers=person.headers),
        client.get("/api/auth/audit", headers=person.headers),
    ]
    assert [answer.status_code for answer in answers] == [403] * 6


def test_an_account_is_changed_where_nobody_else_did(
    client: Client, admin: Person, aisyah: Person
) -> None:
    path = f"/api/auth/users/{aisyah.user_id}"
    first = client.get(path, headers=admin.headers)
    tag = {"If-Match": first.headers["ETag"]} | admin.headers
    changed = client.patch(path, json={"zones": ["Johor"]}, headers=tag)
    assert changed.status_code == 200
    assert changed.json == first.json | {"zones": ["Johor"]}
    assert client.patch(path, json={"zones": None}, headers=tag).status_code == 412
    assert client.delete(path, headers=tag).status_code == 412
    unchanged = {"If-None-Match": changed.headers["ETag"]} | admin.headers
    assert client.get(path, headers=unchanged).status_code == 304


def test_a_deactivated_account_is_out_at_once_and_its_name_stays_taken(
    client: Client, admin: Person, aisyah: Person
) -> None:
    path = f"/api/auth/users/{aisyah.user_id}"
    assert client.delete(path, headers=admin.headers).status_code == 204
    assert client.get("/api/auth/me", headers=aisyah.headers).status_code == 401
    assert log_in(client, "aisyah").status_code == 401
    assert client.get(path, headers=admin.headers).json["is_active"] is False
    assert register(client, username="aisyah").json["code"] == "username_taken"
    back = client.patch(path, json={"is_active": True}, headers=admin.headers)
    assert back.json["is_active"] is True
    assert client.get("/api/auth/me", headers=aisyah.headers).status_code == 401
    assert log_in(client, "aisyah").status_code == 200


def test_a_password_set_by_an_admin_ends_the_sessions(
    client: Client, admin: Person, aisyah: Person
) -> None:
    path = f"/api/auth/users/{aisyah.user_id}"
    body = {"password": "another fine password"}
    assert client.patch(path, json=body, headers=admin.headers).status_code == 200
    assert client.get("/api/auth/me", headers=aisyah.headers).status_code == 401
    assert log_in(client, "aisyah", body["password"]).status_code == 200


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"is_active": False}])
def test_the_last_admin_stays(
    client: Client, admin: Person, change: dict[str, Any]
) -> None:
    path = f"/api/auth/users/{admin.user_id}"
    answer = client.patch(path, json=change, headers=admin.headers)
    assert (answer.status_code, answer.json["code"]) == (409, "last_admin")


def test_two_admins_who_demote_each_other_leave_one(
    client: Client, admin: Person, database: Database
) -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    other = add_person(database, "admin", username="deputy")
    barrier = Barrier(2)

    def demote(pair: tuple[Person, Person]) -> int:
        who, whom = pair
        asking = client.application.test_client()
        barrier.wait()
        path = f"/api/auth/users/{whom.user_id}"
        answer = asking.patch(path, json={"role": "viewer"}, headers=who.headers)
        return int(answer.status_code)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(demote, [(admin, other), (other, admin)]))
    with database.read_only() as connection:
        query = text("SELECT count(*) FROM auth.users WHERE role = 'admin'")
        assert connection.scalar(query) == 1
    assert answers.count(200) == 1


def test_an_account_without_password_is_invited_by_mail(
    client: Client, admin: Person, tmp_path: Any
) -> None:
    body = {"username": "kumar", "email": "kumar@example.com", "role": "viewer"}
    made = client.post("/api/auth/users", json=body, headers=admin.headers)
    assert made.status_code == 201
    assert log_in(client, "kumar", "").status_code == 422
    assert log_in(client, "kumar", "nobody has this password").status_code == 401
    assert len(mails_in(tmp_path)) == 1


def test_one_changes_ones_own_profile_and_nothing_else(
    client: Client, aisyah: Person, admin: Person
) -> None:
    body = {
        "full_name": "Aisyah binti Rahman",
        "locale": "ms",
        "email": "a@example.com",
    }
    changed = client.patch("/api/auth/me", json=body, headers=aisyah.headers)
    assert changed.status_code == 200
    assert {name: changed.json[name] for name in body} == body
    for forbidden in ({"role": "admin"}, {"zones": None}, {"team_id": 1}, {"id": 1}):
        answer = client.patch("/api/auth/me", json=forbidden, headers=aisyah.headers)
        assert answer.status_code == 422
    taken = {"email": f"{admin.username}@example.com"}
    answer = client.patch("/api/auth/me", json=taken, headers=aisyah.headers)
    assert answer.json["code"] == "email_taken"


def test_a_user_that_is_not_there_is_404(client: Client, admin: Person) -> None:
    for number in ("999", "9" * 30, "0"):
        path = f"/api/auth/users/{number}"
        assert client.get(path, headers=admin.headers).status_code == 404
        assert client.patch(path, json={}, headers=admin.headers).status_code == 404


def test_a_program_provisions_accounts_only_with_its_scope(
    client: Client, admin: Person, database: Database
) -> None:
    reader = add_api_key(database, admin.user_id, ["auth:read"])
    assert client.get("/api/auth/users", headers=reader).status_code == 200
    refused = client.post("/api/auth/users", json=new_user(), headers=reader)
    assert (refused.status_code, refused.json["code"]) == (403, "insufficient_scope")
    writer = add_api_key(database, admin.user_id, ["auth:write"])
    made = client.post("/api/auth/users", json=new_user(), headers=writer)
    assert made.status_code == 201
