"""The resource types the sandbox serves: one frozen :class:`Resource` each, and the look-ups between them.

Order matters: discovery lists them in the order of ``ALL``, and kubectl prints ``get all`` in that order.  Verbs and
short names are those of a 1.36 server (transcripts/discovery/).  What is not listed here is answered with 404.
"""

from __future__ import annotations

from dataclasses import dataclass

READ_ONLY = ("get", "list", "watch")
EVERY_VERB = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    """One resource type; ``subresources`` maps nothing, it only names what exists below an object."""

    group: str
    version: str
    plural: str
    singular: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = EVERY_VERB

    @property
    def api_version(self) -> str:
        """``v1`` or ``apps/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """``pods`` or ``deployments.apps``, as messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def list_kind(self) -> str:
        """``PodList``."""
        return f"{self.kind}List"


_WORKLOAD = ("scale", "status")

POD = Resource(
    "", "v1", "pods", "pod", "Pod", True, ("po",),
    ("attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "proxy", "resize", "status"),
    ("all",),
)  # fmt: skip
NODE = Resource("", "v1", "nodes", "node", "Node", False, ("no",), ("proxy", "status"))
NAMESPACE = Resource("", "v1", "namespaces", "namespace", "Namespace", False, ("ns",), ("finalize", "status"))
SERVICE = Resource("", "v1", "services", "service", "Service", True, ("svc",), ("proxy", "status"), ("all",))
EVENT = Resource("", "v1", "events", "event", "Event", True, ("ev",))
SERVICEACCOUNT = Resource("", "v1", "serviceaccounts", "serviceaccount", "ServiceAccount", True, ("sa",), ("token",))
SECRET = Resource("", "v1", "secrets", "secret", "Secret", True)
CONFIGMAP = Resource("", "v1", "configmaps", "configmap", "ConfigMap", True, ("cm",))
ENDPOINTS = Resource("", "v1", "endpoints", "endpoints", "Endpoints", True, ("ep",))
LIMITRANGE = Resource("", "v1", "limitranges", "limitrange", "LimitRange", True, ("limits",))
RESOURCEQUOTA = Resource("", "v1", "resourcequotas", "resourcequota", "ResourceQuota", True, ("quota",), ("status",))
PERSISTENTVOLUMECLAIM = Resource(
    "", "v1", "persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim", True, ("pvc",), ("status",)
)
REPLICATIONCONTROLLER = Resource(
    "", "v1", "replicationcontrollers", "replicationcontroller", "ReplicationController", True, ("rc",), _WORKLOAD,
    ("all",),
)  # fmt: skip
DAEMONSET = Resource("apps", "v1", "daemonsets", "daemonset", "DaemonSet", True, ("ds",), ("status",), ("all",))
DEPLOYMENT = Resource("apps", "v1", "deployments", "deployment", "Deployment", True, ("deploy",), _WORKLOAD, ("all",))
REPLICASET = Resource("apps", "v1", "replicasets", "replicaset", "ReplicaSet", True, ("rs",), _WORKLOAD, ("all",))
STATEFULSET = Resource("apps", "v1", "statefulsets", "statefulset", "StatefulSet", True, ("sts",), _WORKLOAD, ("all",))
JOB = Resource("batch", "v1", "jobs", "job", "Job", True, (), ("status",), ("all",))
CRONJOB = Resource("batch", "v1", "cronjobs", "cronjob", "CronJob", True, ("cj",), ("status",), ("all",))
LEASE = Resource("coordination.k8s.io", "v1", "leases", "lease", "Lease", True)
ENDPOINTSLICE = Resource("discovery.k8s.io", "v1", "endpointslices", "endpointslice", "EndpointSlice", True)
RESOURCESLICE = Resource("resource.k8s.io", "v1", "resourceslices", "resourceslice", "ResourceSlice", False)

ALL: tuple[Resource, ...] = (
    CONFIGMAP, ENDPOINTS, EVENT, LIMITRANGE, NAMESPACE, NODE, PERSISTENTVOLUMECLAIM, POD, REPLICATIONCONTROLLER,
    RESOURCEQUOTA, SECRET, SERVICEACCOUNT, SERVICE, DAEMONSET, DEPLOYMENT, REPLICASET, STATEFULSET, CRONJOB, JOB,
    LEASE, ENDPOINTSLICE, RESOURCESLICE,
)  # fmt: skip

# Groups without stored objects: reviews are only created and answered (reviews.py).
REVIEW_GROUPS = ("authentication.k8s.io", "authorization.k8s.io")

_BY_PATH = {(resource.group, resource.version, resource.plural): resource for resource in ALL}
_BY_KIND = {(resource.api_version, resource.kind): resource for resource in ALL}


def by_path(group: str, version: str, plural: str) -> Resource | None:
    """Find the resource a URL names."""
    return _BY_PATH.get((group, version, plural))


def by_kind(api_version: str, kind: str) -> Resource | None:
    """Find the resource of an object."""
    return _BY_KIND.get((api_version, kind))
