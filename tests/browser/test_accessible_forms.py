"""The forms for debug and node shells and what a terminal asks are accessible in each state: axe finds nothing, and keys are enough."""

from __future__ import annotations

import re

from accessibility import Reader
from axe import expect_accessible_in_both_schemes
from console import DEADLINE_MS, PROMPT, Console
from playwright.sync_api import Locator, expect

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


def look(console: Console, state: str) -> None:
    expect_accessible_in_both_schemes(console.page, state)


def form(console: Console, query: str, made: str) -> Locator:
    console.go(f"/open?cluster=demo-west&{query}")
    dialog = console.page.get_by_role("dialog")
    expect(dialog.get_by_role("region", name="What this makes")).to_contain_text(made, timeout=DEADLINE_MS)
    return dialog


def choose(console: Console, item: str, menu: str = "More about this shell") -> None:
    console.page.get_by_role("button", name=menu).click()
    console.page.get_by_role("menuitem", name=item).click()


def test_the_form_for_a_debug_container_is_accessible_in_each_state(console: Console) -> None:
    dialog = form(console, "kind=debug&namespace=shop&pod=cart-0", "A debug container in the pod")
    look(console, "debug form")
    dialog.get_by_text("Advanced").click()
    dialog.get_by_text("Manifest").click()
    look(console, "debug form, all shown")
    dialog.get_by_label("Further capabilities").fill("NET_ADMN")
    expect(dialog.get_by_text("did you mean NET_ADMIN?").first).to_be_visible()
    look(console, "debug form, a slip")
    dialog.get_by_label("Further capabilities").fill("")
    dialog.get_by_role("radio", name="Network").check()
    expect(dialog).to_contain_text("This would be refused", timeout=DEADLINE_MS)
    look(console, "debug form, refused")
    console.page.set_viewport_size(PHONE)
    assert console.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    look(console, "debug form, refused, on a phone")


def test_the_form_for_a_node_shell_is_accessible_in_each_state(console: Console) -> None:
    dialog = form(console, "kind=node&node=worker-1", "A pod on the node")
    dialog.get_by_role("radio", name="Host files").check()
    expect(dialog.locator(".debug-danger").first).to_be_visible(timeout=DEADLINE_MS)
    look(console, "node form, a danger")
    dialog.get_by_text("Advanced").click()
    look(console, "node form, all shown")
    console.page.set_viewport_size(PHONE)
    assert console.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    look(console, "node form on a phone")


def test_panes_broadcast_rename_and_questions_are_accessible(console: Console) -> None:
    page = console.page
    console.go()
    console.open_shell("cart-0", "cart")
    console.open_shell("cart-0", "exporter")
    choose(console, "Show cart-0/cart beside", "Split")
    expect(page.get_by_role("tabpanel")).to_have_count(2)
    look(console, "split")
    choose(console, "Broadcast input")
    dialog = page.get_by_role("dialog")
    for shell in ("cart", "exporter"):
        dialog.get_by_label(re.compile(f"^cart-0.{shell}")).check()
    look(console, "choice for broadcasting")
    dialog.get_by_role("button", name="Broadcast to 2 shells").click()
    expect(page.get_by_text("Input is broadcast to 2 shells")).to_be_visible()
    look(console, "broadcast on")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("tab", name=re.compile("^cart-0.cart")).press("F2")
    page.get_by_role("textbox", name="New name of the tab").wait_for()
    look(console, "renaming")
    page.keyboard.press("Escape")
    choose(console, "One pane", "Split")
    console.open_shell("storefront")  # ash does not ask for bracketed paste
    console.paste("echo one\necho two\n")
    expect(dialog).to_contain_text("echo two")
    look(console, "paste guard")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    console.run("clear; echo https://example.org/a", "\n?https://example.org/a\n")
    console.click_cell(3, console.row_of("https://example.org/a"))
    expect(dialog).to_contain_text("https://example.org/a", timeout=DEADLINE_MS)
    look(console, "a link's target")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    for _ in range(3):
        page.keyboard.press("Control+Shift+X")


def test_keys_alone_fill_the_advanced_form_and_open_what_it_says(console: Console) -> None:
    console.go("/open?kind=node&cluster=demo-west&node=worker-1")
    reader = Reader(console.page)
    reader.wait_for_focus("radio", "^Plain")
    reader.press("ArrowDown")
    reader.wait_for("radio", "^Network")
    reader.go_to("DisclosureTriangle|button", "^Advanced")
    reader.press("Enter")
    reader.go_to("textbox", "^Further capabilities")
    reader.type("sys_chroot")
    reader.go_to("textbox", "^Reason")
    reader.type("by keys")
    reader.wait_for("StaticText", "NET_RAW|NET_ADMIN")
    reader.go_to("DisclosureTriangle|button", "^Manifest")
    reader.press("Enter")
    reader.wait_for("StaticText", "SYS_CHROOT")
    reader.go_to("button", "^Open the shell$")
    reader.press("Enter")
    reader.wait_for_focus("textbox", "Terminal input")
    console.wait_for(PROMPT)
    reader.press("Control+Shift+X")
    reader.wait_for("tab", "^node.worker-1", gone=True)


def test_keys_alone_answer_the_paste_guard_and_broadcast(console: Console) -> None:
    console.go()
    console.open_shell("storefront")
    console.open_shell("cart-0", "cart")
    reader = Reader(console.page)
    console.page.get_by_role("tab", name=re.compile("^storefront")).click()
    reader.wait_for_focus("textbox", "Terminal input")
    console.paste("echo one$((1+1))\necho two$((1+1))\n")
    reader.wait_for("dialog", "^Paste 2 lines")
    reader.go_to("button", "^Paste$")
    reader.press("Enter")
    console.wait_for("\ntwo2\n")
    reader.wait_for_focus("textbox", "Terminal input")

    reader.press("Control+Shift+K")
    reader.wait_for_focus("combobox", "Find a pod")
    reader.type("broadcast input")
    reader.wait_for("option", "Broadcast input")
    reader.press("Enter")
    reader.wait_for("dialog", "^Broadcast input to several shells")
    for name in ("^storefront", "^cart-0.cart"):
        reader.go_to("checkbox", name)
        reader.press("Space")
    reader.go_to("button", "^Broadcast to 2 shells")
    reader.press("Enter")
    reader.wait_for("StaticText", "Input is broadcast to 2 shells")
    reader.wait_for_focus("textbox", "Terminal input")
    reader.press("Control+Shift+L")
    reader.wait_for_focus("tab", "gets broadcast input")
    reader.go_to("button", "^Stop$")
    reader.press("Enter")
    reader.wait_for("StaticText", "Input is broadcast", gone=True)
    reader.wait_for_focus("textbox", "Terminal input")
