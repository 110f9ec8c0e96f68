"""Terminals are drawn by WebGL where a browser has it, and go on when it is taken away; the cursor then blinks at next to no cost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser_parts import CHROMIUM_FLAGS, chromium_path
from console import DEADLINE_MS, POLL_MS, SCREEN, Console
from playwright.sync_api import Playwright, StorageState
from podshell_parts import Podshell

# The colours that the cursor has, one after the other, while nothing has the browser draw frames for it.
CURSOR_COLOURS = f"""async () => {{
  const seen = new Set(), host = document.querySelector(".terminal-host"), end = performance.now() + {DEADLINE_MS};
  while (seen.size < 2 && performance.now() < end) {{
    const still = host.getAnimations({{subtree: true}}).every((one) => one.playState === "paused");
    if (still) seen.add(getComputedStyle(host.querySelector(".xterm-cursor")).backgroundColor);
    await new Promise((done) => setTimeout(done, 50));
  }}
  return seen.size;
}}"""


@pytest.fixture
def console(driver: Playwright, podshell: Podshell, signed_in: StorageState) -> Iterator[Console]:
    """In a Chromium that draws WebGL in software."""
    browser = driver.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
    context = browser.new_context(storage_state=signed_in, viewport={"width": 1440, "height": 900})
    yield Console(context.new_page(), podshell.url)
    browser.close()


def test_a_terminal_that_loses_its_webgl_goes_on_with_every_byte(console: Console) -> None:
    console.go()
    console.open_shell("cart-0", "cart")
    assert console.page.evaluate(f"() => {SCREEN}.renderer") == "webgl"
    console.run("for i in $(seq 200); do printf '\\033[3%dmline %d\\033[0m\\n' $((i%8)) $i; done", "line 200\n")
    lost = console.page.evaluate(
        """() => [...document.querySelectorAll(".terminal-host canvas")]
          .map((canvas) => canvas.getContext("webgl2")?.getExtension("WEBGL_lose_context"))
          .filter((way) => way)
          .map((way) => way.loseContext()).length"""
    )
    assert lost > 0
    console.page.wait_for_function(f"() => {SCREEN}.renderer === 'dom'", polling=POLL_MS, timeout=DEADLINE_MS)
    console.run("echo drawn-$((6*7))", "\ndrawn-42\n")
    assert "drawn-42" in console.page.locator(".terminal-host .xterm-rows").inner_text(timeout=DEADLINE_MS)
    console.expect_equal_to_headless()
    assert console.page.evaluate(CURSOR_COLOURS) == 2, "the cursor blinks"
