"""Finding, opening, creating and moving tickets in the browser."""

import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import FilePayload

from tests.e2e.conftest import Site, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.stack]
Visit = Callable[..., Visitor]


def numbers(tab: Visitor) -> list[str]:
    return tab.page.locator("td.number").all_inner_texts()


def api_numbers(site: Site, **query: Any) -> list[str]:
    found = site.client("dispatcher").get("/api/tickets", **query)["items"]
    return [ticket["number"] for ticket in found]


def new_ticket(site: Site, **changes: Any) -> dict[str, Any]:
    body = {"title": "No light at the ONT", "category": "repair", "zone": "Selangor"}
    made: dict[str, Any] = site.client("dispatcher").post(
        "/api/tickets", body | changes
    )
    return made


@pytest.mark.parametrize(
    "filters",
    [
        {"status": "open"},
        {"priority": "urgent,high"},
        {"category": "repair"},
        {"zone": "Selangor"},
        {"sla_state": "breached"},
        {"assigned": "false", "status": "open"},
    ],
    ids=lambda filters: "&".join(f"{k}={v}" for k, v in filters.items()),
)
def test_a_filter_shows_what_the_api_answers(
    visit: Visit, site: Site, filters: dict[str, str]
) -> None:
    tab = visit(
        "dispatcher", at="tickets?" + "&".join(f"{k}={v}" for k, v in filters.items())
    )
    assert numbers(tab) == api_numbers(site, limit=50, sort="-created_at", **filters)
    assert tab.complaints == []


def test_filters_are_chosen_by_hand_and_taken_back(visit: Visit) -> None:
    tab = visit("dispatcher", at="tickets")
    tab.page.click("summary:has-text('Status')")
    tab.page.check("input[name=status][value=open]")
    tab.page.click(".checklist[open] >> text=Show")
    tab.page.wait_for_url("**status=open")
    tab.settle()
    assert set(tab.page.locator("td .badge").all_inner_texts()) <= {"Open"}
    tab.page.click("[aria-label='Remove filter Status']")
    tab.page.wait_for_url("**/#/tickets")


def test_pages_follow_each_other_without_gap_or_repeat(
    visit: Visit, site: Site
) -> None:
    tab = visit("dispatcher", at="tickets")
    first = numbers(tab)
    tab.page.click("text=Next")
    tab.page.wait_for_selector("text=Page 2")
    tab.settle()
    assert first + numbers(tab) == api_numbers(site, limit=100, sort="-created_at")
    tab.page.click("text=Previous")
    tab.page.wait_for_selector("text=Page 1")
    tab.settle()
    assert numbers(tab) == first


def test_the_search_of_the_top_bar_opens_a_ticket_by_its_number(visit: Visit) -> None:
    tab = visit("dispatcher")
    tab.page.fill("header [type=search]", "ctt 3")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector(".crumbs")
    assert "CTT_3" in tab.page.inner_text(".crumbs")


def test_a_ticket_is_created_and_shown(visit: Visit, site: Site) -> None:
    tab = visit("dispatcher", at="tickets/new")
    tab.page.fill("[name=title]", "Fibre cut at pole 12")
    tab.page.select_option("[name=category]", "repair")
    tab.page.select_option("[name=priority]", "high")
    tab.page.select_option("[name=zone]", "Selangor")
    tab.page.fill("[name=customer_name]", "Tan Mei Ling")
    tab.page.click("main [type=submit]")
    tab.page.wait_for_selector(".crumbs")
    tab.settle()
    number = tab.page.inner_text(".crumbs").split("/ ")[1]
    stored = site.client("dispatcher").get(f"/api/tickets/{number}")
    assert stored["title"] == tab.page.inner_text("h1") == "Fibre cut at pole 12"
    assert stored["customer"]["name"] == "Tan Mei Ling"
    assert stored["priority"] == "high"
    assert tab.complaints == []


def test_a_refused_field_is_marked_with_the_reason_of_the_api(visit: Visit) -> None:
    tab = visit("dispatcher", at="tickets/new")
    tab.page.fill("[name=title]", "   ")
    tab.page.select_option("[name=zone]", "Selangor")
    tab.page.click("main [type=submit]")
    tab.page.wait_for_selector(".field.wrong")
    assert tab.page.get_attribute("[name=title]", "aria-invalid") == "true"
    assert tab.page.inner_text(".field.wrong .note").strip()
    assert "tickets/new" in tab.page.url


