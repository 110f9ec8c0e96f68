"""Admission beside Pod Security: ResourceQuota on pods, and denials that a test orders as a webhook's.

Texts of the quota are those of transcripts/node/quota-bare-pod, that of a webhook is apiserver's (apiserver pkg/admission/plugin/webhook/
errors/statuserror.go). Quotas count pods and the cpu and memory that containers ask for or are limited to; objects of other kinds are free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from podshell.sandbox import statuses
from podshell.sandbox.resources import POD, RESOURCEQUOTA, Resource
from podshell.sandbox.statuses import StatusError
from podshell.sandbox.store import Obj, ObjectStore

_COMPUTE = {
    "cpu": ("requests", "cpu"),
    "memory": ("requests", "memory"),
    "requests.cpu": ("requests", "cpu"),
    "requests.memory": ("requests", "memory"),
    "limits.cpu": ("limits", "cpu"),
    "limits.memory": ("limits", "memory"),
}
_UNITS = {"m": Decimal("0.001"), "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "k": Decimal(10**3), "M": Decimal(10**6)}


@dataclass
class WebhookDenial:
    """A validating webhook that says no. ``resources`` are plurals (``pods``, ``pods/ephemeralcontainers``, ``jobs``); empty: all.

    ``namespace`` empty: everywhere.
    """

    webhook: str = "policy.example.com"
    message: str = "images must come from registry.example.com"
    resources: tuple[str, ...] = ()
    namespace: str = ""

    def refusal(self, resource: str, namespace: str) -> StatusError | None:
        """The refusal of a write, or None."""
        if (self.resources and resource not in self.resources) or (self.namespace and self.namespace != namespace):
            return None
        text = f'admission webhook "{self.webhook}" denied the request: {self.message}'
        return StatusError(403, "Forbidden", text)


class Admission:
    """What may still refuse a write that RBAC allows."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._denials: list[WebhookDenial] = []

    def add(self, denial: WebhookDenial) -> Callable[[], None]:
        """Let a webhook deny writes from now on; returns what ends that."""
        self._denials.append(denial)

        def remove() -> None:
            if denial in self._denials:
                self._denials.remove(denial)

        return remove

    def admit(self, resource: Resource, subresource: str, obj: Obj, *, create: bool) -> None:
        """Check a write.

        Raises: StatusError 403.
        """
        namespace = obj["metadata"].get("namespace", "")
        path = f"{resource.plural}/{subresource}" if subresource else resource.plural
        for denial in self._denials:
            if refused := denial.refusal(path, namespace):
                raise refused
        if create and resource is POD:
            for quota in self._store.list(RESOURCEQUOTA, namespace):
                self._check_quota(quota, obj)

    def _check_quota(self, quota: Obj, pod: Obj) -> None:
        hard: dict[str, str] = (quota.get("spec") or {}).get("hard") or {}
        counted = [name for name in sorted(hard) if name in ("pods", "count/pods") or name in _COMPUTE]
        name = quota["metadata"]["name"]
        missing = [f"{one} for: {','.join(found)}" for one in counted if (found := _without(pod, one))]
        if missing:
            raise statuses.forbidden("pods", pod["metadata"]["name"], f"failed quota: {name}: must specify {'; '.join(missing)}")
        living = [one for one in self._store.list(POD, pod["metadata"]["namespace"]) if _counts(one)]
        over = []
        for one in counted:
            used = sum((_amount(other, one) for other in living), Decimal(0))
            asked = _amount(pod, one)
            if used + asked > _number(hard[one]):
                over.append((one, _written(pod, one, asked), _shown(used), hard[one]))
        if over:
            lists = [",".join(f"{one[0]}={one[place]}" for one in over) for place in (1, 2, 3)]
            why = f"exceeded quota: {name}, requested: {lists[0]}, used: {lists[1]}, limited: {lists[2]}"
            raise statuses.forbidden("pods", pod["metadata"]["name"], why)


def _counts(pod: Obj) -> bool:
    return (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def _containers(pod: Obj) -> list[Obj]:
    return list((pod.get("spec") or {}).get("containers") or [])


def _asked(container: Obj, name: str) -> str | None:
    kind, what = _COMPUTE[name]
    resources = container.get("resources") or {}
    found = (resources.get(kind) or {}).get(what)
    if found is None and kind == "requests":
        found = (resources.get("limits") or {}).get(what)  # a request defaults to the limit
    return None if found is None else str(found)


def _without(pod: Obj, name: str) -> list[str]:
    return [one["name"] for one in _containers(pod) if _asked(one, name) is None] if name in _COMPUTE else []


def _amount(pod: Obj, name: str) -> Decimal:
    if name not in _COMPUTE:
        return Decimal(1)
    return sum((_number(_asked(one, name) or "0") for one in _containers(pod)), Decimal(0))


def _number(quantity: str) -> Decimal:
    for unit, factor in _UNITS.items():
        if str(quantity).endswith(unit):
            return Decimal(str(quantity)[: -len(unit)]) * factor
    return Decimal(str(quantity))


def _written(pod: Obj, name: str, amount: Decimal) -> str:
    """The quantity as the only container wrote it, else as a plain number."""
    containers = _containers(pod)
    own = _asked(containers[0], name) if name in _COMPUTE and len(containers) == 1 else None
    return own or _shown(amount)


def _shown(amount: Decimal) -> str:
    if amount == amount.to_integral_value():
        return str(int(amount))
    return f"{int(amount * 1000)}m"
