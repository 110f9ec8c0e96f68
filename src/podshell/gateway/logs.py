"""Containers' logs for those who read them: one consumer stream of a link for each reader (spec/link.md 7, role `logs`).

A reader gives credit by saying what it has taken; at most `WINDOW_BYTES` are on their way to it, here and in the link together, and the
agent stops reading from the API server when it stops. Every log that is opened passes the choke point by itself.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

import msgspec

from podshell.gateway.agent_link import LINK_LOST, AgentLink
from podshell.gateway.answers import refused
from podshell.gateway.audit import Details
from podshell.gateway.authority import LOGS, Authority
from podshell.gateway.clusters import Clusters
from podshell.gateway.links import LinkRegistry
from podshell.policy.rules import Subject, Target
from podshell.wire import messages as m
from podshell.wire.calls import ReadLogs
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.link import Message

WINDOW_BYTES = 256 * 1024


class LogStream:
    """One log that is being read.

    Args:
        on_change: called when there are bytes or the end is known; must not block.
    """

    def __init__(self, link: AgentLink, on_change: Callable[[], None]) -> None:
        self.refusal: Refusal | None = None
        self.ended = asyncio.Event()
        self._link = link
        self._on_change = on_change
        self._stream = 0
        self._waiting = bytearray()
        self._received = 0
        self._acked = 0

    @property
    def waiting_bytes(self) -> int:
        return len(self._waiting)

    @property
    def taken(self) -> int:
        """The offset behind what `take` has handed over."""
        return self._received - len(self._waiting)

    def start(self, stream: int) -> None:
        self._stream = stream

    def take(self, max_bytes: int) -> bytes:
        """Hand over the next bytes; none when there are none."""
        data = bytes(self._waiting[:max_bytes])
        del self._waiting[:max_bytes]
        return data

    def acknowledge(self, offset: int) -> None:
        """The reader has taken everything before `offset`.

        Raises:
            Refused: protocol_error, it was never sent.
        """
        if offset > self.taken:
            raise refused(ErrorCode.PROTOCOL_ERROR, f"byte {offset} of a log is acknowledged but was never sent")
        if offset > self._acked and not self.ended.is_set():
            self._acked = offset
            self._link.send_window(self._stream, offset, offset + WINDOW_BYTES)

    def close(self) -> None:
        """The reader has gone: so does the agent's request."""
        if not self.ended.is_set():
            self.ended.set()
            self._link.send(self._stream, m.Detach())
        self._waiting.clear()

    # From the link (StreamHandler).

    def receive_data(self, offset: int, data: memoryview) -> None:
        self._waiting += data
        self._received = offset + len(data)
        self._on_change()

    def receive_message(self, message: Message) -> None:
        match message:
            case m.End(refusal=refusal):
                self._end(refusal)
            case m.Reset(refusal=refusal):
                self._end(refusal)
            case _:
                pass

    def receive_gap(self, start: int, end: int) -> None:
        self._end(Refusal(ErrorCode.PROTOCOL_ERROR, RefusedBy.AGENT, "the agent left out a part of the log"))

    def receive_window(self, acked: int, limit: int) -> None:
        pass

    def lose(self, refusal: Refusal) -> None:
        self._end(refusal)

    def _end(self, refusal: Refusal | None) -> None:
        if not self.ended.is_set():
            self.refusal = refusal
            self.ended.set()
            self._on_change()


class Logs:
    """Opens logs."""

    def __init__(self, links: LinkRegistry, clusters: Clusters, authority: Authority) -> None:
        self._links = links
        self._clusters = clusters
        self._authority = authority

    async def open(self, subject: Subject, cluster: str, wanted: ReadLogs, on_change: Callable[[], None]) -> LogStream:
        """Start to read a log: decide, write the audit, sign, ask the agent. What the agent refuses comes as the log's end.

        Raises:
            Refused: forbidden_by_policy, cluster_unknown, agent_offline, link_lost.
        """
        target = Target(cluster, wanted.namespace, wanted.pod, wanted.container)
        await self._authority.check(subject, LOGS, target)
        if not await self._clusters.exists(cluster):
            raise refused(ErrorCode.CLUSTER_UNKNOWN, f"there is no cluster {cluster}", "choose one of the list")
        link = self._links.pick(cluster)
        params = msgspec.msgpack.encode(wanted)
        details: Details = {"follow": wanted.follow, "previous": wanted.previous, "tail_lines": wanted.tail_lines}
        permit = await self._authority.permit(subject, LOGS, target, link.place, params=params, details=details)
        stream = LogStream(link, on_change)
        id = secrets.token_hex(16)
        attach = m.Attach(session=id, viewer=id, grant=b"", role="logs", window=WINDOW_BYTES, params=params)
        stream.start(link.attach(permit, attach, stream))
        return stream

    async def note_end(self, subject: Subject, cluster: str, wanted: ReadLogs, stream: LogStream) -> None:
        """Wait for a log's end; a refusal of what was permitted goes to the audit. Cancelling is safe."""
        await stream.ended.wait()
        refusal = stream.refusal
        if refusal is not None and refusal is not LINK_LOST:
            target = Target(cluster, wanted.namespace, wanted.pod, wanted.container)
            await self._authority.refused_by_agent(subject, LOGS, target, refusal.code.value, refusal.refused_by.value, refusal.message)
