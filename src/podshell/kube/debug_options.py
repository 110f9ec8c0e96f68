"""What can be asked of a debug or node shell: the one list of options, profiles, checks, risks and needed permissions.

Pure. `DebugOptions` is what somebody asks (command line, API); `resolve` makes of it what a manifest is built from (manifests.py), or says
everything that is wrong with it: an option without meaning for the kind of target is an error, never ignored. The table of profiles:
docs/explanation/debug-and-node-shells.md; their capabilities come from retina-shell.md 1.7 and features.md part D.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TypeAlias

TTL_SECONDS = 4 * 3600
TTL_LIMIT_SECONDS = 24 * 3600
# Windows' HostProcess base image: no files, the node's own programs run (features.md part D).
WINDOWS_IMAGE = "mcr.microsoft.com/oss/kubernetes/windows-host-process-containers-base-image:v1.0.0"
# Where there can be no tools container.
OWN_CONTAINER_STEP = "open a shell in one of its own containers (podshell exec)"


class DebugKind(StrEnum):
    """Session kinds whose container is made for them."""

    DEBUG = "debug"  # a tools container inside a pod
    NODE = "node"  # a tools pod on a node


# linux/capability.h, in the order of their numbers; Kubernetes names them without CAP_.
CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE"),
    *("NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT"),
    *("SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE"),
    *("AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ"),
    *("PERFMON", "BPF", "CHECKPOINT_RESTORE"),
)
# What a cluster's owner allows without nodePrivileged (design.md 4).
ORDINARY_CAPABILITIES = frozenset({"NET_ADMIN", "NET_RAW", "SYS_CHROOT"})
# Pod Security (k8s.io/pod-security-admission/policy, check_capabilities_{baseline,restricted}.go).
BASELINE_CAPABILITIES = frozenset(
    (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP"),
        *("SETUID", "SYS_CHROOT"),
    )
)
RESTRICTED_CAPABILITIES = frozenset({"NET_BIND_SERVICE"})

# nsenter needs SYS_ADMIN, SYS_CHROOT and SYS_PTRACE (features.md part D). What it starts is to be root on the node, and keeps what it got
# here: with those three alone it lists no iptables, reads no kernel log and no home of another user.
_ENTER_CAPABILITIES = CAPABILITIES
_TRACE_CAPABILITIES = ("NET_ADMIN", "SYS_ADMIN", "SYS_RESOURCE", "SYS_PTRACE", "BPF", "PERFMON", "MKNOD", "SYS_CHROOT")


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of options. `kinds`: where it has a meaning."""

    name: str
    summary: str
    kinds: frozenset[DebugKind]
    capabilities: tuple[str, ...] = ()
    mount_host: bool = False
    host_pid: bool = False
    runtime_sockets: bool = False
    kernel_mounts: bool = False
    unconfined: bool = False
    restricted: bool = False


_BOTH, _NODE, _POD = frozenset(DebugKind), frozenset({DebugKind.NODE}), frozenset({DebugKind.DEBUG})

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("net", "network tools: iptables, nft, tcpdump, conntrack", _BOTH, ("NET_ADMIN", "NET_RAW")),
        Profile("host", "the node's files at /host, and chroot into them", _NODE, ("SYS_CHROOT",), mount_host=True),
        Profile(
            "systemd", "systemctl and journalctl of the node, by chroot", _NODE, ("SYS_CHROOT",),
            mount_host=True, host_pid=True, runtime_sockets=True,
        ),
        Profile(
            "trace", "bpftrace, bpftool and perf on the node", _NODE, _TRACE_CAPABILITIES,
            mount_host=True, host_pid=True, kernel_mounts=True, unconfined=True,
        ),
        Profile("restricted", "what the Pod Security level restricted allows: not root, nothing added", _POD, restricted=True),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DebugOptions:
    """What is asked. Capabilities as they were given: `CAP_` and lower case count too."""

    image: str = ""  # a full reference, with tag or digest
    profile: str = ""
    capabilities: tuple[str, ...] = ()
    mount_host: bool = False
    host_write: bool = False  # implies mount_host
    host_pid: bool = False
    enter: bool = False  # nsenter into the node
    target: str = ""  # the container whose processes a debug container shares
    pull_policy: str = ""  # Always, IfNotPresent, Never
    pull_secret: str = ""
    seccomp_unconfined: bool = False
    apparmor_unconfined: bool = False
    ttl_seconds: int = TTL_SECONDS
    os: str = "linux"


