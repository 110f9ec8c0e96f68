"""The life of one container: pull, start, wait for its end, and again as the restart policy and the back-off say."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from podshell.sandbox.kubelet.backoffs import Backoff, Timings, written
from podshell.sandbox.kubelet.faults import NodeFaults
from podshell.sandbox.kubelet.records import Process, Record
from podshell.sandbox.kubelet.specs import container_spec, user_fault
from podshell.sandbox.kubelet.volumes import propagation_fault
from podshell.sandbox.runtime.specs import ContainerSpec, ImageMissing, ImagePullFailed, StartFailed
from podshell.sandbox.store import Obj

_GLANCE_SECONDS = 0.1
_IMAGE_BYTES = 4_000_000  # what a pull is said to have brought; images are folders here


class PulledImage(Protocol):
    """What the kubelet needs to know of an image."""

    @property
    def user(self) -> int: ...


class Node(Protocol):
    """What the kubelet needs of `runtime.Runtime`."""

    async def start_container(self, spec: ContainerSpec) -> Process: ...
    async def host_path_fault(self, node: str, path: str, kind: str) -> str | None: ...
    def pull(self, image: str) -> PulledImage: ...
    def forget(self, container_id: str) -> None: ...
    def forget_folder(self, node: str, path: str) -> None: ...


class Pod(Protocol):
    """What a container's life needs of its pod's worker."""

    pod: Obj
    pod_ip: str
    faults: NodeFaults

    def publish(self) -> None: ...
    def tell(self, reason: str, message: str, record: Record, *, kind: str = "Normal") -> None: ...


class ContainerLife:
    """Runs one container of a pod until it has ended for good. Cancelling `run` leaves the process to the caller."""

    def __init__(self, pod: Pod, record: Record, node: Node, timings: Timings, share_pid_with: str | None = None) -> None:
        self._pod = pod
        self._record = record
        self._node = node
        self._crashes = Backoff(timings)
        self._timings = timings
        self._share_pid_with = share_pid_with
        self._image_user = 0

    async def run(self) -> None:
        while True:
            await self._pull()
            process = await self._start()
            self._record.tried.set()
            if process is None:
                if self._record.waiting_reason in ("CreateContainerConfigError", "CreateContainerError"):
                    await self._wait_for_the_next_try(self._timings.create_retry_seconds)
                    continue
                if self._record.role == "ephemeral":
                    return  # ephemeral containers never start again
                await self._wait_after_crash(0.0)
                continue
            code = await asyncio.shield(process.exited)
            self._record.end(code)
            self._pod.publish()
            if not self._restarts(code):
                return
            await self._wait_after_crash(time.time() - process.started_at)

    def _restarts(self, code: int) -> bool:
        policy = self._pod.pod["spec"].get("restartPolicy", "Always")
        match self._record.role:
            case "ephemeral":
                return False
            case "sidecar":
                return True
            case "init":
                return code != 0 and policy != "Never"
        return policy == "Always" or (policy == "OnFailure" and code != 0)

    async def _wait_after_crash(self, ran_seconds: float) -> None:
        delay = self._crashes.next(ran_seconds)
        if not delay:
            return
        metadata, name = self._pod.pod["metadata"], self._record.name
        pod = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        # transcripts/lifecycle/crash-loop and transcripts/events/crash-loop.v1
        self._record.wait("CrashLoopBackOff", f"back-off {written(delay)} restarting failed container={name} pod={pod}")
        self._pod.publish()
        self._tell("BackOff", f"Back-off restarting failed container {name} in pod {pod}", kind="Warning")
        await asyncio.sleep(delay)

    def _create_fault(self, spec: ContainerSpec) -> tuple[str, str] | None:
        """Reason and message for which the container is not even made; it is tried again for ever."""
        pod, container = self._pod.pod, self._record.spec
        if why := self._pod.faults.config_error(pod) or user_fault(pod, container, self._image_user):
            return "CreateContainerConfigError", why
        if why := propagation_fault(pod, container, spec.id):
            return "CreateContainerError", why
        return None

    def _end_late(self, starting: asyncio.Future[Process]) -> None:
        if not starting.cancelled() and starting.exception() is None:
            process = starting.result()
            process.kill()
            process.exited.add_done_callback(lambda _: self._node.forget(process.spec.id))

    async def _start(self) -> Process | None:
        spec = container_spec(self._pod.pod, self._record.spec, pod_ip=self._pod.pod_ip, share_pid_with=self._share_pid_with)
        if fault := self._create_fault(spec):
            self._record.wait(*fault)
            self._tell("Failed", f"Error: {fault[1]}", kind="Warning")
            self._publish_failure()
            return None
        self._tell("Created", "Container created")
        starting = asyncio.ensure_future(self._node.start_container(spec))
        try:
            process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(self._end_late)  # the pod ended meanwhile: nobody else knows of this process
            raise
        except (StartFailed, ImageMissing) as error:
            self._record.fail_start(spec.id, error.message)
            self._tell("Failed", f"Error: {error.message}", kind="Warning")
            self._pod.publish()
            return None
        if self._record.previous is not None:
            self._node.forget(self._record.previous.spec.id)  # only one run before the current one is kept, for its log
        self._record.run(process)
        self._tell("Started", "Container started")
        if self._record.role == "ephemeral":
            # The kubelet looks at its containers now and then: one that ends at once is not seen running, and kubectl debug
            # then prints its log instead of attaching to what is gone (transcripts/kubectl, debug --target).
            await asyncio.wait({process.exited}, timeout=_GLANCE_SECONDS)
        if not process.exited.done():
            self._pod.publish()
        return process

    async def _pull(self) -> None:
        """Return once the image is there; a missing one is tried again for ever, as ImagePullBackOff."""
        image = self._record.image
        policy = self._record.spec.get("imagePullPolicy", "IfNotPresent")
        backoff = Backoff(self._timings)
        backoff.next(0.0)  # an image waits before its second try already
        while True:
            seconds = self._pod.faults.pull_seconds(self._pod.pod) if not self._record.has_image else 0.0
            if seconds:
                self._tell("Pulling", f'Pulling image "{image}"')
                await asyncio.sleep(seconds)
            failure = self._try_pull(image, policy, pulled_seconds=seconds)
            if failure is None:
                self._record.has_image = True
                return
            reason, message = failure
            self._record.wait(reason, message)
            self._publish_failure()
            self._record.tried.set()
            delay = backoff.next(0.0)
            if reason != "ErrImagePull":
                await self._wait_for_the_next_try(delay)
            elif self._is_ephemeral:
                await self._wait_for_the_next_pull(delay, message)
            else:
                await asyncio.sleep(self._timings.pull_failure_seconds)
                self._back_off(message)
                self._pod.publish()
                await asyncio.sleep(delay)

    def _back_off(self, message: str) -> None:
        image = self._record.image
        self._tell("BackOff", f'Back-off pulling image "{image}"')
        self._tell("Failed", "Error: ImagePullBackOff", kind="Warning")
        self._record.wait("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {message}')

    @property
    def _is_ephemeral(self) -> bool:
        return self._record.role == "ephemeral"

    def _publish_failure(self) -> None:
        """Write why it does not start into the status; of a debug container that waits until the next look at its pod."""
        if not self._is_ephemeral:
            self._pod.publish()

    async def _wait_for_the_next_try(self, seconds: float) -> None:
        await asyncio.sleep(self._timings.ephemeral_sync_seconds if self._is_ephemeral else seconds)
        self._pod.publish()

    async def _wait_for_the_next_pull(self, delay: float, message: str) -> None:
        """Look again and again until the back-off is over, and write what was found the time before."""
        until = asyncio.get_running_loop().time() + delay
        await self._wait_for_the_next_try(delay)
        while asyncio.get_running_loop().time() < until:
            self._back_off(message)
            await self._wait_for_the_next_try(delay)

    def _try_pull(self, image: str, policy: str, *, pulled_seconds: float) -> tuple[str, str] | None:
        """Reason and message of a failure; None when the image is there."""
        try:
            if error := self._pod.faults.pull_error(self._pod.pod):
                raise ImagePullFailed(error)
            self._image_user = self._node.pull(image).user
        except ImagePullFailed as error:
            if error.reason == "InvalidImageName":  # transcripts/ephemeral/invalid-image-name
                self._tell("InspectFailed", error.message, kind="Warning")
                self._tell("Failed", "Error: InvalidImageName", kind="Warning")
                return error.reason, error.message
            if policy == "Never":
                message = f'Container image "{image}" is not present with pull policy of Never'
                self._tell("ErrImageNeverPull", message, kind="Warning")
                self._tell("Failed", "Error: ErrImageNeverPull", kind="Warning")
                return "ErrImageNeverPull", message
            if not pulled_seconds:
                self._tell("Pulling", f'Pulling image "{image}"')
            self._tell("Failed", f'Failed to pull image "{image}": {error.message}', kind="Warning")
            self._tell("Failed", f"Error: {error.reason}", kind="Warning")
            return error.reason, error.message
        if pulled_seconds:  # kubernetes pkg/kubelet/images/image_manager.go
            took = f"{pulled_seconds:.3g}s"
            message = f'Successfully pulled image "{image}" in {took} ({took} including waiting). Image size: {_IMAGE_BYTES} bytes.'
            self._tell("Pulled", message)
        else:
            self._tell("Pulled", f'Container image "{image}" already present on machine and can be accessed by the pod')
        return None

    def _tell(self, reason: str, message: str, *, kind: str = "Normal") -> None:
        self._pod.tell(reason, message, self._record, kind=kind)
