"""A pod with everything that its drawer shows: the fields that `objects.py` leaves out so that a cache of thousands stays small.

Pure. Read for single pods only, while somebody looks. Values of environment variables are not decoded at all.
"""

from __future__ import annotations

import msgspec

from podshell.kube.objects import Container, ContainerStatus, KubeObject, ObjectMeta, Pod, PodSpec, PodStatus, SecurityContext
from podshell.kube.workloads import Resource

Fields = dict[str, msgspec.Raw]


class FullMeta(ObjectMeta, frozen=True):
    """`metadata` with all annotations."""

    annotations: dict[str, str] | None = None  # type: ignore[assignment]  # all of them here, where the cache keeps a few


class Capabilities(KubeObject, frozen=True):
    """Added and dropped capabilities."""

    add: tuple[str, ...] | None = None
    drop: tuple[str, ...] | None = None


class Profile(KubeObject, frozen=True):
    """A seccomp or AppArmor profile."""

    type: str = ""
    localhost_profile: str = ""


class FullSecurityContext(SecurityContext, frozen=True):
    """Of a pod or a container."""

    run_as_group: int | None = None
    fs_group: int | None = None
    allow_privilege_escalation: bool | None = None
    read_only_root_filesystem: bool | None = None
    capabilities: Capabilities | None = None
    seccomp_profile: Profile | None = None
    app_armor_profile: Profile | None = None


class ContainerPort(KubeObject, frozen=True):
    """A port that a container declares."""

    container_port: int = 0
    name: str = ""
    protocol: str = ""
    host_port: int = 0


class EnvironmentName(KubeObject, frozen=True):
    """An environment variable's name; its value stays where it is."""

    name: str = ""


class VolumeMount(KubeObject, frozen=True):
    """Where a volume is mounted."""

    name: str = ""
    mount_path: str = ""
    read_only: bool = False
    sub_path: str = ""


class Requirements(KubeObject, frozen=True):
    """Requests and limits; quantities as text or number."""

    requests: dict[str, str | int | float] | None = None
    limits: dict[str, str | int | float] | None = None


class HttpGet(KubeObject, frozen=True):
    """An HTTP probe."""

    path: str = ""
    port: int | str = 0


class TcpSocket(KubeObject, frozen=True):
    """A TCP probe."""

    port: int | str = 0


class ExecProbe(KubeObject, frozen=True):
    """A probe by a command."""

    command: tuple[str, ...] | None = None


class GrpcProbe(KubeObject, frozen=True):
    """A gRPC probe."""

    port: int = 0


class Probe(KubeObject, frozen=True):
    """A liveness, readiness or startup probe."""

    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    exec: ExecProbe | None = None
    grpc: GrpcProbe | None = None
    period_seconds: int = 10
    failure_threshold: int = 3


class FullContainer(Container, frozen=True):
    """A container of the spec."""

    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    ports: tuple[ContainerPort, ...] | None = None
    env: tuple[EnvironmentName, ...] | None = None
    resources: Requirements = Requirements()
    volume_mounts: tuple[VolumeMount, ...] | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    security_context: FullSecurityContext | None = None


class FullContainerStatus(ContainerStatus, frozen=True):
    """A container's status."""

    image_id: str = msgspec.field(default="", name="imageID")


class Toleration(KubeObject, frozen=True):
    """A toleration."""

    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None


class FullPodSpec(PodSpec, frozen=True):
    """`spec`. `volumes` stay raw: each has `name` and one more field, of thirty kinds."""

    containers: tuple[FullContainer, ...] = ()
    init_containers: tuple[FullContainer, ...] | None = None
    ephemeral_containers: tuple[FullContainer, ...] | None = None
    volumes: tuple[Fields, ...] | None = None
    tolerations: tuple[Toleration, ...] | None = None
    node_selector: dict[str, str] | None = None
    restart_policy: str = ""
    scheduler_name: str = ""
    priority_class_name: str = ""
    runtime_class_name: str = ""
    host_ipc: bool = msgspec.field(default=False, name="hostIPC")
    automount_service_account_token: bool | None = None
    security_context: FullSecurityContext | None = None


class PodIP(KubeObject, frozen=True):
    """One address of a pod."""

    ip: str = ""


class FullPodStatus(PodStatus, frozen=True):
    """`status`."""

    pod_ips: tuple[PodIP, ...] | None = msgspec.field(default=None, name="podIPs")
    container_statuses: tuple[FullContainerStatus, ...] | None = None
    init_container_statuses: tuple[FullContainerStatus, ...] | None = None
    ephemeral_container_statuses: tuple[FullContainerStatus, ...] | None = None


class FullPod(Pod, frozen=True):
    """A pod, closely."""

    metadata: FullMeta
    spec: FullPodSpec = FullPodSpec()
    status: FullPodStatus = FullPodStatus()

    def plain(self) -> Pod:
        """Return it as the cache would hold it."""
        return msgspec.json.decode(msgspec.json.encode(self), type=Pod)


FULL_PODS = Resource("v1", "pods", FullPod)
