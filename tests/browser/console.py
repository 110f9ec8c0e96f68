"""The console as a test sees it: pods and shells in a real Chromium, and the frames that pass on the terminal's socket."""

from __future__ import annotations

import base64
import functools
import importlib.util
import json
import re
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Locator, Page, TimeoutError, WebSocket, expect

ROOT = Path(__file__).parents[2]
ORACLE = Path(__file__).parent / "oracle.mjs"
DEADLINE_MS = 30_000
# How often a page is asked: at each frame, which is what Playwright does, a look at thousands of lines takes all of a processor.
POLL_MS = 100
HELLO, INPUT, OUTPUT = 0x01, 0x02, 0x42
# How long the page may take to parse what it has received.
SETTLE_SECONDS = 10.0
# Output that has not grown for so long is all for now.
QUIET_MS = 150
PROMPT = r"[#$] ?$"
SCREEN = "document.querySelector('.terminal-host').screen"
# The sessions whose terminals are in front.
HOSTS = "() => [...document.querySelectorAll('.terminal-host')].map((host) => host.dataset.session)"
# Every line of the buffer, scrollback included, joined where the terminal wrapped them.
BUFFER_TEXT = f"""() => {{
  const buffer = {SCREEN}.terminal.buffer.active; let text = "";
  for (let at = 0; at < buffer.length; at++) {{
    const line = buffer.getLine(at);
    text += (line.isWrapped || at === 0 ? "" : "\\n") + line.translateToString(true);
  }}
  return text;
}}"""


@functools.cache
def node() -> str:
    """The Node.js that built the console: on PATH, or the private one of a machine without any."""
    found = shutil.which("node")
    if found:
        return found
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    hatch_build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hatch_build)
    return str(hatch_build.find_npm()[0])


@dataclass
class Socket:
    """One terminal socket: what the gateway and the page sent."""

    received: list[bytes] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    @property
    def session(self) -> str:
        """Which session the page asked for in its HELLO; empty before."""
        hello = next((message for message in self.sent if message[0] == HELLO), None)
        return "" if hello is None else str(json.loads(hello[1:])["session"])

    def inputs(self) -> list[bytes]:
        """What was typed or replied on this socket, without header."""
        return [message[10:] for message in self.sent if message[0] == INPUT]

    def outputs(self) -> list[tuple[int, bytes]]:
        return [(int.from_bytes(message[1:9], "big"), message[9:]) for message in self.received if message[0] == OUTPUT]


