"""Whatever ends a session, no process of it stays in the container (issue "the first shell", acceptance 5).

Each way of ending meets the same set of nasty processes in one session, and is judged by /proc as seen from outside the container: what
lives in the container's pid namespace is compared with what lived there before the session. A daemon that left by setsid must be alive,
and reported.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from podshell.sandbox import users
from podshell.wire import messages as m
from stack import ContainerView, MakeStack, ProcessView, Stack, settled
from terminal_client import TerminalClient

IDLE_SECONDS = 3.0
# A job; jobs that trap HUP and INT; one that is disowned; a pipe; a daemon by setsid; and in the foreground, with the terminal in raw mode,
# a program that ignores all that can be ignored. The sleeps' numbers name them.
NASTY = """sleep 1111 &
(trap '' HUP INT TERM; while :; do sleep 1112; done) &
(trap '' HUP; exec sleep 1113) & disown
(sleep 1114 | cat) &
setsid sleep 1115 &
bash -c 'stty raw -echo; trap "" HUP INT TERM QUIT TSTP; printf st""ubborn; while :; do sleep 1116; done'
"""
STAYING = ("sleep 1111", "sleep 1112", "sleep 1113", "sleep 1114", "sleep 1115", "sleep 1116")
DAEMON = "sleep 1115"


@dataclass
class Nasty:
    """A session full of processes, and its container as it was before."""

    stack: Stack
    terminal: TerminalClient
    view: ContainerView
    before: frozenset[tuple[int, int]]
    processes: dict[tuple[int, int], ProcessView]
    daemon: ProcessView

    def living(self) -> list[ProcessView]:
        """What lives in the container and did not before the session, but for the daemon."""
        return [one for key, one in self.view.processes().items() if key not in self.before and one.pid != self.daemon.pid]

    def living_old(self) -> list[ProcessView]:
        """What lives of the first shell, but for the daemon; its lifeline counts, too."""
        return [one for key, one in self.view.processes().items() if key in self.processes and one.pid != self.daemon.pid]

    async def until_nothing_is_left(self, seconds: float = 20.0) -> None:
        """Wait until the container is as it was, plus the daemon."""
        await self._until_gone(self.living, seconds)

    async def until_the_old_shell_is_gone(self, seconds: float = 20.0) -> None:
        await self._until_gone(self.living_old, seconds)

    async def _until_gone(self, living: Callable[[], list[ProcessView]], seconds: float) -> None:
        await settled(lambda: not living(), lambda: f"still there: {', '.join(map(str, living()))}; {self.terminal}", seconds)
        self.check_daemon()

    def check_daemon(self) -> None:
        assert (self.daemon.pid, self.daemon.start) in self.view.processes(), "the daemon that left by setsid was killed"

    async def check_report(self, end: m.End | None, reason: str) -> None:
        """The daemon is named, nothing else is, and the audit says the same as the terminal heard."""
        row = await self.stack.wait_audit(self.terminal.session, "session.end")
        details = row["details"]
        assert isinstance(details, dict)
        assert details["reason"] == reason, row
        assert [name.split()[0] for name in details["left"]] == ["sleep"], row
        assert details["unkilled"] == [], row
        if end is not None:
            assert (end.reason, end.left, end.unkilled) == (reason, details["left"], []), end

    async def check_restart_report(self) -> None:
        """What the first shell left stands in the audit's row of the restart."""
        row = await self.stack.wait_audit(self.terminal.session, "session.restart")
        details = row["details"]
        assert isinstance(details, dict)
        assert [name.split()[0] for name in details["left"]] == ["sleep"], row
        assert details["unkilled"] == [], row


@asynccontextmanager
async def staying(terminal: TerminalClient) -> AsyncIterator[None]:
    """Keep a session from idling out on a slow machine, by "stay"; not by typing, which would reach the shell."""

    async def stay() -> None:
        while True:
            await terminal.wait_attached()
            await terminal.send(m.Stay())
            await asyncio.sleep(IDLE_SECONDS / 4)

    task = asyncio.create_task(stay())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def nasty_session(stack: Stack) -> AsyncIterator[Nasty]:
    """Open a session and fill it; the daemon is killed in the end."""
    view = stack.cluster.container()
    before = frozenset(view.processes())
    async with stack.shell() as terminal:
        async with staying(terminal):  # however long this takes
            await terminal.wait_attached()
            await terminal.type(NASTY.replace("\n", "\r").encode())
            await terminal.wait_output(b"stubborn")

            def all_there() -> bool:
                commands = [one.command for one in view.processes().values()]
                return all(command in commands for command in STAYING)

            await settled(all_there, lambda: f"all of {STAYING} in {list(map(str, view.processes().values()))}; {terminal}")
            now = {key: one for key, one in view.processes().items() if key not in before}
        daemon = next(one for one in now.values() if one.command == DAEMON)
        try:
            yield Nasty(stack, terminal, view, before, now, daemon)
        finally:
            os.kill(daemon.pid, signal.SIGKILL)


# Ways to end a session for good: what is done, and the reason that is told.


async def close_in_the_terminal(nasty: Nasty) -> None:
    await nasty.terminal.close_session()


async def close_by_the_api(nasty: Nasty) -> None:
    await nasty.stack.api.call("DELETE", f"/api/sessions/{nasty.terminal.session}")


async def lose_exec_rights_and_close(nasty: Nasty) -> None:
    nasty.stack.cluster.sandbox.authority.unbind(users.AGENT_EXEC)
    await nasty.terminal.close_session()


