"""The whole API on one port, for the assistant to call: the real services, no nginx."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Flask
from werkzeug.serving import make_server

import analytics_service.app
import auth_service.app
import tickets_service.app
from ai_service.app import create_app
from tests.conftest import settings_for

AI, AUTH, ANALYTICS, TICKETS = (
    "/api/ai",
    "/api/auth",
    "/api/analytics",
    "/api/",
)


class Gateway:
    """Passes a request on to the service of its path, as nginx does."""

    def __init__(self) -> None:
        self.services: dict[str, Flask] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        prefix = max((p for p in self.services if path.startswith(p)), key=len)
        return self.services[prefix](environ, start_response)


@contextmanager
def running_gateway(database_url: str, **changes: Any) -> Iterator[Mapping[str, Flask]]:
    """Yield the apps by path; the AI service's calls reach them over HTTP."""
    gateway = Gateway()
    server = make_server("127.0.0.1", 0, gateway, threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"

    def settings(service: str) -> Any:
        return settings_for(service, database_url, gateway_url=url, **changes)

    gateway.services = {
        TICKETS: tickets_service.app.create_app(settings("tickets")),
        AUTH: auth_service.app.create_app(settings("auth")),
        ANALYTICS: analytics_service.app.create_app(settings("analytics")),
        AI: create_app(settings("ai")),
    }
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gateway.services
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
