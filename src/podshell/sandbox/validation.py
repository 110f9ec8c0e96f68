"""Refusals of objects that a real server would not store (422), as far as clients here can meet them.

Pure.  Sentences are those of transcripts/watch/selector-and-request-errors and transcripts/ephemeral/errors.json.
The diffs that a real server appends to some sentences are left out.
"""

from __future__ import annotations

import re

from podshell.sandbox import statuses
from podshell.sandbox.resources import POD, Resource
from podshell.sandbox.statuses import Cause
from podshell.sandbox.store import Obj

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN_ERROR = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_ERROR = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_POD_UPDATE_ERROR = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_EPHEMERAL = "spec.ephemeralContainers"
_NOT_EPHEMERAL = ("ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources", "resizePolicy")
_MAX_NAME_LENGTH = 253


def _required(field: str) -> Cause:
    return Cause("FieldValueRequired", "Required value", field)


def _wrong(field: str, value: str, why: str) -> Cause:
    return Cause("FieldValueInvalid", f'Invalid value: "{value}": {why}', field)


def _forbidden(field: str, why: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def _missing(field: str, value: str) -> Cause:
    return Cause("FieldValueNotFound", f'Not found: "{value}"', field)


def check_create(resource: Resource, obj: Obj) -> None:
    """Check a new, defaulted object.

    Raises: StatusError 422.
    """
    metadata = obj["metadata"]
    name = metadata.get("name", "")
    causes: list[Cause] = []
    if not name and not metadata.get("generateName"):
        causes.append(Cause("FieldValueRequired", "Required value: name or generateName is required", "metadata.name"))
    elif name and (_SUBDOMAIN.fullmatch(name) is None or len(name) > _MAX_NAME_LENGTH):
        causes.append(_wrong("metadata.name", name, _SUBDOMAIN_ERROR))
    spec = obj.get("spec") or {}
    if resource is POD:
        causes += _pod_causes(spec, "spec")
        if spec.get("ephemeralContainers"):
            causes.append(_forbidden(_EPHEMERAL, "cannot be set on create"))
    elif "template" in spec:
        causes += _pod_causes((spec["template"] or {}).get("spec") or {}, "spec.template.spec")
    if causes:
        raise statuses.invalid(resource.kind, name, causes, resource.group)


def _pod_causes(spec: Obj, where: str) -> list[Cause]:
    if not spec.get("containers"):
        return [_required(f"{where}.containers")]
    causes: list[Cause] = []
    names: set[str] = set()
    volumes = {str(volume.get("name")) for volume in spec.get("volumes") or []}
    for kind in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(kind) or []):
            causes += _container_causes(container, f"{where}.{kind}[{index}]", names, volumes)
    return causes


def _container_causes(container: Obj, where: str, names: set[str], volumes: set[str]) -> list[Cause]:
    causes: list[Cause] = []
    name = container.get("name", "")
    if not name:
        causes.append(_required(f"{where}.name"))
    elif _LABEL.fullmatch(name) is None:
        causes.append(_wrong(f"{where}.name", name, _LABEL_ERROR))
    if name in names:
        causes.append(Cause("FieldValueDuplicate", f'Duplicate value: "{name}"', f"{where}.name"))
    names.add(name)
    if not container.get("image"):
        causes.append(_required(f"{where}.image"))
    for index, mount in enumerate(container.get("volumeMounts") or []):
        if mount.get("name") not in volumes:
            causes.append(_missing(f"{where}.volumeMounts[{index}].name", mount.get("name", "")))
        causes += _mount_causes(mount, container, where)
    return causes


def _mount_causes(mount: Obj, container: Obj, where: str) -> list[Cause]:
    """Check recursive read-only and propagation (kubernetes pkg/apis/core/validation; recorded: transcripts/node/job-hostpath-mounts)."""
    causes: list[Cause] = []
    propagation = mount.get("mountPropagation", "None")
    if propagation == "Bidirectional" and not (container.get("securityContext") or {}).get("privileged"):
        causes.append(
            _forbidden(
                f"{where}.volumeMounts.mountPropagation", "Bidirectional mount propagation is available only to privileged containers"
            )
        )
    if mount.get("recursiveReadOnly", "Disabled") == "Disabled":
        return causes
    field = f"{where}.volumeMounts.recursiveReadOnly"
    if not mount.get("readOnly"):
        causes.append(_forbidden(field, "may only be specified when readOnly is true"))
    if propagation != "None":
        causes.append(_forbidden(field, "may only be specified when mountPropagation is None or not specified"))
    return causes


def check_update(resource: Resource, subresource: str, old: Obj, new: Obj) -> None:
    """Check an update.

    Raises: StatusError 422.
    """
    if resource is not POD or subresource == "status":
        return
    if subresource == "ephemeralcontainers":
        causes = _ephemeral_causes(old, new)
    elif _fixed(old["spec"]) != _fixed(new.get("spec") or {}):
        causes = [_forbidden("spec", _POD_UPDATE_ERROR)]
    else:
        causes = []
    if causes:
        raise statuses.invalid("Pod", old["metadata"]["name"], causes)


def _fixed(spec: Obj) -> Obj:
    """Leave out what may change in a running pod."""
    free = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")
    fixed = {key: value for key, value in spec.items() if key not in free}
    for kind in ("containers", "initContainers"):
        if kind in fixed:
            fixed[kind] = [{k: v for k, v in container.items() if k != "image"} for container in fixed[kind]]
    return fixed


def _ephemeral_causes(old: Obj, new: Obj) -> list[Cause]:
    """Check ephemeral containers: those that are there stay as they are, new ones are valid."""
    annotations = old["metadata"].get("annotations") or {}
    if "kubernetes.io/config.mirror" in annotations:
        return [_forbidden("[]", "static pods do not support ephemeral containers")]
    spec = new["spec"]
    wanted: list[Obj] = spec.get("ephemeralContainers") or []
    by_name = {container.get("name"): container for container in wanted}
    before: list[Obj] = old["spec"].get("ephemeralContainers") or []
    for container in before:
        name = container["name"]
        if name not in by_name:
            return [_forbidden(_EPHEMERAL, f'existing ephemeral containers "{name}" may not be removed\n')]
        if by_name[name] != container:
            return [_forbidden(_EPHEMERAL, f'existing ephemeral containers "{name}" may not be changed\n')]
    normal = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    names = {container["name"] for container in normal}
    targets = {container["name"] for container in spec.get("containers") or []}
    volumes = {volume["name"] for volume in spec.get("volumes") or []}
    causes: list[Cause] = []
    for index, container in enumerate(wanted):
        where = f"{_EPHEMERAL}[{index}]"
        causes += _container_causes(container, where, names, volumes)
        target = container.get("targetContainerName")
        if target and target not in targets:
            causes.append(_missing(f"{where}.targetContainerName", target))
        causes += [
            _forbidden(f"{where}.{field}", "cannot be set for an Ephemeral Container") for field in _NOT_EPHEMERAL if container.get(field)
        ]
    return causes