@dataclass(frozen=True, slots=True)
class OptionProblem:
    """One thing that is wrong with what was asked. `option` is a field of DebugOptions."""

    option: str
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class ResolvedOptions:
    """What is meant, profile included. `capabilities` are in the order of profile, `--enter`, then as asked, each once."""

    kind: DebugKind
    image: str
    profile: str = ""
    capabilities: tuple[str, ...] = ()
    mount_host: bool = False
    host_write: bool = False
    host_pid: bool = False
    enter: bool = False
    runtime_sockets: bool = False
    kernel_mounts: bool = False
    restricted: bool = False
    target: str = ""
    pull_policy: str = "IfNotPresent"
    pull_secret: str = ""
    seccomp_unconfined: bool = False
    apparmor_unconfined: bool = False
    ttl_seconds: int = TTL_SECONDS
    os: str = "linux"


@dataclass(frozen=True, slots=True)
class Risk:
    """What a choice means. `level`: note, or danger."""

    option: str
    level: str
    text: str


Resolution: TypeAlias = ResolvedOptions | list[OptionProblem]


def resolve(kind: DebugKind, asked: DebugOptions) -> Resolution:
    """Return what is meant, or every problem there is."""
    problems: list[OptionProblem] = []
    profile = _profile(kind, asked.profile, problems)
    capabilities = _capabilities(asked.capabilities, problems)
    problems += _image_problems(asked.image)
    if asked.pull_policy not in ("", "Always", "IfNotPresent", "Never"):
        problems.append(OptionProblem("pull_policy", f"unknown pull policy {asked.pull_policy!r}", "use Always, IfNotPresent or Never"))
    if not 60 <= asked.ttl_seconds <= TTL_LIMIT_SECONDS:
        text = f"a shell's longest life is between 1 minute and {TTL_LIMIT_SECONDS // 3600} hours"
        problems.append(OptionProblem("ttl_seconds", text, "name another time"))
    problems += _misplaced(kind, asked) if kind is DebugKind.DEBUG else _misplaced_on_node(asked)
    if profile.restricted and (capabilities or asked.seccomp_unconfined or asked.apparmor_unconfined):
        text = "the profile restricted adds nothing: capabilities and unconfined profiles contradict it"
        problems.append(OptionProblem("profile", text, "leave out one of the two"))
    if problems:
        return problems
    mount = asked.mount_host or asked.host_write or profile.mount_host
    entering = _ENTER_CAPABILITIES if asked.enter else ()
    return ResolvedOptions(
        kind=kind,
        image=asked.image,
        profile=profile.name,
        capabilities=tuple(dict.fromkeys((*profile.capabilities, *entering, *capabilities))),
        mount_host=mount,
        host_write=asked.host_write,
        host_pid=asked.host_pid or asked.enter or profile.host_pid,
        enter=asked.enter,
        runtime_sockets=mount and (profile.runtime_sockets or asked.enter or asked.host_write),
        kernel_mounts=profile.kernel_mounts,
        restricted=profile.restricted,
        target=asked.target,
        pull_policy=asked.pull_policy or "IfNotPresent",
        pull_secret=asked.pull_secret,
        seccomp_unconfined=asked.seccomp_unconfined or profile.unconfined or asked.enter,
        apparmor_unconfined=asked.apparmor_unconfined or profile.unconfined or asked.enter,
        ttl_seconds=asked.ttl_seconds,
        os=asked.os,
    )


