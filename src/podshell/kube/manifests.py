"""The objects that debug and node shells are made of: a pod, a Job around it, an ephemeral container. Pure builders of JSON-ready dicts.

Design.md 4 and kubernetes.md 4 with its corrections say what they hold and why; docs/explanation/debug-and-node-shells.md tells users.
What they make carries labels of ours, so that a sweep finds it. Who talks to the API server: node_pods.py and debug_containers.py.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from podshell.kube.debug_options import DebugKind, ResolvedOptions, needed_actions
from podshell.kube.runtime_sockets import socket_masks

Value: TypeAlias = "str | int | bool | Sequence[Value] | dict[str, Value]"
Manifest: TypeAlias = dict[str, Value]

MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "podshell"
KIND_LABEL = "podshell.dev/kind"
SESSION_LABEL = "podshell.dev/session"
EXPIRES = "podshell.dev/expires"
USER = "podshell.dev/user"
# What the ceiling had to allow for it, by the chart's names: whoever comes to it again must be allowed as much.
ACTIONS = "podshell.dev/actions"
SELECTOR = f"{MANAGED_BY}={OURS}"
CONTAINER = "shell"
# In the environment of a debug container: what it was made for, so that it is used again for the same only.
KEY_VARIABLE = "PODSHELL_KEY"
USER_VARIABLE = "PODSHELL_USER"
ACTIONS_VARIABLE = "PODSHELL_ACTIONS"
EXPIRES_VARIABLE = "PODSHELL_EXPIRES"
# Where the node's files are in a node pod.
HOST_FOLDER = "/host"
# The kernel's own folders that tracing needs, by the names of their volumes.
KERNEL_FOLDERS = {"debugfs": "/sys/kernel/debug", "tracefs": "/sys/kernel/tracing", "bpffs": "/sys/fs/bpf"}
# Where the waiter of a node pod keeps its registrations.
RUN_FOLDER = "/run/podshell"
# k8s.io/apimachinery/pkg/util/rand: no vowels, nothing that looks like another.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_NON_ROOT = 65532  # nobody's in Debian; the user of distroless images
# The pod of a Job is called after it with six characters more; names of pods are kept to 63 (RFC 1123 label).
_NAME_LIMIT = 57
# A finished Job tells nothing that its agent does not know already; whoever looks for it reads the audit.
JOB_TTL_SECONDS = 10


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a node says of itself (`status.nodeInfo`), and the server's minor version; empty and 0: not known."""

    name: str
    runtime: str = ""  # "containerd://2.1.9"
    kubelet: str = ""  # "v1.36.2", "v1.33.1+k3s1"
    server_minor: int = 0
    microk8s: bool = False
    unmaskable: tuple[str, ...] = ()  # paths of runtime_sockets.py that turned out not to be there


@dataclass(frozen=True, slots=True)
class TargetUser:
    """Whom a pod says that a container of it runs as; 0: root, or it does not say. `group` None: it does not say."""

    user: int = 0
    group: int | None = None


NO_TARGET_USER = TargetUser()


@dataclass(frozen=True, slots=True)
class Making:
    """Who makes a container, for which session, with which first process. `created`: Unix seconds.

    `attached`: that process is attached to, once: it is the shell itself (attached_shells.py), with a terminal if `tty`, or it ends with
    its input (windows_shells.py).
    """

    session: str
    user: str
    command: Sequence[str]
    created: float
    key: str = ""
    attached: bool = False
    tty: bool = False


def _streams(making: Making) -> Manifest:
    """Build what an attach needs. A tty must be said here: the kubelet goes by the container's, not by the attach's."""
    return {"stdin": True, "stdinOnce": True, **({"tty": True} if making.tty else {})} if making.attached else {}


