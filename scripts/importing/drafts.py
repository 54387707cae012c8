"""From a row of a file to a ticket as the source tells it, or to the reason why not.

Pure: no database, no clock but the `now` it is given. Refuses to mend a row beyond
what the mapping allows; what it refuses names the field.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from db.vocabulary import Status
from scripts.importing.local_times import LocalTimes
from scripts.importing.mapping import Record, TicketMapping, slug

LONGEST: Mapping[str, int] = {
    "title": 200,
    "description": 10_000,
    "external_ref": 200,
    "zone": 200,
    "location": 500,
    "closing_note": 4_000,
}
FINISHED = {Status.COMPLETED, Status.CLOSED, Status.CANCELLED}
PLAIN = ("location", "customer_name", "customer_phone", "customer_email")
FUTURE_GRACE = timedelta(minutes=2)


class BadRow(Exception):
    """A row that cannot become a ticket; the text says which field and why."""


@dataclass(frozen=True, slots=True)
class TicketDraft:
    """A ticket as the source tells it.

    fields: columns of the ticket but its team and promise. team: the source's name
    of the crew. fingerprint: changes when anything here does.
    """

    external_ref: str
    fields: Mapping[str, Any]
    team: str
    status: Status
    opened_at: datetime
    promised_at: datetime | None
    completed_at: datetime | None
    closed_at: datetime | None
    closing_note: str
    fingerprint: str
    line: int = 0


@dataclass(slots=True)
class Translator:
    """Turns rows into drafts. counts: what was mended, by name."""

    mapping: TicketMapping
    now: datetime
    counts: Counter[str] = field(default_factory=Counter)
    times: LocalTimes = field(init=False)

    def __post_init__(self) -> None:
        mapping = self.mapping
        self.times = LocalTimes(mapping.time_zone, mapping.time_format, self.counts)

    def draft(self, record: Record, line: int = 0) -> TicketDraft:
        """Return the row as a ticket; raises BadRow."""
        opened_at = self.instant("opened_at", record)
        if opened_at is None:
            raise BadRow("opened_at: is empty")
        if opened_at > self.now + FUTURE_GRACE:
            raise BadRow("opened_at: lies in the future")
        completed_at = self.end("completed_at", record, opened_at)
        closed_at = self.end("closed_at", record, completed_at or opened_at)
        status = self.status(record, completed_at, closed_at)
        values: dict[str, Any] = {
            "external_ref": self.needed("external_ref", record),
            "team": self.text("team", record),
            "status": status,
            "opened_at": opened_at,
            "promised_at": self.promise(record, opened_at),
            "completed_at": completed_at or closed_at,
            "closed_at": closed_at if status is not Status.COMPLETED else None,
            "closing_note": self.text("closing_note", record),
            "fields": self.fields(record),
        }
        told = fingerprint(self.mapping.name, values)
        return TicketDraft(**values, fingerprint=told, line=line)

    def skipped(self, record: Record) -> str | None:
        """Return why the mapping leaves a row out, None if it does not."""
        for skip in self.mapping.skips:
            if skip.applies(record):
                return skip.because
        return None

    def fields(self, record: Record) -> dict[str, Any]:
        found: dict[str, Any] = {
            "title": self.needed("title", record),
            "description": self.text("description", record),
            "zone": self.needed("zone", record),
            "category": self.word("category", record),
            "priority": self.word("priority", record) or "medium",
            "cause": self.word("cause", record) or None,
            "tags": self.tags(record),
            "estimated_minutes": self.minutes(record),
        }
        found |= {name: self.text(name, record) or None for name in PLAIN}
        found["lat"], found["lon"] = self.point(record)
        if not found["category"]:
            raise BadRow("category: no rule fits and there is no default")
        return found

    def text(self, name: str, record: Record) -> str:
        read = self.mapping.texts.get(name)
        text = read(record).replace("\0", "") if read else ""
        longest = LONGEST.get(name)
        if longest is not None and len(text) > longest:
            self.counts["shortened"] += 1
            return text[: longest - 1] + "…"
        return text

    def needed(self, name: str, record: Record) -> str:
        text = self.text(name, record)
        if not text:
            raise BadRow(f"{name}: is empty")
        return text

    def word(self, name: str, record: Record) -> str:
        read = self.mapping.choices.get(name)
        return read(record) if read else ""

    def tags(self, record: Record) -> list[str]:
        found = [slug_tag(text) for read in self.mapping.tags if (text := read(record))]
        return sorted(set(found))

    def minutes(self, record: Record) -> int | None:
        text = self.text("estimated_minutes", record)
        if not text:
            return None
        if not text.isdigit() or not 0 < int(text) <= 100_000:
            raise BadRow(f"estimated_minutes: not whole minutes: {text[:40]!r}")
        return int(text)

    def point(self, record: Record) -> tuple[float | None, float | None]:
        """Return latitude and longitude; half a point is none, and counted."""
        texts = [self.text(name, record) for name in ("lat", "lon")]
        if not all(texts):
            if any(texts):
                self.counts["half_coordinates"] += 1
            return None, None
        try:
            lat, lon = (float(text) for text in texts)
        except ValueError:
            raise BadRow(
                f"coordinates: not numbers: {' '.join(texts)[:40]!r}"
            ) from None
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            raise BadRow(f"coordinates: not on Earth: {lat}, {lon}")
        return lat, lon

    def instant(
        self, name: str, record: Record, after: datetime | None = None
    ) -> datetime | None:
        text = self.text(name, record)
        if not text:
            return None
        try:
            return self.times.instant(text, after=after)
        except (ValueError, OverflowError):
            raise BadRow(f"{name}: not a time: {text[:40]!r}") from None

    def end(self, name: str, record: Record, start: datetime) -> datetime | None:
        """Return an instant that cannot precede `start`.

        One that does so by no more than the clocks may differ is set to it.
        """
        at = self.instant(name, record, after=start)
        if at is None or at >= start:
            if at is not None and at > self.now + FUTURE_GRACE:
                raise BadRow(f"{name}: lies in the future")
            return at
        if (start - at).total_seconds() <= self.mapping.clock_skew_s:
            self.counts["clock_skew"] += 1
            return start
        raise BadRow(f"{name}: lies before the ticket was opened")

    def promise(self, record: Record, opened_at: datetime) -> datetime | None:
        at = self.instant("promised_at", record, after=opened_at)
        if at is not None and at < opened_at:
            raise BadRow("promised_at: lies before the ticket was opened")
        return at

    def status(
        self, record: Record, completed_at: datetime | None, closed_at: datetime | None
    ) -> Status:
        """Return the status; the source's word and its times must agree."""
        if "status" not in self.mapping.choices:
            if closed_at is not None:
                return Status.CLOSED
            return Status.COMPLETED if completed_at is not None else Status.OPEN
        word = self.word("status", record)
        if not word:
            raise BadRow("status: a value that the mapping does not know")
        status = Status(word)
        ended = completed_at is not None or closed_at is not None
        if status in FINISHED and not ended:
            raise BadRow(f"closed_at: is empty, but the ticket is {word}")
        if status not in FINISHED and ended:
            raise BadRow(f"closed_at: is given, but the ticket is {word}")
        return status


def slug_tag(text: str) -> str:
    """Return a tag: lower case, words joined by dashes, `kind:value` kept."""
    kind, colon, value = text.partition(":")
    return f"{slug(kind)}:{slug(value)}" if colon else slug(text)


def fingerprint(mapping_name: str, values: Mapping[str, Any]) -> str:
    packed = repr((mapping_name, sorted(values.items(), key=lambda item: item[0])))
    return blake2b(packed.encode(), digest_size=9).hexdigest()
