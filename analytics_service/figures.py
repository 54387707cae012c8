"""From totals to the figures of an answer, each with the way to its rows.

`tickets_url` is a question to the tickets service whose answer, for the same
caller, is exactly the `n` rows counted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from analytics_service.metrics import (
    FIGURES,
    SETTLED_DAYS,
    SMALL_SAMPLE,
    Figure,
    Totals,
)
from analytics_service.periods import Period, day_start
from analytics_service.selection import Selection, url_filters
from db.scope import Actor
from db.vocabulary import Role

FIELDS = {
    "zone": "zones",
    "team": "team_ids",
    "category": "categories",
    "priority": "priorities",
}
NO_TEAM = "&assigned=false"
UNFINISHED = "status=open,in_progress,on_hold"

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of the rows that the figures of one period count."""

    by_population: Mapping[str, str]

    def to(self, population: str, filters: str) -> str | None:
        """Return the address, None where there can be no rows."""
        if population == "visits" and NO_TEAM in filters:
            return None
        return self.by_population[population] + filters


def links_for(period: Period, today: date, actor: Actor) -> Links:
    start, end = stamp(period.starts_at), stamp(period.ends_at)
    settled = stamp(day_start(settled_end(period, today), period.zone))
    backlog = UNFINISHED if period.last >= today else f"unfinished_at={end}"

    def between(name: str, until: str = end) -> str:
        return f"/api/tickets?{name}_from={start}&{name}_to={until}"

    return Links(
        {
            "created": between("created"),
            "completed": between("completed"),
            "completed_settled": between("completed", settled),
            "responded": between("responded"),
            "response_judged": between("response_judged"),
            "resolution_judged": between("resolution_judged"),
            "completed_or_backlog": between("in_hand"),
            "backlog": f"/api/tickets?{backlog}",
            "visits": f"/api/assignments?ended_from={start}&ended_to={end}"
            f"&status=done,not_done{own_visits(actor)}",
        }
    )


def own_visits(actor: Actor) -> str:
    """Return what keeps technicians to visits of their team: the list of visits
    has those of other teams to their tickets too."""
    is_technician = actor.role is Role.TECHNICIAN
    return f"&team_id={actor.team_id}" if is_technician and actor.team_id else ""


def settled_end(period: Period, today: date) -> date:
    """Return the day after the last one whose completions are at least 14 days old."""
    newest = min(period.last, today - timedelta(days=SETTLED_DAYS))
    return max(period.first, newest + timedelta(days=1))


def stamp(at: datetime) -> str:
    """Return an instant as a URL may hold it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def figure(spec: Figure, totals: Totals, url: str | None) -> Answer:
    n = spec.n(totals)
    return {
        "value": spec.value(totals),
        "n": n,
        "small_sample": n < SMALL_SAMPLE,
        "exact": spec.is_exact(totals),
        "definition": spec.text,
        "tickets_url": url,
    }


def counted(n: int, definition: str, url: str | None) -> Answer:
    """Return a figure that is a plain count."""
    return {
        "value": n,
        "n": n,
        "small_sample": n < SMALL_SAMPLE,
        "exact": True,
        "definition": definition,
        "tickets_url": url,
    }


def figures_of(
    totals: Totals,
    links: Links,
    filters: str,
    specs: Iterable[Figure] = FIGURES,
) -> Answer:
    """Return the figures of a group by their keys. filters: of `url_filters`."""
    return {
        spec.key: figure(spec, totals, links.to(spec.population, filters))
        for spec in specs
    }


def group_filters(selection: Selection, by: str | None, key: str | int | None) -> str:
    """Return the ticket list's parameters for one group of a selection."""
    if by == "team" and key == 0:
        return url_filters(selection) + NO_TEAM
    if by == "technician":
        return url_filters(selection) + f"&technician_id={key}"
    narrowed: Selection = replace(selection, **{FIELDS[by]: (key,)} if by else {})  # type: ignore[arg-type]
    return url_filters(narrowed)
