"""What the kubelet knows of one container of a pod: its state, its last one, its process and that of the run before."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

from podshell.sandbox.runtime.specs import ContainerSpec
from podshell.sandbox.store import Obj, timestamp

_NEVER = "1970-01-01T00:00:00Z"
Role = Literal["init", "sidecar", "main", "ephemeral"]


class Process(Protocol):
    """A container that runs or ran: what the kubelet needs of `runtime.Container`."""

    @property
    def spec(self) -> ContainerSpec: ...
    @property
    def started_at(self) -> float: ...
    @property
    def exited(self) -> asyncio.Future[int]: ...
    async def stop(self, grace_seconds: float) -> int: ...
    def kill(self) -> None: ...


@dataclass
class Record:
    """One container of a pod. `current` is its latest process, `previous` the one before (for `logs --previous`)."""

    role: Role
    spec: Obj
    state: Obj = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last_state: Obj = field(default_factory=dict)
    restart_count: int = 0
    container_id: str = ""
    has_image: bool = False
    is_ready: bool = False
    is_started: bool = False
    current: Process | None = None
    previous: Process | None = None
    started: asyncio.Event = field(default_factory=asyncio.Event)
    tried: asyncio.Event = field(default_factory=asyncio.Event)  # it was started once, or could not be

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def image(self) -> str:
        return str(self.spec["image"])

    @property
    def field_path(self) -> str:
        """Where the container stands in the pod, as events name it."""
        fields = {"init": "initContainers", "sidecar": "initContainers", "main": "containers", "ephemeral": "ephemeralContainers"}
        return f"spec.{fields[self.role]}{{{self.name}}}"

    @property
    def running(self) -> Process | None:
        return self.current if "running" in self.state else None

    @property
    def waiting_reason(self) -> str:
        return str(self.state.get("waiting", {}).get("reason", ""))

    def wait(self, reason: str, message: str = "") -> None:
        """Put the container into a waiting state; a terminated state becomes the last one."""
        self._remember()
        self.state = {"waiting": {"reason": reason} | ({"message": message} if message else {})}
        self.is_ready = self.is_started = False

    def run(self, process: Process) -> None:
        self._remember()
        if self.current is not None:
            self.previous = self.current
            self.restart_count += 1
        self.current = process
        self.container_id = process.spec.id
        self.state = {"running": {"startedAt": _moment(process)}}
        # Without probes a container is ready as soon as it runs; ephemeral ones never count as ready.
        self.is_ready = self.is_started = self.role in ("main", "sidecar")
        self.started.set()

    def end(self, exit_code: int, reason: str = "", message: str = "") -> None:
        self.state = {
            "terminated": {
                "exitCode": exit_code,
                "reason": reason or ("Error" if exit_code else "Completed"),
                **({"message": message} if message else {}),
                "startedAt": _moment(self.current) if self.current is not None else _NEVER,
                "finishedAt": timestamp(),
                "containerID": f"containerd://{self.container_id}",
            }
        }
        self.is_ready = self.role == "init" and exit_code == 0
        self.is_started = False
        self.started.set()

    def fail_start(self, container_id: str, message: str) -> None:
        """The container was made but its process could not start (transcripts/ephemeral/bad-command)."""
        self.container_id = container_id
        terminated = {
            "exitCode": 128,
            "reason": "StartError",
            "message": message,
            "startedAt": _NEVER,
            "finishedAt": timestamp(),
            "containerID": f"containerd://{container_id}",
        }
        if self.last_state:
            self.restart_count += 1
        self.state = {"waiting": {"reason": "RunContainerError", "message": message}}
        self.last_state = {"terminated": terminated}
        self.is_ready = self.is_started = False

    def _remember(self) -> None:
        if "terminated" in self.state:
            self.last_state = self.state

    def _user(self) -> tuple[int, int]:
        """Under which user and group the container ran last."""
        if self.current is not None:
            return self.current.spec.run_as_user or 0, self.current.spec.run_as_group
        return int((self.spec.get("securityContext") or {}).get("runAsUser") or 0), 0

    def status(self) -> Obj:
        """The container's status, field by field as in transcripts/lifecycle/create-to-running and transcripts/ephemeral."""
        made: Obj = {
            "name": self.name,
            "state": self.state,
            "lastState": self.last_state,
            "ready": self.is_ready,
            "restartCount": self.restart_count,
            "image": self.image,
            "imageID": image_id(self.image) if self.has_image else "",
        }
        if self.container_id:
            made["containerID"] = f"containerd://{self.container_id}"
        if self.role != "ephemeral":
            made["started"] = self.is_started
        if self.container_id:
            made["resources"] = {}
        if mounts := self.spec.get("volumeMounts"):
            made["volumeMounts"] = [_mount(one) for one in mounts]
        if self.container_id:
            user, group = self._user()
            made["user"] = {"linux": {"uid": user, "gid": group, "supplementalGroups": [group]}}
        return made


def _moment(process: Process) -> str:
    return timestamp(datetime.fromtimestamp(process.started_at, UTC))


def image_id(image: str) -> str:
    return "sha256:" + hashlib.sha256(image.encode()).hexdigest()


def _mount(mount: Obj) -> Obj:
    made = {"name": mount["name"], "mountPath": mount["mountPath"]}
    if not mount.get("readOnly"):
        return made
    recursive = "Enabled" if mount.get("recursiveReadOnly") in ("Enabled", "IfPossible") else "Disabled"
    return made | {"readOnly": True, "recursiveReadOnly": recursive}  # transcripts/node/job-hostpath-mounts
