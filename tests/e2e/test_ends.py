"""Whatever ends a shell, nothing of it stays: read by a second exec in the container, and in a sandbox from outside as well."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from cluster_pods import ClusterPods, Left
from running_podshell import RunningPodshell, agent_process, running_gateway, running_podshell

from podshell.gateway.journal import SessionRecord
from terminal_client import TerminalClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

# A job in the background; then, in the foreground and with the terminal in raw mode, one that ignores all that can be ignored.
STUBBORN = b'sleep 3111 & sh -c \'stty raw -echo; trap "" HUP INT TERM QUIT TSTP; echo stub""born; while :; do sleep 1; done\'\n'
# The ladder takes 2.2 s at most (kube/lifeline.sh); the way to the end of its standard input and a busy machine add to it.
LIFELINE_SECONDS = 15.0


async def make_stubborn(running: RunningPodshell, pods: ClusterPods, pod: str, terminal: TerminalClient) -> SessionRecord:
    """Fill a shell with processes that do not want to end, and see them."""
    await terminal.type(STUBBORN)
    await terminal.wait_output(b"stubborn")
    record = await running.record(terminal)
    await pods.until_left(lambda left: len(left.members) >= 4, "shell, job, stubborn program, its sleep", pod, record.sid, record.nonce)
    return record


async def test_closing_ends_a_program_in_raw_mode_that_ignores_signals_and_its_jobs(
    podshell: RunningPodshell, pods: ClusterPods, pod: str
) -> None:
    async with podshell.shell(pod) as terminal:
        record = await make_stubborn(podshell, pods, pod, terminal)
        await terminal.close_session()
        end = await terminal.wait_end()
    assert (end.reason, end.left, end.unkilled) == ("closed", [], [])
    assert (await pods.left(pod, record.sid, record.nonce)).members == []
    await pods.until_left(lambda left: not left, "the lifeline's end", pod, record.sid, record.nonce)


async def test_a_shell_that_exits_takes_its_background_jobs_along(podshell: RunningPodshell, pods: ClusterPods, pod: str) -> None:
    async with podshell.shell(pod) as terminal:
        await terminal.type(b"(trap '' HUP; exec sleep 3112) & echo sta''rted\n")
        await terminal.wait_output(b"started\r\n")
        record = await podshell.record(terminal)
        assert len((await pods.left(pod, record.sid, record.nonce)).members) >= 2
        await terminal.type(b"exit 5\n")
        end = await terminal.wait_end()
    assert (end.reason, end.exit_code, end.unkilled) == ("exited", 5, [])
    assert (await pods.left(pod, record.sid, record.nonce)).members == []
    await pods.until_left(lambda left: not left, "the lifeline's end", pod, record.sid, record.nonce)


async def test_a_daemon_that_left_by_setsid_lives_and_is_named(podshell: RunningPodshell, pods: ClusterPods, pod: str) -> None:
    async with podshell.shell(pod) as terminal:
        await terminal.type(b"setsid sleep 3113 &\n")
        record = await podshell.record(terminal)

        def has_daemon(left: Left) -> bool:
            return any(one.name == "sleep" and one.sid != record.sid for one in left.carriers)

        await pods.until_left(has_daemon, "the daemon", pod, record.sid, record.nonce)
        await terminal.close_session()
        end = await terminal.wait_end()
    assert [name.split()[0] for name in end.left] == ["sleep"]
    left = await pods.left(pod, record.sid, record.nonce)
    assert left.members == []
    assert has_daemon(left)
    await pods.run(pod, "main", "sh", "-c", f"kill -9 {end.left[0].partition('(pid ')[2].rstrip(')')}")


async def test_a_terminal_that_only_leaves_ends_nothing(podshell: RunningPodshell, pods: ClusterPods, pod: str) -> None:
    """The counter-proof: the looks above would see a process that stays."""
    async with podshell.shell(pod) as terminal:
        record = await make_stubborn(podshell, pods, pod, terminal)
        terminal.drop()
        assert len((await pods.left(pod, record.sid, record.nonce)).members) >= 4


async def test_idle_shells_are_warned_and_closed(pods: ClusterPods, pod: str, folder: Path) -> None:
    async with running_podshell(pods, folder / "idle", idle_timeout_seconds=4.0) as running, running.shell(pod) as terminal:
        record = await running.record(terminal)
        warning = await terminal.wait_notice("idle_warning")
        assert warning.data.keys() == {"seconds"}
        end = await terminal.wait_end()
        assert (end.reason, end.unkilled) == ("idle", [])
        await pods.until_left(lambda left: not left, "the session's end", pod, record.sid, record.nonce)


async def test_an_agent_that_is_killed_leaves_nothing(pods: ClusterPods, pod: str, folder: Path) -> None:
    async with (
        running_gateway(pods, folder / "killed") as running,
        agent_process(running) as process,
        running.shell(pod, end=False) as terminal,
    ):
        record = await make_stubborn(running, pods, pod, terminal)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        seconds = await pods.until_left(lambda left: not left, "the session's end", pod, record.sid, record.nonce)
    assert seconds < LIFELINE_SECONDS


async def test_a_stopped_agent_ends_its_shells_and_the_next_one_goes_on_with_the_sessions(
    pods: ClusterPods, pod: str, folder: Path
) -> None:
    async with (
        running_gateway(pods, folder / "stopped") as running,
        agent_process(running) as process,
        running.shell(pod, end=False) as terminal,
    ):
        # one that follows HUP: the agent has 1.5 s to stop, and leaves to the lifelines what takes longer
        await terminal.type(b"echo rea''dy\n")
        await terminal.wait_output(b"ready\r\n")
        record, first = await running.record(terminal), terminal.epoch
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await process.wait()
        await pods.until_left(lambda left: not left, "the session's end", pod, record.sid, record.nonce)
        async with agent_process(running):
            await terminal.wait_for(lambda t: t.epoch not in ("", first), 60)
            assert terminal.attached is not None
            assert (terminal.attached.incarnation, terminal.attached.reset, terminal.end) == (2, True, None)
            await terminal.close_session()
            assert (await terminal.wait_end()).reason == "closed"


async def test_a_deleted_pod_ends_its_shells_with_the_reason(podshell: RunningPodshell, pods: ClusterPods) -> None:
    short = await pods.create()
    async with podshell.shell(short) as terminal:
        await terminal.type(b"echo rea''dy\n")
        await terminal.wait_output(b"ready\r\n")
        await pods.delete(short)
        end = await terminal.wait_end()
    assert end.reason == "target_gone"
    assert short in end.message
