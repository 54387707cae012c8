"""Write the migration that brings the newest revision to what db/ declares now.

    python scripts/new_migration.py what_it_does

Compares the tables in db/ with a throwaway database at head. Read what comes out
before you commit it: renames look like a drop and an add.
"""

import re
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from alembic import command  # noqa: E402
from alembic.script import ScriptDirectory  # noqa: E402

from db.engine import Database  # noqa: E402
from db.migrate import alembic_config, migrate, prepare_schemas  # noqa: E402
from scripts.local.postgres import Cluster  # noqa: E402


def next_number() -> str:
    """Return the number after the newest revision's, four digits."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    return f"{int(head or 0) + 1:04d}"


def main(name: str) -> int:
    if not re.fullmatch(r"[a-z0-9_]+", name):
        print("the name is made of small letters, digits and _", file=sys.stderr)
        return 2
    number = next_number()
    with Cluster.temporary() as cluster:
        database = Database.at(cluster.url, statement_timeout_ms=0)
        if number == "0001":
            with database.transaction() as connection:
                prepare_schemas(connection)
        else:
            migrate(database)
        with database.transaction() as connection:
            config = alembic_config(connection)
            config.set_main_option("file_template", f"{number}_{name}")
            message = name.replace("_", " ").capitalize() + "."
            command.revision(config, message, autogenerate=True, rev_id=number)
        database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) == 2 else ""))
