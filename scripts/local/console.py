"""The log of the local run: one line at a time, each under its program's name.

Writes to the console (coloured only on a terminal) and to `var/log/aiff.log`, which
starts anew at 20 MB and keeps one predecessor.
"""

import os
import re
import sys
from pathlib import Path
from typing import IO

COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)
LARGEST_BYTES = 20 << 20
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Console:
    """Prefixes lines; a program's colour follows from the order of first words."""

    def __init__(self, log: Path, width: int = 10) -> None:
        self._log = log
        self._width = width
        self._colours: dict[str, int] = {}
        self._on_terminal = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._half: dict[str, bytes] = {}
        log.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open()

    def _open(self) -> IO[str]:
        if self._log.exists() and self._log.stat().st_size > LARGEST_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        return self._log.open("a", encoding="utf-8", buffering=1)

    def say(self, text: str, name: str = "aiff") -> None:
        """Show a text of any number of lines under a name."""
        for line in text.splitlines() or [""]:
            self._show(name, line)

    def feed(self, name: str, data: bytes) -> None:
        """Take output as it comes; whole lines are shown, the rest waits."""
        data = self._half.pop(name, b"") + ESCAPES.sub(b"", data)
        *lines, half = re.split(rb"[\r\n]+", data)
        if half:
            self._half[name] = half
        for line in lines:
            if line.strip():
                self._show(name, line.decode("utf-8", "replace"))

    def flush(self, name: str) -> None:
        """Show what a program that has ended left without a line end."""
        if half := self._half.pop(name, b""):
            self._show(name, half.decode("utf-8", "replace"))

    def _show(self, name: str, line: str) -> None:
        prefix = f"{name:<{self._width}} | "
        self._file.write(f"{prefix}{line}\n")
        if self._file.tell() > LARGEST_BYTES:
            self._file.close()
            self._file = self._open()
        if self._on_terminal:
            place = self._colours.setdefault(name, len(self._colours))
            prefix = f"\x1b[{COLOURS[place % len(COLOURS)]}m{prefix}\x1b[0m"
        try:
            print(f"{prefix}{line}", flush=True)
        except (BrokenPipeError, ValueError):
            # Nobody reads us any more; the file still does.
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115

    def close(self) -> None:
        self._file.close()
