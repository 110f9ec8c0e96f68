"""A pod with all that its drawer shows, as PodDetails (wire/details.py). Pure.

Every text and list is cut to what may travel; annotations that are left out are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from podshell.agent.rows import pod_row
from podshell.kube.objects import Condition, OwnerReference, Terminated
from podshell.kube.pod_details import (
    Fields,
    FullContainer,
    FullPod,
    FullSecurityContext,
    Probe,
    Toleration,
)
from podshell.wire.details import (
    ConditionRow,
    ContainerDetails,
    MountRow,
    OwnerRow,
    PodDetails,
    TerminationRow,
    VolumeRow,
)
from podshell.wire.errors import clip_text

LINE_CHARS = 1024
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LIMIT_ANNOTATIONS = 200
_LIMIT_LIST = 256

# Which field of a volume's source says what it is, tried in this order.
_SOURCE_NAMES = ("name", "secretName", "claimName", "path", "driver", "server", "image", "reference")

OwnersOf = Callable[[OwnerReference | None, str], list[OwnerRow]]


def line(text: str | None) -> str:
    """Cut a text to one that fits a Line."""
    return clip_text(text or "", LINE_CHARS)


def pod_details(pod: FullPod, owners: list[OwnerRow], node_os: str = "") -> PodDetails:
    """Build the details; `owners` is the chain, nearest first."""
    meta, spec, status = pod.metadata, pod.spec, pod.status
    row = pod_row(pod.plain(), node_os=node_os)
    shown, left_out = _annotations(meta.annotations or {})
    ips = [one.ip for one in status.pod_ips or ()] or ([status.pod_ip] if status.pod_ip else [])
    return PodDetails(
        uid=row.uid,
        namespace=row.namespace,
        name=row.name,
        phase=row.phase,
        status=row.status,
        ready=row.ready,
        restarts=row.restarts,
        created_at=row.created_at,
        started_at=status.start_time or "",
        deleted_at=meta.deletion_timestamp or "",
        grace_seconds=meta.deletion_grace_period_seconds if meta.deletion_timestamp is not None else spec.termination_grace_period_seconds,
        reason=line(status.reason),
        message=status.message and clip_text(status.message),
        node=row.node,
        ips=ips[:_LIMIT_LIST],
        host_ip=status.host_ip,
        service_account=spec.service_account_name,
        qos=status.qos_class,
        priority_class=spec.priority_class_name,
        runtime_class=spec.runtime_class_name,
        scheduler=spec.scheduler_name,
        restart_policy=spec.restart_policy,
        os=row.os,
        labels=row.labels,
        annotations=shown,
        annotations_left_out=left_out,
        node_selector=dict(spec.node_selector or {}),
        owners=owners[:16],
        conditions=condition_rows(status.conditions),
        containers=list(_containers(pod)),
        default_container=row.default_container,
        volumes=[_volume(volume) for volume in (spec.volumes or ())[:_LIMIT_LIST]],
        tolerations=[_toleration(one) for one in (spec.tolerations or ())[:_LIMIT_LIST]],
        security=_pod_security(pod),
        shell_refusal=row.shell_refusal,
    )


def condition_rows(conditions: Sequence[Condition] | None) -> list[ConditionRow]:
    """Build the rows of any object's conditions."""
    return [
        ConditionRow(line(one.type), line(one.status), line(one.reason), clip_text(one.message), one.last_transition_time or "")
        for one in (conditions or ())[:_LIMIT_LIST]
    ]


