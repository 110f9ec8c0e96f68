"""The subresources the API server answers itself: scale, binding, and what status and ephemeralcontainers may change."""

from __future__ import annotations

import msgspec
from aiohttp import web

from podshell.sandbox import defaults, patches, statuses
from podshell.sandbox.bodies import read_bytes, read_object
from podshell.sandbox.representation import json_response
from podshell.sandbox.resources import POD, Resource
from podshell.sandbox.store import Obj, ObjectStore, copied


def restrict(resource: Resource, subresource: str, old: Obj, new: Obj) -> Obj:
    """Keep of an update what its path may change; the rest stays as it was."""
    if subresource == "ephemeralcontainers":
        # Labels and other containers in the same patch are dropped silently (transcripts/ephemeral/errors.json).
        result = copied(old)
        wanted = (new.get("spec") or {}).get("ephemeralContainers") or []
        for container in wanted:
            defaults.fill_container(container)
        result["spec"].pop("ephemeralContainers", None)
        if wanted:
            result["spec"]["ephemeralContainers"] = wanted
        return result
    if subresource == "status":
        result = copied(old)
        if "status" in new:
            result["status"] = new["status"]
        return result
    if "status" in resource.subresources:
        new.pop("status", None)
        if "status" in old:
            new["status"] = old["status"]
    metadata = new.setdefault("metadata", {})
    for field in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        metadata.pop(field, None)
        if field in old["metadata"]:
            metadata[field] = old["metadata"][field]
    if resource is POD:
        for container in (new.get("spec") or {}).get("containers") or []:
            defaults.fill_container(container)
    elif resource in defaults.WITH_TEMPLATE:
        defaults.fill(resource, new)
    return new


def scale_of(resource: Resource, obj: Obj) -> Obj:
    """Build the Scale of a workload."""
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    selector = (obj["spec"].get("selector") or {}).get("matchLabels") or {}
    status: Obj = {"replicas": (obj.get("status") or {}).get("replicas", 0)}
    if selector:
        status["selector"] = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: obj["metadata"][key] for key in kept},
        "spec": {"replicas": obj["spec"].get("replicas", 1)},
        "status": status,
    }


async def answer_scale(request: web.Request, store: ObjectStore, resource: Resource, old: Obj, verb: str) -> web.Response:
    """Answer get, update and patch of scale.

    Raises: StatusError 400, 405, 409, 415, 422.
    """
    before = scale_of(resource, old)
    if verb == "get":
        return json_response(before)
    wanted = await _wanted_scale(request, before, verb)
    metadata = old["metadata"]
    asked = (wanted.get("metadata") or {}).get("resourceVersion")
    if asked and asked != metadata["resourceVersion"]:
        raise statuses.conflict(resource.plural, metadata["name"], resource.group)
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or replicas < 0:
        message = f"Invalid value: {replicas}: must be greater than or equal to 0"
        cause = statuses.Cause("FieldValueInvalid", message, "spec.replicas")
        raise statuses.invalid("Scale", metadata["name"], [cause], "autoscaling")

    def change(obj: Obj) -> None:
        obj["spec"]["replicas"] = replicas

    written = store.modify(resource, metadata.get("namespace"), metadata["name"], change)
    return json_response(scale_of(resource, written))


async def _wanted_scale(request: web.Request, before: Obj, verb: str) -> Obj:
    if verb == "update":
        return await read_object(request, "Scale")
    if verb != "patch":
        raise statuses.method_not_allowed()
    if request.content_type not in patches.OFFERED:
        raise statuses.unsupported_patch()
    try:
        patch = msgspec.json.decode(await read_bytes(request))
    except msgspec.DecodeError as error:
        raise statuses.bad_request(f"error decoding patch: {error}") from error
    return patches.apply_patch(request.content_type, before, patch)


async def answer_binding(request: web.Request, store: ObjectStore, namespace: str | None, name: str) -> web.Response:
    """Bind a pod to a node.

    Raises: StatusError 400, 409.
    """
    binding = await read_object(request, "Binding")
    node = (binding.get("target") or {}).get("name", "")

    def change(pod: Obj) -> None:
        bound = pod["spec"].get("nodeName")
        if bound:
            raise statuses.conflict("pods/binding", name, why=f'pod {name} is already assigned to node "{bound}"')
        pod["spec"]["nodeName"] = node

    store.modify(POD, namespace, name, change)
    return json_response(statuses.success(), status=201)
