"""A session from its opening to its end, with a cluster in memory."""

from __future__ import annotations

import pytest
from agent_fakes import Lab, Screen, running_pod

from podshell.agent.ends import Stop
from podshell.agent.inputs import INPUT_WINDOW_BYTES
from podshell.kube import shells
from podshell.kube.classify import Failed, FailureKind
from podshell.kube.exec_ends import Exited, Lost, LostReason
from podshell.kube.objects import ContainerState, ContainerStatus, Pod, PodStatus, Terminated
from podshell.wire.calls import Predecessor
from podshell.wire.errors import ErrorCode

BROKEN = Lost(LostReason.TRANSPORT, "the connection to the API server broke")


async def test_the_lifeline_is_told_whom_it_guards_and_the_gateway_too() -> None:
    async with Lab() as lab:
        assert bytes(lab.cluster.lifelines[0].stdin) == b"p\ns 41 777\n"
        kind, facts = lab.told[0]
        assert (kind, facts["sid"], facts["start_ticks"], facts["pod_uid"], facts["container"]) == ("opened", 41, 777, "u1", "app")
        assert facts["nonce"] in lab.shell.command


async def test_input_waits_for_the_shell_and_reaches_it_once() -> None:
    lab = Lab()
    viewer = lab.attach(Screen())
    viewer.type(b"ls\n")
    async with lab:
        assert bytes(lab.shell.stdin) == b"ls\n"
        lab.session.receive_input(viewer.consumer, 0, b"ls\npwd\n", auto=False)
        lab.session.receive_input(viewer.consumer, 0, b"ls\npwd\n", auto=False)
        assert bytes(lab.shell.stdin) == b"ls\npwd\n"
        assert viewer.screen.windows[-1] == (7, 7 + INPUT_WINDOW_BYTES)


async def test_a_reconnect_is_told_which_input_was_taken() -> None:
    async with Lab() as lab:
        viewer = lab.attach(Screen())
        lab.shell.stdin_writable = False
        viewer.type(b"echo one\n")
        viewer.vanish()
        again = Screen()
        lab.attach(again)
        assert again.attached is not None
        assert (again.attached.input_taken, again.attached.input_limit) == (9, INPUT_WINDOW_BYTES)
        lab.shell.stdin_writable = True
        lab.session.shell_writable()
        assert bytes(lab.shell.stdin) == b"echo one\n"


async def test_a_process_that_does_not_read_bounds_what_a_viewer_may_send() -> None:
    async with Lab() as lab:
        viewer = lab.attach(Screen())
        lab.shell.stdin_writable = False
        viewer.type(b"x" * (INPUT_WINDOW_BYTES + 5))
        assert viewer.screen.windows == []
        lab.shell.stdin_writable = True
        lab.session.shell_writable()
        assert len(lab.shell.stdin) == INPUT_WINDOW_BYTES


async def test_observers_cannot_type() -> None:
    async with Lab() as lab:
        viewer = lab.attach(Screen(), role="observer")
        assert viewer.screen.attached is not None
        assert viewer.screen.attached.input_limit == 0
        viewer.type(b"rm -rf /\n")
        assert bytes(lab.shell.stdin) == b""


async def test_an_exit_is_told_with_its_code_after_the_lifeline_has_reported() -> None:
    async with Lab() as lab:
        viewer = lab.attach(Screen())
        lab.cluster.lifeline_report = b"k 50 sleep\nl 60 my daemon\nd\n"
        lab.shell.end(Exited(7))
        end = await lab.end()
        assert (end.reason, end.exit_code, end.left) == ("exited", 7, ["my daemon (pid 60)"])
        await lab.until(lambda: viewer.screen.end)
        assert lab.told[-1][1]["left"] == ["my daemon (pid 60)"]


async def test_a_lost_shell_is_followed_by_a_new_one_and_the_log_goes_on() -> None:
    async with Lab() as lab:
        viewer = lab.attach(Screen())
        viewer.type(b"x")
        before = lab.session.log.head
        lab.shell.end(BROKEN)
        await lab.until(lambda: "restarted" in viewer.screen.kinds)
        assert viewer.screen.kinds[-2:] == ["restarting", "restarted"]
        assert lab.session.incarnation == 2
        assert [kind for kind, _ in lab.told] == ["opened", "restarted"]
        assert lab.cluster.lifelines[0].stdin.endswith(b"end\n")
        assert bytes(viewer.screen.output) == b"$ $ "
        assert lab.session.log.head > before
        viewer.type(b"y")
        assert bytes(lab.shell.stdin) == b"y"


async def test_a_command_that_was_lost_is_not_run_twice() -> None:
    async with Lab(command=["./migrate", "--all"]) as lab:
        lab.shell.end(BROKEN)
        end = await lab.end()
        assert (end.reason, end.exit_code) == ("lost", None)
        assert end.message == "the connection to the API server broke; it was ended and is not run a second time"
        assert len(lab.cluster.shells) == 1
        assert lab.cluster.lifelines[0].stdin.endswith(b"end\n")


async def test_a_command_is_not_run_again_by_a_successor_but_what_it_left_is_ended() -> None:
    lab = Lab(command=["./migrate"], incarnation=2, predecessor=Predecessor("u1", "app", 33, 555, "ab" * 16))
    async with lab:
        end = await lab.end()
        assert end.reason == "lost"
        assert "not run a second time" in end.message
        assert lab.cluster.shells == []
        assert bytes(lab.cluster.lifelines[0].stdin) == b"s 33 555\nend\n"


