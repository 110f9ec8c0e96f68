"""The cells of each resource's table row, as pkg/printers/internalversion/printers.go computes them.  Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from podshell.sandbox import durations
from podshell.sandbox.pod_rows import status_cells
from podshell.sandbox.resources import (
    CONFIGMAP,
    CRONJOB,
    DAEMONSET,
    DEPLOYMENT,
    ENDPOINTS,
    ENDPOINTSLICE,
    EVENT,
    JOB,
    LEASE,
    NAMESPACE,
    NODE,
    POD,
    REPLICASET,
    REPLICATIONCONTROLLER,
    SECRET,
    SERVICE,
    SERVICEACCOUNT,
    STATEFULSET,
    Resource,
)
from podshell.sandbox.store import Obj

_NONE = "<none>"
_ROLE_PREFIX = "node-role.kubernetes.io/"
_MOST_SHOWN = 3

Cells = list[str | int]


def cells_of(resource: Resource, obj: Obj) -> Cells:
    """Give the cells of one object, in the order of its columns."""
    cells = _CELLS.get(resource)
    return cells(obj) if cells is not None else [_name(obj), _age(obj)]


def _name(obj: Obj) -> str:
    return str(obj["metadata"]["name"])


def _age(obj: Obj) -> str:
    return durations.since(obj["metadata"].get("creationTimestamp"))


def _spec(obj: Obj) -> Obj:
    found: Obj = obj.get("spec") or {}
    return found


def _status(obj: Obj) -> Obj:
    found: Obj = obj.get("status") or {}
    return found


def _pod(pod: Obj) -> Cells:
    spec, status = _spec(pod), _status(pod)
    gates = spec.get("readinessGates") or []
    shown_gates = _NONE
    if gates:
        true = {found["type"] for found in status.get("conditions") or [] if found.get("status") == "True"}
        shown_gates = f"{sum(gate['conditionType'] in true for gate in gates)}/{len(gates)}"
    where = (status.get("podIP") or _NONE, spec.get("nodeName") or _NONE, status.get("nominatedNodeName") or _NONE)
    return [_name(pod), *status_cells(pod), _age(pod), *where, shown_gates]


def _node(node: Obj) -> Cells:
    status, labels = _status(node), node["metadata"].get("labels") or {}
    ready = next((found for found in status.get("conditions") or [] if found.get("type") == "Ready"), None)
    state = "Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"
    if _spec(node).get("unschedulable"):
        state += ",SchedulingDisabled"
    roles = {label[len(_ROLE_PREFIX) :] for label in labels if label.startswith(_ROLE_PREFIX)}
    roles |= {labels["kubernetes.io/role"]} if labels.get("kubernetes.io/role") else set()
    info = status.get("nodeInfo") or {}
    addresses = {found["type"]: found["address"] for found in reversed(status.get("addresses") or [])}
    kernel = info.get("kernelVersion") or "<unknown>"
    if info.get("architecture"):
        kernel += f" ({info['architecture']})"
    return [
        _name(node),
        state,
        ",".join(sorted(role for role in roles if role)) or _NONE,
        _age(node),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", _NONE),
        addresses.get("ExternalIP", _NONE),
        info.get("osImage") or "<unknown>",
        kernel,
        info.get("containerRuntimeVersion") or "<unknown>",
    ]


def _event(event: Obj) -> Cells:
    involved = event.get("involvedObject") or {}
    series, source = event.get("series") or {}, event.get("source") or {}
    happened = event.get("eventTime")
    last = series.get("lastObservedTime") or event.get("lastTimestamp") or happened
    component = source.get("component") or event.get("reportingComponent", "")
    host = source.get("host") or event.get("reportingInstance", "")
    return [
        durations.since(last),
        event.get("type", ""),
        event.get("reason", ""),
        f"{involved.get('kind', '').lower()}/{involved.get('name', '')}",
        involved.get("fieldPath", ""),
        f"{component}, {host}" if host else component,
        str(event.get("message", "")).strip(),
        durations.since(event.get("firstTimestamp") or happened),
        series.get("count") or event.get("count") or 1,
        _name(event),
    ]


def _template(obj: Obj) -> tuple[str, str]:
    containers = ((_spec(obj).get("template") or {}).get("spec") or {}).get("containers") or []
    return ",".join(found["name"] for found in containers), ",".join(found["image"] for found in containers)


def _selector(obj: Obj) -> str:
    selector = _spec(obj).get("selector") or {}
    if not ({"matchLabels", "matchExpressions"} & set(selector)):
        return _joined(selector)
    terms = [_joined(selector.get("matchLabels") or {})] if selector.get("matchLabels") else []
    for term in selector.get("matchExpressions") or []:
        values = ",".join(sorted(term.get("values") or []))
        shown = {
            "In": f"{term['key']} in ({values})",
            "NotIn": f"{term['key']} notin ({values})",
            "Exists": term["key"],
            "DoesNotExist": f"!{term['key']}",
        }
        terms.append(shown[term["operator"]])
    return ",".join(terms) or _NONE


def _joined(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or _NONE


def _deployment(obj: Obj) -> Cells:
    status = _status(obj)
    ready = f"{status.get('readyReplicas', 0)}/{_spec(obj).get('replicas', 0)}"
    counts = (status.get("updatedReplicas", 0), status.get("availableReplicas", 0))
    return [_name(obj), ready, *counts, _age(obj), *_template(obj), _selector(obj)]


def _replicas(obj: Obj) -> Cells:
    status = _status(obj)
    counts = (_spec(obj).get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0))
    return [_name(obj), *counts, _age(obj), *_template(obj), _selector(obj)]


def _stateful(obj: Obj) -> Cells:
    ready = f"{_status(obj).get('readyReplicas', 0)}/{_spec(obj).get('replicas', 0)}"
    return [_name(obj), ready, _age(obj), *_template(obj)]


def _daemons(obj: Obj) -> Cells:
    status = _status(obj)
    fields = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled")
    counts = [int(status.get(field, 0)) for field in (*fields, "numberAvailable")]
    chosen = ((_spec(obj).get("template") or {}).get("spec") or {}).get("nodeSelector") or {}
    return [_name(obj), *counts, _joined(chosen), _age(obj), *_template(obj), _selector(obj)]


def _job(obj: Obj) -> Cells:
    spec, status = _spec(obj), _status(obj)
    true = {found["type"] for found in status.get("conditions") or [] if found.get("status") == "True"}
    word = next((found for found in ("Complete", "Failed") if found in true), "")
    if not word and obj["metadata"].get("deletionTimestamp"):
        word = "Terminating"
    if not word:
        word = next((name for name in ("Suspended", "FailureTarget", "SuccessCriteriaMet") if name in true), "Running")
    succeeded, wanted = status.get("succeeded", 0), spec.get("completions")
    parallel = spec.get("parallelism") or 0
    completions = f"{succeeded}/{wanted}"
    if wanted is None:
        completions = f"{succeeded}/1 of {parallel}" if parallel > 1 else f"{succeeded}/1"
    duration = ""
    if status.get("startTime"):
        end = durations.parse(status["completionTime"]) if status.get("completionTime") else datetime.now(UTC)
        duration = durations.since(status["startTime"], end)
    return [_name(obj), word, completions, duration, _age(obj), *_template(obj), _selector(obj)]


def _cron_job(obj: Obj) -> Cells:
    spec, status = _spec(obj), _status(obj)
    last = status.get("lastScheduleTime")
    job: Obj = spec.get("jobTemplate") or {}
    return [
        _name(obj),
        spec.get("schedule", ""),
        spec.get("timeZone") or _NONE,
        "True" if spec.get("suspend") else "False",
        len(status.get("active") or []),
        durations.since(last) if last else _NONE,
        _age(obj),
        *_template(job),
        _selector(job),
    ]


def _service(obj: Obj) -> Cells:
    spec = _spec(obj)
    kind = spec.get("type", "ClusterIP")
    outside = ",".join(spec.get("externalIPs") or [])
    if kind == "ExternalName":
        outside = spec.get("externalName", "")
    elif kind == "LoadBalancer":
        entries = (_status(obj).get("loadBalancer") or {}).get("ingress") or []
        found = [entry.get("ip") or entry.get("hostname", "") for entry in entries]
        outside = ",".join([*found, *(spec.get("externalIPs") or [])]) or "<pending>"
    ports = ",".join(
        f"{port['port']}:{port['nodePort']}/{port.get('protocol', 'TCP')}"
        if port.get("nodePort")
        else f"{port['port']}/{port.get('protocol', 'TCP')}"
        for port in spec.get("ports") or []
    )
    address = spec.get("clusterIP") or _NONE
    return [_name(obj), kind, address, outside or _NONE, ports or _NONE, _age(obj), _joined(spec.get("selector") or {})]


def _some(items: list[str]) -> str:
    shown = ",".join(items[:_MOST_SHOWN])
    return f"{shown} + {len(items) - _MOST_SHOWN} more..." if len(items) > _MOST_SHOWN else shown


def _endpoint_slice(obj: Obj) -> Cells:
    ports = [str(port["port"]) for port in obj.get("ports") or [] if port.get("port")]
    addresses = [address for found in obj.get("endpoints") or [] for address in found.get("addresses") or []]
    kind = obj.get("addressType", "")
    return [_name(obj), kind, _some(ports) or "<unset>", _some(addresses) or "<unset>", _age(obj)]


def _endpoints(obj: Obj) -> Cells:
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in obj.get("subsets") or []
        for port in subset.get("ports") or []
        for address in subset.get("addresses") or []
    ]
    return [_name(obj), _some(found) or _NONE, _age(obj)]


_CELLS: dict[Resource, Callable[[Obj], Cells]] = {
    POD: _pod,
    NODE: _node,
    EVENT: _event,
    NAMESPACE: lambda obj: [_name(obj), _status(obj).get("phase", ""), _age(obj)],
    DEPLOYMENT: _deployment,
    REPLICASET: _replicas,
    REPLICATIONCONTROLLER: _replicas,
    STATEFULSET: _stateful,
    DAEMONSET: _daemons,
    JOB: _job,
    CRONJOB: _cron_job,
    SERVICE: _service,
    ENDPOINTSLICE: _endpoint_slice,
    ENDPOINTS: _endpoints,
    CONFIGMAP: lambda obj: [_name(obj), len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), _age(obj)],
    SECRET: lambda obj: [_name(obj), obj.get("type", "Opaque"), len(obj.get("data") or {}), _age(obj)],
    SERVICEACCOUNT: lambda obj: [_name(obj), len(obj.get("secrets") or []), _age(obj)],
    LEASE: lambda obj: [_name(obj), _spec(obj).get("holderIdentity") or "", _age(obj)],
}
