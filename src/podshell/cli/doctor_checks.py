"""What `podshell doctor` looks at without a gateway: one function a subject, each returning lines with a verdict and a fix. Reads only.

The rights of the user are doctor_rights.py's, images doctor_images.py's, what a gateway and its agent say doctor_gateway.py's.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from podshell.cli.doctor_report import Line, Verdict
from podshell.cli.shell_targets import TargetKind
from podshell.kube.debug_containers import pod_problem
from podshell.kube.debug_options import DebugKind, OptionProblem, ResolvedOptions, fit_level
from podshell.kube.errors import ApiError, Forbidden, KubeError, NotFound, Unreachable
from podshell.kube.objects import KubeObject, Namespace, Node, Pod
from podshell.kube.pod_security import LEVEL_LABEL
from podshell.kube.rest import Client, describe_cause
from podshell.kube.workloads import NAMESPACES, NODES, PODS

# More is seen by grants and tokens: kubeadm's tolerate 5 minutes, bound tokens none.
_CLOCK_SECONDS = 30.0
# Ephemeral containers are stable since 1.25; WebSocket exec (v5) since 1.30, and from 1.35 it needs both verbs (kubernetes.md 1.5).
_EPHEMERAL_SINCE, _V5_SINCE = (1, 25), (1, 30)


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
    text = f"{client.connection.server} answers in {took:.0f} ms"
    return [Line("server", Verdict.OK, text), version_line(version.git_version)]


def version_line(git_version: str) -> Line:
    """Say what the version of an API server means. Pure."""
    number = version_number(git_version)
    if number is None:
        text = f"the server's version is {git_version!r}, which is none of Kubernetes: whether it has debug containers is not known"
        return Line("version", Verdict.UNKNOWN, text, "ask the cluster's owner which Kubernetes it is: 1.25 or newer is needed")
    text = f"Kubernetes {git_version}"
    if number < _EPHEMERAL_SINCE:
        return Line("version", Verdict.FAILED, f"{text} has no ephemeral containers", "upgrade to 1.25 or newer for shells in pods")
    if number < _V5_SINCE:
        text += ": shells use the older stream protocol"
        return Line("version", Verdict.WARNING, text, "upgrade to 1.30 or newer: the end of piped input is not passed on before")
    return Line("version", Verdict.OK, text)


def version_number(git_version: str) -> tuple[int, int] | None:
    """Read "v1.36.2-gke.1" as (1, 36)."""
    parts = git_version.removeprefix("v").split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) > 1 and parts[0].isdecimal() and parts[1].isdecimal() else None


async def check_clock(client: Client) -> list[Line]:
    """Compare this machine's clock with the server's Date header (a resolution of one second).

    Raises:
        KubeError: the server did not answer.
    """
    try:
        async with await client.request_raw("GET", "/version", await client.headers()) as response:
            date = response.headers.get("Date", "")
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(client.connection.server, describe_cause(error)) from error
    return [clock_line(date, datetime.now(UTC), "the server")]


def clock_line(date: str, now: datetime, whose: str) -> Line:
    """Compare an HTTP date with the time here. Pure."""
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        text = f"{whose} sends no date: how far its clock is from this one is not known"
        return Line("clock", Verdict.UNKNOWN, text, "compare them by hand: tokens and certificates are judged by the time (NTP keeps it)")
    offset = (now - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))).total_seconds()
    if abs(offset) > _CLOCK_SECONDS:
        ahead = "ahead of" if offset > 0 else "behind"
        return Line("clock", Verdict.WARNING, f"this clock is {abs(offset):.0f} s {ahead} that of {whose}", "set the clock (NTP)")
    return Line("clock", Verdict.OK, f"within {max(1, abs(offset)):.0f} s of that of {whose}")


async def check_namespace(client: Client, namespace: str, kind: TargetKind, options: ResolvedOptions | None) -> list[Line]:
    """Read the namespace's Pod Security level and say what it lets through. `options`: what is asked for, where that is known.

    Raises:
        KubeError: other than that it is not there or may not be read.
    """
    try:
        found = await client.get(NAMESPACES.path("", namespace), Namespace)
    except NotFound:
        return [Line("pod security", Verdict.FAILED, f"there is no namespace {namespace}", "name another one with -n")]
    except Forbidden:
        text = f"the namespace {namespace} may not be read: what it forbids is not known"
        return [Line("pod security", Verdict.UNKNOWN, text, "ask for get on namespaces; --dry-run=server of kubectl tells, too")]
    return [level_line(namespace, (found.metadata.labels or {}).get(LEVEL_LABEL, ""), kind, options)]


def level_line(namespace: str, level: str, kind: TargetKind, options: ResolvedOptions | None) -> Line:
    """Say what a Pod Security level means for a shell; "" is none. Pure."""
    text = f"{namespace} enforces {level or 'no level'}"
    if level not in ("baseline", "restricted"):
        return Line("pod security", Verdict.OK, text)
    if kind is TargetKind.NODE:
        fix = f"name a namespace with --debug-namespace that is labelled {LEVEL_LABEL}=privileged"
        return Line("pod security", Verdict.FAILED, f"{text}: a node pod needs hostNetwork, which it forbids", fix)
    fitted = fit_level(options, level) if options is not None and options.kind is DebugKind.DEBUG else None
    if isinstance(fitted, OptionProblem):
        return Line("pod security", Verdict.FAILED, f"{text}: {fitted.message}", fitted.next_step)
    if options is not None and fitted == options:
        return Line("pod security", Verdict.OK, f"{text}, which allows what is asked for")
    if level == "restricted":
        fix = "use --profile restricted, which is taken anyhow, or open the shell on the pod's node"
        return Line("pod security", Verdict.WARNING, f"{text}: no capabilities, not root", fix)
    fix = "use no profile, or restricted; for more open the shell on the pod's node"
    return Line("pod security", Verdict.WARNING, f"{text}: no capabilities beyond the default ones", fix)


async def read_node(client: Client, name: str) -> tuple[Node | None, list[Line]]:
    """Read one node, or say why not.

    Raises:
        KubeError: other than that it is not there or may not be read.
    """
    try:
        return await client.get(NODES.path("", name), Node), []
    except NotFound:
        return None, [Line("node", Verdict.FAILED, f"there is no node {name}", "kubectl get nodes lists them")]
    except Forbidden as error:
        return None, [Line("node", Verdict.UNKNOWN, f"the node {name} may not be read: {error.message}", "ask for get on nodes")]


def node_lines(node: Node, kind: TargetKind, system: str = "linux") -> list[Line]:
    """Say how a node is: its state, its system, its runtime. `system`: what is asked for (--os). Pure."""
    name, info = node.metadata.name, node.status.node_info
    ready = Line("node", Verdict.OK, f"{name} is Ready")
    if not node.ready:
        fix = f"choose another node, or look at this one: kubectl describe node {name}"
        ready = Line("node", Verdict.FAILED, f"{name} is not Ready: its kubelet starts nothing", fix)
    return [
        ready,
        system_line(name, (node.metadata.labels or {}).get("kubernetes.io/os", "") or info.operating_system, kind, system),
        runtime_line(info.container_runtime_version, info.kubelet_version),
    ]


def system_line(name: str, system: str, kind: TargetKind, wanted: str = "linux") -> Line:
    """Say whether a node or pod runs the system that is asked for. Pure."""
    if system == wanted == "linux":
        return Line("system", Verdict.OK, f"{name} runs Linux")
    if system == wanted:
        return Line("system", Verdict.WARNING, f"{name} runs Windows: shells there are untested", "end such a shell by exit")
    text = f"{name} runs {'Linux' if system == 'linux' else system or 'an unknown system'}"
    if system == "linux":
        return Line("system", Verdict.FAILED, text, "leave out --os")
    if system == "windows":
        fix = "use podshell exec" if kind is TargetKind.POD else "use --os windows (untested) and an image for it"
        return Line("system", Verdict.FAILED, text, fix)
    return Line("system", Verdict.FAILED, text, "the label kubernetes.io/os of the node must be linux")


def runtime_line(runtime: str, kubelet: str) -> Line:
    """Name the container runtime, which decides what masks and mounts can do. Pure."""
    if not runtime:
        fix = "kubectl describe node shows what the kubelet reports; a shell that starts needs none of it"
        return Line("runtime", Verdict.UNKNOWN, f"the node names no container runtime; kubelet {kubelet or 'unknown'}", fix)
    return Line("runtime", Verdict.OK, f"{runtime}, kubelet {kubelet or 'unknown'}")


class _SecretName(KubeObject, frozen=True):
    name: str = ""


class _SecretsSpec(KubeObject, frozen=True):
    image_pull_secrets: tuple[_SecretName, ...] | None = None


class _PodSecrets(KubeObject, frozen=True):
    spec: _SecretsSpec = _SecretsSpec()


async def read_pod(client: Client, namespace: str, name: str) -> tuple[Pod | None, list[Line]]:
    """Read one pod, or say why not.

    Raises:
        KubeError: other than that it is not there or may not be read.
    """
    try:
        return await client.get(PODS.path(namespace, name), Pod), []
    except (NotFound, Forbidden) as error:
        fix = "name its namespace with -n" if isinstance(error, NotFound) else "ask for get on pods"
        return None, [Line("pod", Verdict.FAILED, error.message, fix)]


async def read_pull_secrets(client: Client, namespace: str, pod: str) -> list[str]:
    """Return the names of the secrets with which a debug container of a pod would be pulled.

    Raises:
        KubeError: the pod cannot be read.
    """
    found = await client.get(PODS.path(namespace, pod), _PodSecrets)
    return [one.name for one in found.spec.image_pull_secrets or () if one.name]


def pod_lines(pod: Pod, target: str = "") -> list[Line]:
    """Say whether a debug container can start in a pod. `target`: the container whose processes are to be shared. Pure."""
    name = pod.metadata.name
    problem = pod_problem(pod, target)
    if problem is None:
        return [Line("pod", Verdict.OK, f"{name} is {pod.status.phase or 'Pending'} on {pod.spec.node_name}")]
    return [Line("pod", Verdict.FAILED, problem.message, problem.next_step or f"kubectl describe pod {name}")]
