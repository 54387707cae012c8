"""Run a command of a person with the project's own Python, where there is one.

Only the standard library here: it is what runs before the packages are there.
"""

import os
import sys
from pathlib import Path

OWN = Path(__file__).resolve().parents[1] / ".venv" / "bin" / "python"


def use_project_python() -> None:
    """Start again with the virtual environment of `make run`, unless in one."""
    if sys.prefix == sys.base_prefix and OWN.exists():
        os.execv(OWN, [str(OWN), *sys.argv])  # noqa: S606 - our own program
