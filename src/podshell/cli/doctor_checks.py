"""What `podshell doctor` looks at: one function a subject, each returning lines with a verdict and a fix. Reads only.

Direct mode's own rights are asked for with SelfSubjectAccessReview, which every signed-in user may create.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from urllib.parse import quote

import msgspec

from podshell.kube.access_reviews import is_allowed
from podshell.kube.errors import ApiError, Forbidden, KubeError, NotFound
from podshell.kube.objects import KubeObject, Namespace, Node, Pod
from podshell.kube.rest import Client, ServerVersion

# More is seen by grants and tokens: kubeadm's tolerate 5 minutes, bound tokens none.
_CLOCK_SECONDS = 30.0
# Ephemeral containers are stable since 1.25; WebSocket exec (v5) since 1.30, and from 1.35 it needs both verbs (kubernetes.md 1.5).
_EPHEMERAL_SINCE, _V5_SINCE = (1, 25), (1, 30)


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Line(msgspec.Struct, frozen=True):
    """One line of the report. `fix` is what to do; "" for nothing."""

    check: str
    verdict: Verdict
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Right:
    """A verb on a resource; `why` names what it is for. Cluster-wide where `namespaced` is false."""

    verb: str
    resource: str
    why: str
    namespaced: bool = True


_EXEC = "the shell"
_ATTACH = "the shell, where exec is not allowed"
_STREAMS = ("pods/exec", "pods/attach")
RIGHTS_POD = (
    Right("get", "pods", "the target"),
    Right("watch", "pods", "the start of the container"),
    Right("get", "pods/exec", _EXEC),
    Right("create", "pods/exec", _EXEC),
    Right("get", "pods/attach", _ATTACH),
    Right("create", "pods/attach", _ATTACH),
    Right("patch", "pods/ephemeralcontainers", "a debug container"),
    Right("list", "events", "the reasons of a failed start"),
    Right("get", "namespaces", "Pod Security", namespaced=False),
)
RIGHTS_NODE = (
    Right("get", "nodes", "the target", namespaced=False),
    Right("create", "pods", "the node pod"),
    Right("get", "pods", "the target"),
    Right("watch", "pods", "the start of the container"),
    Right("delete", "pods", "the end of the node pod"),
    Right("get", "pods/exec", _EXEC),
    Right("create", "pods/exec", _EXEC),
    Right("get", "pods/attach", _ATTACH),
    Right("create", "pods/attach", _ATTACH),
    Right("list", "events", "the reasons of a failed start"),
    Right("get", "namespaces", "Pod Security", namespaced=False),
)
# Without these something is missing, not everything.
_OPTIONAL = {("list", "events"), ("get", "namespaces"), ("get", "nodes")}


async def check_server(client: Client) -> list[Line]:
    """Reachability and version; raises nothing: an unreachable server is a line."""
    begin = time.monotonic()
    try:
        version = await client.server_version()
    except KubeError as error:
        fix = "check the network, the VPN, the proxy and the kubeconfig's server"
        if isinstance(error, ApiError):
            fix = "sign in again, or choose another user (--user, --token, --as)"
        return [Line("server", Verdict.FAILED, str(error), fix)]
    took = (time.monotonic() - begin) * 1000
    return [Line("server", Verdict.OK, f"{client.connection.server} answers in {took:.0f} ms"), *version_lines(version)]


def version_lines(version: ServerVersion) -> list[Line]:
    """Say what the server's version means."""
    number = version_number(version.git_version)
    text = f"Kubernetes {version.git_version}"
    if number is None:
        return [Line("version", Verdict.UNKNOWN, text)]
    if number < _EPHEMERAL_SINCE:
        return [Line("version", Verdict.FAILED, f"{text} has no ephemeral containers", "upgrade to 1.25 or newer for shells in pods")]
    if number < _V5_SINCE:
        text += ": shells use the older stream protocol"
        return [Line("version", Verdict.WARNING, text, "upgrade to 1.30 or newer: the end of piped input is not passed on before")]
    return [Line("version", Verdict.OK, text)]


def version_number(git_version: str) -> tuple[int, int] | None:
    """Read "v1.36.2-gke.1" as (1, 36)."""
    parts = git_version.removeprefix("v").split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) > 1 and parts[0].isdigit() and parts[1].isdigit() else None


