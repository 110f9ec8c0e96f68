"""The objects that own pods, and the table of all resources that are read.

Pure; `objects.py` has the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from sys import intern
from typing import Generic, TypeVar
from urllib.parse import quote

import msgspec
from msgspec.structs import force_setattr

from podshell.kube.objects import (
    Condition,
    EndpointSlice,
    Event,
    KubeObject,
    Namespace,
    Node,
    ObjectMeta,
    Pod,
    Service,
)

T = TypeVar("T")


class SelectorRequirement(KubeObject, frozen=True):
    """One entry of `matchExpressions`."""

    key: str
    operator: str
    values: tuple[str, ...] | None = None


class LabelSelector(KubeObject, frozen=True):
    """A label selector."""

    match_labels: dict[str, str] | None = None
    match_expressions: tuple[SelectorRequirement, ...] | None = None


class TemplateContainer(KubeObject, frozen=True):
    """A container of a template."""

    name: str = ""
    image: str = ""

    def __post_init__(self) -> None:
        force_setattr(self, "image", intern(self.image))


class TemplateSpec(KubeObject, frozen=True):
    """Of a template's pods only what they run."""

    containers: tuple[TemplateContainer, ...] = ()


class PodTemplate(KubeObject, frozen=True):
    """`spec.template`."""

    spec: TemplateSpec = TemplateSpec()


class WorkloadSpec(KubeObject, frozen=True):
    """`spec` of a Deployment, ReplicaSet, StatefulSet, DaemonSet or Job."""

    replicas: int | None = None
    selector: LabelSelector | None = None
    paused: bool = False
    parallelism: int | None = None
    completions: int | None = None
    suspend: bool | None = None
    template: PodTemplate = PodTemplate()


class WorkloadStatus(KubeObject, frozen=True):
    """`status` of the same: each kind fills its own fields."""

    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    desired_number_scheduled: int = 0
    current_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    number_ready: int = 0
    number_available: int = 0
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    start_time: str | None = None
    completion_time: str | None = None
    conditions: tuple[Condition, ...] | None = None


class Workload(KubeObject, frozen=True):
    """What the five kinds share."""

    metadata: ObjectMeta
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()


class Deployment(Workload, frozen=True):
    """A deployment."""


class ReplicaSet(Workload, frozen=True):
    """A replica set."""


class StatefulSet(Workload, frozen=True):
    """A stateful set."""


class DaemonSet(Workload, frozen=True):
    """A daemon set."""


class Job(Workload, frozen=True):
    """A job."""


@dataclass(frozen=True, slots=True)
class Resource(Generic[T]):
    """One resource type: where it is served and what its objects are decoded to."""

    group_version: str
    plural: str
    kind: type[T]
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of an object, or of the collection without `name`; all namespaces without `namespace`."""
        root = "/api/v1" if self.group_version == "v1" else f"/apis/{self.group_version}"
        scope = f"/namespaces/{quote(namespace, safe='')}" if self.namespaced and namespace else ""
        tail = f"/{quote(name, safe='')}" if name else ""
        return f"{root}{scope}/{self.plural}{tail}" + (f"/{subresource}" if subresource else "")


PODS = Resource("v1", "pods", Pod)
NODES = Resource("v1", "nodes", Node, namespaced=False)
NAMESPACES = Resource("v1", "namespaces", Namespace, namespaced=False)
SERVICES = Resource("v1", "services", Service)
EVENTS = Resource("v1", "events", Event)
ENDPOINT_SLICES = Resource("discovery.k8s.io/v1", "endpointslices", EndpointSlice)
DEPLOYMENTS = Resource("apps/v1", "deployments", Deployment)
REPLICA_SETS = Resource("apps/v1", "replicasets", ReplicaSet)
STATEFUL_SETS = Resource("apps/v1", "statefulsets", StatefulSet)
DAEMON_SETS = Resource("apps/v1", "daemonsets", DaemonSet)
JOBS = Resource("batch/v1", "jobs", Job)


class WatchEvent(msgspec.Struct, frozen=True):
    """One line of a watch; `object` is decoded once `type` is known."""

    type: str
    object: msgspec.Raw
