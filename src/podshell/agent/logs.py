"""Containers' logs on their way to a reader at the gateway (an ATTACH with the role `logs`, spec/link.md 7).

Bytes are pulled: the link takes them when the reader has given credit, and while 64 KiB wait nothing is read from the API server, whose
sending then stops by itself. Nothing is ever lost or skipped. A reader that goes ends its request to the API server.
"""

from __future__ import annotations

import asyncio
import re
from typing import Protocol

import msgspec

from podshell.agent.object_watches import check_name
from podshell.agent.refusals import refusal_from_error
from podshell.aio.tasks import TaskSet
from podshell.kube.errors import BadRequest, KubeError, Unreachable
from podshell.kube.logs import LogOptions, open_log
from podshell.kube.rest import Client
from podshell.wire.calls import ReadLogs
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.link import Chunk
from podshell.wire.messages import End

# What waits for the link in one log, beside what the connection to the API server holds itself (aiohttp: 128 KiB).
WAITING_BYTES = 64 * 1024
# Each is a connection to the API server, and at most 0.2 MiB.
_LIMIT_READERS = 100
_CONTAINER = re.compile(r"([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?")

# What comes with a 400 (kubernetes pkg/kubelet validateContainerLogStatus, pkg/registry/core/pod LogLocation).
_WAITS = re.compile(r"is waiting to start|is not (?:yet )?(?:available|started)|does not have a host assigned")
_NO_PREVIOUS = re.compile(r"previous terminated container .* not found")
_WHICH = re.compile(r"a container name must be specified for pod \S+, choose one of: \[([^\]]*)\](?:.*init containers: \[([^\]]*)\])?")
_UNKNOWN = re.compile(r"container \S+ is not valid for pod")


class LogChannel(Protocol):
    """The stream that a log goes to."""

    def wake(self) -> None: ...

    def finish(self, end: End) -> None: ...


class LogReader:
    """One log that is being read; the `ByteSource` of its stream."""

    def __init__(self, channel: LogChannel) -> None:
        self._channel = channel
        self._waiting = bytearray()
        self._room = asyncio.Event()
        self._room.set()
        self.task: asyncio.Task[None] | None = None

    @property
    def waiting_bytes(self) -> int:
        """What was read and not taken yet."""
        return len(self._waiting)

    def read(self, offset: int, max_bytes: int) -> Chunk | None:
        """Hand over the next bytes. Each is asked for once, so `offset` needs no look."""
        if not self._waiting:
            return None
        data = bytes(self._waiting[:max_bytes])
        del self._waiting[:max_bytes]
        if len(self._waiting) < WAITING_BYTES:
            self._room.set()
        return Chunk(data)

    def close(self) -> None:
        """The reader has gone."""
        if self.task is not None:
            self.task.cancel()

    async def run(self, client: Client, wanted: ReadLogs) -> None:
        """Read the log to its end and say how it ended. Cancelling closes the request."""
        options = LogOptions(wanted.container, wanted.follow, wanted.previous, wanted.timestamps, wanted.tail_lines, wanted.since_seconds)
        end = End("ended")
        try:
            async with open_log(client, wanted.namespace, wanted.pod, options) as content:
                while piece := await content.read(WAITING_BYTES):
                    self._waiting += piece
                    self._channel.wake()
                    if len(self._waiting) >= WAITING_BYTES:
                        self._room.clear()
                        await self._room.wait()
        except KubeError as error:
            refusal = log_refusal(error, wanted)
            end = End("failed", message=refusal.message, next_step=refusal.next_step, refusal=refusal)
        self._channel.finish(end)


class Logs:
    """All logs that are being read through one agent."""

    def __init__(self, client: Client, tasks: TaskSet) -> None:
        self._client = client
        self._tasks = tasks
        self._readers: set[LogReader] = set()

    def __len__(self) -> int:
        return len(self._readers)

    @property
    def waiting_bytes(self) -> int:
        """What was read and not taken yet, in all logs."""
        return sum(reader.waiting_bytes for reader in self._readers)

    def open(self, params: bytes, channel: LogChannel) -> LogReader | Refusal:
        """Start to read what a checked ATTACH asks for."""
        try:
            wanted = msgspec.msgpack.decode(params, type=ReadLogs)
        except (msgspec.DecodeError, RecursionError) as error:
            return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, f"the parameters do not parse: {error}"[:500])
        if (refusal := check_name(wanted.pod, wanted.namespace, namespaced=True)) is not None:
            return refusal
        if _CONTAINER.fullmatch(wanted.container) is None:
            return Refusal(ErrorCode.BAD_REQUEST, RefusedBy.AGENT, "this is no name of a container", "choose one of the pod's list")
        if len(self._readers) >= _LIMIT_READERS:
            text = "too many logs are read through this agent"
            return Refusal(ErrorCode.LIMIT_REACHED, RefusedBy.AGENT, text, "close some, or try again in a moment")
        reader = LogReader(channel)
        self._readers.add(reader)
        reader.task = self._tasks.start(f"log of {wanted.namespace}/{wanted.pod}", reader.run(self._client, wanted))
        reader.task.add_done_callback(lambda _: self._readers.discard(reader))
        return reader


def log_refusal(error: KubeError, wanted: ReadLogs) -> Refusal:
    """Say why there is no log, or no more of it. The text is the server's own."""
    by = RefusedBy.KUBERNETES
    if isinstance(error, Unreachable):
        return Refusal(ErrorCode.API_SERVER_UNREACHABLE, RefusedBy.AGENT, str(error), "open the log again; it goes on where it is")
    if isinstance(error, BadRequest):
        text = error.message
        if (which := _WHICH.search(text)) is not None:
            names = [name for part in which.groups() if part for name in part.split()]
            return Refusal(ErrorCode.CONTAINER_REQUIRED, by, text, f"choose one of: {', '.join(names)}", {"containers": names})
        if _NO_PREVIOUS.search(text):
            return Refusal(ErrorCode.NOT_FOUND, by, text, "the container has not been restarted here: read its present log")
        if _WAITS.search(text):
            return Refusal(ErrorCode.NOT_RUNNING, by, text, "there is no log before the container has started: look at the pod's events")
        if _UNKNOWN.search(text):
            return Refusal(ErrorCode.NOT_FOUND, by, text, "choose one of the pod's containers")
    return refusal_from_error(error, subject=f"the pod {wanted.namespace}/{wanted.pod}")
