"""One terminal's view of a session over as many connections as it takes (spec/terminal.md): nothing is shown twice, nothing typed is lost.

Owns the place in the output, the typed input, the backoff and the present socket. Standard streams and signals come in from outside.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from podshell import __version__
from podshell.aio.backoff import Backoff
from podshell.aio.tasks import TaskFault, TaskSet
from podshell.cli.api import Refused, SessionRow, Unreachable, refused_from
from podshell.cli.remarks import NEW_SHELL, SAME_SHELL, remark_of_notice
from podshell.cli.typed_input import TypedInput
from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal
from podshell.wire.terminal import (
    Ack,
    Close,
    InputAck,
    Output,
    OutputGap,
    TerminalError,
    TerminalFault,
    TerminalHello,
    decode_server,
    encode_client,
)

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

log = logging.getLogger(__name__)

SUBPROTOCOL = "podshell.terminal.v1"
WINDOW_BYTES = 256 * 1024
MAX_MESSAGE_BYTES = 2 * 1024 * 1024
CONNECT_SECONDS = 15.0
# A session without anybody to see it ends when its idle time is up, 5 minutes by default: later there is nothing to come back to.
GIVE_UP_SECONDS = 600.0
# Losses shorter than this are not worth a word.
QUIET_SECONDS = 1.0
# How long after the last replayed byte the terminal may still be answering queries of the replay.
REPLAY_ECHO_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over."""

    end: m.End


@dataclass(frozen=True, slots=True)
class Detached:
    """The user left; the session goes on."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The gateway refused; the session may go on."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class GaveUp:
    """There was no connection for too long; the session may go on."""

    text: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A command without a terminal was started a second time: neither its input nor its output is whole."""

    text: str


Ending = Ended | Detached | Failed | GaveUp | Broken


class TicketMaker(Protocol):
    """The part of the REST surface that a viewer needs; see api.Api."""

    async def ticket(self, session: str) -> str: ...

    async def session(self, session: str) -> SessionRow: ...


@dataclass(frozen=True, slots=True)
class Screen:
    """Where output and remarks go. `write` returns when the bytes are with the reader; `attached` is called at every attach."""

    write: Callable[[bytes], Awaitable[None]]
    say: Callable[[str], None]
    attached: Callable[[], None]
    size: Callable[[], tuple[int, int] | None]
    input_room: Callable[[], None]


class _Reconnect(Exception):
    """This connection is of no use any more; `after_seconds` at the least before the next."""

    def __init__(self, text: str, after_seconds: float = 0.0) -> None:
        super().__init__(text)
        self.after_seconds = after_seconds