class Console:
    """One browser page that is signed in. `listening`: whether the frames of its terminals are kept, of which a flood has too many."""

    def __init__(self, page: Page, url: str, *, listening: bool = True) -> None:
        self.page = page
        self.url = url
        self.sockets: list[Socket] = []
        if listening:
            page.on("websocket", self._follow)

    def _follow(self, socket: WebSocket) -> None:
        if "/ws/terminal" not in socket.url:
            return
        kept = Socket()
        self.sockets.append(kept)
        socket.on("framereceived", lambda data: kept.received.append(data if isinstance(data, bytes) else data.encode()))
        socket.on("framesent", lambda data: kept.sent.append(data if isinstance(data, bytes) else data.encode()))

    def go(self, address: str = "/pods?cluster=demo-east") -> None:
        self.page.goto(self.url + address)

    def mark_cluster(self, name: str, label: str, colour: str) -> None:
        """Give a cluster a label and a colour, as its owner does."""
        self.page.evaluate(
            """async (body) => {
              const {page_token} = await (await fetch("/api/me")).json();
              const headers = {"content-type": "application/json", "x-podshell-token": page_token};
              const answer = await fetch("/api/clusters", {method: "POST", headers, body: JSON.stringify(body)});
              if (!answer.ok) throw new Error(await answer.text());
            }""",
            {"name": name, "label": label, "colour": colour},
        )

    def pod(self, name: str) -> Locator:
        """The first pod whose name starts so."""
        return self.page.get_by_role("row").filter(has=self.page.get_by_role("rowheader", name=re.compile(f"^{name}"))).first

    def shell_button(self, pod: str) -> Locator:
        return self.pod(pod).get_by_role("button", name=re.compile("^Pod Shell"))

    def open_shell(self, pod: str, container: str = "") -> None:
        """Open a shell and wait for its prompt, not for that of one which is in front until then, or which a reload is bringing back."""
        before = self.shells()
        self.shell_button(pod).click(timeout=DEADLINE_MS)
        if container:
            self.page.get_by_role("option", name=re.compile(f"^{container}")).click()
        self.wait_for_another(before)

    def shells(self) -> list[str]:
        """The sessions whose terminals are in sight, or are being brought back."""
        return [*self.page.evaluate(HOSTS), *(socket.session for socket in self.sockets)]

    def wait_for_another(self, before: list[str]) -> None:
        """Wait for the prompt of a terminal that was not there."""
        self.page.wait_for_function(
            f"(before) => ({HOSTS})().some((id) => !before.includes(id))", arg=before, polling=POLL_MS, timeout=DEADLINE_MS
        )
        self.wait_for(PROMPT)

    def type(self, text: str) -> None:
        self.page.locator(".terminal-host textarea").focus()
        self.page.keyboard.type(text)

    def run(self, command: str, answer: str) -> None:
        """Type a command and wait until the terminal shows `answer` (a regular expression)."""
        self.type(f"{command}\n")
        self.wait_for(answer)

    def wait_for(self, pattern: str) -> None:
        """Wait until the terminal's text matches; trailing empty lines do not count."""
        shown = f"({BUFFER_TEXT})().replace(/\\n+$/, '')"
        there = "document.querySelector('.terminal-host .xterm')"
        try:
            self.page.wait_for_function(
                f"(pattern) => {there} && new RegExp(pattern).test({shown})", arg=pattern, polling=POLL_MS, timeout=DEADLINE_MS
            )
        except TimeoutError as error:
            seen = self.page.evaluate(f"() => {there} ? {shown}.slice(-2000) : 'no terminal'")
            raise AssertionError(f"{pattern!r} does not come; the terminal shows:\n{seen}\n{self.page.url}") from error

    def text(self) -> str:
        return str(self.page.evaluate(BUFFER_TEXT))

    def serialised(self) -> str:
        return str(self.page.evaluate(f"() => {SCREEN}.serialize(5000)"))

    def paste(self, text: str) -> None:
        """Paste as the browser does: an event with the text, on the terminal's input."""
        self.page.evaluate(
            """(text) => {
              const data = new DataTransfer(); data.setData("text/plain", text);
              const event = new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
              document.querySelector(".terminal-host textarea").dispatchEvent(event);
            }""",
            text,
        )

    def click_cell(self, column: int, row: int) -> None:
        """Click a character of the visible screen, as a hand does."""
        box = self.page.locator(".terminal-host .xterm-screen").bounding_box()
        assert box is not None
        size = self.page.evaluate(f"() => ({{cols: {SCREEN}.cols, rows: {SCREEN}.rows}})")
        x = box["x"] + (column + 0.5) * box["width"] / size["cols"]
        y = box["y"] + (row + 0.5) * box["height"] / size["rows"]
        self.page.mouse.move(x - 3, y)
        self.page.mouse.move(x, y, steps=3)
        self.page.mouse.click(x, y)

    def row_of(self, text: str) -> int:
        """The visible row that starts with `text`."""
        return int(
            self.page.evaluate(
                f"""(text) => {{
                  const buffer = {SCREEN}.terminal.buffer.active;
                  for (let row = {SCREEN}.rows - 1; row >= 0; row--)
                    if (buffer.getLine(buffer.viewportY + row).translateToString(true).startsWith(text)) return row;
                  throw new Error("not on the screen");
                }}""",
                text,
            )
        )

    def expect_equal_to_headless(self) -> None:
        """The page's buffer is what a terminal without a browser has after all bytes of the session's output."""
        session = str(self.page.evaluate("() => document.querySelector('.terminal-host').dataset.session"))
        size = self.page.evaluate(f"() => ({{cols: {SCREEN}.cols, rows: {SCREEN}.rows}})")
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            output = self.all_output(session)
            self.page.wait_for_timeout(QUIET_MS)
            if output != self.all_output(session) and time.monotonic() < deadline:
                continue  # an answer for what is no longer all is of no use
            question = {**size, "output": base64.b64encode(output).decode()}
            answer = subprocess.run([node(), ORACLE], input=json.dumps(question).encode(), capture_output=True, check=True)
            shown = self.serialised()
            # More may have come between the two looks, or come and not be parsed yet.
            if shown == answer.stdout.decode() or (output == self.all_output(session) and time.monotonic() > deadline):
                break
        assert shown == answer.stdout.decode()

    def all_output(self, session: str) -> bytes:
        """All output of a session from its first byte, put together from every socket's frames."""
        output = bytearray()
        pieces = (piece for socket in self.sockets if socket.session == session for piece in socket.outputs())
        for offset, data in sorted(pieces, key=lambda piece: piece[0]):
            assert offset <= len(output), f"output from {len(output)} to {offset} was never sent"
            output[offset : offset + len(data)] = data
        return bytes(output)

    def expect_alert(self, text: str) -> None:
        expect(self.page.locator(".bar, .outcome").filter(has_text=text).first).to_be_visible(timeout=DEADLINE_MS)
