"""Every state that a terminal can be in, each brought about by a real fault outside the page."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from console import DEADLINE_MS, Console
from picture_states import pod_deleted
from playwright.sync_api import Browser, StorageState, expect
from podshell_parts import Podshell

sys.path.insert(0, str(Path(__file__).parents[1]))
from faults import CuttingProxy


class ProxyThread:
    """A CuttingProxy in a loop of its own: Playwright's has none to lend."""

    def __init__(self) -> None:
        self.proxy = CuttingProxy(0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.proxy.start(), self._loop).result(10)

    def call(self, name: str) -> None:
        """cut, freeze or thaw."""

        async def act() -> None:
            getattr(self.proxy, name)()

        asyncio.run_coroutine_threadsafe(act(), self._loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.proxy.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture(scope="module")
def proxy(podshell: Podshell) -> Iterator[ProxyThread]:
    """A way to the gateway that can be cut."""
    way = ProxyThread()
    way.proxy.target_port = int(podshell.url.rsplit(":", 1)[1])
    podshell.gateway.stop()
    podshell.start_gateway("--allowed-origins", f"{podshell.url},http://127.0.0.1:{way.proxy.port}")
    yield way
    way.stop()
    podshell.gateway.stop()
    podshell.start_gateway()


@pytest.fixture
def far(proxy: ProxyThread, chromium: Browser, signed_in: StorageState) -> Iterator[Console]:
    """A console that reaches the gateway through the proxy."""
    context = chromium.new_context(storage_state=signed_in, viewport={"width": 1440, "height": 900})
    yield Console(context.new_page(), f"http://127.0.0.1:{proxy.proxy.port}")
    proxy.call("thaw")
    context.close()


def test_a_cut_socket_is_opened_again_and_says_so_meanwhile(far: Console, proxy: ProxyThread) -> None:
    far.go()
    far.open_shell("cart-0", "cart")
    port, proxy.proxy.target_port = proxy.proxy.target_port, 1
    proxy.call("cut")
    bar = far.page.locator(".bar-warning")
    expect(bar).to_contain_text(re.compile(r"attempt \d+ in \d+ s"), timeout=DEADLINE_MS)
    expect(bar.get_by_role("button", name="Now")).to_be_visible()
    expect(far.page.get_by_role("tab", name=re.compile("reconnecting"))).to_be_visible()
    proxy.proxy.target_port = port
    far.run("echo back$((1+1))", "\nback2\n")
    expect(bar).to_have_count(0)
    far.expect_equal_to_headless()


def test_output_that_was_not_kept_is_told_as_a_gap(far: Console, proxy: ProxyThread, console: Console) -> None:
    far.go()
    far.open_shell("cart-0", "cart")
    far.type("until [ -e /tmp/go ]; do sleep 0.1; done; seq 900000; touch /tmp/flooded; echo fl''ooded\n")
    # Minimised, it may not hold the shell back; the way is closed, and the ring overflows.
    far.page.get_by_role("button", name="Minimise").click()
    proxy.call("freeze")
    console.go()
    console.open_shell("cart-0", "cart")
    console.run("touch /tmp/go; until [ -e /tmp/flooded ]; do sleep 0.1; done; rm /tmp/go /tmp/flooded; echo se''en", "\nseen\n")
    proxy.call("thaw")
    far.page.get_by_role("button", name="Restore cart-0/cart").click()
    far.expect_alert("of output were not kept and are missing here")
    far.wait_for("\nflooded\n")
    far.page.get_by_role("button", name="Dismiss").click()
    expect(far.page.locator(".bar")).to_have_count(0)


def test_a_new_device_gets_what_is_still_there_and_is_told_that_more_was(console: Console) -> None:
    console.go()
    console.open_shell("cart-0", "cart")
    console.run("seq 500000; MARK=here; echo do''ne", "\ndone\n")
    session = console.sockets[-1].session
    other = Console(console.page.context.new_page(), console.url)
    other.go(f"/sessions/{session}")
    other.expect_alert("Earlier output is not available")
    other.run("echo $MARK$MARK", "\nherehere\n")
    assert not other.text().startswith("1\n")


def test_a_pod_that_is_deleted_takes_its_shell_along_and_says_so(console: Console, podshell: Podshell) -> None:
    pod_deleted(console, podshell)
    console.page.get_by_role("link", name="Pods of this namespace").click()
    expect(console.page).to_have_url(re.compile("namespace=shop"))


def test_a_container_without_a_shell_offers_what_has_one(console: Console) -> None:
    console.go()
    console.shell_button("gateway").click(timeout=DEADLINE_MS)
    outcome = console.page.locator(".outcome")
    expect(outcome).to_contain_text("The shell could not be opened", timeout=DEADLINE_MS)
    expect(outcome.get_by_role("button", name="Open a debug container")).to_be_visible()


def test_rights_that_are_taken_away_say_by_whom(console: Console, podshell: Podshell) -> None:
    console.go("/pods?cluster=demo-west")
    console.open_shell("storefront")
    agent = podshell.agents["demo-west"]
    agent.stop(signal.SIGKILL)
    agent.start("--no-ceiling-pod-exec")
    try:
        outcome = console.page.locator(".outcome")
        expect(outcome).to_contain_text("the cluster's owner", timeout=DEADLINE_MS)
        expect(console.page.get_by_role("tab")).to_have_attribute("aria-label", re.compile("ended|refused"))
    finally:
        agent.stop()
        agent.start()


def test_production_is_told_by_words_and_shape_too(console: Console) -> None:
    console.go("/pods?cluster=demo-west")
    console.mark_cluster("demo-west", "Production", "red")
    try:
        console.open_shell("storefront")
        expect(console.page.get_by_role("tab", name=re.compile("Production"))).to_be_visible()
        expect(console.page.get_by_role("region", name="Shells", exact=True)).to_contain_text("Production")
        stripes = "getComputedStyle(document.querySelector('.dock'), '::before').backgroundImage"
        assert "repeating-linear-gradient" in console.page.evaluate(stripes)
    finally:
        console.mark_cluster("demo-west", "", "")


def test_an_idle_shell_counts_down_on_its_tab_and_in_the_bar(console: Console, podshell: Podshell) -> None:
    podshell.gateway.stop()
    podshell.start_gateway("--idle-timeout-seconds", "16")
    try:
        console.go()
        console.open_shell("storefront")
        expect(console.page.locator(".tab-idle, .tag-idle").first).to_have_text(re.compile(r"^\d s$"), timeout=DEADLINE_MS)
        console.page.get_by_role("button", name="Minimise").click()
        row = console.page.get_by_role("region", name="Minimised shells")
        expect(row).to_contain_text(re.compile(r"\d s"))
        assert console.page.title().startswith("Closes in")
        expect(row.get_by_role("button", name=re.compile("^Restore .*ended"))).to_be_visible(timeout=DEADLINE_MS)
    finally:
        podshell.gateway.stop()
        podshell.start_gateway()


# The browser's own notifications and whether the page is seen, told by the test: a browser without a screen has neither.
NOTIFICATIONS = """
  window.notified = [];
  window.Notification = class {
    static permission = "granted";
    static async requestPermission() { return "granted"; }
    constructor(title, {body}) { window.notified.push(`${title}: ${body}`); }
    close() {}
  };
"""
HIDE = """() => {
  Object.defineProperty(document, "visibilityState", {configurable: true, get: () => "hidden"});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_page_that_is_not_seen_notifies_of_a_shell_that_is_about_to_close(console: Console, podshell: Podshell) -> None:
    podshell.gateway.stop()
    podshell.start_gateway("--idle-timeout-seconds", "16")
    page = console.page
    try:
        page.add_init_script(NOTIFICATIONS)
        console.go()
        console.open_shell("storefront")
        page.get_by_role("button", name="More about this shell").click()
        page.get_by_role("menuitem", name="Terminal settings").click()
        page.get_by_role("switch", name=re.compile("^Notify me")).check()
        page.keyboard.press("Escape")
        page.evaluate(HIDE)
        page.wait_for_function("() => window.notified.length > 0", timeout=DEADLINE_MS)
        (said,) = page.evaluate("() => window.notified")
        assert re.search(r"^Podshell: .*storefront\S+/web.*\d+ s", said), said
        assert page.title().startswith("Closes in")
    finally:
        podshell.gateway.stop()
        podshell.start_gateway()