async def check_clock(client: Client) -> list[Line]:
    """Compare this machine's clock with the server's Date header (a resolution of one second)."""
    async with await client.request_raw("GET", "/version", await client.headers()) as response:
        date = response.headers.get("Date", "")
    try:
        offset = (datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds()
    except ValueError:
        return [Line("clock", Verdict.UNKNOWN, "the server sends no date")]
    if abs(offset) > _CLOCK_SECONDS:
        ahead = "ahead of" if offset > 0 else "behind"
        return [Line("clock", Verdict.WARNING, f"this clock is {abs(offset):.0f} s {ahead} the server's", "set the clock (NTP)")]
    return [Line("clock", Verdict.OK, f"within {max(1, abs(offset)):.0f} s of the server's")]


async def check_rights(client: Client, rights: Sequence[tuple[Right, str]]) -> list[Line]:
    """Ask whether each right is there, in its namespace, all at once."""
    asked = [(right, namespace, namespace if right.namespaced else "") for right, namespace in rights]
    answers = await asyncio.gather(*(is_allowed(client, right.verb, right.resource, where) for right, _, where in asked))
    denied = {(right.resource, namespace) for (right, namespace), answer in zip(rights, answers, strict=True) if answer is False}
    lines = []
    for (right, namespace), answer in zip(rights, answers, strict=True):
        where = f" in {namespace}" if right.namespaced else ""
        text = f"{right.verb} {right.resource}{where} ({right.why})"
        if answer is None:
            lines.append(Line("rights", Verdict.UNKNOWN, text, "ask the cluster's owner; the server does not answer access reviews"))
        elif answer:
            lines.append(Line("rights", Verdict.OK, text))
        else:
            fix = f'ask the cluster\'s owner for the verb "{right.verb}" on {right.resource}'
            lines.append(Line("rights", _verdict_of_missing(right, namespace, denied), f"no {text}", fix))
    return lines + [_stream_line(namespace, denied) for namespace in dict.fromkeys(namespace for _, namespace in rights)]


def _verdict_of_missing(right: Right, namespace: str, denied: set[tuple[str, str]]) -> Verdict:
    if (right.verb, right.resource) in _OPTIONAL:
        return Verdict.WARNING
    if right.resource not in _STREAMS:
        return Verdict.FAILED
    other = next(one for one in _STREAMS if one != right.resource)
    if (other, namespace) in denied:
        return Verdict.FAILED
    return Verdict.OK if right.resource == "pods/attach" else Verdict.WARNING  # attach is for where exec is not allowed


def _stream_line(namespace: str, denied: set[tuple[str, str]]) -> Line:
    """Say which way `kubectl shell` will go (access_reviews.stream_way)."""
    if ("pods/exec", namespace) not in denied:
        return Line("way", Verdict.OK, f"shells in {namespace} are run by exec: nothing of them gets into the container's log")
    fix = 'ask the cluster\'s owner for the verbs "get" and "create" on pods/exec'
    if ("pods/attach", namespace) in denied:
        return Line("way", Verdict.FAILED, f"neither exec nor attach is allowed in {namespace}", fix)
    text = f"shells in {namespace} are attached to: all input and output is kept in the container's log, and nothing watches over them"
    return Line("way", Verdict.WARNING, text, fix)


async def check_namespace(client: Client, namespace: str, *, node: bool) -> list[Line]:
    """Read the namespace's Pod Security level and say what it lets through."""
    try:
        found = await client.get(f"/api/v1/namespaces/{quote(namespace, safe='')}", Namespace)
    except NotFound:
        return [Line("pod security", Verdict.FAILED, f"there is no namespace {namespace}", "name another one with -n")]
    except Forbidden:
        return [Line("pod security", Verdict.UNKNOWN, f"the namespace {namespace} may not be read", "ask for get on namespaces")]
    level = (found.metadata.labels or {}).get("pod-security.kubernetes.io/enforce", "privileged")
    text = f"{namespace} enforces {level}"
    if node and level != "privileged":
        fix = "name a namespace that is labelled privileged: --debug-namespace"
        return [Line("pod security", Verdict.FAILED, f"{text}: a node pod needs hostNetwork, which it forbids", fix)]
    if not node and level == "restricted":
        return [Line("pod security", Verdict.WARNING, f"{text}: no capabilities, not root", "use --profile restricted")]
    if not node and level == "baseline":
        return [Line("pod security", Verdict.WARNING, f"{text}: no capabilities beyond the default ones", "use no profile, or restricted")]
    return [Line("pod security", Verdict.OK, text)]


class _Image(KubeObject, frozen=True):
    names: tuple[str, ...] | None = None


class _ImagesStatus(KubeObject, frozen=True):
    images: tuple[_Image, ...] | None = None


class _NodeImages(KubeObject, frozen=True):
    status: _ImagesStatus = _ImagesStatus()


async def check_node(client: Client, name: str, image: str) -> list[Line]:
    """Look at one node: its state, its system, and whether it has the image already."""
    path = f"/api/v1/nodes/{quote(name, safe='')}"
    try:
        node = await client.get(path, Node)
    except NotFound:
        return [Line("node", Verdict.FAILED, f"there is no node {name}", "kubectl get nodes lists them")]
    except Forbidden as error:
        return [Line("node", Verdict.UNKNOWN, f"the node {name} may not be read: {error.message}", "ask for get on nodes")]
    info = node.status.node_info
    lines = [
        Line("node", Verdict.OK, f"{name} is Ready")
        if node.ready
        else Line("node", Verdict.FAILED, f"{name} is not Ready: its kubelet starts nothing", f"kubectl describe node {name}"),
        _system_line(name, info.operating_system or (node.metadata.labels or {}).get("kubernetes.io/os", "")),
        Line("runtime", Verdict.OK, f"{info.container_runtime_version or 'unknown runtime'}, kubelet {info.kubelet_version or 'unknown'}"),
    ]
    if image:
        images = await client.get(path, _NodeImages)
        lines.append(image_line(name, image, [word for one in images.status.images or () for word in one.names or ()]))
    return lines


def _system_line(name: str, system: str) -> Line:
    if system == "linux":
        return Line("system", Verdict.OK, f"{name} runs Linux")
    fix = "use --os windows (untested) and an image for it"
    return Line("system", Verdict.WARNING if system == "windows" else Verdict.FAILED, f"{name} runs {system or 'an unknown system'}", fix)


def image_line(node: str, image: str, present: Sequence[str]) -> Line:
    """Say whether the image is on the node; the kubelet reports at most 50 of them."""
    wanted = {image, f"docker.io/library/{image}", f"docker.io/{image}"}
    if any(name in wanted for name in present):
        return Line("image", Verdict.OK, f"{image} is on {node}")
    fix = f"whether {node} can pull it shows at the first start; --timeout gives it more time"
    return Line("image", Verdict.UNKNOWN, f"{image} is not among the images that {node} reports", fix)


async def check_pod(client: Client, namespace: str, name: str) -> tuple[list[Line], str]:
    """Look at one pod; returns its node, too."""
    try:
        pod = await client.get(f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(name, safe='')}", Pod)
    except (NotFound, Forbidden) as error:
        fix = "name its namespace with -n" if isinstance(error, NotFound) else "ask for get on pods"
        return [Line("pod", Verdict.FAILED, error.message, fix)], ""
    lines = []
    phase = pod.status.phase
    if phase == "Running":
        lines.append(Line("pod", Verdict.OK, f"{name} runs on {pod.spec.node_name}"))
    elif not pod.spec.node_name:
        lines.append(Line("pod", Verdict.FAILED, f"{name} is {phase or 'Pending'} and has no node yet", f"kubectl describe pod {name}"))
    else:
        lines.append(Line("pod", Verdict.FAILED, f"{name} is {phase}: nothing can be started in it", "choose a pod that runs"))
    annotations = pod.metadata.annotations
    if annotations is not None and annotations.mirror:
        lines.append(Line("pod", Verdict.FAILED, f"{name} is a static pod: it takes no debug container", "open a shell on its node"))
    if pod.spec.os is not None and pod.spec.os.name not in ("", "linux"):
        lines.append(_system_line(name, pod.spec.os.name))
    return lines, pod.spec.node_name
