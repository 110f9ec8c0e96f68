"""What `kubectl shell` is pointed at: a node or a pod, in the words of kubectl. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from podshell.cli.failures import USAGE, CommandFailed


class TargetKind(StrEnum):
    """The two kinds; the values are the words of messages."""

    NODE = "node"
    POD = "pod"


@dataclass(frozen=True, slots=True)
class ShellTarget:
    """One node or pod by name; the namespace of a pod is another option's."""

    kind: TargetKind
    name: str


_KINDS = {"node": TargetKind.NODE, "nodes": TargetKind.NODE, "no": TargetKind.NODE} | dict.fromkeys(("pod", "pods", "po"), TargetKind.POD)
# How the API calls what people name most, for the text of the refusal, which is that of S2's plugin (retina-shell.md 1.2).
_API_KINDS = {
    "apps/v1": {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet", "replicaset": "ReplicaSet"},
    "batch/v1": {"job": "Job", "cronjob": "CronJob"},
    "v1": {"service": "Service", "namespace": "Namespace", "configmap": "ConfigMap", "secret": "Secret"},
}
_SHORT = {
    "deploy": "deployment", "sts": "statefulset", "ds": "daemonset", "rs": "replicaset", "cj": "cronjob",
    "svc": "service", "ns": "namespace", "cm": "configmap",
}  # fmt: skip


def parse_target(words: tuple[str, ...]) -> ShellTarget:
    """Read the positional arguments: exactly one, NODE or KIND/NAME.

    Raises:
        CommandFailed: there is not exactly one, its kind is another, or its name is missing or no name.
    """
    if len(words) != 1:
        listed = f": {', '.join(words)}" if words else ""
        advice = "name one target: NODE, node/NODE, or -n NAMESPACE pods/POD"
        raise CommandFailed(
            USAGE, f"accepts 1 arg(s), received {len(words)}{listed}", advice + ("; a command goes after --" if len(words) > 1 else "")
        )
    kind, slash, name = words[0].rpartition("/")
    if not slash:
        kind = "node"
    plain, _, group = kind.lower().partition(".")
    found = _KINDS.get(plain)
    if found is None or group not in ("", "v1", "v1."):  # pods.metrics.k8s.io are others
        raise CommandFailed(
            USAGE,
            f"unsupported resource {_api_kind(kind)}: unsupported resource type",
            "a shell opens on a node (NODE, node/NODE) or in a pod (pods/POD); to get into a workload, name one of its pods",
        )
    if not name:
        raise CommandFailed(USAGE, f"the name of the {found} is missing in {words[0]!r}", f"write {found}/NAME")
    if not _is_name(name):
        raise CommandFailed(USAGE, f"{name!r} is no name of a {found}", "names have small letters, digits, '-' and '.'")
    return ShellTarget(found, name)


def _api_kind(kind: str) -> str:
    plain = kind.lower().split(".", 1)[0]
    plain = _SHORT.get(plain, plain)
    for group, kinds in _API_KINDS.items():
        for one, name in kinds.items():
            if plain in (one, one + "s"):
                return f"{group}/{name}"
    return kind


def _is_name(name: str) -> bool:
    """Whether it may be the name of an object (RFC 1123 subdomain): what goes into a URL's path and into messages."""
    return (
        len(name) <= 253
        and name.isascii()
        and all(c.islower() or c.isdigit() or c in "-." for c in name)
        and name[0] not in "-."
        and name[-1] not in "-."
    )
