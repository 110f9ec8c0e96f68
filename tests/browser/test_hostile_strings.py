"""What a cluster says is text: hostile strings in every field of what the live socket brings make no element, attribute or link."""

from __future__ import annotations

import itertools
import json
import re

from console import DEADLINE_MS, Console
from playwright.sync_api import Dialog, WebSocketRoute, expect

from hostile_strings import HOSTILE, MARK

# Fields that say which, when or how: the page compares them, so that they are not shown as they came.
KEPT = {
    "uid",
    "type",
    "id",
    "created_at",
    "started_at",
    "finished_at",
    "first_at",
    "last_at",
    "since",
    "deleted_at",
    "state",
    "role",
    "health",
}
STRINGS = tuple(HOSTILE.values())
# What the console never makes by itself; links to elsewhere and handlers in attributes neither.
FOREIGN = "script iframe object embed base meta form video source audio math animate template textarea"
WATCH = """(foreign) => {
  const look = (element) => {
    const links = ["href", "src", "action", "xlink:href", "formaction"].map((name) => element.getAttribute(name)).filter(Boolean);
    const bad =
      foreign.split(" ").includes(element.localName) ||
      [...element.attributes].some(({ name }) => name.startsWith("on")) ||
      (element.localName === "style" && /podshell-hostile|\\*\\{display:none/.test(element.textContent)) ||
      /inset: ?0; ?background: ?red/.test(element.getAttribute("style") ?? "") ||
      links.some((link) => new URL(link, document.baseURI).origin !== location.origin);
    if (bad) window.reportMade(element.outerHTML.slice(0, 300));
  };
  new MutationObserver((changes) => {
    if (document.readyState === "loading") return;  // the page's own index.html
    for (const change of changes) {
      if (change.type === "attributes") look(change.target);
      for (const node of change.addedNodes)
        if (node instanceof Element) for (const each of [node, ...node.querySelectorAll("*")]) look(each);
    }
  }).observe(document, { subtree: true, childList: true, attributes: true });
}"""


class Poisoner:
    """Stands between page and gateway on the live socket, and puts a hostile string into each field of each row and log."""

    def __init__(self) -> None:
        self._strings = itertools.cycle(STRINGS)
        self.used: set[str] = set()

    def __call__(self, route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        server.on_message(lambda message: route.send(self._poison(str(message))))

        def from_page(message: str | bytes) -> None:
            wanted = json.loads(message)
            if "logs" in wanted:  # the gateway knows no container of the names that the page has been told
                lines = "".join(f"2026-01-01T00:00:00Z {self._next()}\n" for _ in STRINGS)
                route.send(json.dumps({"type": "log", "id": wanted["logs"], "text": lines, "end": len(lines)}))
            elif "ack" not in wanted:
                server.send(message)

        route.on_message(from_page)

    def _poison(self, text: str) -> str:
        message = json.loads(text)
        if message["type"] == "batch":
            message["set"] = [self._row(row) for row in message["set"]]
        return json.dumps(message)

    def _next(self) -> str:
        hostile = next(self._strings)
        self.used.add(hostile)
        return hostile

    def _row(self, value: object, key: str = "") -> object:
        if isinstance(value, dict):
            if key in ("labels", "annotations"):
                return {self._next(): self._next() for _ in STRINGS}
            # A cluster is asked for by its name: under another one there would be nothing to show.
            kept = KEPT | {"name"} if "kubernetes_version" in value else KEPT
            return {name: inner if name in kept else self._row(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._row(inner) for inner in value]
        return self._next() if isinstance(value, str) else value


def test_hostile_strings_stay_text_in_lists_drawers_logs_and_dialogs(console: Console) -> None:
    assert len(STRINGS) >= 60
    page = console.page
    poisoner = Poisoner()
    made: list[str] = []
    page.expose_function("reportMade", lambda element: made.append(element))  # outlives every page that is loaded
    page.add_init_script(f"({WATCH})({FOREIGN!r})")
    page.route_web_socket(re.compile("/ws/live"), poisoner)
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
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
    assert page.evaluate(f"window[{MARK!r}]") is None
    for address in ("/services", "/nodes", "/clusters", "/sessions"):
        console.go(address)
        page.get_by_role("heading", level=1).wait_for(timeout=DEADLINE_MS)
    assert set(STRINGS) <= poisoner.used
    assert made == []
    assert page.evaluate(f"window[{MARK!r}]") is None
    assert dialogs == []
