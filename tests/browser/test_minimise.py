"""Shells that are minimised: they go on while the user moves around, say what happens in them, and come back as they were."""

from __future__ import annotations

import random
import re
import time

from console import DEADLINE_MS, PROMPT, Console
from playwright.sync_api import Locator, expect

from stack import ContainerView

MINIMISE = "Control+Shift+M"


def bar(console: Console) -> Locator:
    return console.page.get_by_role("region", name="Minimised shells")


def menu(console: Console, count: int) -> Locator:
    """Open the menu of so many minimised shells."""
    button = bar(console).get_by_role("button", name=f"Running shells [{count}]")
    expect(button).to_be_visible(timeout=DEADLINE_MS)
    if button.get_attribute("aria-expanded") != "true":
        button.click()
    return console.page.get_by_role("dialog", name="Running shells")


def restore(console: Console, count: int, shell: str) -> None:
    menu(console, count).get_by_role("button", name=f"Restore {shell},").click()
    expect(console.page.get_by_role("tab", name=re.compile(f"^{shell.replace('/', '.')},"))).to_have_attribute("aria-selected", "true")


def nothing_more_than(container: ContainerView, before: set[int]) -> None:
    """Wait until every process that is left belongs to an exec that was there before; those go on, and may start others."""
    deadline = time.monotonic() + DEADLINE_MS / 1000
    while more := [each for each in container.processes().values() if each.sid not in before]:
        assert time.monotonic() < deadline, f"left in the container: {', '.join(map(str, more))}"
        time.sleep(0.05)


def test_three_minimised_shells_outlive_page_changes_floods_and_a_reload(console: Console) -> None:
    console.go()
    console.open_shell("cart-0", "cart")
    stays, goes = (f"sleep {random.randrange(10**8, 10**9)}" for _ in range(2))
    console.run(f"KEPT=one; {stays} & echo started", "\nstarted\n")
    console.open_shell("cart-0", "exporter")
    console.run("echo quiet", "\nquiet\n")
    container = ContainerView.around(stays)
    before = container.execs()
    console.open_shell("cart-0", "cart")
    console.run(f"({goes} & {goes} &) ; echo started", "\nstarted\n")
    assert [each.command for each in container.processes().values()].count(goes) == 2
    console.page.get_by_role("tab", name="cart-0/cart, ").click()
    console.type("sleep 1; seq 30000; printf '\\033[31mfl%s\\033[0m\\n' ood\n")
    for _ in range(3):
        console.page.keyboard.press(MINIMISE)
    expect(console.page.get_by_role("tabpanel")).to_have_count(0)
    for name in ("Services", "Nodes", "Sessions"):
        console.page.get_by_role("link", name=name).click()
        expect(console.page.get_by_role("heading", name=name).first).to_be_visible(timeout=DEADLINE_MS)

    # The one with output is marked, and only that one.
    expect(menu(console, 3).get_by_role("button", name=re.compile("^Restore cart-0.cart,.*new output"))).to_be_visible(timeout=DEADLINE_MS)
    expect(menu(console, 3).get_by_role("button", name=re.compile("^Restore .*new output"))).to_have_count(1)
    restore(console, 3, "cart-0/cart")
    console.wait_for("\nflood\n.*[#$] ?$")
    console.expect_equal_to_headless()
    console.page.keyboard.press(MINIMISE)
    expect(menu(console, 3).get_by_role("button", name=re.compile("new output"))).to_have_count(0)

    console.page.reload()
    expect(menu(console, 3).get_by_role("button", name=re.compile("^Restore .*running"))).to_have_count(3, timeout=DEADLINE_MS)
    restore(console, 3, "cart-0/cart")
    console.wait_for("\nflood\n.*[#$] ?$")
    console.run("echo $KEPT$KEPT", "\noneone\n")
    console.expect_equal_to_headless()

    for shell in ("cart-0/exporter", "cart-0/cart 2"):
        console.page.keyboard.press(MINIMISE)
        restore(console, 3, shell)
        console.wait_for(PROMPT)
        console.expect_equal_to_headless()

    # Closing one ends that one only, and leaves nothing of it in the container, as the machine sees it.
    console.page.keyboard.press(MINIMISE)
    menu(console, 3).get_by_role("button", name="End the session in cart-0/cart 2").click()
    nothing_more_than(container, before)
    assert stays in [each.command for each in container.processes().values()]
    restore(console, 2, "cart-0/cart")
    console.run("echo $KEPT-still", "\none-still\n")
    console.page.keyboard.press(MINIMISE)
    restore(console, 2, "cart-0/exporter")
    console.run("echo still$((1+1))", "\nstill2\n")


def test_one_minimised_shell_is_a_tab_that_says_when_it_has_ended(console: Console) -> None:
    console.go()
    console.open_shell("storefront")
    console.type("sleep 1; exit 3\n")
    console.page.get_by_role("button", name="Minimise").click()
    tab = bar(console).get_by_role("button", name=re.compile("^Restore storefront.*ended"))
    expect(tab).to_be_visible(timeout=DEADLINE_MS)
    expect(bar(console).get_by_role("button", name=re.compile("^Close the tab of storefront"))).to_be_visible()
    tab.click()
    console.expect_alert("Exit code 3")
    expect(bar(console)).to_have_count(0)


def test_minimised_shells_are_chosen_with_the_keyboard_alone(console: Console) -> None:
    console.go()
    console.open_shell("cart-0", "cart")
    console.open_shell("cart-0", "exporter")
    console.page.keyboard.press(MINIMISE)
    console.page.keyboard.press(MINIMISE)
    bar(console).get_by_role("button", name="Running shells [2]").press("Enter")
    expect(console.page.get_by_role("button", name="Restore cart-0/cart,")).to_be_focused()
    console.page.keyboard.press("ArrowDown")
    expect(console.page.get_by_role("button", name="Restore cart-0/exporter,")).to_be_focused()
    console.page.keyboard.press("Enter")
    expect(console.page.get_by_role("textbox", name="Terminal input")).to_be_focused()
    console.page.keyboard.type("echo typed$((1+1))\n")
    console.wait_for("\ntyped2\n")
