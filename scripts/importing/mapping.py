"""What the columns of a file mean: a mapping in YAML, checked (docs/importing.md).

A mapping names columns, never code. Refuses unknown keys, so that a slip of the pen
is found before the first row; MappingError says where.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from db.vocabulary import Category, Cause, Priority, Status

Record = Mapping[str, str]
Reader = Callable[[Record], str]

TEXTS = (
    *("external_ref", "title", "description", "zone", "location", "lat", "lon"),
    *("team", "closing_note", "customer_name", "customer_phone", "customer_email"),
    *("estimated_minutes", "opened_at", "promised_at", "completed_at", "closed_at"),
)
CHOICES: Mapping[str, Sequence[str]] = {
    "status": tuple(Status),
    "category": tuple(Category),
    "priority": tuple(Priority),
    "cause": tuple(Cause),
}
REQUIRED = ("external_ref", "title", "zone", "opened_at", "category")
TOP_LEVEL = frozenset(
    [
        *("name", "title", "source", "licence", "encoding", "delimiter"),
        *("time_zone", "time_format", "clock_skew_seconds", "calendar"),
        *("zones", "tags", "ticket", "skip"),
    ]
)
PLACE = re.compile(r"\{([^{}:]+)(?::(int|slug))?\}")


class MappingError(Exception):
    """The mapping cannot be used; the text says where and why."""


@dataclass(frozen=True, slots=True)
class ZoneKind:
    """What new zones of this file get beside their name."""

    country: str
    subdivision: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """Rows that are left out on purpose, and why."""

    applies: Callable[[Record], bool]
    because: str


@dataclass(frozen=True, slots=True)
class TicketMapping:
    """A checked mapping. texts, choices: ticket field to a reader of its value.

    columns: every column that it reads. calendar: the weekly hours in which the
    promises of this source count, None for day and night.
    """

    name: str
    time_zone: ZoneInfo
    time_format: str
    zones: ZoneKind
    texts: Mapping[str, Reader]
    choices: Mapping[str, Reader]
    tags: tuple[Reader, ...]
    skips: tuple[Skip, ...]
    columns: frozenset[str]
    clock_skew_s: int = 0
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    calendar: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Draft:
    """Collects the columns that are named while a mapping is read."""

    columns: set[str] = field(default_factory=set)

    def value(self, raw: object, where: str) -> Reader:
        """Return the reader of a value: a column, a template, a text, or the first
        of several that is not empty."""
        if isinstance(raw, str):
            return self.template(raw) if "{" in raw else self.column(raw)
        found = as_object(
            raw, where, {"column", "template", "text", "first", "default"}
        )
        default = str(found.get("default", ""))
        kinds = [k for k in ("column", "template", "text", "first") if k in found]
        if len(kinds) != 1:
            raise MappingError(f"{where}: give one of column, template, text, first")
        kind = kinds[0]
        if kind == "text":
            text = str(found["text"])
            return lambda _: text
        if kind == "first":
            return self.first_of(as_list(found["first"], where), default)
        read = (self.column if kind == "column" else self.template)(str(found[kind]))
        return lambda record: read(record) or default

    def column(self, name: str) -> Reader:
        self.columns.add(name)
        return lambda record: record[name].strip()

    def first_of(self, names: Sequence[object], default: str) -> Reader:
        reads = [self.column(str(name)) for name in names]

        def first(record: Record) -> str:
            return next((text for read in reads if (text := read(record))), default)

        return first

    def template(self, text: str) -> Reader:
        """Return the reader of `"{A} / {B:int}"`: empty when every column is empty."""
        places = [(m[1], m[2]) for m in PLACE.finditer(text)]
        self.columns.update(name for name, _ in places)

        def filled(record: Record) -> str:
            if not any(record[name].strip() for name, _ in places):
                return ""
            return PLACE.sub(lambda m: shaped(record[m[1]].strip(), m[2]), text).strip()

        return filled

    def choice(self, raw: object, where: str, words: Sequence[str]) -> Reader:
        """Return the reader of a word: from a column's values, or by rules."""
        found = as_object(raw, where, {"column", "values", "rules", "default"})
        default = str(found.get("default") or "")
        check_word(default, words, f"{where}.default")
        if "rules" in found:
            return self.rules(as_list(found["rules"], where), default, words, where)
        values = as_object(found.get("values"), f"{where}.values", None)
        for word in values.values():
            check_word(str(word), words, f"{where}.values")
        read = self.column(str(found.get("column") or ""))
        known = {str(key): str(word) for key, word in values.items()}
        return lambda record: known.get(read(record), default)

    def rules(
        self, raw: Sequence[object], default: str, words: Sequence[str], where: str
    ) -> Reader:
        """Return the reader of the first rule that fits. `*` stands for anything."""
        rules: list[tuple[Mapping[str, Sequence[str]], str]] = []
        for n, entry in enumerate(raw):
            at = f"{where}.rules[{n}]"
            rule = as_object(entry, at, {"when", "use"})
            check_word(str(rule.get("use")), words, f"{at}.use")
            rules.append((self.condition(rule.get("when"), at), str(rule["use"])))
        names = sorted({name for when, _ in rules for name in when})

        @cache
        def decided(*values: str) -> str:
            record = dict(zip(names, values, strict=True))
            return next((use for when, use in rules if fits(when, record)), default)

        return lambda record: decided(*(record[name].strip() for name in names))

    def condition(self, raw: object, where: str) -> Mapping[str, Sequence[str]]:
        found = as_object(raw, f"{where}.when", None)
        self.columns.update(str(name) for name in found)
        return {
            str(name): [str(p) for p in (given if isinstance(given, list) else [given])]
            for name, given in found.items()
        }

    def skip(self, raw: object, where: str) -> Skip:
        found = as_object(raw, where, {"when", "before", "because"})
        because = str(found.get("because") or "left out by the mapping")
        if "before" in found:
            limits = as_object(found["before"], f"{where}.before", None)
            self.columns.update(str(name) for name in limits)
            return Skip(
                lambda r: any(r[str(name)] < str(v) for name, v in limits.items()),
                because,
            )
        when = self.condition(found.get("when"), where)
        return Skip(lambda record: fits(when, record), because)