async def test_input_for_a_lost_shell_is_dropped_and_not_typed_into_the_next() -> None:
    async with Lab() as lab:
        viewer = lab.attach(Screen())
        lab.shell.stdin_writable = False
        viewer.type(b"rm -rf build\n")
        lab.shell.end(BROKEN)
        await lab.until(lambda: lab.session.incarnation == 2 and lab.session.state == "running")
        assert bytes(lab.shell.stdin) == b""
        assert viewer.screen.windows[-1][0] == len(b"rm -rf build\n")


async def test_a_lost_lifeline_restarts_the_session_too() -> None:
    async with Lab() as lab:
        lab.cluster.lifelines[0].end(BROKEN)
        lab.shell.end(Exited(137))  # as the lifeline does it
        await lab.until(lambda: lab.task is not None and (lab.task.done() or lab.session.incarnation == 2))


async def test_a_shell_that_is_lost_with_its_pod_ends_with_that_reason() -> None:
    async with Lab() as lab:
        lab.cluster.pod = None
        lab.shell.end(BROKEN)
        end = await lab.end()
        assert (end.reason, end.message) == ("target_gone", "the pod web-0 was deleted")


async def test_an_exit_by_kill_with_its_container_ends_with_that_reason() -> None:
    async with Lab() as lab:
        lab.cluster.pod = _terminated("OOMKilled")
        lab.shell.end(Exited(137))
        end = await lab.end()
        assert (end.reason, end.message) == ("target_gone", "the container app has ended (OOMKilled, exit code 137)")


async def test_an_exit_by_kill_alone_is_an_exit() -> None:
    async with Lab() as lab:
        lab.shell.end(Exited(137))
        end = await lab.end()
        assert (end.reason, end.exit_code) == ("exited", 137)


async def test_the_watch_of_the_pod_ends_the_session_without_waiting_for_anybody() -> None:
    async with Lab() as lab:
        lab.session.note_pod(_terminated("Error"))
        end = await lab.end()
        assert end.reason == "target_gone"
        assert lab.shell.aborted
        assert not lab.cluster.lifelines[0].stdin.endswith(b"end\n")


async def test_a_shell_must_not_stay_when_its_lifeline_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shells, "_STATUS_SECONDS", 0.0)  # nobody answers
    lab = Lab()
    lab.cluster.lifeline_refusal = Failed(FailureKind.SERVER, "no more execs", "Try again.")
    async with lab:
        end = await lab.end()
        assert end.reason == "failed"
        assert "nothing could watch over it" in end.message
        assert lab.shell.aborted
        assert bytes(lab.shell.stdin) == b"\x03\x03\x04"
        assert len(end.unkilled) == 1


async def test_a_container_without_sh_is_tried_at_the_usual_places_and_then_refused() -> None:
    lab = Lab()
    lab.cluster.shell_failure = Failed(FailureKind.SHELL_MISSING, 'exec: "sh": not found', "Open a debug container.")
    async with lab:
        end = await lab.end()
        assert end.refusal is not None
        assert (end.reason, end.refusal.code) == ("failed", ErrorCode.SHELL_MISSING)
        assert [shell.command[0] for shell in lab.cluster.shells] == ["sh", "/bin/sh", "/busybox/sh", "/bin/bash"]


async def test_a_refused_exec_says_which_right_is_missing() -> None:
    lab = Lab()
    lab.cluster.shell_refusal = Failed(FailureKind.RBAC, "pods is forbidden", "Ask.", 403, verb="create", resource="pods/exec")
    async with lab:
        end = await lab.end()
        assert end.refusal is not None
        assert (end.refusal.code, end.refusal.details["verb"]) == (ErrorCode.FORBIDDEN_BY_KUBERNETES, "create")
        assert end.unkilled == []


async def test_a_successor_first_ends_what_its_predecessor_left() -> None:
    lab = Lab(incarnation=2, predecessor=Predecessor("u1", "app", 33, 555, "ab" * 16))
    async with lab:
        cleaner = lab.cluster.lifelines[0]
        assert "ab" * 16 in cleaner.command
        assert bytes(cleaner.stdin) == b"s 33 555\nend\n"
        assert lab.told[0][0] == "restarted"


async def test_a_predecessor_in_another_pod_is_not_looked_for() -> None:
    async with Lab(incarnation=2, predecessor=Predecessor("u0", "app", 33, 555, "ab" * 16)) as lab:
        assert all("ab" * 16 not in lifeline.command for lifeline in lab.cluster.lifelines)


@pytest.mark.parametrize("reason", ["closed", "revoked", "agent_stopped"])
async def test_a_stop_ends_the_shell_by_its_lifeline(reason: str) -> None:
    async with Lab() as lab:
        lab.session.stop(Stop(reason, "because"))
        end = await lab.end()
        assert (end.reason, end.message, end.unkilled) == (reason, "because", [])
        assert lab.cluster.lifelines[0].stdin.endswith(b"end\n")


def _terminated(reason: str) -> Pod:
    state = ContainerState(terminated=Terminated(exit_code=137, reason=reason))
    status = ContainerStatus(name="app", container_id="containerd://1", state=state)
    pod = running_pod()
    return Pod(pod.metadata, pod.spec, PodStatus(phase="Running", container_statuses=(status,)))


async def test_a_session_that_goes_on_with_the_next_agent_is_not_told_as_ended() -> None:
    async with Lab() as lab:
        viewer = lab.attach(Screen())
        lab.session.goes_on_elsewhere = True
        lab.session.stop(Stop("agent_stopped", "the agent of this cluster was stopped"))
        await lab.session.settled.wait()
        assert lab.cluster.lifelines[0].stdin.endswith(b"end\n")
        assert [kind for kind, _ in lab.told] == ["opened"]
        assert viewer.screen.end is None
        assert lab.session.ended_with is None
