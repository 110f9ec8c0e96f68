"""Shells that survive reloads, cuts and restarts, in a real browser; the buffer always equals that of a terminal fed all bytes."""

from __future__ import annotations

import hashlib
import signal

from console import DEADLINE_MS, Console
from playwright.sync_api import expect
from podshell_parts import Podshell


def test_a_reload_brings_the_same_screen_and_shell_back(console: Console) -> None:
    console.go()
    console.open_shell("cart-0", "cart")
    console.run("KEPT=yes; for i in $(seq 200); do printf '\\033[3%dmline %d\\033[0m\\n' $((i%8)) $i; done", "line 200\n")
    console.run("printf '\\342\\200\\224 \\360\\237\\221\\251 end\\n'", "— 👩 end")
    before = console.serialised()
    console.page.reload()
    console.wait_for("line 200\n")
    console.run("echo $KEPT$KEPT", "\nyesyes\n")
    assert console.text().count("line 200\n") == 1
    assert before.splitlines()[10] in console.serialised()
    console.expect_equal_to_headless()


def test_a_gateway_that_is_killed_costs_neither_the_shell_nor_what_is_typed_meanwhile(console: Console, podshell: Podshell) -> None:
    console.go()
    console.open_shell("cart-0", "cart")
    console.run("KEPT=5", "KEPT=5")
    podshell.gateway.stop(signal.SIGKILL)
    console.page.locator(".bar-warning").wait_for(timeout=DEADLINE_MS)
    console.type("echo kept$KEPT$KEPT\n")
    podshell.start_gateway()
    console.wait_for("\nkept55\n")
    assert console.text().count("kept55") == 1
    expect(console.page.locator(".bar-warning")).to_have_count(0)
    console.expect_equal_to_headless()


def test_replies_of_the_terminal_are_not_typed_again_when_old_output_is_replayed(console: Console) -> None:
    console.go()
    console.open_shell("cart-0", "cart")
    # read takes the answers, so that they do not become a command
    console.run("printf '\\033[c\\033[6n\\033[>c\\033]11;?\\007'; read -rs -n 200 -t 2; echo asked", "\nasked\n")
    assert any(b"\x1b[?" in data for data in console.sockets[-1].inputs()), "the terminal answers when it is asked"
    # Without a snapshot everything is replayed; the page would write a last one as it goes.
    console.page.evaluate(
        """() => {
          for (const key of Object.keys(sessionStorage)) if (key.startsWith("podshell.snapshot")) sessionStorage.removeItem(key);
          Storage.prototype.setItem = () => { throw new Error("full"); };
        }"""
    )
    console.page.reload()
    console.wait_for("\nasked\n")
    # What the terminal sends is in order: after this answer, nothing older can come any more.
    console.run("echo done$((1+1))", "\ndone2\n")
    replayed = b"".join(data for _, data in console.sockets[-1].outputs())
    assert b"\x1b[c" in replayed
    typed = b"".join(console.sockets[-1].inputs())
    assert b"\x1b[?" not in typed
    assert b"\x1b]" not in typed


def test_utf8_that_is_split_over_frames_is_shown_whole(console: Console) -> None:
    console.go()
    console.open_shell("cart-0", "cart")
    pieces = "".join(f"printf '\\{byte:o}'; sleep 0.05; " for byte in "—é😀日".encode())
    console.run(f"clear; {pieces} echo '|'", r"—é😀日\|")
    splits = [data for _, data in console.sockets[-1].outputs() if data and data[0] & 0xC0 == 0x80]
    assert splits, "some frame begins in the middle of a character"
    console.expect_equal_to_headless()


def test_a_paste_of_1_mib_arrives_whole(console: Console) -> None:
    console.go()
    console.open_shell("cart-0", "cart")
    size = 1024 * 1024
    console.run(f"stty raw -echo; echo ready; head -c {size} | sha256sum; stty sane", "ready")
    text = "".join(chr(33 + (i * 7 + i // 97) % 90) for i in range(size))
    console.paste(text)
    console.wait_for(hashlib.sha256(text.encode()).hexdigest())
    assert max(len(data) for data in console.sockets[-1].inputs()) <= 16 * 1024


def test_an_idle_session_warns_stays_on_request_and_ends(console: Console, podshell: Podshell) -> None:
    podshell.gateway.stop()
    podshell.start_gateway("--idle-timeout-seconds", "10")
    try:
        console.go()
        console.open_shell("storefront")
        console.expect_alert("this session closes in")
        assert console.page.title().startswith("Closes in")
        console.page.get_by_role("button", name="Stay").click()
        expect(console.page.locator(".bar")).to_have_count(0)
        expect(console.page.get_by_role("textbox", name="Terminal input")).to_be_focused()
        console.expect_alert("this session closes in")
        console.type("x")
        expect(console.page.locator(".bar")).to_have_count(0)
        console.expect_alert("Session ended")
        console.expect_alert("nothing was typed for 10 s")
    finally:
        podshell.gateway.stop()
        podshell.start_gateway()
