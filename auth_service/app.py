"""The auth service: `create_app()` makes it."""

import logging
from dataclasses import replace

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

from auth_service import factor_routes, routes, session_routes, team_routes
from auth_service.door import Door
from auth_service.factor_actions import lock_secrets
from auth_service.mail import Post
from auth_service.passwords import Hasher
from auth_service.preferences import KEY_FILE, Preferences
from auth_service.signing import Signer
from auth_service.vault import Vault
from db.auth import idempotency_keys
from service_kit.app import build_app
from service_kit.database import database
from service_kit.errors import Unavailable
from service_kit.settings import Settings

log = logging.getLogger(__name__)


def create_app(
    settings: Settings | None = None, preferences: Preferences | None = None
) -> Flask:
    """Return the app. The first signing key is made now, or when the database comes."""
    settings = settings or Settings.from_env("auth")
    preferences = preferences or Preferences.from_env()
    vault = Vault(preferences.totp_keys, settings.var_dir / KEY_FILE)
    preferences = replace(preferences, vault=vault)
    app = build_app(
        settings,
        idempotency_keys,
        session_routes.blueprint,
        routes.blueprint,
        factor_routes.blueprint,
        team_routes.blueprint,
        session_routes.open_blueprint,
    )
    # The address in sessions and audit is the client's, as the gateway tells it.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign]
    with app.app_context():
        signer = Signer(app, database(), settings)
        app.extensions["door"] = Door(
            preferences,
            Hasher(preferences.hashes_at_once),
            signer,
            Post(settings, preferences),
        )
        prepare_secrets(signer, vault)
    return app


def prepare_secrets(signer: Signer, vault: Vault) -> None:
    """Make the first signing key, and lock what lies bare from before."""
    try:
        if not signer.symmetric:
            signer.current()
        with signer.database.transaction() as connection:
            lock_secrets(connection, vault)
        signer.database.close()  # a forked worker must not share the connection
    except SQLAlchemyError:
        log.warning("no database yet: the signing key is made with the first login")
    except Unavailable as error:
        log.error("secrets of second factors stay bare: %s", error.detail)
