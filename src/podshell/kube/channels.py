"""The channel subprotocols v5 and v4 of exec and attach: messages to events, intents to messages.

Pure: no sockets, no time. One `ChannelCodec` belongs to one WebSocket. Every data message is one binary frame whose first
octet is the channel (kubernetes.md 1.1); `transcripts/exec/*.v5.json` and `.v4.json` are the oracle. The base64 variants,
`channel.k8s.io` (v1) and SPDY are not spoken. `exec.py` drives this over a socket.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from podshell.kube.status import MESSAGE_LIMIT_CHARS, parse_status

STDIN, STDOUT, STDERR, ERROR, RESIZE = 0, 1, 2, 3, 4
_CLOSE = 255

# 32 KiB: what the server's SPDY leg and fairness between sessions want (kubernetes.md 1.3 no. 2); its hard limit is 32 MiB.
STDIN_CHUNK_BYTES = 32 * 1024
# A Status seen on the wire is under 1 KiB; a server that sends more than this on channel 3 is not one.
STATUS_LIMIT_BYTES = 64 * 1024
# uint16 on the server; one message outside the range makes the *next* resize freeze the session for good
# (transcripts/exec/tty-resize-too-big.v5, tty-resize-garbage-freezes.v4).
SIZE_MAX = 65535
# Room that the WebSocket layer needs in front of a message to build its header in place (picows: at least 14 octets).
HEADROOM_BYTES = 14


class Subprotocol(Enum):
    """What was negotiated."""

    V5 = "v5.channel.k8s.io"
    V4 = "v4.channel.k8s.io"


# One comma-joined header line: both sides read only the first line (kubernetes.md 1.2; refused/two-header-lines-bogus-v5).
OFFER_V5_AND_V4 = f"{Subprotocol.V5.value}, {Subprotocol.V4.value}"
OFFER_V4_ONLY = Subprotocol.V4.value


class Up(NamedTuple):
    """The first message came: the stream works, sizes may be sent."""


class Output(NamedTuple):
    """Bytes of stdout (1) or stderr (2); `data` is a view into the caller's buffer and lives as long as that."""

    channel: int
    data: memoryview | bytes


class ExitCode(NamedTuple):
    """The server's word on how the process ended (0 to 255)."""

    code: int


class Failure(NamedTuple):
    """A Status without an exit code: the process did not start, or the node lost it. `message` is the server's text."""

    message: str
    reason: str
    status_code: int


Event = Up | Output | ExitCode | Failure


class ChannelCodec:
    """Both directions of one exec or attach connection."""

    def __init__(self, subprotocol: Subprotocol, *, tty: bool) -> None:
        self.subprotocol = subprotocol
        self.tty = tty
        self.stdin_closed = False
        self._up = False
        self._status = bytearray()
        self._ended = False

    # -- server to client -------------------------------------------------------------------------------------------

    def receive(self, message: memoryview | bytes) -> tuple[Event, ...]:
        """Return the events of one binary message. Empty messages and payloads are legal everywhere and mean nothing."""
        if len(message) > 1:
            channel = message[0]
            if channel in (STDOUT, STDERR):
                output = Output(channel, message[1:])
                return (output,) if self._up else self._first(output)
            if channel == ERROR:
                event = self._receive_status(message[1:])
                if event is not None:
                    return (event,) if self._up else self._first(event)
        return () if self._up else self._first(None)

    def receive_end(self) -> Failure | None:
        """Return what an unfinished channel 3 held when the connection ended: plain text of an odd server, or None."""
        if self._ended or not self._status:
            return None
        self._ended = True
        text = bytes(self._status).decode("utf-8", "replace").strip()[:MESSAGE_LIMIT_CHARS]
        return Failure(text, "", 0) if text else None

    def _first(self, event: Event | None) -> tuple[Event, ...]:
        self._up = True
        return (Up(),) if event is None else (Up(), event)

    def _receive_status(self, data: memoryview | bytes) -> Event | None:
        if self._ended:
            return None
        if len(self._status) + len(data) > STATUS_LIMIT_BYTES:
            self._ended = True
            return Failure("the server sent a status that is too long to be one", "", 0)
        self._status += data
        status = parse_status(bytes(self._status))
        if status is None:
            return None  # cut in two, or plain text: `receive_end` tells
        self._ended = True
        code = status.exit_code
        if code is not None and 0 <= code <= 255:
            return ExitCode(code)
        return Failure(status.message[:MESSAGE_LIMIT_CHARS] or status.reason, status.reason, status.code)

    # -- client to server -------------------------------------------------------------------------------------------

    def encode_stdin(self, data: bytes | bytearray | memoryview) -> bytearray:
        """Return one stdin message (at most 32 KiB of `data`) behind `HEADROOM_BYTES` of free room.

        Raises:
            ValueError: input after `encode_close_stdin`, or too much at once.
        """
        if self.stdin_closed:
            raise ValueError("stdin is closed")
        if len(data) > STDIN_CHUNK_BYTES:
            raise ValueError(f"{len(data)} octets in one stdin message; at most {STDIN_CHUNK_BYTES} are sent at once")
        message = bytearray(HEADROOM_BYTES + 1)  # channel 0 is the octet 0
        message += data
        return message

    def encode_resize(self, cols: int, rows: int) -> bytes:
        """Return one resize message.

        Raises:
            ValueError: no tty (on v5 a second resize freezes such a stream, transcripts/exec/nontty-resize-twice.v5), or a
                size outside 1..65535 (0x0 is ignored by runtimes, the others freeze the session at the next resize).
        """
        if not self.tty:
            raise ValueError("only a tty has a size")
        if not (1 <= cols <= SIZE_MAX and 1 <= rows <= SIZE_MAX):
            raise ValueError(f"{cols}x{rows} is no terminal size; both must be 1 to {SIZE_MAX}")
        return b'\x04{"Width":%d,"Height":%d}\n' % (cols, rows)

    @property
    def can_close_stdin(self) -> bool:
        """Whether this stream knows a half-close: v5 without a tty, only.

        On a tty the runtime would close the *output* and leave the shell (kubernetes.md 3; exec/close-stdin-tty-sh.v5).
        """
        return self.subprotocol is Subprotocol.V5 and not self.tty

    def encode_close_stdin(self) -> bytes:
        """Return the half-close of stdin, exactly two octets (any other form drops the connection, exec/close-1-byte.v5).

        Raises:
            ValueError: on v4 or on a tty.
        """
        if not self.can_close_stdin:
            raise ValueError("only v5 without a tty can close stdin")
        self.stdin_closed = True
        return bytes((_CLOSE, STDIN))
