"""The commands: the first admin, and a new signing key."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from auth_service.actions import add_users, user_ids_by_name
from auth_service.make_admin import make_admin
from auth_service.schemas import NewUser
from auth_service.team_actions import NewTeam, add_teams
from db.engine import Database
from db.vocabulary import Role
from service_kit.clock import monotonic_s
from service_kit.errors import Conflict, Invalid
from tests.actors import Person
from tests.auth_service.conftest import PASSWORD, Client, log_in

BOSS = ("--username", "boss", "--email", "boss@example.com")
PROJECT = Path(__file__).resolve().parents[2]


def run(url: str, *command: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": url,
        "AIFF_ENV": "production",
    }
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=PROJECT,
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_first_admin_is_made_by_a_command(
    client: Client, database: Database, database_url: str
) -> None:
    arguments = ("auth_service.make_admin", *BOSS)
    done = run(database_url, *arguments, typed=f"{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    answer = log_in(client, "boss")
    assert answer.json["user"]["role"] == "admin"
    assert PASSWORD not in done.stdout + done.stderr


def test_the_command_refuses_a_weak_password(
    database: Database, database_url: str
) -> None:
    arguments = ("auth_service.make_admin", *BOSS)
    done = run(database_url, *arguments, typed="password123\n")
    assert done.returncode != 0
    assert "tried first" in done.stderr
    assert "Traceback" not in done.stderr


def test_someone_who_is_there_becomes_an_admin(
    database: Database, aisyah: Person, client: Client
) -> None:
    new = "a new and long password"
    assert make_admin(database, "Aisyah", "aisyah@example.com", new) == aisyah.user_id
    assert client.get("/api/auth/me", headers=aisyah.headers).status_code == 401
    assert log_in(client, "aisyah", new).json["user"]["role"] == "admin"


def test_an_address_of_someone_else_is_refused(
    database: Database, aisyah: Person
) -> None:
    with pytest.raises(Conflict):
        make_admin(database, "boss", "aisyah@example.com", PASSWORD)
    with pytest.raises(Invalid):
        make_admin(database, "boss", "boss@example.com", "short")


def test_a_new_key_is_made_by_a_command(
    client: Client, database: Database, database_url: str
) -> None:
    done = run(database_url, "auth_service.rotate_keys")
    assert done.returncode == 0, done.stderr
    with database.read_only() as connection:
        query = text("SELECT count(*) FROM auth.signing_keys WHERE kid = :kid")
        kid = done.stdout.split()[-1].rstrip(".")
        assert connection.scalar(query, {"kid": kid}) == 1


def test_many_people_are_added_at_once(
    client: Client, database: Database, password_hash: str
) -> None:
    began = monotonic_s()
    with database.transaction() as connection:
        team_ids = add_teams(
            connection,
            [NewTeam(f"Team {n}", "Johor", {"fibre": 2}) for n in range(150)],
        )
        people = [
            NewUser(
                f"tech{n:03}",
                f"tech{n:03}@example.com",
                role=Role.TECHNICIAN,
                team_id=team_ids[n % 150],
            )
            for n in range(450)
        ]
        made = add_users(connection, people, password_hash=password_hash)
        by_name = user_ids_by_name(connection, ["tech000", "tech449", "nobody"])
    assert monotonic_s() - began < 5
    assert by_name == {"tech000": made[0], "tech449": made[-1]}
    assert log_in(client, "tech123").json["user"]["team_id"] == team_ids[123]
