"""What the server remembers of a conversation: rows of `ai.conversations`.

A conversation belongs to one user; anyone else's is not found. Nothing of it is ever
taken from a client. A proposal is kept with the hash of its token, its ticket's
version and its end, and leaves the row the moment it is used.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ai_service.assistant.plans import Memory
from db.ai import Conversation, Turn
from service_kit.errors import NotFound

PROPOSAL_MINUTES = 5
LISTED_KEPT = 50
State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Remembered:
    id: int
    state: State


def open_conversation(
    connection: Connection, conversation_id: int | None, user_id: int, now: datetime
) -> Remembered:
    """Return the user's conversation, a new one for None; NotFound for another's."""
    if conversation_id is None:
        values = {"user_id": user_id, "state": {}, "updated_at": now}
        made = insert(Conversation).values(**values).returning(Conversation.id)
        return Remembered(connection.execute(made).scalar_one(), {})
    row = connection.execute(
        select(Conversation.id, Conversation.state)
        .where(Conversation.id == conversation_id, Conversation.user_id == user_id)
        .with_for_update()
    ).first()
    if row is None:
        raise NotFound(f"There is no conversation {conversation_id}.")
    return Remembered(row.id, dict(row.state))


def save_turn(
    connection: Connection,
    conversation_id: int,
    state: State,
    told: tuple[str, Mapping[str, Any]],
    now: datetime,
) -> None:
    """Keep the state and the turn. told: message and answer, without secrets."""
    message, answer = told
    connection.execute(
        update(Conversation)
        .where(Conversation.id == conversation_id)
        .values(state=state, updated_at=now)
    )
    kept = {k: v for k, v in answer.items() if k != "proposal"}
    connection.execute(
        insert(Turn).values(
            conversation_id=conversation_id, message=message, answer=kept
        )
    )


def memory_from(state: State, now: datetime) -> Memory:
    proposal = live_proposal(state, now)
    return Memory(
        last=state.get("last"),
        asking=state.get("asking"),
        focus=state.get("focus"),
        listed=len(state.get("listed", [])),
        has_proposal=proposal is not None,
        language=state.get("language"),
    )


# ---- proposals -----------------------------------------------------------------------


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def keep_proposal(
    state: State, proposal: Mapping[str, Any], now: datetime
) -> tuple[str, datetime]:
    """Put a proposal into the state, in place of any other; return token and end."""
    token = secrets.token_urlsafe(24)
    expires_at = now + timedelta(minutes=PROPOSAL_MINUTES)
    state["proposal"] = {
        **proposal,
        "token_sha256": digest(token),
        "expires_at": expires_at.isoformat(),
    }
    return token, expires_at


def live_proposal(state: State, now: datetime) -> Mapping[str, Any] | None:
    kept: Mapping[str, Any] | None = state.get("proposal")
    if kept is None or datetime.fromisoformat(kept["expires_at"]) <= now:
        return None
    return kept


def take_proposal(
    connection: Connection, remembered: Remembered, token: str | None, now: datetime
) -> Mapping[str, Any] | None:
    """Remove the pending proposal and return it; None if there is none to use.

    token: None when the user agreed in words. A wrong token leaves it pending. The
    row is locked by `open_conversation`, so of two confirmations one finds nothing.
    """
    kept = live_proposal(remembered.state, now)
    if kept is None:
        remembered.state.pop("proposal", None)
        return None
    if token is not None and not secrets.compare_digest(
        digest(token), str(kept["token_sha256"])
    ):
        return None
    remembered.state.pop("proposal")
    connection.execute(
        update(Conversation)
        .where(Conversation.id == remembered.id)
        .values(state=remembered.state)
    )
    return kept
