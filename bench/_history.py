"""A made-up history of any size, straight into tickets and daily figures by COPY.

Vectorised, so that a million tickets take a minute or two where the rules of the
service would take an hour. The daily figures are counted from the same columns, in
every cut and grain that the endpoints read; what is loaded is measured, not judged.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import psycopg2

from db.reference import STATES
from db.vocabulary import Category, Priority
from tickets_service.rollup import BIN_WIDTH, HISTOGRAMS, MEASURES, MOST_BINS

DAYS = 730
TEAMS_A_ZONE, PEOPLE_A_TEAM = 4, 3
ZONES = tuple(state.name for state in STATES)
CATEGORIES, PRIORITIES = tuple(map(str, Category)), tuple(map(str, Priority))
CUTS = ("", "z", "t", "c", "p", "zt", "zc", "zp", "tc", "ztk")
EPOCH = date(1970, 1, 1).toordinal()
Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass
class Tickets:
    """One array per column; instants are seconds since 1970 UTC, -1 where none."""

    zone: Ints
    team: Ints  # 0: none
    person: Ints
    category: Ints
    priority: Ints
    minutes: Ints
    created: Ints
    responded: Ints
    completed: Ints
    due: Ints
    now: int

    @property
    def size(self) -> int:
        return len(self.zone)


def made(size: int, now: datetime) -> Tickets:
    """Return tickets of the last two years, the same for the same size and day."""
    rng = np.random.default_rng(11)
    end = int(now.timestamp())
    zone = rng.integers(0, len(ZONES), size)
    team = 1 + zone * TEAMS_A_ZONE + rng.integers(0, TEAMS_A_ZONE, size)
    team[rng.random(size) < 0.05] = 0
    person = np.where(
        team > 0,
        1 + (team - 1) * PEOPLE_A_TEAM + rng.integers(0, PEOPLE_A_TEAM, size),
        0,
    )
    created = np.sort(end - rng.integers(0, DAYS * 86_400, size))
    responded = created + rng.lognormal(8, 1, size).astype(np.int64)
    completed = responded + rng.lognormal(10.5, 1.2, size).astype(np.int64)
    never = (team == 0) | (rng.random(size) < 0.01)
    due = created + rng.choice([4, 8, 16, 40], size) * 7_200
    return Tickets(
        zone,
        team,
        person,
        rng.integers(0, len(CATEGORIES), size),
        rng.integers(0, len(PRIORITIES), size),
        rng.choice([30, 60, 90, 120], size),
        created,
        np.where((team == 0) | (responded > end), -1, responded),
        np.where(never | (completed > end), -1, completed),
        due,
        end,
    )


def load(url: str, size: int, now: datetime) -> None:
    """Fill an empty, migrated database."""
    tickets = made(size, now)
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        indexes = take_indexes(cursor)
        # Analytics never searches, and the texts take minutes.
        cursor.execute("ALTER TABLE tickets.tickets DISABLE TRIGGER search_text")
        add_people(cursor)
        copy(cursor, "tickets.tickets", COLUMNS, ticket_rows(tickets))
        names = ("cut", "grain", "zone", "team_id", "starts_on", "category")
        columns = (*names, "priority", "technician_id", *MEASURES, "extra", "bins")
        for cut in CUTS:
            for grain in "dwma":
                copy(cursor, "tickets.rollup", columns, figures(tickets, cut, grain))
        for statement in indexes:
            cursor.execute(statement)
    connection.autocommit = True
    connection.cursor().execute("VACUUM ANALYZE")
    connection.close()


def take_indexes(cursor: Any) -> list[str]:
    """Drop the indexes of the large tables; return how to make them again.

    Building them afterwards takes a third of the time. Those of tags are not made
    again: analytics never asks for them.
    """
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'tickets' "
        "AND tablename IN ('tickets', 'rollup') AND indexname LIKE 'ix_%'"
    )
    found = dict(cursor.fetchall())
    for name in found:
        cursor.execute(f"DROP INDEX tickets.{name}")
    return [text for text in found.values() if " USING gin " not in text]


def add_people(cursor: Any) -> None:
    for n, zone in enumerate(np.repeat(ZONES, TEAMS_A_ZONE), 1):
        cursor.execute(
            "INSERT INTO auth.teams (id, name, zone) VALUES (%s, %s, %s)",
            (n, f"Team {n}", str(zone)),
        )
        for person in range(PEOPLE_A_TEAM):
            number = 1 + (n - 1) * PEOPLE_A_TEAM + person
            name = f"tech{number}"
            cursor.execute(
                "INSERT INTO auth.users (id, username, username_key, email, "
                "email_key, role, team_id) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (number, name, name, f"{name}@x", f"{name}@x", "technician", n),
            )
    for table in ("teams", "users"):
        cursor.execute(
            f"SELECT setval('auth.{table}_id_seq', (SELECT max(id) FROM auth.{table}))"
        )


COLUMNS = (
    *("id", "title", "status", "priority", "category", "zone", "team_id"),
    *("technician_id", "created_by", "created_at", "updated_at", "opened_at"),
    *("completed_at", "responded_at", "estimated_minutes", "memo", "policy_id"),
    *("response_wall_s", "response_elapsed_s", "resolution_wall_s"),
    *("resolution_elapsed_s", "breached_at", "resolution_verdict"),
)


def ticket_rows(t: Tickets) -> Iterator[str]:
    def at(second: int) -> str:
        return datetime.fromtimestamp(second, UTC).isoformat() if second >= 0 else NULL

    rows = zip(
        *(a.tolist() for a in (t.zone, t.team, t.person, t.category, t.priority)),
        *(a.tolist() for a in (t.minutes, t.created, t.responded, t.completed, t.due)),
        strict=True,
    )
    for n, row in enumerate(rows, 1):
        zone, team, person, category, priority, minutes = row[:6]
        created, responded, completed, due = row[6:]
        done = completed >= 0
        late = due < (completed if done else t.now)
        wall = str(completed - created) if done else NULL
        first = str(responded - created) if responded >= 0 else NULL
        yield "\t".join(
            (
                *(str(n), "Bench", "completed" if done else "open"),
                *(PRIORITIES[priority], CATEGORIES[category], ZONES[zone]),
                *(str(team) if team else NULL, str(person) if person else NULL),
                *("1", at(created), at(created), at(created)),
                *(at(completed), at(responded), str(minutes), '{"absences": []}', "1"),
                *(first, first, wall, wall, at(due) if late else NULL),
                ("missed" if late else "met") if done else NULL,
            )
        )


NULL = r"\N"


def figures(t: Tickets, cut: str, grain: str) -> Iterator[str]:
    """Yield the rows of one cut and grain, as COPY takes them."""
    cells, parts = cells_of(t, cut)
    sums: list[tuple[str, Ints, Ints]] = []
    counted: list[tuple[Ints, str, Ints]] = []
    for day, mask, measures, bins in contributions(t):
        key = starts(day, grain)[mask] * parts + cells[mask]
        sums += [(name, key, values[mask]) for name, values in measures.items()]
        counted += [(key, name, seconds[mask]) for name, seconds in bins.items()]
    keys = np.unique(np.concatenate([key for _, key, _ in sums]))
    table = np.zeros((len(keys), len(MEASURES)), dtype=np.int64)
    for name, key, values in sums:
        places = np.searchsorted(keys, key)
        added = np.bincount(places, values, minlength=len(keys))
        table[:, MEASURES.index(name)] += added.astype(np.int64)
    extras, packed = histograms(keys, counted)
    for place, (key, row) in enumerate(zip(keys.tolist(), table.tolist(), strict=True)):
        day, cell = divmod(key, parts)
        names = "\t".join(names_of(cut, grain, day, cell))
        texts = "\t".join(map(str, row))
        yield f"{names}\t{texts}\t{extras[place]}\t{packed[place]}"


def contributions(t: Tickets) -> Iterator[tuple[Ints, Any, dict[str, Any], Any]]:
    """Yield (day, rows that count, measures, histograms) as the roll-up has them."""
    done, answered = t.completed >= 0, t.responded >= 0
    met = done & (t.completed <= t.due)
    missed = np.where(done, t.completed, t.now) > t.due
    wall, first = t.completed - t.created, t.responded - t.created
    one = np.ones(t.size, dtype=np.int64)
    opened = {"created": one, "workload_minutes": t.minutes, "backlog_delta": one}
    yield day_of(t.created), slice(None), opened, {}
    yield day_of(t.created), ~done, {"unfinished_open": one}, {}
    finished = {
        "completed": one,
        "backlog_delta": -one,
        "first_visit_fixed": one,
        "visits_done": one,
        "resolution_wall_s": wall,
        "resolution_work_s": wall,
        "on_site_s": 3_600 * one,
        "travel_s": 1_800 * one,
    }
    yield day_of(t.completed), done, finished, {"rw": wall, "rk": wall}
    answers = {"responded": one, "response_wall_s": first, "response_work_s": first}
    bins = {"fw": first, "fk": first}
    yield day_of(t.responded), answered, {**answers, "response_met": one}, bins
    yield day_of(t.completed), met, {"resolution_met": one}, {}
    yield day_of(t.due), missed, {"resolution_missed": one}, {}


def day_of(seconds: Ints) -> Ints:
    """Return local days (UTC+8) since 1970."""
    return (seconds + 8 * 3_600) // 86_400


def starts(day: Ints, grain: str) -> Ints:
    if grain == "w":
        return day - (day + 3) % 7
    if grain == "m":
        months = day.astype("datetime64[D]").astype("datetime64[M]")
        return months.astype("datetime64[D]").astype(np.int64)
    return day if grain == "d" else np.zeros_like(day)


def cells_of(t: Tickets, cut: str) -> tuple[Ints, int]:
    """Return the number of each ticket's cell in the cut, and how many there can be."""
    dimensions = {
        "z": (t.zone, len(ZONES)),
        "t": (t.team, 1 + len(ZONES) * TEAMS_A_ZONE),
        "c": (t.category, len(CATEGORIES)),
        "p": (t.priority, len(PRIORITIES)),
        "k": (t.person, 1 + len(ZONES) * TEAMS_A_ZONE * PEOPLE_A_TEAM),
    }
    cell, size = np.zeros(t.size, dtype=np.int64), 1
    for letter in cut:
        values, n = dimensions[letter]
        cell, size = cell * n + values, size * n
    return cell, size


