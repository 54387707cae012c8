"""The whole system on this machine: its programs, their order and their settings.

PostgreSQL (unless DATABASE_URL names one), migrations, four services and the worker,
nginx, and the seeder on an empty database. Refuses a second run beside the first and
ports that others hold.
"""

import fcntl
import os
import re
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import psycopg2
from psycopg2 import sql

from scripts.local import processes
from scripts.local.console import Console
from scripts.local.nginx import Gateway
from scripts.local.postgres import DURABLE, OWNER, THROWAWAY, Cluster
from scripts.local.processes import CannotStart
from scripts.local.settings import PROJECT, SERVICES, LocalSettings
from scripts.local.supervisor import Program, Supervisor, end_leftovers
from service_kit.settings import read_env_file

PORTS_FREE_WITHIN_S = 6.0  # the programs of a run that was killed need a moment
# Waiting readers (server-sent events, long polls) hold a thread each.
THREADS: Mapping[str, int] = {"tickets": 16}


class System:
    """One run: the settings, the database server if it is ours, the programs."""

    def __init__(self, settings: LocalSettings) -> None:
        self.settings = settings

    # --- parts ------------------------------------------------------------------

    @cached_property
    def cluster(self) -> Cluster | None:
        """The embedded server, None when DATABASE_URL names another."""
        if self.settings.database_url:
            return None
        throwaway = self.settings.values.get("POSTGRES_DURABLE") == "off"
        return Cluster(
            self._folder("postgres"),
            self.settings.ports["postgres"],
            self.settings.secret(OWNER),
            THROWAWAY if throwaway else DURABLE,
            self.settings.values.get("PG_BIN", ""),
        )

    @cached_property
    def gateway(self) -> Gateway:
        return Gateway(
            self.settings, self._folder("nginx"), processes.unprivileged_account()
        )

    def _folder(self, name: str) -> Path:
        """Return where a program that root does not run as itself keeps its files."""
        self.settings.var.mkdir(parents=True, exist_ok=True)
        account = processes.unprivileged_account(self.settings.var / name)
        if processes.can_enter(account, self.settings.var):
            return self.settings.var / name
        return self.settings.system_folder() / name

    @property
    def owner_url(self) -> str:
        if self.cluster is None:
            return self.settings.database_url or ""
        return self.cluster.url

    def service_url(self, service: str) -> str:
        """Return a login of the service's own on our server, else the given URL."""
        if self.cluster is None:
            return self.owner_url
        role = f"aiff_{service}"
        return self.cluster.socket_url_of(role, self.settings.secret(role))

    # --- environments -----------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """Return what everything is told; no address of the database."""
        settings = self.settings
        ports = {settings.setting_of(n): str(p) for n, p in settings.ports.items()}
        known = {
            name: value
            for name, value in settings.values.items()
            if not name.endswith("DATABASE_URL")
        }
        return {
            **known,
            **ports,
            "AIFF_ENV": settings.values.get("AIFF_ENV") or "development",
            "AIFF_VAR_DIR": str(settings.var),
            "CORS_ORIGINS": ",".join(settings.cors_origins),
            "GATEWAY_URL": f"http://127.0.0.1:{settings.ports['gateway']}",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(PROJECT),
        }

    def owner_environment(self) -> dict[str, str]:
        """For migrations, the seeder and commands of a person."""
        return {**self.environment(), "DATABASE_URL": self.owner_url}

    def service_environment(self, service: str) -> dict[str, str]:
        """For one service: its own login and nothing of the others."""
        metrics = self.settings.var / "metrics" / service
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir(parents=True)
        common = self.environment()
        if service in THREADS:
            common.setdefault("GUNICORN_THREADS", str(THREADS[service]))
            common.setdefault("DB_POOL_SIZE", str(THREADS[service]))
        return {
            **common,
            "BIND_ADDRESS": "127.0.0.1",
            "PORT": str(self.settings.ports[service]),
            "DATABASE_URL": self.service_url(service),
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        }

    def worker_environment(self) -> dict[str, str]:
        urls = {f"{s.upper()}_DATABASE_URL": self.service_url(s) for s in SERVICES}
        return {**self.environment(), **urls}

    def write_run_file(self) -> None:
        """Leave the addresses for `python main.py` and `make seed`; owner-only."""
        path = self.settings.var / "run.env"
        wanted = {
            "DATABASE_URL": self.owner_url,
            "AIFF_ENV": self.environment()["AIFF_ENV"],
            "GATEWAY_URL": self.environment()["GATEWAY_URL"],
        }
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text("".join(f"{k}={v}\n" for k, v in wanted.items()))

    # --- programs ---------------------------------------------------------------

    def postgres_program(self, cluster: Cluster) -> Program:
        return Program(
            "postgres",
            cluster.command(),
            env=cluster.binaries.environment(),
            account=cluster.account,
            ready=cluster.answers,
            stop_signal=signal.SIGINT,
        )

    def migrate_program(self) -> Program:
        return self._python("migrate", ["-m", "db.migrate"], self.owner_environment())

    def seed_program(self) -> Program:
        script = str(PROJECT / "scripts" / "seed_data.py")
        return self._python("seed", [script], self.owner_environment())

    def service_program(self, service: str) -> Program:
        port = self.settings.ports[service]
        program = self._python(
            service,
            ["-m", "gunicorn", "-c", "python:service_kit.gunicorn_conf",
             f"{service}_service.app:create_app()"],
            self.service_environment(service),
        )  # fmt: skip
        program.ready = answers_at(f"http://127.0.0.1:{port}/health")
        return program

    def worker_program(self) -> Program:
        packages = [f"{service}_service" for service in SERVICES]
        return self._python(
            "worker", ["-m", "service_kit.worker", *packages], self.worker_environment()
        )

    def gateway_program(self) -> Program:
        port = self.settings.ports["gateway"]
        host = self.settings.bind_address
        host = "127.0.0.1" if host in ("0.0.0.0", "*") else host  # noqa: S104
        return Program(
            "gateway",
            self.gateway.command(),
            env={"PATH": os.environ.get("PATH", os.defpath)},
            ready=answers_at(f"http://{host}:{port}/health"),
            ready_within_s=20,
        )

    @staticmethod
    def _python(name: str, arguments: list[str], env: Mapping[str, str]) -> Program:
        return Program(name, [sys.executable, *arguments], env=env, cwd=PROJECT)

    # --- the run ----------------------------------------------------------------

    def run(self) -> int:
        """Run until told to stop; return the exit status."""
        with self._only_run():
            console = Console(self.settings.var / "log" / "aiff.log")
            supervisor = Supervisor(console, self.settings.state_file)
            try:
                self._bring_up(supervisor)
                supervisor.watch()
            except CannotStart as problem:
                console.say(f"cannot start: {problem}")
                return 1
            finally:
                supervisor.stop()
                console.close()
        return 0

    def _bring_up(self, supervisor: Supervisor) -> None:
        began = time.monotonic()
        end_leftovers(self.settings.state_file, supervisor.console)
        self._check_ports()
        steps: list[Callable[[Supervisor], None]] = [
            self._start_database,
            self._migrate,
            self._start_services,
            self._start_gateway,
        ]
        for step in steps:
            if supervisor.stopping:
                return
            step(supervisor)
        if supervisor.stopping:
            return
        supervisor.console.say(self._welcome(time.monotonic() - began))
        if self._should_seed():
            self._seed(supervisor)
        supervisor.mark_ready()

    def _start_database(self, supervisor: Supervisor) -> None:
        if self.cluster is None:
            return
        if not self.cluster.data.exists():
            supervisor.console.say("making a database (first start)", "postgres")
        self.cluster.prepare()
        supervisor.start(self.postgres_program(self.cluster))
        if not supervisor.stopping:
            self.cluster.make_database()

    def _migrate(self, supervisor: Supervisor) -> None:
        if supervisor.run_once(self.migrate_program()) and not supervisor.stopping:
            raise CannotStart("the migrations failed; their last lines are above.")
        if not supervisor.stopping:
            self.give_logins()
        self.write_run_file()

    def give_logins(self, url: str | None = None) -> None:
        """Let each writer role of our own server log in with its own password."""
        if self.cluster is not None:
            roles = [f"aiff_{service}" for service in SERVICES]
            passwords = {role: self.settings.secret(role) for role in roles}
            give_logins(url or self.owner_url, passwords)

    def _start_services(self, supervisor: Supervisor) -> None:
        services = [self.service_program(service) for service in SERVICES]
        supervisor.start(*services, self.worker_program())

    def _start_gateway(self, supervisor: Supervisor) -> None:
        self.gateway.write()
        supervisor.start(self.gateway_program())

    def _should_seed(self) -> bool:
        wanted = self.settings.values.get("AIFF_SEED", "auto")
        if wanted == "never" or not self.settings.is_development:
            return False
        return is_empty(self.owner_url)

    def _seed(self, supervisor: Supervisor) -> None:
        console = supervisor.console
        console.say("the database is empty: making example data (make seed)", "seed")
        began = time.monotonic()
        status = supervisor.run_once(self.seed_program())
        if status and not supervisor.stopping:
            console.say(
                f"no example data: the seeder ended with {status}. The system runs; "
                "try again with make seed.",
                "seed",
            )
        elif not supervisor.stopping:
            console.say(f"done in {time.monotonic() - began:.0f} s", "seed")

    def _check_ports(self) -> None:
        """Raise CannotStart naming each taken port and the setting that moves it."""
        wanted = dict(self.settings.ports)
        if self.cluster is None:
            del wanted["postgres"]

        def taken() -> dict[str, int]:
            return {n: p for n, p in wanted.items() if processes.is_taken(p)}

        processes.wait_until(
            lambda: not taken(), seconds=PORTS_FREE_WITHIN_S, every=0.3
        )
        if found := taken():
            raise CannotStart(
                "\n".join(self._port_taken(*item) for item in found.items())
            )

    def _port_taken(self, name: str, port: int) -> str:
        setting = self.settings.setting_of(name)
        return (
            f"port {port} ({name}) is taken; {setting} moves it, as in: "
            f"{setting}={port + 100} make run"
        )

    def _welcome(self, seconds: float) -> str:
        lines = [
            f"ready in {seconds:.1f} s",
            f"dashboard  {self.settings.dashboard_url}",
            f"API        {self.settings.gateway_url}/api",
            f"documents  {self.settings.gateway_url}/api/docs",
        ]
        if self.settings.is_development:
            own = self.settings.values.get("AIFF_DEV_PASSWORD")
            lines.append(
                "accounts   admin, manager, dispatcher, technician, requester, viewer; "
                + ("password: AIFF_DEV_PASSWORD" if own else "password fieldforce-dev")
            )
        return "\n".join([*lines, "stop       Ctrl-C, or make stop"])

    @contextmanager
    def _only_run(self) -> Iterator[None]:
        """Hold the pid file; raise CannotStart when another run does."""
        path = self.settings.pid_file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+")
        except PermissionError as problem:
            raise CannotStart(
                f"{path} cannot be written: another account started AIFF here. Run as "
                "that account, or set AIFF_VAR_DIR to a folder of your own."
            ) from problem
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise CannotStart(
                    f"AIFF already runs here (pid {file.read().strip()}): make stop "
                    "ends it, AIFF_VAR_DIR and other ports start a second one."
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield
            file.truncate(0)


def running_pid(settings: LocalSettings) -> int | None:
    """Return the pid of the run of these settings, None when there is none."""
    try:
        with settings.pid_file.open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read().strip() or 0) or None
    except FileNotFoundError:
        return None
    return None


def running_url(settings: LocalSettings) -> str | None:
    """Return the owner's address of the running system, None when none runs.

    It may have been given ports that are not known here.
    """
    if running_pid(settings) is None:
        return None
    return read_env_file(settings.var / "run.env").get("DATABASE_URL")


def answers_at(url: str) -> Callable[[], bool]:
    """Return a question: does this address answer with 200?"""

    def ready() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError, ValueError):
            return False

    return ready


def libpq_url(url: str) -> str:
    """Return the address as PostgreSQL's own programs read it."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url)


def give_logins(owner_url: str, passwords: Mapping[str, str]) -> None:
    """Let each writer role log in with its own password."""
    with psycopg2.connect(owner_url) as connection, connection.cursor() as cursor:
        for role, password in passwords.items():
            cursor.execute(
                sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(role), sql.Literal(password)
                )
            )
    connection.close()


def is_empty(owner_url: str) -> bool:
    """Tell whether nobody has put anything in yet: no account and no ticket."""
    with (
        psycopg2.connect(libpq_url(owner_url)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM auth.users)"
            " AND NOT EXISTS (SELECT FROM tickets.tickets)"
        )
        row = cursor.fetchone()
    connection.close()
    return bool(row and row[0])
