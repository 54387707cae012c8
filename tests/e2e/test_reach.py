"""Every page works on a small screen, by keyboard, for every eye, in both languages."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import (  # type: ignore[import-untyped]
    Axe,
)
from playwright.sync_api import ViewportSize

from tests.e2e.conftest import PHONE, SECRET, WIDE, Site, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.stack]
Visit = Callable[..., Visitor]
PAGES = (
    "",
    "tickets",
    "tickets/CTT_1",
    "tickets/new",
    "analytics",
    "inbox",
    "profile",
    "users",
)
SERIOUS = ("serious", "critical")


@pytest.mark.parametrize("locale", ["en", "ms"])
def test_no_page_scrolls_sideways_at_360_px(visit: Visit, locale: str) -> None:
    tab = visit("admin", PHONE)
    tab.page.evaluate("locale => localStorage.setItem('locale', locale)", locale)
    tab.page.reload()
    for path in PAGES:
        tab.open(path)
        tab.see_all()
        assert not tab.overflows(), path


@pytest.mark.parametrize(
    ("size", "scheme"),
    [(WIDE, "light"), (PHONE, "dark")],
    ids=["1280 px, light", "360 px, dark"],
)
def test_axe_finds_no_serious_problem(
    visit: Visit, size: ViewportSize, scheme: str
) -> None:
    tab = visit("admin", size, color_scheme=scheme, bypass_csp=True)
    for path in PAGES:
        tab.open(path)
        tab.see_all()
        found = Axe().run(tab.page).response["violations"]
        serious = [
            (rule["id"], [node["target"] for node in rule["nodes"][:3]])
            for rule in found
            if rule["impact"] in SERIOUS
        ]
        assert serious == [], path


def test_no_page_complains_in_the_console_or_fails_to_load(visit: Visit) -> None:
    tab = visit("admin")
    for path in PAGES:
        tab.open(path)
        tab.see_all()
        assert tab.page.locator(".trouble").count() == 0, path
        assert tab.complaints == [], path


def focused(tab: Visitor) -> str:
    return str(
        tab.page.evaluate(
            "document.activeElement.getAttribute('aria-label')"
            " || document.activeElement.textContent"
        )
    )


def tab_to(tab: Visitor, name: str, most: int = 60) -> None:
    for _ in range(most):
        tab.page.keyboard.press("Tab")
        if focused(tab).strip() == name:
            return
    pytest.fail(f"{name!r} is not reached by the Tab key")


def test_a_ticket_is_created_with_the_keyboard_alone(visit: Visit, site: Site) -> None:
    tab = visit("dispatcher")
    tab_to(tab, "New ticket")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("[name=title]")
    tab.settle()
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.type("Typed without a mouse")
    for typed in ("Repair", "Medium", "Selangor"):
        tab.page.keyboard.press("Tab")
        tab.page.keyboard.type(typed)
    tab.page.keyboard.press("Shift+Tab")
    tab_to(tab, "Create ticket")
    outline = tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector(".crumbs")
    newest = site.client("dispatcher").get("/api/tickets", limit=1, sort="-created_at")
    assert newest["items"][0]["title"] == "Typed without a mouse"


def test_a_chart_is_read_with_the_arrow_keys(visit: Visit) -> None:
    tab = visit("manager")
    tab.page.locator("svg.lines").focus()
    tab.page.keyboard.press("ArrowLeft")
    assert "Forecast" in tab.page.inner_text(".readout")
    tab.page.keyboard.press("Home")
    assert "Created" in tab.page.inner_text(".readout")
    before = tab.page.inner_text(".readout")
    tab.page.locator("svg.lines").evaluate("picture => picture.dataset.old = 'yes'")
    tab.page.set_viewport_size({"width": 900, "height": 800})
    tab.page.wait_for_selector("svg.lines:not([data-old])")
    assert tab.page.inner_text(".readout") == before
    tab.page.keyboard.press("End")
    assert "Forecast" in tab.page.inner_text(".readout")


def test_the_skip_link_leads_past_the_menu(visit: Visit) -> None:
    tab = visit("viewer")
    tab.page.evaluate("document.activeElement.blur()")
    tab_to(tab, "Skip to content")
    tab.page.keyboard.press("Enter")
    assert tab.page.evaluate("document.activeElement.id") == "main"


def test_the_language_is_switched_and_kept_in_the_profile(
    visit: Visit, account: str
) -> None:
    tab = visit()
    tab.sign_in(account, SECRET)
    tab.page.click("[aria-label='Tukar ke Bahasa Malaysia']")
    tab.page.wait_for_selector("h1 >> text=Ringkasan")
    tab.page.reload()
    tab.page.wait_for_selector("h1 >> text=Ringkasan")
    assert tab.page.get_attribute("html", "lang") == "ms"
    elsewhere = visit()
    elsewhere.sign_in(account, SECRET)
    assert elsewhere.page.inner_text("h1") == "Ringkasan"


def test_the_theme_follows_the_system_and_can_be_switched(visit: Visit) -> None:
    tab = visit("viewer", color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = tab.page.evaluate(ground)
    tab.page.click("[aria-label='Theme: as the system']")
    light = tab.page.evaluate(ground)
    assert light != dark
    tab.page.reload()
    tab.page.wait_for_selector("header.top")
    assert tab.page.evaluate(ground) == light
