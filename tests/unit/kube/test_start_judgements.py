"""How a start is judged: from one pod as it is, from events, and from its node. Words and objects are those that Kubernetes 1.36 says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from podshell.kube.hazards import judge_node, network_problem
from podshell.kube.node_pods import node_problem
from podshell.kube.objects import Event, Node, Pod
from podshell.kube.start_events import Broken, judge_event
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


def test_a_registry_that_refuses_connections_is_not_asked_again() -> None:
    # transcripts/ephemeral/image-pull-failure: 29 s go by before the status says ImagePullBackOff
    message = 'failed to do request: Head "https://localhost/v2/nope/manifests/1": dial tcp 192.0.2.1:443: connect: connection refused'
    broken = judge(pod(waiting("ErrImagePull", message), ephemeral=True), "shell", History())
    assert isinstance(broken, Broken)
    assert (broken.reason, broken.message) == ("ErrImagePull", message)


STOPPED = "Kubelet stopped posting node status."
# kubernetes pkg/kubelet/kubelet.go (updateRuntimeUp) with containerd's words; pkg/kubelet/runtime.go
NO_NETWORK = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)


def node(status: str, message: str = STOPPED) -> Node:
    condition = {"type": "Ready", "status": status, "reason": "KubeletNotReady", "message": message}
    return msgspec.convert({"metadata": {"name": "worker-1"}, "status": {"conditions": [condition]}}, Node)


def test_a_node_that_is_not_ready_or_gone_ends_the_wait() -> None:
    assert judge_node(node("True"), "worker-1") is None
    unknown = judge_node(node("Unknown"), "worker-1")
    assert unknown is not None
    assert (unknown.object, unknown.reason) == ("node worker-1", "NodeNotReady")
    assert "node worker-1" in unknown.message
    assert "Kubelet stopped posting" in unknown.message
    gone = judge_node(None, "worker-1")
    assert gone is not None
    assert gone.reason == "NodeGone"


def test_a_node_without_a_network_plugin_starts_pods_on_its_own_network_and_that_is_said() -> None:
    assert judge_node(node("False", NO_NETWORK), "worker-1") is None
    assert "worker-1" in network_problem(node("False", NO_NETWORK))
    assert NO_NETWORK in network_problem(node("False", NO_NETWORK))


def test_a_node_pod_is_made_where_only_the_network_plugin_is_missing() -> None:
    def linux(message: str) -> Node:
        made = node("False", message)
        return msgspec.structs.replace(made, metadata=msgspec.structs.replace(made.metadata, labels={"kubernetes.io/os": "linux"}))

    assert node_problem(linux(NO_NETWORK), "linux") is None
    assert node_problem(linux("container runtime is down"), "linux") is not None


def test_a_node_without_a_network_plugin_starts_no_container_in_other_pods() -> None:
    """A kubelet looks at no pod that is not on the node's network, though it runs (kubernetes pkg/kubelet/kubelet.go, SyncPod)."""
    broken = judge_node(node("False", NO_NETWORK), "worker-1", host_network=False)
    assert broken is not None
    assert (broken.object, broken.reason) == ("node worker-1", "NodeNotReady")
    assert "cni plugin not initialized" in broken.message
    assert "kubectl shell worker-1" in broken.next_step


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("False", "container runtime is down"),
        ("False", "PLEG is not healthy: pleg was last seen active 3m5s ago; threshold is 3m0s"),
        ("False", f"[container runtime is down, {NO_NETWORK}]"),
        ("False", f"[{NO_NETWORK}, CSINode is not yet initialized]"),
        ("Unknown", NO_NETWORK),
        ("Unknown", STOPPED),
        ("True", "kubelet is posting ready status"),
    ],
)
def test_only_the_network_alone_is_no_reason_to_give_up(status: str, message: str) -> None:
    assert network_problem(node(status, message)) == ""
    assert (judge_node(node(status, message), "worker-1") is None) == (status == "True")


def test_what_is_going_on_is_said_once_and_what_says_more_is_not_replaced_by_what_says_less() -> None:
    history = History()
    said: list[str] = []
    for text in ("the container is being created", "pulling the image x on node n") * 2:
        history.tell(text, said.append)
    assert said == ["the container is being created", "pulling the image x on node n"]
    history.image, history.node = "x", "worker-1"
    assert history.last_text() == "pulling the image x on node n (node worker-1)"


def test_a_long_text_is_one_line_of_progress_and_no_more() -> None:
    said: list[str] = []
    History().tell("x" * 5000, said.append)
    assert [len(text) for text in said] == [500]
