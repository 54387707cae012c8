"""Is the process alive, and can it serve?"""

from flask import Flask, Response

from db.migrate import current_revision, head_revision
from service_kit.answers import json_response
from service_kit.auth import public
from service_kit.database import read_only
from service_kit.errors import Unavailable


def init_health(app: Flask, service: str) -> None:
    wanted = head_revision()

    @app.get("/health")
    @public
    def health() -> Response:
        """Answer that the process is alive; asks nothing of the database."""
        return json_response({"status": "ok", "service": service})

    @app.get("/ready")
    @public
    def ready() -> Response:
        """Answer whether the database is there and migrated to what this code wants."""
        with read_only() as connection:
            found = current_revision(connection)
        if found != wanted:
            raise Unavailable(
                f"The database is at revision {found}, this service wants {wanted}.",
                code="not_migrated",
            )
        return json_response({"status": "ready", "service": service, "revision": found})
