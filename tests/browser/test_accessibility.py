"""axe finds nothing on any page, in both schemes and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe import expect_accessible_in_both_schemes
from console import DEADLINE_MS, Console
from playwright.sync_api import Page

PAGES: dict[str, str] = {
    "/clusters": "article",
    "/pods?namespace=shop": "[role=rowheader]",
    "/pods?q=nothing-at-all": ".empty",
    "/services?namespace=reports": ".service-card",
    "/services?namespace=reports&view=list": "[role=rowheader]",
    "/services/demo-east/payments/Deployment/fraud-check": ".timeline-event",
    "/services/demo-east/shop/Deployment/storefront?tab=pods": "[role=rowheader]",
    "/services/demo-east/shop/Deployment/storefront?tab=nodes": "[role=rowheader]",
    "/services/demo-east/shop/Deployment/storefront?tab=info": ".facts",
    "/services/demo-east/reports/Deployment/recommender?tab=pods": ".notice",
    "/nodes": "[role=rowheader]",
    "/nodes/demo-east/worker-1": ".conditions",
    "/sessions": ".empty, [role=rowheader]",
    "/open?cluster=demo-east&namespace=shop&pod=cart-0": ".message",
    "/open?cluster=demo-east&namespace=shop&pod=nothing": ".empty",
    "/nothing": ".empty",
}


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_accessible_in_both_schemes_and_on_a_phone(console: Console, address: str) -> None:
    console.go(address)
    console.page.locator(PAGES[address]).first.wait_for(timeout=DEADLINE_MS)
    expect_accessible_in_both_schemes(console.page, address)
    console.page.set_viewport_size({"width": 390, "height": 844})
    assert console.page.evaluate("document.documentElement.scrollWidth") <= 390
    expect_accessible_in_both_schemes(console.page, f"{address} on a phone")


def test_the_list_of_open_sessions_is_accessible(console: Console) -> None:
    console.go()
    console.open_shell("cart-0", "cart")
    console.go("/sessions")
    console.page.get_by_role("button", name=re.compile("^End the session in")).first.wait_for(timeout=DEADLINE_MS)
    expect_accessible_in_both_schemes(console.page, "a list of sessions")


def _palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.get_by_role("option").first.wait_for(timeout=DEADLINE_MS)


def _help(page: Page) -> None:
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for(timeout=DEADLINE_MS)


def _add(page: Page) -> None:
    page.get_by_role("button", name="Add a cluster").click()
    page.get_by_role("dialog").wait_for(timeout=DEADLINE_MS)


@pytest.mark.parametrize("show", [_palette, _help, _add])
def test_what_lies_over_a_page_is_accessible(console: Console, show: Callable[[Page], None]) -> None:
    console.page.emulate_media(reduced_motion="reduce")
    console.go("/clusters")
    console.page.get_by_role("article").first.wait_for(timeout=DEADLINE_MS)
    show(console.page)
    expect_accessible_in_both_schemes(console.page, show.__name__)
