"""Hostile strings in what the gateway sends to a page, and a watch over all that the page makes of it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping

from playwright.sync_api import Dialog, Page, WebSocketRoute

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
# What the console never makes by itself, but for the terminal's own input; links to elsewhere and handlers in attributes neither.
FOREIGN = "script iframe object embed base meta form video source audio math animate template textarea"
WATCH = """(foreign) => {
  const look = (element) => {
    const links = ["href", "src", "action", "xlink:href", "formaction"].map((name) => element.getAttribute(name)).filter(Boolean);
    const bad =
      (foreign.split(" ").includes(element.localName) && !element.matches("textarea.xterm-helper-textarea")) ||
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


def cluster_names(row: Mapping[str, object]) -> set[str]:
    """A cluster is asked for by its name: under another one there would be nothing to show."""
    return {"name"} if "kubernetes_version" in row else set()


class Poisoner:
    """Stands between page and gateway on the live socket, and puts a hostile string into each field of each row and log.

    `kept` says which more fields of an object stay as they came: those by which the page asks for more.
    """

    def __init__(self, kept: Callable[[Mapping[str, object]], set[str]] = cluster_names) -> None:
        self._strings = itertools.cycle(STRINGS)
        self._kept = kept
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
            kept = KEPT | self._kept(value)
            return {name: inner if name in kept else self._row(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._row(inner) for inner in value]
        return self._next() if isinstance(value, str) else value


class Watch:
    """Sees all that becomes of the page's document, from now on and over every load of it."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._made: list[str] = []
        self._dialogs: list[str] = []
        page.expose_function("reportMade", lambda element: self._made.append(element))
        page.add_init_script(f"({WATCH})({FOREIGN!r})")
        page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Dialog) -> None:
        if dialog.type != "beforeunload":
            self._dialogs.append(dialog.message)
        dialog.accept() if dialog.type == "beforeunload" else dialog.dismiss()

    def nothing_was_made(self) -> None:
        """No element, attribute or link came of data, and no script of it ran."""
        assert not self._made, self._made[:3]
        assert self._page.evaluate(f"window[{MARK!r}]") is None
        assert not self._dialogs, self._dialogs
