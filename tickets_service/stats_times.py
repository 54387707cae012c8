"""How long tickets took and which promises were kept, by the roll-up or by rows.

The roll-up knows no status. What is completed and not yet closed has its times in the
counters; what is closed is all that the roll-up has finished, less those.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from db.engine import tuples
from db.tickets import BIN_OF
from db.vocabulary import UNFINISHED, Status
from tickets_service import rollup, standing
from tickets_service.filters import UNFINISHED_SQL, conditions
from tickets_service.histogram import (
    Place,
    binned,
    interpolated,
    merged_histogram,
    minutes,
    named,
    places_of,
)
from tickets_service.rollup import Sums
from tickets_service.stats_question import (
    EVERYTHING,
    Dimensions,
    Question,
    Values,
    cells_where,
    creators_of,
)

FINISHED = frozenset({Status.COMPLETED, Status.CLOSED})
REFINED_ROWS = 500  # a histogram bin with more rows is interpolated instead
NOT_DELETED = "t.deleted_at IS NULL"
# In the words of ix_tickets_bin_rw.
BIN = BIN_OF.format("t.resolution_wall_s")
TIMED = (
    "t.status IN ('completed', 'closed') AND t.deleted_at IS NULL "
    "AND t.resolution_wall_s IS NOT NULL"
)
UNFINISHED_TODAY = {status: f"unfinished_{status}" for status in UNFINISHED}
TODAY = ("created", "completed", *UNFINISHED_TODAY.values())
WALL, MET, MISSED = "resolution_wall_s", "resolution_met", "resolution_missed"
BREACHED = "breached"
SUMS = (*TODAY, WALL, MET, MISSED, BREACHED)
# Today and all time of the roll-up, and what waits to be closed.
DAY, EVER, WAITS = "d", "a", "waits"


def times_from_counters(
    connection: Connection, question: Question, cells: Dimensions, breached: int
) -> dict[str, Any]:
    """Return the times, and today's figures. breached: of the unfinished asked for."""
    asked: set[str] = set(Status if cells.status is None else cells.status)
    parts = parts_for(cells, asked)
    sums = read_sums(connection, question, cells, parts) if parts else {}
    today, ever, waiting = (sums.get(part) or nothing() for part in (DAY, EVER, WAITS))
    if not is_counted(waiting):
        return times_from_rows(connection, question)
    finished = ever
    if cells.status is not None:
        finished = finished_as(asked, ever, waiting)
        rollup.add_into(finished, {MISSED: breached})
    if DAY not in parts:
        today = today_from_rows(connection, question)
    elif cells.status is not None:
        created = [today[UNFINISHED_TODAY[Status(name)]] for name in asked]
        today = {"created": sum(created), "completed": 0}
    quantiles = refined(connection, question, asked, binned(finished))
    return answered(finished, quantiles) | {
        "created_today": today["created"],
        "completed_today": today["completed"],
    }


def parts_for(cells: Dimensions, asked: set[str]) -> frozenset[str]:
    """Return which sums the answer is made of."""
    parts = set()
    if cells.status is None or asked <= set(UNFINISHED):
        parts.add(DAY)
    if Status.CLOSED in asked:
        parts.add(EVER)
    if cells.status is not None and asked & FINISHED:
        parts.add(WAITS)
    return frozenset(parts)


def is_counted(waiting: Sums) -> bool:
    """Whether all that waits to be closed has its times: not right after an upgrade."""
    return sum(binned(waiting).values()) == waiting["completed"]


def finished_as(asked: set[str], ever: Sums, waiting: Sums) -> Sums:
    """Return the sums of what is completed, closed, or either, as asked."""
    if Status.CLOSED not in asked:
        return waiting
    found = dict(ever)
    rollup.add_into(found, {MISSED: waiting[BREACHED]}, -1)  # those are not finished
    if Status.COMPLETED not in asked:
        rollup.add_into(found, waiting, -1)
    return found


def nothing() -> Sums:
    return dict.fromkeys(SUMS, 0)


def answered(finished: Sums, quantiles: Sequence[float | None]) -> dict[str, Any]:
    """Return the answer's times. quantiles: median and 90 %, in minutes."""
    completed, wall = finished.get("completed", 0), finished.get(WALL, 0)
    return {
        "avg_resolution_minutes": minutes(wall / completed) if completed else None,
        "median_resolution_minutes": quantiles[0],
        "p90_resolution_minutes": quantiles[1],
        "sla_met_ratio": met_ratio(finished.get(MET, 0), finished.get(MISSED, 0)),
    }


def met_ratio(met: int, missed: int) -> float | None:
    return round(met / (met + missed), 4) if met + missed else None


