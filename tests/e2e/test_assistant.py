"""The assistant's panel: figures of the API, and no change without a yes."""

from collections.abc import Callable

import pytest

from tests.e2e.conftest import Site, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.stack]
Visit = Callable[..., Visitor]


def ask(tab: Visitor, question: str) -> str:
    """Ask in the panel and return what the newest reply says."""
    if tab.page.locator(".assistant").count() == 0:
        tab.page.click("[aria-label=Assistant]")
        tab.page.locator(".talk > li").wait_for()
    before = tab.page.locator(".talk > li").count()
    tab.page.fill(".assistant textarea", question)
    tab.page.keyboard.press("Enter")
    reply = tab.page.locator(".talk > li:not(.waiting)").nth(before + 1)
    reply.wait_for()
    return reply.inner_text()


def test_a_reply_carries_the_figure_of_the_api(visit: Visit, site: Site) -> None:
    found = site.client("manager").get(
        "/api/tickets/stats/summary", sla_state="breached"
    )
    tab = visit("manager")
    assert str(found["total"]) in ask(tab, "How many tickets are overdue?")
    assert tab.complaints == []


def test_a_change_is_proposed_and_happens_only_after_confirming(
    visit: Visit, site: Site
) -> None:
    client = site.client("dispatcher")
    ticket = client.post(
        "/api/tickets",
        {"title": "Asked for in the chat", "category": "repair", "zone": "Johor"},
    )
    tab = visit("dispatcher", at=f"tickets/{ticket['number']}")
    ask(tab, f"set {ticket['number']} priority to urgent")
    tab.page.locator(".proposal").wait_for()
    address = f"/api/tickets/{ticket['id']}"
    assert client.get(address)["priority"] == "medium"
    tab.page.click(".proposal >> text=Confirm")
    tab.page.wait_for_selector(".marks .priority.is-urgent")
    assert client.get(address)["priority"] == "urgent"
    assert tab.complaints == []


def test_the_panel_closes_with_escape_and_gives_the_focus_back(visit: Visit) -> None:
    tab = visit("viewer")
    tab.page.click("[aria-label=Assistant]")
    tab.page.locator(".assistant textarea").wait_for()
    tab.page.keyboard.press("Escape")
    tab.page.locator(".assistant").wait_for(state="detached")
    label = "document.activeElement.getAttribute('aria-label')"
    assert tab.page.evaluate(label) == "Assistant"
