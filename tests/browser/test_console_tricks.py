"""What a hostile program in a container tries on the browser, and does not get."""

from __future__ import annotations

import re

from console import DEADLINE_MS, POLL_MS, SCREEN, Console
from playwright.sync_api import expect


def test_a_title_cannot_pose_as_another_pod(console: Console) -> None:
    console.go()
    console.open_shell("storefront")
    console.run("printf '\\033]0;prod-db\\342\\200\\256<b>evil\\007'; echo titled", "\ntitled\n")
    assert "prod-db" not in console.page.title()
    tab = console.page.get_by_role("tab")
    assert "prod-db" not in tab.inner_text()
    tab.hover()
    tip = console.page.get_by_role("tooltip")
    expect(tip).to_contain_text("prod-db<b>evil")  # after the pod's own name, as text, without the direction mark
    assert tip.inner_text().startswith("storefront")
    assert tip.locator("b").count() == 0


def test_the_clipboard_is_written_on_request_only_and_never_read(console: Console) -> None:
    console.go()
    console.open_shell("storefront")
    console.page.evaluate("navigator.clipboard.writeText('secret')")
    console.type("printf '\\033]52;c;?\\007'; printf '\\033]52;c;ZXZpbA==\\007'\n")
    dialog = console.page.get_by_role("dialog")
    expect(dialog).to_contain_text("evil", timeout=DEADLINE_MS)
    assert console.page.evaluate("navigator.clipboard.readText()") == "secret"
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert console.page.evaluate("navigator.clipboard.readText()") == "secret"
    console.type("printf '\\033]52;c;Z29vZA==\\007'\n")
    console.page.get_by_role("dialog").get_by_role("button", name="Copy").click()
    console.page.wait_for_function("navigator.clipboard.readText().then(text => text === 'good')", polling=POLL_MS, timeout=DEADLINE_MS)
    assert not any(b"52;" in data and b"\x1b]" in data for data in console.sockets[-1].inputs()), "nothing of the clipboard was sent"


def test_a_link_shows_its_target_first_and_a_script_is_no_link(console: Console) -> None:
    console.go()
    console.open_shell("storefront")
    links = "printf '\\033]8;;https://evil.example/x\\033\\\\https://bank.example\\033]8;;\\033\\\\\\n"
    links += "\\033]8;;javascript:alert(1)\\033\\\\click\\033]8;;\\033\\\\\\n'"
    console.run(f"clear; {links}", "\nclick\n|^https://bank.example\nclick\n")
    opened: list[object] = []
    console.page.context.on("page", lambda page: opened.append(page))
    console.click_cell(3, console.row_of("https://bank.example"))
    dialog = console.page.get_by_role("dialog")
    expect(dialog).to_contain_text("https://evil.example/x", timeout=DEADLINE_MS)
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    console.click_cell(2, console.row_of("click"))
    console.run("echo still$((1+1))", "\nstill2\n")
    expect(dialog).to_have_count(0)
    assert opened == []


def test_window_and_title_reports_are_not_answered(console: Console) -> None:
    console.go()
    console.open_shell("storefront")
    console.run("printf '\\033]0;x; rm\\007\\033[21t\\033[20t\\033[14t\\033[18t'; echo asked", "\nasked\n")
    console.run("echo done$((1+1))", "\ndone2\n")
    typed = b"".join(console.sockets[-1].inputs())
    assert b"\x1b]l" not in typed
    assert not re.search(rb"\x1b\[[0-9;]*t", typed)


def test_several_lines_are_asked_about_and_cannot_end_a_bracketed_paste(console: Console) -> None:
    console.go()
    console.open_shell("storefront")  # ash does not ask for bracketed paste
    console.paste("echo one\necho two\n")
    dialog = console.page.get_by_role("dialog")
    expect(dialog).to_contain_text("echo two")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    console.run("printf '\\033[?2004h'; cat -v; printf '\\033[?2004l'", "cat -v")
    console.page.wait_for_function(f"() => {SCREEN}.bracketedPaste", polling=POLL_MS, timeout=DEADLINE_MS)
    console.paste("a\x1b[201~b\nc")
    console.type("\n")
    console.wait_for(r"\^\[\[200~ab\nc\^\[\[201~")
    console.type("\x04")
