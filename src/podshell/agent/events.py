"""Kubernetes events as rows (wire/details.py EventRow). Pure."""

from __future__ import annotations

import re

from podshell.agent.details import line
from podshell.kube.objects import Event
from podshell.wire.details import EventRow
from podshell.wire.errors import clip_text

# Whose events can be asked for, and whether such an object has a namespace.
EVENT_KINDS: dict[str, bool] = {
    "Pod": True,
    "Deployment": True,
    "ReplicaSet": True,
    "StatefulSet": True,
    "DaemonSet": True,
    "Job": True,
    "CronJob": True,
    "Service": True,
    "Node": False,
}

_CONTAINER = re.compile(r"spec\.(?:initContainers|containers|ephemeralContainers)\{([^}]*)\}")


def event_row(event: Event) -> EventRow:
    """Build an event's row. Writers of events.k8s.io/v1 fill `eventTime` and `series` instead of the older fields."""
    series, about = event.series, event.involved_object
    first = event.first_timestamp or event.event_time or event.metadata.creation_timestamp or ""
    last = (series.last_observed_time if series is not None else None) or event.last_timestamp or event.event_time or first
    container = _CONTAINER.fullmatch(about.field_path)
    return EventRow(
        uid=event.metadata.uid,
        type=line(event.type) or "Normal",
        reason=line(event.reason),
        message=clip_text(event.message),
        count=max(1, (series.count if series is not None else None) or event.count or 1),
        first_at=first,
        last_at=last,
        source=line(event.source.component or event.reporting_component),
        object_kind=about.kind,
        object_name=about.name,
        container=line(container[1]) if container is not None else "",
    )
