"""A draft's life through the tickets service's rules, told from its source's times.

Runs in the processes of scripts/bulk/pool.py. Numbers of tickets are marks until
they are written, because the real ones are taken in the writing transaction.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from db.scope import Actor
from db.vocabulary import Status, Via
from scripts.bulk import parcels
from scripts.bulk.histories import CLOCKWORK, History, ReadBook
from scripts.bulk.parcels import Parcel
from scripts.importing.drafts import TicketDraft
from service_kit.errors import AppError
from tickets_service import commands as ask
from tickets_service.decisions import decide
from tickets_service.lifecycle import Action
from tickets_service.ticket_state import Event, TicketState

FIRST_MARK = 8765431 * 10**8
MARK = re.compile(r"\b8765431(\d{8})\b")


@dataclass(frozen=True, slots=True)
class Scene:
    """What a process needs to let drafts live. zone: the organisation's."""

    actor: Actor
    now: datetime
    book: ReadBook
    zone: ZoneInfo
    team_ids: dict[str, int]


@dataclass(slots=True)
class Batch:
    """A batch that has lived. refused: position in the batch to the reason."""

    parcel: Parcel
    accepted: list[TicketDraft]
    refused: list[tuple[TicketDraft, str]]

    def numbered(self, first: int) -> Parcel:
        """Return the parcel with real numbers in place of the marks."""
        place: Callable[[re.Match[str]], str] = lambda m: str(first + int(m[1]))  # noqa: E731
        self.parcel.texts = [
            (table, columns, MARK.sub(place, text))
            for table, columns, text in self.parcel.texts
        ]
        return self.parcel


_scene: list[Scene] = []


def set_scene(scene: Scene) -> None:
    _scene[:] = [scene]


def lived(drafts: Sequence[TicketDraft]) -> Batch:
    """Return a batch of drafts as the rules made them."""
    (scene,) = _scene
    histories: list[History] = []
    accepted: list[TicketDraft] = []
    refused: list[tuple[TicketDraft, str]] = []
    for draft in drafts:
        try:
            histories.append(history(draft, FIRST_MARK + len(accepted), scene))
        except AppError as error:
            refused.append((draft, error.detail))
        else:
            accepted.append(draft)
    return Batch(parcels.packed(histories, scene.zone, scene.book), accepted, refused)


def history(draft: TicketDraft, ticket_id: int, scene: Scene) -> History:
    """Return what became of a ticket; raises what the rules refuse.

    Each step is judged as of its own instant, and recorded now.
    """
    opening = ask.OpenTicket(
        ticket_id,
        columns(draft, scene.team_ids),
        opened_at=draft.opened_at,
        created_at=draft.opened_at,
        has_policy=draft.promised_at is not None,
    )
    book, at, via = scene.book, draft.opened_at, Via.IMPORT
    state, events = decide(None, opening, scene.actor, at, book, via)
    for move in moves_towards(draft, state):
        at = move.occurred_at or at
        state, more = decide(state, move, scene.actor, at, book, via)
        events += more
    state = with_thresholds(state, events, scene)
    recorded = [replace(event, recorded_at=scene.now) for event in events]
    return History(replace(state, updated_at=scene.now), recorded)


def columns(draft: TicketDraft, team_ids: dict[str, int]) -> dict[str, Any]:
    """Return the ticket's columns as the draft has them."""
    found = dict(draft.fields)
    found["external_ref"] = draft.external_ref
    found["promised_at"] = draft.promised_at
    found["team_id"] = team_ids[draft.team] if draft.team else None
    return found


def with_thresholds(
    state: TicketState, events: list[Event], scene: Scene
) -> TicketState:
    """Return the state after the warnings and the breach of what is still open."""
    if state.clocks is None or state.clocks.resolution.is_settled:
        return state
    state, more = decide(
        state, ask.Sweep(), CLOCKWORK, scene.now, scene.book, Via.WORKER
    )
    events += more
    return state


def moves_towards(draft: TicketDraft, state: TicketState) -> list[ask.MoveTicket]:
    """Return the moves that bring a ticket to where its source says it is.

    A ticket that is finished here is left so: an import reopens nothing.
    """
    if draft.status is Status.CANCELLED and state.status in OPEN:
        return [ask.MoveTicket(Action.CANCEL, occurred_at=draft.closed_at)]
    if draft.status not in (Status.COMPLETED, Status.CLOSED):
        return []
    moves = []
    if state.status in OPEN:
        done_at, note = draft.completed_at, draft.closing_note or None
        if state.status is Status.OPEN:
            moves.append(ask.MoveTicket(Action.START, occurred_at=done_at))
        done = ask.MoveTicket(Action.COMPLETE, note=note, occurred_at=done_at)
        moves.append(done)
    if draft.status is Status.CLOSED and state.status in {*OPEN, Status.COMPLETED}:
        moves.append(ask.MoveTicket(Action.CLOSE, occurred_at=draft.closed_at))
    return moves


OPEN = frozenset({Status.OPEN, Status.IN_PROGRESS, Status.ON_HOLD})
