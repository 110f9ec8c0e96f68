"""Container specs for the runtime, made of a pod: environment, variable references, working directory, user. Pure."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

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
    user = container.get("securityContext", {}).get("runAsUser", pod["spec"].get("securityContext", {}).get("runAsUser"))
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
        read_only=bool(container.get("securityContext", {}).get("readOnlyRootFilesystem")),
        hostname=pod["spec"].get("hostname", metadata["name"]),
    )


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
