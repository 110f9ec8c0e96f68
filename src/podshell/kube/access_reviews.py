"""Asking the API server what we may do: SelfSubjectAccessReview, which every signed-in user may create."""

from __future__ import annotations

import asyncio
from enum import StrEnum

from podshell.kube.errors import KubeError
from podshell.kube.objects import KubeObject
from podshell.kube.rest import Client

_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
# Before 1.35 a WebSocket needs `get`, from then on both (kubernetes.md 1.5).
_STREAM_VERBS = ("get", "create")


class _Attributes(KubeObject, frozen=True):
    verb: str
    resource: str
    subresource: str = ""
    namespace: str = ""


class _ReviewSpec(KubeObject, frozen=True):
    resource_attributes: _Attributes


class _ReviewStatus(KubeObject, frozen=True):
    allowed: bool = False
    reason: str = ""


class _Review(KubeObject, frozen=True, omit_defaults=False):
    spec: _ReviewSpec
    status: _ReviewStatus = _ReviewStatus()
    kind: str = "SelfSubjectAccessReview"
    api_version: str = "authorization.k8s.io/v1"


class StreamWay(StrEnum):
    """How a shell in a tools container is reached."""

    EXEC = "exec"
    ATTACH = "attach"


async def is_allowed(client: Client, verb: str, resource: str, namespace: str) -> bool | None:
    """Whether we may do this; `resource` with its subresource, `namespace` empty: cluster-wide. None: the server does not say."""
    kind, _, subresource = resource.partition("/")
    review = _Review(_ReviewSpec(_Attributes(verb, kind, subresource, namespace)))
    try:
        return (await client.create(_PATH, review, _Review)).status.allowed
    except KubeError:
        return None


async def stream_way(client: Client, namespace: str) -> StreamWay:
    """Attach only where the server says that exec is not allowed and attach is; what it does not say is found out by trying exec."""
    if False not in await _stream_rights(client, "pods/exec", namespace):
        return StreamWay.EXEC
    return StreamWay.ATTACH if all(await _stream_rights(client, "pods/attach", namespace)) else StreamWay.EXEC


async def _stream_rights(client: Client, resource: str, namespace: str) -> list[bool | None]:
    return await asyncio.gather(*(is_allowed(client, verb, resource, namespace) for verb in _STREAM_VERBS))
