"""What the events of a start tell: what is going on, and what will not heal. Pure.

The kubelet writes an event when it happens and the container's status only at its next look at the pod. For a pod that is new that is a
second later; for a debug container in a pod that runs already it is 12 s (transcripts/ephemeral/image-pull-failure, never-pull,
run-as-nonroot). So events are judged with the same words as statuses (starting.py), and count where their writer counts them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from podshell.kube.objects import Event


@dataclass(frozen=True, slots=True)
class Broken:
    """It will not start. `reason` is Kubernetes' own word, `object` whom it is about."""

    object: str
    reason: str
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose events are about a start: an object, and in a pod that was there before only those of one container (`field_path`).

    `uid` empty: not known; `name` is then unique enough.
    """

    kind: str
    name: str
    uid: str = ""
    field_path: str = ""

    @property
    def selector(self) -> str:
        """The field selector (kubernetes pkg/registry/core/event/strategy.go lists what may be asked for)."""
        fields = {"kind": self.kind, "name": self.name, "uid": self.uid, "fieldPath": self.field_path}
        return ",".join(f"involvedObject.{name}={value}" for name, value in fields.items() if value)


# Pull errors that end the wait at first sight, in containerd's words: the image or the right to it is missing, or nothing answers where the
# registry should be. A new pod that meets the latter is in ImagePullBackOff, which ends the wait too, 1 s later (transcripts/events/
# image-pull-failure.v1), and the next try comes after 10 s. What is not here (a reset, a 5xx, a 429) may heal: the second failure counts.
_HOPELESS_PULL = re.compile(
    r"not found|manifest unknown|no match for platform|invalid reference format"
    r"|denied|forbidden|unauthorized|authorization failed"
    r"|connection refused|no such host|no route to host|network is unreachable|i/o timeout"
    r"|x509: |HTTP response to HTTPS client",
    re.IGNORECASE,
)
_IMAGE_STEP = "name an image that the node can pull (--image, --image-repo), or the secret for it (--pull-secret)"
_NON_ROOT_STEP = "the pod forbids root: use --profile restricted, or an image that does not run as root"
_IMAGE_STEPS = {
    "ErrImagePull": _IMAGE_STEP,
    "ImagePullBackOff": _IMAGE_STEP,
    "ImageInspectError": _IMAGE_STEP,
    "RegistryUnavailable": _IMAGE_STEP,
    "SignatureValidationFailed": _IMAGE_STEP,
    "ErrImageNeverPull": "the image is not on the node and --pull-policy Never forbids to pull it",
    "InvalidImageName": "correct the image's name",
}
# Reasons of a waiting container that will not heal, and what can be done.
_STEPS = {
    **_IMAGE_STEPS,
    "CreateContainerConfigError": "what the container asks for and the pod's or the namespace's rules do not fit together",
    "CreateContainerError": "the node's runtime could not make the container: read its text",
    "RunContainerError": "the node's runtime could not start the container: read its text",
    "PostStartHookError": "read the text",
    "CrashLoopBackOff": "the image must have sh and sleep",
}
# Of the reasons for FailedMount the one that no further try changes (transcripts/node): a Secret may still come, a path's type stays.
_HOPELESS_MOUNT = re.compile(r"hostPath type check failed")
# What the API server says when it means it, not when it is busy (transcripts/node/quota-job).
_REFUSED = re.compile(r"is forbidden|denied the request")
# What may heal, and is worth knowing until then (kubernetes pkg/kubelet/events/event.go).
_TROUBLE = ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "NetworkNotReady", "FailedScheduling")
_QUOTED = re.compile(r'"([^"]+)"')


def will_not_heal(reason: str) -> bool:
    """Whether a container that waits for this reason waits for ever. A failed pull alone does not."""
    return reason in _STEPS and reason != "ErrImagePull"


def is_hopeless_pull(message: str) -> bool:
    """Whether no further try to pull will do better."""
    return _HOPELESS_PULL.search(message) is not None


def broken_container(pod: str, image: str, reason: str, message: str) -> Broken:
    """Say that a container will not start, and what can be done; of its image where it is the image's fault."""
    step = _NON_ROOT_STEP if "runAsNonRoot" in message else _STEPS[reason]
    return Broken(f"image {image}" if reason in _IMAGE_STEPS else f"pod {pod}", reason, message or reason, step)


