"""`podshell exec --session ID` on debug and node sessions: come back, leave again, and what is said when the agent was restarted."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from cli_process import CliTerminal

from podshell.agent.ceiling import Action, ceiling_of
from podshell.cli.remarks import NEW_SHELL, SAME_SHELL
from podshell.sandbox.resources import JOB
from stack import Stack, settled
from terminal_client import TerminalClient
from warm_parent import WarmParent

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers"),
    pytest.mark.skipif(shutil.which("dtach") is None, reason="the sandbox's tools image takes dtach from this machine"),
]
EVERYTHING = ceiling_of([action.value for action in Action])
EXEC: dict[str, object] = {"kind": "exec", "container": "cart"}
DEBUG: dict[str, object] = {"kind": "debug"}
NODE: dict[str, object] = {"kind": "node", "namespace": "", "pod": "", "node": "worker-1"}


@pytest.fixture(scope="module")
def parent() -> Iterator[WarmParent]:
    with WarmParent() as parent:
        yield parent


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory, parent: WarmParent) -> AsyncIterator[Stack]:
    """Its agent is a process, to be killed."""
    async with Stack(tmp_path_factory.mktemp("stack"), parent, agent_process=True, ceiling=EVERYTHING) as stack:
        yield stack


@pytest.fixture
def env(stack: Stack) -> dict[str, str]:
    token = stack.folder / "token"
    token.touch(0o600)
    token.write_text(stack.token)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PODSHELL_", "KUBECONFIG"))}
    return {**clean, "HOME": str(stack.folder), "PODSHELL_TOKEN_FILE": str(token), "TERM": "xterm-256color"}


async def left_session(stack: Stack, where: dict[str, object]) -> str:
    """Open a session, do something in it, and leave it running."""
    session, ticket = await stack.open_session(**where)
    async with TerminalClient(stack.api, session, ticket) as terminal:
        await terminal.type(b"export X=1; sleep 1729 & echo first:$((40+2)):\r")
        await terminal.wait_output(b"first:42:")
    return session


def attach(stack: Stack, env: dict[str, str], session: str) -> CliTerminal:
    return CliTerminal(["--gateway", stack.url, "--session", session], env)


async def ask(terminal: CliTerminal, word: str, expected: str) -> None:
    terminal.type(f"echo {word}:$((X+1)):\r".encode())
    await terminal.expect(f"{word}:{expected}:".encode())


@pytest.mark.parametrize("where", [DEBUG, NODE], ids=["debug", "node"])
async def test_a_session_is_come_back_to_left_by_keys_and_ended_with_its_code(
    stack: Stack, env: dict[str, str], where: dict[str, object]
) -> None:
    session = await left_session(stack, where)
    async with attach(stack, env, session) as terminal:
        await terminal.expect(b"first:42:")  # what it printed before
        await ask(terminal, "again", "2")
        terminal.type(b"\x10\x11")
        assert await terminal.wait() == 0
        assert terminal.is_restored
        assert f"podshell exec --session {session}".encode() in terminal.seen
    assert (await stack.session(session))["state"] == "running"
    async with attach(stack, env, session) as terminal:
        await ask(terminal, "third", "2")
        terminal.type(b"exit 7\r")
        assert await terminal.wait() == 7
    await settled(lambda: not stack.cluster.sandbox.store.list(JOB), "no Job of ours")


async def test_after_an_agent_restart_each_is_told_whether_it_is_the_same_shell(stack: Stack, env: dict[str, str]) -> None:
    """True for both: a held shell has its state and is said to, an exec session has not and is said to be new."""
    places = (EXEC, DEBUG, NODE)
    sessions = [await left_session(stack, where) for where in places]
    async with attach(stack, env, sessions[0]) as new, attach(stack, env, sessions[1]) as debug, attach(stack, env, sessions[2]) as node:
        for terminal in (new, debug, node):
            await ask(terminal, "before", "2")
        await stack.cluster.kill_agent()
        await stack.wait_online(stack.cluster.name, online=False)
        await stack.cluster.start_agent()
        await asyncio.gather(new.expect(NEW_SHELL.encode()), *(held.expect(SAME_SHELL.encode()) for held in (debug, node)))
        await ask(new, "after", "1")
        for held in (debug, node):
            await ask(held, "after", "2")
            assert NEW_SHELL.encode() not in held.seen
        assert SAME_SHELL.encode() not in new.seen


async def test_a_lost_way_to_a_held_shell_is_told_as_that_and_the_shell_goes_on(stack: Stack, env: dict[str, str]) -> None:
    session = await left_session(stack, DEBUG)
    async with attach(stack, env, session) as terminal:
        await ask(terminal, "before", "2")
        stack.cluster.api_proxy.cut()
        await terminal.expect(b"it goes on and is attached to again")
        await terminal.expect(SAME_SHELL.encode())
        await ask(terminal, "after", "2")
        assert b"starting a new one" not in terminal.seen
