"""`stats/summary` of what some people opened, from the figures kept of each.

Who opened few is answered from their rows, which are exact in everything.
"""

from typing import Any

from sqlalchemy import Connection

from db.vocabulary import Status
from tickets_service import rollup, standing, standing_store
from tickets_service.histogram import binned, interpolated
from tickets_service.rollup import Sums
from tickets_service.stats_counts import empty_counts, pressing
from tickets_service.stats_question import Question, creators_of, some_statuses
from tickets_service.stats_times import MET, MISSED, WALL, answered, today_from_rows

FEW = 500


def summary_of_creators(
    connection: Connection, question: Question
) -> dict[str, Any] | None:
    """Return the answer, None if rows should give it."""
    by_status = figures_of(connection, question)
    if by_status is None:
        return None
    sums = Sums()
    for own in by_status.values():
        rollup.add_into(sums, own)
    found = counts_of(by_status, sums)
    found |= pressing(connection, question, sums.get("breached", 0))
    today = today_from_rows(connection, question)
    histogram = binned(sums)
    finished = {
        "completed": sum(histogram.values()),
        WALL: sums.get("wall_s", 0),
        MET: sums.get("met", 0),
        MISSED: sums.get("missed", 0),
    }
    return (
        found
        | answered(finished, interpolated(histogram, (0.5, 0.9)))
        | {"created_today": today["created"], "completed_today": today["completed"]}
    )


def figures_of(connection: Connection, question: Question) -> dict[str, Sums] | None:
    """Return the sums of the statuses asked for, None if rows are as good."""
    creators = creators_of(question)
    if creators is None:
        return None
    known = standing_store.creators_now(connection, creators)
    if known is None or sum(map(standing.tickets_of, known.values())) <= FEW:
        return None
    found: dict[str, Sums] = {
        status: {} for status in some_statuses(question.wanted) or Status
    }
    for figures in known.values():
        for status, sums in found.items():
            rollup.add_into(sums, figures.get(status, {}))
    return found


def counts_of(by_status: dict[str, Sums], sums: Sums) -> dict[str, Any]:
    found = empty_counts()
    found["total"] = sums.get("tickets", 0)
    found["unassigned"] = sums.get(standing.IDLE, 0)
    for status, own in by_status.items():
        found["by_status"][status] = own.get("tickets", 0)
    for name, n in sums.items():
        dimension, _, key = name.partition(":")
        if dimension in standing.NAMED and n:
            found[f"by_{dimension}"][key] = n
    return found


def total_of_creators(connection: Connection, question: Question) -> int | None:
    """Return how many tickets there are, None if rows should tell."""
    by_status = figures_of(connection, question)
    if by_status is None:
        return None
    return sum(sums.get("tickets", 0) for sums in by_status.values())
