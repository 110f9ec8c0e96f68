"""The remote command subprotocols: which one is spoken, how a message carries its channel, how a result is told.

Two servers stand behind one URL: offers with v5 are answered by the translator of the kubelet, all others reach the
streaming server of containerd (kubernetes.md 1.2).  Their texts differ (transcripts/exec/out-err-exit7.*,
missing-shell.*).
"""

import base64
import binascii
import enum
import json
from dataclasses import dataclass

from podshell.sandbox.streams.frames import Opcode, encode_frame


class Channel(enum.IntEnum):
    """The first byte of every message."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    RESIZE = 4


CLOSE_SIGNAL = 255  # v5: followed by the channel that the client half-closes


@dataclass(frozen=True)
class Subprotocol:
    """One of the six ways to speak."""

    name: str

    @property
    def translated(self) -> bool:
        """v5: the kubelet's translator is in between."""
        return self.name == "v5.channel.k8s.io"

    @property
    def base64(self) -> bool:
        """Messages are text: a digit and base64."""
        return "base64" in self.name

    @property
    def structured(self) -> bool:
        """The result is a Status object, also on success."""
        return self.name.startswith(("v4.", "v5."))

    def encode(self, channel: int, data: bytes) -> bytes:
        """Build the frame of one message."""
        if self.base64:
            return encode_frame(Opcode.TEXT, b"%d" % channel + base64.b64encode(data))
        return encode_frame(Opcode.BINARY, bytes((channel,)) + data)

    def decode(self, payload: bytes) -> tuple[int, bytes]:
        """Split a message into channel and data; channel -1 for what cannot be read."""
        if not self.base64:
            return payload[0], payload[1:]
        try:
            return payload[0] - 0x30, base64.b64decode(payload[1:], validate=True)
        except binascii.Error:
            return -1, b""


_STREAMING_SERVER = ("", "channel.k8s.io", "base64.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io")


def negotiate(offer: str | None) -> Subprotocol | None:
    """Choose from the first Sec-WebSocket-Protocol line; None means 403 (transcripts/refused/bad-subprotocol)."""
    offers = [word.strip() for word in (offer or "").split(",")]
    if "v5.channel.k8s.io" in offers:
        return Subprotocol("v5.channel.k8s.io")
    return next((Subprotocol(name) for name in offers if name in _STREAMING_SERVER), None)


def describe_success(subprotocol: Subprotocol) -> bytes:
    """Build what channel 3 carries when all went well; v1 says nothing at all (transcripts/exec/exit0.v1)."""
    return b'{"metadata":{},"status":"Success"}' if subprotocol.structured else b""


def describe_exit(subprotocol: Subprotocol, command: list[str], code: int) -> bytes:
    """Build what channel 3 carries when the command ended with ``code``."""
    if code == 0:
        return describe_success(subprotocol)
    if subprotocol.translated:
        cause = f"command terminated with exit code {code}"
    else:
        cause = f"error executing command [{' '.join(command)}], exit code {code}"
    text = f"command terminated with non-zero exit code: {cause}"
    if not subprotocol.structured:
        return text.encode()
    details = {"causes": [{"reason": "ExitCode", "message": str(code)}]}
    return _encode_status({"message": text, "reason": "NonZeroExitCode", "details": details})


def describe_refusal(subprotocol: Subprotocol, message: str) -> bytes:
    """Build what channel 3 carries when the command could not be started; v5 doubles the prefix."""
    cause = f"error executing command in container: {message}"
    if subprotocol.translated:
        cause = f"Internal error occurred: {cause}"
    text = f"Internal error occurred: {cause}"
    if not subprotocol.structured:
        return text.encode()
    return _encode_status({"message": text, "reason": "InternalError", "details": {"causes": [{"message": cause}]}, "code": 500})


def _encode_status(rest: dict[str, object]) -> bytes:
    """Write a Status as Go does: no spaces, and <, > and & escaped."""
    text = json.dumps({"metadata": {}, "status": "Failure", **rest}, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()
