"""What is new in a row about a ticket that is there: told through the same rules.

One transaction per batch of rows; each row under a savepoint, so a refused one
leaves the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from scripts.importing.drafts import TicketDraft
from scripts.importing.lives import columns, moves_towards
from service_kit.errors import AppError, NotFound
from tickets_service import commands as ask
from tickets_service.storage import Request, World, act_on, load_ticket
from tickets_service.ticket_state import TicketState

NEVER_EDITED = frozenset({"external_ref", "promised_at"})


@dataclass(slots=True)
class Outcome:
    """What became of the rows of a batch."""

    updated: int = 0
    unchanged: int = 0
    refused: list[tuple[TicketDraft, str]] = field(default_factory=list)


def bring_up_to_date(
    connection: Connection,
    known: Sequence[tuple[int, TicketDraft]],
    request: Request,
    world: World,
    team_ids: dict[str, int],
) -> Outcome:
    """Tell tickets by id what their rows say now."""
    outcome = Outcome()
    for ticket_id, draft in known:
        try:
            with connection.begin_nested():
                state = load_ticket(connection, ticket_id, lock=True)
                told = tell(connection, state, draft, request, world, team_ids)
        except NotFound:
            outcome.refused.append((draft, "the ticket was deleted here"))
        except AppError as error:
            outcome.refused.append((draft, error.detail))
        else:
            outcome.updated += told
            outcome.unchanged += not told
    return outcome


def tell(
    connection: Connection,
    state: TicketState,
    draft: TicketDraft,
    request: Request,
    world: World,
    team_ids: dict[str, int],
) -> bool:
    """Bring one locked ticket up to date; return whether anything changed."""
    changes = changed_columns(state, columns(draft, team_ids))
    commands: list[ask.Command] = [*moves_towards(draft, state)]
    if changes:
        commands.insert(0, ask.EditTicket(changes, "import"))
    return bool(act_on(connection, state, commands, request, world).events)


def changed_columns(state: TicketState, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what differs; what a row does not tell stays as it is."""
    wanted = {**wanted, "tags": tuple(wanted["tags"])}
    return {
        name: value
        for name, value in wanted.items()
        if name not in NEVER_EDITED
        and value is not None
        and getattr(state, name) != value
    }
