"""The Events that the components write about objects, in the two shapes that the real ones use.

The kubelet and the workload controllers write `source`, `firstTimestamp`, `lastTimestamp` and `count`, and raise the count of an event
that says the same again; the scheduler writes `eventTime`, `action` and no count (transcripts/events/lifecycle.v1). Events live in the
store; at most MAX_EVENTS of them, the oldest go first (a real cluster drops them after an hour).
"""

from __future__ import annotations

from collections import OrderedDict
from time import time_ns
from typing import NamedTuple

from podshell.sandbox.controllers.owners import now
from podshell.sandbox.resources import EVENT
from podshell.sandbox.statuses import StatusError
from podshell.sandbox.store import Obj, ObjectStore, timestamp

# A crash loop writes about six different events; 2,000 hold the last events of some hundred pods in about 2 MiB.
MAX_EVENTS = 2_000


class _Same(NamedTuple):
    uid: str
    component: str
    reason: str
    message: str
    field_path: str


class EventRecorder:
    """Writes Events for one cluster."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._known: OrderedDict[_Same, tuple[str, str]] = OrderedDict()

    def record(
        self, about: Obj, reason: str, message: str, *, component: str, kind: str = "Normal", host: str = "", field_path: str = ""
    ) -> None:
        """Write an event about an object, or count one up that says the same."""
        same = _Same(about["metadata"].get("uid", ""), component, reason, message, field_path)
        moment = timestamp()
        known = self._known.get(same)
        if known is not None:
            self._known.move_to_end(same)
            try:
                self._store.modify(EVENT, *known, change=lambda one: _count_up(one, moment))
            except StatusError:
                del self._known[same]  # somebody deleted it: write it anew
            else:
                return
        event = _event(about, reason, message, kind, field_path)
        source = {"component": component, "host": host} if host else {"component": component}
        event |= {"source": source, "firstTimestamp": moment, "lastTimestamp": moment, "count": 1, "eventTime": None}
        event |= {"reportingComponent": component, "reportingInstance": host}
        self._create(event, same)

    def record_scheduling(self, pod: Obj, reason: str, message: str, *, kind: str = "Normal", action: str = "Binding") -> None:
        """Write an event of the scheduler, which uses the newer shape."""
        same = _Same(pod["metadata"].get("uid", ""), "default-scheduler", reason, message, "")
        if same in self._known:
            return
        event = _event(pod, reason, message, kind, "")
        event |= {"source": {}, "firstTimestamp": None, "lastTimestamp": None, "action": action}
        event |= {"eventTime": now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
        event |= {"reportingComponent": "default-scheduler", "reportingInstance": "default-scheduler-cp"}
        self._create(event, same)

    def _create(self, event: Obj, same: _Same) -> None:
        made = self._store.create(EVENT, event)
        self._known[same] = (made["metadata"]["namespace"], made["metadata"]["name"])
        while len(self._known) > MAX_EVENTS:
            _, oldest = self._known.popitem(last=False)
            if self._store.get(EVENT, *oldest) is not None:
                self._store.delete(EVENT, *oldest)


def _event(about: Obj, reason: str, message: str, kind: str, field_path: str) -> Obj:
    metadata = about["metadata"]
    # Events about cluster-wide objects (nodes) live in "default".
    namespace = metadata.get("namespace", "default")
    involved = {"kind": about["kind"], "name": metadata["name"], "uid": metadata.get("uid", ""), "apiVersion": about["apiVersion"]}
    if "namespace" in metadata:
        involved["namespace"] = metadata["namespace"]
    if "resourceVersion" in metadata:
        involved["resourceVersion"] = metadata["resourceVersion"]
    if field_path:
        involved["fieldPath"] = field_path
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{time_ns():x}", "namespace": namespace},
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "type": kind,
    }


def _count_up(event: Obj, moment: str) -> None:
    event["count"] = event.get("count", 1) + 1
    event["lastTimestamp"] = moment
