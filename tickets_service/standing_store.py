"""The counters of how tickets stand: folded from their deltas, and read.

The times of a counter are those of what waits to be closed; `bins` holds their
histogram packed (`rollup.packed_bins`). A creator's figures are one row of JSON; the
row of nobody (0) says that all creators are counted. It is missing after a release
that did not, until standing_completing.py has counted; whoever reads asks for it.
Refuses to commit.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection

from db.engine import tuples
from tickets_service import rollup, standing
from tickets_service.copying import some_of, stage, summed
from tickets_service.histogram import named
from tickets_service.rollup import Sums
from tickets_service.standing import CountCell, Counts, Creators, Moved, Standing

# All that most moves change, and what a completion or a cause has beside it.
SHORT_COLUMNS = (*Standing._fields[:6], *standing.MEASURES[:2])
TIME_COLUMNS = (*Standing._fields[6:], *standing.MEASURES[2:])
COUNT_COLUMNS = (*SHORT_COLUMNS, *TIME_COLUMNS)
UNTIMED = (standing.NO_BIN, "", 0, 0, 0)
CELL = CountCell._fields
COUNTER_COLUMNS = (*CELL, *standing.MEASURES, "bins")
NOBODY = 0
# The deltas' sums, in an order that begins with who opened the ticket.
KEY = ", ".join(("created_by", *(n for n in Standing._fields if n != "created_by")))
UNFOLDED = f"{KEY}, {summed(standing.MEASURES)} FROM tickets.ticket_count_deltas"


def count_rows(counts: Mapping[Standing, Moved]) -> list[tuple[Any, ...]]:
    """Return the rows of deltas, in the order of COUNT_COLUMNS."""
    return [
        (*key[:6], *moved[:2], *key[6:], *moved[2:]) for key, moved in counts.items()
    ]


def taken_counts(connection: Connection, batch: int) -> tuple[Counts, int]:
    """Take a batch of count deltas out of their table, summed alike ones."""
    key = ", ".join(Standing._fields)
    rows = connection.exec_driver_sql(
        f"WITH gone AS ({some_of('ticket_count_deltas', batch)} "  # noqa: S608
        f"RETURNING {', '.join(COUNT_COLUMNS)}) "
        f"SELECT {key}, {summed(standing.MEASURES)}, count(*) "
        f"FROM gone GROUP BY {key}"
    ).all()
    size = len(Standing._fields)
    counts = {Standing(*row[:size]): tuple(row[size:-1]) for row in rows}
    return counts, sum(row[-1] for row in rows)


def fold_counts(connection: Connection, counts: Counts) -> None:
    """Add to every counter that counts the cells, and to those who opened them."""
    if counts:
        fold_counters(connection, standing.counted(counts))
        fold_creators(connection, standing.by_creator(counts))


def fold_counters(connection: Connection, counters: Mapping[CountCell, Sums]) -> None:
    timed = [cell for cell, sums in counters.items() if has_bins(sums)]
    known = bins_of(connection, timed)
    rows = []
    for cell, sums in sorted(counters.items()):
        bins = None
        if has_bins(sums):
            merged = named(known.get(cell, {}))
            rollup.add_into(merged, {k: v for k, v in sums.items() if ":" in k})
            bins = rollup.packed_bins(rollup.non_zero(merged))
        rows.append((*cell, *(sums.get(m, 0) for m in standing.MEASURES), bins))
    table = "counts_incoming"
    stage(connection, table, "tickets.ticket_counts", COUNTER_COLUMNS, rows)
    columns = ", ".join(COUNTER_COLUMNS)
    sums_sql = ", ".join(f"{m} = c.{m} + excluded.{m}" for m in standing.MEASURES)
    connection.exec_driver_sql(
        f"INSERT INTO tickets.ticket_counts AS c ({columns}) "  # noqa: S608
        f"SELECT {columns} FROM {table} ON CONFLICT ({', '.join(CELL)}) "
        f"DO UPDATE SET {sums_sql}, bins = coalesce(excluded.bins, c.bins)"
    )
    connection.exec_driver_sql(f"DROP TABLE {table}")


def has_bins(sums: Sums) -> bool:
    return any(":" in name for name in sums)


def bins_of(
    connection: Connection, cells: Sequence[CountCell]
) -> dict[CountCell, dict[int, int]]:
    """Return the histograms that counters have, by cell."""
    if not cells:
        return {}
    columns = {name: [getattr(c, name) for c in cells] for name in CELL}
    rows = connection.exec_driver_sql(
        f"SELECT {', '.join(CELL)}, c.bins FROM tickets.ticket_counts c "  # noqa: S608
        "JOIN unnest(%(team_id)s::bigint[], %(zone)s::text[], %(status)s::text[], "
        f"%(priority)s::text[], %(category)s::text[]) AS k({', '.join(CELL)}) "
        f"USING ({', '.join(CELL)}) WHERE c.bins IS NOT NULL",
        columns,
    )
    return {CountCell(*row[:5]): rollup.unpacked_bins(row[5], "rw") for row in rows}


def fold_creators(connection: Connection, creators: Creators) -> None:
    """Add to the figures of creators, if they are kept."""
    if NOBODY in creators:  # written by a release that does not say who: count anew
        connection.exec_driver_sql("DELETE FROM tickets.creator_figures")
        return
    known = stored_creators(connection, creators)
    if known is None:
        return
    for user_id, figures in creators.items():
        standing.add_creator(known, user_id, figures)
    write_creators(connection, standing.without_zeros(known))


def write_creators(connection: Connection, creators: Creators) -> None:
    table = "creators_incoming"
    columns = ("created_by", "tickets", "figures")
    rows = [
        (user_id, standing.tickets_of(figures), figures)
        for user_id, figures in sorted(creators.items())
    ]
    stage(connection, table, "tickets.creator_figures", columns, rows)
    connection.exec_driver_sql(
        "INSERT INTO tickets.creator_figures (created_by, tickets, figures) "  # noqa: S608
        f"SELECT created_by, tickets, figures FROM {table} ON CONFLICT (created_by) "
        "DO UPDATE SET tickets = excluded.tickets, figures = excluded.figures"
    )
    connection.exec_driver_sql(f"DROP TABLE {table}")


def stored_creators(connection: Connection, wanted: Iterable[int]) -> Creators | None:
    """Return the folded figures of some creators, None if none are kept."""
    rows = tuples(
        connection,
        "SELECT created_by, figures FROM tickets.creator_figures "
        "WHERE created_by = ANY(%(wanted)s)",
        {"wanted": [NOBODY, *wanted]},
    )
    found = {user_id: orjson.loads(figures) for user_id, figures in rows}
    return found if found.pop(NOBODY, None) is not None else None


def unfolded_counts(connection: Connection) -> Counts:
    """Return the sums of all deltas."""
    rows = tuples(connection, f"SELECT {UNFOLDED} GROUP BY {KEY}", {})
    return dict(map(unfolded, rows))


def creators_now(
    connection: Connection, wanted: Sequence[int] | None = None
) -> Creators | None:
    """Return the figures of some creators or all with their deltas, as of one instant.

    None if they are not kept.
    """
    some, values = ("true", "true"), {}
    if wanted is not None:
        some = ("created_by = ANY(%(rows)s)", "created_by = ANY(%(wanted)s)")
        values = {"rows": [NOBODY, *wanted], "wanted": list(wanted)}
    empty = ", ".join(["NULL"] * (len(Standing._fields) + len(standing.MEASURES) - 1))
    rows = tuples(
        connection,
        f"SELECT figures, created_by, {empty} FROM tickets.creator_figures "  # noqa: S608
        f"WHERE {some[0]} UNION ALL SELECT NULL, {UNFOLDED} WHERE {some[1]} "
        f"GROUP BY {KEY}",
        values,
    )
    found: Creators = {}
    deltas: Counts = {}
    for figures, *row in rows:
        if figures is None:
            standing.add_count(deltas, *unfolded(row))
        else:
            found[row[0]] = orjson.loads(figures)
    if found.pop(NOBODY, None) is None:
        return None
    for user_id, moved in standing.by_creator(deltas).items():
        standing.add_creator(found, user_id, moved)
    return found


def unfolded(row: Sequence[Any]) -> tuple[Standing, Moved]:
    size = len(Standing._fields)
    created_by, *others = row[:size]
    return Standing._make((*others[:5], created_by, *others[5:])), tuple(row[size:])


def begin_anew(connection: Connection) -> None:
    """Forget all counters, and keep creators' figures from now on."""
    for table in ("ticket_counts", "creator_figures"):
        connection.exec_driver_sql(f"DELETE FROM tickets.{table}")  # noqa: S608
    write_creators(connection, {NOBODY: {}})
