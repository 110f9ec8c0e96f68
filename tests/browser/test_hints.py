"""Advice on errors in the output of debug and node shells: a bar over the terminal, never a byte in it."""

from __future__ import annotations

import re

from axe import expect_accessible
from console import DEADLINE_MS, Console
from playwright.sync_api import Locator, expect

# S2's error, put together by the shell so that the command itself does not show it.
ROOT_ERROR = r"printf 'iptables: Operation not permitted (%s must be root)\n' you"
SEEN = r"(^|\n)iptables: Operation not permitted \(you must be root\)\n"


def open_node_shell(console: Console) -> None:
    console.go("/open?kind=node&cluster=demo-west&node=worker-1")
    dialog = console.page.get_by_role("dialog", name="Shell on the node worker-1")
    expect(dialog.get_by_role("region", name="What this makes")).to_contain_text("A pod on the node", timeout=DEADLINE_MS)
    before = console.shells()
    dialog.get_by_role("button", name="Open the shell").click()
    console.wait_for_another(before)


def hint(console: Console) -> Locator:
    return console.page.locator(".bar").filter(has_text="iptables and nft need more rights")


def switch_hints(console: Console, *, on: bool) -> None:
    console.page.get_by_role("button", name="More about this shell").click()
    console.page.get_by_role("menuitem", name="Terminal settings").click()
    console.page.get_by_role("dialog").get_by_role("switch", name=re.compile("^Hints")).set_checked(on)
    console.page.keyboard.press("Escape")
    expect(console.page.get_by_role("dialog")).to_have_count(0)


def test_a_known_error_in_a_node_shell_gives_advice_that_leads_to_the_form(console: Console) -> None:
    open_node_shell(console)
    console.run(ROOT_ERROR, SEEN)
    expect(hint(console)).to_contain_text("NET_ADMIN and NET_RAW, which the profile Network has", timeout=DEADLINE_MS)
    expect_accessible(console.page)
    assert "capabilities" not in console.text(), "advice is no output"
    hint(console).get_by_role("button", name="New shell with Network").click()
    form = console.page.get_by_role("dialog", name="Shell on the node worker-1")
    expect(form.get_by_role("radio", name="Network")).to_be_checked(timeout=DEADLINE_MS)
    console.page.keyboard.press("Escape")
    console.run("printf 'ping: socket: Operation not %s\\n' permitted", "ping: socket: Operation not permitted\n")
    newest = console.page.locator(".bar").filter(has_text="ping needs another right here")
    expect(newest).to_be_visible(timeout=DEADLINE_MS)
    expect(hint(console)).to_have_count(0)  # one at a time
    newest.get_by_role("button", name="Dismiss").click()
    hint(console).get_by_role("button", name="Dismiss").click()
    expect(hint(console)).to_have_count(0)
    console.run(f"clear; {ROOT_ERROR}; echo again", f"{SEEN}again\n")
    expect(hint(console)).to_have_count(0)  # each once


def test_hints_can_be_switched_off_and_are_none_of_an_ordinary_shells_business(console: Console) -> None:
    console.go()
    console.open_shell("cart-0", "cart")
    console.run(f"{ROOT_ERROR}; echo ordinary", f"{SEEN}ordinary\n")
    expect(hint(console)).to_have_count(0)
    switch_hints(console, on=False)
    open_node_shell(console)
    console.run(f"{ROOT_ERROR}; echo silent", f"{SEEN}silent\n")
    expect(hint(console)).to_have_count(0)
    switch_hints(console, on=True)
    console.run(f"printf '\\033[?1049h'; {ROOT_ERROR}; printf '\\nwith%s\\n' in", "\nwithin\n")
    expect(hint(console)).to_have_count(0)  # a full-screen program has it all
    console.type("printf '\\033[?1049l'\n")
    expect(hint(console)).to_be_visible(timeout=DEADLINE_MS)
