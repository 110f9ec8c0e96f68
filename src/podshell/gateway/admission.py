"""The door for agents, WS /link: challenge, proof, enrolment, welcome (spec/link.md 4).

An agent is who its key says. A key is pinned to one cluster when it comes with a one-time token for it; from then on it needs none.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass
from weakref import WeakSet

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from starlette.websockets import WebSocket, WebSocketDisconnect

from podshell.gateway.agent_link import AgentLink
from podshell.gateway.answers import Refused, refused
from podshell.gateway.audit import Audit, AuditEntry
from podshell.gateway.clusters import Clusters
from podshell.gateway.database import unix_ms
from podshell.gateway.keepers import LinkKeeper
from podshell.gateway.links import LinkRegistry
from podshell.policy.rules import Target
from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode
from podshell.wire.frames import LinkFault
from podshell.wire.link import LinkConnection, MessageReceived, Side

log = logging.getLogger(__name__)

SUBPROTOCOL = "podshell.link.v1"
HELLO_SECONDS = 5.0
# An agent whose old link is dead answers nothing on it; a clone's does. Long enough for a busy machine.
CLONE_PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Welcoming:
    """What every WELCOME of this gateway says."""

    replica: str
    ping_seconds: float
    grant_keys: list[bytes]


class LinkDoor:
    """Lets agents in and carries their links."""

    def __init__(
        self, links: LinkRegistry, clusters: Clusters, audit: Audit, keeper: LinkKeeper, welcoming: Welcoming, *, pending_limit: int
    ) -> None:
        self._links = links
        self._audit = audit
        # links with whose identity a clone came; each is told to the audit once, however often the clone tries
        self._cloned: WeakSet[AgentLink] = WeakSet()
        self._clusters = clusters
        self._keeper = keeper
        self._welcoming = welcoming
        self._pending_limit = pending_limit
        self._pending = 0
        self._judging = asyncio.Lock()
        self.closing = False

    async def serve(self, socket: WebSocket) -> None:
        """Serve one socket of an agent until it is closed."""
        if SUBPROTOCOL not in socket.scope.get("subprotocols", ()) or self._pending >= self._pending_limit or self.closing:
            await socket.close(1013)  # before the upgrade: an HTTP 403
            return
        self._pending += 1
        try:
            link = await self._admit(socket)
        except (TimeoutError, WebSocketDisconnect, LinkFault) as error:
            log.info("an agent did not come in: %s", error or "no HELLO in time")
            await _close_quietly(socket, 1002)
            return
        finally:
            self._pending -= 1
        if link is None:
            return
        try:
            self._links.add(link)
            await self._keeper.carry(link)
        finally:
            self._links.remove(link)

    async def _admit(self, socket: WebSocket) -> AgentLink | None:
        loop = asyncio.get_running_loop()
        await socket.accept(SUBPROTOCOL)
        connection = LinkConnection(Side.GATEWAY, now=loop.time())
        challenge = m.Challenge(secrets.token_bytes(32), self._welcoming.replica, unix_ms())
        connection.send(challenge)
        await socket.send_bytes(connection.data_to_send())
        async with asyncio.timeout(HELLO_SECONDS):
            hello = await _receive_hello(socket, connection)
        try:
            async with self._judging:  # two clones at the same moment are judged one after the other
                await self._judge(hello, challenge)
        except Refused as refusal:
            final = refusal.refusal.code is not ErrorCode.CONFLICT
            log.warning("an agent is rejected: %s", refusal, extra={"cluster": hello.cluster, "instance": hello.instance})
            connection.send(m.Reject(refusal.refusal, refusal.retry_after_ms or 1000, final))
            await socket.send_bytes(connection.data_to_send())
            await socket.close(1008)
            return None
        link = AgentLink(connection, socket, hello, self._keeper.receive)
        protocol = min(hello.protocol, m.PROTOCOL_MAX)
        connection.send(m.Welcome(protocol, self._welcoming.replica, 1, self._welcoming.ping_seconds, self._welcoming.grant_keys))
        link.flush()
        return link

    async def _judge(self, hello: m.Hello, challenge: m.Challenge) -> None:
        if not m.PROTOCOL_MIN <= hello.protocol <= m.PROTOCOL_MAX:
            raise refused(ErrorCode.PROTOCOL_ERROR, f"link protocol {hello.protocol} is not spoken here", "use an agent of this release")
        proof = m.hello_proof(challenge, hello.cluster, hello.instance, hello.epoch, hello.public_key)
        try:
            Ed25519PublicKey.from_public_bytes(hello.public_key).verify(hello.signature, proof)
        except (InvalidSignature, ValueError):
            raise refused(ErrorCode.UNAUTHENTICATED, "the agent does not hold the key that it shows") from None
        await self._clusters.admit(hello)
        await self._refuse_clone(hello)

    async def _refuse_clone(self, hello: m.Hello) -> None:
        older = self._links.instance(hello.cluster, hello.instance)
        if older is None:
            return
        if older.place.epoch == hello.epoch and await older.answers_within(CLONE_PROBE_SECONDS):
            if older not in self._cloned:
                self._cloned.add(older)
                details = {"instance": hello.instance, "epoch": hello.epoch, "public_key": hello.public_key.hex()}
                target = Target(hello.cluster)
                await self._audit.append(AuditEntry(actor="agent", action="agent.clone", outcome="refused", target=target, details=details))
            raise refused(
                ErrorCode.CONFLICT,
                "another agent with this instance id and epoch is connected: one is a clone",
                "give each agent its own key and instance id",
                retry_after_ms=5000,
            )
        await older.close("another link of this agent took over", 1001)
        self._links.remove(older)


async def _receive_hello(socket: WebSocket, connection: LinkConnection) -> m.Hello:
    loop = asyncio.get_running_loop()
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code") or 1005)
        for event in connection.receive_data(message.get("bytes") or b"", now=loop.time()):
            if isinstance(event, MessageReceived) and isinstance(event.message, m.Hello):
                return event.message
            raise LinkFault("HELLO comes first")


async def _close_quietly(socket: WebSocket, code: int) -> None:
    try:
        await socket.close(code)
    except (RuntimeError, WebSocketDisconnect):
        log.debug("the socket was closed already")
