"""What a cluster says is text: hostile strings in every field of what the live socket brings make no element, attribute or link."""

from __future__ import annotations

import re
from collections.abc import Mapping

from console import DEADLINE_MS, POLL_MS, Console
from hostile_page import STRINGS, Poisoner, Watch
from playwright.sync_api import expect

LIVE = re.compile("/ws/live")


def test_hostile_strings_stay_text_in_lists_drawers_logs_and_dialogs(console: Console) -> None:
    assert len(STRINGS) >= 60
    page = console.page
    poisoner = Poisoner()
    watch = Watch(page)
    page.route_web_socket(LIVE, poisoner)
    console.go("/pods")
    page.get_by_role("rowheader").nth(5).wait_for(timeout=DEADLINE_MS)
    page.mouse.move(400, 500)
    page.mouse.wheel(0, 2000)
    for name in page.get_by_role("rowheader").all()[:8]:
        name.hover()
    page.get_by_role("button", name=re.compile("^Actions for")).nth(3).click()
    page.keyboard.press("Escape")
    for tab in ("details", "logs", "events", "timeline"):
        console.go(f"/pods/demo-east/shop/cart-0?tab={tab}")
        panel = page.get_by_role("tabpanel")
        panel.wait_for(timeout=DEADLINE_MS)
        if tab == "details":
            expect(panel).to_contain_text("<script>", timeout=DEADLINE_MS)
            for summary in panel.locator("summary").all():
                summary.click()
        if tab == "logs":
            expect(page.get_by_role("log")).to_contain_text("<script>", timeout=DEADLINE_MS)
            page.get_by_label("Search in the log").fill("hostile")
            page.get_by_label("Wrap lines").check()
    page.get_by_role("button", name="Describe").click()
    expect(page.get_by_role("dialog").get_by_role("heading", name=re.compile("^Description of"))).to_be_visible(timeout=DEADLINE_MS)
    watch.nothing_was_made()
    for address in ("/services", "/nodes", "/clusters", "/sessions"):
        console.go(address)
        page.get_by_role("heading", level=1).wait_for(timeout=DEADLINE_MS)
    assert set(STRINGS) <= poisoner.used
    watch.nothing_was_made()


# Any of them: which come next depends on how many messages came before.
SHOWS_ONE = "(strings) => strings.some((one) => document.querySelector('main [role=tabpanel]')?.textContent.includes(one))"


def names(row: Mapping[str, object]) -> set[str]:
    """What pages of nodes and services ask for things by, and what ties pods to them."""
    named = {"cluster", "kind", "name", "namespace", "node", "owner_uid"}
    return named if "containers" in row or "images" in row or "kernel" in row or "kubernetes_version" in row else set()


def test_hostile_strings_stay_text_of_nodes_services_sessions_and_clusters(console: Console) -> None:
    page = console.page
    console.go()
    console.open_shell("cart-0", "exporter")
    poisoner, watch = Poisoner(names), Watch(page)
    page.route_web_socket(LIVE, poisoner)
    visits = {
        "/nodes/demo-east/worker-2": ("Details", "Events", "Pods"),  # labels, taints, conditions
        "/services/demo-east/shop/Deployment/storefront": ("Events", "Pods", "Nodes", "Info"),
        "/services?cluster=demo-east&view=list": (),
        "/sessions": (),  # target, user, reason
        "/clusters": (),  # label
    }
    for address, tabs in visits.items():
        console.go(address)
        expect(page.get_by_role("main")).to_contain_text("podshell-hostile", timeout=DEADLINE_MS)
        for tab in tabs:
            page.get_by_role("main").get_by_role("tab", name=re.compile(f"^{tab}")).click(timeout=DEADLINE_MS)
            page.wait_for_function(SHOWS_ONE, arg=STRINGS, polling=POLL_MS, timeout=DEADLINE_MS)
    page.keyboard.press("Control+Shift+K")
    palette = page.get_by_role("dialog")
    palette.get_by_role("combobox").fill("hostile", timeout=DEADLINE_MS)
    expect(palette.get_by_role("option").first).to_be_visible(timeout=DEADLINE_MS)
    assert set(STRINGS) <= poisoner.used
    watch.nothing_was_made()


def test_the_choice_of_a_container_and_its_refusal_are_text(console: Console) -> None:
    page = console.page
    poisoner, watch = Poisoner(lambda row: {"name", "namespace", "shell_refusal"} if "containers" in row else set()), Watch(page)
    page.route_web_socket(LIVE, poisoner)
    console.go()
    for pod in ("search", "checkout", "cart-0"):
        console.shell_button(pod).click(timeout=DEADLINE_MS)
        dialog = page.get_by_role("dialog", name=re.compile("^Choose a container"))
        options = dialog.get_by_role("option")
        expect(options.nth(1)).to_be_visible(timeout=DEADLINE_MS)
        for each in options.all():
            each.hover()
        options.first.click()
        refusal = page.locator(".problem")
        expect(refusal).to_be_visible(timeout=DEADLINE_MS)
        refusal.get_by_role("button", name="Close").click()
        expect(refusal).to_have_count(0)
        page.get_by_role("button", name=re.compile(f"^Actions for {pod}")).first.click()
        page.get_by_role("menuitem", name="Pod Exec").hover()
        expect(page.get_by_role("menu", name="Pod Exec").get_by_role("menuitem").nth(1)).to_be_visible(timeout=DEADLINE_MS)
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    watch.nothing_was_made()
