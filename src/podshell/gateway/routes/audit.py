"""The audit, for those who may read it, and whether the gateway is well."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from podshell.gateway.answers import answer, described
from podshell.gateway.callers import AnyCaller
from podshell.gateway.models import AuditRow, Health
from podshell.gateway.services import services

router = APIRouter()


@router.get("/api/audit", tags=["audit"], **described("listAudit", "The newest rows of the audit", response=list[AuditRow]))
async def list_audit(request: Request, caller: AnyCaller, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
    """List the newest rows, newest first."""
    here = services(request)
    here.authority.check_gateway(caller.subject, "audit")
    return answer(await here.audit.newest(limit))


@router.get("/healthz", tags=["health"], **described("getHealth", "The process lives", response=Health))
async def get_health(request: Request) -> Response:
    """Answer as long as the process lives."""
    return answer(Health("ok"))


@router.get("/readyz", tags=["health"], **described("getReadiness", "New work is welcome", response=Health))
async def get_readiness(request: Request) -> Response:
    """Answer 200 when the database answers and the gateway is not stopping, else 503."""
    here = services(request)
    if here.stopping:
        return answer(Health("stopping"), 503)
    await here.database.check()
    return answer(Health("ok"))
