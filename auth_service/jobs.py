"""Background work of the auth service: clearing away what has had its time."""

from datetime import timedelta

from sqlalchemy import delete

from auth_service import lockout
from db.auth import LoginFailure, PasswordReset, Session, SigningKey, idempotency_keys
from service_kit.clock import utc_now
from service_kit.idempotency import forget_old_keys
from service_kit.worker import Job, JobContext

# Ended sessions are kept a while: a late reuse of their tokens is still recognised.
ENDED_KEPT = timedelta(days=30)
SPENT_KEPT = timedelta(days=1)


def clear_away(context: JobContext) -> None:
    """Delete expired sessions, reset tokens, failures, keys and remembered answers."""
    now = utc_now()
    with context.database.transaction() as connection:
        connection.execute(delete(Session).where(Session.expires_at < now - ENDED_KEPT))
        connection.execute(delete(Session).where(Session.revoked_at < now - ENDED_KEPT))
        connection.execute(
            delete(PasswordReset).where(PasswordReset.expires_at < now - SPENT_KEPT)
        )
        connection.execute(
            delete(LoginFailure).where(
                LoginFailure.last_failed_at < now - lockout.FORGOTTEN_AFTER
            )
        )
        connection.execute(
            delete(SigningKey).where(SigningKey.verifies_until < now - SPENT_KEPT)
        )
        forget_old_keys(connection, idempotency_keys)


JOBS: tuple[Job, ...] = (Job("auth.clear_away", 600.0, clear_away),)
