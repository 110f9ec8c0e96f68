"""Debug and node shells click by click: the form, what it says before anything is made, and the shells it opens."""

from __future__ import annotations

import re
import signal

import pytest
from axe import expect_accessible
from console import DEADLINE_MS, PROMPT, Console
from playwright.sync_api import Locator, Route, expect
from podshell_parts import Podshell


def form(console: Console, title: str) -> Locator:
    return console.page.get_by_role("dialog", name=title)


def open_button(dialog: Locator) -> Locator:
    return dialog.get_by_role("button", name="Open the shell")


def outcome(dialog: Locator) -> Locator:
    """What the form says that opening would make."""
    return dialog.get_by_role("region", name="What this makes")


def debug_form(console: Console, namespace: str, pod: str) -> Locator:
    console.go(f"/open?kind=debug&cluster=demo-west&namespace={namespace}&pod={pod}")
    dialog = form(console, f"Debug container in {pod}")
    expect(outcome(dialog)).to_contain_text("A debug container in the pod", timeout=DEADLINE_MS)
    return dialog


def node_form(console: Console) -> Locator:
    console.go("/open?kind=node&cluster=demo-west&node=worker-1")
    dialog = form(console, "Shell on the node worker-1")
    expect(outcome(dialog)).to_contain_text("A pod on the node", timeout=DEADLINE_MS)
    return dialog


def test_a_node_shell_is_opened_from_the_node_and_answers(console: Console) -> None:
    console.go("/nodes?cluster=demo-west")
    console.page.get_by_role("row").filter(has_text="worker-1").get_by_role("button", name="Node Shell on worker-1").click()
    dialog = form(console, "Shell on the node worker-1")
    expect(outcome(dialog)).to_contain_text("A pod on the node", timeout=DEADLINE_MS)
    dialog.get_by_role("radio", name="Host files").check()
    danger = outcome(dialog).locator(".debug-danger")
    expect(danger).to_contain_text("a host mount is equal to root on this node", timeout=DEADLINE_MS)
    expect(danger).to_contain_text("Danger")
    outcome(dialog).get_by_text("Manifest").click()
    expect(outcome(dialog).locator("pre")).to_contain_text("hostPath")
    open_button(dialog).click()
    console.wait_for(PROMPT)
    expect(console.page.get_by_role("tab", name=re.compile("^node.worker-1"))).to_be_visible()
    console.run("echo $((6*7)); cat /host/etc/hostname || ls -d /host/etc", r"\n42\n")
    console.page.get_by_role("button", name=re.compile("^End the session in node.worker-1")).last.click()


def test_a_debug_shell_is_opened_from_the_pods_menu_and_answers(console: Console) -> None:
    console.go("/pods?cluster=demo-west")
    console.pod("cart-0").get_by_role("button", name="Actions for cart-0").click(timeout=DEADLINE_MS)
    console.page.get_by_role("menuitem", name="Debug").click()
    dialog = form(console, "Debug container in cart-0")
    expect(dialog.get_by_role("radio", name="Plain")).to_be_focused(timeout=DEADLINE_MS)
    dialog.get_by_label("Share the processes of").select_option("cart")
    expect(outcome(dialog)).to_contain_text("It shares the processes of cart", timeout=DEADLINE_MS)
    expect(outcome(dialog)).to_contain_text("A debug container cannot be removed from its pod; it ends a minute after the last shell")
    open_button(dialog).click()
    console.wait_for(PROMPT)
    expect(console.page.get_by_role("tab", name=re.compile("^cart-0.debug"))).to_be_visible()
    console.run("echo $((6*7))", r"\n42\n")


def test_a_container_without_a_shell_leads_to_a_debug_container(console: Console) -> None:
    console.go("/pods?cluster=demo-west&namespace=payments")
    console.shell_button("gateway").click(timeout=DEADLINE_MS)
    console.page.locator(".outcome").get_by_role("button", name="Open a debug container").click(timeout=DEADLINE_MS)
    dialog = console.page.get_by_role("dialog", name=re.compile("^Debug container in gateway"))
    expect(dialog.get_by_label("Share the processes of")).to_have_value(re.compile("."), timeout=DEADLINE_MS)
    open_button(dialog).click()
    console.wait_for(PROMPT)
    console.run("echo $((6*7))", r"\n42\n")