class Viewer:
    """One viewer of `session`. `run` until it ends.

    Args:
        url: the terminal socket, such as ws://127.0.0.1:8642/ws/terminal.
        ticket: a ticket that is there already, for the first connection.
        joining: the session was there before: what it printed is replayed.
    """

    def __init__(
        self,
        api: TicketMaker,
        url: str,
        token: str,
        session: SessionRow,
        screen: Screen,
        *,
        ticket: str | None = None,
        joining: bool = False,
        backoff: Backoff | None = None,
    ) -> None:
        self.typed = TypedInput()
        self._api = api
        self._url = url
        self._token = token
        self._session = session
        self._screen = screen
        self._ticket = ticket
        self._replaying = joining
        self._backoff = backoff or Backoff(base_seconds=0.25, cap_seconds=10.0)
        self._viewer = secrets.token_hex(8)
        self._epoch = ""
        self._incarnation = 0
        self._position = 0
        self._shown = 0
        self._acked = 0
        self._head = 0
        self._attached = False
        self._resized = self._closing = self._detaching = False
        self._wake = asyncio.Event()
        self._ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._loop = asyncio.get_running_loop()
        self._lost_at: float | None = self._loop.time()
        self._told_loss = False

    # What happens on this side.

    @property
    def connected(self) -> bool:
        return self._attached

    def type(self, data: bytes, *, auto: bool) -> None:
        """Send typed bytes as soon as may be. While old output is replayed the terminal's own answers are dropped (spec/terminal.md 3)."""
        if auto and self._replaying:
            return
        self.typed.put(data, auto=auto)
        self._wake.set()

    def end_input(self) -> None:
        self.typed.end()
        self._wake.set()

    def resize(self) -> None:
        self._resized = True
        self._wake.set()

    def close_session(self) -> None:
        """Ask for the session's end; without a connection this does nothing."""
        self._closing = True
        self._wake.set()

    def detach(self) -> None:
        """Leave; at once when there is no connection."""
        self._detaching = True
        self._wake.set()
        if not self._attached:
            self._finish(Detached())

    # Its life.

    async def run(self) -> Ending:
        """Connect, and connect again, until there is an ending. Cancelling is safe."""
        async with TaskSet("terminal", self._fault) as tasks:
            tasks.start("connections", self._stay_connected(), endless=True)
            return await self._ending

    def _fault(self, fault: TaskFault) -> None:
        if not self._ending.done():
            self._ending.set_exception(fault.error or RuntimeError(f"{fault.name} ended"))

    def _finish(self, ending: Ending) -> None:
        if not self._ending.done():
            self._ending.set_result(ending)

    async def _stay_connected(self) -> None:
        while True:
            after_seconds = 0.0
            try:
                await self._connect_once()
                text = "the gateway closed the connection"
            except _Reconnect as lost:
                text, after_seconds = str(lost), lost.after_seconds
            if self._detaching:
                self._finish(Detached())
            if self._ending.done():
                await asyncio.Event().wait()  # until `run` cancels us
            await self._note_loss(text, after_seconds)

    async def _note_loss(self, text: str, after_seconds: float) -> None:
        now = self._loop.time()
        if self._lost_at is None:
            self._lost_at = now
        if now - self._lost_at > GIVE_UP_SECONDS:
            self._finish(GaveUp(text))
        if now - self._lost_at > QUIET_SECONDS and not self._told_loss:
            self._told_loss = True
            self._screen.say(f"connection lost ({text}); trying again")
        await asyncio.sleep(self._backoff.next_seconds(now, at_least_seconds=after_seconds))

    async def _connect_once(self) -> None:
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidStatus, WebSocketException
        from websockets.typing import Subprotocol

        ticket = await self._get_ticket()
        try:
            async with connect(
                self._url,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                additional_headers={"Authorization": f"Bearer {self._token}"},
                user_agent_header=f"podshell/{__version__}",
                compression=None,
                proxy=None,
                max_size=MAX_MESSAGE_BYTES,
                open_timeout=CONNECT_SECONDS,
                close_timeout=1,
                ping_interval=10,
                ping_timeout=20,
            ) as socket:
                await self._serve(socket, ticket)
        except InvalidStatus as error:
            refused = refused_from(error.response.status_code, bytes(error.response.body or b""))
            if refused is not None and refused.retry_after_ms is None and not refused.refusal.meaning.retryable:
                self._finish(Failed(refused.refusal))
            raise _Reconnect(f"status {error.response.status_code}") from error
        except (OSError, TimeoutError, WebSocketException) as error:
            raise _Reconnect(_words(error)) from error
        finally:
            self._attached = False

    async def _get_ticket(self) -> str:
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            return ticket
        try:
            return await self._api.ticket(self._session.id)
        except Unreachable as error:
            raise _Reconnect(str(error)) from error
        except Refused as error:
            if error.retry_after_ms is not None or error.refusal.meaning.retryable:
                raise _Reconnect(error.refusal.message, (error.retry_after_ms or 0) / 1000) from error
            await self._end_without_socket(error.refusal)
            raise _Reconnect(error.refusal.message) from error

    async def _end_without_socket(self, refusal: Refusal) -> None:
        """No ticket will come: either the session has ended meanwhile, or we may not see it."""
        if refusal.code in (ErrorCode.SESSION_ENDED, ErrorCode.SESSION_UNKNOWN, ErrorCode.NOT_FOUND):
            try:
                row = await self._api.session(self._session.id)
            except (Refused, Unreachable):
                row = None
            if row is not None and row.end is not None:
                if self._epoch:
                    self._screen.say("the session ended while there was no connection; its last output is missing")
                self._finish(Ended(row.end))
                return
        self._finish(Failed(refusal))

    async def _serve(self, socket: ClientConnection, ticket: str) -> None:
        size = self._screen.size()
        hello = TerminalHello(
            ticket,
            self._session.id,
            self._viewer,
            m.Position(self._epoch, self._position) if self._epoch else None,
            cols=size[0] if size else None,
            rows=size[1] if size else None,
            window=WINDOW_BYTES,
            client=f"podshell exec {__version__}",
        )
        await socket.send(encode_client(hello))
        async with TaskSet("terminal socket", self._fault) as tasks:
            tasks.start("sender", self._send(socket))
            try:
                async for data in socket:
                    if not isinstance(data, bytes):
                        raise _Reconnect("the gateway sent text")
                    await self._receive(data)
                    if self._ending.done():
                        break
            except TerminalFault as fault:
                raise _Reconnect(f"the gateway broke the protocol: {fault}") from fault

    # Receiving.

    async def _receive(self, data: bytes) -> None:
        message = decode_server(data)
        match message:
            case Output(offset=offset, data=output):
                await self._show(offset, output)
            case InputAck(taken=taken, limit=limit):
                self.typed.acknowledge(taken, limit)
                self._screen.input_room()
                self._wake.set()
            case m.Attached():
                self._receive_attached(message)
            case OutputGap(start=start, end=end):
                if start != self._position:
                    raise TerminalFault(f"a gap at {start}, expected at {self._position}")
                self._position = end
                self._note_shown()
                self._screen.say(f"{end - start} bytes of output are missing: they came faster than they could be shown")
            case m.Notice(kind=kind, data=facts):
                if kind == "restarted" and isinstance(incarnation := facts.get("incarnation"), int):
                    self._incarnation = incarnation
                if kind == "restarted" and not self._session.tty:
                    self._give_up_broken(f"the command was started again: {facts.get('cause', 'its connection was lost')}")
                elif (remark := remark_of_notice(kind, facts)) is not None:
                    self._screen.say(remark)
            case m.End():
                self._finish(Ended(message))
            case TerminalError(refusal=refusal, retry_after_ms=retry_after_ms):
                self._receive_error(refusal, retry_after_ms)
            case _:
                pass

    def _receive_attached(self, attached: m.Attached) -> None:
        other_life = bool(self._epoch) and attached.epoch != self._epoch
        if other_life and not self._session.tty:
            self._give_up_broken("the cluster's agent was restarted, and the command with it")
            return
        resumes = bool(self._epoch) and not attached.reset
        if resumes and attached.start != self._position:
            raise TerminalFault(f"output goes on at {attached.start}, expected at {self._position}")
        if attached.lost:
            self._screen.say("earlier output is not available any more")
        if other_life:
            self._note_other_life(attached)
        self._incarnation = attached.incarnation
        self._epoch, self._head = attached.epoch, attached.head
        self._position = self._shown = self._acked = attached.start
        self.typed.attach(attached.input_taken, attached.input_limit, keep=not other_life)
        self._replaying = (self._replaying or not resumes) and attached.head > attached.start
        self._attached = True
        self._backoff.connected(self._loop.time())
        if self._told_loss:
            self._screen.say("connected again")
        self._lost_at, self._told_loss = None, False
        self._screen.attached()
        self._screen.input_room()
        self._wake.set()

    def _note_other_life(self, attached: m.Attached) -> None:
        """The agent was restarted. What it does not know yet of a held shell it tells later, by a notice."""
        if attached.incarnation != self._incarnation:
            self._screen.say(f"the cluster's agent was restarted; {NEW_SHELL}")
        elif attached.state == "running":
            self._screen.say(f"the cluster's agent was restarted; {SAME_SHELL}")

    def _give_up_broken(self, text: str) -> None:
        self._finish(Broken(text))

    def _receive_error(self, refusal: Refusal, retry_after_ms: int | None) -> None:
        # a ticket may have run out on a slow way: the next one will not
        if retry_after_ms is not None or refusal.meaning.retryable or refusal.code is ErrorCode.TICKET_REFUSED:
            raise _Reconnect(refusal.message, (retry_after_ms or 0) / 1000)
        if self._detaching:
            self._finish(Detached())
        self._finish(Failed(refusal))

    async def _show(self, offset: int, output: bytes) -> None:
        if not self._attached or offset > self._position:
            raise TerminalFault(f"output at {offset}, expected at {self._position}")
        new = output[self._position - offset :]
        if not new:
            return
        # counted before it is written: if this is cancelled, the bytes are on their way all the same
        self._position += len(new)
        await self._screen.write(new)
        self._note_shown()

    def _note_shown(self) -> None:
        self._shown = self._position
        if self._replaying and self._shown >= self._head:
            self._loop.call_later(REPLAY_ECHO_SECONDS, self._end_replay)
        self._wake.set()

    def _end_replay(self) -> None:
        self._replaying = False

    # Sending.

    async def _send(self, socket: ClientConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                if self._attached:
                    await self._send_due(socket)
        except ConnectionClosed:
            return  # the reader hears of it, too

    async def _send_due(self, socket: ClientConnection) -> None:
        if self._shown > self._acked:
            self._acked = self._shown
            await socket.send(encode_client(Ack(self._acked)))
        if self._resized and (size := self._screen.size()) is not None:
            self._resized = False
            await socket.send(encode_client(m.Resize(*size)))
        while (message := self.typed.next_message()) is not None:
            await socket.send(encode_client(message))
        if self._closing:
            self._closing = False
            await socket.send(encode_client(Close()))
        if self._detaching:
            await socket.send(encode_client(m.Detach()))
            self._finish(Detached())


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
