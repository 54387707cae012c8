"""`python -m scripts.local run | stop | status | exec -- COMMAND …`.

`exec` runs a command of a person (seeder, importer, admin) with the addresses of this
system; when it does not run, its database is started for as long as that takes.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from scripts.local.processes import CannotStart
from scripts.local.settings import PROJECT, LocalSettings
from scripts.local.system import System, running_pid
from service_kit.settings import read_env_file

STOP_WITHIN_S = 60.0


def stop(settings: LocalSettings) -> int:
    pid = running_pid(settings)
    if pid is None:
        print("AIFF does not run.")
        return 0
    os.kill(pid, signal.SIGTERM)
    end_at = time.monotonic() + STOP_WITHIN_S
    while running_pid(settings) == pid and time.monotonic() < end_at:
        time.sleep(0.1)
    if running_pid(settings) == pid:
        print(f"AIFF (pid {pid}) did not stop within {STOP_WITHIN_S:.0f} s.")
        return 1
    print("AIFF has stopped.")
    return 0


def status(settings: LocalSettings) -> int:
    pid = running_pid(settings)
    if pid is None:
        print("AIFF does not run.")
        return 3
    print(f"AIFF runs (pid {pid}): {settings.dashboard_url}, {settings.gateway_url}")
    print(settings.state_file.read_text())
    return 0


def execute(settings: LocalSettings, command: Sequence[str]) -> int:
    """Run a command with the owner's address of the database.

    A system that runs may have been given ports that are not known here: it says.
    """
    system = System(settings)
    if running_pid(settings) is not None:
        told = read_env_file(settings.var / "run.env")
        return _run(command, {**system.environment(), **told})
    cluster = system.cluster
    started = False
    if cluster is not None and not cluster.answers():
        cluster.start(subprocess.DEVNULL)
        started = True
    try:
        return _run(command, system.owner_environment())
    finally:
        if started and cluster is not None:
            cluster.stop()


def _run(command: Sequence[str], env: Mapping[str, str]) -> int:
    try:
        return subprocess.run(
            list(command), check=False, env=dict(env), cwd=PROJECT
        ).returncode
    except KeyboardInterrupt:
        return 130


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.local", description=__doc__
    )
    parser.add_argument("what", choices=("run", "stop", "status", "exec"))
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    try:
        settings = LocalSettings.read()
        if given.what == "run":
            return System(settings).run()
        if given.what == "stop":
            return stop(settings)
        if given.what == "status":
            return status(settings)
        command = given.command[1:] if given.command[:1] == ["--"] else given.command
        if not command:
            parser.error("exec needs a command")
        return execute(settings, command)
    except CannotStart as problem:
        print(f"AIFF cannot start: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
