"""The pods page: both ways into a shell, why others have none, the choice of a container, order and filters, deletion."""

from __future__ import annotations

import re

from console import DEADLINE_MS, PROMPT, Console
from playwright.sync_api import Locator, expect


def actions(console: Console, pod: str) -> Locator:
    """Open the row's menu."""
    console.pod(pod).get_by_role("button", name=re.compile("^Actions for")).click(timeout=DEADLINE_MS)
    return console.page.get_by_role("menu", name=re.compile("^Actions for"))


def test_option_1_running_chip_actions_pod_exec(console: Console) -> None:
    console.go("/sessions")
    console.page.get_by_role("link", name="Pods", exact=True).click()
    console.page.locator(".chips").get_by_text("Running").click()
    console.page.get_by_label("Search by name or label").fill("storefront")
    actions(console, "storefront").get_by_role("menuitem", name="Pod Exec").click()
    console.wait_for(PROMPT)
    expect(console.page.get_by_role("tab").filter(has_text=re.compile("^storefront.*/web"))).to_be_visible()


def test_option_1_row_then_pod_shell(console: Console) -> None:
    console.go()
    console.pod("storefront").get_by_role("cell", name="shop").click(timeout=DEADLINE_MS)
    expect(console.page).to_have_url(re.compile("/pods/demo-east/shop/storefront-"))
    panel = console.page.get_by_role("complementary")
    panel.get_by_role("button", name="Pod Shell").click(timeout=DEADLINE_MS)
    console.wait_for(PROMPT)


def test_pod_exec_has_a_pods_containers_as_a_submenu(console: Console) -> None:
    console.go()
    actions(console, "cart-0").get_by_role("menuitem", name="Pod Exec").hover()
    console.page.get_by_role("menuitem", name="exporter").click()
    console.wait_for(PROMPT)
    expect(console.page.get_by_role("tab", name="cart-0/exporter")).to_be_visible()


def test_what_does_not_run_says_why_in_row_and_menu(console: Console) -> None:
    console.go("/pods?cluster=demo-east")
    reasons = {"forecast": "Pending", "recommender": "ImagePull|ErrImage", "nightly-report": "Completed", "export": "being deleted"}
    for pod, why in reasons.items():
        button = console.shell_button(pod)
        expect(button).to_have_attribute("aria-disabled", "true", timeout=DEADLINE_MS)
        expect(button).to_have_attribute("aria-label", re.compile(why))
        item = actions(console, pod).get_by_role("menuitem", name="Pod Exec")
        expect(item).to_have_attribute("aria-disabled", "true")
        expect(item).to_contain_text(re.compile(why))
        console.page.keyboard.press("Escape")
    assert console.sockets == []


def test_the_choice_shows_every_container_and_why_some_have_no_shell(console: Console) -> None:
    console.go()
    console.shell_button("checkout").click(timeout=DEADLINE_MS)
    done = console.page.get_by_role("option", name=re.compile("^migrate"))
    expect(done).to_have_attribute("aria-disabled", "true")
    expect(done).to_contain_text("No shell: it has done its work")
    console.page.keyboard.type("migrate")
    console.page.keyboard.press("Enter")
    expect(done).to_be_visible()
    assert console.sockets == []
    for _ in "migrate":
        console.page.keyboard.press("Backspace")
    console.page.keyboard.press("ArrowDown")
    console.page.keyboard.press("Enter")
    console.wait_for(PROMPT)


def test_order_and_filters_are_in_the_address_and_survive_a_reload(console: Console) -> None:
    console.go()
    console.page.get_by_role("button", name="Name", exact=True).click(timeout=DEADLINE_MS)
    console.page.locator(".chips").get_by_text("Ended").click()
    expect(console.page).to_have_url(re.compile("sort=-name.*status=ended|status=ended.*sort=-name"))
    console.page.reload()
    expect(console.page.get_by_role("columnheader", name="Name", exact=True)).to_have_attribute(
        "aria-sort", "descending", timeout=DEADLINE_MS
    )
    expect(console.page.get_by_role("rowheader")).to_have_count(1)
    console.page.get_by_label("Search by name or label").fill("no such pod")
    console.page.get_by_role("button", name="Clear filters").click()
    expect(console.page.get_by_role("rowheader").nth(5)).to_be_visible()


def test_keys_go_from_row_to_row_and_into_a_pod_and_back(console: Console) -> None:
    console.go()
    first = console.page.get_by_role("rowheader").first.get_by_role("link")
    first.focus(timeout=DEADLINE_MS)
    console.page.keyboard.press("ArrowDown")
    second = console.page.get_by_role("rowheader").nth(1).get_by_role("link")
    expect(second).to_be_focused()
    console.page.keyboard.press("Enter")
    expect(console.page.locator("#side-title")).to_be_focused(timeout=DEADLINE_MS)
    console.page.keyboard.press("Escape")
    expect(console.page.get_by_role("complementary")).to_have_count(0)
    expect(second).to_be_focused()


def test_a_deleted_pod_says_what_will_happen_and_is_replaced(console: Console) -> None:
    console.go("/pods?cluster=demo-east&q=ledger")
    name = console.page.get_by_role("rowheader").first.inner_text(timeout=DEADLINE_MS)
    actions(console, "ledger").get_by_role("menuitem", name="Delete").click()
    dialog = console.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Deployment ledger makes another pod in its place at once, with a new name.")
    expect(dialog).to_contain_text("5 seconds")
    dialog.get_by_label("Reason").fill("test of deletion")
    dialog.get_by_role("button", name=f"Delete {name}").click()
    expect(dialog).to_have_count(0, timeout=DEADLINE_MS)
    expect(console.page.get_by_role("rowheader", name=name)).to_have_count(0, timeout=DEADLINE_MS)
    expect(console.page.get_by_role("rowheader", name=re.compile("^ledger"))).to_have_count(1, timeout=DEADLINE_MS)


def test_where_the_ceiling_forbids_it_delete_is_explained(console: Console) -> None:
    console.go("/pods?cluster=demo-west")
    item = actions(console, "ledger").get_by_role("menuitem", name="Delete")
    expect(item).to_have_attribute("aria-disabled", "true")
    expect(item).to_contain_text("actions.basic")
    item.click(force=True)
    expect(console.page.get_by_role("dialog")).to_have_count(0)
