"""The status words of a pod's table row: READY, STATUS and RESTARTS as printPod of kubernetes computes them.

Pure.  Follows pkg/printers/internalversion/printers.go; seen in transcripts/table/pods and kubectl/outputs.
"""

from __future__ import annotations

from datetime import datetime

from podshell.sandbox import durations
from podshell.sandbox.store import Obj

_DONE = ("Succeeded", "Failed")


class _Count:
    def __init__(self) -> None:
        self.ready = 0
        self.restarts = 0
        self.last_restart = ""

    def add_restarts(self, status: Obj) -> None:
        """Count restarts and remember the end of the run before."""
        self.restarts += status.get("restartCount", 0)
        finished = ((status.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or ""
        self.last_restart = max(self.last_restart, finished)


def status_cells(pod: Obj, now: datetime | None = None) -> tuple[str, str, str]:
    """Give READY, STATUS and RESTARTS."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    reason = status.get("reason") or status.get("phase") or "Unknown"
    sidecars = {found["name"] for found in spec.get("initContainers") or [] if found.get("restartPolicy") == "Always"}
    total = len(spec.get("containers") or []) + len(sidecars)
    gated = any(found.get("reason") == "SchedulingGated" for found in status.get("conditions") or [])
    reason = "SchedulingGated" if gated else reason
    count, sidecar_count = _Count(), _Count()
    waiting = _initializing(spec, status, sidecars, count, sidecar_count)
    if waiting is not None:
        reason = waiting
    if waiting is None or _is_true(status, "Initialized"):
        sidecar_count.ready = count.ready
        count = sidecar_count
        reason = _main_reason(status, reason, count)
    if pod["metadata"].get("deletionTimestamp") and status.get("phase") not in _DONE:
        reason = "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    restarts = str(count.restarts)
    if count.restarts and count.last_restart:
        restarts += f" ({durations.since(count.last_restart, now)} ago)"
    return f"{count.ready}/{total}", reason, restarts


def _is_true(status: Obj, condition: str) -> bool:
    found = status.get("conditions") or []
    return any(entry.get("type") == condition and entry.get("status") == "True" for entry in found)


def _initializing(spec: Obj, status: Obj, sidecars: set[str], count: _Count, sidecar_count: _Count) -> str | None:
    """Give the ``Init:`` word while init containers run, None afterwards."""
    total = len(spec.get("initContainers") or [])
    for index, container in enumerate(status.get("initContainerStatuses") or []):
        state = container.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting")
        is_sidecar = container.get("name") in sidecars
        count.add_restarts(container)
        if is_sidecar:
            sidecar_count.add_restarts(container)
        if terminated is not None and terminated.get("exitCode") == 0:
            continue
        if is_sidecar and container.get("started"):
            count.ready += 1 if container.get("ready") else 0
            continue
        if terminated is not None:
            return "Init:" + _ended(terminated)
        if waiting is not None and waiting.get("reason") not in (None, "", "PodInitializing"):
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{total}"
    return None


def _main_reason(status: Obj, reason: str, count: _Count) -> str:
    running = False
    for container in reversed(status.get("containerStatuses") or []):
        count.add_restarts(container)
        state = container.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif state.get("terminated") is not None:
            reason = _ended(state["terminated"])
        elif container.get("ready") and state.get("running") is not None:
            running = True
            count.ready += 1
    if reason == "Completed" and running:
        return "Running" if _is_true(status, "Ready") else "NotReady"
    return reason


def _ended(terminated: Obj) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def row_conditions(pod: Obj) -> list[Obj]:
    """Give the conditions of a row: finished pods are marked (transcripts/table/pods, pod "completed")."""
    phase = (pod.get("status") or {}).get("phase")
    if phase == "Succeeded":
        message = "The pod has completed successfully."
    elif phase == "Failed":
        message = "The pod failed."
    else:
        return []
    return [{"type": "Completed", "status": "True", "reason": phase, "message": message}]
