"""The second factor: asked for, right once, required by role, lost and replaced."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import text

from auth_service import second_factor
from auth_service.preferences import Preferences
from db.engine import Database
from db.vocabulary import Role
from service_kit.clock import utc_now
from service_kit.settings import BadSettings
from tests.actors import Person, add_person, bearer
from tests.auth_service.conftest import PASSWORD, Client, log_in, new_app

PATH = "/api/auth/second-factor"
NOW = datetime(2026, 3, 2, 9, 0, 10, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.mark.parametrize(
    ("seconds", "is_right"),
    [(-90, False), (-30, True), (0, True), (30, True), (90, False)],
)
def test_a_code_is_right_half_a_minute_around_now(seconds: int, is_right: bool) -> None:
    code = pyotp.TOTP(SECRET).at(int(NOW.timestamp()) + seconds)
    step = second_factor.matching_step(SECRET, code, NOW)
    assert (step is not None) is is_right


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "1234567", "١٢٣٤٥٦", "0" * 40])
def test_what_is_no_code_is_not_right(code: str) -> None:
    assert second_factor.matching_step(SECRET, code, NOW) is None


def test_recovery_codes_are_many_and_different() -> None:
    codes = second_factor.new_recovery_codes()
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    assert second_factor.plain_recovery_code(f" {codes[0].upper()} ") == codes[0]


def code_of(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(utc_now().timestamp()) + 30 * steps)


def switch_on(client: Client, person: Person) -> tuple[str, list[str]]:
    """Return the secret and the recovery codes of a second factor just switched on."""
    begun = client.post(PATH, json={"password": PASSWORD}, headers=person.headers)
    assert begun.status_code == 201, begun.json
    secret = begun.json["secret"]
    assert begun.json["otpauth_uri"].startswith("otpauth://totp/AIFF:aisyah?")
    assert begun.json["qr_svg"].startswith("<svg")
    confirmed = client.post(
        f"{PATH}/confirm", json={"code": code_of(secret, -1)}, headers=person.headers
    )
    assert confirmed.status_code == 200, confirmed.json
    return secret, confirmed.json["recovery_codes"]


def test_once_on_it_is_asked_for_and_a_code_works_once(
    client: Client, aisyah: Person
) -> None:
    secret, _ = switch_on(client, aisyah)
    asked = log_in(client, "aisyah")
    assert (asked.status_code, asked.json["code"]) == (401, "second_factor_required")
    code = code_of(secret)
    assert log_in(client, "aisyah", otp=code).status_code == 200
    replayed = log_in(client, "aisyah", otp=code)
    assert replayed.json["code"] == "invalid_credentials"


def test_a_wrong_password_does_not_tell_whether_it_is_on(
    client: Client, aisyah: Person
) -> None:
    switch_on(client, aisyah)
    assert log_in(client, "aisyah", "wrong").json["code"] == "invalid_credentials"


def test_wrong_codes_lock_like_wrong_passwords(client: Client, aisyah: Person) -> None:
    switch_on(client, aisyah)
    answers = [log_in(client, "aisyah", otp="000000").status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]


def test_a_recovery_code_works_once_in_its_place(
    client: Client, aisyah: Person
) -> None:
    _, codes = switch_on(client, aisyah)
    assert log_in(client, "aisyah", recovery_code=codes[0].upper()).status_code == 200
    assert log_in(client, "aisyah", recovery_code=codes[0]).status_code == 401
    state = client.get(PATH, headers=aisyah.headers).json
    assert state == {"enabled": True, "required": False, "recovery_codes_left": 9}


def test_new_recovery_codes_replace_the_old(client: Client, aisyah: Person) -> None:
    _, old = switch_on(client, aisyah)
    body = {"password": PASSWORD}
    path = f"{PATH}/recovery-codes"
    new = client.post(path, json=body, headers=aisyah.headers).json["recovery_codes"]
    assert log_in(client, "aisyah", recovery_code=old[0]).status_code == 401
    assert log_in(client, "aisyah", recovery_code=new[0]).status_code == 200


def test_setting_up_needs_the_password_and_confirming_a_right_code(
    client: Client, aisyah: Person
) -> None:
    wrong = client.post(PATH, json={"password": "wrong"}, headers=aisyah.headers)
    assert wrong.json["code"] == "wrong_password"
    client.post(PATH, json={"password": PASSWORD}, headers=aisyah.headers)
    body = {"code": "000000"}
    refused = client.post(f"{PATH}/confirm", json=body, headers=aisyah.headers)
    assert refused.status_code == 422
    assert log_in(client, "aisyah").status_code == 200, "not on before it is confirmed"


def test_a_second_one_needs_the_first_removed(client: Client, aisyah: Person) -> None:
    switch_on(client, aisyah)
    body = {"password": PASSWORD}
    again = client.post(PATH, json=body, headers=aisyah.headers)
    assert again.json["code"] == "second_factor_on"
    off = client.post(f"{PATH}/remove", json=body, headers=aisyah.headers)
    assert off.status_code == 204
    assert log_in(client, "aisyah").status_code == 200
    none = client.post(f"{PATH}/recovery-codes", json=body, headers=aisyah.headers)
    assert none.json["code"] == "second_factor_off"


def test_an_admin_helps_who_lost_the_telephone(
    client: Client, aisyah: Person, admin: Person
) -> None:
    switch_on(client, aisyah)
    path = f"/api/auth/users/{aisyah.user_id}/second-factor"
    assert client.delete(path, headers=aisyah.headers).status_code == 403
    assert client.delete(path, headers=admin.headers).status_code == 204
    assert log_in(client, "aisyah").status_code == 200


@pytest.fixture
def strict(database_url: str, tmp_path: Path, aisyah: Person) -> Client:
    """Return a client of a service that wants a second factor of dispatchers."""
    roles = frozenset({Role.DISPATCHER})
    return new_app(database_url, tmp_path, second_factor_roles=roles).test_client()


def test_a_role_that_needs_one_sets_it_up_at_its_next_login(
    strict: Client, database: Database
) -> None:
    refused = log_in(strict, "aisyah")
    assert refused.status_code == 403
    assert refused.json["code"] == "second_factor_setup_required"
    setup: dict[str, Any] = refused.json["setup"]
    assert log_in(strict, "aisyah").json["setup"] == setup, "the app keeps its secret"
    wrong = log_in(strict, "aisyah", otp="000000")
    assert wrong.json["code"] == "invalid_credentials"
    done = log_in(strict, "aisyah", otp=code_of(setup["secret"], -1))
    assert done.status_code == 200, done.json
    assert len(done.json["recovery_codes"]) == 10
    again = log_in(strict, "aisyah", otp=code_of(setup["secret"]))
    assert again.status_code == 200
    assert "recovery_codes" not in again.json
    headers = bearer(again.json["access_token"])
    assert strict.get(PATH, headers=headers).json["required"] is True


def test_the_other_roles_stay_free_to_do_without(
    strict: Client, database: Database, password_hash: str
) -> None:
    add_person(database, "viewer", username="wei", password_hash=password_hash)
    assert log_in(strict, "wei").status_code == 200


def test_secrets_and_codes_are_in_no_log_and_no_audit(
    client: Client, aisyah: Person, database: Database
) -> None:
    secret, codes = switch_on(client, aisyah)
    with database.read_only() as connection:
        events = str(connection.execute(text("SELECT * FROM auth.audit_events")).all())
        stored = str(
            connection.execute(text("SELECT * FROM auth.recovery_codes")).all()
        )
    assert secret not in events
    assert not any(code in events + stored for code in codes)


def test_the_setting_names_roles() -> None:
    named = Preferences.from_env({"SECOND_FACTOR_ROLES": "admin, manager"})
    assert named.second_factor_roles == {Role.ADMIN, Role.MANAGER}
    with pytest.raises(BadSettings, match="king"):
        Preferences.from_env({"SECOND_FACTOR_ROLES": "admin,king"})
