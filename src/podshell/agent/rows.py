"""Kubernetes objects as the rows that lists show (wire/calls.py). Pure.

A pod's status is what `kubectl get pods` prints (kubernetes pkg/printers/internalversion printPod; tests/unit/agent/test_rows.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from podshell.agent.health import workload_health
from podshell.kube.objects import Container, ContainerStatus, Namespace, Node, Pod, Service
from podshell.kube.workloads import Workload
from podshell.wire.calls import ContainerRow, NamespaceRow, NodeRow, PodRow, ServiceRow, WorkloadRow
from podshell.wire.errors import clip_text

_ROLE_LABEL = "node-role.kubernetes.io/"
_POD_SECURITY_LABEL = "pod-security.kubernetes.io/enforce"


def is_ready(pod: Pod) -> bool:
    """Whether a pod says that it is ready."""
    return any(condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions or ())


def pod_status(pod: Pod) -> str:
    """Return the status that kubectl prints, but `Unschedulable` for a pod that no node takes."""
    status = _summary(pod)[0]
    if status == "Pending":
        for condition in pod.status.conditions or ():
            if condition.type == "PodScheduled" and condition.status == "False" and condition.reason == "Unschedulable":
                return "Unschedulable"
    return status


def pod_row(pod: Pod, owner: tuple[str, str, str] = ("", "", ""), node_os: str = "") -> PodRow:
    """Build a pod's row; `owner` is (kind, name, uid) of its workload, `node_os` counts when the pod does not say."""
    status, ready, total, restarts = _summary(pod)
    system = (pod.spec.os.name if pod.spec.os is not None else "") or node_os or "linux"
    containers = [*_container_rows(pod)]
    names = [row.name for row in containers if row.role == "container"]
    default = pod.metadata.annotations.default_container if pod.metadata.annotations is not None else ""
    return PodRow(
        uid=pod.metadata.uid,
        namespace=pod.metadata.namespace,
        name=pod.metadata.name,
        phase=pod.status.phase,
        status=status,
        ready=f"{ready}/{total}",
        restarts=restarts,
        created_at=pod.metadata.creation_timestamp or "",
        node=pod.spec.node_name,
        ip=pod.status.pod_ip,
        owner_kind=owner[0],
        owner=owner[1],
        owner_uid=owner[2],
        labels=dict(pod.metadata.labels or {}),
        containers=containers,
        default_container=default if default in names else (names[0] if names else ""),
        os=system,
        shell_refusal=_shell_refusal(pod, status, containers),
    )


def _shell_refusal(pod: Pod, status: str, containers: Iterable[ContainerRow]) -> str:
    if pod.metadata.deletion_timestamp is not None:
        return "the pod is being deleted"
    if not any(row.state == "running" for row in containers):
        return f"no container of the pod is running ({status})"
    return ""


def _sidecar(container: Container) -> bool:
    return container.restart_policy == "Always"


def _summary(pod: Pod) -> tuple[str, int, int, int]:
    """Return status, ready containers, all containers, restarts."""
    sidecars = {c.name for c in pod.spec.init_containers or () if _sidecar(c)}
    total = len(pod.spec.containers) + len(sidecars)
    conditions = {c.type: c for c in pod.status.conditions or ()}
    reason = pod.status.reason or pod.status.phase
    if (scheduled := conditions.get("PodScheduled")) is not None and scheduled.reason == "SchedulingGated":
        reason = "SchedulingGated"
    init_reason, ready, restarts, sidecar_restarts = _init_summary(pod, sidecars)
    initialized = (condition := conditions.get("Initialized")) is not None and condition.status == "True"
    if init_reason:
        reason = init_reason
    if not init_reason or initialized:
        restarts, running = sidecar_restarts, False
        for status in reversed(pod.status.container_statuses or ()):
            restarts += status.restart_count
            if ended := _ended_reason(status):
                reason = ended
            elif status.ready and status.state.running is not None:
                running, ready = True, ready + 1
        if reason == "Completed" and running:
            reason = "Running" if is_ready(pod) else "NotReady"
    if pod.metadata.deletion_timestamp is not None:
        if pod.status.reason == "NodeLost":
            reason = "Unknown"
        elif pod.status.phase not in ("Failed", "Succeeded"):
            reason = "Terminating"
    return reason, ready, total, restarts


def _init_summary(pod: Pod, sidecars: set[str]) -> tuple[str, int, int, int]:
    """Return why the pod still initialises ("" if it does not), ready sidecars, restarts, restarts of sidecars."""
    ready = restarts = sidecar_restarts = 0
    count = len(pod.spec.init_containers or ())
    for index, status in enumerate(pod.status.init_container_statuses or ()):
        restarts += status.restart_count
        sidecar = status.name in sidecars
        if sidecar:
            sidecar_restarts += status.restart_count
        ended, waiting = status.state.terminated, status.state.waiting
        if ended is not None and ended.exit_code == 0:
            continue
        if sidecar and status.started:
            ready += status.ready
            continue
        if ended is not None:
            return f"Init:{_ended_reason(status)}", ready, restarts, sidecar_restarts
        if waiting is not None and waiting.reason not in ("", "PodInitializing"):
            return f"Init:{waiting.reason}", ready, restarts, sidecar_restarts
        return f"Init:{index}/{count}", ready, restarts, sidecar_restarts
    return "", ready, restarts, sidecar_restarts


