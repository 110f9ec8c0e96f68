"""Stalled terminals hold up nobody else on their link (issue "the first shell", acceptance 4; the figures are the benchmark's)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from stack import MakeStack, Stack
from terminal_client import TerminalClient

SESSIONS, STALLED = 100, 20
WINDOW_BYTES = 64 * 1024
LINES = 8 * 1024  # of 8 bytes each: one window, so that a stalled one has sent all it may
FLOOD = f"stty raw -echo; read -r go; seq -w 1000001 {1000000 + 2 * LINES}; read -r go; echo over"


@pytest.mark.timeout(180)
async def test_twenty_of_a_hundred_stall_and_the_others_get_all_of_theirs(make_stack: MakeStack) -> None:
    """The stalled ones have filled their windows, and stay so to the end; all have one link."""
    stack = await make_stack()
    whole = b"".join(b"%d\n" % number for number in range(1000001, 1000001 + 2 * LINES))
    async with AsyncExitStack() as exits:
        terminals = await open_all(stack, exits)
        stalled, others = terminals[:STALLED], terminals[STALLED:]
        for terminal in stalled:
            terminal.acknowledge = False
            await terminal.type(b"go\n")
        for terminal in stalled:
            await terminal.wait_for(lambda t: t.position == WINDOW_BYTES and t.notices_of("reading_paused"))
        for terminal in others:
            await terminal.type(b"go\n")
        async with asyncio.timeout(90):
            await asyncio.gather(*(wait_whole(terminal, len(whole)) for terminal in others))
            await asyncio.gather(*(finish(terminal) for terminal in others))
        assert [bytes(t.output[: len(whole)]) == whole for t in others] == [True] * len(others)
        assert [(t.position, t.end, t.gaps) for t in stalled] == [(WINDOW_BYTES, None, [])] * STALLED, "they were still stalled"
        for terminal in stalled:  # and nothing of theirs is lost
            terminal.acknowledge = True
            await terminal.acknowledge_now()
        await asyncio.gather(*(wait_whole(terminal, len(whole)) for terminal in stalled))
        assert all(bytes(terminal.output) == whole for terminal in stalled)
        assert {terminal.attaches for terminal in terminals} == {1}, "all of it went over one link and one socket each"


async def open_all(stack: Stack, exits: AsyncExitStack) -> list[TerminalClient]:
    """Open the sessions, ten at a time: a hundred shells at the same moment are not what is shown here."""
    terminals: list[TerminalClient] = []
    while len(terminals) < SESSIONS:
        opening = [exits.enter_async_context(stack.shell(command=["sh", "-c", FLOOD], window=WINDOW_BYTES)) for _ in range(10)]
        terminals += await asyncio.gather(*opening)
        await asyncio.gather(*(terminal.wait_attached(60) for terminal in terminals[-10:]))
    return terminals


async def wait_whole(terminal: TerminalClient, size: int) -> None:
    await terminal.wait_for(lambda t: t.position >= size, 80)


async def finish(terminal: TerminalClient) -> None:
    await terminal.type(b"go\n")
    assert (await terminal.wait_end(60)).exit_code == 0