def names_of(cut: str, grain: str, day: int, cell: int) -> Sequence[str]:
    """Return the key of a row, in the order of the columns."""
    sizes = {"z": len(ZONES), "t": 1 + len(ZONES) * TEAMS_A_ZONE}
    sizes |= {"c": len(CATEGORIES), "p": len(PRIORITIES)}
    sizes["k"] = 1 + len(ZONES) * TEAMS_A_ZONE * PEOPLE_A_TEAM
    found: dict[str, int] = {}
    for letter in reversed(cut):
        cell, found[letter] = divmod(cell, sizes[letter])
    return (
        *(cut, grain),
        ZONES[found["z"]] if "z" in found else "",
        str(found.get("t", -1)),
        date.fromordinal(EPOCH + day).isoformat(),
        CATEGORIES[found["c"]] if "c" in found else "",
        PRIORITIES[found["p"]] if "p" in found else "",
        str(found.get("k", -1)),
    )


# The counters' names by their packed code, as they stand in the JSON.
NAMES = [f'"{name}:{n}":' for name in HISTOGRAMS for n in range(MOST_BINS)]
PACKED = np.dtype([("code", "<u2"), ("count", "<i4")])


def histograms(
    keys: Ints, parts: list[tuple[Ints, str, Ints]]
) -> tuple[list[str], list[str]]:
    """Return the counters of each key, as JSON and packed, as COPY takes them."""
    codes = [
        HISTOGRAMS.index(name) * MOST_BINS + bins_of(seconds)
        for _, name, seconds in parts
    ]
    size = len(HISTOGRAMS) * MOST_BINS
    places = [np.searchsorted(keys, key) for key, _, _ in parts]
    both = np.concatenate(places) * size + np.concatenate(codes)
    found, counts = np.unique(both, return_counts=True)
    place, code = np.divmod(found, size)
    pairs = np.empty(len(found), dtype=PACKED)
    pairs["code"], pairs["count"] = code, counts
    texts = [
        NAMES[c] + str(n) for c, n in zip(code.tolist(), counts.tolist(), strict=True)
    ]
    ends = np.searchsorted(place, np.arange(len(keys) + 1)).tolist()
    return (
        [f"{{{','.join(texts[low:high])}}}" for low, high in pairwise(ends)],
        [rf"\\x{pairs[low:high].tobytes().hex()}" for low, high in pairwise(ends)],
    )


def bins_of(seconds: Ints) -> Ints:
    """Return the bins of whole seconds, at least 1 (`rollup.bin_of`)."""
    return 1 + np.floor(np.log(np.maximum(seconds, 1)) / BIN_WIDTH).astype(np.int64)


def copy(cursor: Any, table: str, columns: Sequence[str], rows: Iterator[str]) -> None:
    text = io.StringIO()
    for line in rows:
        text.write(line)
        text.write("\n")
    text.seek(0)
    cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", text)