def _profile(kind: DebugKind, name: str, problems: list[OptionProblem]) -> Profile:
    none = Profile("", "", _BOTH)
    if not name:
        return none
    profile = PROFILES.get(name)
    if profile is None:
        problems.append(OptionProblem("profile", f"unknown profile {name!r}", f"use one of {', '.join(PROFILES)}"))
        return none
    if kind not in profile.kinds:
        where = "nodes" if kind is DebugKind.DEBUG else "pods"
        why = "" if kind is DebugKind.DEBUG else ": a node pod needs the node's network"
        fitting = ", ".join(one.name for one in PROFILES.values() if kind in one.kinds)
        problems.append(OptionProblem("profile", f"the profile {name} is for {where} only{why}", f"use one of {fitting}, or none"))
    return profile


def normalise_capability(name: str) -> str:
    """Return Kubernetes' name of a capability: `cap_net_raw` is NET_RAW."""
    return name.strip().upper().removeprefix("CAP_")


def _capabilities(names: Iterable[str], problems: list[OptionProblem]) -> list[str]:
    found = []
    for name in (part for given in names for part in given.split(",")):
        known = normalise_capability(name)
        if known in CAPABILITIES:
            found.append(known)
            continue
        near = difflib.get_close_matches(known, CAPABILITIES, n=1)
        hint = f"did you mean {near[0]}?" if near else "man 7 capabilities lists them"
        problems.append(OptionProblem("capabilities", f"unknown capability {name.strip()!r}", hint))
    return found


def _misplaced(kind: DebugKind, asked: DebugOptions) -> list[OptionProblem]:
    """What has a meaning on nodes only (defect D4 of retina-shell.md: ignored there)."""
    node_only = {
        "mount_host": "a pod has no host file system to mount",
        "host_write": "a pod has no host file system to mount",
        "host_pid": "a debug container lives in its pod's namespaces",
        "enter": "only a node can be entered",
        "seccomp_unconfined": "it is for nodes only",
        "apparmor_unconfined": "it is for nodes only",
    }
    problems = [
        OptionProblem(option, f"{option} does not apply to pods: {why}", "leave it out, or name a node")
        for option, why in node_only.items()
        if getattr(asked, option)
    ]
    if asked.pull_secret:
        text = "pull_secret does not apply to pods: the pull secrets of a running pod cannot be changed"
        problems.append(OptionProblem("pull_secret", text, "add the secret to the pod's service account, or use an image that needs none"))
    if asked.os != "linux":
        problems.append(
            OptionProblem("os", "debug containers need Linux: Kubernetes has none for Windows pods (KEP-277)", OWN_CONTAINER_STEP)
        )
    return problems


_LINUX_ONLY = (
    *("profile", "capabilities", "mount_host", "host_write", "host_pid", "enter"),
    *("seccomp_unconfined", "apparmor_unconfined"),
)


def _misplaced_on_node(asked: DebugOptions) -> list[OptionProblem]:
    problems = []
    if asked.target:
        problems.append(OptionProblem("target", "target does not apply to nodes: it names a container of a pod", "leave it out"))
    if asked.os not in ("linux", "windows"):
        problems.append(OptionProblem("os", f"unknown operating system {asked.os!r}", "use linux or windows"))
    if asked.os == "windows":
        problems += [
            OptionProblem(option, f"{option} has no meaning on Windows: the API server refuses it there", "leave it out")
            for option in _LINUX_ONLY
            if getattr(asked, option)
        ]
    return problems


_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?::[0-9]+)?/)?{_PATH}(?:/{_PATH})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)


def _image_problems(image: str) -> list[OptionProblem]:
    if not image:
        return [OptionProblem("image", "no image is named", "name an image with its tag or digest")]
    # distribution/reference/regexp.go, as far as images of today go
    if len(image) > 1024 or not _REFERENCE.fullmatch(image):
        return [OptionProblem("image", f"{image[:256]!r} is no image reference", "write REPOSITORY:TAG or REPOSITORY@sha256:DIGEST")]
    return []


def image_reference(repository: str, version: str) -> str:
    """Join repository and version; a version that is a digest (`sha256:...`) is joined by `@`."""
    return f"{repository}@{version}" if version.startswith("sha256:") else f"{repository}:{version}"


def image_allowed(image: str, patterns: Iterable[str]) -> bool:
    """Whether an image is one of the allowed: shell patterns on the whole reference; none allowed: none."""
    return any(fnmatchcase(image, pattern) for pattern in patterns)


