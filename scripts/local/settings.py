"""What the local run is told: ports, folders, limits, and secrets it makes itself.

Read from the environment and from `.env` in the project (the environment wins).
Refuses ports that are no ports; makes passwords once and keeps them for itself
(`var/secrets.json`, readable by its owner only).
"""

import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from scripts.local.processes import CannotStart
from service_kit.settings import read_env_file

PROJECT = Path(__file__).resolve().parents[2]
SERVICES = ("auth", "tickets", "analytics", "ai")

# Setting, default port, what listens there.
PORTS: Mapping[str, tuple[str, int]] = {
    "gateway": ("GATEWAY_PORT", 8085),
    "dashboard": ("DASHBOARD_PORT", 8080),
    "auth": ("AUTH_SERVICE_PORT", 8000),
    "tickets": ("TICKETS_SERVICE_PORT", 8001),
    "analytics": ("ANALYTICS_SERVICE_PORT", 8002),
    "ai": ("AI_SERVICE_PORT", 8003),
    "postgres": ("POSTGRES_PORT", 5432),
}


def environment(values: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment with what `.env` (or AIFF_ENV_FILE) adds to it."""
    given = dict(os.environ if values is None else values)
    file = Path(given.get("AIFF_ENV_FILE") or PROJECT / ".env")
    return {**read_env_file(file), **given}


@dataclass(frozen=True)
class LocalSettings:
    """One run on this machine; `values` is the whole environment it was read from."""

    values: Mapping[str, str]
    ports: Mapping[str, int]
    var: Path

    @classmethod
    def read(cls, values: Mapping[str, str] | None = None) -> "LocalSettings":
        """Read the settings; raise CannotStart naming a wrong one."""
        known = environment(values)
        ports = {name: _port(known, name) for name in PORTS}
        _check_distinct(ports)
        var = Path(known.get("AIFF_VAR_DIR") or PROJECT / "var").expanduser().resolve()
        return cls(known, ports, var)

    @property
    def database_url(self) -> str | None:
        """The database that is given; None means the embedded one."""
        return self.values.get("DATABASE_URL") or None

    @property
    def is_development(self) -> bool:
        return self.values.get("AIFF_ENV", "development") == "development"

    @property
    def bind_address(self) -> str:
        """Where gateway and dashboard listen; all else stays on the loopback."""
        return self.values.get("BIND_ADDRESS") or "127.0.0.1"

    @property
    def gateway_url(self) -> str:
        return f"http://localhost:{self.ports['gateway']}"

    @property
    def dashboard_url(self) -> str:
        return f"http://localhost:{self.ports['dashboard']}"

    @property
    def cors_origins(self) -> list[str]:
        given = self.values.get("CORS_ORIGINS", "")
        named = [part.strip().rstrip("/") for part in given.split(",") if part.strip()]
        port = self.ports["dashboard"]
        return named or [f"http://localhost:{port}", f"http://127.0.0.1:{port}"]

    @property
    def pid_file(self) -> Path:
        return self.var / "run" / "supervisor.pid"

    @property
    def state_file(self) -> Path:
        """Which program runs as which process, for `make stop` and for tests."""
        return self.var / "run" / "state.json"

    def setting_of(self, name: str) -> str:
        return PORTS[name][0]

    def secret(self, name: str) -> str:
        """Return a password made once and kept; only its owner may read the file."""
        path = self.var / "secrets.json"
        try:
            known: dict[str, str] = json.loads(path.read_text())
        except FileNotFoundError:
            known = {}
        except PermissionError as problem:
            raise CannotStart(
                f"{path} belongs to another account. Run as that account, or set "
                "AIFF_VAR_DIR to a folder of your own."
            ) from problem
        if name not in known:
            known[name] = secrets.token_urlsafe(24)
            _write_private(path, json.dumps(known, indent=2))
        return known[name]

    def system_folder(self) -> Path:
        """Where an account that may not enter the project can keep its files."""
        key = sha256(str(self.var).encode()).hexdigest()[:12]
        return Path("/var/lib/aiff") / key


def _port(values: Mapping[str, str], name: str) -> int:
    setting, default = PORTS[name]
    given = values.get(setting) or str(default)
    if not given.isdigit() or not 1 <= int(given) <= 65535:
        raise CannotStart(f"{setting} must be a port from 1 to 65535, not {given!r}.")
    return int(given)


def _check_distinct(ports: Mapping[str, int]) -> None:
    seen: dict[int, str] = {}
    for name, port in ports.items():
        if port in seen:
            raise CannotStart(
                f"{PORTS[name][0]} and {PORTS[seen[port]][0]} are both {port}."
            )
        seen[port] = name


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=".secrets-")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(scratch).replace(path)
