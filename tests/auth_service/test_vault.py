"""The secrets of second factors: locked in the database, opened by their own key."""

import logging
import stat
import threading
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from auth_service.preferences import Preferences
from auth_service.rotate_keys import rotate
from auth_service.vault import Locked, Vault
from db.engine import Database
from service_kit.errors import Unavailable
from service_kit.settings import BadSettings
from tests.actors import Person
from tests.auth_service.conftest import PASSWORD, Client, log_in, new_app
from tests.auth_service.test_second_factor import SECRET, code_of, switch_on

OLD = "the first key - of forty bytes or so - old"
NEW = "the second key - of forty bytes or so - new"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "totp.key"


def stored_secret(database: Database, username: str = "aisyah") -> str:
    with database.read_only() as connection:
        query = text("SELECT totp_secret FROM auth.users WHERE username = :name")
        return str(connection.scalar(query, {"name": username}))


def store(database: Database, secret: str) -> None:
    with database.transaction() as connection:
        change = text(
            "UPDATE auth.users SET totp_secret = :secret, totp_confirmed_at = now() "
            "WHERE username = 'aisyah'"
        )
        connection.execute(change, {"secret": secret})


def test_what_is_locked_opens_again_and_shows_nothing(file: Path) -> None:
    vault = Vault([OLD], file)
    locked = vault.locked(SECRET)
    assert vault.opened(locked) == SECRET
    assert SECRET not in locked
    assert vault.locked(SECRET) != locked, "the same secret never looks the same"
    assert not file.exists(), "a key that is given needs no file"


@pytest.mark.parametrize(
    ("texts", "opens", "is_up_to_date"),
    [
        ([OLD], True, True),
        ([NEW, OLD], True, False),
        ([NEW], False, False),
        ([], False, False),
    ],
    ids=["its key", "its key, no longer the first", "another key", "no key"],
)
def test_only_its_own_key_opens_it(
    file: Path, texts: list[str], opens: bool, is_up_to_date: bool
) -> None:
    locked = Vault([OLD], file).locked(SECRET)
    vault = Vault(texts, file)
    assert vault.is_up_to_date(locked) is is_up_to_date
    if opens:
        assert vault.opened(locked) == SECRET
        return
    with pytest.raises(Locked):
        vault.opened(locked)
    assert not file.exists(), "opening makes no key"


def test_a_locked_secret_that_was_changed_does_not_open(file: Path) -> None:
    vault = Vault([OLD], file)
    locked = vault.locked(SECRET)
    with pytest.raises(Locked):
        vault.opened(locked[:-3] + "AAA")


def test_a_bare_secret_from_before_opens_to_itself(file: Path) -> None:
    vault = Vault([OLD], file)
    assert vault.opened(SECRET) == SECRET
    assert not vault.is_up_to_date(SECRET)


def test_the_key_of_the_file_is_made_once_and_closed_to_others(file: Path) -> None:
    locked: list[str] = []
    together = threading.Barrier(8)

    def lock() -> None:
        together.wait()
        locked.append(Vault([], file).locked(SECRET))

    threads = [threading.Thread(target=lock) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [Vault([], file).opened(one) for one in locked] == [SECRET] * 8
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert Vault([NEW], file).opened(locked[0]) == SECRET, "TOTP_KEY set later"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    with pytest.raises(Unavailable):
        Vault([], tmp_path / "var" / "totp.key").locked(SECRET)


def test_the_setting_lists_keys_that_are_long_enough() -> None:
    given = Preferences.from_env({"TOTP_KEY": f"{NEW},{'x' * 32}"})
    assert len(given.totp_keys) == 2
    assert "second key" not in repr(given)
    with pytest.raises(BadSettings, match="TOTP_KEY"):
        Preferences.from_env({"TOTP_KEY": "x" * 31})


def test_the_database_holds_it_locked_from_the_beginning(
    client: Client, app: Flask, aisyah: Person, database: Database, file: Path
) -> None:
    secret, _ = switch_on(client, aisyah)
    assert secret not in stored_secret(database)
    assert Vault([], file).opened(stored_secret(database)) == secret
    assert log_in(client, "aisyah", otp=code_of(secret)).status_code == 200


def test_a_bare_one_from_before_is_locked_at_the_next_start(
    aisyah: Person, database: Database, database_url: str, tmp_path: Path, file: Path
) -> None:
    store(database, SECRET)
    client = new_app(database_url, tmp_path).test_client()
    assert SECRET not in stored_secret(database)
    assert Vault([], file).opened(stored_secret(database)) == SECRET
    assert log_in(client, "aisyah", otp=code_of(SECRET)).status_code == 200


def test_a_bare_one_works_before_it_is_locked(
    client: Client, aisyah: Person, database: Database
) -> None:
    store(database, SECRET)
    assert log_in(client, "aisyah", otp=code_of(SECRET)).status_code == 200


def test_a_new_first_key_locks_anew_at_the_next_start(
    aisyah: Person, database: Database, database_url: str, tmp_path: Path, file: Path
) -> None:
    store(database, Vault([OLD], file).locked(SECRET))
    client = new_app(database_url, tmp_path, totp_keys=(NEW, OLD)).test_client()
    assert Vault([NEW], file).opened(stored_secret(database)) == SECRET
    assert log_in(client, "aisyah", otp=code_of(SECRET)).status_code == 200


def test_a_start_without_second_factors_makes_no_key(
    client: Client, aisyah: Person, file: Path
) -> None:
    assert log_in(client, "aisyah").status_code == 200
    assert not file.exists()


def test_new_signing_keys_leave_second_factors_alone(
    client: Client, aisyah: Person, database: Database
) -> None:
    secret, _ = switch_on(client, aisyah)
    before = stored_secret(database)
    rotate(database, Preferences())
    assert stored_secret(database) == before
    assert log_in(client, "aisyah", otp=code_of(secret)).status_code == 200


def test_without_its_key_a_code_is_not_judged_and_a_recovery_code_works(
    client: Client,
    aisyah: Person,
    database: Database,
    database_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret, codes = switch_on(client, aisyah)
    elsewhere = new_app(database_url, tmp_path / "another").test_client()
    caplog.set_level(logging.DEBUG)
    for code in (code_of(secret), "000000"):
        refused = log_in(elsewhere, "aisyah", otp=code)
        assert (refused.status_code, refused.json["code"]) == (
            503,
            "second_factor_locked",
        )
    assert secret not in caplog.text
    recovered = log_in(elsewhere, "aisyah", recovery_code=codes[0])
    assert recovered.status_code == 200
    remove = "/api/auth/second-factor/remove"
    body = {"password": PASSWORD}
    assert elsewhere.post(remove, json=body, headers=aisyah.headers).status_code == 204
    assert log_in(elsewhere, "aisyah").status_code == 200
