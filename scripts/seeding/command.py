"""The command line of the seeder: `python scripts/seed_data.py`.

Refuses a database that holds accounts or tickets already, unless told `--append` or
`--reset`, and to make accounts with a published password outside development.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from auth_service.passwords import Hasher, check_password
from db.engine import Database
from db.migrate import current_revision, head_revision
from db.reference import add_reference_data
from db.tables import METADATA
from scripts.local.settings import environment
from scripts.seeding import demand
from scripts.seeding.load import Made, Wish, seed
from scripts.seeding.staff import ROLE_ACCOUNTS
from scripts.work_database import given_url, run_with_local_database
from service_kit.clock import monotonic_s, utc_now
from service_kit.errors import Invalid
from service_kit.settings import BadSettings, Settings

SCRIPT = Path(__file__).resolve().parents[1] / "seed_data.py"
DEV_PASSWORD = "fieldforce-dev"  # noqa: S105 - development only, and documented
KEPT = {
    "tickets.zones",
    "tickets.calendars",
    "tickets.sla_policies",
    "auth.signing_keys",
}
ORIGINALS = 20_000  # histories of a bulk load that differ
LOCK = 0x53454544  # "SEED"


class CannotSeed(Exception):
    """The text says why, and what to do."""


class NotEmpty(CannotSeed):
    """The database holds accounts or tickets already."""


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if given_url() is None:
        return run_with_local_database(str(SCRIPT), arguments)
    try:
        made, seconds = run(options)
    except KeyboardInterrupt:
        print("Stopped; the database is as it was.", file=sys.stderr)
        return 130
    except (CannotSeed, BadSettings, Invalid, OperationalError) as problem:
        print(f"No example data: {said(problem)}", file=sys.stderr)
        return 2
    print(
        f"Made {made.tickets:,} tickets, {made.teams:,} teams and {made.people:,} "
        f"accounts in {seconds:.0f} s."
    )
    print(f"Log in as {', '.join(ROLE_ACCOUNTS)}; the password is {told_password()}.")
    return 0


def said(problem: Exception) -> str:
    if isinstance(problem, OperationalError):
        return f"the database is away: {problem.orig}"
    return str(problem)


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="seed_data.py",
        description="Make example data: teams, accounts and tickets of a fibre "
        "network, through the same rules as every request.",
    )
    add = found.add_argument
    add("--scale", type=positive, help="tickets and teams (default SEED_SCALE or 1)")
    add("--tickets", type=int, help="number of tickets, whatever the scale")
    add("--days", type=int, default=demand.DAYS, help="full days (default 400)")
    add("--until", type=date.fromisoformat, help="last day (default today)")
    add("--bulk", action="store_true", help="repeat histories: fast, for benchmarks")
    some = found.add_mutually_exclusive_group()
    some.add_argument("--append", action="store_true", help="add to what is there")
    some.add_argument(
        "--if-empty",
        action="store_true",
        help="a database that holds any is no failure",
    )
    some.add_argument("--reset", action="store_true", help="delete everything first")
    return found


def positive(value: str) -> float:
    number = float(value)
    if not 0 < number <= 1000:
        raise argparse.ArgumentTypeError("must be more than 0, at most 1000")
    return number


def run(options: argparse.Namespace) -> tuple[Made, float]:
    """Seed in one transaction; return what was made and the seconds it took."""
    began = monotonic_s()
    settings = Settings.from_env("tickets", environment())
    password = password_for(settings)
    wish = wish_of(options, settings, Hasher().hash(password))
    database = Database.at(settings.database_url, statement_timeout_ms=0)
    try:
        with database.transaction() as connection:
            check_migrated(connection)
            take_turn(connection)
            if options.reset:
                reset(connection, settings)
            elif not options.append:
                check_empty(connection)
            made = seed(connection, wish, say)
        analyze(database)
    finally:
        database.close()
    return made, monotonic_s() - began


def wish_of(
    options: argparse.Namespace, settings: Settings, password_hash: str
) -> Wish:
    now = utc_now()
    scale = options.scale or positive(environment().get("SEED_SCALE") or "1")
    tickets = options.tickets or round(demand.TICKETS * scale)
    if tickets < 1 or not 1 <= options.days <= 3 * 365:
        raise CannotSeed("--tickets must be 1 or more, --days from 1 to 1095.")
    return Wish(
        scale,
        tickets,
        end_of(options.until, now),
        options.days,
        ZoneInfo(settings.organisation_zone),
        password_hash,
        copies_for(tickets) if options.bulk else 1,
    )


def end_of(last: date | None, now: datetime) -> datetime:
    """Return the instant at which the story stops: the day's end, or now."""
    if last is None:
        return now
    midnight = demand.Window(last).ends_at
    return min(now, datetime.fromtimestamp(midnight - 1, UTC))


def copies_for(tickets: int) -> int:
    """Return how many copies of each history: a divisor of the number of tickets."""
    least = max(1, tickets // ORIGINALS)
    return next(n for n in range(least, tickets + 1) if tickets % n == 0)


def password_for(settings: Settings) -> str:
    given = environment().get("AIFF_DEV_PASSWORD")
    if given:
        check_password(given)
        return given
    if not settings.is_development:
        raise CannotSeed(
            "AIFF_ENV is not development, so the example accounts need a password "
            "of their own: set AIFF_DEV_PASSWORD."
        )
    return DEV_PASSWORD


def told_password() -> str:
    if environment().get("AIFF_DEV_PASSWORD"):
        return "that of AIFF_DEV_PASSWORD"
    return DEV_PASSWORD


def check_migrated(connection: Connection) -> None:
    if current_revision(connection) != head_revision():
        raise CannotSeed("the database is not migrated: make migrate.")


def take_turn(connection: Connection) -> None:
    """Let one seeder run at a time."""
    mine = connection.scalar(text("SELECT pg_try_advisory_xact_lock(:n)"), {"n": LOCK})
    if not mine:
        raise CannotSeed("another seeder is at work on this database.")


def check_empty(connection: Connection) -> None:
    for table in ("auth.users", "tickets.tickets"):
        found = connection.scalar(text(f"SELECT EXISTS (SELECT FROM {table})"))  # noqa: S608
        if found:
            raise NotEmpty(
                "the database is not empty. --append adds to it, --reset deletes "
                "every account and ticket first."
            )


def reset(connection: Connection, settings: Settings) -> None:
    """Delete everything but reference data and keys; in development only."""
    if not settings.is_development:
        raise CannotSeed("--reset deletes everything: only when AIFF_ENV=development.")
    tables = ", ".join(
        t.fullname for t in METADATA.sorted_tables if t.fullname not in KEPT
    )
    connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
    add_reference_data(connection)


def analyze(database: Database) -> None:
    """Let PostgreSQL know how much there is now, so that it plans well at once."""
    with database.transaction() as connection:
        for table in METADATA.sorted_tables:
            connection.execute(text(f"ANALYZE {table.fullname}"))


def say(line: str) -> None:
    print(line, flush=True)
