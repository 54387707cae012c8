"""The analytics service as a WSGI application."""

from flask import Flask

from analytics_service.routes import blueprint
from db.analytics import idempotency_keys
from service_kit.app import build_app
from service_kit.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """Build the service; gunicorn runs `analytics_service.app:create_app()`."""
    settings = settings or Settings.from_env("analytics")
    return build_app(settings, idempotency_keys, blueprint)
