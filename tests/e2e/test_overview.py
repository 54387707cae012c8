"""The first page shows the API's own figures, and little is fetched for it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import ViewportSize

from tests.e2e.conftest import PHONE, Site, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.stack]
Visit = Callable[..., Visitor]
UNFINISHED = ("open", "in_progress", "on_hold")
MAX_REQUESTS = 12
MAX_BYTES = 400_000


def tiles(tab: Visitor) -> dict[str, str]:
    found = tab.page.locator(".overview > .tiles .tile").all()
    return {
        tile.locator(".label").inner_text(): tile.locator(".figure").inner_text()
        for tile in found
    }


def test_the_tiles_show_the_figures_of_the_api(visit: Visit, site: Site) -> None:
    summary = site.client("manager").get("/api/tickets/stats/summary")
    shown = tiles(visit("manager"))
    backlog = sum(summary["by_status"].get(status, 0) for status in UNFINISHED)
    assert backlog > 0, "the seed should leave unfinished work"
    assert shown["Unfinished"] == f"{backlog:,}"
    assert shown["Overdue"] == f"{summary['overdue']:,}"
    assert shown["Unassigned"] == f"{summary['unassigned']:,}"
    assert shown["Created today"] == f"{summary['created_today']:,}"
    assert shown["Completed today"] == f"{summary['completed_today']:,}"


def test_two_charts_are_drawn_from_the_api(visit: Visit, site: Site) -> None:
    tab = visit("manager")
    tab.see_all()
    drawn = tab.page.locator("svg.lines path.line")
    assert drawn.count() >= 2
    assert tab.page.locator("svg.lines path.band").count() == 2
    assert tab.page.locator(".map a.tile, .bars li").count() >= 4
    created = site.client("manager").get(
        "/api/analytics/trends", metric="created", granularity="day"
    )
    last = created["series"][-2]
    tab.page.locator(".as-table summary").first.click()
    table = tab.page.locator(".as-table table").first.inner_text()
    assert f"\t{last['value']:,.0f}\t" in table.replace("\n", "\t")


def test_a_tile_leads_to_the_tickets_that_it_counts(visit: Visit) -> None:
    tab = visit("manager")
    wanted = tiles(tab)["Unfinished"]
    tab.page.click(".tile >> text=Unfinished")
    tab.page.wait_for_selector(".strip-text b")
    assert tab.page.inner_text(".strip-text b") == f"{wanted} tickets"


@pytest.mark.parametrize("size", [None, PHONE], ids=["1280 px", "360 px"])
def test_the_first_load_is_small(visit: Visit, size: ViewportSize | None) -> None:
    tab = visit("manager", size)
    tab.page.wait_for_load_state("networkidle")
    assert len(tab.requests) <= MAX_REQUESTS, "\n".join(tab.requests)
    assert sum(tab.sizes) <= MAX_BYTES


def test_the_parts_below_the_fold_load_when_looked_at(visit: Visit) -> None:
    tab = visit("manager")
    tab.see_all()
    assert tab.page.locator(".trouble").count() == 0
    assert tab.page.locator(".lazy").count() == 0
    assert tab.complaints == []
