"""Rows in the form of Boston's 311 export, made here."""

import csv
import gzip
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from scripts.importing.mapping import read_mapping

MAPPING = Path(__file__).resolve().parents[3] / "docs" / "mappings" / "boston311.yml"
BOSTON = read_mapping(MAPPING)
ROW = {
    "CASE_ENQUIRY_ID": "101001240736",
    "OPEN_DT": "2015-01-01 00:25:36",
    "TARGET_DT": "2015-01-16 08:30:00",
    "CLOSED_DT": "2015-04-28 08:49:50",
    "OnTime_Status": "OVERDUE",
    "CASE_STATUS": "Closed",
    "SUBJECT": "Public Works Department",
    "REASON": "Street Lights",
    "TYPE": "Street Light Outages",
    "QUEUE": "PWDx_Street Light Outages",
    "Department": "PWDx",
    "fire_district": "4.0",
    "neighborhood": "Fenway / Kenmore / Audubon Circle / Longwood",
    "ward": "Ward 5",
    "LOCATION_ZIPCODE": "2215.0",
    "LATITUDE": "42.3474",
    "LONGITUDE": "-71.0944",
    "Source": "Citizens Connect App",
    "CASE_TITLE": "PRINTED",
    "CLOSURE_REASON": "Case Closed Case Resolved",
}
AREAS = ("Dorchester", "Roxbury", "Back Bay", "South Boston / South Boston Waterfront")
KINDS = (
    ("Street Lights", "Street Light Outages", "PWDx_Street Light Outages"),
    ("Highway Maintenance", "Pothole Repair (Internal)", "PWDx_District 02"),
    ("Sanitation", "Schedule a Bulk Item Pickup SS", "PWDx_Bulk Item"),
    ("Trees", "Tree Emergencies", "PARK_Tree Maintenance Request"),
    ("Building", "Building Inspection Request", "ISD_Building (INTERNAL)"),
)
FIRST, LAST = datetime(2015, 1, 1), datetime(2015, 8, 31, 23)


def row(**changes: str) -> dict[str, str]:
    return ROW | changes


def made_up_rows(count: int) -> list[dict[str, str]]:
    """Return `count` sound rows, the same every time, in order of opening."""
    rng = np.random.default_rng(311)
    span = int((LAST - FIRST).total_seconds())
    seconds = np.sort(rng.integers(0, span, count))
    return [
        made_up_row(n, FIRST + timedelta(seconds=int(s)), rng)
        for n, s in enumerate(seconds)
    ]


def made_up_row(n: int, opened: datetime, rng: np.random.Generator) -> dict[str, str]:
    reason, kind, queue = KINDS[int(rng.integers(len(KINDS)))]
    promised = opened + timedelta(days=int(rng.integers(1, 30)), hours=3)
    closed = opened + timedelta(hours=float(rng.exponential(150)), minutes=1)
    is_closed, has_promise = closed < LAST, rng.random() < 0.75
    return row(
        CASE_ENQUIRY_ID=str(900_000_000_000 + n),
        OPEN_DT=str(opened),
        TARGET_DT=str(promised) if has_promise else "",
        CLOSED_DT=str(closed.replace(microsecond=0)) if is_closed else "",
        CASE_STATUS="Closed" if is_closed else "Open",
        CLOSURE_REASON="Case Closed Case Resolved" if is_closed else "",
        REASON=reason,
        TYPE=kind,
        CASE_TITLE=kind,
        QUEUE=queue,
        neighborhood=(*AREAS, "")[int(rng.integers(len(AREAS) + 1))],
        LATITUDE=f"{42.3 + rng.random() / 10:.4f}",
        LONGITUDE=f"{-71.1 + rng.random() / 10:.4f}",
    )


def write_csv(path: Path, rows: Iterable[dict[str, str]]) -> Path:
    """Write rows as the export does; gzipped when the name says so."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(ROW))
        writer.writeheader()
        writer.writerows(rows)
    return path
