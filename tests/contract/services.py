"""All services as they are, for rules that hold for everything."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from flask import Flask

from tests.conftest import settings_for

SERVICES = ("auth", "tickets", "analytics", "ai")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path of one service."""

    service: str
    method: str
    path: str
    view: Callable[..., object]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_public(self) -> bool:
        return bool(getattr(self.view, "is_public", False))

    @property
    def roles(self) -> tuple[str, ...] | None:
        """Return the roles that the guard lets through, None without a guard."""
        allowed = getattr(self.view, "allowed_roles", None)
        return None if allowed is None else tuple(role.value for role in allowed)

    @property
    def scope(self) -> str | None:
        """Return what an API key needs for it."""
        named: str | None = getattr(self.view, "allowed_scope", None)
        if named:
            return named
        if self.service == "ai":
            return "ai:use"
        return f"{self.service}:{'read' if self.method == 'GET' else 'write'}"


def make_app(service: str, url: str, folder: Path) -> Flask:
    settings = settings_for(service, url, var_dir=folder)
    app: Flask = import_module(f"{service}_service.app").create_app(settings)
    return app


def routes_of(app: Flask) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        for method in METHODS:
            if method in (rule.methods or ()):
                yield Route(app.name, method, rule.rule, view)
