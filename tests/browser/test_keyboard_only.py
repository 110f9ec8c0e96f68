"""From the page to a prompt and back by someone who has a keyboard and a screen reader: keys in, the accessibility tree out."""

from __future__ import annotations

from accessibility import Reader
from console import Console


def test_keys_and_the_accessibility_tree_are_enough_from_page_load_to_a_prompt_and_back(console: Console) -> None:
    console.go("/pods?cluster=demo-east")
    reader = Reader(console.page)
    reader.wait_for("heading", "^Pods$")

    # To a pod by its name, and into it.
    reader.go_to("searchbox|textbox", "Search by name or label")
    reader.type("storefront")
    reader.wait_for("rowheader", "^cart", gone=True)
    reader.wait_for("rowheader", "^storefront")
    reader.go_to("button", "^Pod Shell in storefront")
    reader.press("Enter")
    reader.wait_for_focus("textbox", "Terminal input")

    # What the terminal shows is announced, and can be walked through, once that is switched on.
    reader.press("Control+Shift+K")
    reader.wait_for_focus("combobox", "Find a pod")
    reader.type("terminal settings")
    reader.wait_for("option", "Terminal settings")
    reader.press("Enter")
    reader.wait_for("dialog", "Terminal settings|Settings")
    reader.go_to("switch", "Screen reader support")
    reader.press("Space")
    assert "checked=true" in reader.focus().states
    reader.press("Escape")
    reader.wait_for("dialog", "", gone=True)
    reader.wait_for_focus("textbox", "Terminal input")
    reader.type("echo answer$((6*7))\n")
    reader.wait_for("StaticText", "^answer42")

    # Away, around, and back: the same shell with what it showed.
    reader.press("Control+Shift+M")
    reader.wait_for("textbox", "Terminal input", gone=True)
    reader.wait_for("button", "^Restore storefront.*running")
    reader.go_to("link", "^Services$", key="Shift+Tab")
    reader.press("Enter")
    reader.wait_for("heading", "^Services$")
    reader.go_to("button", "^Restore storefront", key="Shift+Tab")
    reader.press("Enter")
    reader.wait_for_focus("textbox", "Terminal input")
    reader.wait_for("StaticText", "^answer42")
    reader.type("echo still$((1+1))\n")
    reader.wait_for("StaticText", "^still2")

    # Out of the terminal without a trap; the tab's session is ended, and the pods are there again.
    reader.press("Control+Shift+L")
    reader.wait_for_focus("tab", "^storefront.*running")
    reader.press("Delete")
    reader.wait_for("tab", "^storefront", gone=True)
    assert reader.focus().role != "nothing", f"the focus is lost:\n{reader}"
    reader.go_to("link", "^Pods$", key="Shift+Tab")
    reader.press("Enter")
    reader.wait_for("heading", "^Pods$")
    reader.wait_for("rowheader", "^storefront")
