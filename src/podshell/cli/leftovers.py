"""What shells of ours left, or use: node pods and Jobs, found by their label and removed by name and uid, and debug containers that run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from podshell.cli.durations import format_duration
from podshell.kube.debug_containers import ToolsContainer
from podshell.kube.errors import Forbidden, NotFound
from podshell.kube.manifests import EXPIRES, KIND_LABEL, SELECTOR, USER, USER_VARIABLE, is_past
from podshell.kube.objects import KubeObject
from podshell.kube.rest import Client

_PLACES = {"Pod": ("/api/v1", "pods"), "Job": ("/apis/batch/v1", "jobs")}
CONTAINER = "Container"
# A pod of a Job goes with it.
_OF_JOB = "batch.kubernetes.io/job-name"
_ENDED_PHASES = ("Succeeded", "Failed")


class State(StrEnum):
    """What it does."""

    STARTING = "starting"
    RUNNING = "running"
    FINISHED = "finished"


class Leftover(msgspec.Struct, frozen=True):
    """One object, or a debug container (`kind` Container, `name` POD/CONTAINER), which nobody can remove.

    `created` and `expires` as Kubernetes writes times; "" where they are not said.
    """

    kind: str
    namespace: str
    name: str
    uid: str
    node: str
    user: str
    state: State
    created: str
    expires: str

    def row(self, now: datetime | None = None) -> tuple[str, ...]:
        """Return the cells of a table."""
        age = _age(self.created, now or datetime.now(UTC))
        ends = self.expires or ("by itself" if self.kind == CONTAINER else "")
        return (self.kind, self.namespace, self.name, self.node, self.user, self.state, age, ends)

    def is_over(self, now: datetime | None = None) -> bool:
        """Whether no shell can be in it any more."""
        return self.state is State.FINISHED or is_past(self.expires, (now or datetime.now(UTC)).timestamp() * 1000)


class _Annotations(KubeObject, frozen=True):
    expires: str = msgspec.field(default="", name=EXPIRES)
    user: str = msgspec.field(default="", name=USER)


class _Meta(KubeObject, frozen=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: _Annotations = _Annotations()


class _Running(KubeObject, frozen=True):
    started_at: str = ""


class _ContainerState(KubeObject, frozen=True):
    running: _Running | None = None


class _ContainerStatus(KubeObject, frozen=True):
    name: str = ""
    state: _ContainerState = _ContainerState()


class _Condition(KubeObject, frozen=True):
    type: str = ""
    status: str = ""


class _Spec(KubeObject, frozen=True):
    node_name: str = ""
    ephemeral_containers: tuple[ToolsContainer, ...] | None = None


class _Status(KubeObject, frozen=True):
    """Of a pod or of a Job."""

    phase: str = ""
    active: int = 0
    conditions: tuple[_Condition, ...] | None = None
    ephemeral_container_statuses: tuple[_ContainerStatus, ...] | None = None

    @property
    def state(self) -> State:
        over = any(one.type in ("Complete", "Failed") and one.status == "True" for one in self.conditions or ())
        if self.phase in _ENDED_PHASES or over:
            return State.FINISHED
        return State.RUNNING if self.phase == "Running" or self.active else State.STARTING


class _Object(KubeObject, frozen=True):
    metadata: _Meta
    spec: _Spec = _Spec()
    status: _Status = _Status()


async def find_leftovers(client: Client, namespace: str) -> tuple[list[Leftover], list[str]]:
    """List what is ours and is not being deleted; in all namespaces when `namespace` is empty. Also says what could not be looked at.

    Raises:
        KubeError: pods may not be listed, or nobody answers.
    """
    found: list[Leftover] = []
    unseen: list[str] = []
    for kind, (root, plural) in _PLACES.items():
        try:
            objects = await client.list(_path(root, namespace, plural), _Object, params={"labelSelector": f"{SELECTOR},{KIND_LABEL}"})
        except NotFound:
            continue  # a cluster without Jobs
        except Forbidden as error:
            if kind == "Pod":
                raise
            unseen.append(f"Jobs were not looked at: {error.message}")
            continue
        found += [_leftover(kind, one) for one in objects if one.metadata.deletion_timestamp is None and not _has_job(one)]
    pods = await client.list(_path("/api/v1", namespace, "pods"), _Object)
    return found + [row for one in pods if one.spec.ephemeral_containers for row in _containers(one)], unseen


def _path(root: str, namespace: str, plural: str) -> str:
    return f"{root}{f'/namespaces/{namespace}' if namespace else ''}/{plural}"


def _has_job(one: _Object) -> bool:
    return _OF_JOB in (one.metadata.labels or {})


def _leftover(kind: str, one: _Object) -> Leftover:
    meta = one.metadata
    return Leftover(
        kind=kind,
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        node=one.spec.node_name,
        user=meta.annotations.user,
        state=one.status.state,
        created=meta.creation_timestamp,
        expires=meta.annotations.expires,
    )


def _containers(pod: _Object) -> Sequence[Leftover]:
    started = {one.name: one.state.running.started_at for one in pod.status.ephemeral_container_statuses or () if one.state.running}
    return [
        Leftover(
            kind=CONTAINER,
            namespace=pod.metadata.namespace,
            name=f"{pod.metadata.name}/{one.name}",
            uid=pod.metadata.uid,
            node=pod.spec.node_name,
            user=user,
            state=State.RUNNING,
            created=started[one.name],
            expires="",
        )
        for one in pod.spec.ephemeral_containers or ()
        if one.name in started and (user := one.variable(USER_VARIABLE))
    ]


async def remove_leftover(client: Client, one: Leftover) -> None:
    """Delete an object, and only it; one that is gone already is fine.

    Raises:
        KubeError: it may not be deleted.
    """
    root, plural = _PLACES[one.kind]
    try:
        await client.delete(f"{_path(root, one.namespace, plural)}/{one.name}", grace_seconds=0, uid=one.uid, propagation="Background")
    except NotFound:
        return


async def remove_finished(client: Client, namespace: str, user: str) -> None:
    """Delete the user's own node pods that have ended and that nobody could remove: their program was killed. Without the right, nothing.

    Raises:
        KubeError: nobody answers.
    """
    selector = {"labelSelector": f"{SELECTOR},{KIND_LABEL}"}
    try:
        pods = await client.list(_path("/api/v1", namespace, "pods"), _Object, params=selector)
        for one in (_leftover("Pod", each) for each in pods if not _has_job(each)):
            if one.user == user and one.state is State.FINISHED:
                await remove_leftover(client, one)
    except Forbidden:
        return


def _age(created: str, now: datetime) -> str:
    try:
        return format_duration((now - datetime.fromisoformat(created)).total_seconds())
    except ValueError:
        return ""
