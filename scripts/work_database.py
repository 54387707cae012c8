"""Which database a command of a person works on.

`DATABASE_URL` when it is set; else that of `make run` on this machine, started for
as long as the command takes if it is not up.
"""

import os
import sys
from collections.abc import Sequence

from scripts.local.__main__ import main as local_main
from scripts.local.settings import environment


def given_url() -> str | None:
    """Return the address in the environment or in `.env`, None if there is none."""
    return environment().get("DATABASE_URL") or None


def run_with_local_database(script: str, arguments: Sequence[str]) -> int:
    """Run a script again, with the address of this machine's own database."""
    if os.environ.get("AIFF_WORK_DATABASE"):
        print("There is no database: set DATABASE_URL.", file=sys.stderr)
        return 2
    os.environ["AIFF_WORK_DATABASE"] = "local"  # once is enough
    return local_main(["exec", "--", sys.executable, script, *arguments])
