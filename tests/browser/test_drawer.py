"""A pod closely: by its address, through its tabs, while it goes and comes again."""

from __future__ import annotations

import re

from console import DEADLINE_MS, POLL_MS, PROMPT, Console
from playwright.sync_api import Locator, expect
from podshell_parts import Podshell


def panel(console: Console) -> Locator:
    return console.page.get_by_role("complementary")


def test_a_drawer_has_an_address_and_back_closes_it(console: Console) -> None:
    console.go()
    console.pod("cart-0").get_by_role("link").click(timeout=DEADLINE_MS)
    panel(console).get_by_role("tab", name="Events").click()
    expect(console.page).to_have_url(re.compile(r"/pods/demo-east/shop/cart-0\?.*tab=events"))
    console.page.reload()
    expect(panel(console).get_by_role("tab", name="Events")).to_have_attribute("aria-selected", "true", timeout=DEADLINE_MS)
    console.page.go_back()
    expect(panel(console).get_by_role("tab", name="Details")).to_have_attribute("aria-selected", "true")
    console.page.go_back()
    expect(panel(console)).to_have_count(0)


def test_details_tell_containers_owners_and_how_the_last_run_ended(console: Console) -> None:
    console.go("/pods?cluster=demo-east")
    console.pod("fraud-check").get_by_role("link").click(timeout=DEADLINE_MS)
    expect(panel(console)).to_contain_text(re.compile(r"Deployment fraud-check › ReplicaSet fraud-check-"), timeout=DEADLINE_MS)
    card = panel(console).get_by_role("article", name="scorer")
    expect(card).to_contain_text("exit code 3", timeout=DEADLINE_MS)
    link = panel(console).get_by_role("link", name="fraud-check", exact=True)
    expect(link).to_have_attribute("href", re.compile("/services/demo-east/payments/Deployment/fraud-check"))
    expect(panel(console)).to_contain_text("No shell: no container of the pod is running")
    expect(panel(console).get_by_role("button", name="Pod Shell")).to_have_attribute("aria-disabled", "true")


def test_init_containers_conditions_and_labels_are_shown(console: Console) -> None:
    console.go()
    console.pod("checkout").get_by_role("link").click(timeout=DEADLINE_MS)
    for words in ("Init containers", "migrate", "sidecar", "Conditions", "PodScheduled", "Labels", "checkout"):
        expect(panel(console)).to_contain_text(words, timeout=DEADLINE_MS)


def test_the_timeline_holds_events_and_this_users_shells(console: Console) -> None:
    console.go()
    console.open_shell("storefront")
    console.pod("storefront").get_by_role("link").click()
    panel(console).get_by_role("tab", name="Timeline").click()
    for words in ("Shell opened in web", "Container web started", "Pod created"):
        expect(panel(console)).to_contain_text(words, timeout=DEADLINE_MS)


def test_a_description_is_plain_text(console: Console) -> None:
    console.go("/pods/demo-east/shop/cart-0?cluster=demo-east")
    panel(console).get_by_role("button", name="Describe").click(timeout=DEADLINE_MS)
    dialog = console.page.get_by_role("dialog")
    expect(dialog.locator("pre")).to_contain_text("Name:", timeout=DEADLINE_MS)
    dialog.get_by_role("button", name="Copy").click()
    console.page.wait_for_function(
        "navigator.clipboard.readText().then(text => text.includes('cart-0'))", polling=POLL_MS, timeout=DEADLINE_MS
    )


def test_a_pod_that_goes_while_it_is_looked_at_says_so_and_names_its_replacement(console: Console, podshell: Podshell) -> None:
    console.go("/pods?cluster=demo-east&q=recommender")
    console.pod("recommender").get_by_role("link").click(timeout=DEADLINE_MS)
    name = console.page.locator("#side-title .cut").first.inner_text()
    panel(console).get_by_role("button", name="Delete").click(timeout=DEADLINE_MS)
    console.page.get_by_role("dialog").get_by_role("button", name=f"Delete {name}").click()
    expect(panel(console)).to_contain_text("The pod was deleted at", timeout=DEADLINE_MS)
    link = panel(console).get_by_role("link", name=re.compile("^recommender-"))
    expect(link).to_be_visible(timeout=DEADLINE_MS)
    assert link.inner_text() != name
    link.click()
    expect(panel(console)).not_to_contain_text("was deleted at")


def test_an_unknown_pod_is_said_to_be_unknown(console: Console) -> None:
    console.go("/pods/demo-east/shop/nobody")
    expect(panel(console)).to_contain_text("There is no such pod", timeout=DEADLINE_MS)


def test_on_a_phone_the_drawer_covers_the_page_and_gives_way_to_a_shell(console: Console) -> None:
    console.page.set_viewport_size({"width": 390, "height": 844})
    console.go("/pods/demo-east/shop/cart-0?cluster=demo-east")
    dialog = console.page.locator(".side-panel.covering")
    expect(dialog.get_by_role("button", name=re.compile("^Delete"))).to_be_in_viewport(ratio=1, timeout=DEADLINE_MS)
    dialog.get_by_role("button", name="Pod Shell").click(timeout=DEADLINE_MS)
    console.page.get_by_role("option", name=re.compile("^cart")).click()
    console.wait_for(PROMPT)
    expect(console.page.locator(".side-panel.covering")).to_have_count(0)
    expect(console.page.locator(".terminal-host").first).to_be_in_viewport()
