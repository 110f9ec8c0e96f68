"""Open again, duplicate and copy as command for shells of tools containers: the same kind with the same choices, or the form with them."""

from __future__ import annotations

import json
import re
import shlex
import subprocess

from console import DEADLINE_MS, PROMPT, Console
from playwright.sync_api import Locator, expect
from podshell_parts import PODSHELL, Podshell


def tab(console: Console, name: str) -> Locator:
    return console.page.get_by_role("tab", name=re.compile(f"^{name}"))


def choose(console: Console, item: str) -> None:
    console.page.get_by_role("button", name="More about this shell").click()
    console.page.get_by_role("menuitem", name=item).click()


def copied(console: Console, item: str, start: str) -> list[str]:
    """The words of the command that the menu's item puts into the clipboard."""
    choose(console, item)
    console.page.wait_for_function(
        "(start) => navigator.clipboard.readText().then(text => text.startsWith(start))", arg=start, timeout=DEADLINE_MS
    )
    return shlex.split(str(console.page.evaluate("navigator.clipboard.readText()")))


def open_tools_shell(console: Console, query: str, profile: str) -> None:
    console.go(f"/open?cluster=demo-west&{query}")
    console.page.get_by_role("radio", name=profile).check(timeout=DEADLINE_MS)
    console.page.get_by_label("Reason").fill("lost packets")
    console.page.get_by_role("button", name="Open the shell").click()
    console.wait_for(PROMPT)


def asked_for(console: Console, at: int) -> dict[str, object]:
    """What the page asked the gateway for when it opened its shell number `at`."""
    session = console.sockets[at].session
    facts = console.page.evaluate("(id) => fetch(`/api/sessions/${id}`).then((answer) => answer.json())", session)
    return {key: facts[key] for key in ("kind", "cluster", "node", "reason", "debug")}


def test_a_node_shell_is_opened_again_duplicated_and_copied_with_its_choices(console: Console) -> None:
    open_tools_shell(console, "kind=node&node=worker-1", "Network")
    command = copied(console, "Copy as kubectl command", "kubectl shell ")
    dry = [PODSHELL, "shell", *command[2:], "--image", "tools:1", "--dry-run", "--output", "json"]
    pod = json.loads(subprocess.run(dry, capture_output=True, check=True).stdout)
    assert pod["spec"]["nodeName"] == "worker-1"
    assert pod["spec"]["containers"][0]["securityContext"]["capabilities"]["add"] == ["NET_ADMIN", "NET_RAW"]
    command = copied(console, "Copy as podshell command", "podshell shell ")
    choices = ["--gateway", "--cluster", "demo-west", "node/worker-1", "--profile", "net", "--reason"]
    assert command == ["podshell", "shell", *choices, "lost packets"]

    console.type("exit 3\n")
    console.expect_alert("Exit code 3")
    console.page.get_by_role("button", name="Open again").click()
    expect(console.page.locator(".outcome")).to_have_count(0, timeout=DEADLINE_MS)
    console.wait_for(PROMPT)
    assert tab(console, "node.worker-1").count() == 1, "it has the place of the ended one"
    console.run("echo again$((1+1))", "\nagain2\n")
    first = asked_for(console, 0)
    assert first["debug"] == {"profile": "net"}
    assert asked_for(console, -1) == first

    console.page.keyboard.press("Control+Shift+D")
    expect(tab(console, "node.worker-1 2,")).to_have_attribute("aria-selected", "true", timeout=DEADLINE_MS)
    console.wait_for(PROMPT)
    assert asked_for(console, -1) == first
    for _ in range(2):
        console.page.keyboard.press("Control+Shift+X")
    expect(tab(console, "node.worker-1")).to_have_count(0)


def test_a_shell_whose_pod_is_gone_is_asked_for_again_in_the_form_with_its_choices(console: Console, podshell: Podshell) -> None:
    console.go("/pods?cluster=demo-west&namespace=shop&q=storefront")
    pod = console.pod("storefront").get_by_role("rowheader").inner_text(timeout=DEADLINE_MS).strip()
    open_tools_shell(console, f"kind=debug&namespace=shop&pod={pod}", "Restricted")
    podshell.delete_pod("demo-west", "shop", pod)
    console.expect_alert("The container is gone")
    console.page.get_by_role("button", name="Open again").click()
    dialog = console.page.get_by_role("dialog", name=f"Debug container in {pod}")
    expect(dialog).to_contain_text("This would be refused", timeout=DEADLINE_MS)
    expect(dialog).to_contain_text(pod)
    expect(dialog.get_by_role("radio", name="Restricted")).to_be_checked()
    expect(dialog.get_by_label("Reason")).to_have_value("lost packets")
    console.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(console.page.get_by_role("button", name="Open again")).to_be_focused()
