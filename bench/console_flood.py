"""`yes` for a minute in a terminal of the console: whether the page answers clicks, what memory it takes, how soon Ctrl-C ends it.

Ctrl-C is timed twice: by the clock of the container, which its prompt says, and by the page, which has to get through what is on its way.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import TypedDict

import psutil
from playwright.async_api import CDPSession, Page

from bench.figures import Figure, median, percentile

SECONDS = 60.0
CLICK_EVERY_SECONDS = 3.0
_MIB = 1024 * 1024
_SCREEN = "document.querySelector('.terminal-host').screen"
_LAST = f"""() => {{
  const buffer = {_SCREEN}.terminal.buffer.active;
  return buffer.getLine(buffer.baseY + buffer.cursorY).translateToString(true);
}}"""
# The prompt that says the time, in seconds with microseconds.
_PS1 = "at $EPOCHREALTIME $ "
_PROMPT = r"^at (\d+\.\d+) \$ ?$"
_AT_PROMPT = f"() => /{_PROMPT}/.test(({_LAST})())"
# Click a link of the rail, and see its page with the next frame (ms).
_CLICK = """async (name) => {
  const start = performance.now();
  [...document.querySelectorAll("nav a")].find((link) => link.innerText.startsWith(name)).click();
  while (document.querySelector("main h1")?.innerText !== name) await new Promise((resolve) => setTimeout(resolve, 0));
  await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""
# Type Ctrl-C: when the prompt says that it is back, and when it is shown (ms from the key).
_INTERRUPT = f"""async () => {{
  const last = {_LAST}; const start = Date.now();
  {_SCREEN}.terminal.input("\\x03", true);
  for (;;) {{
    const [, at] = /{_PROMPT}/.exec(last()) ?? [];
    if (at && 1000 * at >= start) return {{ container: 1000 * at - start, page: Date.now() - start }};
    if (Date.now() - start > 20000) throw new Error("no prompt");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }}
}}"""


class Interrupted(TypedDict):
    """Milliseconds from Ctrl-C to the prompt."""

    container: float
    page: float


async def flooding(page: Page, session: CDPSession) -> list[Figure]:
    """Run `yes` for a minute, click about meanwhile, and end it."""
    await _open_shell(page)
    await page.keyboard.type("seq 12000\n")  # the scrollback is full: what comes now only takes the place of that
    await page.wait_for_function(_AT_PROMPT, timeout=60_000)
    heap, memory = await _heap_bytes(session), await _page_bytes()
    await page.keyboard.type("yes\n")
    await page.wait_for_function(f"() => ({_LAST})() === 'y'", timeout=60_000)
    clicks: list[float] = []
    heaps: list[int] = []
    turns, loop = itertools.cycle(("Nodes", "Services", "Sessions", "Clusters")), asyncio.get_running_loop()
    end = loop.time() + SECONDS
    while loop.time() < end:
        clicks.append(float(await page.evaluate(_CLICK, next(turns))))
        heaps.append(await _heap_bytes(session))
        await page.wait_for_timeout(CLICK_EVERY_SECONDS * 1000)
    grown = await _page_bytes() - memory
    took: Interrupted = await page.evaluate(_INTERRUPT)
    of = "console, `yes` for 60 s"
    return [
        Figure(f"{of}: click to page, median", median(clicks), "ms", 200),
        Figure(f"{of}: click to page, p95", percentile(clicks, 0.95), "ms", 1000),
        Figure(f"{of}: JavaScript heap grows at most", (max(heaps) - heap) / _MIB, "MiB", 16),
        Figure(f"{of}: page process grows", grown / _MIB, "MiB", 100),
        Figure(f"{of}: Ctrl-C to prompt, the container's clock", took["container"], "ms", 500),
        Figure(f"{of}: Ctrl-C to prompt, as shown", took["page"], "ms", 500),
    ]


async def _open_shell(page: Page) -> None:
    """Open a shell whose prompt says the time."""
    await page.get_by_label("Search by name or label").fill("cart-0")
    await page.get_by_role("button", name=re.compile("^Pod Shell in cart-0")).click()
    await page.get_by_role("option", name=re.compile("^cart")).click()
    await page.wait_for_function(f"() => document.querySelector('.terminal-host .xterm') && /[#$] $/.test(({_LAST})())", timeout=60_000)
    await page.locator(".terminal-host textarea").focus()
    await page.keyboard.type(f"PS1='{_PS1}'\n")
    await page.wait_for_function(_AT_PROMPT, timeout=60_000)


async def _heap_bytes(session: CDPSession) -> int:
    """What JavaScript holds, once what it holds no more is gone."""
    await session.send("HeapProfiler.collectGarbage")
    return int((await session.send("Runtime.getHeapUsage"))["usedSize"])


async def _page_bytes() -> int:
    """RSS of the largest renderer among our processes: the page's."""
    sizes = [0]
    for process in psutil.Process().children(recursive=True):
        try:
            if "--type=renderer" in process.cmdline():
                sizes.append(process.memory_info().rss)
        except psutil.Error:
            continue  # it has ended
    return max(sizes)
