"""Every start that cannot succeed ends by itself, says why, of what, and what to do next; and within 3 s of the event that says so.

One table for `kubectl shell` with the own kubeconfig; what differs through a gateway is in ../stack/test_stack_start_failures.py.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from shell_process import clean_environment, run

from podshell.sandbox import users
from podshell.sandbox.admission import WebhookDenial
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.content import Content, manifests
from podshell.sandbox.content.nodes import node
from podshell.sandbox.defaults import fill
from podshell.sandbox.kubelet.backoffs import Timings
from podshell.sandbox.kubelet.faults import OUT_OF_CPU, PodFault
from podshell.sandbox.rbac import Rule
from podshell.sandbox.resources import NODE, POD, RESOURCEQUOTA
from podshell.sandbox.store import Obj, WatchEvent
from sandbox_fixtures import MakeSandboxCluster

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")

VERDICT_SECONDS = 3.0
TIMED_OUT, FAILED, REFUSED = 124, 125, 126
# As slow as a real kubelet where it says the same twice: the events are what ends the wait.
RECORDED = Timings(forced_kill_seconds=0.05)
NODE_NAME = "worker-1"
IMAGE = "registry.example.com/nope:1"
NON_ROOT = "container has runAsNonRoot and image will run as root"
LIMITED = "limited"  # may do all but read namespaces

Arrange = Callable[[SandboxCluster], object]


@dataclass(frozen=True)
class Case:
    """What is asked for, what is in the way, and what is to be said of it.

    `cause`: words of the change, in the API server, that carries the cause; empty: it is known before anything is made, and nothing is.
    `when`: `disturb` happens when the pod's status or events say this.
    """

    words: list[str]
    code: int
    about: str
    reason: str
    step: str
    cause: str = ""
    arrange: Arrange = lambda _: None
    when: str = ""
    disturb: Arrange = lambda _: None
    user: str = users.ADMIN


ON_NODE = [NODE_NAME, "-n", "lab"]
IN_POD = ["-n", "lab", "pods/cart"]


def fault(**fields: object) -> Arrange:
    return lambda lab: lab.node_faults.add(PodFault(**fields))  # type: ignore[arg-type]  # fields by name


def quota(lab: SandboxCluster) -> None:
    lab.store.create(RESOURCEQUOTA, {"metadata": {"name": "no-pods", "namespace": "lab"}, "spec": {"hard": {"pods": "1"}}})


def deny(*resources: str) -> Arrange:
    return lambda lab: lab.server.admission.add(WebhookDenial(message="no tools here", resources=resources))


def lose_node(lab: SandboxCluster) -> None:
    gone = node(NODE_NAME, "192.0.2.1", version="v1.36.2", ready=False)
    lab.store.modify(NODE, None, NODE_NAME, lambda one: one.update(status=gone["status"]))


def delete_pod(lab: SandboxCluster) -> None:
    lab.store.delete(POD, "lab", "cart")


CASES = {
    "image of a node pod": Case(
        [*ON_NODE, "--image", IMAGE], FAILED, f"image {IMAGE}", "ErrImagePull", "--image-repo", "Error: ErrImagePull"
    ),
    "ImagePullBackOff of a node pod": Case(
        ON_NODE, FAILED, "image tools:1", "ImagePullBackOff: connection reset by peer", "--image-repo", "Error: ImagePullBackOff",
        arrange=fault(pull_error="connection reset by peer"),
    ),
    "image of a debug container": Case(
        [*IN_POD, "--image", IMAGE], FAILED, f"image {IMAGE}", "ErrImagePull", "--image-repo", "Error: ErrImagePull"
    ),
    "image that may not be pulled": Case(
        [*IN_POD, "--image", IMAGE, "--pull-policy", "Never"], FAILED, f"image {IMAGE}", "ErrImageNeverPull", "--pull-policy",
        "Error: ErrImageNeverPull",
    ),
    "CreateContainerConfigError of a node pod": Case(
        ON_NODE, FAILED, "pod lab/", "CreateContainerConfigError", "do not fit together", 'secret "keys" not found',
        arrange=fault(config_error='secret "keys" not found'),
    ),
    "CreateContainerConfigError of a debug container": Case(
        IN_POD, FAILED, "pod lab/cart", f"CreateContainerConfigError: {NON_ROOT}", "--profile restricted", NON_ROOT,
        arrange=fault(config_error=NON_ROOT),
    ),
    "kubelet": Case(
        ON_NODE, FAILED, "pod lab/", f"OutOfcpu: {OUT_OF_CPU.message}", "kubectl describe node", "OutOfcpu",
        arrange=fault(reject=OUT_OF_CPU),
    ),
    "Pod Security baseline, read first": Case(
        [NODE_NAME, "-n", "strict"], REFUSED, "namespace strict", "Pod Security level baseline",
        "use a namespace labelled pod-security.kubernetes.io/enforce=privileged",
    ),
    "Pod Security baseline, not to be read": Case(
        [NODE_NAME, "-n", "strict"], REFUSED, "in namespace strict", 'violates PodSecurity "baseline', "Pod Security level", user=LIMITED
    ),
    "Pod Security restricted, read first": Case(
        ["-n", "stricter", "pods/quiet", "--profile", "net"], REFUSED, "namespace stricter", "Pod Security level restricted",
        "open the shell without them",
    ),
    "Pod Security restricted, not to be read": Case(
        ["-n", "stricter", "pods/quiet"], REFUSED, 'pods "quiet"', 'violates PodSecurity "restricted', "Pod Security level", user=LIMITED
    ),
    "quota": Case(
        ON_NODE, REFUSED, "in namespace lab", "exceeded quota: no-pods, requested: pods=1", "ask its owner for a larger one", arrange=quota
    ),
    "admission of a node pod": Case(
        ON_NODE, REFUSED, "in namespace lab", 'admission webhook "policy.example.com" denied the request: no tools here',
        "ask the cluster's owner", arrange=deny("pods"),
    ),
    "admission of a debug container": Case(
        IN_POD, REFUSED, "ephemeral containers", 'admission webhook "policy.example.com" denied the request: no tools here',
        "ask the cluster's owner", arrange=deny("pods/ephemeralcontainers"),
    ),
    "NotReady before": Case(
        ["worker-2", "-n", "lab"], FAILED, "node worker-2", "not Ready: its kubelet starts nothing (Kubelet stopped posting node status.)",
        "kubectl describe node worker-2",
    ),
    "NotReady meanwhile, a node pod": Case(
        ON_NODE, FAILED, f"node {NODE_NAME}", "NodeNotReady", f"kubectl describe node {NODE_NAME}", "NodeStatusUnknown",
        arrange=fault(hang=True), when="ContainerCreating", disturb=lose_node,
    ),
    "NotReady meanwhile, a debug container": Case(
        IN_POD, FAILED, f"node {NODE_NAME}", "NodeNotReady", f"kubectl describe node {NODE_NAME}", "NodeStatusUnknown",
        arrange=fault(pull_seconds=60.0), when="Pulling image", disturb=lose_node,
    ),
    "Windows node": Case(
        ["windows-1", "-n", "lab"], FAILED, "node windows-1", "unsupported OS (kubectl shell requires Linux)", "--os windows"
    ),
    "Windows pod": Case(
        ["-n", "lab", "pods/iis"], FAILED, "pod lab/iis", "unsupported OS (kubectl shell requires Linux)", "podshell exec",
        arrange=lambda lab: lab.store.create(POD, pod("iis", on="worker-2", os={"name": "windows"})),
    ),
    "Pending target": Case(
        ["-n", "lab", "pods/waiting"], FAILED, "pod lab/waiting", "is not on a node yet (Pending)", "kubectl describe pod"
    ),
    "vanished target": Case(["-n", "lab", "pods/nope"], FAILED, "pod nope from namespace lab", 'pods "nope" not found', "-n"),
    "vanished node": Case(["worker-9", "-n", "lab"], FAILED, "node worker-9", 'nodes "worker-9" not found', "kubectl get nodes"),
    "target that vanishes meanwhile": Case(
        IN_POD, FAILED, "pod lab/cart", "deleted", "try again", "DELETED", arrange=fault(pull_seconds=60.0), when="Pulling image",
        disturb=delete_pod,
    ),
}  # fmt: skip


def pod(name: str, namespace: str = "lab", *, on: str = NODE_NAME, **spec: object) -> Obj:
    made = manifests.pod(namespace, name, manifests.template(name, manifests.container("app", "busybox:1", "sleep 1000"), **spec))
    if on:
        made["spec"]["nodeName"] = on
    fill(POD, made)
    return made


def content(_: str, version: str) -> Content:
    nodes = [
        node(NODE_NAME, "192.0.2.1", version=version),
        node("worker-2", "192.0.2.2", version=version, ready=False),
        node("windows-1", "192.0.2.3", version=version, windows=True),
    ]
    spaces = [manifests.namespace("lab"), manifests.namespace("strict", "baseline"), manifests.namespace("stricter", "restricted")]
    accounts = [manifests.service_account(name, "default") for name in ("lab", "strict", "stricter")]
    pods = [
        pod("cart"),
        pod("quiet", "stricter"),
        pod("waiting", on="", nodeSelector={"disk": "none"}),
    ]
    return Content([*nodes, *spaces, *accounts, *pods])


class Watched:
    """What the API server got to know, and when; `disturb` is called once it knows `when`."""

    def __init__(self, lab: SandboxCluster, case: Case) -> None:
        self._lab, self._case = lab, case
        self._seen: list[tuple[float, WatchEvent]] = []
        self._disturbed = not case.when
        self.made = 0
        lab.store.listen(self._note)

    def _note(self, event: WatchEvent) -> None:
        self._seen.append((time.monotonic(), event))
        obj = event.obj
        if event.resource == POD:
            labels = obj["metadata"].get("labels", {})
            self.made += labels.get("app.kubernetes.io/managed-by") == "podshell" or "ephemeralContainers" in obj["spec"]
        if not self._disturbed and self._case.when in f"{obj.get('status')} {obj.get('message')}":
            self._disturbed = True
            asyncio.get_running_loop().call_soon(self._case.disturb, self._lab)

    def seconds_since_cause(self) -> float:
        now = time.monotonic()
        return next(now - moment for moment, event in self._seen if self._case.cause in f"{event.type} {event.obj}")


@pytest.mark.parametrize("name", CASES)
async def test_a_start_that_cannot_succeed_says_why_and_what_to_do_within_3_s_of_its_cause(
    make_sandbox_cluster: MakeSandboxCluster, tmp_path: Path, name: str
) -> None:
    case = CASES[name]
    lab = await make_sandbox_cluster("lab", content=content, timings=RECORDED)
    pods = ("pods", "pods/exec", "pods/attach", "pods/ephemeralcontainers", "nodes", "events")
    lab.add_user(LIMITED, "limited-token", [Rule(("get", "list", "watch", "create", "patch", "delete"), ("",), pods)])
    lab.write_kubeconfig(tmp_path / "config", case.user)
    case.arrange(lab)
    watched = Watched(lab, case)
    env = {**clean_environment(tmp_path / "config", tmp_path), "PODSHELL_IMAGE_REPO": "tools", "PODSHELL_IMAGE_VERSION": "1"}
    code, _, errors = await run([*case.words, "--timeout", "50s", "--", "true"], env)
    if case.cause:
        assert watched.seconds_since_cause() < VERDICT_SECONDS
    else:
        assert watched.made == 0
    assert code == case.code, errors
    for said in (case.about, case.reason, case.step):
        assert said in errors


async def test_a_node_without_a_network_plugin_gets_its_shell_and_a_warning(
    make_sandbox_cluster: MakeSandboxCluster, tmp_path: Path
) -> None:
    """Where the network is broken the shell is wanted most. Its pod is made; the sandbox's kubelet starts nothing there."""
    lab = await make_sandbox_cluster("lab", content=content, timings=RECORDED)
    words = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:cni plugin not initialized"
    ready = {"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": words}
    lab.store.modify(NODE, None, "worker-2", lambda one: one["status"].update(conditions=[ready]))
    lab.write_kubeconfig(tmp_path / "config")
    env = {**clean_environment(tmp_path / "config", tmp_path), "PODSHELL_IMAGE_REPO": "tools", "PODSHELL_IMAGE_VERSION": "1"}
    code, _, errors = await run(["worker-2", "-n", "lab", "--timeout", "200ms", "--", "true"], env)
    assert code == TIMED_OUT, errors
    warning = errors.index(f"the node worker-2 is not Ready, but starts pods on its own network ({words})")
    assert warning < errors.index("Starting host networking pod")