def _ended_reason(status: ContainerStatus) -> str:
    waiting, ended = status.state.waiting, status.state.terminated
    if waiting is not None and waiting.reason:
        return waiting.reason
    if ended is None:
        return ""
    if ended.reason:
        return ended.reason
    return f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exit_code}"


def _container_rows(pod: Pod) -> Iterable[ContainerRow]:
    for container in pod.spec.containers:
        yield _container_row(pod, container, "container")
    for container in pod.spec.init_containers or ():
        yield _container_row(pod, container, "sidecar" if _sidecar(container) else "init")
    for container in pod.spec.ephemeral_containers or ():
        yield _container_row(pod, container, "ephemeral")


def _container_row(pod: Pod, container: Container, role: str) -> ContainerRow:
    status = pod.container_status(container.name)
    if status is None:
        return ContainerRow(container.name, role, container.image)
    running, ended, waiting = status.state.running, status.state.terminated, status.state.waiting
    state = "running" if running is not None else "terminated" if ended is not None else "waiting"
    told = ended or waiting
    return ContainerRow(
        name=container.name,
        role=role,
        image=container.image,
        state=state,
        reason=told.reason if told is not None else "",
        message=told.message[:500] if told is not None else "",
        exit_code=ended.exit_code if ended is not None else None,
        ready=status.ready,
        restarts=status.restart_count,
        started_at=(running.started_at or "") if running is not None else "",
    )


def node_row(node: Node, pods: int = 0) -> NodeRow:
    """Build a node's row; `pods` are those on it that have not ended."""
    meta = node.metadata
    status = "Ready" if node.ready else "NotReady"
    labels = dict(meta.labels or {})
    return NodeRow(
        uid=meta.uid,
        name=meta.name,
        status=f"{status},SchedulingDisabled" if node.spec.unschedulable else status,
        created_at=meta.creation_timestamp or "",
        roles=sorted(label.removeprefix(_ROLE_LABEL) for label in labels if label.startswith(_ROLE_LABEL)),
        version=node.status.node_info.kubelet_version,
        os=node_system(node),
        labels=labels,
        taints=[f"{t.key}{f'={t.value}' if t.value else ''}:{t.effect}" for t in node.spec.taints or ()],
        conditions=[f"{c.type}={c.status}{f' ({c.reason})' if c.reason else ''}" for c in node.status.conditions or ()],
        reason=next((c.message or c.reason for c in node.status.conditions or () if c.type == "Ready" and c.status != "True"), "")[:500],
        unschedulable=node.spec.unschedulable,
        pressure=[c.type for c in node.status.conditions or () if c.type != "Ready" and c.status == "True"][:64],
        pods=pods,
        runtime=node.status.node_info.container_runtime_version,
        os_image=node.status.node_info.os_image,
        kernel=node.status.node_info.kernel_version,
        architecture=node.status.node_info.architecture,
        addresses=[f"{a.type} {a.address}" for a in (node.status.addresses or ())[:64]],
    )


def node_system(node: Node) -> str:
    """Return the operating system of a node."""
    return (node.metadata.labels or {}).get("kubernetes.io/os") or node.status.node_info.operating_system or "linux"


def namespace_row(namespace: Namespace) -> NamespaceRow:
    """Build a namespace's row."""
    meta = namespace.metadata
    level = (meta.labels or {}).get(_POD_SECURITY_LABEL, "")
    return NamespaceRow(meta.uid, meta.name, namespace.status.phase, meta.creation_timestamp or "", level)


def service_row(service: Service) -> ServiceRow:
    """Build a service's row."""
    meta, spec = service.metadata, service.spec
    ports = [f"{p.port}{f':{p.node_port}' if p.node_port else ''}/{p.protocol or 'TCP'}" for p in spec.ports or ()]
    return ServiceRow(
        meta.uid, meta.namespace, meta.name, spec.type, meta.creation_timestamp or "", spec.cluster_ip, ports, dict(spec.selector or {})
    )


def workload_row(workload: Workload, pods: Sequence[Pod] = ()) -> WorkloadRow:
    """Build the row of a Deployment, StatefulSet, DaemonSet or Job with its pods; the kind is its class."""
    meta, spec, status = workload.metadata, workload.spec, workload.status
    kind = type(workload).__name__
    ready, desired = status.ready_replicas, spec.replicas if spec.replicas is not None else 1
    if kind == "DaemonSet":
        ready, desired = status.number_ready, status.desired_number_scheduled
    elif kind == "Job":
        ready, desired = status.succeeded, spec.completions if spec.completions is not None else 1
    selector = dict(spec.selector.match_labels or {}) if spec.selector is not None else {}
    here = [pod for pod in pods if pod.metadata.deletion_timestamp is None]
    health = workload_health(workload, ready, desired, map(pod_status, here), sum(map(is_ready, here)))
    return WorkloadRow(
        uid=meta.uid,
        kind=kind,
        namespace=meta.namespace,
        name=meta.name,
        created_at=meta.creation_timestamp or "",
        ready=ready,
        desired=desired,
        images=sorted({clip_text(container.image, 1024) for container in spec.template.spec.containers})[:1024],
        labels=dict(meta.labels or {}),
        selector=selector,
        health=health.health,
        reason=health.reason,
        updated=max(status.updated_replicas, status.updated_number_scheduled),
        pods=len(pods),
        paused=spec.paused or bool(spec.suspend),
    )
