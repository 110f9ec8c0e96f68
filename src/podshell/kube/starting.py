"""Waiting for a container to start: a watch on its pod, what is going on, and why it will not start (kubernetes.md 4.2).

`judge` is pure: one pod as it is, and what was seen before. `wait_started` watches; it ends at the event that will not heal, not at the end
of the patience; what the pod itself does not say, hazards.py finds. `last_events` is the evidence that belongs to a failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from podshell.kube.errors import ApiError, Forbidden, Gone, KubeError, NotFound, Unreachable
from podshell.kube.hazards import Broken, Hazards
from podshell.kube.manifests import CONTAINER
from podshell.kube.objects import ContainerStatus, Event, Pod
from podshell.kube.reflector import Health, Reflector, ReflectorState, WatchSilent, read_lines
from podshell.kube.rest import Client, decode_answer
from podshell.kube.store import Change, Store
from podshell.kube.waiter import NO_FOLDER_CODE
from podshell.kube.workloads import PODS, WatchEvent

# Pull errors that come back may heal (a registry restarts); these words of containerd's do not (transcripts/events).
_HOPELESS_PULL = ("not found", "pull access denied", "unauthorized", "authorization failed", "no match for platform", "manifest unknown")
_IMAGE_STEP = "name an image that the node can pull (--image, --image-repo), or the secret for it (--pull-secret)"
_BROKEN = {
    "ErrImageNeverPull": "the image is not on the node and --pull-policy Never forbids to pull it",
    "InvalidImageName": "correct the image's name",
    "CreateContainerConfigError": "what the container asks for and the pod's or the namespace's rules do not fit together",
    "CreateContainerError": "the node's runtime could not make the container: read its text",
    "RunContainerError": "the node's runtime could not start the container: read its text",
    "PostStartHookError": "read the text",
    "CrashLoopBackOff": "the image must have sh and sleep",
}
_NON_ROOT_STEP = "the pod forbids root: use --profile restricted, or an image that does not run as root"
_PROGRESS = {
    "ContainerCreating": "the container is being created",
    "PodInitializing": "the pod's init containers are running",
    "ErrImagePull": "the image could not be pulled yet",
}
_EVENTS_SHOWN = 5
_AGAIN_SECONDS = 0.2
_LOOK_SECONDS = 1.0
_SILENCE_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Progress:
    """It is not there yet. `text`: what is going on."""

    text: str


@dataclass(frozen=True, slots=True)
class Running:
    """It runs."""

    pod: Pod


Judgement = Progress | Running | Broken


class StartFailed(Exception):
    """The container does not start. `events` are the last ones of its pod; `timed_out`: nothing says that it never would."""

    def __init__(self, broken: Broken, events: list[str], *, timed_out: bool = False) -> None:
        super().__init__(broken.message)
        self.broken = broken
        self.events = events
        self.timed_out = timed_out


@dataclass(slots=True)
class History:
    """What was seen of a start so far."""

    pull_message: str = ""
    node: str = ""
    texts: list[str] = field(default_factory=list)


def judge(pod: Pod, container: str, history: History) -> Judgement:
    """Say how the start of `container` stands."""
    name = f"pod {pod.metadata.namespace}/{pod.metadata.name}"
    history.node = pod.spec.node_name
    if pod.metadata.deletion_timestamp is not None:
        return Broken(name, "Deleted", "the pod is being deleted", "somebody or something else deletes it: try again")
    status = pod.container_status(container)
    if status is not None and status.state.running is not None:
        return Running(pod)
    if pod.status.phase in ("Failed", "Succeeded"):
        return _judge_ended_pod(pod, status, name)
    if status is None:
        return _judge_without_status(pod, name)
    return _judge_container(status, name, history)


def _judge_ended_pod(pod: Pod, status: ContainerStatus | None, name: str) -> Judgement:
    reason, message = pod.status.reason, pod.status.message
    ended = status.state.terminated if status is not None else None
    if not reason and ended is not None:
        return _ended(name, ended.reason or "Terminated", ended.exit_code, ended.message)
    step = "look at the node: kubectl describe node" if reason else "try again"
    return Broken(name, reason or pod.status.phase, message or f"the pod has ended ({pod.status.phase})", step)


def _ended(name: str, reason: str, code: int, message: str) -> Broken:
    if code == NO_FOLDER_CODE:
        return Broken(name, reason, "the container has no folder that its user can write to", "use an image with a writable /tmp")
    text = f"the container ended at once with code {code}" + (f": {message}" if message else "")
    return Broken(name, reason, text, "the image must have sh and sleep, for this processor and system")


def _judge_without_status(pod: Pod, name: str) -> Judgement:
    for condition in pod.status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            return Broken(name, condition.reason, condition.message, "no node takes the pod: kubectl describe pod")
    return Progress("the node has not taken it up yet")


def _judge_container(status: ContainerStatus, name: str, history: History) -> Judgement:
    ended, waiting = status.state.terminated, status.state.waiting
    if ended is not None:
        return _ended(name, ended.reason or "Terminated", ended.exit_code, ended.message)
    reason, message = (waiting.reason, waiting.message) if waiting is not None else ("", "")
    if reason == "ErrImagePull":
        history.pull_message = message
        if any(words in message for words in _HOPELESS_PULL):
            return Broken(f"image {status.image}", reason, message, _IMAGE_STEP)
    if reason in ("ImagePullBackOff", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"):
        return Broken(f"image {status.image}", reason, history.pull_message or message, _IMAGE_STEP)
    if reason in _BROKEN:
        step = _NON_ROOT_STEP if "runAsNonRoot" in message else _BROKEN[reason]
        return Broken(name, reason, message or reason, step)
    return Progress(_PROGRESS.get(reason, f"waiting ({reason})" if reason else "waiting"))


async def wait_started(client: Client, namespace: str, pod: str, container: str, *, seconds: float, say: Callable[[str], None]) -> Pod:
    """Watch until `container` runs. `say` gets each new stage once. Cancelling is safe.

    Raises:
        StartFailed: it will not start, or did not in time.
        KubeError: the pod cannot be read or watched.
    """
    history = History()
    try:
        async with asyncio.timeout(seconds):
            judgement = await _first_of(client, namespace, pod, container, history, say)
    except TimeoutError:
        last = history.texts[-1] if history.texts else "nothing was heard of it"
        message = f"timed out after {seconds:g}s waiting for container {container} to start: {last}"
        step = "The timeout can be increased by setting --timeout."
        broken = Broken(f"pod {namespace}/{pod}", "Timeout", message, step)
        raise StartFailed(broken, await last_events(client, namespace, pod), timed_out=True) from None
    if isinstance(judgement, Broken):
        raise StartFailed(judgement, await last_events(client, namespace, pod))
    return judgement.pod


async def _first_of(
    client: Client, namespace: str, pod: str, container: str, history: History, say: Callable[[str], None]
) -> Running | Broken:
    """Return what comes first: the pod's own word, or a hazard that it does not tell of."""
    hazards = Hazards(client, namespace, pod if container == CONTAINER else "", lambda: history.node)
    watching = asyncio.create_task(_watch(client, namespace, pod, container, history, say), name=f"start of {pod}")
    hazard = asyncio.create_task(hazards.first(), name=f"hazards of {pod}")
    try:
        await asyncio.wait({watching, hazard}, return_when=asyncio.FIRST_COMPLETED)
        return watching.result() if watching.done() else hazard.result()
    finally:
        watching.cancel()
        hazard.cancel()
        await asyncio.wait({watching, hazard})


