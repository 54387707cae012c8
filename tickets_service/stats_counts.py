"""How many tickets there are, by the counters or by rows, and which press for time."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from db.engine import tuples
from db.vocabulary import UNFINISHED, Category, Priority, Status
from tickets_service import rollup, standing
from tickets_service.filters import UNFINISHED_SQL, conditions
from tickets_service.stats_question import (
    EVERYTHING,
    Dimensions,
    Question,
    cells_where,
    creators_of,
)

DIMENSIONS = ("status", "priority", "category", "zone")
UNFINISHED_CELLS = UNFINISHED_SQL.replace("t.", "")
# Five dozen rows, however many cells there are.
MARGINS = (
    "SELECT nullif(status, ''), nullif(priority, ''), nullif(category, ''), "  # noqa: S608
    "nullif(zone, ''), tickets, breached, 0 FROM tickets.ticket_counts "
    f"WHERE team_id = {standing.MARGIN} UNION ALL "
    "SELECT status, priority, category, zone, sum(tickets), sum(breached), "
    f"sum(tickets) FILTER (WHERE team_id = {rollup.NONE} AND {UNFINISHED_CELLS}) "
    "FROM tickets.ticket_count_deltas "
    "GROUP BY GROUPING SETS ((status), (priority), (category), (zone), ())"
)


def empty_counts() -> dict[str, Any]:
    return {
        "total": 0,
        "by_status": dict.fromkeys(map(str, Status), 0),
        "by_priority": dict.fromkeys(map(str, Priority), 0),
        "by_category": dict.fromkeys(map(str, Category), 0),
        "by_zone": {},
        "unassigned": 0,
    }


def counts_from_counters(connection: Connection, cells: Dimensions) -> dict[str, Any]:
    """Return counts from the folded counters and the deltas since."""
    if cells == EVERYTHING:
        return with_counts(tuples(connection, MARGINS, {}))
    where, values = cells_where(cells, DIMENSIONS)
    teams = "team_id = -1" if cells.team_id is None else "team_id = ANY(%(team_id)s)"
    delta_teams = "true" if cells.team_id is None else teams
    values["team_id"] = list(cells.team_id or ())
    columns = "status, priority, category, zone"
    without_team = (
        f"SELECT {columns}, 0, 0, tickets FROM tickets.ticket_counts "  # noqa: S608
        f"WHERE team_id = 0 AND {UNFINISHED_CELLS} AND {where} UNION ALL "
        if cells.team_id is None
        else ""
    )
    idle = f"CASE WHEN team_id = 0 AND {UNFINISHED_CELLS} THEN tickets ELSE 0 END"
    rows = tuples(
        connection,
        f"SELECT {columns}, sum(tickets), sum(breached), sum(idle) FROM ("  # noqa: S608
        f"SELECT {columns}, tickets, breached, "
        f"{'0' if cells.team_id is None else idle} AS idle "
        f"FROM tickets.ticket_counts WHERE {teams} AND {where} UNION ALL {without_team}"
        f"SELECT {columns}, tickets, breached, {idle} FROM tickets.ticket_count_deltas "
        f"WHERE {delta_teams} AND {where}) c "
        "GROUP BY GROUPING SETS ((status), (priority), (category), (zone), ())",
        values,
    )
    return with_counts(rows)


def with_counts(rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """Return the answer of rows (status, priority, category, zone, n, late, idle).

    What comes in several rows is summed.
    """
    found = empty_counts() | {"breached": 0}
    for *keys, tickets, late, idle in rows:
        if keys[0] == standing.UNASSIGNED:
            found["unassigned"] += int(tickets)
            continue
        named = [(d, k) for d, k in zip(DIMENSIONS, keys, strict=True) if k is not None]
        if not named:
            found["total"] += int(tickets or 0)
            found["unassigned"] += int(idle or 0)
            found["breached"] += int(late or 0)
        for dimension, key in named:
            if tickets:
                known = found[f"by_{dimension}"]
                known[key] = known.get(key, 0) + int(tickets)
    found["by_zone"] = {zone: n for zone, n in found["by_zone"].items() if n}
    return found


def pressing(
    connection: Connection, question: Question, breached: int
) -> dict[str, int]:
    """Return overdue and at_risk: those flagged, and those that the index shows.

    What one person opened is not in that index: OFFSET 0 has its few rows read first.
    """
    asked = question.wanted.status
    if asked is not None and not set(asked) & set(UNFINISHED):
        return {"overdue": 0, "at_risk": 0}
    where, values = conditions(question.wanted, question.actor, question.now)
    index = (
        "t.breached_at IS NULL AND t.resolution_risk_at <= %(now)s "
        f"AND {UNFINISHED_SQL} AND t.deleted_at IS NULL"
    )
    rows = f"tickets.tickets t WHERE {index} AND {where}"
    if creators_of(question) is not None:
        few = f"SELECT * FROM tickets.tickets t WHERE {index} OFFSET 0"  # noqa: S608
        rows = f"({few}) t WHERE {where}"
    [row] = tuples(
        connection,
        "SELECT count(*) FILTER (WHERE t.resolution_due_at < %(now)s), "  # noqa: S608
        f"count(*) FILTER (WHERE t.resolution_due_at >= %(now)s) FROM {rows}",
        values,
    )
    return {"overdue": breached + row[0], "at_risk": row[1]}


def counts_from_rows(connection: Connection, question: Question) -> dict[str, Any]:
    where, values = conditions(question.wanted, question.actor, question.now)
    rows = tuples(
        connection,
        "SELECT t.status, t.priority, t.category, t.zone, count(*), 0, "  # noqa: S608
        f"count(*) FILTER (WHERE t.team_id IS NULL AND {UNFINISHED_SQL}) "
        f"FROM tickets.tickets t WHERE {where} GROUP BY GROUPING SETS "
        "((t.status), (t.priority), (t.category), (t.zone), ())",
        values,
        kept=False,
    )
    found = with_counts(rows)
    del found["breached"]
    return found
