"""How programs are started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.local import processes


@pytest.mark.skipif(sys.platform != "linux", reason="a policy of Linux")
def test_a_part_takes_its_turn_and_does_not_break_in(tmp_path: Path) -> None:
    said = tmp_path / "said"
    program = "import os; print(os.sched_getscheduler(0))"
    with said.open("wb") as output:
        part = processes.start([sys.executable, "-c", program], output=output)
        assert part.wait(10) == 0
    assert int(said.read_text()) == os.SCHED_BATCH


def test_a_part_that_does_not_stop_is_ended_with_its_children() -> None:
    program = (
        "import signal, subprocess, sys, time; "
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "child = subprocess.Popen(['sleep', '60']); print(child.pid, flush=True); "
        "time.sleep(60)"
    )
    part = processes.start([sys.executable, "-c", program], output=subprocess.PIPE)
    assert part.stdout is not None
    with part.stdout as said:
        child = int(said.readline())
        processes.end(part, seconds=0.2)
    assert processes.wait_until(lambda: not processes.born(child), seconds=5)
