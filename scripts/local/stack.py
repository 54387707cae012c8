"""The whole system for a test: on free ports, in a folder of its own, as `make run`.

    with Stack.started(tmp_path, {"API_RATE": "1000r/s"}) as stack:
        requests.get(stack.gateway_url + "/health")

It is the real supervisor in a process of its own, so what passes here is what a
person gets. Refuses to return before everything is ready.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scripts.local import processes
from scripts.local.processes import CannotStart
from scripts.local.settings import PORTS, PROJECT, LocalSettings, environment
from scripts.local.system import System

READY_WITHIN_S = 240.0  # with some example data
# A test asks faster than people; what is tested sets its own limits again.
ROOMY: Mapping[str, str] = {
    "LOGIN_RATE": "1000r/s",
    "LOGIN_BURST": "1000",
    "API_RATE": "5000r/s",
    "API_BURST": "5000",
    "ADDRESS_RATE": "5000r/s",
    "ADDRESS_BURST": "5000",
    "POSTGRES_DURABLE": "off",
    "AIFF_SEED": "never",
    "AIFF_ENV": "development",
}
# Settings of the person who runs the tests that must not leak into them.
PRIVATE = ("DATABASE_URL", "JWT_SECRET", "CORS_ORIGINS", "BIND_ADDRESS", "SEED_SCALE")


@dataclass
class Stack:
    """One running system. `values` are the settings it was started with."""

    folder: Path
    values: dict[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    @contextmanager
    def started(
        cls, folder: Path, values: Mapping[str, str] | None = None
    ) -> Iterator["Stack"]:
        """Yield a running system below `folder`; `values` are settings by name.

        DATABASE_URL among them uses that database; AIFF_SEED=auto seeds.
        """
        stack = cls.plan(folder, values)
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()

    @classmethod
    def plan(cls, folder: Path, values: Mapping[str, str] | None = None) -> "Stack":
        """Return a system that is not started yet, on free ports."""
        known = {k: v for k, v in environment().items() if k not in PRIVATE}
        if not known.get("PG_BIN"):
            known["PG_BIN"] = "embedded"
        ports = {setting: str(processes.free_port()) for setting, _ in PORTS.values()}
        known |= {**ROOMY, **ports, "AIFF_VAR_DIR": str(folder)}
        known |= {"AIFF_ENV_FILE": os.devnull, **(values or {})}
        return cls(folder, known)

    @property
    def settings(self) -> LocalSettings:
        return LocalSettings.read(self.values)

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.ports['gateway']}"

    @property
    def dashboard_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.ports['dashboard']}"

    def service_url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.settings.ports[service]}"

    @property
    def database_url(self) -> str:
        """The owner's address of the database."""
        return System(self.settings).owner_url

    @property
    def log(self) -> str:
        try:
            return (self.folder / "log" / "aiff.log").read_text()
        except FileNotFoundError:
            return ""

    @property
    def state(self) -> dict[str, object]:
        try:
            known: dict[str, object] = json.loads(self.settings.state_file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return known

    def pid(self, program: str) -> int:
        """Return the process of a program by its name in the log."""
        programs = self.state["programs"]
        assert isinstance(programs, dict)  # noqa: S101 - the supervisor wrote it
        return int(programs[program]["pid"])

    def start(self) -> None:
        """Start and wait; raises CannotStart with the end of the log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._let_in()
        with (self.folder / "console.log").open("wb") as console:
            self.process = processes.start(
                [sys.executable, "-m", "scripts.local", "run"],
                env={**self.values, "PYTHONPATH": str(PROJECT)},
                cwd=PROJECT,
                output=console,
            )
        ready = processes.wait_until(
            self._is_ready,
            seconds=READY_WITHIN_S,
            process=self.process,
            every=0.1,
        )
        if not ready:
            self.stop()
            said = (self.folder / "console.log").read_text()[-6000:]
            raise CannotStart(f"The system did not come up:\n{said}")

    def _is_ready(self) -> bool:
        """Whether this run, not one before it, says that it is ready."""
        ours = self.process is not None and self.state.get("pid") == self.process.pid
        return ours and bool(self.state.get("ready"))

    def _let_in(self) -> None:
        """Let the server's account into pytest's own folders, which are closed."""
        for path in (self.folder, *self.folder.parents):
            if len(path.parts) <= 2:
                return
            mode = path.stat().st_mode
            if path.stat().st_uid == 0 and not mode & 0o001:
                path.chmod(mode | 0o011)

    def stop(self) -> None:
        if self.process is not None:
            processes.end(self.process, seconds=60)
            self.process = None
