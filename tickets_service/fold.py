"""Fold the deltas of finished writes into the roll-up and the counters.

Writers only ever append deltas; here, in one process at a time, they are summed
into the rows that requests read. A reader sees a delta or its fold, never both
and never neither, because both happen in one transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection

from tickets_service import rollup
from tickets_service.copying import some_of, stage, summed
from tickets_service.rollup import Cell, Sums
from tickets_service.standing_store import fold_counts, taken_counts
from tickets_service.storage import CELL_COLUMNS, DELTA_COLUMNS, measures_of

FOLD_LOCK = 0x464F4C44  # "FOLD"
BATCH = 5_000

KEY = (
    *("cut", "grain", "zone", "team_id", "starts_on", "category", "priority"),
    "technician_id",
)
ROLLUP_COLUMNS = (*KEY, *rollup.MEASURES, "extra", "bins")


def fold_deltas(connection: Connection) -> int:
    """Fold up to a batch of deltas of each kind; return how many there were.

    While another process folds, a load for instance, there is nothing to do.
    """
    if not is_our_turn(connection):
        return 0
    cells, taken = taken_deltas(connection)
    fold_cells(connection, cells)
    counts, counted = taken_counts(connection, BATCH)
    fold_counts(connection, counts)
    return taken + counted


def is_our_turn(connection: Connection) -> bool:
    """Take the lock until the end of the transaction, if nobody has it."""
    sql = f"SELECT pg_try_advisory_xact_lock({FOLD_LOCK})"
    return bool(connection.exec_driver_sql(sql).scalar())


def lock(connection: Connection) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({FOLD_LOCK})")


def taken_deltas(connection: Connection) -> tuple[dict[Cell, Sums], int]:
    """Take a batch of deltas out of their table, summed per cell.

    PostgreSQL adds up those that name the same counters: most name none.
    """
    rows = connection.exec_driver_sql(
        f"WITH gone AS ({some_of('rollup_deltas', BATCH)} "  # noqa: S608
        f"RETURNING {', '.join(DELTA_COLUMNS)}) "
        f"SELECT {', '.join(CELL_COLUMNS)}, {summed(rollup.MEASURES)}, extra, count(*) "
        f"FROM gone GROUP BY {', '.join(CELL_COLUMNS)}, extra"
    ).all()
    cells: dict[Cell, Sums] = {}
    for *row, alike in rows:
        cell, sums = cell_of(row)
        sums |= {name: alike * value for name, value in row[-1].items()}
        rollup.add_into(cells.setdefault(cell, {}), sums)
    return cells, sum(row[-1] for row in rows)


def cell_of(row: Sequence[Any]) -> tuple[Cell, Sums]:
    """Return the cell of a delta's row (DELTA_COLUMNS) and what it adds to it."""
    size = len(Cell._fields)
    sums = dict(zip(rollup.MEASURES, row[size:-1], strict=True)) | row[-1]
    return Cell(*row[:size]), sums


def fold_cells(
    connection: Connection,
    cells: Mapping[Cell, Sums],
    cuts: Sequence[str] = rollup.CUTS,
) -> None:
    """Add cells to every row of the roll-up, or of some cuts, that counts them."""
    rows = [
        (*key, *measures_of(kept), rollup.packed_bins(kept))
        for key, sums in sorted(rollup.folded(cells, cuts).items())
        if (kept := rollup.non_zero(sums))
    ]
    if not rows:
        return
    table = "rollup_incoming"
    stage(connection, table, "tickets.rollup", ROLLUP_COLUMNS, rows)
    fold_counters(connection, table)
    sums_sql = ", ".join(
        f"{name} = r.{name} + excluded.{name}" for name in rollup.MEASURES
    )
    columns = ", ".join(ROLLUP_COLUMNS)
    connection.exec_driver_sql(
        f"INSERT INTO tickets.rollup AS r ({columns}) SELECT {columns} FROM {table} "  # noqa: S608
        f"ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET {sums_sql}"
    )
    connection.exec_driver_sql(f"DROP TABLE {table}")


def fold_counters(connection: Connection, table: str) -> None:
    """Add the staged counters by name to those of the rows that there are."""
    key = ", ".join(f"i.{name}" for name in KEY)
    same = " AND ".join(f"r.{name} = i.{name}" for name in KEY)
    found = connection.exec_driver_sql(
        f"SELECT {key}, r.extra::text, i.extra::text FROM {table} i "  # noqa: S608
        f"JOIN tickets.rollup r ON {same} WHERE i.extra <> '{{}}'"
    ).all()
    if not found:
        return
    rows = []
    for *names, there, added in found:
        sums: Sums = orjson.loads(there)
        rollup.add_into(sums, orjson.loads(added))
        kept = rollup.non_zero(sums)
        rows.append((*names, kept, rollup.packed_bins(kept)))
    merged = "rollup_merged"
    stage(connection, merged, "tickets.rollup", (*KEY, "extra", "bins"), rows)
    connection.exec_driver_sql(
        f"UPDATE tickets.rollup r SET extra = i.extra, bins = i.bins "  # noqa: S608
        f"FROM {merged} i WHERE {same}"
    )
    connection.exec_driver_sql(f"DROP TABLE {merged}")
