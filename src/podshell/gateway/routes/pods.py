"""One pod: its row, its details, its events, and its deletion."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from podshell.gateway.answers import answer, described, refused
from podshell.gateway.callers import AnyCaller, ChangingCaller
from podshell.gateway.inventory import View
from podshell.gateway.services import services
from podshell.wire.calls import DeletedPod, DeletePod, PodRow
from podshell.wire.details import EventRow, PodDetails
from podshell.wire.errors import ErrorCode, RefusedBy

router = APIRouter(tags=["pods"])

_POD = "/api/clusters/{cluster}/namespaces/{namespace}/pods/{pod}"


@router.get(_POD, **described("getPod", "One pod as the agent knows it", response=PodRow))
async def get_pod(request: Request, caller: AnyCaller, cluster: str, namespace: str, pod: str) -> Response:
    """Ask the agent for one pod."""
    return answer(await services(request).inventory.pod(caller.subject, cluster, namespace, pod))


@router.delete(_POD, **described("deletePod", "Delete a pod", response=DeletedPod))
async def delete_pod(
    request: Request,
    caller: ChangingCaller,
    cluster: str,
    namespace: Annotated[str, Path(max_length=253)],
    pod: Annotated[str, Path(max_length=253)],
    uid: Annotated[str, Query(max_length=64)] = "",
    grace_seconds: Annotated[int | None, Query(ge=0, le=86_400)] = None,
    reason: Annotated[str, Query(max_length=1024)] = "",
) -> Response:
    """Ask the API server to delete a pod, only that with `uid` if given; it goes when its containers have stopped."""
    wanted = DeletePod(namespace, pod, uid, grace_seconds)
    return answer(await services(request).actions.delete(caller.subject, cluster, wanted, reason))


@router.get(_POD + "/details", **described("getPodDetails", "One pod with everything that is known of it", response=PodDetails))
async def get_pod_details(request: Request, caller: AnyCaller, cluster: str, namespace: str, pod: str) -> Response:
    """Answer with the pod's details; a page that stays follows the live topic `pod` instead."""
    rows: list[msgspec.Raw] = await services(request).inventory.snapshot(caller.subject, View(cluster, "pod", namespace, pod))
    if not rows:
        text = f'pods "{pod}" not found in the namespace "{namespace}"'
        raise refused(ErrorCode.NOT_FOUND, text, "choose one from the list", by=RefusedBy.AGENT)
    return answer(rows[0])


@router.get(_POD + "/events", **described("listPodEvents", "The Kubernetes events of a pod", response=list[EventRow]))
async def list_pod_events(request: Request, caller: AnyCaller, cluster: str, namespace: str, pod: str) -> Response:
    """Answer with the pod's events as the API server still has them, in no order; the live topic `events` follows them."""
    return answer(await services(request).inventory.snapshot(caller.subject, View(cluster, "events", namespace, pod, "Pod")))
