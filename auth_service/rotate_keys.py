"""Let a new key sign access tokens: `python -m auth_service.rotate_keys`.

Nobody is logged out: tokens of the old key are accepted until they expire.
"""

import sys

from auth_service.audit import Caller, Kind, note
from auth_service.commands import database_of, settings_or_exit
from auth_service.preferences import Preferences
from auth_service.signing import rotate_key
from db.engine import Database
from service_kit.clock import utc_now


def rotate(database: Database, preferences: Preferences) -> str:
    """Rotate and return the kid of the new key."""
    with database.transaction() as connection:
        kid = rotate_key(
            connection, now=utc_now(), token_life=preferences.access_token_life
        )
        note(connection, Kind.KEYS_ROTATED, Caller(), kid=kid)
    return kid


def main() -> int:
    settings = settings_or_exit()
    if settings.jwt_secret:
        sys.exit(
            "Tokens are signed with JWT_SECRET: there is no key pair to rotate. "
            "Change JWT_SECRET and restart; everyone logs in again."
        )
    kid = rotate(database_of(settings), Preferences.from_env())
    sys.stdout.write(f"New tokens are signed with key {kid}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
