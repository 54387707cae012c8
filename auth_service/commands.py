"""What the commands of this service share: settings and a database, or a message."""

import os
import sys

from db.engine import Database
from service_kit.settings import PROJECT, BadSettings, Settings, read_env_file


def settings_or_exit() -> Settings:
    """Return the settings as the service itself would read them; exits with 2."""
    values = {
        **read_env_file(PROJECT / "var" / "run.env"),
        **read_env_file(PROJECT / ".env"),
        **os.environ,
    }
    try:
        return Settings.from_env("auth", values)
    except BadSettings as error:
        sys.exit(f"auth: {error}")


def database_of(settings: Settings) -> Database:
    return Database.at(settings.database_url, role=settings.role, pool_size=1)