def test_keys_alone_open_a_node_shell(console: Console) -> None:
    dialog = node_form(console)
    expect(dialog.get_by_role("radio", name="Plain")).to_be_focused()
    console.page.keyboard.press("ArrowDown")
    expect(dialog.get_by_role("radio", name="Network")).to_be_checked()
    console.page.keyboard.press("Enter")
    console.wait_for(PROMPT)
    console.page.keyboard.type("echo typed$((1+1))\n")
    console.wait_for("\ntyped2\n")


def test_a_panel_that_comes_late_leaves_the_focus_in_the_form_and_gets_it_when_that_is_given_up(console: Console) -> None:
    """The page behind the form of a link wants more of the cluster than the form."""
    late: list[Route] = []
    console.page.route("**/assets/NodesPage*", lambda route: late.append(route))
    console.go("/open?kind=node&cluster=demo-west&node=worker-1")
    dialog = form(console, "Shell on the node worker-1")
    expect(dialog.get_by_role("radio", name="Plain")).to_be_focused(timeout=DEADLINE_MS)
    assert late, "the page was there first, so this shows nothing"
    for route in late:
        route.continue_()
    heading = console.page.locator("#side-title")
    expect(heading).to_have_count(1, timeout=DEADLINE_MS)
    expect(dialog.get_by_role("radio", name="Plain")).to_be_focused()
    console.page.keyboard.press("Escape")
    expect(heading).to_be_focused()


def test_what_the_ceiling_refuses_is_explained_before_anything_is_made(console: Console) -> None:
    dialog = node_form(console)
    dialog.get_by_role("radio", name="Tracing").check()
    expect(outcome(dialog)).to_contain_text("This would be refused", timeout=DEADLINE_MS)
    expect(outcome(dialog)).to_contain_text("the cluster's owner (the agent's ceiling)")
    expect(outcome(dialog)).to_contain_text("--allow nodePrivileged")
    expect(open_button(dialog)).to_have_attribute("aria-disabled", "true")
    expect(open_button(dialog)).to_have_accessible_description(re.compile("does not allow nodePrivileged"))
    expect_accessible(console.page)
    open_button(dialog).click(force=True)
    dialog.get_by_role("radio", name="Plain").check()
    expect(open_button(dialog)).not_to_have_attribute("aria-disabled", "true", timeout=DEADLINE_MS)
    console.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert console.sockets == []


def test_a_windows_node_presets_its_system_and_what_has_no_meaning_there_says_so(console: Console) -> None:
    console.go("/nodes?cluster=demo-west")
    console.page.get_by_role("row").filter(has_text="worker-win").get_by_role("button", name="Node Shell on worker-win").click()
    dialog = form(console, "Shell on the node worker-win")
    expect(dialog.get_by_label("System", exact=True)).to_have_value("windows", timeout=DEADLINE_MS)
    expect(outcome(dialog)).to_contain_text("a HostProcess container runs as SYSTEM", timeout=DEADLINE_MS)
    network = dialog.get_by_role("radio", name="Network")
    for refused in (network, dialog.get_by_role("checkbox", name="Enter the node"), dialog.get_by_label("Further capabilities")):
        expect(refused).to_have_attribute("aria-disabled", "true")
        expect(refused).to_have_accessible_description(re.compile("no meaning on Windows"))
    network.click(force=True)
    dialog.get_by_role("checkbox", name="Enter the node").click(force=True)
    expect(dialog.get_by_role("radio", name="Plain")).to_be_checked()
    expect(dialog.get_by_role("checkbox", name="Enter the node")).not_to_be_checked()
    expect_accessible(console.page)
    dialog.get_by_label("System", exact=True).select_option("linux")
    network.check()
    expect(outcome(dialog)).to_contain_text("NET_ADMIN can change the network of the node", timeout=DEADLINE_MS)


