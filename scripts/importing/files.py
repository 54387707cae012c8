"""Reading an export: rows of a CSV file, plain or gzipped, with their line numbers."""

import csv
import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from scripts.importing.mapping import MappingError, Record, TicketMapping

BIGGEST_FIELD = 1_000_000


@contextmanager
def opened(path: Path, mapping: TicketMapping) -> Iterator[TextIO]:
    """Yield the text of a file; bytes that do not decode become U+FFFD."""
    encoding, errors = mapping.encoding, "replace"
    if path.suffix == ".gz":
        with gzip.open(
            path, "rt", encoding=encoding, errors=errors, newline=""
        ) as file:
            yield file
    else:
        with path.open(encoding=encoding, errors=errors, newline="") as file:
            yield file


def records(path: Path, mapping: TicketMapping) -> Iterator[tuple[int, Record | str]]:
    """Yield (line on which the row ends, row or what is wrong with it).

    Raises MappingError when the file lacks a column that the mapping reads.
    """
    csv.field_size_limit(min(BIGGEST_FIELD, sys.maxsize))
    with opened(path, mapping) as file:
        rows = csv.reader(file, delimiter=mapping.delimiter)
        header = next(rows, None)
        if header is None:
            raise MappingError(f"{path.name}: the file is empty")
        missing = sorted(mapping.columns - set(header))
        if missing:
            raise MappingError(f"{path.name}: no column {', '.join(missing)}")
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield rows.line_num, f"not readable as CSV: {error}"
                continue
            if row:
                yield rows.line_num, record_of(header, row)


def record_of(header: list[str], row: list[str]) -> Record | str:
    if len(row) != len(header):
        return f"has {len(row)} fields where the header has {len(header)}"
    return dict(zip(header, row, strict=True))