async def stop_the_agent(nasty: Nasty) -> None:
    await nasty.stack.cluster.stop_agent()


async def do_nothing(nasty: Nasty) -> None:
    pass


ENDS: list[tuple[Callable[[Nasty], Awaitable[None]], str, float]] = [
    (close_in_the_terminal, "closed", 0),
    (close_by_the_api, "closed", 0),
    (lose_exec_rights_and_close, "closed", 0),
    (stop_the_agent, "agent_stopped", 0),
    (do_nothing, "idle", IDLE_SECONDS),
]


@pytest.mark.parametrize(("act", "reason", "idle"), [pytest.param(*end, id=end[0].__name__) for end in ENDS])
async def test_nothing_is_left_and_the_end_is_told(
    act: Callable[[Nasty], Awaitable[None]], reason: str, idle: float, make_stack: MakeStack
) -> None:
    stack = await make_stack(idle_timeout_seconds=idle)
    async with nasty_session(stack) as nasty:
        await act(nasty)
        end = await nasty.terminal.wait_end()
        await nasty.until_nothing_is_left()
        await nasty.check_report(end, reason)


async def test_a_closed_tab_ends_with_the_idle_time(make_stack: MakeStack) -> None:
    """The socket is gone without a word and never comes back."""
    stack = await make_stack(idle_timeout_seconds=IDLE_SECONDS)
    async with nasty_session(stack) as nasty:
        await nasty.terminal.leave()
        stack.terminal_proxy.cut()
        await nasty.until_nothing_is_left()
        await nasty.check_report(None, "idle")


async def test_a_killed_gateway_does_not_keep_a_session_alive(make_stack: MakeStack) -> None:
    """The agent ends it at its time with no gateway there; the next gateway hears of it all the same."""
    stack = await make_stack(gateway_process=True, idle_timeout_seconds=IDLE_SECONDS)
    async with nasty_session(stack) as nasty:
        await stack.kill_gateway()
        await nasty.until_nothing_is_left()
        await stack.start_gateway()
        await nasty.check_report(await nasty.terminal.wait_end(), "idle")


async def test_a_killed_agent_leaves_nothing_and_its_next_life_restarts_the_shell(make_stack: MakeStack) -> None:
    stack = await make_stack(agent_process=True)
    async with nasty_session(stack) as nasty:
        await stack.cluster.kill_agent()
        await nasty.until_nothing_is_left()
        await stack.cluster.start_agent()
        terminal = nasty.terminal
        await terminal.wait_for(lambda t: t.resets == 1 and t.attached.incarnation == 2)
        await nasty.check_restart_report()
        await terminal.type(b"echo $((1200+34))\r")
        await terminal.wait_output(b"1234")
        await terminal.close_session()
        await terminal.wait_end()
        await nasty.until_nothing_is_left()


async def test_an_agent_killed_after_its_exec_rights_were_taken_leaves_nothing(make_stack: MakeStack) -> None:
    """Nobody can exec into the container any more: only what is inside already can end the shell."""
    stack = await make_stack(agent_process=True)
    async with nasty_session(stack) as nasty:
        stack.cluster.sandbox.authority.unbind(users.AGENT_EXEC)
        await stack.cluster.kill_agent()
        await nasty.until_nothing_is_left()
        await stack.cluster.start_agent()
        end = await nasty.terminal.wait_end()
        assert (end.reason, end.refusal is not None and end.refusal.code.value) == ("failed", "forbidden_by_kubernetes"), end
        await nasty.until_nothing_is_left()


async def test_a_rotated_api_server_restarts_the_shell_and_leaves_nothing_of_the_old(make_stack: MakeStack) -> None:
    stack = await make_stack()
    async with nasty_session(stack) as nasty:
        await stack.cluster.sandbox.server.rotate()
        restarted = await nasty.terminal.wait_notice("restarted")
        assert restarted.data["incarnation"] == 2
        await nasty.until_the_old_shell_is_gone()
        await nasty.check_restart_report()
        await nasty.terminal.type(b"echo $((1200+34))\r")
        await nasty.terminal.wait_output(b"1234")
        await nasty.terminal.close_session()
        await nasty.terminal.wait_end()
        await nasty.until_nothing_is_left()


async def test_a_rotated_api_server_that_grants_no_exec_any_more_ends_the_session(make_stack: MakeStack) -> None:
    stack = await make_stack()
    async with nasty_session(stack) as nasty:
        stack.cluster.sandbox.authority.unbind(users.AGENT_EXEC)
        await stack.cluster.sandbox.server.rotate()
        end = await nasty.terminal.wait_end()
        assert (end.reason, end.refusal is not None and end.refusal.code.value) == ("failed", "forbidden_by_kubernetes"), end
        await nasty.until_nothing_is_left()


async def test_a_killed_command_line_ends_with_the_idle_time(make_stack: MakeStack) -> None:
    """kill -9 of `podshell exec`, which is attached to the session beside the terminal of the test, and then alone."""
    stack = await make_stack(idle_timeout_seconds=IDLE_SECONDS)
    async with nasty_session(stack) as nasty:
        session = nasty.terminal.session
        words = [sys.executable, "-m", "podshell.launch.main", "exec", "--session", session, "--token-file", str(stack.folder / "cli.json")]
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with staying(nasty.terminal):
                await nasty.terminal.wait_for(lambda t: t.notices_of("viewers")[-1].data["owners"] == 2)
            await nasty.terminal.leave()
            assert process.returncode is None
        finally:
            process.kill()
            await process.communicate()
        await nasty.until_nothing_is_left()
        await nasty.check_report(None, "idle")
