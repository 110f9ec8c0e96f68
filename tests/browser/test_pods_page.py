"""The pods page: the choice of a container, order and filters, keys, deletion. Its ways into a shell: test_pod_shell_page.py."""

from __future__ import annotations

import re

from console import DEADLINE_MS, PROMPT, Console
from playwright.sync_api import Locator, expect


def actions(console: Console, pod: str) -> Locator:
    """Open the row's menu."""
    console.pod(pod).get_by_role("button", name=re.compile("^Actions for")).click(timeout=DEADLINE_MS)
    return console.page.get_by_role("menu", name=re.compile("^Actions for"))


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