async def wait_job_pod(client: Client, namespace: str, job: str, *, seconds: float) -> Pod:
    """Watch until a Job has a pod. Cancelling is safe.

    Raises:
        StartFailed: its controller may make none, or made none in time.
        KubeError: pods may not be watched.
    """
    pods: Store[Pod] = Store()
    found: asyncio.Future[Pod] = asyncio.get_running_loop().create_future()

    def note_pod(change: Change[Pod]) -> None:
        if not found.done():
            found.set_result(change.new)

    def note_health(health: Health) -> None:
        if health.state is ReflectorState.REFUSED and health.error is not None and not found.done():
            found.set_exception(health.error)

    pods.listen(note_pod)
    selectors = {"labelSelector": f"job-name={job}"}
    reflector = Reflector(client, PODS, pods, namespace=namespace, selectors=selectors, on_health=note_health)
    watching = asyncio.create_task(reflector.run(), name=f"pod of {job}")
    hazard = asyncio.create_task(Hazards(client, namespace, job, lambda: "").first(), name=f"hazards of {job}")
    try:
        first: list[asyncio.Future[Pod] | asyncio.Future[Broken]] = [found, hazard]
        await asyncio.wait(first, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if found.done():
            return found.result()
        events = await last_events(client, namespace, job, kind="Job")
        if hazard.done():
            raise StartFailed(hazard.result(), events)
        step = f"look at what its controller says: kubectl -n {namespace} describe job {job}"
        raise StartFailed(
            Broken(f"job {namespace}/{job}", "Timeout", f"the Job {namespace}/{job} has no pod after {seconds:g} s", step),
            events,
            timed_out=True,
        )
    finally:
        watching.cancel()
        hazard.cancel()
        await asyncio.wait({watching, hazard})


async def _watch(
    client: Client, namespace: str, name: str, container: str, history: History, say: Callable[[str], None]
) -> Running | Broken:
    while True:
        try:
            pod = await client.get(PODS.path(namespace, name), Pod)
            if (found := _note(judge(pod, container, history), history, say)) is not None:
                return found
            params = {
                "watch": "true",
                "fieldSelector": f"metadata.name={name}",
                "resourceVersion": pod.metadata.resource_version,
            }
            async with client.open_stream(PODS.path(namespace), params) as content:
                async for line in read_lines(content, _SILENCE_SECONDS):
                    if (found := _note(_judge_line(line, container, history), history, say)) is not None:
                        return found
        except NotFound:
            return Broken(f"pod {namespace}/{name}", "NotFound", "the pod is gone", "somebody or something else deleted it: try again")
        except (Gone, Unreachable, WatchSilent):
            await asyncio.sleep(_AGAIN_SECONDS)  # the connection or the version is lost: look again
        except Forbidden as error:
            if error.verb != "watch":
                raise
            await asyncio.sleep(_LOOK_SECONDS)  # who may only read, as S2 asks for, looks again and again


def _judge_line(line: bytes, container: str, history: History) -> Judgement | None:
    event = decode_answer(line, _EVENT)
    if event.type == "ERROR":
        raise Gone("the watch is too old", status_code=410)
    if event.type not in ("ADDED", "MODIFIED", "DELETED"):
        return None
    pod = decode_answer(event.object, _POD)
    if event.type == "DELETED":
        name = f"pod {pod.metadata.namespace}/{pod.metadata.name}"
        return Broken(name, "Deleted", "the pod was deleted", "somebody or something else deleted it: try again")
    return judge(pod, container, history)


def _note(judgement: Judgement | None, history: History, say: Callable[[str], None]) -> Running | Broken | None:
    if isinstance(judgement, Progress):
        if not history.texts or history.texts[-1] != judgement.text:
            history.texts.append(judgement.text)
            say(judgement.text)
        return None
    return judgement


async def last_events(client: Client, namespace: str, name: str, *, kind: str = "Pod") -> list[str]:
    """Return the last events of an object, oldest first, as "Reason: message"; none where they may not be read."""
    params = {"fieldSelector": f"involvedObject.name={name},involvedObject.kind={kind}"}
    try:
        events = await client.list(f"/api/v1/namespaces/{namespace}/events", Event, params=params)
    except (ApiError, KubeError):
        return []
    events.sort(key=lambda event: event.last_timestamp or event.event_time or event.metadata.creation_timestamp or "")
    return [f"{event.reason}: {event.message}" for event in events[-_EVENTS_SHOWN:]]


_EVENT = msgspec.json.Decoder(WatchEvent)
_POD = msgspec.json.Decoder(Pod)