def test_a_ticket_shows_its_promise_visits_and_history(
    visit: Visit, site: Site
) -> None:
    found = site.client("dispatcher").get("/api/tickets", status="completed", limit=1)
    number = found["items"][0]["number"]
    tab = visit("dispatcher", at=f"tickets/{number}")
    assert tab.page.inner_text("h1") == found["items"][0]["title"]
    assert tab.page.locator(".sla-strip i").count() > 0
    assert tab.page.locator(".visits li").count() > 0
    assert tab.page.locator(".timeline li").count() > 1
    assert tab.page.locator(".trouble").count() == 0
    assert tab.complaints == []


def test_a_comment_is_posted_and_appears(visit: Visit, site: Site) -> None:
    number = new_ticket(site)["number"]
    tab = visit("dispatcher", at=f"tickets/{number}")
    tab.page.fill("[name=body]", "Customer called again.")
    tab.page.click("text=Post")
    tab.page.wait_for_selector(".comments li")
    assert "Customer called again." in tab.page.inner_text(".comments")


def test_a_ticket_is_moved_by_a_button_of_its_transitions(
    visit: Visit, site: Site
) -> None:
    number = new_ticket(site)["number"]
    tab = visit("dispatcher", at=f"tickets/{number}")
    tab.page.click(".title-row >> text=Hold")
    tab.page.select_option("dialog [name=reason]", "awaiting_parts")
    tab.page.click("dialog [type=submit]")
    tab.page.wait_for_selector(".marks .is-on_hold")
    stored = site.client("dispatcher").get(f"/api/tickets/{number}")
    assert stored["status"] == "on_hold"


def test_a_recommended_team_is_assigned(visit: Visit, site: Site) -> None:
    number = new_ticket(site)["number"]
    tab = visit("dispatcher", at=f"tickets/{number}")
    tab.page.locator(".candidates button").first.click()
    tab.page.wait_for_selector(".visits li")
    stored = site.client("dispatcher").get(f"/api/tickets/{number}")
    assert stored["team_id"] is not None


def test_a_change_of_somebody_else_is_not_overwritten(visit: Visit, site: Site) -> None:
    number = new_ticket(site)["number"]
    tab = visit("dispatcher", at=f"tickets/{number}")
    site.client("manager").call(
        "PATCH", f"/api/tickets/{number}", json={"title": "Changed meanwhile"}
    )
    tab.page.click("text=Edit")
    tab.page.fill("dialog [name=location]", "Jalan Ampang")
    tab.page.click("dialog [type=submit]")
    said = tab.text(".toast.is-bad")
    assert "Somebody changed this in the meantime" in said
    tab.page.wait_for_selector("h1 >> text=Changed meanwhile")


def test_a_ticket_that_is_not_there_is_said_in_words(visit: Visit) -> None:
    tab = visit("dispatcher")
    tab.page.goto(f"{tab.site.dashboard_url}/#/tickets/CTT_99999999")
    said = tab.text(".trouble")
    assert "Not found, or not visible to you." in said


def dot_picture() -> bytes:
    """Return a PNG of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\x00\x20\x80\xc0")
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", pixel)
        + chunk(b"IEND", b"")
    )


def test_a_photo_is_added_and_seen_and_fetched(visit: Visit, site: Site) -> None:
    number = new_ticket(site)["number"]
    tab = visit("dispatcher", at=f"tickets/{number}")
    photo = FilePayload(name="splice.png", mimeType="image/png", buffer=dot_picture())
    tab.page.set_input_files("[name=file]", photo)
    tab.page.click("text=Add file")
    picture = tab.page.locator(".picture img")
    picture.wait_for()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)")
    with tab.page.expect_download() as download:
        tab.page.click("text=splice.png")
    assert download.value.path().read_bytes() == dot_picture()
    assert tab.complaints == []


def test_a_mention_lands_in_the_inbox_and_leads_to_its_ticket(
    visit: Visit, site: Site
) -> None:
    ticket = new_ticket(site)
    site.client("dispatcher").post(
        f"/api/tickets/{ticket['id']}/comments",
        {"body": "@manager please look", "visibility": "internal"},
    )
    tab = visit("manager", at="inbox")
    newest = tab.page.locator(".notes li").first
    assert "Mention" in newest.inner_text()
    newest.locator("a").click()
    tab.page.wait_for_selector(f".crumbs >> text={ticket['number']}")
    assert tab.complaints == []
