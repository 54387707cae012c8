"""Bring tickets in from another system: `python scripts/import_tickets.py --help`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.project_python import use_project_python

use_project_python()

from scripts.importing.command import main  # noqa: E402 - with its packages

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
