"""Settings, read once from the environment at start-up, typed and checked.

A service does not start on a missing or bad value: every fault is named at once.
Nothing secret has a default.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from db.urls import normalised

ENVIRONMENTS = ("development", "production", "test")
MIN_SECRET_BYTES = 32
# Secrets printed in a README or a tutorial are no secrets.
PUBLISHED_SECRETS = frozenset(
    {
        "secret",
        "changeme",
        "change-me",
        "jwt-secret",
        "jwt-secret-key",
        "super-secret",
        "your-secret-key",
        "your_jwt_secret",
        "dev-secret",
        "development-secret-do-not-use",
        "your-super-secret-jwt-key-change-in-production",
        "please-change-this-secret-in-production",
    }
)
PROJECT = Path(__file__).resolve().parent.parent


class BadSettings(Exception):
    """One or more environment variables are missing or wrong; str() lists them."""


@dataclass
class Env:
    """A reader of environment variables that gathers all faults before it fails."""

    values: Mapping[str, str]
    faults: list[str] = field(default_factory=list)

    def text(self, name: str, default: str = "") -> str:
        return self.values.get(name, "").strip() or default

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            self.faults.append(f"{name} is not set")
        return value

    def integer(
        self, name: str, default: int, *, low: int = 0, high: int = 2**31
    ) -> int:
        raw = self.text(name, str(default))
        try:
            value = int(raw)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            self.faults.append(
                f"{name} must be a whole number from {low} to {high}, not {raw!r}"
            )
            return default
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        raw = self.text(name, str(default)).lower()
        if raw not in {"true", "false", "1", "0", "yes", "no"}:
            self.faults.append(f"{name} must be true or false, not {raw!r}")
        return raw in {"true", "1", "yes"}

    def one_of(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        raw = self.text(name, default)
        if raw not in allowed:
            self.faults.append(
                f"{name} must be one of {', '.join(allowed)}, not {raw!r}"
            )
        return raw

    def items(self, name: str, default: str = "") -> tuple[str, ...]:
        return tuple(
            part.strip() for part in self.text(name, default).split(",") if part.strip()
        )

    def check(self) -> None:
        """Raise BadSettings if anything read so far was wrong."""
        if self.faults:
            raise BadSettings("; ".join(self.faults))


@dataclass(frozen=True, slots=True)
class Settings:
    """What every service is told. `service` is auth, tickets, analytics or ai."""

    service: str
    database_url: str
    environment: str = "production"
    jwt_secret: str = ""
    cors_origins: tuple[str, ...] = ()
    organisation_zone: str = "Asia/Kuala_Lumpur"
    organisation_country: str = "MY"
    statement_timeout_ms: int = 5_000
    pool_size: int = 5
    log_level: str = "INFO"
    session_cache_s: int = 5
    max_body_bytes: int = 1 << 20
    var_dir: Path = PROJECT / "var"
    gateway_url: str = "http://127.0.0.1:8085"

    @property
    def role(self) -> str:
        """The database role as which this service writes."""
        return f"aiff_{self.service}"

    @property
    def is_development(self) -> bool:
        return self.environment == "development"

    @classmethod
    def from_env(cls, service: str, values: Mapping[str, str] = os.environ) -> Self:
        """Read the settings of `service`; raise BadSettings naming every fault."""
        env = Env(values)
        settings = cls(
            service=service,
            database_url=database_url(env, service),
            environment=env.one_of("AIFF_ENV", ENVIRONMENTS, "production"),
            jwt_secret=env.text("JWT_SECRET"),
            cors_origins=env.items("CORS_ORIGINS", "http://localhost:8080"),
            organisation_zone=zone_name(env),
            organisation_country=env.text("ORG_COUNTRY", "MY"),
            statement_timeout_ms=env.integer("STATEMENT_TIMEOUT_MS", 5_000),
            pool_size=env.integer("DB_POOL_SIZE", 5, low=1, high=100),
            log_level=env.one_of(
                "LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"
            ),
            session_cache_s=env.integer("SESSION_CACHE_S", 5, high=10),
            var_dir=Path(env.text("AIFF_VAR_DIR", str(PROJECT / "var"))),
            gateway_url=env.text(
                "GATEWAY_URL", f"http://127.0.0.1:{env.integer('GATEWAY_PORT', 8085)}"
            ),
        )
        check_secret(env, settings)
        env.check()
        return settings


def database_url(env: Env, service: str) -> str:
    """Return the service's own URL if one is given, else the common one."""
    url = env.text(f"{service.upper()}_DATABASE_URL") or env.required("DATABASE_URL")
    if url:
        try:
            normalised(url)
        except ValueError as error:
            env.faults.append(str(error))
    return url


def zone_name(env: Env) -> str:
    name = env.text("ORG_TIMEZONE", "Asia/Kuala_Lumpur")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        env.faults.append(f"ORG_TIMEZONE must be an IANA zone, not {name!r}")
    return name


def check_secret(env: Env, settings: Settings) -> None:
    """Refuse a weak JWT_SECRET wherever real people may rely on it."""
    secret = settings.jwt_secret
    if not secret or settings.is_development:
        return
    if secret.lower() in PUBLISHED_SECRETS:
        env.faults.append("JWT_SECRET is a published example; make one of your own")
    elif len(secret.encode()) < MIN_SECRET_BYTES:
        env.faults.append(f"JWT_SECRET must have at least {MIN_SECRET_BYTES} bytes")


def read_env_file(path: Path) -> dict[str, str]:
    """Return NAME=value lines of a `.env` file; empty if there is none."""
    if not path.is_file():
        return {}
    pairs = (line.partition("=") for line in path.read_text().splitlines())
    return {
        name.strip(): value.strip().strip("'\"")
        for name, mark, value in pairs
        if mark and not name.lstrip().startswith("#")
    }