def _annotations(annotations: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    names = sorted(annotations)
    shown = [name for name in names if name != LAST_APPLIED][:_LIMIT_ANNOTATIONS]
    left_out = [name for name in names if name not in set(shown)]
    return {name: clip_text(annotations[name]) for name in shown}, [line(name) for name in left_out[:1024]]


def _containers(pod: FullPod) -> Iterable[ContainerDetails]:
    for container in pod.spec.containers:
        yield _container(pod, container, "container")
    for container in pod.spec.init_containers or ():
        yield _container(pod, container, "sidecar" if container.restart_policy == "Always" else "init")
    for container in pod.spec.ephemeral_containers or ():
        yield _container(pod, container, "ephemeral")


def _container(pod: FullPod, container: FullContainer, role: str) -> ContainerDetails:
    fixed = ContainerDetails(
        name=container.name,
        role=role,
        image=line(container.image),
        command=_lines(container.command),
        args=_lines(container.args),
        ports=[
            f"{port.container_port}/{port.protocol or 'TCP'}{f' {port.name}' if port.name else ''}"
            f"{f' on host port {port.host_port}' if port.host_port else ''}"
            for port in (container.ports or ())[:_LIMIT_LIST]
        ],
        requests=_quantities(container.resources.requests),
        limits=_quantities(container.resources.limits),
        mounts=[MountRow(line(m.mount_path), m.name, m.read_only) for m in (container.volume_mounts or ())[:_LIMIT_LIST]],
        probes=[
            f"{name}: {_probe(probe)}"
            for name, probe in (
                ("startup", container.startup_probe),
                ("readiness", container.readiness_probe),
                ("liveness", container.liveness_probe),
            )
            if probe is not None
        ],
        environment=[line(one.name) for one in (container.env or ())[:_LIMIT_LIST]],
        security=_security(container.security_context),
        target=container.target_container_name,
    )
    return _with_status(pod, fixed)


def _with_status(pod: FullPod, fixed: ContainerDetails) -> ContainerDetails:
    statuses = (pod.status.container_statuses, pod.status.init_container_statuses, pod.status.ephemeral_container_statuses)
    status = next((one for some in statuses for one in some or () if one.name == fixed.name), None)
    if status is None:
        return fixed
    running, ended, waiting = status.state.running, status.state.terminated, status.state.waiting
    told = ended or waiting
    return msgspec.structs.replace(
        fixed,
        image_id=line(status.image_id),
        container_id=line(status.container_id),
        state="running" if running is not None else "terminated" if ended is not None else "waiting",
        reason=line(told.reason) if told is not None else "",
        message=clip_text(told.message) if told is not None else "",
        ready=status.ready,
        started=status.started,
        restarts=status.restart_count,
        started_at=(running.started_at or "") if running is not None else "",
        termination=_termination(ended),
        last_termination=_termination(status.last_state.terminated),
    )


def _termination(ended: Terminated | None) -> TerminationRow | None:
    if ended is None:
        return None
    return TerminationRow(
        ended.exit_code, line(ended.reason), clip_text(ended.message), ended.signal, ended.started_at or "", ended.finished_at or ""
    )


def _lines(texts: Sequence[str] | None) -> list[str]:
    return [line(text) for text in (texts or ())[:_LIMIT_LIST]]


def _quantities(quantities: Mapping[str, str | int | float] | None) -> dict[str, str]:
    return {name: str(value) for name, value in (quantities or {}).items()}


def _probe(probe: Probe) -> str:
    if probe.http_get is not None:
        what = f"GET :{probe.http_get.port}{probe.http_get.path}"
    elif probe.tcp_socket is not None:
        what = f"TCP :{probe.tcp_socket.port}"
    elif probe.grpc is not None:
        what = f"gRPC :{probe.grpc.port}"
    elif probe.exec is not None:
        what = f"command {' '.join(probe.exec.command or ())}"
    else:
        what = "nothing"
    return clip_text(what, 900) + f", every {probe.period_seconds} s, {probe.failure_threshold} failures count"


def _volume(volume: Fields) -> VolumeRow:
    name = _text(volume.get("name"))
    kind = next((key for key in volume if key != "name"), "")
    source = ""
    if kind:
        try:
            fields = msgspec.json.decode(volume[kind], type=dict[str, msgspec.Raw])
        except msgspec.DecodeError:
            fields = {}
        source = next((_text(fields[field]) for field in _SOURCE_NAMES if field in fields), "")
    return VolumeRow(line(name), line(kind), line(source))


def _text(raw: msgspec.Raw | None) -> str:
    if raw is None:
        return ""
    value = msgspec.json.decode(raw)
    return value if isinstance(value, str) else ""


def _toleration(one: Toleration) -> str:
    what = one.key or "every taint"
    if one.operator != "Exists" and one.value:
        what += f"={one.value}"
    if one.effect:
        what += f":{one.effect}"
    return line(what + (f" for {one.toleration_seconds} s" if one.toleration_seconds is not None else ""))


def _pod_security(pod: FullPod) -> list[str]:
    spec = pod.spec
    facts = [
        text
        for text, holds in (
            ("uses the node's network", spec.host_network),
            ("sees the node's processes", spec.host_pid),
            ("uses the node's IPC", spec.host_ipc),
            ("containers share their processes", bool(spec.share_process_namespace)),
            ("no service account token is mounted", spec.automount_service_account_token is False),
        )
        if holds
    ]
    return facts + _security(spec.security_context)


def _security(context: FullSecurityContext | None) -> list[str]:
    if context is None:
        return []
    facts = []
    if context.privileged:
        facts.append("privileged")
    if context.run_as_user is not None:
        facts.append(f"runs as user {context.run_as_user}")
    if context.run_as_group is not None:
        facts.append(f"runs as group {context.run_as_group}")
    if context.fs_group is not None:
        facts.append(f"files belong to group {context.fs_group}")
    if context.run_as_non_root:
        facts.append("must not run as root")
    if context.allow_privilege_escalation is False:
        facts.append("cannot gain privileges")
    if context.read_only_root_filesystem:
        facts.append("root file system is read-only")
    if context.capabilities is not None:
        facts += [line(f"adds {', '.join(context.capabilities.add)}")] if context.capabilities.add else []
        facts += [line(f"drops {', '.join(context.capabilities.drop)}")] if context.capabilities.drop else []
    for name, profile in (("seccomp", context.seccomp_profile), ("AppArmor", context.app_armor_profile)):
        if profile is not None and profile.type:
            facts.append(line(f"{name} {profile.type}{f' {profile.localhost_profile}' if profile.localhost_profile else ''}"))
    return facts
