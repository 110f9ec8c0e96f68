"""Dialling a gateway and carrying one link to it, again and again, for the agent's life.

Owns the socket (picows) and drives the sans-IO link over it: what comes goes to the link at once, what is due is written while the
socket takes it. After CHALLENGE it proves the agent's key, after WELCOME a `LinkPeer` does the talking. A lost link is dialled again with
full jitter; sessions do not notice.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import picows
from python_socks import ProxyError  # what picows raises for a proxy that says no

from podshell import __version__
from podshell.agent.ceiling import Ceiling
from podshell.agent.identity import AgentIdentity, GrantPins
from podshell.agent.link_peer import LinkPeer, Services
from podshell.aio.backoff import Backoff
from podshell.aio.clock import Clock
from podshell.aio.proxies import environment_proxy
from podshell.wire import messages as m
from podshell.wire.frames import LinkFault, LocalLinkError
from podshell.wire.link import LinkConnection, MessageReceived, Side

log = logging.getLogger(__name__)

SUBPROTOCOL = "podshell.link.v1"
_DIAL_SECONDS = 15.0
_WELCOME_SECONDS = 10.0
_TICK_SECONDS = 1.0
# A tick that comes so late means that our own loop stood still; the gateway may well have spoken.
_LATE_SECONDS = 2.0
# After a final refusal only a person can help; look about once a minute.
_FINAL_SECONDS = 60.0
# A keystroke waits for at most this in the kernel: 10 ms of 100 Mbit/s (one loopback hop was seen to hold 8.9 MB, design.md 2).
_NOTSENT_BYTES = 128 * 1024
_WRITE_BUFFER_BYTES = 64 * 1024
# The largest control frame of wire/frames.py and its pieces.
_MESSAGE_BYTES = 8 * 1024 * 1024
_BINARY = picows.WSMsgType.BINARY
_CLOSE = picows.WSMsgType.CLOSE


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What all links of an agent say at HELLO, and how they dial."""

    identity: AgentIdentity
    pins: GrantPins
    ceiling: Ceiling
    enrolment: Callable[[], str]
    kubernetes_version: Callable[[], str]
    tls: ssl.SSLContext | None
    reconnect_base_seconds: float
    reconnect_cap_seconds: float


class _Socket(picows.WSListener):
    """Passes a socket's callbacks on."""

    def __init__(self, carrier: _Carrier) -> None:
        self._carrier = carrier

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._carrier.connected(transport)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == _BINARY:
            self._carrier.receive(frame.get_payload_as_memoryview())
        elif frame.msg_type == _CLOSE:
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self._carrier.disconnected()

    def pause_writing(self) -> None:
        self._carrier.write_paused = True

    def resume_writing(self) -> None:
        self._carrier.write_paused = False
        self._carrier.write()


