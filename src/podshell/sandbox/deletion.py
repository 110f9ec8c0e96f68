"""Deleting objects: grace of pods, finalizers, namespaces, preconditions, collections.

Deleting a pod with grace only marks it; the kubelet then kills and removes (transcripts/lifecycle/
delete-with-grace-exec-open).  With grace 0, or without a node, the object goes at once
(transcripts/node/pod-delete-grace0).  Objects owned by a deleted one are the garbage collector's business.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aiohttp import web

from podshell.sandbox import statuses
from podshell.sandbox.bodies import read_delete_options
from podshell.sandbox.controllers.owners import begin_foreground_deletion, orphan_dependents
from podshell.sandbox.listing import parse_options
from podshell.sandbox.representation import json_response, untyped
from podshell.sandbox.resources import ALL, DAEMONSET, DEPLOYMENT, JOB, NAMESPACE, POD, REPLICASET, STATEFULSET, Resource
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent, timestamp

_POLICIES = ("Background", "Foreground", "Orphan")
_FOREGROUND_OWNERS = (DEPLOYMENT, REPLICASET, STATEFULSET, DAEMONSET, JOB)
_JOB_WARNING = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set "
    "propagationPolicy=Orphan to suppress this warning"
)
_FINISHED = ("Succeeded", "Failed")
_DEFAULT_GRACE_SECONDS = 30


class Deletion:
    """Deletes from one store, and removes a terminating namespace once it is empty."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        store.listen(self._on_change)

    async def delete(self, request: web.Request, resource: Resource, namespace: str | None, name: str) -> web.Response:
        """Answer a DELETE of one object.

        Raises: StatusError 400, 404, 409, 415.
        """
        options = await read_delete_options(request)
        obj = self._existing(resource, namespace, name)
        _check_preconditions(resource, obj, options.get("preconditions") or {})
        if request.query.get("dryRun") == "All" or options.get("dryRun"):
            return json_response(obj)
        if resource is POD:
            return self.delete_pod(namespace, name, _grace(request, options))
        if resource is NAMESPACE:
            return json_response(self._delete_namespace(name))
        policy, warning = _propagation(request, options, resource)
        if policy == "Foreground" and resource in _FOREGROUND_OWNERS:
            return json_response(begin_foreground_deletion(self._store, resource, obj))
        if policy == "Orphan":
            orphan_dependents(self._store, obj)
        if obj["metadata"].get("finalizers"):
            return json_response(self._store.modify(resource, namespace, name, _mark))
        self._store.delete(resource, namespace, name)
        details: Obj = {"name": name}
        if resource.group:
            details["group"] = resource.group
        response = json_response(statuses.success({**details, "kind": resource.plural, "uid": obj["metadata"]["uid"]}))
        if warning:
            response.headers.add("Warning", f'299 - "{warning}"')
        return response

    async def delete_collection(self, request: web.Request, resource: Resource, namespace: str | None) -> web.Response:
        """Answer a DELETE of all selected objects of a namespace.

        Raises: StatusError 400, 405, 415, 422.
        """
        chosen_by = parse_options(resource, request.query, watch=False)
        options = await read_delete_options(request)
        if resource is NAMESPACE or (resource.namespaced and namespace is None):
            raise statuses.method_not_allowed()
        chosen = [obj for obj in self._store.list(resource, namespace) if chosen_by.selects(obj)]
        for obj in chosen:
            self._remove(resource, obj, _grace(request, options))
        body: Obj = {"kind": resource.list_kind, "apiVersion": resource.api_version}
        body["metadata"] = {"resourceVersion": str(self._store.version)}
        return json_response({**body, "items": [untyped(obj) for obj in chosen]})

    def delete_pod(self, namespace: str | None, name: str, grace_seconds: int | None) -> web.Response:
        """Delete a pod with its own grace period, or the one given.

        Raises: StatusError 404.
        """
        pod = self._existing(POD, namespace, name)
        spec, metadata = pod.get("spec") or {}, pod["metadata"]
        seconds = grace_seconds
        if seconds is None:
            seconds = spec.get("terminationGracePeriodSeconds", _DEFAULT_GRACE_SECONDS)
        if not spec.get("nodeName") or (pod.get("status") or {}).get("phase") in _FINISHED:
            seconds = 0
        seconds = max(seconds, 0)
        already = metadata.get("deletionGracePeriodSeconds")
        if already is not None and seconds >= already and seconds > 0:
            return json_response(pod)  # a second DELETE can only shorten the grace

        def mark(obj: Obj) -> None:
            obj["metadata"]["deletionTimestamp"] = timestamp(datetime.now(UTC) + timedelta(seconds=seconds))
            obj["metadata"]["deletionGracePeriodSeconds"] = seconds
            obj["metadata"]["generation"] = obj["metadata"].get("generation", 1) + 1

        if seconds > 0 or metadata.get("finalizers"):
            return json_response(self._store.modify(POD, namespace, name, mark))
        # One DELETED event that carries the mark (transcripts/node/pod-delete-grace0).
        return json_response(self._store.delete(POD, namespace, name, last=mark))

    def finish(self, resource: Resource, obj: Obj) -> None:
        """Remove an object that is marked and has no finalizer left."""
        if resource is not NAMESPACE and not obj["metadata"].get("finalizers"):
            self._store.delete(resource, obj["metadata"].get("namespace"), obj["metadata"]["name"])

    def _existing(self, resource: Resource, namespace: str | None, name: str) -> Obj:
        obj = self._store.get(resource, namespace, name)
        if obj is None:
            raise statuses.not_found(resource.plural, name, resource.group)
        return obj

    def _remove(self, resource: Resource, obj: Obj, grace_seconds: int | None) -> None:
        metadata = obj["metadata"]
        namespace, name = metadata.get("namespace"), metadata["name"]
        if self._store.get(resource, namespace, name) is None:
            return  # a controller was quicker
        if resource is POD:
            self.delete_pod(namespace, name, grace_seconds)
        elif metadata.get("finalizers"):
            self._store.modify(resource, namespace, name, _mark)
        else:
            self._store.delete(resource, namespace, name)

    def _delete_namespace(self, name: str) -> Obj:
        """Mark a namespace and delete what is in it; it goes with the last object."""

        def mark(obj: Obj) -> None:
            _mark(obj)
            obj["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}

        marked = self._store.modify(NAMESPACE, None, name, mark)
        # Owners before their pods, so that no controller makes new ones.
        for resource in sorted((found for found in ALL if found.namespaced), key=lambda found: found is POD):
            for obj in self._store.list(resource, name):
                self._remove(resource, obj, None)
        self._drop_if_empty(name)
        return marked

    def _on_change(self, event: WatchEvent) -> None:
        if event.type == "DELETED" and event.resource.namespaced:
            self._drop_if_empty(event.obj["metadata"].get("namespace", ""))

    def _drop_if_empty(self, name: str) -> None:
        namespace = self._store.get(NAMESPACE, None, name)
        if namespace is None or not namespace["metadata"].get("deletionTimestamp"):
            return
        # Events may still come while a namespace ends; they do not hold it.
        if any(self._store.list(found, name) for found in ALL if found.namespaced and found.plural != "events"):
            return
        self._store.delete(NAMESPACE, None, name)


def _grace(request: web.Request, options: Obj) -> int | None:
    given = request.query.get("gracePeriodSeconds", options.get("gracePeriodSeconds"))
    if given is None:
        return None
    try:
        return int(given)
    except ValueError as error:
        raise statuses.bad_request(f'strconv.ParseInt: parsing "{given}": invalid syntax') from error


def _propagation(request: web.Request, options: Obj, resource: Resource) -> tuple[str, str]:
    """What happens to what the object owns, and a warning.

    A Job's pods stay when nothing is said (kubernetes pkg/registry/batch/job/strategy.go; the text is from there).

    Raises: StatusError 422.
    """
    policy = str(options.get("propagationPolicy") or request.query.get("propagationPolicy") or "")
    if policy and policy not in _POLICIES:
        message = f'Unsupported value: "{policy}": supported values: "Background", "Foreground", "Orphan"'
        cause = statuses.Cause("FieldValueNotSupported", message, "propagationPolicy")
        raise statuses.invalid("DeleteOptions", "", [cause], "meta.k8s.io")
    if options.get("orphanDependents") is True:
        policy = "Orphan"
    if not policy and resource is JOB:
        return "Orphan", _JOB_WARNING
    return policy or "Background", ""


def _mark(obj: Obj) -> None:
    obj["metadata"].setdefault("deletionTimestamp", timestamp())
    obj["metadata"].setdefault("deletionGracePeriodSeconds", 0)


def _check_preconditions(resource: Resource, obj: Obj, wanted: Obj) -> None:
    metadata = obj["metadata"]
    uid, version = wanted.get("uid"), wanted.get("resourceVersion")
    why = ""
    if uid and uid != metadata["uid"]:
        why = (
            f"the UID in the precondition ({uid}) does not match the UID in record ({metadata['uid']}). "
            "The object might have been deleted and then recreated"
        )
    elif version and version != metadata["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record "
            f"({metadata['resourceVersion']}). The object might have been modified"
        )
    if why:
        # Recorded with the kind, not the resource (transcripts/watch/selector-and-request-errors).
        raise statuses.conflict(resource.kind, metadata["name"], why=why)
