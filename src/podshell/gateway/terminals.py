"""WS /ws/terminal: lets terminals in with a ticket, attaches them to their session, and knows all that are attached (spec/terminal.md)."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from functools import partial

from starlette.websockets import WebSocket, WebSocketDisconnect

from podshell.gateway.answers import Refused, refused
from podshell.gateway.authority import ATTACH, OBSERVE, Authority
from podshell.gateway.browsers import SIGNED_OUT, Browsers, Visit
from podshell.gateway.callers import Caller
from podshell.gateway.doors import Doorman
from podshell.gateway.journal import SessionRecord
from podshell.gateway.origins import refuse_socket
from podshell.gateway.relay import Relay, StreamRefused
from podshell.gateway.sessions import Sessions
from podshell.gateway.tickets import TicketBox
from podshell.policy.rules import Target
from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.terminal import TerminalError, TerminalFault, TerminalHello, decode_client, encode_server

log = logging.getLogger(__name__)

SUBPROTOCOL = "podshell.terminal.v1"
HELLO_SECONDS = 5.0
ATTACH_SECONDS = 5.0
_OPERATIONS = {"owner": ATTACH, "observer": OBSERVE}


class Terminals:
    """All terminal sockets of this replica."""

    def __init__(
        self, doorman: Doorman, browsers: Browsers, tickets: TicketBox, sessions: Sessions, authority: Authority, *, pending_limit: int
    ) -> None:
        self._doorman = doorman
        self._browsers = browsers
        self._tickets = tickets
        self._sessions = sessions
        self._authority = authority
        self._pending_limit = pending_limit
        self._pending = 0
        self._relays: set[Relay] = set()
        self.closing = False
        # told the session and its new columns and rows when its owner's terminal changes size
        self.on_resize: Callable[[str, int, int], None] = lambda _session, _cols, _rows: None

    def __len__(self) -> int:
        return len(self._relays)

    async def serve(self, socket: WebSocket) -> None:
        """Serve one terminal socket until it is closed."""
        try:
            caller = await self._doorman.identify_socket(socket)
            self._check_room(socket)
        except Refused as error:
            await refuse_socket(error.refusal, socket.scope, socket.receive, socket.send)
            return
        await socket.accept(SUBPROTOCOL)
        with self._browsers.visit(caller) as visit:
            await self._serve(socket, caller, visit)

    async def _serve(self, socket: WebSocket, caller: Caller, visit: Visit) -> None:
        try:
            relay = await self._let_in(socket, caller, visit)
        except (Refused, StreamRefused, TerminalFault, TimeoutError) as error:
            await _close_with_error(socket, error)
            return
        except WebSocketDisconnect:
            return
        if relay is not None:
            try:
                await relay.run()
            finally:
                self._relays.discard(relay)

    def _check_room(self, socket: WebSocket) -> None:
        if SUBPROTOCOL not in socket.scope.get("subprotocols", ()):
            raise refused(ErrorCode.BAD_REQUEST, f"the subprotocol {SUBPROTOCOL} is missing")
        if self.closing:
            raise refused(ErrorCode.GOING_AWAY, "the gateway is stopping", "try again", retry_after_ms=1000)
        if self._pending >= self._pending_limit:
            raise refused(ErrorCode.LIMIT_REACHED, "too many sockets have not said who they are", "try again", retry_after_ms=1000)

    async def _let_in(self, socket: WebSocket, caller: Caller, visit: Visit) -> Relay | None:
        self._pending += 1
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                hello = await _receive_hello(socket)
        finally:
            self._pending -= 1
        self._tickets.redeem(hello.ticket, user=caller.name, purpose="terminal", session=hello.session)
        if hello.role not in _OPERATIONS:
            raise refused(ErrorCode.BAD_REQUEST, f"the role {hello.role!r} is not for terminals")
        record = await self._sessions.find(caller.subject, hello.session)
        try:
            return await self._attach(socket, caller, visit, hello, record)
        except (Refused, StreamRefused) as error:
            # an ended session whose agent has nothing of it any more: its end is all there is to show
            ended = await self._sessions.find(caller.subject, hello.session)
            if ended.end is None or error.refusal.code is ErrorCode.FORBIDDEN_BY_POLICY:
                raise
            await socket.send_bytes(encode_server(ended.end))
            await socket.close(1000)
            return None

    async def _attach(self, socket: WebSocket, caller: Caller, visit: Visit, hello: TerminalHello, record: SessionRecord) -> Relay:
        link = self._sessions.link_of(record)
        operation = _OPERATIONS[hello.role]
        details = {"viewer": hello.viewer, "client": hello.client}
        permit = await self._authority.permit(caller.subject, operation, record.target, link.place, details=details)

        async def close() -> None:
            try:
                await self._sessions.close(caller.subject, record.id)
            except Refused as error:
                relay.receive_message(m.Notice("target", {"text": f"the session could not be ended: {error}"}))

        self._replace(hello)
        relay = Relay(socket, link, hello, close, self.on_resize)
        visit.on_end(partial(relay.fail, SIGNED_OUT))
        self._relays.add(relay)
        try:
            relay.start(link.attach(permit, _attach_message(hello, record.target), relay))
            async with asyncio.timeout(ATTACH_SECONDS):
                await asyncio.shield(relay.attached)
        except TimeoutError:
            self._relays.discard(relay)
            relay.fail(_BUSY)
            raise refused(ErrorCode.AGENT_BUSY, _BUSY.message, _BUSY.next_step, retry_after_ms=1000) from None
        except BaseException:
            self._relays.discard(relay)
            raise
        return relay

    def _replace(self, hello: TerminalHello) -> None:
        """End the older socket of a terminal that comes again: a lost network leaves it half open, and it would hold back output."""
        for relay in [relay for relay in self._relays if (relay.session, relay.viewer) == (hello.session, hello.viewer)]:
            relay.fail(_REPLACED)

    def drop(self, session: str, refusal: Refusal) -> None:
        """Close every terminal of a session with an error."""
        for relay in [relay for relay in self._relays if relay.session == session]:
            relay.fail(refusal)

    def close(self) -> None:
        """Send every terminal away; they come back to whoever listens then, each after a moment of its own."""
        self.closing = True
        refusal = Refusal(ErrorCode.GOING_AWAY, RefusedBy.GATEWAY, "the gateway is stopping", "the terminal connects again by itself")
        for relay in list(self._relays):
            relay.fail(refusal, random.randint(50, 1000))


_REPLACED = Refusal(ErrorCode.CONFLICT, RefusedBy.GATEWAY, "this terminal was connected again elsewhere", "go on there")
_BUSY = Refusal(ErrorCode.AGENT_BUSY, RefusedBy.GATEWAY, "the cluster's agent does not answer", "try again")


def _attach_message(hello: TerminalHello, target: Target) -> m.Attach:
    return m.Attach(
        session=target.session,
        viewer=hello.viewer,
        grant=b"",
        role=hello.role,
        resume=hello.resume,
        window=hello.window,
        visible=hello.visible,
        cols=hello.cols,
        rows=hello.rows,
    )


async def _receive_hello(socket: WebSocket) -> TerminalHello:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code") or 1005)
    hello = decode_client(message.get("bytes") or b"")
    if not isinstance(hello, TerminalHello):
        raise TerminalFault("HELLO comes first")
    return hello


async def _close_with_error(socket: WebSocket, error: Refused | StreamRefused | TerminalFault | TimeoutError) -> None:
    retry_after_ms: int | None = None
    match error:
        case Refused():
            refusal, retry_after_ms = error.refusal, error.retry_after_ms
        case StreamRefused(refusal=refusal):
            retry_after_ms = 250 if refusal.meaning.retryable else None
        case TerminalFault():
            refusal = Refusal(ErrorCode.PROTOCOL_ERROR, RefusedBy.GATEWAY, str(error))
        case _:
            # not "unauthenticated": a machine that was asleep is still signed in, and comes again with a new ticket
            text = f"no HELLO within {HELLO_SECONDS:g} s"
            refusal = Refusal(ErrorCode.TICKET_REFUSED, RefusedBy.GATEWAY, text, "connect again with a new ticket")
    try:
        await socket.send_bytes(encode_server(TerminalError(refusal, retry_after_ms)))
        await socket.close(refusal.meaning.close_code)
    except (WebSocketDisconnect, RuntimeError):
        log.debug("the terminal was gone already")
