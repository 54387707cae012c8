"""CPU seconds and memory of process trees, from /proc (Linux only)."""

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def tree(pid: int) -> list[int]:
    """Return `pid` and all its descendants that are alive."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in read(task).split()]
    return found


def read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process ended meanwhile
        return ""


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the user and system seconds of these trees, ended children included."""
    return sum(own_seconds(p) for pid in pids for p in tree(pid))


def own_seconds(pid: int) -> float:
    fields = read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    if not fields:
        return 0.0
    user, system, ended_user, ended_system = (int(x) for x in fields[11:15])
    return (user + system + ended_user + ended_system) / TICKS


def memory_mb(pid: int) -> float:
    """Return the proportional set size of a tree in MB, shared pages shared out."""
    total_kb = 0
    for member in tree(pid):
        for line in read(Path(f"/proc/{member}/smaps_rollup")).splitlines():
            if line.startswith("Pss:"):
                total_kb += int(line.split()[1])
    return round(total_kb / 1024, 1)
