"""`python -m scripts.local.backup save|restore [FILE]`: the whole database in one file.

Uses `pg_dump` and `pg_restore` of the server's own version. `restore` refuses a
database that holds anything, and applies the file in one transaction.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psycopg2

from scripts.local.postgres import Binaries, candidates
from scripts.local.processes import CannotStart
from scripts.local.settings import PROJECT, SERVICES, LocalSettings
from scripts.local.system import System, libpq_url, running_url
from service_kit.clock import utc_now


def save(url: str, binaries: Binaries, target: Path) -> None:
    """Write a consistent picture of the database; readable by its owner only."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".part")
    unfinished.touch(mode=0o600)
    _run(binaries, "pg_dump", "--format=custom", f"--file={unfinished}", url)
    unfinished.replace(target)


def restore(url: str, binaries: Binaries, source: Path) -> None:
    """Put a file of `save` into an empty database; raises CannotStart otherwise."""
    if not source.is_file():
        raise CannotStart(f"There is no file {source}.")
    if tables := _tables(url):
        raise CannotStart(
            f"The database already holds {tables} tables; a backup goes into an empty "
            "one. Point AIFF_VAR_DIR or DATABASE_URL to another, or make clean-data."
        )
    _make_roles(url)
    _run(
        binaries, "pg_restore", "--single-transaction", "--exit-on-error",
        f"--dbname={url}", str(source),
    )  # fmt: skip


def _tables(url: str) -> int:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        row = cursor.fetchone()
    connection.close()
    return int(row[0]) if row else 0


def _make_roles(url: str) -> None:
    """The file grants to the writer roles; it does not hold them."""
    text = (PROJECT / "db" / "roles.sql").read_text()
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(text)
    connection.close()


def _run(binaries: Binaries, program: str, *arguments: str) -> None:
    done = subprocess.run(
        [binaries.program(program), *arguments],
        check=False,
        env={**os.environ, **binaries.environment()},
    )
    if done.returncode:
        raise CannotStart(f"{program} ended with {done.returncode}.")


def tools(system: System) -> Binaries:
    """Return programs that can talk to the server: its own, or the newest."""
    if system.cluster is not None:
        return system.cluster.binaries
    known = candidates(system.settings.values.get("PG_BIN", ""))
    if not known:
        raise CannotStart("No pg_dump was found: set PG_BIN to its folder.")
    return max(known, key=lambda binaries: binaries.major)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("save", "restore"))
    parser.add_argument("file", nargs="?", type=Path)
    given = parser.parse_args(arguments)
    if given.what == "restore" and given.file is None:
        parser.error("restore needs a file: make restore FROM=backups/….dump")
    settings = LocalSettings.read()
    system = System(settings)
    try:
        with ExitStack() as stack:
            url = running_url(settings)
            cluster = system.cluster
            if url is None and cluster is not None and not cluster.answers():
                cluster.start(subprocess.DEVNULL)
                stack.callback(cluster.stop)
            return _do(system, url or system.owner_url, given.what, given.file)
    except CannotStart as problem:
        print(problem, file=sys.stderr)
        return 1


def _do(system: System, address: str, what: str, file: Path | None) -> int:
    url = libpq_url(address)
    if what == "restore" and file is not None:
        restore(url, tools(system), file)
        system.give_logins(url)
        print(f"Restored {file} ({len(SERVICES)} services may log in).")
        return 0
    target = file or PROJECT / "backups" / f"aiff-{utc_now():%Y%m%dT%H%M%SZ}.dump"
    save(url, tools(system), target)
    print(f"Saved {target} ({target.stat().st_size / 1e6:.1f} MB).")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