class _Carrier:
    """One connection: from the dial to its loss."""

    def __init__(self, settings: LinkSettings, services: Services, clock: Clock) -> None:
        self.write_paused = False
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.welcomed: asyncio.Future[m.Reject | None] = asyncio.get_running_loop().create_future()
        self._settings = settings
        self._services = services
        self._clock = clock
        self._connection = LinkConnection(Side.AGENT, now=clock.time())
        self._transport: picows.WSTransport | None = None
        self._peer: LinkPeer | None = None
        self._offset_ms = 0
        self._write_due = False

    # -- from the socket --------------------------------------------------------------------------------------------

    def connected(self, transport: picows.WSTransport) -> None:
        self._transport = transport
        raw = transport.underlying_transport
        raw.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        sock = raw.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if (lowat := getattr(socket, "TCP_NOTSENT_LOWAT", None)) is not None:
                sock.setsockopt(socket.IPPROTO_TCP, lowat, _NOTSENT_BYTES)

    def receive(self, data: memoryview) -> None:
        try:
            events = self._connection.receive_data(data, now=self._clock.time())
            if self._peer is None:
                events = events[self._receive_greeting([e for e in events if isinstance(e, MessageReceived)]) :]
            if self._peer is not None:
                self._peer.receive(events)
            self.flush()
        except (LinkFault, LocalLinkError) as error:
            self.fail(str(error))

    def disconnected(self) -> None:
        if self._peer is not None:
            self._peer.lose()
        for future in (self.closed, self.welcomed):
            if not future.done():
                future.set_result(None)

    # -- to the socket ----------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write soon: once for everything that happens in this turn of the loop."""
        if not self._write_due:
            self._write_due = True
            asyncio.get_running_loop().call_soon(self.write)

    def write(self) -> None:
        """Write while the socket takes it."""
        self._write_due = False
        transport = self._transport
        if transport is None or transport.is_disconnected:
            return
        try:
            while not self.write_paused and (data := self._connection.data_to_send()):
                transport.send(_BINARY, data)
        except LinkFault as error:
            self.fail(str(error))

    def tick(self, late: bool) -> None:
        """Do what is due about once a second."""
        try:
            if late:
                self._connection.forgive_silence(self._clock.time())
            self._connection.tick(self._clock.time())
        except LinkFault as error:
            self.fail(str(error))
            return
        self.flush()

    def fail(self, text: str) -> None:
        """End the link for a fault."""
        log.warning("a link ends: %s", text)
        self.drop()

    def leave(self) -> None:
        """Say goodbye and close the socket once that is sent."""
        if self._transport is not None and not self._transport.is_disconnected:
            self._connection.send(m.Goaway("the agent stops"))
            self.write()
            self._transport.disconnect()
            self._transport = None  # closes by itself once its buffer is sent

    def drop(self) -> None:
        """Close the socket without waiting for anybody."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    # -- the greeting -----------------------------------------------------------------------------------------------

    def _receive_greeting(self, messages: list[MessageReceived]) -> int:
        """Take the messages up to WELCOME; returns how many they were."""
        for index, received in enumerate(messages):
            match received.message:
                case m.Challenge() as challenge:
                    self._send_hello(challenge)
                case m.Welcome() as welcome:
                    self._receive_welcome(welcome)
                    return index + 1
                case m.Reject() as reject:
                    if not self.welcomed.done():
                        self.welcomed.set_result(reject)
                case m.Goaway() | m.Sync():
                    pass
                case message:
                    raise LinkFault(f"{type(message).__name__} came before WELCOME")
        return len(messages)

    def _send_hello(self, challenge: m.Challenge) -> None:
        if not challenge.protocol_min <= m.PROTOCOL_MAX or challenge.protocol_max < m.PROTOCOL_MIN:
            raise LinkFault(f"the gateway speaks link protocol {challenge.protocol_min} to {challenge.protocol_max}: update the older side")
        settings, who = self._settings, self._settings.identity
        self._offset_ms = challenge.time_ms - self._clock.wall_ms()
        hello = m.Hello(
            protocol=min(challenge.protocol_max, m.PROTOCOL_MAX),
            cluster=who.cluster,
            instance=who.instance,
            epoch=who.epoch,
            public_key=who.public_key,
            signature=who.prove(challenge),
            time_ms=self._clock.wall_ms(),
            version=__version__,
            kubernetes_version=settings.kubernetes_version(),
            enrolment=settings.enrolment(),
            ceiling=settings.ceiling.as_message(),
        )
        self._connection.send(hello)

    def _receive_welcome(self, welcome: m.Welcome) -> None:
        if not self._settings.pins.accept(list(welcome.grant_keys)):
            raise LinkFault("the gateway's grant keys are not those that this agent trusts")
        self._peer = LinkPeer(self._connection, self._services, self.flush, self._offset_ms)
        if not self.welcomed.done():
            self.welcomed.set_result(None)


class GatewayLinks:
    """The link to one gateway address, dialled for as long as the agent runs.

    Args:
        on_change: called with True at each WELCOME, with False when that link is lost.
    """

    def __init__(self, url: str, settings: LinkSettings, services: Services, clock: Clock, on_change: Callable[[bool], None]) -> None:
        self._url = link_url(url)
        self._proxy = environment_proxy(self._url, os.environ)
        self._settings = settings
        self._services = services
        self._clock = clock
        self._on_change = on_change
        self._backoff = Backoff(base_seconds=settings.reconnect_base_seconds, cap_seconds=settings.reconnect_cap_seconds)

    async def run(self) -> None:
        """Keep a link. Cancelling drops it."""
        while True:
            at_least = await self._carry_one()
            delay = self._backoff.next_seconds(self._clock.time(), at_least_seconds=at_least)
            log.info("the gateway is dialled again", extra={"gateway": self._url, "seconds": round(delay, 2)})
            await asyncio.sleep(delay)

    async def _carry_one(self) -> float:
        """Dial, and carry the link to its end; returns what must pass before the next try."""
        carrier = _Carrier(self._settings, self._services, self._clock)
        try:
            await self._dial(carrier)
        except (OSError, TimeoutError, ProxyError, picows.WSError) as error:
            log.warning("cannot reach the gateway %s: %s", self._url, str(error) or "no answer in time")
            return 0.0
        try:
            async with asyncio.timeout(_WELCOME_SECONDS):
                reject = await asyncio.shield(carrier.welcomed)
            if reject is not None:
                return self._note_reject(reject)
            if not carrier.closed.done():
                log.info("the link is up", extra={"gateway": self._url})
                self._backoff.connected(self._clock.time())
                self._on_change(True)
                try:
                    await self._tick_until_closed(carrier)
                finally:
                    self._on_change(False)
        except TimeoutError:
            log.warning("the gateway %s does not answer HELLO", self._url)
        except asyncio.CancelledError:
            carrier.leave()
            raise
        finally:
            carrier.drop()
            carrier.disconnected()
        return 0.0

    async def _dial(self, carrier: _Carrier) -> None:
        async with asyncio.timeout(_DIAL_SECONDS):
            _, listener = await picows.ws_connect(
                lambda: _Socket(carrier),
                self._url,
                ssl_context=self._settings.tls if self._url.startswith("wss:") else None,
                websocket_handshake_timeout=_DIAL_SECONDS,
                logger_name="podshell.link",
                max_frame_size=_MESSAGE_BYTES,
                extra_headers=[("Sec-WebSocket-Protocol", SUBPROTOCOL), ("User-Agent", f"podshell-agent/{__version__}")],
                max_redirects=0,
                proxy=self._proxy,
            )
        if listener is None:  # picows returns so, and calls nobody, when the connection is lost before the server's answer
            raise ConnectionResetError("the connection was lost during the WebSocket handshake")

    async def _tick_until_closed(self, carrier: _Carrier) -> None:
        while not carrier.closed.done():
            due = self._clock.time() + _TICK_SECONDS
            await asyncio.wait([carrier.closed], timeout=_TICK_SECONDS)
            carrier.tick(self._clock.time() - due > _LATE_SECONDS)
        log.info("the link is lost", extra={"gateway": self._url})

    def _note_reject(self, reject: m.Reject) -> float:
        refusal = reject.refusal
        step = f"; {refusal.next_step}" if refusal.next_step else ""
        log.error("the gateway %s refuses this agent: %s%s", self._url, refusal.message, step)
        return max(reject.retry_after_ms / 1000, _FINAL_SECONDS if reject.final else 0.0)


def link_url(url: str) -> str:
    """Return the WebSocket address of a gateway's link: https://host becomes wss://host/link.

    Raises:
        ValueError: it is no http, https, ws or wss address.
    """
    parts = urlsplit(url)
    scheme = {"https": "wss", "http": "ws", "wss": "wss", "ws": "ws"}.get(parts.scheme)
    if scheme is None or not parts.netloc:
        raise ValueError(f"{url!r} is not the address of a gateway: https://host[:port] is expected")
    path = parts.path.rstrip("/")
    return f"{scheme}://{parts.netloc}{path if path.endswith('/link') else path + '/link'}"
