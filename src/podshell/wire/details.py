"""One object seen closely: all that is known of a pod, and the events of an object (spec/link.md 6, inventory.watch).

Rows of the kinds `pod` and `events`. Bounded like every message: long texts are cut visibly by `clip_text`, long lists by whoever builds
them (agent/details.py), which says how many are left out. Nothing here holds the value of an environment variable.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from podshell.wire.calls import Labels, Line, NamespaceRow, NodeRow, PodRow, ServiceRow, WorkloadRow
from podshell.wire.errors import Text
from podshell.wire.messages import Count

Lines = Annotated[list[Line], Meta(max_length=1024)]
ExitCode = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Annotations = Annotated[dict[Annotated[str, Meta(max_length=320)], Text], Meta(max_length=256)]


class ConditionRow(Struct, frozen=True, omit_defaults=True):
    """A condition. `status`: True, False, Unknown. `since`: its last transition."""

    type: Line
    status: Line
    reason: Line = ""
    message: Text = ""
    since: Line = ""


class OwnerRow(Struct, frozen=True, omit_defaults=True):
    """One link of an owner chain."""

    kind: Line
    name: Line
    uid: Line = ""


class TerminationRow(Struct, frozen=True, omit_defaults=True):
    """How a container's run ended. `signal` is 0 when none is known."""

    exit_code: ExitCode
    reason: Line = ""
    message: Text = ""
    signal: Count = 0
    started_at: Line = ""
    finished_at: Line = ""


class VolumeRow(Struct, frozen=True, omit_defaults=True):
    """A volume of a pod: `kind` is the field that is set (configMap, secret, persistentVolumeClaim, ...), `source` what it names."""

    name: Line
    kind: Line = ""
    source: Line = ""


class MountRow(Struct, frozen=True, omit_defaults=True):
    path: Line
    volume: Line
    read_only: bool = False


class ContainerDetails(Struct, frozen=True, omit_defaults=True):
    """One container. `role` and `state` as in ContainerRow.

    `termination` is the end of the present run, `last_termination` of the one before. `security`: its facts as short lines, such as
    "privileged" or "runs as user 0". `environment`: names only.
    """

    name: Line
    role: Line = "container"
    image: Line = ""
    image_id: Line = ""
    container_id: Line = ""
    state: Line = "unknown"
    reason: Line = ""
    message: Text = ""
    ready: bool = False
    started: bool | None = None
    restarts: Count = 0
    started_at: Line = ""
    termination: TerminationRow | None = None
    last_termination: TerminationRow | None = None
    command: Lines = []
    args: Lines = []
    ports: Lines = []
    requests: Labels = {}
    limits: Labels = {}
    mounts: Annotated[list[MountRow], Meta(max_length=256)] = []
    probes: Lines = []
    environment: Lines = []
    security: Lines = []
    target: Line = ""  # of an ephemeral container: whose processes it sees


class PodDetails(Struct, frozen=True, omit_defaults=True):
    """A pod as its drawer shows it; `status`, `ready`, `shell_refusal` and the like as in PodRow.

    `owners` goes from the nearest to the farthest. `annotations_left_out` names those that are not shown: `last-applied`, and what is
    too many.
    """

    uid: Line
    namespace: Line
    name: Line
    phase: Line
    status: Line
    ready: Line
    restarts: Count
    created_at: Line
    started_at: Line = ""
    deleted_at: Line = ""
    grace_seconds: Count | None = None
    reason: Line = ""
    message: Text = ""
    node: Line = ""
    ips: Lines = []
    host_ip: Line = ""
    service_account: Line = ""
    qos: Line = ""
    priority_class: Line = ""
    runtime_class: Line = ""
    scheduler: Line = ""
    restart_policy: Line = ""
    os: Line = "linux"
    labels: Labels = {}
    annotations: Annotations = {}
    annotations_left_out: Lines = []
    node_selector: Labels = {}
    owners: Annotated[list[OwnerRow], Meta(max_length=16)] = []
    conditions: Annotated[list[ConditionRow], Meta(max_length=256)] = []
    containers: Annotated[list[ContainerDetails], Meta(max_length=1024)] = []
    default_container: Line = ""
    volumes: Annotated[list[VolumeRow], Meta(max_length=1024)] = []
    tolerations: Lines = []
    security: Lines = []
    shell_refusal: Text = ""


class EventRow(Struct, frozen=True, omit_defaults=True):
    """A Kubernetes event. `type`: Normal or Warning. `count` times between `first_at` and `last_at`; `container` when it is about one."""

    uid: Line
    type: Line
    reason: Line
    message: Text
    count: Count
    first_at: Line
    last_at: Line
    source: Line = ""
    object_kind: Line = ""
    object_name: Line = ""
    container: Line = ""


Row: TypeAlias = PodRow | NodeRow | NamespaceRow | ServiceRow | WorkloadRow | PodDetails | EventRow

# What the batches of inventory.watch hold, by its kind.
ROW_TYPES: dict[str, type[Row]] = {
    "pods": PodRow,
    "nodes": NodeRow,
    "namespaces": NamespaceRow,
    "services": ServiceRow,
    "workloads": WorkloadRow,
    "pod": PodDetails,
    "events": EventRow,
}
