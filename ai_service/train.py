"""Fit the AI service's models now: `python -m ai_service.train`.

What the worker does on its schedule, then one sweep for findings. Prints each
served model with its hold-out figures beside the baseline's.
"""

import sys

from ai_service import actions, queries
from db.engine import Database
from service_kit.clock import utc_now
from service_kit.settings import BadSettings, Settings


def main() -> int:
    try:
        settings = Settings.from_env("ai")
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    url, role = settings.database_url, settings.role
    database = Database.at(url, role=role, statement_timeout_ms=0)
    with database.transaction() as connection:
        actions.train_models(connection, utc_now())
        found = actions.sweep_insights(
            connection, utc_now(), settings.organisation_zone
        )
        for row in queries.model_rows(connection):
            sys.stdout.write(
                f"{row.name}: {row.rows} rows, {row.figures}, baseline {row.baseline}\n"
            )
    sys.stdout.write(f"{len(found)} findings\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
