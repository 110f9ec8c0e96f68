"""Clusters and what runs in them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from podshell.gateway.answers import answer, described, read_body
from podshell.gateway.callers import AnyCaller, ChangingCaller
from podshell.gateway.inventory import View
from podshell.gateway.models import Cluster, ClusterBody, Enrolment
from podshell.gateway.services import services
from podshell.wire.calls import PodRow

router = APIRouter(tags=["clusters"])


@router.get("/api/clusters", **described("listClusters", "All clusters and their agents", response=list[Cluster]))
async def list_clusters(request: Request, caller: AnyCaller) -> Response:
    """List the clusters that the caller may see."""
    return answer(await services(request).clusters.list_for(caller.subject))


@router.post(
    "/api/clusters",
    **described("addCluster", "Get a one-time token with which an agent joins", request=ClusterBody, response=Enrolment, status=201),
)
async def add_cluster(request: Request, caller: ChangingCaller) -> Response:
    """Make a one-time enrolment token for a cluster, new or known."""
    here = services(request)
    body = await read_body(request, ClusterBody, here.settings.body_bytes)
    return answer(await here.clusters.make_enrolment(caller.subject, body), 201)


@router.get("/api/clusters/{cluster}/pods", **described("listPods", "Pods of a cluster or namespace", response=list[PodRow]))
async def list_pods(request: Request, caller: AnyCaller, cluster: str, namespace: str = "") -> Response:
    """Answer with a snapshot of the agent's cache."""
    rows = await services(request).inventory.snapshot(caller.subject, View(cluster, "pods", namespace))
    return answer(rows)
