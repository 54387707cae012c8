"""Whatever is stored is shown as text, and the page may run nothing but its own."""

from collections.abc import Callable

import pytest

from tests.e2e.conftest import Site, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.stack]
Visit = Callable[..., Visitor]
HOSTILE = (
    "<img src=x onerror=window.owned=1><script>window.owned=1</script>"
    "<svg onload=window.owned=1>"
)


@pytest.fixture(scope="module")
def hostile(site: Site) -> str:
    """Return the number of a ticket that has HTML in every text a person can write."""
    client = site.client("dispatcher")
    ticket = client.post(
        "/api/tickets",
        {
            "title": HOSTILE,
            "description": HOSTILE,
            "location": HOSTILE,
            "category": "repair",
            "zone": "Selangor",
            "customer": {"name": HOSTILE},
            "tags": ["<b>tag</b>"],
        },
    )
    client.post(
        f"/api/tickets/{ticket['id']}/comments",
        {"body": HOSTILE, "visibility": "public"},
    )
    return str(ticket["number"])


def assert_harmless(tab: Visitor) -> None:
    assert tab.page.evaluate("window.owned") is None
    assert tab.page.locator("main img, main script, main [onload]").count() == 0
    assert tab.complaints == []


def test_stored_html_is_text_on_the_ticket(visit: Visit, hostile: str) -> None:
    tab = visit("dispatcher", at=f"tickets/{hostile}")
    assert tab.page.inner_text("h1") == HOSTILE
    assert tab.page.inner_text(".comments .prose") == HOSTILE
    assert HOSTILE in tab.page.inner_text(".facts")
    assert_harmless(tab)


def test_stored_html_is_text_in_the_list(visit: Visit, hostile: str) -> None:
    tab = visit("dispatcher", at="tickets?sort=-created_at")
    assert HOSTILE in tab.page.locator("td.title").all_inner_texts()[0]
    assert_harmless(tab)


def test_html_in_the_address_is_text(visit: Visit) -> None:
    tab = visit(
        "dispatcher", at="tickets?q=%3Cimg%20src%3Dx%20onerror%3Dwindow.owned%3D1%3E"
    )
    assert tab.page.evaluate("window.owned") is None
    assert tab.page.locator("main img").count() == 0


def test_the_assistant_shows_html_as_text(visit: Visit, hostile: str) -> None:
    tab = visit("dispatcher")
    tab.page.click("[aria-label=Assistant]")
    tab.page.fill(".assistant textarea", f"show ticket {hostile} {HOSTILE}")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector(".reply:not(.waiting) ~ .reply:not(.waiting)")
    assert tab.page.evaluate("window.owned") is None
    assert tab.page.locator(".assistant img, .assistant script").count() == 0


def test_a_script_put_into_the_page_is_not_run(visit: Visit) -> None:
    tab = visit("dispatcher")
    tab.page.evaluate(
        """() => {
          const script = document.createElement('script');
          script.append(document.createTextNode('window.owned = 1'));
          try { document.body.append(script); } catch { /* refused earlier still */ }
        }"""
    )
    assert tab.page.evaluate("window.owned") is None
    assert any("TrustedScript" in said for said in tab.complaints)