def random_suffix() -> str:
    """Return five random characters as Kubernetes uses them."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(5))


def node_pod_name(node: str, suffix: str) -> str:
    """Name a node pod after its node; long node names are cut."""
    slug = re.sub(r"[^a-z0-9-]+", "-", node.lower()).strip("-")
    return f"podshell-{slug[: _NAME_LIMIT - 15].strip('-')}-{suffix}"


def debug_key(options: ResolvedOptions, user: str) -> str:
    """Return what two requests must share to use one debug container: user, image, profile, rights and target."""
    parts = (user, options.image, options.profile, ",".join(options.capabilities), str(options.restricted), options.target)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def labels_of(kind: DebugKind, session: str) -> Manifest:
    return {MANAGED_BY: OURS, KIND_LABEL: kind.value, SESSION_LABEL: session}


def annotations_of(options: ResolvedOptions, making: Making) -> Manifest:
    return {EXPIRES: expiry_of(options, making), USER: making.user, ACTIONS: actions_of(options)}


def expiry_of(options: ResolvedOptions, making: Making) -> str:
    """Return when a container ends at the latest, as Kubernetes writes times."""
    return datetime.fromtimestamp(making.created + options.ttl_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_past(expiry: str, now_ms: float) -> bool:
    """Whether a time that `expiry_of` has written is over; what it has not written never is."""
    try:
        return datetime.strptime(expiry, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp() * 1000 < now_ms
    except ValueError:
        return False


def actions_of(options: ResolvedOptions) -> str:
    """Return what a container has needed of the ceiling, as it carries it."""
    return ",".join(needed_actions(options))


def node_pod(options: ResolvedOptions, making: Making, node: NodeFacts, *, name: str, namespace: str) -> Manifest:
    """Build the bare pod of a node shell."""
    template = _node_template(options, making, node)
    metadata = {"name": name, "namespace": namespace, **_as_manifest(template["metadata"])}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def node_job(options: ResolvedOptions, making: Making, node: NodeFacts, *, name: str, namespace: str) -> Manifest:
    """Build the Job of a node shell: the control plane ends it by its deadline and removes it a minute after its end.

    No owner: the garbage collector deletes an object at once whose owner is in another namespace (kubernetes.md 4.4).
    """
    template = _node_template(options, making, node)
    spec = dict(_as_manifest(template["spec"]))
    deadline = spec.pop("activeDeadlineSeconds")
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, **_as_manifest(template["metadata"])},
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "activeDeadlineSeconds": deadline,
            "ttlSecondsAfterFinished": JOB_TTL_SECONDS,
            "template": {"metadata": template["metadata"], "spec": spec},
        },
    }


def _as_manifest(value: Value) -> Manifest:
    assert isinstance(value, dict)
    return value


def _node_template(options: ResolvedOptions, making: Making, node: NodeFacts) -> Manifest:
    annotations = annotations_of(options, making)
    # Before 1.30 there is no field for AppArmor (KEP-24).
    by_annotation = options.apparmor_unconfined and 0 < node.server_minor < 30
    if by_annotation:
        annotations[f"container.apparmor.security.beta.kubernetes.io/{CONTAINER}"] = "unconfined"
    spec = _windows_spec(options, making, node) if options.os == "windows" else _linux_spec(options, making, node, field=not by_annotation)
    if options.pull_secret:
        spec["imagePullSecrets"] = [{"name": options.pull_secret}]
    return {"metadata": {"labels": labels_of(DebugKind.NODE, making.session), "annotations": annotations}, "spec": spec}


def _pinned_spec(options: ResolvedOptions, node: NodeFacts) -> Manifest:
    """Build what node pods of both systems have in common. `nodeName` passes the scheduler: cordoned and tainted nodes too."""
    return {
        "nodeName": node.name,
        "hostNetwork": True,
        "restartPolicy": "Never",
        "tolerations": [{"operator": "Exists"}],
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "activeDeadlineSeconds": options.ttl_seconds,
    }


def _linux_spec(options: ResolvedOptions, making: Making, node: NodeFacts, *, field: bool) -> Manifest:
    mounts, volumes = _node_mounts(options, node)
    container: Manifest = {
        "name": CONTAINER,
        "image": options.image,
        "imagePullPolicy": options.pull_policy,
        "command": list(making.command),
        "securityContext": _node_security(options, field=field),
        # enough for the tools; a quota that asks for requests and limits finds both
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
        "terminationMessagePolicy": "File",
        "volumeMounts": mounts,
        **_streams(making),
    }
    spec = _pinned_spec(options, node)
    # With the default policy a pod on the node's network asks the node's resolver, which knows no cluster names.
    spec |= {"dnsPolicy": "ClusterFirstWithHostNet"}
    if options.host_pid:
        spec["hostPID"] = True
    return {**spec, "containers": [container], "volumes": volumes}


def _node_security(options: ResolvedOptions, *, field: bool) -> Manifest:
    capabilities: Manifest = {"drop": ["ALL"]}
    if options.capabilities:
        capabilities["add"] = list(options.capabilities)
    security: Manifest = {
        "runAsUser": 0,
        "runAsNonRoot": False,
        # what is entered or chrooted into may be set-user-id (sudo, ping); SYS_ADMIN makes the API server insist on true
        "allowPrivilegeEscalation": bool(options.mount_host or options.enter or "SYS_ADMIN" in options.capabilities),
        "capabilities": capabilities,
        "seccompProfile": {"type": "Unconfined" if options.seccomp_unconfined else "RuntimeDefault"},
    }
    if options.apparmor_unconfined and field:
        security["appArmorProfile"] = {"type": "Unconfined"}
    return security


def _node_mounts(options: ResolvedOptions, node: NodeFacts) -> tuple[list[Value], list[Value]]:
    mounts: list[Value] = [{"name": "run", "mountPath": RUN_FOLDER}]
    volumes: list[Value] = [{"name": "run", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}]
    if options.mount_host:
        mounts.append(_host_mount("host", HOST_FOLDER, options))
        volumes.append({"name": "host", "hostPath": {"path": "/", "type": "Directory"}})
        if not options.runtime_sockets:
            for mask in socket_masks(node):
                mounts.append({"name": mask.volume, "mountPath": f"{HOST_FOLDER}{mask.path}", "readOnly": True})
                nothing: Manifest = {"emptyDir": {"sizeLimit": "1Mi"}}
                if mask.file:
                    nothing = {"hostPath": {"path": "/dev/null", "type": "CharDevice"}}
                volumes.append({"name": mask.volume, **nothing})
    if options.kernel_mounts:
        for name, path in KERNEL_FOLDERS.items():
            mounts.append(_host_mount(name, path, options))
            volumes.append({"name": name, "hostPath": {"path": path, "type": "Directory"}})
    return mounts, volumes


def _host_mount(name: str, path: str, options: ResolvedOptions) -> Manifest:
    """Mount a folder of the node: read-only all the way down where the node can, or writable with what is mounted later.

    Recursive read-only and propagation exclude each other (422; transcripts/node), and plain `readOnly` leaves submounts writable.
    """
    if options.host_write:
        return {"name": name, "mountPath": path, "mountPropagation": "HostToContainer"}
    return {"name": name, "mountPath": path, "readOnly": True, "recursiveReadOnly": "IfPossible", "mountPropagation": "None"}


def _windows_spec(options: ResolvedOptions, making: Making, node: NodeFacts) -> Manifest:
    """Build a HostProcess pod, with only what Windows allows (features.md part D); seen by no Windows node yet."""
    container: Manifest = {
        "name": CONTAINER,
        "image": options.image,
        "imagePullPolicy": options.pull_policy,
        "command": list(making.command),
        "securityContext": {"windowsOptions": {"hostProcess": True, "runAsUserName": "NT AUTHORITY\\SYSTEM"}},
        "terminationMessagePolicy": "File",
        **_streams(making),
    }
    return {**_pinned_spec(options, node), "os": {"name": "windows"}, "containers": [container]}


def ephemeral_container(
    options: ResolvedOptions,
    making: Making,
    *,
    name: str,
    pod_runs_as_non_root: bool = False,
    target_user: TargetUser = NO_TARGET_USER,
) -> Manifest:
    """Build the tools container of a pod; it goes in by a strategic merge patch of `pods/ephemeralcontainers` only.

    `pod_runs_as_non_root`: the pod forbids root, so an image that runs as root gets another user: that of the target, if it is known.
    """
    container: Manifest = {
        "name": name,
        "image": options.image,
        "imagePullPolicy": options.pull_policy,
        "command": list(making.command),
        "env": [
            {"name": KEY_VARIABLE, "value": making.key},
            {"name": USER_VARIABLE, "value": making.user},
            {"name": ACTIONS_VARIABLE, "value": actions_of(options)},
            {"name": EXPIRES_VARIABLE, "value": expiry_of(options, making)},
        ],
        "securityContext": _debug_security(options, pod_runs_as_non_root, target_user),
        "terminationMessagePolicy": "File",
        **_streams(making),
    }
    if options.target:
        container["targetContainerName"] = options.target
    return container


def _debug_security(options: ResolvedOptions, pod_runs_as_non_root: bool, target_user: TargetUser) -> Manifest:
    capabilities: Manifest = {"drop": ["ALL"]}
    if options.capabilities:
        capabilities["add"] = list(options.capabilities)
    security: Manifest = {"capabilities": capabilities, "allowPrivilegeEscalation": "SYS_ADMIN" in options.capabilities}
    if options.restricted or (pod_runs_as_non_root and not options.capabilities):
        security |= {"runAsNonRoot": True, **_non_root(options, target_user)}
    elif options.capabilities:
        # added capabilities are effective for root only: there are no ambient ones (retina-shell.md D6)
        security |= {"runAsNonRoot": False, "runAsUser": 0}
    if options.restricted:
        security["seccompProfile"] = {"type": "RuntimeDefault"}
    return security


def _non_root(options: ResolvedOptions, target_user: TargetUser) -> Manifest:
    """Choose a user. Only the target's own can signal its processes and read /proc/1/root (ptrace(2), access mode: user and group)."""
    if not options.target or not target_user.user:
        return {"runAsUser": _NON_ROOT, "runAsGroup": _NON_ROOT}
    # without a group both get that of the image's /etc/passwd, or 0
    return {"runAsUser": target_user.user, **({"runAsGroup": target_user.group} if target_user.group is not None else {})}


def ephemeral_patch(container: Manifest, version: str = "") -> Manifest:
    """Build the strategic merge patch that adds one container; its merge key is the name.

    `version`: the pod's resourceVersion; with it the server refuses when the pod has changed since (409).
    """
    spec: Manifest = {"spec": {"ephemeralContainers": [container]}}
    return {"metadata": {"resourceVersion": version}, **spec} if version else spec


def debug_container_name() -> str:
    return f"podshell-{random_suffix()}"
