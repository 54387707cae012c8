"""What `stats/summary` is asked, and which counters can answer it.

Counters know status, priority, category, zone and team, which covers every role but
the requester, and the status of what each person opened. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from db.scope import Actor, sees_everything
from db.vocabulary import Role, Status
from tickets_service import rollup
from tickets_service.filters import TicketFilter

COUNTED = frozenset({"status", "priority", "category", "zone", "team_id", "assigned"})
OF_CREATORS = frozenset({"status", "created_by", "mine"})
MOST_CREATORS = 20
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    wanted: TicketFilter
    actor: Actor
    now: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def midnight(self) -> datetime:
        return datetime.combine(self.today, time(), self.zone)


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The cells that answer a question. None: all of them."""

    status: Sequence[str] | None
    priority: Sequence[str] | None
    category: Sequence[str] | None
    zone: Sequence[str] | None
    team_id: Sequence[int] | None


def dimensions_of(question: Question) -> Dimensions | None:
    """Return the cells of a question, None if its filters go beyond them."""
    wanted, actor = question.wanted, question.actor
    if not wanted.given() <= COUNTED or actor.role is Role.REQUESTER:
        return None
    zone, team = wanted.zone, wanted.team_id
    if not sees_everything(actor):
        if actor.role is Role.TECHNICIAN:
            team = narrowed(team, (actor.team_id,) if actor.team_id else ())
        else:
            zone = narrowed(zone, actor.zones or ())
    if wanted.assigned is not None:
        if wanted.assigned or team is not None:
            return None
        team = (rollup.NONE,)
    return Dimensions(
        some_statuses(wanted), wanted.priority, wanted.category, zone, team
    )


EVERYTHING = Dimensions(None, None, None, None, None)


def narrowed(wanted: Sequence[Any] | None, allowed: Sequence[Any]) -> Sequence[Any]:
    return allowed if wanted is None else [v for v in wanted if v in set(allowed)]


def some_statuses(wanted: TicketFilter) -> Sequence[str] | None:
    """Return the statuses asked for, None for all of them, also if all are named."""
    if wanted.status is None or set(wanted.status) >= set(Status):
        return None
    return wanted.status


def creators_of(question: Question) -> Sequence[int] | None:
    """Return whose tickets a question is about, None if it goes beyond that."""
    wanted, actor = question.wanted, question.actor
    given = wanted.given()
    if not given <= OF_CREATORS or wanted.mine is False:
        return None
    asked = wanted.created_by
    if wanted.mine and actor.role is not Role.TECHNICIAN:
        asked = narrowed(asked, (actor.user_id,))
    if actor.role is Role.REQUESTER:
        return narrowed(asked, (actor.user_id,))
    if asked is None or not sees_everything(actor) or len(asked) > MOST_CREATORS:
        return None
    return asked


def cells_where(cells: Dimensions, names: Iterable[str]) -> tuple[str, Values]:
    """Return the condition on the columns of some dimensions, and its values."""
    clauses, values = ["true"], Values()
    for name in names:
        wanted = getattr(cells, name)
        if wanted is not None:
            clauses.append(f"{name} = ANY(%({name})s)")
            values[name] = list(wanted)
    return " AND ".join(clauses), values