def fits(when: Mapping[str, Sequence[str]], record: Record) -> bool:
    """Whether every named column has one of its values."""
    return all(
        any(fnmatchcase(record[name].strip(), pattern) for pattern in patterns)
        for name, patterns in when.items()
    )


def shaped(text: str, shape: str | None) -> str:
    if shape == "int" and text:
        return str(int(float(text)))
    return slug(text) if shape == "slug" else text


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def read_mapping(path: Path) -> TicketMapping:
    """Return the mapping of a file; raises MappingError."""
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise MappingError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise MappingError(f"{path}: not YAML: {error}") from error
    return mapping_from(raw)


def mapping_from(raw: object) -> TicketMapping:
    """Return a checked mapping from its parsed YAML; raises MappingError."""
    top = as_object(raw, "mapping", TOP_LEVEL)
    ticket = as_object(top.get("ticket"), "ticket", {*TEXTS, *CHOICES})
    for name in REQUIRED:
        if name not in ticket:
            raise MappingError(f"ticket.{name}: is required")
    draft = Draft()
    return TicketMapping(
        name=slug(str(top.get("name") or "")) or "import",
        time_zone=zone_of(top.get("time_zone")),
        time_format=str(top.get("time_format") or "iso"),
        zones=zone_kind(top.get("zones")),
        texts={
            name: draft.value(ticket[name], f"ticket.{name}")
            for name in TEXTS
            if name in ticket
        },
        choices={
            name: draft.choice(ticket[name], f"ticket.{name}", words)
            for name, words in CHOICES.items()
            if name in ticket
        },
        tags=tuple(
            draft.value(raw_tag, f"tags[{n}]")
            for n, raw_tag in enumerate(as_list(top.get("tags", []), "tags"))
        ),
        skips=tuple(
            draft.skip(entry, f"skip[{n}]")
            for n, entry in enumerate(as_list(top.get("skip", []), "skip"))
        ),
        columns=frozenset(draft.columns),
        clock_skew_s=int(top.get("clock_skew_seconds") or 0),
        encoding=str(top.get("encoding") or "utf-8-sig"),
        delimiter=str(top.get("delimiter") or ","),
        calendar=top.get("calendar"),
    )


def zone_kind(raw: object) -> ZoneKind:
    found = as_object(raw, "zones", {"country", "subdivision", "region"})
    country = str(found.get("country") or "")
    if not re.fullmatch(r"[A-Z]{2}", country):
        raise MappingError("zones.country: an ISO 3166 code of two letters is required")
    return ZoneKind(country, found.get("subdivision"), found.get("region"))


def zone_of(raw: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(raw))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MappingError(f"time_zone: no such time zone: {raw}") from error


def check_word(word: str, words: Sequence[str], where: str) -> None:
    if word and word not in words:
        raise MappingError(f"{where}: {word!r} is none of: {', '.join(words)}")


def as_object(
    raw: object, where: str, known: set[str] | frozenset[str] | None
) -> dict[str, Any]:
    """Return a YAML object; raises MappingError on another kind or an unknown key."""
    if not isinstance(raw, dict):
        raise MappingError(f"{where}: must be an object")
    for name in raw:
        if known is not None and name not in known:
            raise MappingError(f"{where}.{name}: unknown key")
    return raw


def as_list(raw: object, where: str) -> list[object]:
    if not isinstance(raw, list):
        raise MappingError(f"{where}: must be a list")
    return raw
