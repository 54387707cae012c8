"""The audit: what happened to accounts, written once and never changed.

Kept by the database itself (a trigger and a missing right). It never holds a
password, a token, a key or a code; of names that nobody has it holds none either,
because people type passwords into the wrong field.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, text

from service_kit.answers import to_json


class Kind(StrEnum):
    REGISTERED = "user_registered"
    USER_ADDED = "user_added"
    USER_CHANGED = "user_changed"
    ROLE_CHANGED = "role_changed"
    DEACTIVATED = "user_deactivated"
    REACTIVATED = "user_reactivated"
    LOGGED_IN = "logged_in"
    LOGIN_FAILED = "login_failed"
    LOCKED = "account_locked"
    LOGGED_OUT = "logged_out"
    SESSION_REVOKED = "session_revoked"
    TOKEN_REUSED = "refresh_token_reused"  # noqa: S105
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    RESET_ASKED = "password_reset_requested"
    PASSWORD_RESET = "password_reset"  # noqa: S105
    FACTOR_ADDED = "second_factor_added"
    FACTOR_REMOVED = "second_factor_removed"
    FACTOR_FAILED = "second_factor_failed"
    RECOVERY_CODE_USED = "recovery_code_used"
    KEY_ADDED = "api_key_added"
    KEY_REVOKED = "api_key_revoked"
    KEY_USED = "api_key_used"
    TEAM_ADDED = "team_added"
    TEAM_CHANGED = "team_changed"
    TEAM_DEACTIVATED = "team_deactivated"
    KEYS_ROTATED = "signing_key_rotated"


EVENT = text(
    "INSERT INTO auth.audit_events "
    "(kind, actor_id, user_id, address, device, details, request_id) VALUES "
    "(:kind, :actor_id, :user_id, CAST(:address AS inet), :device, "
    "CAST(:details AS jsonb), :request_id)"
)


@dataclass(frozen=True, slots=True)
class Caller:
    """From where a request came. Empty for commands and the seeder."""

    address: str | None = None
    device: str = ""
    request_id: str | None = None


def note(
    connection: Connection,
    kind: Kind,
    caller: Caller,
    *,
    user_id: int | None = None,
    actor_id: int | None = None,
    **details: object,
) -> None:
    """Add one event.

    user_id: whom it is about; actor_id: who did it; both None for a stranger.
    """
    connection.execute(
        EVENT,
        {
            "kind": kind.value,
            "actor_id": actor_id,
            "user_id": user_id,
            "address": caller.address,
            "device": caller.device,
            "details": to_json(details).decode(),
            "request_id": caller.request_id,
        },
    )
