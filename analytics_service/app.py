"""The analytics service as a WSGI application."""

from flask import Flask

from analytics_service.routes import blueprint
from db.analytics import idempotency_keys
from db.engine import keep_plans
from service_kit.app import build_app
from service_kit.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """Build the service; gunicorn runs `analytics_service.app:create_app()`."""
    settings = settings or Settings.from_env("analytics")
    app = build_app(settings, idempotency_keys, blueprint)
    # Reads of the daily figures have one best plan: their index, by cut and day.
    keep_plans(app.extensions["database"].reader)
    return app
