"""Who is asking, and which rows they may see.

The one home of row visibility. Lists, details, statistics, exports, feeds,
analytics and chat all use it, so none of them can show more than another.
Pure but for SQLAlchemy expressions; it never reads a row itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, true
from sqlalchemy.sql.elements import SQLColumnExpression

from db.vocabulary import Role

Column = SQLColumnExpression[Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """The authenticated caller.

    zones: None means all zones; an empty tuple means none.
    scopes: None for a person's session (all that the role may); for an API key
        the scopes it was given.
    """

    user_id: int
    role: Role
    username: str = ""
    team_id: int | None = None
    zones: tuple[str, ...] | None = None
    scopes: frozenset[str] | None = None
    session_id: int | None = None
    locale: str = "en"


def sees_everything(actor: Actor) -> bool:
    """Whether no row of any ticket is hidden from the actor."""
    if actor.role in (Role.ADMIN, Role.VIEWER):
        return True
    return actor.role in (Role.MANAGER, Role.DISPATCHER) and actor.zones is None


def visible_tickets(
    actor: Actor, *, team_id: Column, zone: Column, created_by: Column | None
) -> ColumnElement[bool]:
    """Return the condition that keeps the actor to their own tickets.

    team_id, zone, created_by: columns of the table or contract view being read;
        `created_by=None` for aggregates that do not keep it, where a requester
        then sees nothing.
    """
    if sees_everything(actor):
        return true()
    match actor.role:
        case Role.MANAGER | Role.DISPATCHER:
            return zone.in_(actor.zones or ())
        case Role.TECHNICIAN if actor.team_id is not None:
            return team_id == actor.team_id
        case Role.REQUESTER if created_by is not None:
            return created_by == actor.user_id
    return false()  # `== None` would become IS NULL: every unassigned ticket


def may_see_ticket(
    actor: Actor, *, team_id: int | None, zone: str, created_by: int
) -> bool:
    """Answer `visible_tickets` for one row in hand."""
    if sees_everything(actor):
        return True
    match actor.role:
        case Role.MANAGER | Role.DISPATCHER:
            return zone in (actor.zones or ())
        case Role.TECHNICIAN:
            return actor.team_id is not None and team_id == actor.team_id
        case Role.REQUESTER:
            return created_by == actor.user_id
    return False


def sees_contacts(actor: Actor) -> bool:
    """Whether customers' names, phones and addresses are shown unmasked."""
    return actor.role is not Role.VIEWER


def sees_internal_comments(actor: Actor) -> bool:
    return actor.role is not Role.REQUESTER


def visible_teams(actor: Actor, *, zone: Column) -> ColumnElement[bool]:
    """Return the condition on teams: staff see those of their zones."""
    if actor.role is Role.REQUESTER:
        return false()
    if actor.role in (Role.MANAGER, Role.DISPATCHER) and actor.zones is not None:
        return zone.in_(actor.zones)
    return true()


def all_of(conditions: Iterable[ColumnElement[bool]]) -> ColumnElement[bool]:
    return and_(true(), *conditions)


def masked(value: str | None) -> str | None:
    """Return a contact datum as someone without the right may see it."""
    if not value:
        return value
    return value[0] + "•" * 4
