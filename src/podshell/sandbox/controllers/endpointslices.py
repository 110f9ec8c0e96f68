"""EndpointSlices: for each service with a selector, one slice with the addresses of its pods."""

from __future__ import annotations

from collections.abc import Iterable

from podshell.sandbox.controllers.loop import Key
from podshell.sandbox.controllers.owners import is_ready, owned, owner_reference
from podshell.sandbox.resources import ENDPOINTSLICE, POD, SERVICE
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent, random_suffix


class EndpointSlices:
    """The EndpointSlice controller; one slice per service (a real one splits at 100 addresses)."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def concerns(self, event: WatchEvent) -> Iterable[Key]:
        metadata = event.obj["metadata"]
        if event.resource == SERVICE and event.type != "DELETED":
            return (Key(metadata["namespace"], metadata["name"]),)
        if event.resource != POD or not metadata.get("labels"):
            return ()
        services = self._store.list(SERVICE, metadata["namespace"])
        return [Key(metadata["namespace"], one["metadata"]["name"]) for one in services if _selects(one, event.obj)]

    def reconcile(self, key: Key) -> float | None:
        service = self._store.get(SERVICE, key.namespace, key.name)
        if service is None or not service["spec"].get("selector"):
            return None
        pods = [one for one in self._store.list(POD, key.namespace) if _selects(service, one)]
        content: Obj = {
            "addressType": "IPv4",
            "endpoints": [_endpoint(one) for one in pods if _has_address(one)],
            "ports": [
                {"name": port.get("name", ""), "port": _number(port, pods), "protocol": port.get("protocol", "TCP")}
                for port in service["spec"].get("ports", [])
            ],
        }
        slices = owned(self._store, ENDPOINTSLICE, service)
        if slices:
            self._store.modify(ENDPOINTSLICE, key.namespace, slices[0]["metadata"]["name"], lambda one: one.update(content))
            return None
        labels = {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}
        metadata = {
            "name": f"{key.name}-{random_suffix()}",
            "generateName": f"{key.name}-",
            "namespace": key.namespace,
            "labels": labels | {"kubernetes.io/service-name": key.name},
            "ownerReferences": [owner_reference(SERVICE, service)],
        }
        made = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata}
        self._store.create(ENDPOINTSLICE, made | content)
        return None


def _selects(service: Obj, pod: Obj) -> bool:
    selector: dict[str, str] = service["spec"].get("selector") or {}
    labels = pod["metadata"].get("labels", {})
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def _has_address(pod: Obj) -> bool:
    return bool(pod["status"].get("podIP")) and pod["status"].get("phase") not in ("Succeeded", "Failed")


def _number(port: Obj, pods: list[Obj]) -> int:
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    for pod in pods:
        for container in pod["spec"]["containers"]:
            for one in container.get("ports", []):
                if one.get("name") == target:
                    return int(one["containerPort"])
    return int(port["port"])


def _endpoint(pod: Obj) -> Obj:
    terminating = "deletionTimestamp" in pod["metadata"]
    serving = is_ready(pod)
    reference = {"kind": "Pod", "namespace": pod["metadata"]["namespace"], "name": pod["metadata"]["name"]}
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": serving and not terminating, "serving": serving, "terminating": terminating},
        "nodeName": pod["spec"].get("nodeName"),
        "targetRef": reference | {"uid": pod["metadata"]["uid"]},
    }
