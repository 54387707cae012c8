"""From rows of the roll-up to the totals of each group over a period."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from analytics_service import duration_queries, queries
from analytics_service import durations as spans
from analytics_service.asking import Asked
from analytics_service.directory import WorkingDays
from analytics_service.durations import Durations
from analytics_service.figures import settled_end
from analytics_service.metrics import Totals
from analytics_service.periods import DAY, Cover, Period, cover, marked_cover
from analytics_service.queries import Key, Reading, Sums
from analytics_service.refining import refined

ByStretch = dict[int, Sums]
SETTLED = ("completed", "first_visit_fixed")
# What figures are made of: ages and cancellations are read apart.
COUNTED = tuple(
    name
    for name in queries.MEASURES
    if not name.startswith("unfinished") and name != "cancelled"
)


def group_totals(
    connection: Connection,
    asked: Asked,
    period: Period,
    by: str | None = None,
    n_technicians: int = 0,
    *,
    timed: bool = True,
) -> dict[Key, Totals]:
    """Return the totals of every group that has any row, but for their shifts.

    None is the only group of an ungrouped reading. timed: with durations.
    """
    reading = asked.reading(by)
    settled = settled_end(period, asked.today)
    after = period.last + DAY
    end = max(period.last, asked.today) + 2 * DAY
    marked = marked_cover([period.first, after, end], settled)
    asked.check_breadth(connection, marked.all_rows, by, n_technicians)
    sums, before = queries.read_marked_sums(
        connection, reading, marked, COUNTED, SETTLED
    )
    rows = marked.rows
    within = {k: span_sum(s, rows, period.first, after) for k, s in sums.items()}
    durations: dict[Key, dict[str, Durations]] = {}
    if timed:
        durations = period_durations(connection, reading, period, within)
    return {
        key: Totals(
            sums=within[key],
            settled=before.get(key, {}),
            backlog=backlog_at(stretches, rows, after),
            durations=durations.get(key, {}),
        )
        for key, stretches in sums.items()
    }


def span_sum(
    stretches: ByStretch,
    rows: Cover,
    first: date,
    end: date,
    names: Sequence[str] | None = None,
) -> Sums:
    """Return the sums of `names` over the stretches that begin in [first, end)."""
    parts = [
        sums
        for number, sums in stretches.items()
        if number > 0 and first <= rows.bounds[number - 1] < end
    ]
    if names is not None:
        return {name: sum(part[name] for part in parts) for name in names}
    return parts[0] if len(parts) == 1 else added(parts)


def backlog_at(stretches: ByStretch, rows: Cover, after: date) -> int:
    """Return the unfinished tickets when the day `after` begins: all that ever
    joined and left, less what did so from then on."""
    ever = stretches.get(0, {}).get("backlog_delta", 0)
    since = span_sum(stretches, rows, after, date.max, ("backlog_delta",))
    return ever - since["backlog_delta"]


def period_durations(
    connection: Connection, reading: Reading, period: Period, within: Mapping[Key, Sums]
) -> dict[Key, dict[str, Durations]]:
    """Return the durations of a period: each one where they are few, else binned,
    with those around the percentiles where these are not too many."""
    n = sum(s.get("completed", 0) + s.get("responded", 0) for s in within.values())
    if duration_queries.few_enough(n, reading.selection):
        edges = (period.starts_at, period.ends_at)
        found = duration_queries.read_durations(connection, reading, edges)
        return {key: stretches.get(1, {}) for key, stretches in found.items()}
    rows = cover([period.first, period.last + DAY])
    packed = queries.read_histograms(connection, reading, rows)
    groups = {
        key: duration_queries.binned_durations(stretches[1], within.get(key, {}))
        for key, stretches in packed.items()
    }
    return refined(connection, reading, period, groups)


def team_shifts(
    calendars: Mapping[str, WorkingDays], asked: Asked, period: Period
) -> dict[int, int]:
    """Return the seconds on shift, until today, of each active team selected."""
    last = min(period.last, asked.today)
    teams = asked.teams()
    days = {
        zone: days_open(calendars, zone, period.first, last)
        for zone in {team.zone for team in teams}
    }
    return {team.id: 60 * team.shift_minutes * days[team.zone] for team in teams}


def group_shift(
    asked: Asked, shifts: Mapping[int, int], by: str | None, key: Key
) -> int:
    """Return the seconds on shift of a team's or a zone's teams, else of all."""
    if by == "team":
        return shifts.get(int(key or 0), 0)
    if by == "zone":
        teams = asked.directory.teams
        return sum(s for team_id, s in shifts.items() if teams[team_id].zone == key)
    return sum(shifts.values())


def days_open(
    calendars: Mapping[str, WorkingDays], zone: str, first: date, last: date
) -> int:
    """Return the working days of a zone from first to last, inclusive."""
    if last < first:
        return 0
    found = calendars.get(zone)
    return found.count(first, last) if found else (last - first).days + 1


def together(parts: Iterable[Totals]) -> Totals:
    """Return the totals of several groups as one, but for their shifts."""
    found = list(parts)
    return Totals(
        sums=added(t.sums for t in found),
        settled=added(t.settled for t in found),
        backlog=sum(t.backlog for t in found),
        durations=joined([t.durations for t in found]),
    )


def added(parts: Iterable[Mapping[str, int]]) -> Sums:
    """Return sums added up by name."""
    total: Sums = {}
    for part in parts:
        if not total:
            total = dict(part)
            continue
        for name, value in part.items():
            total[name] = total.get(name, 0) + value
    return total


def joined(parts: list[Mapping[str, Durations]]) -> dict[str, Durations]:
    names = {name for part in parts for name in part}
    return {
        name: spans.together([p[name] for p in parts if name in p]) for name in names
    }
