"""Whether a container is still the one that a session was opened in."""

from __future__ import annotations

import pytest
from agent_fakes import running_pod

from podshell.agent.targets import Gone, Leaving, TargetIdentity, choose_container, identify, target_state
from podshell.kube.objects import Container, ContainerState, ContainerStatus, ObjectMeta, Pod, PodSpec, PodStatus, Running, Terminated
from podshell.wire.errors import ErrorCode, Refusal

TARGET = TargetIdentity("shop", "web-0", "u1", "app", "containerd://1")


def with_status(status: ContainerStatus, *, phase: str = "Running") -> Pod:
    return Pod(running_pod().metadata, running_pod().spec, PodStatus(phase=phase, container_statuses=(status,)))


def test_the_same_container_is_nothing_new() -> None:
    assert identify(running_pod(), "app") == TARGET
    assert target_state(TARGET, running_pod()) is None


@pytest.mark.parametrize(
    ("pod", "text"),
    [
        (None, "the pod web-0 was deleted"),
        (Pod(ObjectMeta(name="web-0", namespace="shop", uid="another")), "the pod web-0 was deleted"),
        (Pod(running_pod().metadata, status=PodStatus(phase="Failed", reason="Evicted")), "the pod web-0 has ended (Failed: Evicted)"),
        (running_pod("containerd://2"), "the container app was replaced"),
        (
            with_status(
                ContainerStatus(
                    name="app",
                    container_id="containerd://2",
                    state=ContainerState(running=Running()),
                    last_state=ContainerState(terminated=Terminated(exit_code=1, reason="Error")),
                )
            ),
            "the container app has ended (Error, exit code 1)",
        ),
    ],
)
def test_what_makes_a_target_gone(pod: Pod | None, text: str) -> None:
    assert target_state(TARGET, pod) == Gone(text)


def test_a_pod_that_is_being_deleted_still_runs() -> None:
    metadata = ObjectMeta(name="web-0", namespace="shop", uid="u1", deletion_timestamp="now", deletion_grace_period_seconds=30)
    pod = Pod(metadata, running_pod().spec, running_pod().status)
    assert target_state(TARGET, pod) == Leaving("the pod web-0 is being deleted: this shell ends within 30 s")


def test_the_choice_of_a_container() -> None:
    one = running_pod()
    assert choose_container(one, "") == "app"
    several = Pod(one.metadata, PodSpec(containers=(Container("a"), Container("b")), init_containers=(Container("i"),)))
    refusal = choose_container(several, "")
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.details["containers"]) == (ErrorCode.CONTAINER_REQUIRED, ["a", "b"])
    assert choose_container(several, "i") == "i"
    missing = choose_container(several, "c")
    assert isinstance(missing, Refusal)
    assert missing.code is ErrorCode.NOT_FOUND
    assert missing.message == "container c is not valid for pod web-0 out of: a, b, i (init)"
