"""`podshell exec` in a terminal: its modes, its size, its keys, its replies."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_process import SECONDS, CliTerminal
from fake_gateway import FakeGateway

from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy


async def poll(condition: Callable[[], bool]) -> None:
    """Wait for a state of the kernel's that nobody tells of: terminal modes, a stopped process."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


async def attached(gateway: FakeGateway, terminal: CliTerminal) -> None:
    await gateway.until(lambda session: session.attaches > 0)
    await poll(lambda: terminal.is_raw)


async def test_a_shell_is_in_raw_mode_and_the_terminal_is_as_before_when_it_ends(gateway: FakeGateway, env: dict[str, str]) -> None:
    async with CliTerminal(["pods/web-0", "-c", "app"], env, size=(101, 31)) as terminal:
        await attached(gateway, terminal)
        await gateway.print(b"/ # ")
        await terminal.expect(b"/ # ")
        terminal.type(b"\x03exit\r")
        await gateway.until(lambda session: bytes(session.typed) == b"\x03exit\r")
        await gateway.end(m.End("exited", 3))
        assert await terminal.wait() == 3
        assert terminal.is_restored
    request = gateway.session.request
    assert (request["container"], request["cols"], request["rows"], request.get("tty", True)) == ("app", 101, 31, True)


async def test_the_new_size_is_told_when_the_window_changes(gateway: FakeGateway, env: dict[str, str]) -> None:
    async with CliTerminal(["web-0"], env) as terminal:
        await attached(gateway, terminal)
        terminal.set_size(132, 50)
        await gateway.until(lambda session: session.sizes[-1] == (132, 50))


async def test_detach_keys_leave_the_session_running_and_say_how_to_come_back(gateway: FakeGateway, env: dict[str, str]) -> None:
    async with CliTerminal(["web-0"], env) as terminal:
        await attached(gateway, terminal)
        terminal.type(b"make\r\x10")
        await gateway.until(lambda session: bytes(session.typed) == b"make\r")
        terminal.type(b"\x11")
        assert await terminal.wait() == 0
        await terminal.expect(b"podshell exec --session s1")
        assert terminal.is_restored
    assert (gateway.session.detached, gateway.session.closed) == (True, False)


async def test_coming_back_replays_what_was_printed_and_keeps_the_terminals_answers_to_it_away(
    gateway: FakeGateway, env: dict[str, str]
) -> None:
    gateway.session.output += b"before\x1b[6n"
    async with CliTerminal(["--session", "s1"], env) as terminal:
        await terminal.expect(b"before")
        terminal.type(b"\x1b[24;80R")
        terminal.type(b"ls\r")
        await gateway.until(lambda session: bytes(session.typed) == b"ls\r")
    assert not gateway.session.auto


async def test_the_terminals_own_answers_are_marked_and_keys_are_not(gateway: FakeGateway, env: dict[str, str]) -> None:
    async with CliTerminal(["web-0"], env) as terminal:
        await attached(gateway, terminal)
        terminal.type(b"a\x1b[24;80R\x1b[A\x1b]11;rgb:0/0/0")
        terminal.type(b"\x1b\\\x1b[1;2R")
        await gateway.until(lambda session: len(session.typed) == 10 and len(session.auto) > 8)
    assert bytes(gateway.session.typed) == b"a\x1b[A\x1b[1;2R"
    assert bytes(gateway.session.auto) == b"\x1b[24;80R\x1b]11;rgb:0/0/0\x1b\\"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
async def test_a_signal_restores_the_terminal_and_ends_the_session(
    gateway: FakeGateway, env: dict[str, str], number: signal.Signals
) -> None:
    async with CliTerminal(["web-0"], env) as terminal:
        await attached(gateway, terminal)
        terminal.process.send_signal(number)
        assert await terminal.wait() == 128 + number
        assert terminal.is_restored
    assert gateway.session.closed


async def test_a_stopped_process_gives_the_terminal_back_and_takes_it_again(gateway: FakeGateway, env: dict[str, str]) -> None:
    async with CliTerminal(["web-0"], env) as terminal:
        await attached(gateway, terminal)
        pid = terminal.process.pid
        os.kill(pid, signal.SIGTSTP)
        await poll(lambda: state_of(pid) == "T")
        assert terminal.is_restored
        sizes = len(gateway.session.sizes)
        os.kill(pid, signal.SIGCONT)
        await poll(lambda: terminal.is_raw)
        await gateway.until(lambda session: len(session.sizes) > sizes)


async def test_a_lost_connection_is_resumed_without_a_word_when_it_is_short(gateway: FakeGateway, env: dict[str, str]) -> None:
    async with CliTerminal(["web-0"], env) as terminal:
        await attached(gateway, terminal)
        await gateway.print(b"one ")
        await terminal.expect(b"one ")
        for _ in range(3):
            attaches = gateway.session.attaches
            gateway.cut()
            terminal.type(b"x")
            await gateway.until(lambda session, seen=attaches: session.attaches > seen)  # type: ignore[misc]  # bound now
        await gateway.print(b"two")
        await terminal.expect(b"one two")
        await gateway.until(lambda session: bytes(session.typed) == b"xxx")


async def test_what_is_said_beside_the_session_is_a_line_of_its_own_in_raw_mode(gateway: FakeGateway, env: dict[str, str]) -> None:
    async with CliTerminal(["web-0"], env) as terminal:
        await attached(gateway, terminal)
        await gateway.notify(m.Notice("idle_warning", {"seconds": 60}))
        await terminal.expect(b"\r\npodshell: this session closes in 60 s because nobody types; any key keeps it\r\n")


async def test_the_terminal_is_restored_when_the_gateway_refuses_in_the_middle(gateway: FakeGateway, env: dict[str, str]) -> None:
    async with CliTerminal(["web-0"], env) as terminal:
        await attached(gateway, terminal)
        gateway.ticket_refusal = Refusal(ErrorCode.FORBIDDEN_BY_POLICY, RefusedBy.POLICY, "not any more", "ask")
        gateway.cut()
        assert await terminal.wait() == 126
        await terminal.expect(b"podshell: not any more (refused by policy)\r\npodshell: ask\r\n")
        assert terminal.is_restored


async def test_the_terminal_is_restored_after_a_fault_of_our_own(gateway: FakeGateway, env: dict[str, str]) -> None:
    async with CliTerminal(["web-0"], {**env, "PYTHONPATH": str(Path(__file__).parent / "broken")}) as terminal:
        await attached(gateway, terminal)
        await gateway.notify(m.Notice("break_me"))
        assert await terminal.wait() != 0
        assert terminal.is_restored
