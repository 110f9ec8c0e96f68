"""The logs that one live socket reads (spec/api.md, WS /ws/live): bytes become text here, and acknowledgements credit."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Callable, Iterator

from podshell.aio.tasks import TaskSet
from podshell.gateway.answers import Refused, refused
from podshell.gateway.logs import Logs, LogStream
from podshell.gateway.models import LiveAck, LiveLog, LiveLogEnd, LiveLogs
from podshell.policy.rules import Subject
from podshell.wire.calls import ReadLogs
from podshell.wire.errors import ErrorCode

# A message of a flood: what a page appends in well under a frame.
MESSAGE_BYTES = 32 * 1024


class _Reading:
    """One log of one page."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.stream: LogStream | None = None
        self.task: asyncio.Task[None] | None = None
        self.failed: Refused | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def next_message(self) -> LiveLog | LiveLogEnd | None:
        """Take the next message off what waits; LiveLogEnd is the last."""
        if self.failed is not None:
            return LiveLogEnd(self.id, self.failed.refusal)
        stream = self.stream
        if stream is None:
            return None
        if stream.waiting_bytes:
            text = self._decoder.decode(stream.take(MESSAGE_BYTES))
            return LiveLog(self.id, text, stream.taken)
        if not stream.ended.is_set():
            return None
        rest = self._decoder.decode(b"", final=True)
        return LiveLog(self.id, rest, stream.taken) if rest else LiveLogEnd(self.id, stream.refusal)

    def close(self) -> None:
        if self.stream is not None:
            self.stream.close()
        if self.task is not None:
            self.task.cancel()


class PageLogs:
    """The logs of one live socket.

    Args:
        wake: called when there is something to send.
    """

    def __init__(self, logs: Logs, subject: Subject, wake: Callable[[], None]) -> None:
        self._logs = logs
        self._subject = subject
        self._wake = wake
        self._readings: dict[str, _Reading] = {}

    def __len__(self) -> int:
        return len(self._readings)

    def __contains__(self, id: str) -> bool:
        return id in self._readings

    async def open(self, wanted: LiveLogs, tasks: TaskSet) -> None:
        """Start to read a log; why it cannot be read comes as its end."""
        reading = self._readings[wanted.logs] = _Reading(wanted.logs)
        request = ReadLogs(
            wanted.namespace,
            wanted.pod,
            wanted.container,
            wanted.follow,
            wanted.previous,
            wanted.timestamps,
            wanted.tail_lines,
            wanted.since_seconds,
        )
        try:
            reading.stream = await self._logs.open(self._subject, wanted.cluster, request, self._wake)
        except Refused as error:
            reading.failed = error
            self._wake()
            return
        end = self._logs.note_end(self._subject, wanted.cluster, request, reading.stream)
        reading.task = tasks.start(f"log {wanted.logs}", end)

    def acknowledge(self, ack: LiveAck) -> None:
        """Take credit for a log; one that has ended needs none.

        Raises:
            Refused: protocol_error.
        """
        reading = self._readings.get(ack.ack)
        if reading is not None and reading.stream is not None:
            reading.stream.acknowledge(ack.bytes)

    def close(self, id: str) -> None:
        """The page reads this log no more."""
        reading = self._readings.pop(id, None)
        if reading is not None:
            reading.close()

    def close_all(self) -> None:
        for id in list(self._readings):
            self.close(id)

    def next_messages(self) -> Iterator[LiveLog | LiveLogEnd]:
        """Yield the next message of each log that has one, in turn; again while any yields."""
        for reading in list(self._readings.values()):
            message = reading.next_message()
            if isinstance(message, LiveLogEnd):
                self._readings.pop(reading.id, None)
            if message is not None:
                yield message
                self._wake()  # there may be more; nothing else is held up meanwhile


def check_room(used: int, limit: int) -> None:
    """Check that one more subscription or log fits on a socket.

    Raises:
        Refused: limit_reached.
    """
    if used >= limit:
        raise refused(ErrorCode.LIMIT_REACHED, f"{limit} subscriptions on one socket", "end some")
