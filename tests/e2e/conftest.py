"""A real browser before the whole system: nginx, four services, PostgreSQL, seeded.

Where there is no Chromium these tests skip and say so. `AIFF_E2E_URL` and
`AIFF_E2E_GATEWAY` point them at a system that runs already.
"""

import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from scripts.local.stack import Stack

SECRET = "a long and quiet password"  # of the accounts that tests open
PASSWORD = os.environ.get("AIFF_DEV_PASSWORD", "fieldforce-dev")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = os.environ.get("CHROMIUM_BIN") or next(
    filter(None, map(shutil.which, NAMES)), None
)
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update"),
    "--disable-sync",
)
WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 740}
SEEDED_WITHIN_S = 180
# Once per tab: what comes after (rotation, signing out) is the dashboard's own.
KEEP_SESSION = """session => {
  if (sessionStorage.getItem('given')) return;
  sessionStorage.setItem('given', 'yes');
  sessionStorage.setItem('session', JSON.stringify(session));
}"""
# A refusal that the test itself provokes is logged by the browser as an error.
FAILED_LOAD = "Failed to load resource"


def fresh_name() -> str:
    return f"guest-{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Site:
    """Where the running system is."""

    dashboard_url: str
    gateway_url: str

    def client(self, username: str) -> "Client":
        return Client(self.gateway_url, self.login(username)["access_token"])

    def login(self, username: str) -> dict[str, Any]:
        answer = requests.post(
            f"{self.gateway_url}/api/auth/login",
            json={"username": username, "password": PASSWORD},
            timeout=20,
        )
        answer.raise_for_status()
        tokens: dict[str, Any] = answer.json()
        return tokens


@dataclass(frozen=True)
class Client:
    """The API as one user sees it, for arranging and comparing."""

    url: str
    token: str

    def call(self, method: str, path: str, **options: Any) -> Any:
        answer = requests.request(
            method,
            self.url + path,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=30,
            **options,
        )
        assert answer.ok, answer.text
        return answer.json()

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, params=query)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self.call("POST", path, json=body)


@dataclass
class Visitor:
    """One browser tab, with what it asked for and what its console said."""

    page: Page
    site: Site
    requests: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> "Visitor":
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfinished", self._count)
        return self

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _count(self, request: Any) -> None:
        if request.url.startswith("data:"):
            return
        self.requests.append(request.url)
        sizes = request.sizes()
        self.sizes.append(sizes["responseHeadersSize"] + sizes["responseBodySize"])

    def open(self, path: str = "") -> None:
        """Go to a page and wait until the parts that are in sight have loaded."""
        self.page.goto(f"{self.site.dashboard_url}/#/{path}")
        self.page.locator(f'html[data-shown="#/{path}"]').wait_for()
        self.settle()

    def settle(self) -> None:
        self.page.wait_for_selector("h1")
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0, timeout=20_000)

    def come_in(self, username: str, path: str) -> None:
        """Start in a session that exists, on a page; the form has its own tests."""
        tokens = self.site.login(username)
        session = {name: tokens[name] for name in ("refresh_token", "user")}
        self.page.add_init_script(f"({KEEP_SESSION})({json.dumps(session)})")
        self.open(path)

    def sign_in(self, username: str, password: str = PASSWORD) -> None:
        self.page.goto(self.site.dashboard_url)
        self.page.fill("[name=username]", username)
        self.page.fill("[name=password]", password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector("header.top")
        self.settle()

    def text(self, selector: str) -> str:
        """Return what the first element found by then says; waits for it."""
        return self.page.locator(selector).first.inner_text()

    def see_all(self) -> None:
        """Scroll to the foot, so that every part below the fold is loaded."""
        height = self.page.evaluate("document.documentElement.scrollHeight")
        for y in range(0, height + 1, 400):
            self.page.evaluate(f"window.scrollTo(0, {y})")
            self.page.wait_for_timeout(30)
        self.page.wait_for_timeout(120)
        self.settle()

    def overflows(self) -> bool:
        return bool(
            self.page.evaluate(
                "document.documentElement.scrollWidth > window.innerWidth"
            )
        )

    def real_complaints(self) -> list[str]:
        return [text for text in self.complaints if not text.startswith(FAILED_LOAD)]


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    running = os.environ.get("AIFF_E2E_URL")
    if running:
        yield Site(running, os.environ.get("AIFF_E2E_GATEWAY", running))
        return
    settings = {"AIFF_SEED": "auto", "SEED_SCALE": "0.05"}
    # Not below pytest's own folder, which a second pytest closes to nginx.
    with (
        tempfile.TemporaryDirectory(prefix="aiff-e2e-") as folder,
        Stack.started(Path(folder), settings) as stack,
    ):
        seeded(stack)
        yield Site(stack.dashboard_url, stack.gateway_url)


def seeded(stack: Stack) -> None:
    """Wait for the example data, which come once the system already answers."""
    end = time.monotonic() + SEEDED_WITHIN_S
    while "done in" not in stack.log:
        assert "no example data" not in stack.log, stack.log[-3000:]
        assert time.monotonic() < end, "the example data take too long"
        time.sleep(0.5)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install the package `chromium`")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=list(ARGUMENTS)
        )
        yield running
        running.close()


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Visitor]]:
    """Yield a way to open tabs: `visit(user, size, at=page, **context options)`."""
    contexts: list[BrowserContext] = []

    def open_tab(
        username: str | None = None,
        size: ViewportSize | None = None,
        at: str = "",
        **options: Any,
    ) -> Visitor:
        context = browser.new_context(viewport=size or WIDE, locale="en-GB", **options)
        contexts.append(context)
        visitor = Visitor(context.new_page(), site).watch()
        if username:
            visitor.come_in(username, at)
        return visitor

    yield open_tab
    for context in contexts:
        context.close()


@pytest.fixture
def account(site: Site) -> str:
    """Return the name of a new requester whose password is SECRET."""
    name = fresh_name()
    body = {"username": name, "email": f"{name}@example.com", "password": SECRET}
    site.client("admin").post("/api/auth/register", body)
    return name
