"""`make run`: starts in order, brings back what dies, leaves nothing behind."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import requests

from scripts.local import processes
from scripts.local.postgres import Cluster
from scripts.local.processes import CannotStart
from scripts.local.settings import PROJECT, SERVICES
from scripts.local.stack import Stack
from tests.platform.test_postgres import asked

pytestmark = pytest.mark.stack


def is_well(stack: Stack) -> bool:
    """Whether all four services are ready, asked through the gateway."""
    try:
        answer = requests.get(stack.gateway_url + "/health/services", timeout=5)
        known = answer.json()["services"]
    except (requests.RequestException, ValueError, KeyError):
        return False
    return all(known[name]["status"] != "down" for name in SERVICES) and all(
        known[name].get("service") == name for name in SERVICES
    )


def family(pid: int) -> set[int]:
    """Return a process and all that descend from it."""
    found = {pid}
    parents = {
        int(path.name): parent
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and (parent := _parent(path)) is not None
    }
    grown = True
    while grown:
        more = {child for child, parent in parents.items() if parent in found}
        grown = not more <= found
        found |= more
    return found


def _parent(path: Path) -> int | None:
    try:
        return int((path / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def owner_of(port: int) -> set[int]:
    """Return the processes that listen on a port of the loopback."""
    wanted = f":{port:04X}"
    inodes = {
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(wanted) and line.split()[3] == "0A"
    }
    found = set()
    for path in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = os.readlink(path)
        except OSError:
            continue
        if target.removeprefix("socket:[").removesuffix("]") in inodes:
            found.add(int(path.parts[2]))
    return found


def is_back(stack: Stack, name: str, killed: int) -> bool:
    """Whether another process has taken the place of the killed one."""
    programs = stack.state.get("programs")
    if not isinstance(programs, dict) or name not in programs:
        return False
    pid = int(programs[name]["pid"])
    return pid != killed and bool(processes.born(pid))


@pytest.fixture(scope="module")
def broken() -> Iterator[Stack]:
    """A system of its own for the tests that kill its parts.

    Outside pytest's folder, which another run of pytest closes to other accounts.
    """
    with (
        TemporaryDirectory(prefix="aiff-broken-") as folder,
        Stack.started(Path(folder)) as running,
    ):
        yield running


def test_everything_is_ready_when_it_says_so(stack: Stack) -> None:
    assert requests.get(stack.gateway_url + "/health", timeout=5).status_code == 200
    assert is_well(stack)
    assert requests.get(stack.dashboard_url + "/", timeout=5).status_code == 200


def test_services_listen_on_the_loopback_only(stack: Stack) -> None:
    table = Path("/proc/net/tcp").read_text()
    for port in stack.settings.ports.values():
        assert f"0100007F:{port:04X}" in table
        assert f"00000000:{port:04X}" not in table


def test_each_service_has_a_login_of_its_own(stack: Stack) -> None:
    for service in SERVICES:
        values = Path(f"/proc/{stack.pid(service)}/environ").read_text()
        assert f"DATABASE_URL=postgresql://aiff_{service}:" in values
        assert "//aiff:" not in values


def test_secrets_are_readable_by_their_owner_only(stack: Stack) -> None:
    for name in ("secrets.json", "run.env"):
        mode = stat.S_IMODE((stack.folder / name).stat().st_mode)
        assert mode == 0o600, name


def test_no_password_stands_in_the_log_or_on_a_command_line(stack: Stack) -> None:
    secrets = [stack.settings.secret(name) for name in ("aiff", "aiff_auth")]
    assert stack.process is not None
    lines = [
        Path(f"/proc/{pid}/cmdline").read_text() for pid in family(stack.process.pid)
    ]
    for secret in secrets:
        assert secret not in stack.log
        assert not any(secret in line for line in lines)


def test_a_command_of_a_person_finds_the_running_system(stack: Stack) -> None:
    elsewhere = {k: v for k, v in stack.values.items() if not k.endswith("_PORT")}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "scripts.local",
            "exec",
            "--",
            "printenv",
            "DATABASE_URL",
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=elsewhere,
    )
    assert done.stdout.strip() == stack.database_url


def test_a_second_run_in_the_same_place_is_refused(stack: Stack) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.local", "run"],
        check=False,
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=stack.values,
        timeout=30,
    )
    assert done.returncode == 1
    assert "already runs" in done.stderr
    assert "make stop" in done.stderr


def test_a_taken_port_is_named_with_its_setting(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        plan = Stack.plan(
            tmp_path_factory.mktemp("taken"), {"TICKETS_SERVICE_PORT": str(port)}
        )
        with pytest.raises(CannotStart, match=f"port {port} .tickets. is taken"):
            plan.start()
    assert "TICKETS_SERVICE_PORT" in plan.log


@pytest.mark.parametrize(
    ("name", "within_s"),
    [
        ("gateway", 3),
        ("tickets", 6),
        ("auth", 6),
        ("analytics", 8),
        ("ai", 8),
        ("postgres", 8),
    ],
)
def test_what_is_killed_comes_back_and_leaves_no_orphan(
    broken: Stack, name: str, within_s: int
) -> None:
    assert processes.wait_until(lambda: is_well(broken), seconds=20)
    before = family(broken.pid(name))
    killed = broken.pid(name)
    os.kill(killed, signal.SIGKILL)
    began = time.monotonic()
    assert processes.wait_until(
        lambda: is_back(broken, name, killed) and is_well(broken), seconds=30
    )
    assert time.monotonic() - began < within_s * 2, "the machine may be busy"
    port = broken.settings.ports[name]
    assert owner_of(port) <= family(broken.pid(name))
    assert processes.wait_until(lambda: not any(map(processes.born, before)), seconds=5)


def test_the_worker_comes_back(broken: Stack) -> None:
    killed = broken.pid("worker")
    os.kill(killed, signal.SIGKILL)
    assert processes.wait_until(lambda: is_back(broken, "worker", killed), seconds=10)


def test_a_killed_supervisor_takes_everything_along_and_can_start_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    plan = Stack.plan(folder)
    plan.start()
    try:
        assert plan.process is not None
        asked(plan.database_url, "CREATE TABLE public.kept AS SELECT 42 AS n")
        everyone = family(plan.process.pid)
        assert len(everyone) > 12
        os.kill(plan.process.pid, signal.SIGKILL)
        plan.process.wait()
        assert processes.wait_until(
            lambda: not any(map(processes.born, everyone)), seconds=20
        )
        began = time.monotonic()
        plan.start()
        assert time.monotonic() - began < 20
        assert asked(plan.database_url, "SELECT n FROM public.kept") == 42
    finally:
        plan.stop()


@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "postgres"])
def test_a_database_that_is_given_is_used(
    tmp_path_factory: pytest.TempPathFactory, scheme: str
) -> None:
    with Cluster.temporary() as cluster:
        given = cluster.url.replace("postgresql", scheme)
        folder = tmp_path_factory.mktemp("given")
        with Stack.started(folder, {"DATABASE_URL": given}) as running:
            assert is_well(running)
            assert "postgres" not in str(running.state["programs"])
            assert not (folder / "postgres").exists()
        assert asked(cluster.url, "SELECT count(*) FROM tickets.zones") == 16


def test_stop_ends_everything(tmp_path_factory: pytest.TempPathFactory) -> None:
    plan = Stack.plan(tmp_path_factory.mktemp("stopped"))
    plan.start()
    try:
        assert plan.process is not None
        everyone = family(plan.process.pid)
        done = subprocess.run(
            [sys.executable, "-m", "scripts.local", "stop"],
            check=False,
            capture_output=True,
            text=True,
            cwd=PROJECT,
            env=plan.values,
            timeout=60,
        )
        assert "has stopped" in done.stdout
        plan.process.wait(10)
        assert not any(map(processes.born, everyone))
        assert not any(map(processes.is_taken, plan.settings.ports.values()))
    finally:
        plan.stop()
