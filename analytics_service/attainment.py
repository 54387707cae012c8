"""How the promises were kept: by policy, priority and zone, and why they were not."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from analytics_service import history_queries, queries
from analytics_service.asking import Asked
from analytics_service.figures import (
    Answer,
    Links,
    counted,
    figures_of,
    group_filters,
    links_for,
)
from analytics_service.metrics import FIGURE, SMALL_SAMPLE, Totals, ratio
from analytics_service.periods import DAY, cover
from analytics_service.queries import Key, Sums
from analytics_service.selection import url_filters
from analytics_service.totals import added, span_sum
from db.vocabulary import HoldReason, Priority

VERDICTS = ("response_met", "response_missed", "resolution_met", "resolution_missed")
SHOWN = (FIGURE["sla_met_ratio_response"], FIGURE["sla_met_ratio_resolution"])
LATE_REASONS = {
    "not_answered": "No first response by the due instant.",
    "not_started": "Answered, but work had not begun by the due instant.",
    "reopened": "Begun in time and reopened since.",
    "not_finished": "Begun in time and not finished in time.",
}


def attainment(connection: Connection, asked: Asked) -> Answer:
    """Return the answer of GET /api/analytics/sla."""
    rows = cover([asked.period.first, asked.period.last + DAY])
    asked.check_breadth(connection, rows, "zone")
    links = links_for(asked.period, asked.today, asked.actor)
    by_zone = verdicts(connection, asked, "zone")
    by_priority = verdicts(connection, asked, "priority")
    counters = queries.read_counters(connection, asked.reading(), rows)
    extra = counters.get(None, {}).get(1, {})
    filters = url_filters(asked.wanted)
    return {
        **asked.frame(),
        "overall": figures_of(
            Totals(sums=added(by_zone.values())), links, filters, SHOWN
        ),
        "by_policy": by_policy(connection, extra, links, filters),
        "by_priority": groups(asked, links, "priority", by_priority, list(Priority)),
        "by_zone": groups(asked, links, "zone", by_zone, sorted(by_zone, key=str)),
        "breach_reasons": breach_reasons(extra, links, filters),
        "hold_reasons": hold_reasons(extra, links, filters),
        "breaches": history_queries.newest_breaches(
            connection, asked.reading(), asked.period
        ),
    }


def verdicts(connection: Connection, asked: Asked, by: str) -> dict[Key, Sums]:
    first, end = asked.period.first, asked.period.last + DAY
    rows = cover([first, end])
    found = queries.read_sums(connection, asked.reading(by), rows, VERDICTS)
    sums = {key: span_sum(part, rows, first, end) for key, part in found.items()}
    return {key: part for key, part in sums.items() if any(part.values())}


def groups(
    asked: Asked, links: Links, by: str, found: Mapping[Key, Sums], keys: list[Any]
) -> list[Answer]:
    return [
        {
            "key": key,
            "name": key,
            **figures_of(
                Totals(sums=found[key]),
                links,
                group_filters(asked.wanted, by, key),
                SHOWN,
            ),
        }
        for key in keys
        if key in found
    ]


def by_policy(
    connection: Connection, extra: Sums, links: Links, filters: str
) -> list[Answer]:
    """Return the verdicts on resolutions by the policy version that promised them."""
    return [
        {
            "key": policy_id,
            "name": name,
            "sla_met_ratio_resolution": {
                "value": ratio(met, met + missed),
                "n": met + missed,
                "small_sample": met + missed < SMALL_SAMPLE,
                "exact": True,
                "definition": SHOWN[1].text,
                "tickets_url": links.to(
                    "resolution_judged", f"{filters}&policy_id={policy_id}"
                ),
            },
        }
        for policy_id, name in history_queries.policy_names(connection)
        if (met := extra.get(f"met:{policy_id}", 0))
        + (missed := extra.get(f"missed:{policy_id}", 0))
    ]


def breach_reasons(extra: Sums, links: Links, filters: str) -> list[Answer]:
    """Return how many resolutions fell due in the period and were missed, by why."""
    return [
        {
            "reason": reason,
            "count": counted(
                extra.get(f"late:{reason}", 0),
                text,
                links.to("resolution_judged", f"{filters}&late_reason={reason}"),
            ),
        }
        for reason, text in LATE_REASONS.items()
    ]


def hold_reasons(extra: Sums, links: Links, filters: str) -> list[Answer]:
    """Return the working time that tickets completed in the period stood on hold."""
    return [
        {
            "reason": reason,
            "working_minutes_lost": {
                "value": extra.get(f"held:{reason}", 0) / 60,
                "n": n,
                "small_sample": n < SMALL_SAMPLE,
                "exact": True,
                "definition": "Working minutes on hold for this reason.",
                "tickets_url": links.to("completed", f"{filters}&held_for={reason}"),
            },
        }
        for reason in HoldReason
        if (n := extra.get(f"holds:{reason}", 0))
    ]
