"""Every recorded exec, attach, refusal and orphan, played against the sandbox.

All are replayed at once (most of their time is waiting), each against a server and containers of its own; a test then
tells how one of them went.  ``NOT_MATCHED`` lists what the sandbox does not do, with the reason.
"""

from __future__ import annotations

import asyncio

import pytest
from transcript_replay import TRANSCRIPTS, Replay

from podshell.sandbox.runtime import Runtime, can_isolate

NOT_MATCHED: dict[str, str] = {
    "orphans/kubectl-killed-spdy-nontty-sh": "SPDY is not served: kubectl and our client speak WebSocket",
    "orphans/kubectl-killed-spdy-nontty-sleep": "SPDY is not served",
    "orphans/kubectl-killed-spdy-tty-sh": "SPDY is not served",
    "orphans/kubectl-killed-spdy-tty-sleep": "SPDY is not served",
    "orphans/kubectl-killed-ws-nontty-sh": "holds no frames: test_killed_kubectl plays it with the real kubectl",
    "orphans/kubectl-killed-ws-nontty-sleep": "holds no frames: test_killed_kubectl",
    "orphans/kubectl-killed-ws-tty-sh": "holds no frames: test_killed_kubectl",
    "orphans/kubectl-killed-ws-tty-sleep": "holds no frames: test_killed_kubectl",
}
FOLDERS = ("exec", "refused", "rbac", "frames", "attach", "orphans")
NAMES = [f"{folder}/{path.stem}" for folder in FOLDERS for path in sorted((TRANSCRIPTS / folder).glob("*.json"))]
_AT_ONCE = 24  # replays that run together; nearly all of them wait
# A client or a process that was late on a busy machine has played another scene: it is played again, by itself.
_MOST_TRIES = 4

pytestmark = pytest.mark.skipif(not can_isolate(), reason="needs namespaces: root with CAP_SYS_ADMIN")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    return asyncio.run(_replay_all(Runtime(tmp_path_factory.mktemp("sandbox"))))


async def _replay_all(runtime: Runtime) -> dict[str, list[str]]:
    await runtime.start()
    turns = asyncio.Semaphore(_AT_ONCE)
    outcomes: dict[str, list[str]] = {}
    late: list[str] = []

    async def replay(one: Replay) -> None:
        async with turns:
            outcomes[one.name] = await one.run(runtime)
        if outcomes[one.name] and one.late:
            late.append(one.name)

    try:
        replays = sorted((Replay(name) for name in NAMES if name not in NOT_MATCHED), key=lambda one: -one.life_seconds)
        async with asyncio.TaskGroup() as group:
            for one in replays:
                group.create_task(replay(one))
        for name in late:
            for _ in range(_MOST_TRIES - 1):
                again = Replay(name)
                outcomes[name] = await again.run(runtime)
                if not outcomes[name] or not again.late:
                    break
    finally:
        await runtime.stop()
    return outcomes


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_MATCHED])
def test_the_sandbox_answers_as_recorded(name: str, outcomes: dict[str, list[str]]) -> None:
    assert outcomes[name] == []


def test_at_most_one_in_five_is_not_matched() -> None:
    assert len(NOT_MATCHED) * 5 <= len(NAMES)
    assert not set(NOT_MATCHED) - set(NAMES)