def read_sums(
    connection: Connection,
    question: Question,
    cells: Dimensions,
    parts: frozenset[str],
) -> dict[str, Sums]:
    """Return sums by part, all as of one instant: they are subtracted."""
    texts, values = [], Values()
    if parts & {DAY, EVER}:
        text, values = rollup_part(question, cells, parts)
        texts.append(text)
    if WAITS in parts:
        text, more = waiting_part(cells)
        texts.append(text)
        values |= more
    found: dict[str, Sums] = {}
    for part, *row, bins, extras, number, tickets in tuples(
        connection, " UNION ALL ".join(texts), values
    ):
        sums = found.setdefault(part, nothing())
        rollup.add_into(sums, dict(zip(SUMS, map(int, row), strict=True)))
        rollup.add_into(sums, named(merged_histogram(bins or [], extras or [])))
        if number is not None:
            rollup.add_into(sums, named({number: int(tickets)}))
    return found


def rollup_part(
    question: Question, cells: Dimensions, parts: frozenset[str]
) -> tuple[str, Values]:
    """Return the text that sums the roll-up of today and of all time."""
    where, values = rollup_where(cells)
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in SUMS[:-1])
    grains = {
        DAY: "(grain = 'd' AND starts_on = %(today)s)",
        EVER: "(grain = 'a' AND starts_on = DATE '1970-01-01')",
    }
    wanted = " OR ".join(text for part, text in grains.items() if part in parts)
    text = (
        f"SELECT grain, {sums}, 0, "  # noqa: S608
        "array_agg(bins) FILTER (WHERE grain = 'a' AND bins IS NOT NULL), "
        "array_agg(extra) FILTER "
        "(WHERE grain = 'a' AND bins IS NULL AND extra <> '{}'), "
        "NULL::smallint, NULL::numeric "
        f"FROM tickets.daily_figures WHERE {where} AND ({wanted}) GROUP BY grain"
    )
    return text, values | {"today": question.today}


def rollup_where(cells: Dimensions) -> tuple[str, Values]:
    letters = {"zone": "z", "team_id": "t", "category": "c", "priority": "p"}
    used = [name for name in letters if getattr(cells, name) is not None]
    cut = "".join(letters[name] for name in used)
    where, values = cells_where(cells, used)
    values["cut"] = cut if cut in rollup.CUTS else "ztcp"
    return f"cut = %(cut)s AND {where}", values


def waiting_part(cells: Dimensions) -> tuple[str, Values]:
    """Return the text that sums what waits to be closed, and all that is breached."""
    anywhere = replace(cells, status=None)
    where, values = cells_where(anywhere, ("priority", "category", "zone", "team_id"))
    counters = where if cells.team_id is not None else f"team_id = -1 AND {where}"
    if anywhere == EVERYTHING:
        counters = (
            f"team_id = {standing.MARGIN} AND zone = '' AND priority = '' "
            "AND category = '' AND status IN ('', 'completed')"
        )
    waits = "FILTER (WHERE status = 'completed')"
    own = {"completed": "tickets", WALL: "wall_s", MET: "met", MISSED: "missed"}
    sums = ", ".join(
        f"coalesce(sum({own[name]}) {waits}, 0)" if name in own else "0"
        for name in SUMS[:-1]
    )
    sums = f"SELECT 'waits', {sums}, coalesce(sum(breached), 0), "
    text = (
        f"{sums} array_agg(bins) {waits}, NULL::jsonb[], NULL, NULL "
        f"FROM tickets.ticket_counts WHERE {counters} UNION ALL "
        f"{sums} NULL, NULL, nullif(bin, {standing.NO_BIN}), "
        f"coalesce(sum(tickets) {waits}, 0) "
        f"FROM tickets.ticket_count_deltas WHERE {where} GROUP BY bin"
    )
    return text, values


def today_from_rows(connection: Connection, question: Question) -> Sums:
    """Return what was created and completed today, of the statuses asked for.

    The rows of a day are few: OFFSET 0 has them read first, by no other index. But
    those that one person opened on a day have an index of their own. A range with an
    end is taken for a small one, so that the plan can be kept.
    """
    where, values = conditions(question.wanted, question.actor, question.now)
    range_ = "BETWEEN %(midnight)s AND 'infinity'"
    own = f"tickets.tickets t WHERE t.created_at {range_} AND {where}"
    created, completed = (
        f"(SELECT * FROM tickets.tickets WHERE {name}_at {range_} OFFSET 0) t "  # noqa: S608
        f"WHERE {where}"
        for name in ("created", "completed")
    )
    if creators_of(question) is not None:
        created = own
    [row] = tuples(
        connection,
        f"SELECT (SELECT count(*) FROM {created}), (SELECT count(*) FROM {completed})",  # noqa: S608
        values | {"midnight": question.midnight},
    )
    return {"created": row[0], "completed": row[1]}


