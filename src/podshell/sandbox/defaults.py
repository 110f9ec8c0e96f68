"""What a real server fills in when an object is created: spec defaults, the pod's service account, first status.

``fill(resource, obj)`` changes a fresh object in place; the API server calls it on every create, and controllers that
write to the store directly call it on what they create.  Only fields that kubectl prints or controllers read are
filled; their values are those of transcripts/lifecycle/create-to-running and kubectl/outputs.
"""

from __future__ import annotations

import itertools

from podshell.sandbox.resources import (
    DAEMONSET,
    DEPLOYMENT,
    JOB,
    NAMESPACE,
    POD,
    REPLICASET,
    SERVICE,
    STATEFULSET,
    Resource,
)
from podshell.sandbox.store import Obj, random_suffix

_TOKEN_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"  # a path
_service_addresses = itertools.count(0x0A600101)  # 10.96.1.1 on


def fill(resource: Resource, obj: Obj) -> None:
    """Fill the defaults of a new object."""
    filler = _FILLERS.get(resource)
    if filler is not None:
        filler(obj, obj.setdefault("spec", {}))


# Fields of a pod that a server before 1.30 does not know (KEP-3857, KEP-24); it drops them without a word.
_NEWER = ("recursiveReadOnly", "appArmorProfile")


def drop_newer(value: Obj | list[Obj]) -> None:
    """Drop what such a server does not know, at any depth."""
    if isinstance(value, dict):
        for name in _NEWER:
            value.pop(name, None)
    for below in value.values() if isinstance(value, dict) else value:
        if isinstance(below, dict | list):
            drop_newer(below)


def fill_container(container: Obj) -> None:
    """Fill the defaults of one container, also of an ephemeral one."""
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    if not container.get("imagePullPolicy"):
        image = container.get("image", "")
        _, _, tag = image.rpartition("/")[2].partition(":")
        container["imagePullPolicy"] = "Always" if tag in ("", "latest") and "@" not in image else "IfNotPresent"
    for port in container.get("ports") or []:
        port.setdefault("protocol", "TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name)
        if probe:
            for field, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1)):
                probe.setdefault(field, value)
            probe.setdefault("failureThreshold", 3)
    for variable in container.get("env") or []:
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference:
            reference.setdefault("apiVersion", "v1")


def fill_pod_spec(spec: Obj) -> None:
    """Fill the defaults that a pod and a pod template share."""
    for name in ("initContainers", "containers"):
        for container in spec.get(name) or []:
            fill_container(container)
    for volume in spec.get("volumes") or []:
        if "hostPath" in volume:
            volume["hostPath"].setdefault("type", "")
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    if spec.get("serviceAccountName"):
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")


def quality_of_service(spec: Obj) -> str:
    """Work out the QoS class of a pod."""
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    resources = [container.get("resources") or {} for container in containers]
    if not any(found.get("requests") or found.get("limits") for found in resources):
        return "BestEffort"
    for found in resources:
        limits, requests = found.get("limits") or {}, found.get("requests") or found.get("limits") or {}
        if any(name not in limits or limits[name] != requests.get(name) for name in ("cpu", "memory")):
            return "Burstable"
    return "Guaranteed"


def _fill_pod(obj: Obj, spec: Obj) -> None:
    fill_pod_spec(spec)
    spec.setdefault("serviceAccountName", "default")
    spec.setdefault("serviceAccount", spec["serviceAccountName"])
    if spec.get("automountServiceAccountToken", True):
        _mount_token(spec)
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(found.get("key", key) == key for found in tolerations):
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    spec.setdefault("priority", 0)
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    status = obj.setdefault("status", {})
    status.setdefault("phase", "Pending")
    status.setdefault("qosClass", quality_of_service(spec))


def _mount_token(spec: Obj) -> None:
    """Add the projected token volume, as the ServiceAccount admission does."""
    volumes = spec.setdefault("volumes", [])
    if any(str(volume.get("name", "")).startswith("kube-api-access-") for volume in volumes):
        return
    name = f"kube-api-access-{random_suffix()}"
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources: list[Obj] = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
    ]
    volumes.append({"name": name, "projected": {"sources": sources, "defaultMode": 420}})
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        mounts = container.setdefault("volumeMounts", [])
        if not any(mount.get("mountPath") == _TOKEN_MOUNT for mount in mounts):
            mounts.append({"name": name, "readOnly": True, "mountPath": _TOKEN_MOUNT})


def _fill_template(spec: Obj) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    fill_pod_spec(template.setdefault("spec", {}))


def _fill_deployment(_: Obj, spec: Obj) -> None:
    _fill_template(spec)
    spec.setdefault("replicas", 1)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)


def _fill_replicas(_: Obj, spec: Obj) -> None:
    _fill_template(spec)
    spec.setdefault("replicas", 1)


def _fill_stateful(_: Obj, spec: Obj) -> None:
    _fill_template(spec)
    spec.setdefault("replicas", 1)
    spec.setdefault("podManagementPolicy", "OrderedReady")
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {"partition": 0})
    spec.setdefault("revisionHistoryLimit", 10)


def _fill_daemons(_: Obj, spec: Obj) -> None:
    _fill_template(spec)
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {"maxSurge": 0, "maxUnavailable": 1})
    spec.setdefault("revisionHistoryLimit", 10)


def _fill_job(obj: Obj, spec: Obj) -> None:
    _fill_template(spec)
    for field, value in (("parallelism", 1), ("completions", 1), ("backoffLimit", 6)):
        spec.setdefault(field, value)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("manualSelector", False)
    spec.setdefault("podReplacementPolicy", "TerminatingOrFailed")
    # The controller-uid labels need the uid: label_job(), after the store has given it.
    labels = spec["template"]["metadata"].setdefault("labels", {})
    name = obj["metadata"].get("name", "")
    labels.setdefault("batch.kubernetes.io/job-name", name)
    labels.setdefault("job-name", name)


def label_job(job: Obj) -> None:
    """Add the generated selector and labels of a job that has its uid."""
    uid = job["metadata"]["uid"]
    labels = job["spec"]["template"]["metadata"].setdefault("labels", {})
    labels["batch.kubernetes.io/controller-uid"] = labels["controller-uid"] = uid
    if not job["metadata"].get("labels"):
        job["metadata"]["labels"] = dict(labels)
    job["spec"].setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})


def _fill_service(_: Obj, spec: Obj) -> None:
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    for port in spec.get("ports") or []:
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    if spec["type"] == "ExternalName":
        return
    if not spec.get("clusterIP"):
        address = next(_service_addresses)
        spec["clusterIP"] = ".".join(str(address >> shift & 0xFF) for shift in (24, 16, 8, 0))
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    spec.setdefault("internalTrafficPolicy", "Cluster")


def _fill_namespace(obj: Obj, spec: Obj) -> None:
    spec.setdefault("finalizers", ["kubernetes"])
    obj.setdefault("status", {}).setdefault("phase", "Active")


_FILLERS = {
    POD: _fill_pod,
    DEPLOYMENT: _fill_deployment,
    REPLICASET: _fill_replicas,
    STATEFULSET: _fill_stateful,
    DAEMONSET: _fill_daemons,
    JOB: _fill_job,
    SERVICE: _fill_service,
    NAMESPACE: _fill_namespace,
}
# Workloads that carry a pod template: their defaults are filled again at every update.
WITH_TEMPLATE = frozenset({DEPLOYMENT, REPLICASET, STATEFULSET, DAEMONSET})
