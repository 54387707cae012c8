"""A first look through the whole file: is every row sound, which zones and crews?

Keeps sums, not rows, so a file may be larger than memory.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scripts.importing.drafts import BadRow, TicketDraft, Translator
from scripts.importing.files import records


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not taken. line: where it ends in the file."""

    line: int
    external_ref: str
    reason: str


@dataclass(slots=True)
class Middle:
    """The mean of coordinates, one pair at a time."""

    count: int = 0
    lat_sum: float = 0.0
    lon_sum: float = 0.0

    def add(self, lat: float | None, lon: float | None) -> None:
        if lat is not None and lon is not None:
            self.count += 1
            self.lat_sum += lat
            self.lon_sum += lon

    @property
    def point(self) -> tuple[float, float] | None:
        """Return (latitude, longitude) to 0.0001 degrees, None without any."""
        if not self.count:
            return None
        return (
            round(self.lat_sum / self.count, 4),
            round(self.lon_sum / self.count, 4),
        )


@dataclass(slots=True)
class Crew:
    """What the rows tell of a team: where it works."""

    zones: Counter[str] = field(default_factory=Counter)
    middle: Middle = field(default_factory=Middle)


@dataclass(slots=True)
class Survey:
    """What a file holds. rows: without the header; good: those that become tickets."""

    rows: int = 0
    good: int = 0
    rejects: list[Reject] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    zones: dict[str, Middle] = field(default_factory=dict)
    crews: dict[str, Crew] = field(default_factory=dict)

    def add(self, draft: TicketDraft) -> None:
        self.good += 1
        zone, lat, lon = (draft.fields[name] for name in ("zone", "lat", "lon"))
        self.zones.setdefault(zone, Middle()).add(lat, lon)
        if draft.team:
            crew = self.crews.setdefault(draft.team, Crew())
            crew.zones[zone] += 1
            crew.middle.add(lat, lon)


def surveyed(path: Path, translator: Translator) -> Survey:
    """Return what the file holds; raises MappingError if it does not fit at all."""
    survey = Survey()
    for row in drafts(path, translator):
        survey.rows += 1
        match row:
            case TicketDraft():
                survey.add(row)
            case Reject():
                survey.rejects.append(row)
            case str():
                survey.skipped[row] += 1
    return survey


def drafts(path: Path, translator: Translator) -> Iterator[TicketDraft | Reject | str]:
    """Yield every row: a draft, a reject, or why the mapping leaves it out."""
    for line, record in records(path, translator.mapping):
        if isinstance(record, str):
            yield Reject(line, "", record)
            continue
        skipped = translator.skipped(record)
        if skipped is not None:
            yield skipped
            continue
        try:
            yield translator.draft(record, line)
        except BadRow as bad:
            yield Reject(line, translator.text("external_ref", record), str(bad))
