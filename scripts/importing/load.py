"""Bring a surveyed file in: batch by batch, each a transaction of its own.

Two processes live and pack the tickets while this one writes. What is there already
is told what is new at the end. One import runs at a time. Figures are written with
their tickets as deltas and folded once at the end; if it does not come to that, the
worker folds them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from db.engine import Database
from db.vocabulary import Via
from scripts.bulk import parcels
from scripts.bulk.histories import ReadBook
from scripts.bulk.pool import workers
from scripts.importing import lives, news, places
from scripts.importing.drafts import TicketDraft, Translator
from scripts.importing.lives import Batch, Scene
from scripts.importing.mapping import MappingError, TicketMapping
from scripts.importing.survey import Reject, Survey, drafts
from scripts.progress import Progress
from tickets_service import fold
from tickets_service.books import Shelf, StoredBook
from tickets_service.storage import Request, World

BATCH, NEWS_BATCH = 4_000, 200
WORTH_PROCESSES = 3_000  # rows; below that, starting processes takes longer
LOCK = 0x494D504F  # "IMPO"
Known = dict[str, tuple[int, str | None]]  # external_ref to ticket and fingerprint


@dataclass(slots=True)
class Result:
    """What became of the rows that are sound."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    zones: int = 0
    refused: list[Reject] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Source:
    """A file with its mapping, at an instant, for an organisation in `zone`."""

    path: Path
    mapping: TicketMapping
    now: datetime
    zone: ZoneInfo
    batch: int = BATCH

    def drafts(self) -> Iterator[TicketDraft]:
        """Yield the sound rows again; what is wrong was told by the survey."""
        translator = Translator(self.mapping, self.now)
        return (d for d in drafts(self.path, translator) if isinstance(d, TicketDraft))


@dataclass(frozen=True, slots=True)
class Seen:
    """A ticket as this file has told of it so far.

    fingerprint: of its latest row; stored: of what was last imported before;
    ticket_id None: it is new.
    """

    fingerprint: str
    ticket_id: int | None = None
    stored: str | None = None


@dataclass(slots=True)
class Sorting:
    """Sorts rows into new tickets, news of known ones, and nothing new.

    news: by external_ref the ticket (None: one that this file makes) and its
    latest row.
    """

    result: Result
    seen: dict[str, Seen] = field(default_factory=dict)
    news: dict[str, tuple[int | None, TicketDraft]] = field(default_factory=dict)

    def new_ones(
        self, connection: Connection, batch: Sequence[TicketDraft]
    ) -> list[TicketDraft]:
        """Return the rows of tickets that are not there yet."""
        known = known_refs(connection, [draft.external_ref for draft in batch])
        return [draft for draft in batch if self.is_new(draft, known)]

    def is_new(self, draft: TicketDraft, known: Known) -> bool:
        ref, told = draft.external_ref, draft.fingerprint
        before = self.seen.get(ref)
        if before is not None:
            self.result.duplicates += 1
            self.sort_known(
                draft, replace(before, fingerprint=told), before.fingerprint
            )
            return False
        if ref not in known:
            self.seen[ref] = Seen(told)
            return True
        self.sort_known(draft, Seen(told, *known[ref]), None)
        return False

    def sort_known(
        self, draft: TicketDraft, now: Seen, told_before: str | None
    ) -> None:
        """Keep the latest row of a ticket if it says anything new."""
        ref = draft.external_ref
        self.seen[ref] = now
        if now.fingerprint == now.stored:
            self.news.pop(ref, None)
        elif now.fingerprint != told_before:
            self.news[ref] = (now.ticket_id, draft)

    def finish(self) -> None:
        """Count the tickets that were there and of which nothing is new."""
        self.result.unchanged += sum(
            seen.ticket_id is not None and ref not in self.news
            for ref, seen in self.seen.items()
        )


def known_refs(connection: Connection, refs: Sequence[str]) -> Known:
    """Return {external_ref: (ticket, what its row last said)} of those there."""
    rows = connection.execute(
        text(
            "SELECT t.external_ref, t.id, i.fingerprint FROM tickets.tickets t "
            "LEFT JOIN tickets.imported_rows i USING (external_ref) "
            "WHERE t.external_ref = ANY(:refs)"
        ),
        {"refs": list(refs)},
    )
    return {ref: (ticket_id, fingerprint) for ref, ticket_id, fingerprint in rows}


def bring_in(database: Database, source: Source, survey: Survey) -> Result:
    """Write what is new; return what became of the rows."""
    result = Result()
    with one_at_a_time(database) as connection:
        scene = prepared(database, source, survey, result)
        sorting = Sorting(result)
        with Progress("rows", survey.good, what="importing") as progress:
            open_new_ones(database, source, scene, sorting, progress)
        tell_news(database, scene, sorting)
        if result.created or result.updated:
            parcels.fold_all_figures(connection)
            connection.commit()
    return result


