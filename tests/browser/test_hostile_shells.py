"""What is said beside a terminal stays beside it: notices, ends and names are text on the page, and never bytes for the terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from console import DEADLINE_MS, OUTPUT, SCREEN, Console
from hostile_page import STRINGS, Watch
from playwright.sync_api import WebSocketRoute, expect

NOTICE, END = 0x45, 0x46
# Everything that the terminal in front is given from now on, as one array of bytes.
RECORD = f"""() => {{
  const {{terminal}} = {SCREEN}; const write = terminal.write.bind(terminal); window.written = [];
  terminal.write = (data, done) => {{
    window.written.push(...(typeof data === "string" ? new TextEncoder().encode(data) : data));
    write(data, done);
  }};
}}"""
# Give the tab one name after the other, as a hand does: F2, a name, Enter. Answers the page's titles.
RENAME = """async (names) => {
  const frame = () => new Promise(requestAnimationFrame); const titles = [];
  for (const name of names) {
    document.querySelector("[role=tab]").dispatchEvent(new KeyboardEvent("keydown", {key: "F2", bubbles: true}));
    while (!document.querySelector(".tab-rename")) await frame();
    const input = document.querySelector(".tab-rename");
    input.focus(); input.value = name;
    input.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}));
    while (document.querySelector(".tab-rename")) await frame();
    await frame(); titles.push(document.title);
  }
  return titles;
}"""
# A program sets the window's title to each text, by both sequences.
ENTITLE = f"""async (titles) => {{
  for (const [at, title] of titles.entries()) {{
    await new Promise((done) => {SCREEN}.terminal.write(`\x1b]${{at % 2 ? 2 : 0}};${{title}}\x07`, done));
    await new Promise(requestAnimationFrame);
  }}
}}"""


class Said:
    """Stands on the terminal's socket: sees what output comes, and says more than the gateway does."""

    def __init__(self) -> None:
        self.output = bytearray()
        self.reset = b""
        self._route: WebSocketRoute | None = None

    def __call__(self, route: WebSocketRoute) -> None:
        self._route = route
        server = route.connect_to_server()

        def from_server(message: str | bytes) -> None:
            if isinstance(message, bytes) and message[0] == OUTPUT:
                self.output += message[9:]
            route.send(message)

        server.on_message(from_server)

    def say(self, kind: int, body: dict[str, object]) -> None:
        assert self._route is not None
        self._route.send(bytes([kind]) + json.dumps(body).encode())


@pytest.fixture
def said(console: Console) -> Iterator[Said]:
    """On the way of a shell in front, whose terminal's bytes are recorded, and on a page that is watched."""
    between, watch = Said(), Watch(console.page)
    console.page.route_web_socket(re.compile("/ws/terminal"), between)
    console.go()
    console.open_shell("cart-0", "cart")
    console.page.evaluate(RECORD)
    between.output.clear()
    # What a new shell makes the console write by itself, whatever the cause: it is told apart from what is said below.
    between.say(NOTICE, {"kind": "restarted", "data": {"cause": "agent_restarted"}})
    console.page.locator(".bars").get_by_text("in-session state was lost").wait_for(timeout=DEADLINE_MS)
    between.reset = written(console)
    console.page.evaluate("window.written = []")
    yield between
    watch.nothing_was_made()


def written(console: Console) -> bytes:
    return bytes(console.page.evaluate("window.written"))


def test_notices_are_shown_beside_the_terminal_and_not_written_into_it(console: Console, said: Said) -> None:
    bars = console.page.locator(".bars")
    for at, text in enumerate(STRINGS):
        for kind, field in (("unmanaged", "text"), ("unheld", "text"), ("target", "text"), ("progress", "text"), (text[:30], "text")):
            said.say(NOTICE, {"kind": kind, "data": {field: text, text[:60]: text}})
        said.say(NOTICE, {"kind": "restarted" if at % 2 else "restarting", "data": {"cause": text}})
    for kind in ("unmanaged", "unheld"):
        said.say(NOTICE, {"kind": kind, "data": {"text": f"\x1b]0;podshell-hostile\x07 is the last {kind}"}})
    expect(bars).to_contain_text("]0;podshell-hostile is the last unheld", timeout=DEADLINE_MS)
    console.run("echo still$((1+1))", "\nstill2\n")
    assert b"still2" in said.output
    assert written(console).replace(said.reset, b"") == said.output
    assert "hostile" not in console.page.title()


def test_an_end_is_told_below_the_terminal_and_not_written_into_it(console: Console, said: Said) -> None:
    console.run("echo done$((1+1))", "\ndone2\n")
    before = console.text().rstrip()
    text = " ".join(STRINGS)[:3000]
    refusal = {"code": "forbidden_by_kubernetes", "refused_by": "kubernetes", "message": text, "next_step": text, "details": {"verb": text}}
    names = [each[:60] for each in STRINGS]
    said.say(END, {"reason": "failed", "message": text, "next_step": text, "refusal": refusal, "left": names, "unkilled": names[:20]})
    outcome = console.page.locator(".outcome")
    expect(outcome).to_contain_text("<script>", timeout=DEADLINE_MS)
    expect(outcome.get_by_role("listitem").first).to_be_visible()
    assert written(console) in (bytes(said.output), said.output + said.reset)
    assert console.text().rstrip() == before


def test_names_that_users_give_and_titles_that_programs_set_are_text(console: Console, said: Said) -> None:
    titles = console.page.evaluate(RENAME, list(STRINGS))
    assert sum("podshell-hostile" in title for title in titles) >= 30, "names were really given"
    assert written(console) == said.output, "a name is nothing for the terminal"
    console.page.evaluate(RENAME, ["mine"])
    tab = console.page.get_by_role("tab")
    tab.hover()
    tip = console.page.get_by_role("tooltip")
    expect(tip).to_be_visible(timeout=DEADLINE_MS)
    # Those that would end the sequence are left to the program: what follows them is its output.
    console.page.evaluate(ENTITLE, [each for each in STRINGS if not re.search("[\x07\x1b\x9c\x9d]", each)])
    console.page.evaluate(ENTITLE, ["<b>last</b>\u202e"])
    expect(tip).to_contain_text("mine: <b>last</b>")
    assert console.page.title().startswith("mine")
    console.page.evaluate(RENAME, ["<img src=x onerror=alert(1)>"])
    console.page.get_by_role("button", name="Minimise").click()
    bar = console.page.get_by_role("region", name="Minimised shells")
    expect(bar).to_contain_text("<img src=x onerror=alert(1)>")
    bar.get_by_role("button", name=re.compile("^Restore")).hover()
