"""A real nginx from the real template, before services that do as they are told."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from scripts.local import processes
from scripts.local.nginx import Gateway
from scripts.local.settings import PORTS, SERVICES, LocalSettings
from scripts.local.stack import ROOMY
from tests.gateway.peers import Peer, standing

DASHBOARD = "http://dashboard.test:8080"


@dataclass
class Edge:
    """A running gateway and what stands behind it."""

    url: str
    dashboard_url: str
    peers: dict[str, Peer]
    folder: Path

    def call(
        self, method: str, path: str, token: str | None = "good", **kwargs: object
    ) -> requests.Response:
        """Ask the gateway; `token` None sends no Authorization header."""
        headers = dict(kwargs.pop("headers", None) or {})  # type: ignore[call-overload]
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token}")
        return requests.request(
            method,
            self.url + path,
            headers=headers,
            timeout=20,
            allow_redirects=False,
            **kwargs,  # type: ignore[arg-type]
        )

    def get(self, path: str, **kwargs: object) -> requests.Response:
        return self.call("GET", path, **kwargs)  # type: ignore[arg-type]


FRONTEND = {
    "index.html": "<!doctype html><title>dashboard</title>" + " " * 2000,
    "app.js": "export const answer = 42;",
    ".secret": "not for you",
    "vendor/chart.js": "export default 1;",
    "api-docs/index.html": "<!doctype html><title>documents</title>",
    "api-docs/start.js": "1;",
    "api-docs/openapi.json": '{"openapi": "3.1.0"}',
}


def write_frontend(folder: Path) -> Path:
    for name, text in FRONTEND.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@contextmanager
def edge(
    values: Mapping[str, str] | None = None, away: tuple[str, ...] = ()
) -> Iterator[Edge]:
    """Yield a gateway with these settings; the services in `away` do not stand."""
    ports = {setting: str(processes.free_port()) for setting, _ in PORTS.values()}
    folder = Path(tempfile.mkdtemp(prefix="aiff-gateway-"))
    folder.chmod(0o755)
    settings = LocalSettings.read(
        {
            **ROOMY,
            **ports,
            "AIFF_ENV_FILE": os.devnull,
            "NGINX_BIN": os.environ.get("NGINX_BIN", ""),
            "CORS_ORIGINS": DASHBOARD,
            **(values or {}),
        }
    )
    account = processes.unprivileged_account()
    frontend = write_frontend(folder / "pages")
    gateway = Gateway(settings, folder, account, frontend)
    gateway.write()
    with ExitStack() as stack:
        peers = {
            name: stack.enter_context(standing(name, settings.ports[name]))
            for name in SERVICES
            if name not in away
        }
        with (folder / "console.log").open("wb") as console:
            process = processes.start(gateway.command(), output=console)
        stack.callback(processes.end, process)
        url = f"http://127.0.0.1:{settings.ports['gateway']}"
        if not processes.wait_until(
            lambda: processes.is_taken(settings.ports["gateway"]),
            seconds=10,
            process=process,
        ):
            pytest.fail((folder / "console.log").read_text())
        dashboard = f"http://127.0.0.1:{settings.ports['dashboard']}"
        yield Edge(url, dashboard, peers, folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def gateway() -> Iterator[Edge]:
    """A gateway with wide limits, for everything that is not about limits."""
    with edge() as running:
        yield running


@pytest.fixture
def make_edge() -> Iterator[Callable[..., Edge]]:
    """Make further gateways with settings of their own, gone after the test."""
    with ExitStack() as stack:

        def make(
            values: Mapping[str, str] | None = None, away: tuple[str, ...] = ()
        ) -> Edge:
            return stack.enter_context(edge(values, away))

        yield make
