"""Accounts in the browser: opening one, a second factor, keys, sessions, admins."""

from collections.abc import Callable
from typing import Any

import pyotp
import pytest

from tests.e2e.conftest import SECRET, Site, Visitor, fresh_name

pytestmark = [pytest.mark.browser, pytest.mark.stack]
Visit = Callable[..., Visitor]


def confirm_password(tab: Visitor) -> None:
    tab.page.fill("dialog [name=password]", SECRET)
    tab.page.click("dialog [type=submit]")


def test_a_person_opens_an_account_and_signs_in(visit: Visit) -> None:
    name = fresh_name()
    tab = visit()
    tab.page.goto(tab.site.dashboard_url)
    tab.page.click("text=Open an account")
    tab.page.fill("[name=username]", name)
    tab.page.fill("[name=email]", f"{name}@example.com")
    tab.page.fill("[name=password]", SECRET)
    tab.page.click("[type=submit]")
    assert "Your account is open." in tab.text("[role=status] >> text=account")
    tab.page.click("text=Back to signing in")
    tab.sign_in(name, SECRET)
    assert tab.page.inner_text("h1") == "Overview"
    assert tab.page.locator(".trouble").count() == 0
    assert tab.complaints == []


def test_a_taken_name_is_said_at_the_door(visit: Visit) -> None:
    tab = visit()
    tab.page.goto(f"{tab.site.dashboard_url}/#/register")
    tab.page.fill("[name=username]", "admin")
    tab.page.fill("[name=email]", "second-admin@example.com")
    tab.page.fill("[name=password]", SECRET)
    tab.page.click("[type=submit]")
    assert "taken" in tab.text("[role=alert]")


def test_a_forgotten_password_answers_the_same_for_everyone(visit: Visit) -> None:
    tab = visit()
    tab.page.goto(f"{tab.site.dashboard_url}/#/forgot-password")
    tab.page.fill("[name=email]", "nobody@example.com")
    tab.page.click("[type=submit]")
    assert "If there is an account" in tab.text("form [role=status]")


def test_a_worthless_reset_link_is_refused_and_leaves_no_token_in_the_address(
    visit: Visit,
) -> None:
    tab = visit()
    tab.page.goto(f"{tab.site.dashboard_url}/#/reset-password?token=worthless")
    tab.page.fill("[name=password]", SECRET)
    tab.page.click("[type=submit]")
    tab.page.wait_for_selector("[role=alert]")
    assert "worthless" not in tab.page.url


def test_a_second_factor_is_switched_on_and_asked_for(
    visit: Visit, account: str
) -> None:
    tab = visit()
    tab.sign_in(account, SECRET)
    tab.open("profile")
    tab.page.click("text=Switch on")
    confirm_password(tab)
    picture = tab.page.locator("dialog img.qr")
    picture.wait_for()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)")
    secret = tab.text("dialog code")
    tab.page.fill("dialog [name=code]", pyotp.TOTP(secret).now())
    tab.page.click("dialog [type=submit]")
    codes = tab.text("dialog pre").split()
    assert len(codes) == 10
    tab.page.click("text=I have kept them")
    tab.page.click("[aria-label='Sign out']")
    tab.page.fill("[name=username]", account)
    tab.page.fill("[name=password]", SECRET)
    tab.page.click("[type=submit]")
    tab.page.fill("[name=code]", codes[0])
    tab.page.click("[type=submit]")
    tab.page.wait_for_selector("header.top")
    assert tab.real_complaints() == []


def test_a_key_is_shown_once_and_works(visit: Visit, account: str, site: Site) -> None:
    tab = visit()
    tab.sign_in(account, SECRET)
    tab.open("profile")
    tab.page.click("text=New key")
    tab.page.fill("dialog [name=label]", "nightly export")
    tab.page.click("dialog [type=submit]")
    key = tab.text("dialog pre").strip()
    tab.page.click("text=I have kept it")
    tab.page.wait_for_selector("text=nightly export")
    assert key.startswith("aiff_")
    assert key not in tab.page.content()


def test_sessions_are_listed_and_another_one_is_ended(
    visit: Visit, account: str
) -> None:
    visit().sign_in(account, SECRET)
    tab = visit()
    tab.sign_in(account, SECRET)
    tab.open("profile")
    ends = tab.page.locator("td >> text=End")
    before = ends.count()
    assert before >= 1
    ends.first.click()
    tab.page.wait_for_selector(".toast >> text=Session ended.")
    tab.settle()
    assert ends.count() == before - 1


def test_an_admin_changes_a_role_and_deactivates(
    visit: Visit, account: str, site: Site
) -> None:
    tab = visit("admin", at=f"users?q={account}")
    tab.page.select_option(f"[aria-label='Role of {account}']", "viewer")
    tab.page.wait_for_selector(".toast >> text=Saved.")
    tab.settle()
    tab.page.click("text=Deactivate")
    tab.page.wait_for_selector("text=Activate")
    found: Any = site.client("admin").get("/api/auth/users", q=account)
    assert found["items"][0]["role"] == "viewer"
    assert found["items"][0]["is_active"] is False
    assert tab.complaints == []