def needed_actions(options: ResolvedOptions) -> list[str]:
    """Return the ceiling's actions that a shell needs, by the chart's names."""
    needed = ["podDebug" if options.kind is DebugKind.DEBUG else "nodeShell"]
    if options.mount_host or options.kernel_mounts:
        needed.append("hostMount")
    if options.host_write:
        needed.append("hostWrite")
    beyond = set(options.capabilities) - ORDINARY_CAPABILITIES
    unconfined = options.seccomp_unconfined or options.apparmor_unconfined
    if options.host_pid or options.enter or unconfined or beyond or options.os == "windows":
        needed.append("nodePrivileged")
    return needed


def risks(options: ResolvedOptions) -> list[Risk]:
    """Say what the dangerous choices mean, the worst first."""
    found = []
    if options.os == "windows":
        found.append(Risk("os", "danger", "a HostProcess container runs as SYSTEM on the node itself"))
    if options.enter:
        found.append(Risk("enter", "danger", "entering the node is a root shell on it"))
    if options.mount_host:
        found.append(Risk("mount_host", "danger", "a host mount is equal to root on this node, also read-only: its keys can be read"))
    if options.runtime_sockets:
        text = "the sockets of the node's container runtime are not masked: whoever reaches one is root on this node"
        found.append(Risk("runtime_sockets", "danger", text))
    if options.kernel_mounts:
        text = "the kernel's debug files, its tracing and its BPF objects are the whole node's"
        found.append(Risk("kernel_mounts", "danger", text))
    if options.host_write:
        found.append(Risk("host_write", "danger", "the node's files can be changed, for good"))
    if options.host_pid:
        found.append(Risk("host_pid", "danger", "every process of the node can be seen, and signalled by root"))
    if options.seccomp_unconfined:
        found.append(Risk("seccomp_unconfined", "danger", "system calls are not filtered (no seccomp profile)"))
    if options.apparmor_unconfined:
        found.append(Risk("apparmor_unconfined", "danger", "access to files, mounts and processes is not confined (no AppArmor profile)"))
    strong = [name for name in options.capabilities if name not in ORDINARY_CAPABILITIES]
    if strong:
        names = "every capability" if set(options.capabilities) == set(CAPABILITIES) else ", ".join(strong)
        found.append(Risk("capabilities", "danger", f"{names}: enough to leave the container"))
    if "NET_ADMIN" in options.capabilities:
        where = "of the node: every pod on it depends on it" if options.kind is DebugKind.NODE else "of the pod"
        found.append(Risk("capabilities", "note", f"NET_ADMIN can change the network {where}"))
    if options.kind is DebugKind.NODE:
        found.append(Risk("kind", "note", "the shell uses the node's own network and can reach what only nodes can"))
    else:
        found.append(Risk("kind", "note", "a debug container cannot be removed from its pod; it ends a minute after the last shell"))
    if options.target:
        found.append(Risk("target", "note", f"it shares the processes of {options.target}: both can see and signal each other"))
    return found


def fit_level(options: ResolvedOptions, level: str) -> ResolvedOptions | OptionProblem:
    """Fit a debug container to the namespace's Pod Security level, or say why it cannot be (kubernetes.md 4.3).

    `level`: the label pod-security.kubernetes.io/enforce; empty and "privileged" allow everything.
    """
    allowed: dict[str, Sequence[str] | frozenset[str]] = {"baseline": BASELINE_CAPABILITIES, "restricted": RESTRICTED_CAPABILITIES}
    if level not in allowed:
        return options
    if options.kind is DebugKind.NODE:
        text = f"the namespace enforces the Pod Security level {level}, and a node pod needs the node's network"
        return OptionProblem("namespace", text, "use a namespace labelled pod-security.kubernetes.io/enforce=privileged")
    beyond = [name for name in options.capabilities if name not in allowed[level]]
    if beyond:
        text = f"the namespace enforces the Pod Security level {level}, which does not allow {', '.join(beyond)}"
        return OptionProblem("capabilities", text, "open the shell without them, or on the node; or ask the namespace's owner")
    if level == "restricted" and not options.restricted:
        return replace(options, restricted=True)
    return options
