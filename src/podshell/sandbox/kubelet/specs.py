"""Container specs for the runtime, made of a pod: environment, variable references, working directory, user. Pure."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from podshell.sandbox.kubelet.volumes import mounts_of
from podshell.sandbox.runtime.capabilities import container_capabilities
from podshell.sandbox.runtime.specs import ContainerSpec
from podshell.sandbox.store import Obj

_REFERENCE = re.compile(r"\$(\$)?\(([A-Za-z_.][A-Za-z0-9_.-]*)\)")


def new_container_id() -> str:
    return secrets.token_hex(32)


def container_spec(pod: Obj, container: Obj, *, pod_ip: str, share_pid_with: str | None = None) -> ContainerSpec:
    """The spec of one container of this pod, with a new id."""
    metadata = pod["metadata"]
    environment = _environment(pod, container, pod_ip)
    command, args = container.get("command"), container.get("args", [])
    context = effective_context(pod, container)
    capabilities = context.get("capabilities") or {}
    user = context.get("runAsUser")
    host_name = pod["spec"].get("nodeName", "") if pod["spec"].get("hostNetwork") else metadata["name"]
    return ContainerSpec(
        id=new_container_id(),
        pod_uid=metadata["uid"],
        namespace=metadata["namespace"],
        pod=metadata["name"],
        name=container["name"],
        image=container["image"],
        command=tuple(expand(one, environment) for one in command) if command else None,
        args=tuple(expand(one, environment) for one in args),
        env=environment,
        tty=bool(container.get("tty")),
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        working_dir=container.get("workingDir", ""),
        share_pid_with=share_pid_with,
        run_as_user=None if user is None else int(user),
        run_as_group=int(context.get("runAsGroup") or 0),
        read_only=bool(context.get("readOnlyRootFilesystem")),
        hostname=pod["spec"].get("hostname") or host_name,
        node=pod["spec"].get("nodeName", ""),
        host_pid=bool(pod["spec"].get("hostPID")),
        mounts=mounts_of(pod, container),
        capabilities=container_capabilities(
            capabilities.get("add") or (), capabilities.get("drop") or (), privileged=bool(context.get("privileged"))
        ),
        no_new_privileges=context.get("allowPrivilegeEscalation") is False,
    )


def effective_context(pod: Obj, container: Obj) -> Obj:
    """The container's securityContext; what it leaves open is the pod's."""
    shared = pod["spec"].get("securityContext") or {}
    own = container.get("securityContext") or {}
    return {**shared, **{name: value for name, value in own.items() if value is not None}}


def user_fault(pod: Obj, container: Obj, image_user: int) -> str:
    """Why runAsNonRoot refuses this container (kubernetes pkg/kubelet/kuberuntime/security_context.go; recorded: the second text)."""
    context = effective_context(pod, container)
    if not context.get("runAsNonRoot"):
        return ""
    metadata = pod["metadata"]
    about = f'(pod: "{metadata["name"]}_{metadata["namespace"]}({metadata["uid"]})", container: {container["name"]})'
    if context.get("runAsUser") == 0:
        return f"container's runAsUser breaks non-root policy {about}"
    if context.get("runAsUser") is None and image_user == 0:
        return f"container has runAsNonRoot and image will run as root {about}"
    return ""


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Replace $(NAME) by its value; $$(NAME) stays as $(NAME), unknown names stay as they are."""

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return f"$({match[2]})"
        return environment.get(match[2], match[0])

    return _REFERENCE.sub(value, text)


def _environment(pod: Obj, container: Obj, pod_ip: str) -> dict[str, str]:
    environment: dict[str, str] = {}
    for one in container.get("env", []):
        if "valueFrom" in one:
            path = one["valueFrom"].get("fieldRef", {}).get("fieldPath", "")
            environment[one["name"]] = _field(pod, path, pod_ip)
        else:
            environment[one["name"]] = expand(one.get("value", ""), environment)
    return environment


def _field(pod: Obj, path: str, pod_ip: str) -> str:
    fields = {
        "metadata.name": pod["metadata"]["name"],
        "metadata.namespace": pod["metadata"]["namespace"],
        "metadata.uid": pod["metadata"]["uid"],
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", "default"),
        "status.podIP": pod_ip,
    }
    return str(fields.get(path, ""))
