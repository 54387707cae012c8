"""The tickets service as a WSGI application."""

from flask import Flask

from db.engine import keep_plans
from db.tickets import idempotency_keys
from service_kit.app import build_app
from service_kit.settings import Settings
from tickets_service import (
    attachment_routes,
    bulk_routes,
    comment_routes,
    feed_routes,
    inbox_routes,
    routes,
    sla_routes,
    transfer_routes,
    view_routes,
    visit_routes,
    webhook_routes,
)
from tickets_service.attachment_files import store_of
from tickets_service.books import Shelf
from tickets_service.desk import PREFERENCES, SHELF
from tickets_service.places import Places
from tickets_service.preferences import Preferences


def create_app(
    settings: Settings | None = None, preferences: Preferences | None = None
) -> Flask:
    """Build the service; gunicorn runs `tickets_service.app:create_app()`."""
    settings = settings or Settings.from_env("tickets")
    preferences = preferences or Preferences.from_env()
    app = build_app(
        settings,
        idempotency_keys,
        routes.zones_blueprint,
        routes.blueprint,
        visit_routes.blueprint,
        comment_routes.blueprint,
        inbox_routes.blueprint,
        view_routes.blueprint,
        webhook_routes.blueprint,
        attachment_routes.blueprint,
        sla_routes.blueprint,
        bulk_routes.blueprint,
        feed_routes.blueprint,
        transfer_routes.blueprint,
    )
    keep_plans(app.extensions["database"].reader)  # what is kept serves any values
    app.extensions[SHELF] = Shelf()
    app.extensions[PREFERENCES] = preferences
    app.extensions[attachment_routes.STORE] = store_of(preferences, settings.var_dir)
    app.extensions[feed_routes.WAITING] = Places.share(2)
    app.extensions[transfer_routes.EXPORTS] = Places.share(4)
    return app
