"""What a message names: tickets, periods, places, teams, words of the trade.

Pure: words and a gazetteer in, slots out. Each slot leaves a mark in `masked`, the
text by which the intent is judged, so that "tickets in Johor" and "tickets in Perak"
look the same to it. Refuses to decide what the message wants.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from ai_service.assistant import lexicon
from ai_service.assistant.gazetteer import Gazetteer
from ai_service.assistant.lexicon import UNFINISHED, by_phrase, phrases
from ai_service.assistant.periods import COUNT, UNITS, find_periods, number_of

TICKET = re.compile(
    r"(?<![\w@])(?:ctt[ _-]?|#|(?:ticket|tiket|tickets)"
    r"(?: (?:no|number|nombor|num|id|bernombor))?[ #]{1,2}(?:ctt[ _-]?)?)0*"
    r"(\d{1,12})(?![\w%])(?! (?:days?|hari|hours?|jam|weeks?|minggu|tickets?|tiket))"
)
N = rf"({COUNT[1:-1]})"
AGE_UNIT = r"(days?|weeks?|months?|hari|minggu|bulan)"
AGES = [
    re.compile(p)
    for p in (
        (
            rf"(?:older than|more than|over|at least|longer than|exceeding|beyond|above|"
            rf"lebih dari|lebih daripada|lebih|melebihi|sekurang-kurangnya|umur|usia|"
            rf"berusia|berumur|> ?) ?{N} {AGE_UNIT}(?: old| lama)?"
        ),
        rf"{N} {AGE_UNIT} (?:or older|or more|old|dan ke atas|ke atas|lebih|atau lebih)",
        rf"(?:for|selama) {N} {AGE_UNIT}",
    )
]
WINDOW = re.compile(
    rf"(?:within|in|next|dalam|masa)(?: the)?(?: next| coming)?(?: masa)? {N} "
    r"(hours?|hrs?|jam|minutes?|mins?|minit)(?: (?:akan datang|lagi|seterusnya|depan))?"
)
LIMITS = [
    re.compile(rf"(?<!\w){p}")
    for p in (
        (
            rf"(?:top|bottom|best|worst|first|latest|newest|last|oldest|lowest|highest) "
            rf"{N}(?! (?:days?|weeks?|months?|years?|hari|hours?))(?= |$)"
        ),
        (
            rf"{N} (?:tickets?|tiket|teams?|pasukan|zones?|zon)?(?: (?:yang )?)(?:terbaik|"
            r"teratas|tertinggi|terendah|terburuk|terkini|terbaru|paling|pertama|terlama|"
            r"terbanyak|terakhir|tercorot|teruk)"
        ),
        (
            rf"(?<!than )(?<!lebih ){N} (?:open |urgent |latest |recent )?"
            r"(?:tickets|tiket|teams|zones)(?= |$)"
        ),
    )
]
RECALL = re.compile(r"(?<!\w)(?:number|no|nombor|item|row) (\d{1,2})(?!\w)")
TIME_METRICS = ("avg_resolution_time", "avg_response_time")


def pattern_of(listed: Iterable[str]) -> "re.Pattern[str]":
    longest = sorted(set(listed), key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest))})(?![\w-])")


class Phrasebook:
    """A table {value: phrases}, ready to find in a text."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self.values = by_phrase(table)
        self.pattern = pattern_of(self.values)

    def find(self, text: str) -> list[str]:
        """Return the values in the order in which they are said, each once."""
        said = [self.values[m.group()] for m in self.pattern.finditer(text)]
        return list(dict.fromkeys(said))


STATUS = Phrasebook(lexicon.STATUS_PHRASES)
PRIORITY = Phrasebook(lexicon.PRIORITY_PHRASES)
CATEGORY = Phrasebook(lexicon.CATEGORY_PHRASES)
METRIC = Phrasebook(lexicon.METRIC_PHRASES)
RANK = Phrasebook(lexicon.RANK_PHRASES)
SORT = Phrasebook(lexicon.SORT_PHRASES)
FOCUS = Phrasebook(lexicon.FOCUS_PHRASES)
INCLUDE = Phrasebook(lexicon.INCLUDE_PHRASES)
AVAILABILITY = Phrasebook(lexicon.AVAILABILITY_PHRASES)
VERB = Phrasebook(lexicon.STATUS_VERBS)
GROUP = Phrasebook(lexicon.GROUP_WORDS)
OVERDUE, UNASSIGNED, MINE, MY_TEAM, RECOMMENDED, BREACHED, FOCUS_TICKET = (
    pattern_of(phrases(text))
    for text in (
        lexicon.OVERDUE,
        lexicon.UNASSIGNED,
        lexicon.MINE,
        lexicon.MY_TEAM,
        lexicon.RECOMMENDED,
        lexicon.BREACHED,
        lexicon.FOCUS_TICKET,
    )
)
ORDINAL_VALUES = {p: k for k, text in lexicon.ORDINALS.items() for p in phrases(text)}
ORDINAL = pattern_of(ORDINAL_VALUES)
GROUP_LEAD = "|".join(
    sorted(map(re.escape, phrases(lexicon.GROUP_LEADS)), key=len)[::-1]
)
GROUPED = re.compile(rf"(?<!\w)(?:{GROUP_LEAD}) (?:the )?({GROUP.pattern.pattern})")
GROUP_TAIL = re.compile(
    rf"(?<!\w)({GROUP.pattern.pattern}) (?:breakdown|wise|split|distribution|pecahan)"
)
WHICH_GROUP = re.compile(
    r"(?<!\w)(?:which|what|mana|apakah|manakah) (zone|zon|state|negeri|team|pasukan|"
    r"category|kategori|priority|keutamaan|status|area|kawasan|region)"
)
GROUP_WHICH = re.compile(
    r"(?<!\w)(zone|zon|negeri|team|pasukan|kategori|kawasan) (?:yang )?(?:mana|manakah)"
)
GROUP_WITH = re.compile(
    r"(?<!\w)(zones|states|teams|categories|zon|pasukan|negeri) (?:with|having|by number|"
    r"dengan|yang (?:ada|mempunyai)) "
)
RHYTHM = {
    "daily": "day",
    "harian": "day",
    "weekly": "week",
    "mingguan": "week",
    "monthly": "month",
    "bulanan": "month",
}


