"""Keeps programs running: ordered start, prefixed log, restart, an end for all.

Knows nothing of what the programs are for. A program that dies is started again at
once, then after longer and longer pauses; one that never gets ready at the first
start ends the run. Refuses to leave anything behind: whole groups are ended.
"""

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.local import processes
from scripts.local.console import Console
from scripts.local.processes import Account, CannotStart

PAUSES_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
STOP_WITHIN_S = 15.0
STEADY_S = 60.0  # after so long the next death counts as the first


def always() -> bool:
    return True


@dataclass
class Program:
    """One program and how it is doing."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    account: Account | None = None
    ready: Callable[[], bool] = always
    ready_within_s: float = 60
    stop_signal: signal.Signals = signal.SIGTERM
    before_start: Callable[[], None] | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    deaths: int = 0
    started: float = 0.0
    again_at: float = 0.0


class Supervisor:
    """Runs programs until told to stop; all of it in the main thread."""

    def __init__(self, console: Console, state_file: Path) -> None:
        self.console = console
        self.state_file = state_file
        self.programs: list[Program] = []
        self.layers: list[tuple[Program, ...]] = []
        self.stopping = False
        self.is_ready = False
        self._selector = selectors.DefaultSelector()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop_asked)

    def _stop_asked(self, number: int, _frame: object) -> None:
        if not self.stopping:
            self.console.say(f"stopping ({signal.Signals(number).name}) …")
        self.stopping = True

    # --- starting -------------------------------------------------------------

    def start(self, *programs: Program) -> None:
        """Start programs side by side and wait until all of them are ready.

        Raises CannotStart when one is not; a wish to stop ends the wait.
        """
        self.layers.append(programs)
        for program in programs:
            self.programs.append(program)
            self._spawn(program)
        waiting = list(programs)
        while waiting and not self.stopping:
            self.pump(0.05)
            for program in list(waiting):
                self._must_come_up(program)
                if program.ready():
                    self.console.say(
                        f"ready after {time.monotonic() - program.started:.1f} s",
                        program.name,
                    )
                    waiting.remove(program)

    def _must_come_up(self, program: Program) -> None:
        assert program.process is not None  # noqa: S101 - it was started
        if self.stopping:
            return
        ended = program.process.poll()
        if ended is not None:
            self._drain(program)
            raise CannotStart(
                f"{program.name} ended at its start ({_said(ended)}). "
                "Its last lines are above."
            )
        if time.monotonic() - program.started > program.ready_within_s:
            raise CannotStart(
                f"{program.name} was not ready within {program.ready_within_s:.0f} s. "
                "Its last lines are above."
            )

    def _spawn(self, program: Program) -> None:
        if program.before_start:
            program.before_start()
        program.process = processes.start(
            program.command,
            env=program.env,
            cwd=program.cwd,
            output=subprocess.PIPE,
            account=program.account,
            death_signal=program.stop_signal,
        )
        program.started = time.monotonic()
        stdout = program.process.stdout
        assert stdout is not None  # noqa: S101 - it is a pipe
        os.set_blocking(stdout.fileno(), False)
        self._selector.register(stdout, selectors.EVENT_READ, program)
        self._note_state()

    def run_once(self, program: Program) -> int:
        """Run a program to its end, showing its output; return its exit status."""
        self._spawn(program)
        assert program.process is not None  # noqa: S101 - it was started
        while program.process.poll() is None and not self.stopping:
            self.pump(0.1)
            self.revive()
        if program.process.poll() is None:
            processes.end(program.process)
        self._drain(program)
        return program.process.returncode

    # --- running --------------------------------------------------------------

    def watch(self) -> None:
        """Show output and bring back what dies, until told to stop."""
        while not self.stopping:
            self.pump(0.1)
            self.revive()

    def pump(self, seconds: float) -> None:
        """Show what the programs wrote, waiting for it at most so long."""
        for key, _ in self._selector.select(seconds):
            self._read(key.data)

    def _read(self, program: Program) -> None:
        stdout = program.process.stdout if program.process else None
        if stdout is None or stdout.closed:
            return
        try:
            data = os.read(stdout.fileno(), 65536)
        except BlockingIOError:
            return
        if data:
            self.console.feed(program.name, data)
            return
        self._selector.unregister(stdout)
        stdout.close()
        self.console.flush(program.name)

    def _drain(self, program: Program) -> None:
        """Show what a program that has ended still had to say."""
        stdout = program.process.stdout if program.process else None
        if stdout is None or stdout.closed:
            return
        for _ in range(64):
            try:
                data = os.read(stdout.fileno(), 65536)
            except BlockingIOError:
                break
            if not data:
                break
            self.console.feed(program.name, data)
        self.console.flush(program.name)
        if not stdout.closed:
            self._selector.unregister(stdout)
            stdout.close()

    def revive(self) -> None:
        """Start again what has died and whose pause is over."""
        for program in self.programs:
            process = program.process
            if process is not None and process.poll() is not None:
                self._mourn(program, process)
            if program.process is None and time.monotonic() >= program.again_at:
                self._try_again(program)

    def _mourn(self, program: Program, process: subprocess.Popen[bytes]) -> None:
        self._drain(program)
        # A worker that outlived its master would keep the port.
        processes.end_group(process.pid)
        if time.monotonic() - program.started > STEADY_S:
            program.deaths = 0
        pause = PAUSES_S[min(program.deaths, len(PAUSES_S) - 1)]
        program.deaths += 1
        program.again_at = time.monotonic() + pause
        program.process = None
        self.console.say(
            f"died ({_said(process.returncode)}); starting again"
            + (f" in {pause:g} s" if pause else ""),
            program.name,
        )

    def _try_again(self, program: Program) -> None:
        try:
            self._spawn(program)
        except (OSError, CannotStart) as problem:
            self.console.say(f"cannot be started again: {problem}", program.name)
            program.deaths += 1
            pause = PAUSES_S[min(program.deaths, len(PAUSES_S) - 1)]
            program.again_at = time.monotonic() + max(pause, 1.0)

    # --- ending ---------------------------------------------------------------

    def stop(self) -> None:
        """End all programs, those started last first, side by side."""
        self.stopping = True
        for layer in reversed(self.layers):
            running = [program for program in layer if program.process is not None]
            for program in running:
                self._ask_to_stop(program)
            end_at = time.monotonic() + STOP_WITHIN_S
            while any(map(_lives, running)) and time.monotonic() < end_at:
                self.pump(0.05)
            for program in running:
                self._see_off(program)
        self.state_file.unlink(missing_ok=True)

    @staticmethod
    def _ask_to_stop(program: Program) -> None:
        if program.process is not None and program.process.poll() is None:
            program.process.send_signal(program.stop_signal)

    def _see_off(self, program: Program) -> None:
        if program.process is not None:
            processes.end(program.process, seconds=0.1)
            self._drain(program)
            self.console.say("stopped", program.name)

    def mark_ready(self) -> None:
        self.is_ready = True
        self._note_state()

    def _note_state(self) -> None:
        running = {
            p.name: {"pid": p.process.pid, "born": processes.born(p.process.pid)}
            for p in self.programs
            if p.process is not None
        }
        state = {"pid": os.getpid(), "ready": self.is_ready, "programs": running}
        scratch = self.state_file.with_suffix(".new")
        scratch.write_text(json.dumps(state, indent=2))
        scratch.replace(self.state_file)


def end_leftovers(state_file: Path, console: Console) -> None:
    """End what a run that was killed left: told to stop by the kernel, maybe slowly."""
    try:
        left = json.loads(state_file.read_text())["programs"]
    except (FileNotFoundError, ValueError, KeyError):
        return
    alive = {
        name: known["pid"]
        for name, known in left.items()
        if known["born"] and processes.born(known["pid"]) == known["born"]
    }
    if alive:
        console.say(f"waiting for the programs of a killed run: {', '.join(alive)}")
        pids = alive.values()
        processes.wait_until(
            lambda: not any(processes.born(pid) for pid in pids), seconds=10
        )
        for pid in pids:
            if processes.born(pid):
                processes.end_group(pid)
    state_file.unlink(missing_ok=True)


def _lives(program: Program) -> bool:
    return program.process is not None and program.process.poll() is None


def _said(status: int) -> str:
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"
