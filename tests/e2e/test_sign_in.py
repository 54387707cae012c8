"""Coming in, staying in, and going out."""

from collections.abc import Callable

import pytest

from tests.e2e.conftest import PASSWORD, Site, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.stack]
Visit = Callable[..., Visitor]


def test_a_wrong_password_is_said_in_words_and_lets_nobody_in(visit: Visit) -> None:
    tab = visit()
    tab.page.goto(tab.site.dashboard_url)
    tab.page.fill("[name=username]", "nobody-here")
    tab.page.fill("[name=password]", "not the password")
    tab.page.click("[type=submit]")
    said = tab.text("[role=alert]")
    assert "User name or password is wrong." in said
    assert tab.page.query_selector("header.top") is None


@pytest.mark.parametrize(
    "role",
    ["admin", "manager", "dispatcher", "technician", "requester", "viewer"],
)
def test_every_role_comes_in_to_its_overview(visit: Visit, role: str) -> None:
    tab = visit()
    tab.sign_in(role)
    assert tab.page.inner_text("h1") == "Overview"
    assert tab.page.locator(".tile").count() >= 4
    assert tab.page.locator(".trouble").count() == 0
    assert tab.complaints == []


def test_a_reload_keeps_the_session_without_keeping_the_access_token(
    visit: Visit,
) -> None:
    tab = visit("dispatcher")
    kept = tab.page.evaluate("JSON.stringify([sessionStorage, localStorage])")
    assert "access_token" not in kept
    tab.page.reload()
    tab.page.wait_for_selector("header.top")
    assert tab.page.inner_text("h1") == "Overview"


def test_signing_out_ends_the_session_for_good(visit: Visit) -> None:
    tab = visit("viewer")
    tab.page.click("[aria-label='Sign out']")
    tab.page.wait_for_selector("[name=password]")
    tab.page.reload()
    tab.page.wait_for_selector("[name=password]")
    assert tab.page.evaluate("sessionStorage.getItem('session')") is None


def test_two_tabs_of_one_session_do_not_end_each_other(visit: Visit) -> None:
    first = visit("manager")
    page = first.page.context.new_page()
    page.goto(first.site.dashboard_url)
    session = first.page.evaluate("sessionStorage.getItem('session')")
    page.evaluate("s => sessionStorage.setItem('session', s)", session)
    page.reload()
    page.wait_for_selector("header.top")
    first.page.reload()
    first.page.wait_for_selector("header.top")
    first.open("tickets")
    assert first.page.locator("tbody tr").count() > 0


def test_a_path_without_hash_leads_to_the_same_page(visit: Visit) -> None:
    tab = visit("dispatcher")
    tab.page.goto(f"{tab.site.dashboard_url}/tickets/1")
    tab.settle()
    assert tab.page.url.endswith("/#/tickets/1")
    assert "CTT_1" in tab.page.inner_text(".crumbs")


def test_an_admin_page_is_refused_in_words_to_others(visit: Visit) -> None:
    tab = visit("viewer")
    tab.page.goto(f"{tab.site.dashboard_url}/#/users")
    assert "Your role may not do this." in tab.text(".trouble")


def test_the_dashboard_uses_the_same_accounts_as_the_api(site: Site) -> None:
    assert site.client("admin").get("/api/auth/me")["username"] == "admin"
    assert PASSWORD
