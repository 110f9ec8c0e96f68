"""Deployments: one ReplicaSet for each template, rolled from the old ones to the new one within maxSurge and maxUnavailable.

Works after transcripts/lifecycle/rollout-and-scale. Left out: pausing and proportional scaling in the middle of a rollout.
The pure arithmetic and the status are in `rollouts.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

from podshell.sandbox.controllers import rollouts
from podshell.sandbox.controllers.loop import Key
from podshell.sandbox.controllers.owners import owned, owner_keys, owner_reference, template_hash
from podshell.sandbox.controllers.recorder import EventRecorder
from podshell.sandbox.resources import DEPLOYMENT, REPLICASET
from podshell.sandbox.store import Obj, ObjectStore, WatchEvent, copied

_COMPONENT = "deployment-controller"
_REVISION = "deployment.kubernetes.io/revision"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MAXIMUM = "deployment.kubernetes.io/max-replicas"
_HASH = "pod-template-hash"


class Deployments:
    """The Deployment controller."""

    def __init__(self, store: ObjectStore, recorder: EventRecorder) -> None:
        self._store = store
        self._recorder = recorder

    def concerns(self, event: WatchEvent) -> Iterable[Key]:
        if event.resource == DEPLOYMENT and event.type != "DELETED":
            return (Key(event.obj["metadata"]["namespace"], event.obj["metadata"]["name"]),)
        if event.resource == REPLICASET:
            return [Key(*one) for one in owner_keys(event, "Deployment")]
        return ()

    def reconcile(self, key: Key) -> float | None:
        found = self._store.get(DEPLOYMENT, key.namespace, key.name)
        if found is None or "deletionTimestamp" in found["metadata"]:
            return None
        sets = owned(self._store, REPLICASET, found)
        current = next((one for one in sets if _template_of(one) == found["spec"]["template"]), None)
        created = current is None
        if current is None:
            current = self._create(found, sets)
        current = self._revise(found, current, sets)
        old = [one for one in sets if one["metadata"]["uid"] != current["metadata"]["uid"]]
        for name, replicas in rollouts.plan(found, current, old).items():
            replicaset = next(one for one in [current, *old] if one["metadata"]["name"] == name)
            self._scale(found, replicaset, replicas)
        self._forget_old(found, old)
        return self._write_status(key, current["metadata"]["name"], created)

    def _create(self, deployment: Obj, sets: list[Obj]) -> Obj:
        metadata, spec = deployment["metadata"], deployment["spec"]
        template = copied(spec["template"])
        hashed = template_hash(template)
        template.setdefault("metadata", {}).setdefault("labels", {})[_HASH] = hashed
        replicas = rollouts.first_replicas(deployment, sets)
        made = self._store.create(
            REPLICASET,
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": f"{metadata['name']}-{hashed}",
                    "namespace": metadata["namespace"],
                    "labels": dict(template["metadata"]["labels"]),
                    "annotations": self._annotations(deployment, rollouts.last_revision(sets) + 1),
                    "ownerReferences": [owner_reference(DEPLOYMENT, deployment)],
                },
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": {**spec["selector"].get("matchLabels", {}), _HASH: hashed}},
                    "template": template,
                },
                "status": {"replicas": 0},
            },
        )
        if replicas:
            self._tell_scaling(deployment, made["metadata"]["name"], 0, replicas)
        return made

    def _annotations(self, deployment: Obj, revision: int) -> dict[str, str]:
        desired = int(deployment["spec"].get("replicas", 1))
        surge, _ = rollouts.limits(deployment)
        kept = {
            name: value
            for name, value in deployment["metadata"].get("annotations", {}).items()
            if name.startswith("kubernetes.io/change-cause")
        }
        return kept | {_DESIRED: str(desired), _MAXIMUM: str(desired + surge), _REVISION: str(revision)}

    def _revise(self, deployment: Obj, current: Obj, sets: list[Obj]) -> Obj:
        """Give the current set the highest revision, and the deployment the same."""
        others = [one for one in sets if one["metadata"]["uid"] != current["metadata"]["uid"]]
        revision = max(rollouts.revision(current), rollouts.last_revision(others) + 1 if others else 1)
        namespace = deployment["metadata"]["namespace"]

        def annotate(obj: Obj) -> None:
            obj["metadata"].setdefault("annotations", {}).update(self._annotations(deployment, revision))

        def number(obj: Obj) -> None:
            obj["metadata"].setdefault("annotations", {})[_REVISION] = str(revision)

        self._store.modify(DEPLOYMENT, namespace, deployment["metadata"]["name"], number)
        return self._store.modify(REPLICASET, namespace, current["metadata"]["name"], annotate)

    def _scale(self, deployment: Obj, replicaset: Obj, replicas: int) -> None:
        before = int(replicaset["spec"]["replicas"])

        def write(obj: Obj) -> None:
            obj["spec"]["replicas"] = replicas

        self._store.modify(REPLICASET, deployment["metadata"]["namespace"], replicaset["metadata"]["name"], write)
        self._tell_scaling(deployment, replicaset["metadata"]["name"], before, replicas)

    def _tell_scaling(self, deployment: Obj, name: str, before: int, after: int) -> None:
        way = "up" if after > before else "down"
        message = f"Scaled {way} replica set {name} from {before} to {after}"
        self._recorder.record(deployment, "ScalingReplicaSet", message, component=_COMPONENT)

    def _forget_old(self, deployment: Obj, old: list[Obj]) -> None:
        empty = [one for one in old if not one["spec"]["replicas"] and not one["status"].get("replicas")]
        empty.sort(key=rollouts.revision)
        surplus = len(empty) - int(deployment["spec"].get("revisionHistoryLimit", 10))
        for one in empty[: max(0, surplus)]:
            self._store.delete(REPLICASET, one["metadata"]["namespace"], one["metadata"]["name"])

    def _write_status(self, key: Key, current_name: str, created: bool) -> float | None:
        found = self._store.get(DEPLOYMENT, key.namespace, key.name)
        current = self._store.get(REPLICASET, key.namespace, current_name)
        if found is None or current is None:
            return None
        status = rollouts.status(found, current, owned(self._store, REPLICASET, found), created)

        def write(obj: Obj) -> None:
            obj["status"] = status

        self._store.modify(DEPLOYMENT, key.namespace, key.name, write)
        return rollouts.deadline_in(found, status)


def _template_of(replicaset: Obj) -> Obj:
    """The template as the deployment has it: without the hash label."""
    template = copied(replicaset["spec"]["template"])
    template.get("metadata", {}).get("labels", {}).pop(_HASH, None)
    return template
