"""Periods of time in two languages: from words to a symbol, from a symbol to dates.

A symbol is one of the registry's (`today`, `last_week`, `last_7_days`, …) or an ISO
interval `from/to`, half-open, in days of the organisation's zone; weeks begin on
Monday. Pure: today is passed in. Works on words already made plain (normalising.py).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januari",
            "february feb februari",
            "march mar mac",
            "april apr",
            "may mei",
            "june jun",
            "july jul julai",
            "august aug ogos ogo",
            "september sept sep",
            "october oct oktober okt",
            "november nov",
            "december dec disember dis",
        ),
        1,
    )
    for name in names.split()
}
WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mon isnin",
            "tuesday tue tues selasa",
            "wednesday wed rabu",
            "thursday thu thurs khamis",
            "friday fri jumaat",
            "saturday sat sabtu",
            "sunday sun ahad",
        )
    )
    for name in names.split()
}
NUMBER_WORDS = {
    w: n
    for n, ws in enumerate(
        (
            "",
            "one a an satu se",
            "two dua",
            "three tiga",
            "four empat",
            "five lima",
            "six enam",
            "seven tujuh",
            "eight lapan",
            "nine sembilan",
            "ten sepuluh",
        )
    )
    for w in ws.split()
}
ALSO_OTHER_WORDS = {"may", "mar", "mac", "dis", "dec", "sep", "ogo"}
UNITS = {
    "day": 1,
    "days": 1,
    "hari": 1,
    "week": 7,
    "weeks": 7,
    "minggu": 7,
    "month": 30,
    "months": 30,
    "bulan": 30,
    "year": 365,
    "years": 365,
    "tahun": 365,
}
NAMED = {
    "week": "week",
    "minggu": "week",
    "month": "month",
    "bulan": "month",
    "quarter": "quarter",
    "suku": "quarter",
    "suku tahun": "quarter",
    "year": "year",
    "tahun": "year",
}
DAYS = {
    "today": "today",
    "hari ini": "today",
    "harini": "today",
    "pagi ini": "today",
    "this morning": "today",
    "tonight": "today",
    "yesterday": "yesterday",
    "semalam": "yesterday",
    "kelmarin": "yesterday",
    "malam tadi": "yesterday",
    "last night": "yesterday",
    "tomorrow": "tomorrow",
    "esok": "tomorrow",
}

MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
WEEKDAY = "|".join(sorted(WEEKDAYS, key=len, reverse=True))
COUNT = r"(\d{1,3}|" + "|".join(sorted(NUMBER_WORDS, key=len, reverse=True)) + ")"
UNIT = r"(days?|weeks?|months?|years?|hari|minggu|bulan|tahun)"
YEAR = r"(?: (20\d\d))?"
DAY_MONTH = rf"(\d{{1,2}})(?:st|nd|rd|th|hb)?(?: of)? ?({MONTH}){YEAR}"
MONTH_DAY = rf"({MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (20\d\d))?(?! ?({MONTH}))"
ISO = r"(20\d\d)-(\d{1,2})-(\d{1,2})"
SLASHED = r"(\d{1,2})/(\d{1,2})(?:/(20\d\d|\d\d))?"
ONE_DAY = rf"(?:{DAY_MONTH}|{MONTH_DAY}|{ISO}|{SLASHED}|{WEEKDAY})"
TO = r"(?: ?(?:to|until|till|through|hingga|sehingga|sampai|and|dan|-) ?)"


@dataclass(frozen=True, slots=True)
class Found:
    """A period in a text: its symbol and the span of characters it stands in."""

    symbol: str
    start: int
    end: int


def find_period(text: str, today: date) -> Found | None:
    """Return the most specific period of a plain text."""
    for pattern, read in GRAMMAR:
        for match in pattern.finditer(text):
            symbol = read(match, today)
            if symbol is not None:
                return Found(symbol, match.start(), match.end())
    return None


def find_periods(text: str, today: date) -> list[Found]:
    """Return all periods of a plain text, in the order in which they stand."""
    found = []
    while one := find_period(text, today):
        found.append(one)
        blank = " " * (one.end - one.start)
        text = text[: one.start] + blank + text[one.end :]
    return sorted(found, key=lambda f: f.start)


# ---- readers, one per line of the grammar --------------------------------------------

Reader = Callable[["re.Match[str]", date], str | None]


def interval(start: date | None, end: date | None) -> str:
    """Return the symbol of [start, end)."""
    return f"{start.isoformat() if start else ''}/{end.isoformat() if end else ''}"


def day_named(text: str, today: date) -> date | None:
    """Return the day that a date or weekday names; without a year, the latest past."""
    for pattern, order in (
        (DAY_MONTH, "dmy"),
        (MONTH_DAY, "mdy"),
        (ISO, "ymd"),
        (SLASHED, "dmy"),
    ):
        match = re.fullmatch(pattern, text)
        if match:
            return day_of(dict(zip(order, match.groups(), strict=False)), today)
    if text in WEEKDAYS:
        return today - timedelta(days=(today.weekday() - WEEKDAYS[text]) % 7)
    return None


def day_of(parts: dict[str, str | None], today: date) -> date | None:
    raw = str(parts["m"])
    month = MONTHS.get(raw) or (int(raw) if raw.isdigit() else 0)
    said = parts.get("y")
    year = int(said) if said else None
    if year is not None and year < 100:
        year += 2000
    try:
        found = date(year or today.year, month, int(parts["d"] or 0))
    except ValueError:
        return None
    if year is None and found > today + timedelta(days=180):
        found = found.replace(year=found.year - 1)
    return found


def read_range(match: "re.Match[str]", today: date) -> str | None:
    first, last = match.group("first"), match.group("last")
    end = day_named(last, today)
    start = day_named(first, today)
    if start is None and first.isdigit() and end is not None:  # "1 to 12 nov"
        try:
            start = end.replace(day=int(first))
        except ValueError:
            return None
    if start is None or end is None or end < start:
        return None
    return interval(start, end + timedelta(days=1))


def read_since(match: "re.Match[str]", today: date) -> str | None:
    start = day_named(match.group("day"), today)
    return interval(start, None) if start else None


def read_until(match: "re.Match[str]", today: date) -> str | None:
    end = day_named(match.group("day"), today)
    return interval(None, end) if end else None


def read_day(match: "re.Match[str]", today: date) -> str | None:
    day = day_named(match.group("day"), today)
    return interval(day, day + timedelta(days=1)) if day else None


def read_month(match: "re.Match[str]", today: date) -> str | None:
    name, year = match.group("month"), match.group("year")
    if name in ALSO_OTHER_WORDS and match.group(0) == name:
        return None
    month = MONTHS[name]
    chosen = int(year) if year else today.year - (month > today.month)
    start = date(chosen, month, 1)
    return interval(start, next_month(start))


def read_quarter(match: "re.Match[str]", today: date) -> str | None:
    number, year = int(match.group("q")), match.group("year")
    month = 3 * number - 2
    chosen = int(year) if year else today.year - (month > today.month)
    start = date(chosen, month, 1)
    return interval(start, next_month(next_month(next_month(start))))


def read_year(match: "re.Match[str]", _: date) -> str | None:
    year = int(match.group("year"))
    return interval(date(year, 1, 1), date(year + 1, 1, 1))


def number_of(word: str) -> int:
    return int(word) if word.isdigit() else NUMBER_WORDS[word]


def rolling(direction: str) -> Reader:
    def read(match: "re.Match[str]", _: date) -> str | None:
        days = number_of(match.group("n")) * UNITS[match.group("unit")]
        return f"{direction}_{days}_days" if days else None

    return read


def fixed(symbol: str) -> Reader:
    return lambda _match, _today: symbol


def named(which: str) -> Reader:
    def read(match: "re.Match[str]", _: date) -> str | None:
        unit = NAMED[match.group("unit").removesuffix(" tahun")]
        return f"{which}_{unit}"

    return read


N_UNIT = rf"(?P<n>{COUNT[1:-1]}) (?P<unit>{UNIT[1:-1]})"
CALENDAR_EN = r"(?P<unit>week|month|quarter|year)"
CALENDAR_MS = r"(?P<unit>minggu|bulan|suku tahun|suku|tahun)"


def lines() -> list[tuple[str, Reader]]:
    """Return the grammar, the more specific before the less."""
    day = ONE_DAY.replace("(", "(?:").replace("(?:?", "(?")
    past_ms = r"(?:lepas|lalu|sudah|sebelum(?: ini)?|kebelakangan(?: ini)?|terakhir)"
    next_ms = r"(?:depan|hadapan|akan datang|seterusnya|berikutnya)"
    lead = r"(?:from |between |dari |daripada |antara )?"
    days = rf"(?P<first>{day}|\d{{1,2}}){TO}(?P<last>{day})"
    return [
        (f"{lead}{days}", read_range),
        (rf"(?:since|sejak|from|dari|mulai|starting) (?P<day>{day})", read_since),
        (rf"(?:before|sebelum|until|hingga|sehingga) (?P<day>{day})", read_until),
        (rf"(?:last|past|previous|terakhir) {N_UNIT}", rolling("last")),
        (rf"(?:dalam )?{N_UNIT} (?:yang )?{past_ms}", rolling("last")),
        (rf"{N_UNIT} ago", rolling("last")),
        (rf"(?:next|coming|upcoming) {N_UNIT}", rolling("next")),
        (rf"{N_UNIT} (?:yang )?{next_ms}", rolling("next")),
        (r"(?:the )?past (?P<n>)(?P<unit>week|month|year)", read_past_unit),
        (rf"this {CALENDAR_EN}|current (?P<unit2>week|month|quarter|year)", read_this),
        (rf"(?:last|previous|prior) {CALENDAR_EN}", named("last")),
        (rf"(?:next|coming|upcoming) {CALENDAR_EN}", named("next")),
        (rf"{CALENDAR_MS} (?:ini|semasa)", named("this")),
        (rf"{CALENDAR_MS} {past_ms}", named("last")),
        (rf"{CALENDAR_MS} {next_ms}", named("next")),
        (rf"(?:on |pada )?(?P<day>{day})(?![\w/-])", read_day),
        (
            rf"(?:in |during |bulan |for )?(?P<month>{MONTH})(?: (?P<year>20\d\d))?",
            read_month,
        ),
        (r"(?:q|suku |quarter )(?P<q>[1-4])(?: (?P<year>20\d\d))?", read_quarter),
        (r"(?:in|for|during|tahun|year|pada) (?P<year>20\d\d)", read_year),
        *[(re.escape(words), fixed(symbol)) for words, symbol in DAYS.items()],
    ]


def read_past_unit(match: "re.Match[str]", _: date) -> str | None:
    return f"last_{UNITS[match.group('unit')]}_days"


def read_this(match: "re.Match[str]", _: date) -> str | None:
    return f"this_{match.group('unit') or match.group('unit2')}"


def compiled() -> list[tuple["re.Pattern[str]", Reader]]:
    return [(re.compile(rf"(?<![\w/-])(?:{p})(?![\w-])"), read) for p, read in lines()]


GRAMMAR = compiled()


# ---- from a symbol to days -----------------------------------------------------------


def next_month(day: date) -> date:
    """Return the first of the month after that of `day`."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def months_before(day: date, months: int) -> date:
    """Return the first of the month `months` before that of `day`."""
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def first_of(unit: str, today: date) -> date:
    if unit == "week":
        return today - timedelta(days=today.weekday())
    if unit == "month":
        return today.replace(day=1)
    if unit == "quarter":
        return date(today.year, today.month - (today.month - 1) % 3, 1)
    return date(today.year, 1, 1)


def moved(start: date, unit: str, steps: int) -> date:
    """Return the start of the unit `steps` after the one that begins at `start`."""
    if unit == "week":
        return start + timedelta(weeks=steps)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    return months_before(start, -steps * months)


def bounds(symbol: str, today: date) -> tuple[date | None, date | None]:
    """Return [from, to) in days; None where a side is open. Raises ValueError."""
    one = timedelta(days=1)
    if "/" in symbol:
        start, _, end = symbol.partition("/")
        return (
            date.fromisoformat(start) if start else None,
            date.fromisoformat(end) if end else None,
        )
    shift = {"yesterday": -1, "today": 0, "tomorrow": 1}.get(symbol)
    if shift is not None:
        return today + shift * one, today + (shift + 1) * one
    which, _, rest = symbol.partition("_")
    if rest.endswith("_days"):
        days = int(rest.removesuffix("_days"))
        if which == "last":
            return today - (days - 1) * one, today + one
        return today, today + days * one
    steps = {"this": 0, "last": -1, "next": 1}[which]
    start_of = moved(first_of(rest, today), rest, steps)
    return start_of, moved(start_of, rest, 1)
