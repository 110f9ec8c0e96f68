"""Take the pictures of the console that the documentation shows: `python tests/browser/pictures.py`.

Runs Podshell with its sandbox, brings the console into each state by real faults, and writes docs/images/console-*.png, made small by
pngquant where there is one. Look at each before you commit it.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from browser_parts import CHROMIUM_FLAGS
from console import DEADLINE_MS, Console
from picture_states import STATES, whole_agent
from playwright.sync_api import Browser, Page, StorageState, ViewportSize, sync_playwright
from podshell_parts import Podshell

IMAGES = Path(__file__).resolve().parent.parent.parent / "docs" / "images"
SIZES: dict[str, ViewportSize] = {"1440": {"width": 1440, "height": 900}, "390": {"width": 390, "height": 844}}
DEMO = "clear; uname -sm; ls -la --color=always / | head -12; echo ready"


def main(wanted: list[str]) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        podshell = Podshell(Path(folder))
        podshell.start()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        try:
            state = sign_in(browser, podshell)
            for name, (picture, sizes, schemes) in PICTURES.items():
                for size in sizes:
                    for scheme in schemes:
                        if not wanted or name in wanted:
                            take(browser, podshell, state, picture, name, size, scheme)
        finally:
            browser.close()
            podshell.stop()


def sign_in(browser: Browser, podshell: Podshell) -> StorageState:
    context = browser.new_context()
    page = context.new_page()
    page.goto(podshell.link())
    page.get_by_role("heading", name="Pods").wait_for(timeout=DEADLINE_MS)
    console = Console(page, podshell.url)
    console.mark_cluster("demo-east", "Staging", "teal")
    console.mark_cluster("demo-west", "Production", "red")
    state = context.storage_state()
    context.close()
    return state


def take(
    browser: Browser,
    podshell: Podshell,
    state: StorageState,
    picture: Callable[[Console, Podshell], None],
    name: str,
    size: str,
    scheme: str,
) -> None:
    context = browser.new_context(storage_state=state, viewport=SIZES[size], color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    file = IMAGES / f"console-{name}-{size}-{scheme}.png"
    picture(Console(page, podshell.url), podshell)
    settle(page)
    page.screenshot(path=file)
    context.close()
    if name in AFTERWARDS:
        AFTERWARDS[name](podshell)
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--skip-if-larger", "--ext", ".png", "128", str(file)], check=False)


def settle(page: Page) -> None:
    """Let transitions end: a picture in the middle of one shows nobody anything."""
    page.evaluate("() => document.fonts.ready")
    page.wait_for_timeout(400)


def pods(console: Console, podshell: Podshell) -> None:
    console.go("/pods")
    console.page.get_by_role("rowheader").nth(12).wait_for(timeout=DEADLINE_MS)


def clusters(console: Console, podshell: Podshell) -> None:
    console.go("/clusters")
    console.page.get_by_role("article").nth(1).wait_for(timeout=DEADLINE_MS)


def add_cluster(console: Console, podshell: Podshell) -> None:
    clusters(console, podshell)
    console.page.get_by_role("button", name="Add a cluster").click()
    console.page.get_by_role("textbox", name="Name").fill("team-a/staging")
    console.page.get_by_role("button", name="Make a token").wait_for()


def cluster_offline(console: Console, podshell: Podshell) -> None:
    clusters(console, podshell)
    podshell.agents["demo-west"].stop(signal.SIGKILL)
    console.page.get_by_text("No agent of this cluster is connected").wait_for(timeout=DEADLINE_MS)


def production(console: Console, podshell: Podshell) -> None:
    console.go("/pods?cluster=demo-west")
    console.page.get_by_role("rowheader").nth(8).wait_for(timeout=DEADLINE_MS)


def services(console: Console, podshell: Podshell) -> None:
    console.go("/services")
    console.page.locator(".service-card").nth(12).wait_for(timeout=DEADLINE_MS)


def services_list(console: Console, podshell: Podshell) -> None:
    console.go("/services?view=list&sort=-health")
    console.page.get_by_role("rowheader").nth(12).wait_for(timeout=DEADLINE_MS)


def service(console: Console, address: str) -> None:
    console.go(f"/services/demo-east/{address}")
    console.page.get_by_role("tabpanel").wait_for(timeout=DEADLINE_MS)


def service_events(console: Console, podshell: Podshell) -> None:
    service(console, "payments/Deployment/fraud-check")
    console.page.locator(".timeline-warning").first.wait_for(timeout=DEADLINE_MS)


def service_pods(console: Console, podshell: Podshell) -> None:
    service(console, "shop/Deployment/storefront?tab=pods")
    console.page.get_by_role("rowheader").nth(1).wait_for(timeout=DEADLINE_MS)


def service_info(console: Console, podshell: Podshell) -> None:
    service(console, "shop/Deployment/search?tab=info")


def service_broken(console: Console, podshell: Podshell) -> None:
    service(console, "reports/Deployment/recommender?tab=pods")
    console.page.get_by_text("No shell can be opened in it now").wait_for(timeout=DEADLINE_MS)


def nodes(console: Console, podshell: Podshell) -> None:
    console.go("/nodes")
    console.page.get_by_role("rowheader").nth(5).wait_for(timeout=DEADLINE_MS)


def node(console: Console, podshell: Podshell) -> None:
    console.go("/nodes/demo-east/worker-1")
    console.page.locator(".conditions li").first.wait_for(timeout=DEADLINE_MS)


def palette(console: Console, podshell: Podshell) -> None:
    console.go("/pods")
    console.page.get_by_role("rowheader").nth(12).wait_for(timeout=DEADLINE_MS)
    console.page.keyboard.press("Control+k")
    console.page.get_by_role("combobox", name="Find a pod").fill("cart")
    console.page.get_by_role("option").nth(3).wait_for(timeout=DEADLINE_MS)


def shortcuts(console: Console, podshell: Podshell) -> None:
    console.go("/clusters")
    console.page.get_by_role("article").nth(1).wait_for(timeout=DEADLINE_MS)
    console.page.keyboard.press("?")
    console.page.get_by_role("dialog").wait_for(timeout=DEADLINE_MS)


def open_link(console: Console, podshell: Podshell) -> None:
    console.go("/open?cluster=demo-west&namespace=shop&pod=cart-0&container=cart")
    console.page.get_by_role("button", name="Open the shell").wait_for(timeout=DEADLINE_MS)


def open_link_refused(console: Console, podshell: Podshell) -> None:
    console.go("/open?cluster=demo-east&namespace=reports&pod=forecast")
    console.page.get_by_role("heading", name="No shell can be opened there now").wait_for(timeout=DEADLINE_MS)


def gateway_lost(console: Console, podshell: Podshell) -> None:
    services_list(console, podshell)
    podshell.gateway.stop()
    console.page.locator(".offline-banner").wait_for(timeout=DEADLINE_MS)


def restart_gateway(podshell: Podshell) -> None:
    podshell.start_gateway()


def restart_agent(podshell: Podshell) -> None:
    podshell.agents["demo-west"].start()


def containers(console: Console, podshell: Podshell) -> None:
    console.go()
    console.shell_button("search").click(timeout=DEADLINE_MS)
    console.page.get_by_role("option").first.wait_for()


def terminal(console: Console, podshell: Podshell) -> None:
    console.go()
    console.open_shell("storefront")
    console.open_shell("cart-0", "cart")
    console.run(DEMO, "\nready\n")


def minimised(console: Console, podshell: Podshell) -> None:
    terminal(console, podshell)
    console.open_shell("cart-0", "exporter")
    console.type("sleep 1; echo finished\n")
    for _ in range(3):
        console.page.keyboard.press("Control+Shift+M")
    console.page.get_by_role("button", name="Running shells [3]").click()
    console.page.get_by_role("button", name=re.compile("^Restore .*new output")).wait_for(timeout=DEADLINE_MS)


def split(console: Console, podshell: Podshell) -> None:
    terminal(console, podshell)
    console.page.get_by_role("button", name="Split").click()
    console.page.get_by_role("menuitem", name=re.compile("^Show storefront.*beside")).click()
    console.page.get_by_role("tabpanel").nth(1).wait_for()
    console.page.keyboard.press("Control+Shift+Enter")


def at_the_right(console: Console, podshell: Podshell) -> None:
    console.go("/pods?cluster=demo-west")
    console.open_shell("cart-0", "cart")
    console.run(DEMO, "\nready\n")
    console.page.get_by_role("button", name="At the right").click()


def settings(console: Console, podshell: Podshell) -> None:
    terminal(console, podshell)
    console.page.get_by_role("button", name="More about this shell").click()
    console.page.get_by_role("menuitem", name="Terminal settings").click()
    console.page.get_by_role("dialog").wait_for()


def ended(console: Console, podshell: Podshell) -> None:
    console.go()
    console.open_shell("storefront")
    console.type("(setsid sleep 100 >/dev/null 2>&1 &) ; exit 7\n")
    console.expect_alert("Exit code 7")


def reconnecting(console: Console, podshell: Podshell) -> None:
    console.go("/pods?cluster=demo-west")
    console.open_shell("storefront")
    console.run("echo before", "\nbefore\n")
    podshell.agents["demo-west"].stop(signal.SIGKILL)
    console.expect_alert("agent is offline")


def restarted(console: Console, podshell: Podshell) -> None:
    reconnecting(console, podshell)
    podshell.agents["demo-west"].start()
    console.expect_alert("in-session state was lost")


def idle(console: Console, podshell: Podshell) -> None:
    podshell.gateway.stop()
    podshell.start_gateway("--idle-timeout-seconds", "20")
    console.go()
    console.open_shell("storefront")
    console.expect_alert("this session closes in")


def refused(console: Console, podshell: Podshell) -> None:
    console.go()
    console.shell_button("gateway").click(timeout=DEADLINE_MS)
    console.page.locator(".outcome").wait_for(timeout=DEADLINE_MS)


def debug_node(console: Console, podshell: Podshell) -> None:
    console.go("/open?kind=node&cluster=demo-west&node=worker-1")
    console.page.get_by_role("radio", name="Host files").check(timeout=DEADLINE_MS)
    console.page.locator(".debug-danger").first.wait_for(timeout=DEADLINE_MS)


def debug_pod(console: Console, podshell: Podshell) -> None:
    console.go("/open?kind=debug&cluster=demo-west&namespace=shop&pod=cart-0")
    console.page.get_by_label("Share the processes of").select_option("cart", timeout=DEADLINE_MS)
    console.page.get_by_text("it shares the processes of cart").wait_for(timeout=DEADLINE_MS)


def debug_refused(console: Console, podshell: Podshell) -> None:
    console.go("/open?kind=node&cluster=demo-west&node=worker-1")
    console.page.get_by_role("radio", name="Tracing").check(timeout=DEADLINE_MS)
    console.page.get_by_text("This would be refused").wait_for(timeout=DEADLINE_MS)


def ask_for_missing_image(console: Console) -> None:
    console.go("/open?kind=node&cluster=demo-west&node=worker-1")
    console.page.get_by_text("Advanced").click(timeout=DEADLINE_MS)
    console.page.get_by_label("Image", exact=True).fill("nowhere.example/nothing:9")
    console.page.get_by_role("button", name="Open the shell").click(timeout=DEADLINE_MS)


def debug_failed(console: Console, podshell: Podshell) -> None:
    ask_for_missing_image(console)
    console.page.locator(".outcome").wait_for(timeout=DEADLINE_MS)


def sessions(console: Console, podshell: Podshell) -> None:
    terminal(console, podshell)
    for _ in range(2):
        console.page.get_by_role("button", name="Minimise", exact=True).click()
    console.page.get_by_role("link", name="Sessions").click()
    console.page.get_by_role("button", name=re.compile("^(Resume|Show) the session in")).first.wait_for(timeout=DEADLINE_MS)


def signin(console: Console, podshell: Podshell) -> None:
    console.page.context.clear_cookies()
    console.page.goto(f"{podshell.url}/#signin=used-already")
    console.page.get_by_role("heading", name="no longer works").wait_for(timeout=DEADLINE_MS)


BOTH = ("light", "dark")
WIDTHS = ("1440", "390")
PICTURES: dict[str, tuple[Callable[[Console, Podshell], None], tuple[str, ...], tuple[str, ...]]] = {
    "clusters": (clusters, WIDTHS, BOTH),
    "cluster-add": (add_cluster, ("1440",), ("light",)),
    "cluster-offline": (cluster_offline, ("1440",), ("light",)),
    "production": (production, WIDTHS, BOTH),
    "services": (services, WIDTHS, BOTH),
    "services-list": (services_list, WIDTHS, BOTH),
    "service-events": (service_events, WIDTHS, BOTH),
    "service-pods": (service_pods, WIDTHS, ("light",)),
    "service-info": (service_info, ("1440",), ("light",)),
    "service-broken": (service_broken, WIDTHS, BOTH),
    "nodes": (nodes, WIDTHS, BOTH),
    "node": (node, WIDTHS, BOTH),
    "palette": (palette, WIDTHS, BOTH),
    "shortcuts": (shortcuts, ("1440",), ("light",)),
    "open": (open_link, WIDTHS, ("light",)),
    "open-refused": (open_link_refused, ("1440",), ("dark",)),
    "gateway-lost": (gateway_lost, ("1440",), ("light",)),
    "debug-node": (debug_node, WIDTHS, BOTH),
    "debug-pod": (debug_pod, WIDTHS, BOTH),
    "debug-refused": (debug_refused, ("1440",), ("light",)),
    "debug-failed": (debug_failed, WIDTHS, BOTH),
    "sessions": (sessions, ("1440", "390"), ("light",)),
    "pods": (pods, ("1440", "390"), BOTH),
    "terminal": (terminal, ("1440", "390"), BOTH),
    "minimised": (minimised, WIDTHS, BOTH),
    "split": (split, ("1440",), BOTH),
    "right": (at_the_right, ("1440",), ("dark",)),
    "settings": (settings, WIDTHS, ("light",)),
    "containers": (containers, ("1440", "390"), ("light",)),
    "ended": (ended, WIDTHS, BOTH),
    "refused": (refused, WIDTHS, BOTH),
    "restarted": (restarted, WIDTHS, BOTH),
    "reconnecting": (reconnecting, WIDTHS, BOTH),
    **{name: (picture, WIDTHS, BOTH) for name, picture in STATES.items()},
    "signin": (signin, ("1440", "390"), ("light",)),
    # last: it leaves the gateway with a short idle time
    "idle": (idle, ("1440",), ("dark",)),
}
# What was broken for a picture and must be whole for the next.
AFTERWARDS: dict[str, Callable[[Podshell], None]] = {
    "gateway-lost": restart_gateway,
    "cluster-offline": restart_agent,
    "reconnecting": restart_agent,
    "ceiling": whole_agent,
}


if __name__ == "__main__":
    main(sys.argv[1:])