@contextmanager
def one_at_a_time(database: Database) -> Iterator[Connection]:
    """Yield a connection that holds the locks of importing and of folding figures.

    Raises MappingError if another import runs.
    """
    with database.engine.connect() as connection:
        mine = connection.scalar(text("SELECT pg_try_advisory_lock(:n)"), {"n": LOCK})
        if not mine:
            raise MappingError("another import is at work on this database")
        connection.execute(text("SELECT pg_advisory_lock(:n)"), {"n": fold.FOLD_LOCK})
        connection.commit()
        try:
            yield connection
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock_all()"))
            connection.commit()


def prepared(
    database: Database, source: Source, survey: Survey, result: Result
) -> Scene:
    """Add zones, promise, teams and account; return what the tickets need."""
    with database.transaction() as connection:
        by = places.importer(connection)
        result.zones = places.add_zones(connection, source.mapping, survey.zones)
        if survey.zones:
            places.add_promise(connection, source.mapping, survey.zones, by, source.now)
        teams = places.team_ids(connection, survey.crews)
        book = ReadBook.of(connection)
    return Scene(by, source.now, book, source.zone, teams)


def open_new_ones(
    database: Database,
    source: Source,
    scene: Scene,
    sorting: Sorting,
    progress: Progress,
) -> None:
    processes = None if progress.total >= WORTH_PROCESSES else 1
    pieces = new_batches(database, source, sorting, progress)
    with workers(lives.set_scene, (scene,), count=processes) as work:
        for batch in work(lives.lived, pieces):
            write(database, batch)
            sorting.result.created += len(batch.accepted)
            sorting.result.refused += [rejected(*refusal) for refusal in batch.refused]
            progress.add(len(batch.accepted) + len(batch.refused))


def new_batches(
    database: Database, source: Source, sorting: Sorting, progress: Progress
) -> Iterator[list[TicketDraft]]:
    """Yield what is new, a batch of the file at a time."""
    for batch in in_batches(source.drafts(), source.batch):
        with database.read_only() as connection:
            new = sorting.new_ones(connection, batch)
        progress.add(len(batch) - len(new))
        if new:
            yield new


def in_batches(rows: Iterator[TicketDraft], size: int) -> Iterator[list[TicketDraft]]:
    batch: list[TicketDraft] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def write(database: Database, batch: Batch) -> None:
    """Write a batch with its figures in one transaction."""
    with database.transaction() as connection:
        first = parcels.next_number(connection)
        parcel = batch.numbered(first)
        parcels.send(connection, parcel)
        parcels.count_numbers(connection, first - 1 + parcel.tickets)
        parcels.send_figures(connection, parcel)
        remember(connection, batch.accepted)


def remember(connection: Connection, told: Sequence[TicketDraft]) -> None:
    """Keep what the rows said, to know them again."""
    if told:
        connection.execute(
            text(
                "INSERT INTO tickets.imported_rows (external_ref, fingerprint) "
                "SELECT * FROM unnest(CAST(:refs AS text[]), CAST(:prints AS text[])) "
                "ON CONFLICT (external_ref) "
                "DO UPDATE SET fingerprint = excluded.fingerprint"
            ),
            {
                "refs": [draft.external_ref for draft in told],
                "prints": [draft.fingerprint for draft in told],
            },
        )


def tell_news(database: Database, scene: Scene, sorting: Sorting) -> None:
    """Tell the tickets that are there what their rows say now."""
    progress = Progress("rows", len(sorting.news), what="bringing up to date")
    sorting.finish()
    news_rows = list(sorting.news.values())
    for start in range(0, len(news_rows), NEWS_BATCH):
        batch = news_rows[start : start + NEWS_BATCH]
        with database.transaction() as connection:
            outcome = news.bring_up_to_date(
                connection,
                with_ids(connection, batch),
                Request(scene.actor, scene.now),
                World(StoredBook(connection, Shelf()), scene.zone, Via.IMPORT),
                scene.team_ids,
            )
            refused = {draft.external_ref for draft, _ in outcome.refused}
            told = [d for _, d in batch if d.external_ref not in refused]
            remember(connection, told)
        sorting.result.updated += outcome.updated
        sorting.result.unchanged += outcome.unchanged
        sorting.result.refused += [rejected(*refusal) for refusal in outcome.refused]
        progress.add(len(batch))


def with_ids(
    connection: Connection, batch: Sequence[tuple[int | None, TicketDraft]]
) -> list[tuple[int, TicketDraft]]:
    """Return the batch with the tickets that this very file has made."""
    refs = [draft.external_ref for ticket_id, draft in batch if ticket_id is None]
    made = known_refs(connection, refs) if refs else {}
    return [
        (ticket_id or made[draft.external_ref][0], draft)
        for ticket_id, draft in batch
        if ticket_id or draft.external_ref in made
    ]


def rejected(draft: TicketDraft, reason: str) -> Reject:
    return Reject(draft.line, draft.external_ref, reason)


def foreseen(database: Database, source: Source) -> Result:
    """Return what `bring_in` would do, as far as reading can tell; writes nothing."""
    sorting = Sorting(Result())
    for batch in in_batches(source.drafts(), source.batch):
        with database.read_only() as connection:
            sorting.result.created += len(sorting.new_ones(connection, batch))
    sorting.finish()
    sorting.result.updated = len(sorting.news)
    return sorting.result