@dataclass(slots=True)
class Slots:
    """Everything a message names. `masked` is the text with marks for the slots."""

    text: str
    masked: str
    tickets: list[str] = field(default_factory=list)
    reference: str | None = None
    focus_ticket: bool = False
    statuses: list[str] = field(default_factory=list)
    priorities: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    zones: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    my_team: bool = False
    recommended_team: bool = False
    mine: bool = False
    unassigned: bool = False
    overdue: bool = False
    breached: bool = False
    periods: list[str] = field(default_factory=list)
    min_age_days: int | None = None
    window_hours: float | None = None
    limit: int | None = None
    group_by: str | None = None
    rank: str | None = None
    sort: str | None = None
    metrics: list[str] = field(default_factory=list)
    focus: str | None = None
    includes: list[str] = field(default_factory=list)
    availability: str | None = None
    verb: str | None = None
    unknown_zone: str | None = None
    unknown_team: str | None = None

    def is_only_tickets(self) -> bool:
        """Whether ticket numbers are all that was named."""
        others = (self.statuses, self.zones, self.teams, self.periods, self.group_by)
        return bool(self.tickets) and not any(others)

    def is_empty(self) -> bool:
        """Whether nothing that narrows a question was named."""
        return not any(
            (
                self.tickets,
                self.reference,
                self.statuses,
                self.priorities,
                self.categories,
                self.zones,
                self.teams,
                self.my_team,
                self.mine,
                self.unassigned,
                self.overdue,
                self.periods,
                self.min_age_days,
                self.group_by,
                self.rank,
                self.metrics,
                self.limit,
                self.window_hours,
            )
        )


def read_slots(text: str, names: Gazetteer, today: date) -> Slots:
    """Return the slots of a plain, spelled text."""
    slots = Slots(text=text, masked=text)
    read_tickets(slots)
    read_teams(slots, names)
    read_amounts(slots)
    read_periods(slots, today)
    read_groups(slots)
    read_zones(slots, names)
    read_flags(slots)
    read_trade_words(slots)
    return slots


def mask(slots: Slots, pattern: "re.Pattern[str]", mark: str) -> list["re.Match[str]"]:
    """Replace what matches by `mark`; return the matches."""
    found = list(pattern.finditer(slots.masked))
    if found:
        slots.masked = " ".join(pattern.sub(f" {mark} ", slots.masked).split())
    return found


def read_tickets(slots: Slots) -> None:
    found = mask(slots, TICKET, "zticket")
    slots.tickets = list(dict.fromkeys(f"CTT_{m.group(1)}" for m in found))
    if slots.tickets:
        return
    ordinal = ORDINAL.search(slots.masked)
    recalled = RECALL.search(slots.masked)
    if ordinal and not re.search(
        r"(?:first|pertama) (?:response|respons|visit)", slots.masked
    ):
        slots.reference = f"@{ORDINAL_VALUES[ordinal.group()]}"
        mask(slots, ORDINAL, "zref")
    elif recalled:
        slots.reference = f"@{int(recalled.group(1))}"
        mask(slots, RECALL, "zref")


def read_amounts(slots: Slots) -> None:
    for pattern in AGES:
        found = mask(slots, pattern, "zage")
        if found and slots.min_age_days is None:
            number, unit = found[0].group(1), found[0].group(2)
            slots.min_age_days = max(1, number_of(number) * UNITS[unit])
    windows = mask(slots, WINDOW, "zwindow")
    if windows:
        amount, unit = number_of(windows[0].group(1)), windows[0].group(2)
        slots.window_hours = amount / 60 if unit.startswith("min") else amount
    for pattern in LIMITS:
        for match in pattern.finditer(slots.masked):
            if slots.limit is None and number_of(match.group(1)) > 0:
                slots.limit = min(50, number_of(match.group(1)))


