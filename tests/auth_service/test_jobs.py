"""What has had its time is cleared away, and nothing else."""

import threading

import pytest
from sqlalchemy import text

from auth_service.jobs import JOBS
from db.engine import Database
from service_kit.worker import JobContext, run_once
from tests.actors import Person
from tests.auth_service.conftest import Client, log_in
from tests.conftest import settings_for

TABLES = (
    "sessions",
    "used_refresh_tokens",
    "password_resets",
    "login_failures",
    "idempotency_keys",
)


def counts(owner: Database) -> dict[str, int]:
    with owner.read_only() as connection:
        return {
            name: connection.scalar(text(f"SELECT count(*) FROM auth.{name}")) or 0
            for name in TABLES
        }


def make_some_of_each(client: Client, owner: Database) -> None:
    token = log_in(client, "aisyah").json["refresh_token"]
    client.post("/api/auth/refresh", json={"refresh_token": token})
    log_in(client, "nobody", "wrong")
    body = {"username": "kumar", "email": "k@example.com", "password": "long enough 1"}
    client.post("/api/auth/register", json=body, headers={"Idempotency-Key": "x"})
    with owner.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO auth.password_resets (user_id, token_hash, expires_at) "
                "SELECT id, 'x', now() FROM auth.users LIMIT 1"
            )
        )


def clear(owner: Database, url: str) -> None:
    database = Database.at(url, role="aiff_auth")
    context = JobContext(database, settings_for("auth", url), threading.Event())
    for job in JOBS:
        assert run_once(job, context)
    database.close()


@pytest.mark.parametrize("days", [0, 100])
def test_only_what_is_long_over_goes(
    client: Client, aisyah: Person, database: Database, database_url: str, days: int
) -> None:
    make_some_of_each(client, database)
    columns = {
        "sessions": "expires_at",
        "password_resets": "expires_at",
        "login_failures": "last_failed_at",
        "idempotency_keys": "created_at",
    }
    before = counts(database)
    assert all(before.values())
    with database.transaction() as connection:
        for table, column in columns.items():
            aged = f"UPDATE auth.{table} SET {column} = {column} - :d * interval '1d'"
            connection.execute(text(aged), {"d": days})
    clear(database, database_url)
    after = counts(database)
    assert after == (before if days == 0 else dict.fromkeys(TABLES, 0))