def refined(
    connection: Connection,
    question: Question,
    asked: set[str],
    histogram: Mapping[int, int],
) -> list[float | None]:
    """Return the median and the 90 % quantile in minutes.

    Exact from the rows of their bins, all read in one statement while they are few:
    those of the bin for who sees all that is closed, all of them for who sees a part,
    which no index has by bin. Else within 1 %.
    """
    wanted = (0.5, 0.9)
    if not histogram:
        return [None, None]
    if asked >= FINISHED:  # the only ones that took any time
        question = replace(question, wanted=replace(question.wanted, status=None))
    places = places_of(histogram, wanted)
    read = max(place.inside for place in places)
    status_only = replace(question.wanted, status=None)
    where, _ = conditions(status_only, question.actor, question.now)
    if where != NOT_DELETED or Status.CLOSED not in asked:
        read = sum(histogram.values())
    if read > REFINED_ROWS:
        return interpolated(histogram, wanted)
    rows = rows_at(connection, question, places)
    found: list[float | None] = []
    for n, place in enumerate(places):
        near = [seconds for which, seconds in rows if which == n]
        low, high = (near[0], near[-1]) if near else (place.interpolated,) * 2
        found.append(minutes(low + (high - low) * place.part))
    return found


def rows_at(
    connection: Connection, question: Question, places: Sequence[Place]
) -> list[tuple[int, float]]:
    """Return (number of the place, seconds), the two rows around each place.

    Out of the index of bins, for who sees all out of it alone.
    """
    where, values = conditions(question.wanted, question.actor, question.now)
    parts = []
    for n, place in enumerate(places):
        values |= {f"first{n}": place.bins[0], f"last{n}": place.bins[1]}
        values[f"offset{n}"] = place.offset
        parts.append(
            f"(SELECT {n}, t.resolution_wall_s FROM tickets.tickets t "  # noqa: S608
            f"WHERE {BIN} BETWEEN %(first{n})s AND %(last{n})s AND {TIMED} "
            f"AND {where} ORDER BY 2 LIMIT 2 OFFSET %(offset{n})s)"
        )
    rows = tuples(
        connection,
        f"SELECT * FROM ({' UNION ALL '.join(parts)}) r ORDER BY 1, 2",  # noqa: S608
        values,
    )
    return [(row[0], float(row[1])) for row in rows]


UNTOLD = f"{UNFINISHED_SQL} AND t.breached_at IS NULL AND t.resolution_risk_at <= "
PRESSING = (
    f"count(*) FILTER (WHERE {UNFINISHED_SQL} AND (t.breached_at IS NOT NULL OR "
    "t.resolution_due_at < %(now)s)), "
    f"count(*) FILTER (WHERE {UNTOLD} %(now)s AND t.resolution_due_at >= %(now)s), "
)


def times_from_rows(connection: Connection, question: Question) -> dict[str, Any]:
    """Return times, today's counts and what is pressing from the rows, in one pass."""
    where, values = conditions(question.wanted, question.actor, question.now)
    [row] = tuples(
        connection,
        f"SELECT {PRESSING}"  # noqa: S608
        "count(*) FILTER (WHERE t.created_at >= %(midnight)s), "
        "count(*) FILTER (WHERE t.completed_at >= %(midnight)s), "
        "avg(t.resolution_wall_s), "
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY t.resolution_wall_s), "
        "percentile_cont(0.9) WITHIN GROUP (ORDER BY t.resolution_wall_s), "
        "count(*) FILTER (WHERE t.resolution_verdict = 'met'), "
        "count(*) FILTER (WHERE t.resolution_verdict = 'missed' OR "
        "(t.breached_at IS NOT NULL AND t.status <> 'cancelled')) "
        f"FROM tickets.tickets t WHERE {where}",
        values | {"midnight": question.midnight},
        kept=False,
    )
    *late, created, completed, mean, median, p90, met, missed = row
    return dict(zip(("overdue", "at_risk"), late, strict=True)) | {
        "created_today": created,
        "completed_today": completed,
        "avg_resolution_minutes": None if mean is None else minutes(float(mean)),
        "median_resolution_minutes": None if median is None else minutes(median),
        "p90_resolution_minutes": None if p90 is None else minutes(p90),
        "sla_met_ratio": met_ratio(met, missed),
    }
