"""Pictures of what lies over a page, and of what a shell can come to: each brought about as it is for a user (pictures.py takes them)."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

from console import DEADLINE_MS, Console
from playwright.sync_api import expect
from podshell_parts import Podshell


def drawer(console: Console, podshell: Podshell) -> None:
    console.go("/pods?cluster=demo-east&q=checkout")
    console.pod("checkout").get_by_role("link").click(timeout=DEADLINE_MS)
    console.page.get_by_role("tabpanel").get_by_role("article").first.wait_for(timeout=DEADLINE_MS)


def _drawer_tab(console: Console, pod: str, tab: str) -> None:
    console.go("/pods?cluster=demo-east")
    console.pod(pod).get_by_role("link").click(timeout=DEADLINE_MS)
    console.page.get_by_role("tab", name=re.compile(f"^{tab}")).click(timeout=DEADLINE_MS)


def logs(console: Console, podshell: Podshell) -> None:
    _drawer_tab(console, "storefront", "Logs")
    expect(console.page.get_by_role("log")).to_contain_text("GET", timeout=DEADLINE_MS)


def events(console: Console, podshell: Podshell) -> None:
    _drawer_tab(console, "fraud-check", "Events")
    expect(console.page.get_by_role("tabpanel")).to_contain_text("BackOff", timeout=DEADLINE_MS)


def describe(console: Console, podshell: Podshell) -> None:
    drawer(console, podshell)
    console.page.get_by_role("button", name="Describe").click()
    console.page.get_by_role("dialog").get_by_role("heading", name=re.compile("^Description of")).wait_for(timeout=DEADLINE_MS)


def menu(console: Console, podshell: Podshell) -> None:
    console.go("/pods?cluster=demo-east&namespace=payments")
    console.pod("ledger").get_by_role("button", name=re.compile("^Actions for")).click(timeout=DEADLINE_MS)
    console.page.get_by_role("menuitem", name="Delete").wait_for(timeout=DEADLINE_MS)


def delete(console: Console, podshell: Podshell) -> None:
    menu(console, podshell)
    console.page.get_by_role("menuitem", name="Delete").click()
    expect(console.page.get_by_role("dialog")).to_contain_text("makes another pod", timeout=DEADLINE_MS)


def find(console: Console, podshell: Podshell) -> None:
    console.go()
    console.open_shell("cart-0", "cart")
    console.run('clear; for i in $(seq 12); do echo "line $i of twelve"; done', "line 12 of twelve\n")
    console.page.keyboard.press("Control+Shift+F")
    console.page.keyboard.type("line 1")
    expect(console.page.get_by_role("search", name="Find in the output")).to_contain_text("of", timeout=DEADLINE_MS)


def paste(console: Console, podshell: Podshell) -> None:
    console.go()
    console.open_shell("storefront")
    console.paste("cd /srv\nrm -rf cache\nls\n")
    expect(console.page.get_by_role("dialog")).to_contain_text("rm -rf cache", timeout=DEADLINE_MS)


def broadcast(console: Console, podshell: Podshell) -> None:
    console.go()
    console.open_shell("cart-0", "cart")
    console.open_shell("cart-0", "exporter")
    console.page.get_by_role("button", name="More about this shell").click()
    console.page.get_by_role("menuitem", name="Broadcast input").click()
    dialog = console.page.get_by_role("dialog")
    for shell in ("cart", "exporter"):
        dialog.get_by_label(re.compile(f"^cart-0.{shell}")).check()
    dialog.get_by_role("button", name="Broadcast to 2 shells").click()
    expect(console.page.get_by_text("Input is broadcast to 2 shells")).to_be_visible(timeout=DEADLINE_MS)
    console.run("hostname", "cart-0\n")


def pod_deleted(console: Console, podshell: Podshell) -> None:
    console.go()
    console.open_shell("storefront")
    pod = console.page.get_by_role("tab").inner_text().split("/")[0].strip()
    podshell.delete_pod("demo-east", "shop", pod)
    console.expect_alert("The container is gone")


def earlier_missing(console: Console, podshell: Podshell) -> None:
    console.go()
    console.open_shell("cart-0", "cart")
    console.run("seq 500000; echo do''ne", "\ndone\n")
    console.page.add_init_script("sessionStorage.clear()")  # what a browser tab knows that has never shown it
    console.go(f"/sessions/{console.sockets[-1].session}")
    console.expect_alert("Earlier output is not available")


def ceiling(console: Console, podshell: Podshell) -> None:
    console.go("/pods?cluster=demo-west")
    console.open_shell("storefront")
    agent = podshell.agents["demo-west"]
    agent.stop(signal.SIGKILL)
    agent.start("--no-ceiling-pod-exec")
    expect(console.page.locator(".outcome")).to_contain_text("the cluster's owner", timeout=DEADLINE_MS)


def whole_agent(podshell: Podshell) -> None:
    """After `ceiling`: the agent allows shells again."""
    podshell.agents["demo-west"].stop()
    podshell.agents["demo-west"].start()


STATES: dict[str, Callable[[Console, Podshell], None]] = {
    "drawer": drawer, "logs": logs, "events": events, "describe": describe, "menu": menu, "delete": delete, "find": find, "paste": paste,
    "broadcast": broadcast, "pod-deleted": pod_deleted, "earlier-missing": earlier_missing, "ceiling": ceiling,
}  # fmt: skip
