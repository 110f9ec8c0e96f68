"""Sessions, and tickets for the sockets that show them."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from podshell.gateway.answers import answer, described, read_body
from podshell.gateway.callers import AnyCaller, ChangingCaller
from podshell.gateway.models import OpenedSession, OpenSessionBody, Session, Ticket, TicketBody
from podshell.gateway.services import services
from podshell.wire.tools import DebugPlan

router = APIRouter(tags=["sessions"])


@router.post(
    "/api/sessions", **described("openSession", "Open a shell", request=OpenSessionBody, response=OpenedSession, status=201)
)  # fmt: skip
async def open_session(request: Request, caller: ChangingCaller) -> Response:
    """Decide, audit, grant, and ask the agent; the shell opens after the answer."""
    here = services(request)
    body = await read_body(request, OpenSessionBody, here.settings.body_bytes)
    # the ticket first: a session that nobody can reach must not be opened
    here.tickets.check_room(caller.name)
    record = await here.sessions.open(caller.subject, body)
    ticket = here.tickets.issue(caller.name, "terminal", record.id)
    return answer(OpenedSession(record.shown(), ticket.text, ticket.expires_at), 201)


@router.post(
    "/api/sessions/plan",
    **described("planSession", "Show what a debug or node session would make", request=OpenSessionBody, response=DebugPlan),
)  # fmt: skip
async def plan_session(request: Request, caller: ChangingCaller) -> Response:
    """Ask the agent for the manifest, the risks and what would refuse it; nothing is made."""
    here = services(request)
    body = await read_body(request, OpenSessionBody, here.settings.body_bytes)
    return answer(await here.sessions.plan(caller.subject, body))


@router.get("/api/sessions", **described("listSessions", "Sessions of the caller", response=list[Session]))
async def list_sessions(request: Request, caller: AnyCaller, state: Literal["live", "all"] = "live") -> Response:
    """List the caller's sessions, newest first; `all` adds the latest that have ended."""
    records = await services(request).sessions.list_for(caller.subject, live_only=state == "live")
    return answer([record.shown() for record in records])


@router.get("/api/sessions/{session}", **described("getSession", "One session", response=Session))
async def get_session(request: Request, caller: AnyCaller, session: str) -> Response:
    """Answer with one session of the caller; another's is not found."""
    record = await services(request).sessions.find(caller.subject, session)
    return answer(record.shown())


@router.post(
    "/api/sessions/{session}/tickets", **described("makeSessionTicket", "Get a ticket for a terminal socket", response=Ticket, status=201)
)  # fmt: skip
async def make_session_ticket(request: Request, caller: ChangingCaller, session: str) -> Response:
    """Make a single-use ticket, when the session's agent can be reached."""
    here = services(request)
    await here.sessions.check_reachable(caller.subject, session)
    ticket = here.tickets.issue(caller.name, "terminal", session)
    return answer(Ticket(ticket.text, ticket.expires_at), 201)


@router.delete("/api/sessions/{session}", **described("closeSession", "End a session", status=204))
async def close_session(request: Request, caller: ChangingCaller, session: str) -> Response:
    """End a session. One that has ended stays ended."""
    await services(request).sessions.close(caller.subject, session)
    return Response(status_code=204)


@router.post(
    "/api/tickets", **described("makeTicket", "Get a ticket for the live socket", request=TicketBody, response=Ticket, status=201)
)  # fmt: skip
async def make_ticket(request: Request, caller: ChangingCaller) -> Response:
    """Make a single-use ticket for /ws/live."""
    here = services(request)
    body = await read_body(request, TicketBody, here.settings.body_bytes)
    ticket = here.tickets.issue(caller.name, body.purpose, "")
    return answer(Ticket(ticket.text, ticket.expires_at), 201)
