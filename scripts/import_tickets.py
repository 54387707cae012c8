"""Bring tickets in from another system: `python scripts/import_tickets.py --help`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.importing.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
