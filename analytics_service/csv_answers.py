"""Answers as CSV, for `Accept: text/csv`: one row per group, day or bucket.

Figures become two columns, the value and its n. Text that a spreadsheet would take
for a formula is neutralised.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from flask import Response

Answer = Mapping[str, Any]
Line = dict[str, Any]
RISKY = ("=", "+", "-", "@", "\t", "\r")


def csv_response(lines: Sequence[Line], name: str) -> Response:
    """Return the lines under the names of their cells, in order of appearance."""
    columns = list(dict.fromkeys(key for line in lines for key in line))
    out = io.StringIO()
    writer = csv.DictWriter(
        out, columns or ["empty"], restval="", lineterminator="\r\n"
    )
    writer.writeheader()
    writer.writerows({k: cell(v) for k, v in line.items()} for line in lines)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(out.getvalue(), mimetype="text/csv", headers=headers)


def cell(value: object) -> object:
    """Return a value as a cell; text is never a formula."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return " ".join(str(cell(item)) for item in value)
    if isinstance(value, str) and value.startswith(RISKY):
        return f"'{value}"
    return value


def flat(row: Answer, prefix: str = "") -> Line:
    """Return a group with its figures as columns; other objects by dotted names."""
    line: Line = {}
    for name, value in row.items():
        if isinstance(value, Mapping) and "tickets_url" in value:
            line[f"{prefix}{name}"] = value["value"]
            line[f"{prefix}{name}_n"] = value["n"]
        elif isinstance(value, Mapping):
            line |= flat(value, f"{prefix}{name}.")
        elif not (isinstance(value, list) and value and isinstance(value[0], Mapping)):
            line[f"{prefix}{name}"] = value
    return line


def compared_lines(answer: Answer) -> list[Line]:
    lines = period_lines(answer, "current")
    previous = answer.get("previous")
    return lines + (period_lines(previous, "previous") if previous else [])


def period_lines(answer: Answer, period: str) -> list[Line]:
    shown = {"period": period, "from": answer["from"], "to": answer["to"]}
    whole = {**shown, "key": "", "name": "overall", **flat(answer["overall"])}
    return [whole, *({**shown, **flat(group)} for group in answer["groups"])]


def sla_lines(answer: Answer) -> list[Line]:
    lines = [{"section": "overall", "key": "", **flat(answer["overall"])}]
    for section in ("by_policy", "by_priority", "by_zone"):
        lines += [{"section": section, **flat(group)} for group in answer[section]]
    for section in ("breach_reasons", "hold_reasons"):
        lines += [{"section": section, **flat(row)} for row in answer[section]]
    return lines


def rows_of(name: str) -> Callable[[Answer], list[Line]]:
    """Return a function that makes a line of each row of the list `name`."""

    def lines(answer: Answer) -> list[Line]:
        rows: Iterable[Answer] = answer[name]
        return [flat(row) for row in rows]

    return lines


def one_line(answer: Answer) -> list[Line]:
    return [flat(answer)]
