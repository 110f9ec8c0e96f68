"""Ownership between objects: owner references, the pods of a controller, templates made into pods, and graceful removal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from podshell.sandbox.defaults import fill
from podshell.sandbox.resources import ALL, POD, Resource
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent, copied, timestamp

FOREGROUND = "foregroundDeletion"
# The alphabet of generated names: no vowels and nothing that looks like another sign (apimachinery util/rand).
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def now() -> datetime:
    return datetime.now(UTC)


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def template_hash(template: Obj) -> str:
    """A stable ten-character hash of a pod template, in the form of pod-template-hash."""
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return "".join(_ALPHABET[octet % len(_ALPHABET)] for octet in digest[:10])


def owner_reference(resource: Resource, owner: Obj) -> Obj:
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(obj: Obj) -> Obj | None:
    """The owner reference that is the controller of this object."""
    references: list[Obj] = obj["metadata"].get("ownerReferences", [])
    return next((one for one in references if one.get("controller")), None)


def owned(store: ObjectStore, resource: Resource, owner: Obj) -> list[Obj]:
    """Objects of this kind whose controller is `owner`, oldest first."""
    namespace, uid = owner["metadata"].get("namespace"), owner["metadata"]["uid"]
    found = [one for one in store.list(resource, namespace) if (controller_of(one) or {}).get("uid") == uid]
    return sorted(found, key=lambda one: (one["metadata"].get("creationTimestamp", ""), one["metadata"]["name"]))


def owner_keys(event: WatchEvent, kind: str) -> Iterable[tuple[str, str]]:
    """Namespace and name of the controller of a changed object, when it is of this kind."""
    reference = controller_of(event.obj)
    if reference is not None and reference["kind"] == kind:
        yield event.obj["metadata"].get("namespace", ""), reference["name"]


def pod_from_template(owner_resource: Resource, owner: Obj, template: Obj, name: str, generate: str | None = None) -> Obj:
    """A pod made of a template, owned by `owner`."""
    made: Obj = copied(template)
    metadata: Obj = {
        "name": name,
        "namespace": owner["metadata"]["namespace"],
        "labels": made.get("metadata", {}).get("labels", {}),
        "ownerReferences": [owner_reference(owner_resource, owner)],
    }
    if generate is not None:
        metadata["generateName"] = generate
    if annotations := made.get("metadata", {}).get("annotations"):
        metadata["annotations"] = annotations
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": made["spec"],
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    }


def is_active(pod: Obj) -> bool:
    """Neither finished nor being deleted: what controllers count."""
    return pod["status"].get("phase") not in ("Succeeded", "Failed") and "deletionTimestamp" not in pod["metadata"]


def is_terminating(pod: Obj) -> bool:
    return "deletionTimestamp" in pod["metadata"] and pod["status"].get("phase") not in ("Succeeded", "Failed")


def is_ready(pod: Obj) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))


def create_pod(store: ObjectStore, pod: Obj) -> Obj:
    """Create a pod as a controller does: with the defaults that the API server would fill in."""
    fill(POD, pod)
    return store.create(POD, pod)


def delete_pod(store: ObjectStore, pod: Obj) -> None:
    """Delete as the API server does: mark it for the kubelet when it is on a node, else remove it at once."""
    metadata, grace = pod["metadata"], pod["spec"].get("terminationGracePeriodSeconds", 30)
    if "deletionTimestamp" in metadata:
        return
    if not pod["spec"].get("nodeName") or grace == 0 or pod["status"].get("phase") in ("Succeeded", "Failed"):
        store.delete(POD, metadata["namespace"], metadata["name"])
        return

    def mark(obj: Obj) -> None:
        obj["metadata"]["deletionTimestamp"] = timestamp(now() + timedelta(seconds=grace))
        obj["metadata"]["deletionGracePeriodSeconds"] = grace

    store.modify(POD, metadata["namespace"], metadata["name"], mark)


def begin_foreground_deletion(store: ObjectStore, resource: Resource, obj: Obj) -> Obj:
    """Mark an owner for deletion after what it owns (transcripts/node/job-delete-foreground); the garbage collector does the rest."""

    def mark(one: Obj) -> None:
        metadata = one["metadata"]
        metadata.setdefault("deletionTimestamp", timestamp())
        metadata.setdefault("deletionGracePeriodSeconds", 0)
        finalizers = metadata.setdefault("finalizers", [])
        if FOREGROUND not in finalizers:
            finalizers.append(FOREGROUND)

    return store.modify(resource, obj["metadata"].get("namespace"), obj["metadata"]["name"], mark)


def orphan_dependents(store: ObjectStore, owner: Obj) -> None:
    """Take the references to an owner from everything that it owns, so that it stays when the owner goes."""
    namespace, uid = owner["metadata"].get("namespace"), owner["metadata"]["uid"]

    def forget(one: Obj) -> None:
        kept = [reference for reference in one["metadata"]["ownerReferences"] if reference["uid"] != uid]
        one["metadata"]["ownerReferences"] = kept
        if not kept:
            del one["metadata"]["ownerReferences"]

    for resource in ALL:
        for obj in store.list(resource, namespace) if resource.namespaced else ():
            if any(reference["uid"] == uid for reference in obj["metadata"].get("ownerReferences", [])):
                store.modify(resource, namespace, obj["metadata"]["name"], forget)


def victims(pods: list[Obj], count: int) -> list[Obj]:
    """The pods to remove first: without node, pending, not ready, then the youngest (ReplicaSet's order)."""

    def rank(pod: Obj) -> tuple[bool, bool, bool]:
        return bool(pod["spec"].get("nodeName")), pod["status"].get("phase") == "Running", is_ready(pod)

    youngest_first = sorted(pods, key=lambda one: one["metadata"].get("creationTimestamp", ""), reverse=True)
    return sorted(youngest_first, key=rank)[:count]