def test_a_wrong_capability_is_named_at_once(console: Console) -> None:
    dialog = debug_form(console, "shop", "cart-0")
    dialog.get_by_text("Advanced").click()
    dialog.get_by_label("Further capabilities").fill("NET_ADMN")
    expect(dialog.get_by_text("did you mean NET_ADMIN?").first).to_be_visible()
    expect(open_button(dialog)).to_have_attribute("aria-disabled", "true")
    dialog.get_by_label("Further capabilities").fill("net_admin")
    expect(outcome(dialog)).to_contain_text("NET_ADMIN can change the network of the pod", timeout=DEADLINE_MS)


def test_a_form_that_finds_the_agent_away_goes_on_when_it_is_back(console: Console, podshell: Podshell) -> None:
    agent = podshell.agents["demo-west"]
    agent.stop(signal.SIGKILL)
    try:
        console.go("/open?kind=node&cluster=demo-west&node=worker-1")
        dialog = form(console, "Shell on the node worker-1")
        expect(outcome(dialog)).to_contain_text("No agent of the cluster demo-west is connected", timeout=DEADLINE_MS)
        expect(open_button(dialog)).to_be_disabled()
    finally:
        agent.start()
    expect(outcome(dialog)).to_contain_text("A pod on the node", timeout=DEADLINE_MS)
    expect(open_button(dialog)).to_be_enabled()


# What stood in place of the terminal, each time that it changed.
WATCH_PROGRESS = """() => {
  window.progressSeen = [];
  new MutationObserver(() => {
    const text = document.querySelector(".terminal-progress")?.innerText;
    if (text && text !== window.progressSeen.at(-1)) window.progressSeen.push(text);
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


def test_an_image_that_cannot_be_pulled_says_so_and_leads_back_to_the_form(console: Console) -> None:
    dialog = node_form(console)
    dialog.get_by_text("Advanced").click()
    dialog.get_by_label("Image", exact=True).fill("nowhere.example/nothing:9")
    expect(outcome(dialog)).to_contain_text("nowhere.example/nothing:9", timeout=DEADLINE_MS)
    console.page.evaluate(WATCH_PROGRESS)
    open_button(dialog).click()
    said = console.page.locator(".outcome")
    expect(said).to_contain_text("The shell could not be opened", timeout=DEADLINE_MS)
    # Each step was seen while it lasted, with a way out.
    first, *later = console.page.evaluate("() => window.progressSeen")
    assert re.search(r"Opening a shell in node/worker-1\s+Connecting\s+Cancel", first)
    assert any(re.search("Starting the shell|could not be pulled", each) for each in later), later
    assert all(each.rstrip().endswith("Cancel") for each in later), later
    expect(said).to_contain_text("nowhere.example/nothing:9")
    expect(said).to_contain_text("What you can do")
    expect(said).to_contain_text("Last events")
    said.get_by_role("button", name="Change the options").click()
    again = form(console, "Shell on the node worker-1")
    expect(again.get_by_label("Image", exact=True)).to_have_value("nowhere.example/nothing:9")


@pytest.mark.parametrize(
    ("address", "name", "value"),
    [
        ("/nodes/demo-east/worker-1", "^Node Shell on", "--ceiling-node-shell"),
        ("/pods/demo-east/shop/cart-0", "^Debug", "--ceiling-pod-debug"),
    ],
)
def test_where_the_ceiling_is_off_the_action_stays_and_says_how_to_allow_it(console: Console, address: str, name: str, value: str) -> None:
    console.go(address)
    button = console.page.get_by_role("complementary").get_by_role("button", name=re.compile(name))
    expect(button).to_have_attribute("aria-disabled", "true", timeout=DEADLINE_MS)
    said = f"{button.get_attribute('aria-label') or ''} {console.page.get_by_role('complementary').inner_text()}"
    assert value in said
    assert "--allow" in said
