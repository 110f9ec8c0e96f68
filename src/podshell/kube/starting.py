"""Waiting for a container to start: a watch on its pod, what is going on, and why it will not start (kubernetes.md 4.2).

`judge` is pure: one pod as it is, and what was seen before. `wait_started` watches; it ends at the event that will not heal, not at the end
of the patience; what the pod itself does not say, or says late, hazards.py finds. `last_events` is the evidence that belongs to a failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from podshell.aio.backoff import Backoff
from podshell.kube.errors import Forbidden, Gone, KubeError, NotFound, ServerError, TooManyRequests, Unreachable
from podshell.kube.hazards import Hazards
from podshell.kube.objects import ContainerStatus, Event, Pod
from podshell.kube.reflector import Health, Reflector, ReflectorState, WatchSilent, read_lines
from podshell.kube.rest import Client, decode_answer
from podshell.kube.start_events import Broken, StartEvents, Subject, broken_container, is_hopeless_pull, will_not_heal
from podshell.kube.store import Change, Store
from podshell.kube.waiter import NO_FOLDER_CODE
from podshell.kube.workloads import EVENTS, PODS, WatchEvent

_PROGRESS = {
    "ContainerCreating": "the container is being created",
    "PodInitializing": "the pod's init containers are running",
    "ErrImagePull": "the image could not be pulled yet",
}
# What every start says for a while; it says less than an event does, and so does not take its place.
_VAGUE = ("the node has not taken it up yet", "waiting", *_PROGRESS.values())
_EVENTS_SHOWN = 5
# What is going on is a line or two; a failed pull's message may have thousands of characters, and stands in the evidence.
_TEXT_CHARS = 500
# The evidence of a failure: a server that does not even answer this does not keep its user any longer.
_EVIDENCE_SECONDS = 3.0
# A lost watch is begun again in 0.1 s, on average; a server that goes on refusing is asked about every second.
_AGAIN_SECONDS, _AGAIN_CAP_SECONDS = 0.2, 2.0
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
    image: str = ""
    texts: list[str] = field(default_factory=list)

    def tell(self, text: str, say: Callable[[str], None]) -> None:
        """Keep what is going on, and say it if it is new."""
        text = text if len(text) <= _TEXT_CHARS else f"{text[: _TEXT_CHARS - 1]}…"
        if text in self.texts[-1:] or (text in _VAGUE and (text in self.texts or any(one not in _VAGUE for one in self.texts))):
            return
        self.texts.append(text)
        say(text)

    def last_text(self) -> str:
        """Say what was heard last, and of which image and node (features F51)."""
        last = self.texts[-1] if self.texts else "nothing was heard of it"
        missing = [f"{what} {name}" for what, name in (("image", self.image), ("node", self.node)) if name and name not in last]
        return f"{last} ({', '.join(missing)})" if missing else last


def judge(pod: Pod, container: str, history: History) -> Judgement:
    """Say how the start of `container` stands."""
    name = f"pod {pod.metadata.namespace}/{pod.metadata.name}"
    history.node = pod.spec.node_name
    spec = pod.spec
    every = (*spec.containers, *(spec.ephemeral_containers or ()))
    history.image = next((one.image for one in every if one.name == container), history.image)
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
    if will_not_heal(reason) or (reason == "ErrImagePull" and is_hopeless_pull(message)):
        words = history.pull_message if reason == "ImagePullBackOff" else ""
        return broken_container(name.removeprefix("pod "), status.image, reason, words or message)
    return Progress(_PROGRESS.get(reason, f"waiting ({reason})" if reason else "waiting"))


async def wait_started(client: Client, namespace: str, pod: str, container: str, *, seconds: float, say: Callable[[str], None]) -> Pod:
    """Watch until `container` runs. `say` gets each new stage once. Cancelling is safe.

    Raises:
        StartFailed: it will not start, or did not in time.
        KubeError: the pod cannot be read or watched.
    """
    start = _Start(client, namespace, pod, container, say)
    try:
        async with asyncio.timeout(seconds):
            judgement = await start.first()
    except TimeoutError:
        message = f"timed out after {seconds:g}s waiting for container {container} to start: {start.history.last_text()}"
        step = "The timeout can be increased by setting --timeout."
        broken = Broken(f"pod {namespace}/{pod}", "Timeout", message, step)
        raise StartFailed(broken, await last_events(client, namespace, start.subject), timed_out=True) from None
    if isinstance(judgement, Broken):
        raise StartFailed(judgement, await last_events(client, namespace, start.subject))
    return judgement.pod


class _Start:
    """The start of one container while somebody waits for it. `subject` tells whose events are about it."""

    def __init__(self, client: Client, namespace: str, pod: str, container: str, say: Callable[[str], None]) -> None:
        self.history = History()
        self.subject = Subject("Pod", pod)
        self._client, self._namespace, self._pod, self._container = client, namespace, pod, container
        self._say = say
        self._again = Backoff(base_seconds=_AGAIN_SECONDS, cap_seconds=_AGAIN_CAP_SECONDS)
        self._seen: asyncio.Future[Pod] = asyncio.get_running_loop().create_future()  # the pod as it was first seen

    async def first(self) -> Running | Broken:
        """Return what comes first: the pod's own word, or a hazard that it does not tell of."""
        watching = asyncio.create_task(self._watch(), name=f"start of {self._pod}")
        hazard = asyncio.create_task(self._first_hazard(), name=f"hazards of {self._pod}")
        try:
            await asyncio.wait({watching, hazard}, return_when=asyncio.FIRST_COMPLETED)
            return watching.result() if watching.done() else hazard.result()
        finally:
            watching.cancel()
            hazard.cancel()
            await asyncio.wait({watching, hazard})

    async def _first_hazard(self) -> Broken:
        pod = await self._seen
        hazards = Hazards(
            self._client,
            self._namespace,
            self.subject,
            StartEvents(self.history.image),
            lambda: self.history.node,
            host_network=pod.spec.host_network,
            say=self._tell,
        )
        return await hazards.first()

    def _tell(self, text: str) -> None:
        self.history.tell(text, self._say)

    async def _watch(self) -> Running | Broken:
        while True:
            at_least = 0.0
            try:
                if (found := await self._look_and_watch()) is not None:
                    return found
            except NotFound:
                step = "somebody or something else deleted it: try again"
                return Broken(f"pod {self._namespace}/{self._pod}", "NotFound", "the pod is gone", step)
            except (Gone, WatchSilent):
                pass  # the version is lost, or the connection: look again
            except (Unreachable, TooManyRequests, ServerError) as error:
                # an API server that is busy, or is replaced by another one, while the pod goes on starting
                self._tell(f"the API server does not answer, it is asked again: {error}")
                at_least = getattr(error, "retry_after_seconds", None) or 0.0
            except Forbidden as error:
                if error.verb != "watch":
                    raise
                await asyncio.sleep(_LOOK_SECONDS)  # who may only read, as S2 asks for, looks again and again
                continue
            await asyncio.sleep(self._again.next_seconds(asyncio.get_running_loop().time(), at_least_seconds=at_least))

    async def _look_and_watch(self) -> Running | Broken | None:
        pod = await self._client.get(PODS.path(self._namespace, self._pod), Pod)
        if (found := self._note(judge(pod, self._container, self.history))) is not None:
            return found
        self._note_subject(pod)
        params = {
            "watch": "true",
            "fieldSelector": f"metadata.name={self._pod}",
            "resourceVersion": pod.metadata.resource_version,
        }
        async with self._client.open_stream(PODS.path(self._namespace), params) as content:
            self._again.connected(asyncio.get_running_loop().time())
            async for line in read_lines(content, _SILENCE_SECONDS):
                if (found := self._note(_judge_line(line, self._container, self.history))) is not None:
                    return found
        return None

    def _note_subject(self, pod: Pod) -> None:
        """Know whose events count: those of this pod, and of a debug container's pod, which has a past, those of the container alone."""
        ours = any(one.name == self._container for one in pod.spec.ephemeral_containers or ())
        field_path = f"spec.ephemeralContainers{{{self._container}}}" if ours else ""
        self.subject = Subject("Pod", self._pod, pod.metadata.uid, field_path)
        if not self._seen.done():
            self._seen.set_result(pod)

    def _note(self, judgement: Judgement | None) -> Running | Broken | None:
        if isinstance(judgement, Progress):
            self._tell(judgement.text)
            return None
        return judgement


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
    subject = Subject("Job", job)
    hazard = asyncio.create_task(Hazards(client, namespace, subject, StartEvents(), lambda: "").first(), name=f"hazards of {job}")
    try:
        first: list[asyncio.Future[Pod] | asyncio.Future[Broken]] = [found, hazard]
        await asyncio.wait(first, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if found.done():
            return found.result()
        events = await last_events(client, namespace, subject)
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


async def last_events(client: Client, namespace: str, subject: Subject) -> list[str]:
    """Return the last events of a start, oldest first, as "Reason: message"; none where they may not be read, or not in time."""
    try:
        async with asyncio.timeout(_EVIDENCE_SECONDS):
            events = await client.list(EVENTS.path(namespace), Event, params={"fieldSelector": subject.selector})
    except (KubeError, TimeoutError):
        return []
    events.sort(key=lambda event: event.last_timestamp or event.event_time or event.metadata.creation_timestamp or "")
    return [f"{event.reason}: {event.message}" for event in events[-_EVENTS_SHOWN:]]


_EVENT = msgspec.json.Decoder(WatchEvent)
_POD = msgspec.json.Decoder(Pod)
