"""The command line of the importer: `python scripts/import_tickets.py`.

Ends with 0 when every sound row is in, 1 when there were bad ones, 2 when nothing
could be done at all.
"""

import argparse
import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.exc import OperationalError

from db.engine import Database
from db.migrate import current_revision, head_revision
from scripts.importing.drafts import Translator
from scripts.importing.load import BATCH, Result, Source, bring_in, foreseen
from scripts.importing.mapping import MappingError, read_mapping
from scripts.importing.survey import Reject, Survey, surveyed
from scripts.local.settings import environment
from scripts.work_database import given_url, run_with_local_database
from service_kit.clock import monotonic_s, utc_now
from service_kit.settings import BadSettings, Settings

SCRIPT = Path(__file__).resolve().parents[1] / "import_tickets.py"
SHOWN = 20  # bad rows on the screen
MENDED = {
    "clock_skew": "ends a little before their beginning, set to it",
    "ambiguous": "times in the hour that came twice, the first taken",
    "skipped_hour": "times in an hour that summer time skipped, moved on",
    "shortened": "texts shortened",
    "half_coordinates": "rows with half a point, left without",
}


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if given_url() is None:
        return run_with_local_database(str(SCRIPT), absolute(options))
    began = monotonic_s()
    try:
        bad = run(options)
    except (MappingError, BadSettings) as problem:
        print(f"Nothing imported: {problem}", file=sys.stderr)
        return 2
    except OperationalError as problem:
        print(f"The database is away: {problem.orig}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. Whole batches are in; run it again to go on.", file=sys.stderr)
        return 130
    print(f"{monotonic_s() - began:.0f} s.")
    return 1 if bad else 0


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="import_tickets.py",
        description="Bring tickets of another system in (docs/importing.md).",
    )
    add = found.add_argument
    add("file", type=Path, metavar="FILE", help="CSV, plain or .gz")
    add("--mapping", type=Path, required=True, help="what its columns mean, YAML")
    add("--dry-run", action="store_true", help="check everything, write nothing")
    add("--rejects", type=Path, help="write the bad rows there, CSV")
    add("--batch", type=int, default=BATCH, help="rows per transaction")
    return found


def absolute(options: argparse.Namespace) -> list[str]:
    """Return the arguments with whole paths, for a run in another folder."""
    found = ["--mapping", str(options.mapping.resolve()), f"--batch={options.batch}"]
    if options.rejects:
        found += ["--rejects", str(options.rejects.resolve())]
    if options.dry_run:
        found.append("--dry-run")
    return [*found, "--", str(options.file.resolve())]


def run(options: argparse.Namespace) -> bool:
    """Import a file; return whether it had bad rows."""
    settings = Settings.from_env("tickets", environment())
    if not options.file.is_file():
        raise MappingError(f"there is no file {options.file}")
    mapping = read_mapping(options.mapping)
    zone = ZoneInfo(settings.organisation_zone)
    source = Source(options.file, mapping, utc_now(), zone, max(1, options.batch))
    translator = Translator(mapping, source.now)
    survey = surveyed(options.file, translator)
    print(f"{survey.rows:,} rows read, {survey.good:,} of them sound.", flush=True)
    database = Database.at(settings.database_url, statement_timeout_ms=0)
    try:
        check_migrated(database)
        dry = options.dry_run
        result = (
            foreseen(database, source) if dry else bring_in(database, source, survey)
        )
        if result.created and not dry:
            analyze(database)
    finally:
        database.close()
    tell_result(result, dry=dry)
    tell_rows(survey, translator)
    rejects = sorted([*survey.rejects, *result.refused], key=lambda r: r.line)
    tell_rejects(rejects, options.rejects)
    return bool(rejects)


def check_migrated(database: Database) -> None:
    with database.read_only() as connection:
        if current_revision(connection) != head_revision():
            raise MappingError("the database is not migrated: make migrate")


def analyze(database: Database) -> None:
    """Let PostgreSQL know how much there is now, so that it plans well at once."""
    with database.transaction() as connection:
        for name in ("tickets", "ticket_events", "rollup", "ticket_counts"):
            connection.exec_driver_sql(f"ANALYZE tickets.{name}")


def tell_result(result: Result, *, dry: bool) -> None:
    would = "would be " if dry else ""
    print(
        f"{result.created:,} tickets {would}created, "
        f"{result.updated:,} {would}updated, "
        f"{result.unchanged:,} unchanged."
    )
    if result.duplicates:
        print(f"{result.duplicates:,} rows told of a ticket that an earlier row had.")
    if not (result.created or result.updated):
        print("Nothing is new.")


def tell_rows(survey: Survey, translator: Translator) -> None:
    """Say what was left out and what was mended."""
    for because, count in survey.skipped.items():
        print(f"{count:,} rows left out: {because}.")
    for name, count in translator.counts.items():
        if count:
            print(f"{count:,} {MENDED[name]}.")


def tell_rejects(rejects: Sequence[Reject], path: Path | None) -> None:
    if path is not None:
        write_rejects(path, rejects)
    if not rejects:
        return
    print(f"{len(rejects):,} bad rows:")
    for reject in rejects[:SHOWN]:
        ref = f" ({reject.external_ref})" if reject.external_ref else ""
        print(f"  line {reject.line}{ref}: {reject.reason}")
    if len(rejects) > SHOWN:
        where = f"all are in {path}" if path else "--rejects FILE writes them all"
        print(f"  … {where}")


def write_rejects(path: Path, rejects: Iterable[Reject]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "external_ref", "reason"])
        writer.writerows([r.line, r.external_ref, r.reason] for r in rejects)
