"""The one application factory behind all four services."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request, current_app, request
from flask.sessions import SessionInterface
from flask_smorest import Api, Blueprint
from sqlalchemy import Table
from werkzeug.routing import IntegerConverter, MapAdapter

from service_kit.answers import OrjsonProvider
from service_kit.auth import init_auth
from service_kit.bodies import init_bodies
from service_kit.current import this_request
from service_kit.database import database, init_database
from service_kit.errors import Invalid, UnsupportedType
from service_kit.health import init_health
from service_kit.idempotency import init_idempotency
from service_kit.metrics import init_metrics
from service_kit.problems import register_problem_handlers
from service_kit.settings import Settings
from service_kit.tokens import TokenReader
from service_kit.tracing import init_logs, init_tracing

BODY_METHODS = ("POST", "PUT", "PATCH")
JSON = "application/json"

init_bodies()


class RowNumber(IntegerConverter):
    """An id in a path; one that no row can have is a 404, not a database error."""

    regex = r"\d{1,18}"


class Service(Flask):
    """A Flask app whose functions are all plain ones."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return `func`: asking ten times a request whether it is a coroutine costs."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return the routes for a request; by its path alone, on whatever host."""
        if request is None:
            return super().create_url_adapter(request)
        sent = request.environ
        return MapAdapter(
            self.url_map,
            server_name=sent["SERVER_NAME"],
            script_name="/",
            subdomain="",
            url_scheme=sent["wsgi.url_scheme"],
            path_info=request.path,
            default_method=sent["REQUEST_METHOD"],
            query_args=sent.get("QUERY_STRING", ""),
        )


def requests_of(max_body_bytes: int) -> type[Request]:
    """Return the class of an app's requests: they know their limit by themselves.

    A view may still give one another (`request.max_content_length = …`).
    """
    return type("ServiceRequest", (Request,), {"max_content_length": max_body_bytes})


class NoSessions(SessionInterface):
    """Tokens say who calls; a cookie never does, so none is read or written."""

    def open_session(self, _: Flask, __: Request) -> None:
        return None

    def save_session(self, *_: object) -> None:
        pass


def build_app(
    settings: Settings, idempotency_keys: Table, *blueprints: Blueprint
) -> Flask:
    """Return a Flask app with everything that all services share.

    Order matters: request ids come first, so that every later log line and
    problem response carries one; idempotency last, around the finished views.
    """
    init_logs(settings.service, settings.log_level)
    app = Service(settings.service, static_folder=None)
    app.request_class = requests_of(settings.max_body_bytes)
    app.session_interface = NoSessions()
    app.json = OrjsonProvider(app)
    app.url_map.converters["int"] = RowNumber
    app.url_map.strict_slashes = True
    app.url_map.redirect_defaults = False
    app.config.update(
        SETTINGS=settings,
        API_TITLE=f"AIFF {settings.service}",
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
    )
    init_tracing(app)
    init_database(app, settings)
    with app.app_context():
        reader = TokenReader(app, database(), settings)
    init_auth(app, reader)
    init_metrics(app, settings.service)
    init_health(app, settings.service)
    api = Api(app)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    app.extensions["openapi"] = api.spec
    init_strictness(app)
    register_problem_handlers(app)
    init_idempotency(app, idempotency_keys)
    return app


def init_strictness(app: Flask) -> None:
    """Refuse what a view would otherwise silently ignore: odd bodies and parameters."""
    takes_query = {name for name, view in app.view_functions.items() if has_query(view)}

    @app.before_request
    def refuse_the_ignored() -> None:
        asked = this_request()
        endpoint, sent = asked.endpoint, asked.environ
        if endpoint is None:
            return
        if sent.get("QUERY_STRING") and endpoint not in takes_query:
            raise Invalid(dict.fromkeys(asked.args, "Unknown parameter."))
        if (
            sent.get("CONTENT_TYPE") != JSON
            and sent["REQUEST_METHOD"] in BODY_METHODS
            and asked.content_length
            and not wants_body(endpoint)
        ):
            raise UnsupportedType("Send JSON with Content-Type: application/json.")


def wants_body(endpoint: str) -> bool:
    """Whether the body is JSON, or the view said that it reads another kind."""
    view = current_app.view_functions.get(endpoint)
    other: tuple[str, ...] = getattr(view, "accepts_types", ())
    return request.is_json or request.mimetype in other


def accepts(*types: str):  # type: ignore[no-untyped-def]
    """Mark a view that reads bodies of these content types instead of JSON."""

    def decorate(view):  # type: ignore[no-untyped-def]
        view.accepts_types = types
        return view

    return decorate


def has_query(view: object) -> bool:
    """Whether a smorest view declares query parameters."""
    documented = getattr(view, "_apidoc", {}).get("arguments", {})
    places = [p.get("in") for p in documented.get("parameters", [])]
    return "query" in places or getattr(view, "takes_any_query", False)
