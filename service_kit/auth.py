"""Who is calling, and whether they may.

Every service is closed by default: a view answers 401 without a valid token
unless it is marked `@public`, and a contract test fails for a view that is
neither public nor guarded by `@allow`.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, current_app, g, request

from db.scope import Actor
from db.vocabulary import Role
from service_kit.current import this_app, this_g, this_request
from service_kit.errors import Forbidden
from service_kit.tokens import TokenReader

P = ParamSpec("P")
R = TypeVar("R")

STAFF = (Role.ADMIN, Role.MANAGER, Role.DISPATCHER, Role.TECHNICIAN)
DESK = (Role.ADMIN, Role.MANAGER, Role.DISPATCHER)
EVERYONE = tuple(Role)
READ_METHODS = ("GET", "HEAD", "OPTIONS")


def init_auth(app: Flask, reader: TokenReader) -> None:
    """Read the token of every request that is not for a public view."""
    app.extensions["token_reader"] = reader

    @app.before_request
    def authenticate() -> None:
        asked = this_request()
        endpoint = asked.endpoint
        if endpoint is None:
            return  # no such route: 404 says nothing that a stranger may not know
        if not is_public(app.view_functions.get(endpoint)):
            given = asked.environ.get("HTTP_AUTHORIZATION", "")
            this_g().actor = reader.actor_of(given)


def is_public(view: object) -> bool:
    return getattr(view, "is_public", False)


def current_actor() -> Actor:
    """Return the caller; only in views that are not public."""
    actor: Actor = this_g().actor
    return actor


def optional_actor() -> Actor | None:
    """Return the caller of a public view who sent a token; raises on a bad one."""
    header = request.headers.get("Authorization", "")
    if not header:
        return None
    reader: TokenReader = current_app.extensions["token_reader"]
    g.actor = reader.actor_of(header)
    return current_actor()


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view that anyone may call."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def allow(
    *roles: Role, scope: str | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only these roles through; anyone else gets 403.

    scope: what an API key needs; by default `<service>:read` for GET and
    `<service>:write` for the rest (`ai:use` for both in the AI service).
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            actor = current_actor()
            if actor.role not in roles:
                raise Forbidden("Your role may not do this.")
            check_scope(actor, scope or default_scope())
            return view(*args, **kwargs)

        guarded.allowed_roles = roles  # type: ignore[attr-defined]
        guarded.allowed_scope = scope  # type: ignore[attr-defined]
        return guarded

    return decorate


def check_scope(actor: Actor, scope: str) -> None:
    """Raise Forbidden if the caller is an API key without `scope`."""
    if actor.scopes is not None and scope not in actor.scopes:
        raise Forbidden(
            f"This API key lacks the scope {scope}.", code="insufficient_scope"
        )


def default_scope() -> str:
    service = this_app().name
    if service == "ai":
        return "ai:use"
    return f"{service}:{'read' if this_request().method in READ_METHODS else 'write'}"
