"""`stats/summary`: from exact counters where they hold the answer, else from rows.

Each answer is exact, but for quantiles of many tickets, which are within 1 %. Its
cost does not grow with the number of tickets as long as the filters are dimensions of
the counters, or whose tickets they are. Other filters are counted from the rows that
they select.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from db.engine import tuples
from tickets_service import rollup, standing
from tickets_service.filters import conditions, spelled
from tickets_service.stats_counts import (
    counts_from_counters,
    counts_from_rows,
    pressing,
)
from tickets_service.stats_creators import summary_of_creators, total_of_creators
from tickets_service.stats_question import (
    EVERYTHING,
    Dimensions,
    Question,
    cells_where,
    dimensions_of,
)
from tickets_service.stats_times import (
    times_from_counters,
    times_from_rows,
)

GROUPED_BY_COUNTERS = ("team_id", "technician_id", "cause")


def summary(
    connection: Connection, question: Question, group_by: str | None = None
) -> dict[str, Any]:
    """Return the answer of `stats/summary`."""
    question = meant(connection, question)
    cells = dimensions_of(question)
    if cells is None:
        found = summary_of_creators(connection, question) or (
            counts_from_rows(connection, question)
            | times_from_rows(connection, question)
        )
    else:
        found = counts_from_counters(connection, cells)
        breached = found.pop("breached")
        found |= pressing(connection, question, breached)
        found |= times_from_counters(connection, question, cells, breached)
    if group_by is not None:
        groups = grouped(connection, question, cells, found, group_by)
        found |= {"group_by": group_by, "groups": groups}
    return found | {"as_of": question.now}


def meant(connection: Connection, question: Question) -> Question:
    """Return the question, knowing which of its words stand somewhere as they are."""
    wanted = spelled(connection, question.wanted, question.actor)
    return question if wanted is question.wanted else replace(question, wanted=wanted)


def grouped(
    connection: Connection,
    question: Question,
    cells: Dimensions | None,
    found: Mapping[str, Any],
    group_by: str,
) -> list[dict[str, Any]]:
    """Return [{key, total}] of one field, the largest group first."""
    known = found.get(f"by_{group_by}")
    if known is None and cells is not None:
        if group_by == "team_id":
            known = by_team(connection, cells)
        elif group_by == "technician_id" and cells.status is None:
            known = by_technician(connection, cells)
        elif group_by == "cause" and cells == replace(EVERYTHING, zone=cells.zone):
            known = by_cause(connection, cells)
    if known is None:
        where, values = conditions(question.wanted, question.actor, question.now)
        rows = connection.exec_driver_sql(
            f"SELECT t.{group_by}, count(*) FROM tickets.tickets t WHERE {where} "  # noqa: S608
            "GROUP BY 1",
            values,
        ).all()
        known = {row[0]: row[1] for row in rows}
    ordered = sorted(known.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return [{"key": key, "total": total} for key, total in ordered]


def by_team(connection: Connection, cells: Dimensions) -> dict[int | None, int]:
    """Return {team: tickets} from the counters; None for no team."""
    where, values = cells_where(
        cells, ("status", "priority", "category", "zone", "team_id")
    )
    table = "SELECT team_id, tickets FROM tickets.ticket_count"
    rows = tuples(
        connection,
        f"SELECT team_id, sum(tickets)::bigint FROM ("  # noqa: S608
        f"{table}s WHERE team_id >= {rollup.NONE} AND {where} UNION ALL "
        f"{table}_deltas WHERE {where}) c GROUP BY 1 HAVING sum(tickets) <> 0",
        values,
    )
    return {team_id or None: tickets for team_id, tickets in rows}


def by_technician(connection: Connection, cells: Dimensions) -> dict[int | None, int]:
    """Return {technician: tickets} from the roll-up, which knows no status."""
    where, values = cells_where(cells, ("priority", "category", "zone", "team_id"))
    plain = cells.priority is None and cells.category is None
    rows = tuples(
        connection,
        "SELECT technician_id, sum(created)::bigint FROM tickets.daily_figures "  # noqa: S608
        f"WHERE cut = %(cut)s AND grain = 'a' AND starts_on = DATE '1970-01-01' "
        f"AND {where} GROUP BY 1 HAVING sum(created) <> 0",
        values | {"cut": "ztk" if plain else "ztcpk"},
    )
    return {technician_id or None: tickets for technician_id, tickets in rows}


def by_cause(connection: Connection, cells: Dimensions) -> dict[str | None, int] | None:
    """Return {cause: tickets} from the margins; None if they do not count all."""
    where, values = cells_where(cells, ("zone",))
    counters = "FROM tickets.ticket_counts WHERE zone = ANY(%(zones)s) AND team_id ="
    rows = tuples(
        connection,
        f"SELECT cause, sum(tickets)::bigint, sum(folded)::bigint, "  # noqa: S608
        f"(SELECT sum(tickets) {counters} {standing.MARGIN} "
        "AND status = '' AND priority = '' AND category = '') FROM ("
        f"SELECT category AS cause, tickets, tickets AS folded {counters} "
        f"{standing.CAUSE} UNION ALL SELECT cause, tickets, 0 "
        f"FROM tickets.ticket_count_deltas WHERE {where}) c GROUP BY 1",
        values | {"zones": [""] if cells.zone is None else list(cells.zone)},
    )
    if not rows or sum(row[2] for row in rows) != (rows[0][3] or 0):
        return None
    return {cause or None: tickets for cause, tickets, _, _ in rows if tickets}


def total(connection: Connection, question: Question) -> int:
    """Return how many tickets a list has, from the counters if they know."""
    question = meant(connection, question)
    cells = dimensions_of(question)
    if cells is not None:
        counted: int = counts_from_counters(connection, cells)["total"]
        return counted
    known = total_of_creators(connection, question)
    if known is not None:
        return known
    where, values = conditions(question.wanted, question.actor, question.now)
    found = connection.exec_driver_sql(
        f"SELECT count(*) FROM tickets.tickets t WHERE {where}",  # noqa: S608
        values,
    ).scalar_one()
    return int(found)