def judge_event(event: Event) -> Broken | None:
    """Return what an event tells that will not heal, about an object as a whole."""
    about = event.involved_object
    name = f"{about.kind.lower()} {about.namespace}/{about.name}"
    if event.reason == "FailedMount" and _HOPELESS_MOUNT.search(event.message):
        step = "the node lacks what is to be mounted: leave that option out, or choose another node"
        return Broken(name, event.reason, event.message, step)
    if event.reason == "FailedCreate" and _REFUSED.search(event.message):  # a Job's: its controller tries again, and is refused again
        return Broken(name, event.reason, event.message, _creation_step(event.message))
    return None


def _creation_step(message: str) -> str:
    if "violates PodSecurity" in message:
        return "use a namespace labelled pod-security.kubernetes.io/enforce=privileged"
    if "exceeded quota" in message or "must specify" in message:
        return "ask the namespace's owner for a larger quota, or use another namespace"
    if "admission webhook" in message or "ValidatingAdmissionPolicy" in message:
        return "an admission rule of the cluster refuses the pod: ask its owner"
    return "read the text; the namespace's owner can change what refuses the pod"


class StartEvents:
    """Reads the events of one start as they come. `image` is named where an event does not."""

    def __init__(self, image: str = "") -> None:
        self._image = image
        self._said = ""  # the kubelet's last words about the image

    def note(self, event: Event) -> Broken | str:
        """Return what will not heal, or what is going on; empty: nothing new."""
        if (broken := judge_event(event)) is not None:
            return broken
        node = event.source.host
        match event.reason:
            case "Pulling":
                return f"pulling the image {self._named(event)}" + (f" on node {node}" if node else "")
            case "Pulled":
                return f"the image {self._named(event)} is " + (f"on node {node}" if node else "there")
            case "InspectFailed" | "ErrImageNeverPull":  # followed by "Error: REASON"
                self._said = event.message
                return ""
            case "Failed":
                return self._note_failure(event)
        return f"{event.reason}: {event.message}" if event.reason in _TROUBLE else ""

    def _named(self, event: Event) -> str:
        found = _QUOTED.search(event.message)
        return found[1] if found is not None else self._image

    def _note_failure(self, event: Event) -> Broken | str:
        message = event.message
        if message.startswith("Failed to pull image"):
            self._image = self._named(event)
            self._said = message.partition(f'"{self._image}": ')[2] or message
            if is_hopeless_pull(self._said) or _comes_again(event):
                return self._broken("ErrImagePull", event)
            return f"the image {self._image} could not be pulled yet: {self._said}"
        error = message.removeprefix("Error: ")
        if error == message:
            return f"{event.reason}: {message}"
        if error == "ErrImagePull":
            # a failed pull whose words differ at each try is another event each time; this one is the same, and counted
            return self._broken(error, event) if _comes_again(event) else ""
        if will_not_heal(error):
            return self._broken(error, event)
        about = event.involved_object
        reason = next((reason for reason, words in _BY_WORDS.items() if words.search(error)), "CreateContainerConfigError")
        return broken_container(f"{about.namespace}/{about.name}", self._image, reason, error)

    def _broken(self, reason: str, event: Event) -> Broken:
        about = event.involved_object
        return broken_container(f"{about.namespace}/{about.name}", self._image, reason, self._said)


# The status names the step that failed, its event does not: the words are those of the runtime (containerd, CRI-O), or else the kubelet
# could not even ask it (kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go).
_BY_WORDS = {
    "RunContainerError": re.compile(r"failed to create containerd task|failed to start|OCI runtime create failed"),
    "CreateContainerError": re.compile(
        r"failed to generate|failed to create containerd container|failed to reserve|container create failed"
    ),
}


def _comes_again(event: Event) -> bool:
    return (event.count or 0) > 1 or (event.series is not None and event.series.count > 1)