def read_periods(slots: Slots, today: date) -> None:
    found = find_periods(slots.masked, today)
    for one in reversed(found):
        head, tail = slots.masked[: one.start], slots.masked[one.end :]
        slots.masked = " ".join(f"{head} zperiod {tail}".split())
    slots.periods = [one.symbol for one in found]


def read_groups(slots: Slots) -> None:
    match = GROUPED.search(slots.masked) or GROUP_TAIL.search(slots.masked)
    if match:
        slots.group_by = GROUP.values[match.group(1)]
        return
    patterns = (WHICH_GROUP, GROUP_WHICH, GROUP_WITH)
    which = next((m for p in patterns if (m := p.search(slots.masked))), None)
    if which:
        slots.group_by = GROUP.values[which.group(1)]
        return
    for word, value in RHYTHM.items():
        if re.search(rf"(?<!\w){word}(?!\w)", slots.masked):
            slots.group_by = value


def read_teams(slots: Slots, names: Gazetteer) -> None:
    """Read teams first, for their names hold zones and numbers.

    "Selangor 7" followed by a unit ("Selangor 7 hari") is no team.
    """
    slots.my_team = bool(mask(slots, MY_TEAM, "zteam"))
    slots.recommended_team = bool(mask(slots, RECOMMENDED, "zrecommended"))
    loose = re.sub(r"(?<=\w)[_/-](?=\w)", " ", slots.masked)
    found = []
    for match in reversed(list(names.teams.pattern.finditer(loose))):
        tail = loose[match.end() :].split()
        is_count = re.search(r" [1-9]\d*$", match.group()) and tail[:1]
        if is_count and tail[0] in UNITS:
            continue
        found.append(names.teams.by_phrase[match.group()])
        loose = f"{loose[: match.start()]}zteam{loose[match.end() :]}"
    if found:
        slots.masked = " ".join(loose.split())
        slots.teams = list(dict.fromkeys(reversed(found)))


def read_zones(slots: Slots, names: Gazetteer) -> None:
    found = mask(slots, names.zones.pattern, "zzone")
    slots.zones = list(dict.fromkeys(names.zones.by_phrase[m.group()] for m in found))


def read_flags(slots: Slots) -> None:
    slots.mine = bool(mask(slots, MINE, "zmine"))
    slots.unassigned = bool(mask(slots, UNASSIGNED, "zunassigned"))
    slots.breached = bool(BREACHED.search(slots.masked))
    slots.overdue = bool(OVERDUE.search(slots.masked))
    slots.focus_ticket = not slots.tickets and bool(FOCUS_TICKET.search(slots.masked))


def read_trade_words(slots: Slots) -> None:
    text = slots.masked
    slots.metrics = METRIC.find(text)
    slots.rank = next(iter(RANK.find(text)), None)
    slots.sort = next(iter(SORT.find(text)), None)
    slots.focus = next(iter(FOCUS.find(text)), None)
    slots.includes = INCLUDE.find(text)
    slots.availability = next(iter(reversed(AVAILABILITY.find(text))), None)
    slots.verb = next(iter(VERB.find(text)), None)
    slots.categories = sorted(CATEGORY.find(text))
    mask(slots, CATEGORY.pattern, "zcat")
    slots.priorities = read_priorities(slots)
    slots.statuses = STATUS.find(slots.masked)
    mask(slots, STATUS.pattern, "zstatus")
    if UNFINISHED in slots.statuses:
        slots.statuses = [s for s in slots.statuses if s not in ("completed",)]


def read_priorities(slots: Slots) -> list[str]:
    """Return the priorities; a soft word ("high") counts only where it can mean one."""
    words = slots.masked.split()
    found = []
    for match in PRIORITY.pattern.finditer(slots.masked):
        place = len(slots.masked[: match.start()].split())
        if match.group() in lexicon.SOFT_PRIORITIES and not means_priority(
            words, place
        ):
            continue
        found.append((match, PRIORITY.values[match.group()]))
    for match, _ in reversed(found):
        head, tail = slots.masked[: match.start()], slots.masked[match.end() :]
        slots.masked = f"{head}zprio{tail}"
    order = list(lexicon.PRIORITY_PHRASES)
    return sorted({value for _, value in found}, key=order.index)


def means_priority(words: list[str], place: int) -> bool:
    """Whether a word such as "high" at `place` stands near one that makes it so."""
    before = words[place - 1] if place else ""
    if before in {"paling", "how", "so", "very", "too", "yang", "terlalu"}:
        return any(w in lexicon.PRIORITY_WORDS for w in words)
    near = words[max(0, place - 3) : place + 4]
    marks = (
        lexicon.PRIORITY_WORDS
        | lexicon.TICKET_WORDS
        | {"urgent", "p1", "to", "kepada", "ke"}
    )
    return any(w in marks for w in near)
