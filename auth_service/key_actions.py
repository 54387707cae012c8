"""When an API key was last used: written at most once a minute, noted once a day."""

from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import or_, select, update

from auth_service import credentials
from auth_service.audit import Caller, Kind, note
from db.auth import ApiKey
from db.scope import Actor
from service_kit.clock import monotonic_s, utc_now
from service_kit.database import transaction

EVERY_S = 60.0
NOTED_EVERY = timedelta(days=1)
MOST_REMEMBERED = 10_000


def touch_api_key(header: str, actor: Actor, caller: Caller) -> None:
    """Remember that the key in an Authorization header was used now."""
    key_hash = credentials.digest(header.partition(" ")[2])
    seen: dict[bytes, float] = current_app.extensions.setdefault("touched_keys", {})
    last_s = seen.get(key_hash)
    if last_s is not None and monotonic_s() - last_s < EVERY_S:
        return
    if len(seen) >= MOST_REMEMBERED:
        seen.clear()
    seen[key_hash] = monotonic_s()
    write_use(key_hash, actor, caller)


def write_use(key_hash: bytes, actor: Actor, caller: Caller) -> None:
    now = utc_now()
    stale: Any = or_(
        ApiKey.last_used_at.is_(None),
        ApiKey.last_used_at <= now - timedelta(seconds=EVERY_S),
    )
    with transaction() as connection:
        row = connection.execute(
            select(ApiKey.id, ApiKey.last_used_at)
            .where(ApiKey.key_hash == key_hash, stale)
            .with_for_update(skip_locked=True)
        ).first()
        if row is None:
            return  # another process wrote it this minute
        connection.execute(
            update(ApiKey).where(ApiKey.id == row.id).values(last_used_at=now)
        )
        if row.last_used_at is None or now - row.last_used_at > NOTED_EVERY:
            note(
                connection,
                Kind.KEY_USED,
                caller,
                user_id=actor.user_id,
                actor_id=actor.user_id,
                key_id=row.id,
            )
