"""How a start is judged: from one pod as it is, from events, and from its node. Words and objects are those that Kubernetes 1.36 says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from podshell.kube.hazards import Broken, judge_event, judge_node
from podshell.kube.objects import Event, Node, Pod
from podshell.kube.starting import History, Progress, Running, judge
from podshell.kube.waiter import NO_FOLDER_CODE

NO_SUCH_IMAGE = 'failed to pull and unpack image "example.com/nope:1": failed to resolve reference "example.com/nope:1": not found'


def pod(state: dict[str, Any] | None = None, *, phase: str = "Pending", ephemeral: bool = False, **status: object) -> Pod:
    metadata: dict[str, Any] = {"name": "tools", "namespace": "lab"}
    if status.pop("deleting", False):
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    statuses = [] if state is None else [{"name": "shell", "image": "example.com/nope:1", "state": state}]
    where = "ephemeralContainerStatuses" if ephemeral else "containerStatuses"
    made = {"metadata": metadata, "spec": {"nodeName": "worker-1"}, "status": {"phase": phase, where: statuses, **status}}
    return msgspec.convert(made, Pod)


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def ended(code: int, reason: str = "Error", message: str = "") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


@pytest.mark.parametrize("ephemeral", [False, True])
def test_a_running_container_has_started(ephemeral: bool) -> None:
    made = pod({"running": {"startedAt": "2026-01-01T00:00:00Z"}}, phase="Running", ephemeral=ephemeral)
    assert judge(made, "shell", History()) == Running(made)


@pytest.mark.parametrize("reason", ["", "ContainerCreating", "PodInitializing"])
def test_what_takes_its_time_is_progress(reason: str) -> None:
    assert isinstance(judge(pod(waiting(reason)), "shell", History()), Progress)


def test_a_pod_of_which_no_kubelet_has_said_anything_is_progress_and_its_node_is_known() -> None:
    history = History()
    assert isinstance(judge(pod(), "shell", history), Progress)
    assert history.node == "worker-1"


@pytest.mark.parametrize(
    "reason",
    [
        *("ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError", "RegistryUnavailable"),
        *("SignatureValidationFailed", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"),
        *("PostStartHookError", "CrashLoopBackOff"),
    ],
)
def test_what_will_not_heal_ends_the_wait_with_the_servers_words(reason: str) -> None:
    broken = judge(pod(waiting(reason, "the server's words")), "shell", History())
    assert isinstance(broken, Broken)
    assert (broken.reason, broken.message) == (reason, "the server's words")
    assert broken.next_step


def test_an_image_that_is_not_there_is_said_at_the_first_try() -> None:
    broken = judge(pod(waiting("ErrImagePull", NO_SUCH_IMAGE)), "shell", History())
    assert isinstance(broken, Broken)
    assert broken.object == "image example.com/nope:1"


def test_a_registry_that_stumbles_is_given_another_try_and_its_words_are_kept() -> None:
    history = History()
    assert isinstance(judge(pod(waiting("ErrImagePull", "connection reset by peer")), "shell", history), Progress)
    broken = judge(pod(waiting("ImagePullBackOff", "Back-off pulling image")), "shell", history)
    assert isinstance(broken, Broken)
    assert broken.message == "connection reset by peer"


def test_a_pod_that_forbids_root_names_the_profile_that_helps() -> None:
    message = "container has runAsNonRoot and image will run as root"
    broken = judge(pod(waiting("CreateContainerConfigError", message)), "shell", History())
    assert isinstance(broken, Broken)
    assert "--profile restricted" in broken.next_step


@pytest.mark.parametrize("reason", ["OutOfcpu", "UnexpectedAdmissionError", "PodOSNotSupported", "Evicted", "DeadlineExceeded"])
def test_a_pod_that_its_kubelet_refuses_is_told_in_the_kubelets_words(reason: str) -> None:
    broken = judge(pod(phase="Failed", reason=reason, message="Pod was rejected: no"), "shell", History())
    assert isinstance(broken, Broken)
    assert (broken.reason, broken.message) == (reason, "Pod was rejected: no")


def test_a_container_that_ends_at_once_tells_its_code() -> None:
    broken = judge(pod(ended(128, "StartError", "exec: no such file")), "shell", History())
    assert isinstance(broken, Broken)
    assert (broken.reason, broken.message) == ("StartError", "the container ended at once with code 128: exec: no such file")


def test_an_image_without_a_writable_folder_is_known_by_the_waiters_code() -> None:
    for made in (pod(ended(NO_FOLDER_CODE)), pod(ended(NO_FOLDER_CODE), phase="Failed")):
        broken = judge(made, "shell", History())
        assert isinstance(broken, Broken)
        assert "no folder" in broken.message


def test_a_pod_that_is_deleted_meanwhile_is_not_waited_for() -> None:
    broken = judge(pod(waiting("ContainerCreating"), deleting=True), "shell", History())
    assert isinstance(broken, Broken)
    assert broken.reason == "Deleted"


def test_a_pod_that_no_node_takes_is_told_in_the_schedulers_words() -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"}
    broken = judge(pod(conditions=[condition]), "shell", History())
    assert isinstance(broken, Broken)
    assert (broken.reason, broken.message) == ("Unschedulable", "0/3 nodes are available")


def event(reason: str, message: str, kind: str = "Pod") -> Event:
    about = {"kind": kind, "namespace": "lab", "name": "tools"}
    return msgspec.convert({"metadata": {"name": "e"}, "involvedObject": about, "reason": reason, "message": message}, Event)


def test_a_path_of_another_type_ends_the_wait_and_a_secret_that_may_still_come_does_not() -> None:
    failed = 'MountVolume.SetUp failed for volume "mask" : '
    broken = judge_event(event("FailedMount", failed + "hostPath type check failed: /run/containerd is not a directory"))
    assert broken is not None
    assert broken.object == "pod lab/tools"
    assert judge_event(event("FailedMount", failed + 'secret "mine" not found')) is None
    assert judge_event(event("Pulling", "Pulling image")) is None


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ('pods "x" is forbidden: exceeded quota: no-pods, requested: pods=1, used: pods=0, limited: pods=0', "quota"),
        ('pods "x" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)', "enforce=privileged"),
        ('admission webhook "policy.example.com" denied the request: no tools here', "ask its owner"),
    ],
)
def test_a_job_that_may_make_no_pod_says_who_can_change_that(text: str, step: str) -> None:
    broken = judge_event(event("FailedCreate", f"Error creating: {text}", "Job"))
    assert broken is not None
    assert broken.object == "job lab/tools"
    assert step in broken.next_step


def test_a_job_whose_controller_meets_a_busy_server_is_waited_for() -> None:
    text = "Error creating: the server was unable to return a response in the time allotted"
    assert judge_event(event("FailedCreate", text, "Job")) is None


def node(status: str) -> Node:
    condition = {"type": "Ready", "status": status, "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
    return msgspec.convert({"metadata": {"name": "worker-1"}, "status": {"conditions": [condition]}}, Node)


def test_a_node_that_is_not_ready_or_gone_ends_the_wait() -> None:
    assert judge_node(node("True"), "worker-1") is None
    unknown = judge_node(node("Unknown"), "worker-1")
    assert unknown is not None
    assert (unknown.reason, "Kubelet stopped posting" in unknown.message) == ("NodeNotReady", True)
    gone = judge_node(None, "worker-1")
    assert gone is not None
    assert gone.reason == "NodeGone"
