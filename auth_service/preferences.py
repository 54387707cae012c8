"""Settings of the auth service alone, read once at start-up."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from auth_service.vault import Vault
from db.vocabulary import Role
from service_kit.settings import MIN_SECRET_BYTES, PROJECT, Env

KEY_FILE = "totp.key"


@dataclass(frozen=True, slots=True)
class Preferences:
    """How long things live, who needs a second factor, how mail leaves.

    smtp_host: empty means no server: in development mail is then written to the
        log and to `var/mail`, elsewhere it is refused with a line in the log.
    vault: locks the secrets of second factors with totp_keys; `create_app` gives it
        the file of a key for when there are none.
    """

    access_token_life: timedelta = timedelta(minutes=15)
    session_life: timedelta = timedelta(days=30)
    second_factor_roles: frozenset[Role] = frozenset()
    hashes_at_once: int = 1
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_password: str = field(default="", repr=False)
    smtp_starttls: bool = True
    mail_from: str = "aiff@localhost"
    dashboard_url: str = "http://localhost:8080"
    totp_keys: tuple[str, ...] = field(default=(), repr=False)
    vault: Vault = field(
        default_factory=lambda: Vault((), PROJECT / "var" / KEY_FILE), repr=False
    )

    @classmethod
    def from_env(cls, values: Mapping[str, str] = os.environ) -> Self:
        """Read them; raises BadSettings that names every fault."""
        env = Env(values)
        preferences = cls(
            access_token_life=timedelta(
                minutes=env.integer("ACCESS_TOKEN_MINUTES", 15, low=1, high=60)
            ),
            session_life=timedelta(
                days=env.integer("REFRESH_TOKEN_DAYS", 30, low=1, high=365)
            ),
            second_factor_roles=second_factor_roles(env),
            hashes_at_once=env.integer("HASHES_AT_ONCE", 1, low=1, high=64),
            smtp_host=env.text("SMTP_HOST"),
            smtp_port=env.integer("SMTP_PORT", 587, low=1, high=65_535),
            smtp_user=env.text("SMTP_USER"),
            smtp_password=env.text("SMTP_PASSWORD"),
            smtp_starttls=env.flag("SMTP_STARTTLS", True),
            mail_from=env.text("MAIL_FROM", "aiff@localhost"),
            dashboard_url=env.text("DASHBOARD_URL", "http://localhost:8080").rstrip(
                "/"
            ),
            totp_keys=totp_keys(env),
        )
        env.check()
        return preferences


def totp_keys(env: Env) -> tuple[str, ...]:
    """Return the keys of TOTP_KEY: the one that locks, and those that still open."""
    keys = env.items("TOTP_KEY")
    if any(len(key.encode()) < MIN_SECRET_BYTES for key in keys):
        env.faults.append(f"TOTP_KEY must have at least {MIN_SECRET_BYTES} bytes")
    return keys


def second_factor_roles(env: Env) -> frozenset[Role]:
    """Return the roles named in SECOND_FACTOR_ROLES (empty: optional for everyone)."""
    named = env.items("SECOND_FACTOR_ROLES")
    unknown = [name for name in named if name not in set(Role)]
    if unknown:
        env.faults.append(
            f"SECOND_FACTOR_ROLES must list roles, not {', '.join(unknown)}"
        )
    return frozenset(Role(name) for name in named if name in set(Role))
