"""Starting and ending programs so that none outlives who started it.

Every program gets its own process group, a parent-death signal (Linux) and, when
root has to step down, another account. Refuses to end by name: only by group.
"""

import contextlib
import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PR_SET_PDEATHSIG = 1
ACCOUNT = "aiff-local"


_handed_out: set[int] = set()


class CannotStart(Exception):
    """A part cannot be started; the text says why and which setting helps."""


@dataclass(frozen=True)
class Account:
    """The account a program runs as when root must not run it."""

    name: str
    uid: int
    gid: int


def current_account() -> Account:
    return _account(pwd.getpwuid(os.geteuid()))


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def unprivileged_account(owner_of: Path | None = None) -> Account:
    """Return who runs what refuses root: ourselves, unless we are root.

    Data that exists keeps its owner, so an upgrade of the system that brings
    an account `postgres` does not take the data from its server.
    """
    if os.geteuid() != 0:
        return current_account()
    if owner_of is not None and owner_of.exists() and owner_of.stat().st_uid:
        return _account(pwd.getpwuid(owner_of.stat().st_uid))
    for name in ("postgres", ACCOUNT):
        if found := _find_account(name):
            return found
    if shutil.which("useradd"):
        subprocess.run(
            ["useradd", "--system", "--shell", "/usr/sbin/nologin", ACCOUNT],
            check=False,
            capture_output=True,
        )
    found = _find_account(ACCOUNT) or _find_account("nobody")
    if found is None:
        raise CannotStart(
            "PostgreSQL refuses to run as root and there is no other account: "
            "create one (useradd --system aiff-local) or run as an ordinary user."
        )
    return found


def _find_account(name: str) -> Account | None:
    try:
        return _account(pwd.getpwnam(name))
    except KeyError:
        return None


def step_down(account: Account) -> dict[str, Any]:
    """Return the arguments of `Popen` that make it run as `account`."""
    if os.geteuid() != 0 or account.uid == 0:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def can_enter(account: Account, path: Path) -> bool:
    """Tell whether the account may read a file, or enter a folder, at `path`."""
    needed = "-x" if path.is_dir() else "-r"
    if os.geteuid() != 0:
        return os.access(path, os.X_OK if path.is_dir() else os.R_OK)
    found = subprocess.run(
        ["/bin/sh", "-c", f'test {needed} "$1"', "sh", str(path)],
        check=False,
        cwd="/",
        **step_down(account),
    )
    return found.returncode == 0


def _before_exec(with_signal: signal.Signals) -> Callable[[], None] | None:
    """Return what a program does before it begins, on Linux.

    It dies with us, and as SCHED_BATCH takes its turn instead of breaking into that
    of another part, which costs both their caches (docs/decisions/0016).
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def before_exec() -> None:
        prctl(PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))

    return before_exec


def start(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: IO[bytes] | int | None = None,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program in its own group; it is told to stop when we die.

    Call it from the main thread: the kernel watches the thread that started the
    program, not the process.
    """
    started: subprocess.Popen[bytes] = subprocess.Popen(
        [str(part) for part in command],
        env=dict(env) if env is not None else None,
        cwd=cwd or "/",
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
        preexec_fn=_before_exec(death_signal),  # noqa: PLW1509 - see above
        **(step_down(account) if account else {}),
    )
    return started


def end(
    process: subprocess.Popen[bytes],
    *,
    polite: signal.Signals = signal.SIGTERM,
    seconds: float = 10,
) -> None:
    """Ask a program to stop, then end its whole group."""
    if process.poll() is None:
        process.send_signal(polite)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    end_group(process.pid)
    process.wait()


def end_group(group: int) -> None:
    """End what is left of a process group; nothing left is fine."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def free_port() -> int:
    """Return a port for a test that nobody has, each time another one.

    Below the range from which the system takes ports for outgoing connections, so
    that none of those takes it before its program listens.
    """
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        if port not in _handed_out and not is_taken(port):
            _handed_out.add(port)
            return port


def is_taken(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether something listens on the port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return True
    return False


def wait_until(
    ready: Callable[[], bool],
    *,
    seconds: float,
    process: subprocess.Popen[bytes] | None = None,
    every: float = 0.05,
) -> bool:
    """Ask `ready` until it says yes, the time is over or the program has ended."""
    end_at = time.monotonic() + seconds
    while time.monotonic() < end_at:
        if ready():
            return True
        if process is not None and process.poll() is not None:
            return False
        time.sleep(every)
    return False


def born(pid: int) -> str:
    """Return when a process was born, in ticks; empty when it is gone or a zombie.

    With the pid it names one process, though pids are used again. Linux only.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]
