"""Node pods and Jobs of ours that exist: found by their label, removed by name and uid."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from podshell.cli.durations import format_duration
from podshell.kube.errors import NotFound
from podshell.kube.manifests import EXPIRES, KIND_LABEL, SELECTOR, USER
from podshell.kube.objects import KubeObject
from podshell.kube.rest import Client

_PLACES = {"Pod": ("/api/v1", "pods"), "Job": ("/apis/batch/v1", "jobs")}
# A pod of a Job goes with it.
_OF_JOB = "batch.kubernetes.io/job-name"


class Leftover(msgspec.Struct, frozen=True):
    """One object. `created` and `expires` as Kubernetes writes times; "" where they are not said."""

    kind: str
    namespace: str
    name: str
    uid: str
    node: str
    user: str
    created: str
    expires: str

    def row(self, now: datetime | None = None) -> tuple[str, ...]:
        """Return the cells of a table."""
        return (self.kind, self.namespace, self.name, self.node, self.user, _age(self.created, now or datetime.now(UTC)), self.expires)


class _Annotations(KubeObject, frozen=True):
    expires: str = msgspec.field(default="", name=EXPIRES)
    user: str = msgspec.field(default="", name=USER)


class _Meta(KubeObject, frozen=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: _Annotations = _Annotations()


class _Spec(KubeObject, frozen=True):
    node_name: str = ""


class _Object(KubeObject, frozen=True):
    metadata: _Meta
    spec: _Spec = _Spec()


async def find_leftovers(client: Client, namespace: str) -> list[Leftover]:
    """List what is ours and is not being deleted; in all namespaces when `namespace` is empty.

    Raises:
        KubeError: they may not be listed, or nobody answers.
    """
    found = []
    for kind, (root, plural) in _PLACES.items():
        scope = f"/namespaces/{namespace}" if namespace else ""
        try:
            objects = await client.list(f"{root}{scope}/{plural}", _Object, params={"labelSelector": f"{SELECTOR},{KIND_LABEL}"})
        except NotFound:
            continue  # a cluster without Jobs
        found += [_leftover(kind, one) for one in objects if one.metadata.deletion_timestamp is None and not _has_job(one)]
    return found


def _has_job(one: _Object) -> bool:
    return _OF_JOB in (one.metadata.labels or {})


def _leftover(kind: str, one: _Object) -> Leftover:
    meta = one.metadata
    return Leftover(
        kind,
        meta.namespace,
        meta.name,
        meta.uid,
        one.spec.node_name,
        meta.annotations.user,
        meta.creation_timestamp,
        meta.annotations.expires,
    )


async def remove_leftover(client: Client, one: Leftover) -> None:
    """Delete it, and only it; one that is gone already is fine.

    Raises:
        KubeError: it may not be deleted.
    """
    root, plural = _PLACES[one.kind]
    try:
        await client.delete(
            f"{root}/namespaces/{one.namespace}/{plural}/{one.name}", grace_seconds=0, uid=one.uid, propagation="Background"
        )
    except NotFound:
        return


def _age(created: str, now: datetime) -> str:
    try:
        return format_duration((now - datetime.fromisoformat(created)).total_seconds())
    except ValueError:
        return ""
