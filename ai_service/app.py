"""The AI service as a WSGI application."""

from flask import Flask

from ai_service.assistant.routes import blueprint as assistant_blueprint
from ai_service.dispatch.routes import blueprint as dispatch_blueprint
from ai_service.routes import blueprint
from db.ai import idempotency_keys
from service_kit.app import build_app
from service_kit.settings import Settings

BLUEPRINTS = (blueprint, assistant_blueprint, dispatch_blueprint)


def create_app(settings: Settings | None = None) -> Flask:
    """Build the service; gunicorn runs `ai_service.app:create_app()`."""
    settings = settings or Settings.from_env("ai")
    return build_app(settings, idempotency_keys, *BLUEPRINTS)
