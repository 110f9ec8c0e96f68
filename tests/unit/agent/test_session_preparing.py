"""A session whose container is made first: who tells of its end meanwhile, and what runs in it then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from agent_fakes import EPOCH, FakeCluster, Lab, VirtualClock

from podshell.agent.output_log import OutputBudget
from podshell.agent.preparing import PreparationListener, Ready
from podshell.agent.sessions import Session
from podshell.agent.surroundings import SessionSurroundings
from podshell.agent.targets import TargetIdentity
from podshell.aio.backoff import Backoff
from podshell.wire.calls import OpenSession
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.tools import MadeContainer

TARGET = TargetIdentity("podshell", "p", "u1", "shell", "containerd://1")
MADE = MadeContainer("job", "podshell", "p", "u1", "shell")
WHY = Refusal(ErrorCode.START_FAILED, RefusedBy.NODE, "the mount point could not be made", "choose another node")


class Maker:
    """A preparation that is done when the test says so."""

    def __init__(self, outcome: Ready | Refusal) -> None:
        self.done = asyncio.Event()
        self._outcome = outcome

    async def make(self, listener: PreparationListener) -> Ready | Refusal:
        listener.note_made(MADE, TARGET)
        await self.done.wait()
        return self._outcome

    def words(self, command: Sequence[str]) -> Sequence[str]:
        return ("nsenter", *command)

    async def end(self) -> str:
        return ""


def session_of(maker: Maker, cluster: FakeCluster, command: list[str]) -> Session:
    lab = Lab()  # for its ledger
    around = SessionSurroundings(cluster, VirtualClock(), OutputBudget(1 << 20), lab, EPOCH, 1 << 16, Backoff)
    opening = OpenSession("s1", "node", "", "", "ada", node="worker-1", command=command)
    return Session(opening, TargetIdentity("", "", "", ""), around, maker)


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_pod_that_ends_while_it_is_made_ends_the_session_with_the_makers_reason() -> None:
    """Its watch would only say that it has ended; and one that is made once more has not ended for its user at all."""
    maker = Maker(WHY)
    session = session_of(maker, FakeCluster(), [])
    running = asyncio.create_task(session.run())
    await turns()
    session.note_pod(None)
    await turns()
    assert not running.done()
    maker.done.set()
    assert (await running).message == WHY.message


@pytest.mark.parametrize("command", [[], ["ip", "netns"]])
async def test_what_runs_is_what_the_preparation_makes_of_the_command(command: list[str]) -> None:
    maker, cluster = Maker(Ready(TARGET, MADE)), FakeCluster()
    session = session_of(maker, cluster, command)
    running = asyncio.create_task(session.run())
    maker.done.set()
    for _ in range(1000):
        if cluster.shells:
            break
        await asyncio.sleep(0)
    assert list(cluster.shells[-1].command)[-len(command) - 1 :] == ["nsenter", *command]
    running.cancel()
    await asyncio.wait([running])
