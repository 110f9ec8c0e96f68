"""axe finds nothing in any state of the console, in both schemes; each state is brought about by what brings it about for a user."""

from __future__ import annotations

import re
import signal

from axe import expect_accessible_in_both_schemes
from console import DEADLINE_MS, PROMPT, Console
from playwright.sync_api import expect
from podshell_parts import Podshell


def look(console: Console, state: str) -> None:
    expect_accessible_in_both_schemes(console.page, state)


def test_a_pods_drawer_is_accessible_in_each_tab(console: Console) -> None:
    console.go("/pods?cluster=demo-east&q=checkout")
    console.pod("checkout").get_by_role("link").click(timeout=DEADLINE_MS)
    for tab in ("Details", "Logs", "Events", "Timeline"):
        console.page.get_by_role("complementary").get_by_role("tab", name=re.compile(f"^{tab}")).click()
        console.page.get_by_role("tabpanel").wait_for(timeout=DEADLINE_MS)
        look(console, tab)
    console.page.get_by_role("button", name="Describe").click()
    console.page.get_by_role("dialog").get_by_role("heading", name=re.compile("^Description of")).wait_for(timeout=DEADLINE_MS)
    look(console, "Describe")


def test_a_nodes_drawer_is_accessible_in_each_tab(console: Console) -> None:
    console.go("/nodes/demo-east/worker-1")
    tabs = console.page.get_by_role("complementary").get_by_role("tab")
    tabs.first.wait_for(timeout=DEADLINE_MS)
    for tab in tabs.all():
        tab.click()
        console.page.get_by_role("tabpanel").wait_for(timeout=DEADLINE_MS)
        look(console, f"node, {tab.inner_text()}")


def test_what_is_asked_about_a_pod_is_accessible(console: Console) -> None:
    console.go("/pods?cluster=demo-east")
    console.shell_button("cart-0").click(timeout=DEADLINE_MS)
    console.page.get_by_role("option").first.wait_for(timeout=DEADLINE_MS)
    look(console, "choice of a container")
    console.page.keyboard.press("Escape")
    console.pod("ledger").get_by_role("button", name=re.compile("^Actions for")).click()
    console.page.get_by_role("menuitem", name="Delete").wait_for(timeout=DEADLINE_MS)
    look(console, "menu of a row")
    console.page.get_by_role("menuitem", name="Delete").click()
    expect(console.page.get_by_role("dialog")).to_contain_text("makes another pod", timeout=DEADLINE_MS)
    look(console, "deletion")


def test_the_dock_is_accessible_in_each_shape_and_state(console: Console) -> None:
    page = console.page
    console.go()
    console.open_shell("storefront")
    look(console, "a live shell")
    console.open_shell("cart-0", "cart")
    page.get_by_role("button", name="More about this shell").click()
    page.get_by_role("menuitem", name="Terminal settings").wait_for()
    look(console, "menu of a shell")
    page.get_by_role("menuitem", name="Terminal settings").click()
    page.get_by_role("switch", name="Screen reader support").check()
    look(console, "settings")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    console.run("echo $((6*7))", "\n42\n")
    look(console, "a live shell for screen readers")
    page.keyboard.press("Control+Shift+F")
    page.get_by_role("textbox", name="Find").wait_for()
    look(console, "find")
    page.keyboard.press("Escape")
    for shape in ("Full height", "At the right"):
        page.get_by_role("button", name=shape).click()
        look(console, shape)
    page.get_by_role("button", name="Minimise").click()
    page.get_by_role("button", name="Minimise").click()
    page.get_by_role("button", name="Running shells [2]").click()
    page.get_by_role("button", name="Restore cart-0").wait_for()
    look(console, "the list of minimised shells")
    page.get_by_role("button", name="Restore cart-0").click()
    console.type("exit 7\n")
    console.expect_alert("Exit code 7")
    look(console, "ended, and one minimised")
    console.shell_button("gateway").click()
    console.expect_alert("The shell could not be opened")
    look(console, "refused")


def test_a_shell_whose_agent_is_away_and_back_is_accessible(console: Console, podshell: Podshell) -> None:
    agent = podshell.agents["demo-west"]
    console.go("/pods?cluster=demo-west")
    console.open_shell("storefront")
    agent.stop(signal.SIGKILL)
    try:
        console.expect_alert("agent is offline")
        look(console, "agent offline")
    finally:
        agent.start()
    console.expect_alert("in-session state was lost")
    console.wait_for(PROMPT)
    look(console, "restarted")


def test_a_console_whose_gateway_is_away_and_an_idle_shell_are_accessible(console: Console, podshell: Podshell) -> None:
    console.go()
    console.open_shell("storefront")
    podshell.gateway.stop()
    try:
        console.page.locator(".offline-banner").wait_for(timeout=DEADLINE_MS)
        console.expect_alert("attempt")
        look(console, "gateway away")
        podshell.start_gateway("--idle-timeout-seconds", "10")
        # The agent is back, too, once the shell answers.
        console.run("echo back-$((6*7))", "\nback-42\n")
        # An idle time is a session's from its opening: one that is opened from now on has the short one.
        console.open_shell("ledger")
        console.expect_alert("this session closes in")
        look(console, "idle")
        console.expect_alert("nothing was typed for 10 s")
    finally:
        podshell.gateway.stop()
        podshell.start_gateway()
