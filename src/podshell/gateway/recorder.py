"""The recorder: an ordinary consumer of a session's output that writes it to disk as asciicast v3 (asciicast.py). Off by default.

It acknowledges what is on disk. It never slows a shell: what the agent's log drops before it could be read is a gap in the recording.
Owned by the gateway; each recording lives as long as its stream.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from podshell.aio.tasks import TaskSet
from podshell.gateway.agent_link import AgentLink
from podshell.gateway.answers import Refused
from podshell.gateway.asciicast import CastWriter
from podshell.gateway.authority import RECORD, Authority
from podshell.gateway.credentials import Credentials
from podshell.gateway.database import unix_ms
from podshell.gateway.journal import Journal, SessionRecord
from podshell.wire import messages as m
from podshell.wire.errors import Refusal
from podshell.wire.link import Message

log = logging.getLogger(__name__)

WINDOW_BYTES = 256 * 1024


class Recordings:
    """Starts recorders and knows which run.

    Args:
        folder: where recordings go, one file for each session and part.
    """

    def __init__(self, folder: Path, journal: Journal, authority: Authority, credentials: Credentials, tasks: TaskSet) -> None:
        self._folder = folder
        self._journal = journal
        self._authority = authority
        self._credentials = credentials
        self._tasks = tasks
        self._running: dict[tuple[str, str], Recorder | None] = {}

    async def resume(self, link: AgentLink) -> None:
        """Go on recording what a link's agent has: the gateway or the link was away. What it missed is taken from the agent's log."""
        for record in await self._journal.live(link.place.cluster):
            if record.record and (record.instance, record.epoch) == (link.place.instance, link.place.epoch):
                await self.start(link, record)

    async def start(self, link: AgentLink, record: SessionRecord) -> None:
        """Record a session, unless that is being done."""
        key = (record.id, record.epoch)
        if key in self._running or self._tasks.closed:
            return
        self._running[key] = None
        try:
            recorder = self._running[key] = await self._attach(link, record)
            self._tasks.start(f"recording of {record.id}", self._write(key, recorder.write))
        except (Refused, OSError) as error:
            log.error("a session is not recorded: %s", error, extra={"session": record.id})
        finally:
            if self._running.get(key) is None:  # whatever went wrong: the next link tries again
                self._running.pop(key, None)

    async def _attach(self, link: AgentLink, record: SessionRecord) -> Recorder:
        subject = await self._credentials.subject(record.user)
        permit = await self._authority.permit(subject, RECORD, record.target, link.place)
        path = self._path(record)
        recorder = Recorder(path, record)
        attach = m.Attach(record.id, f"recorder-{record.epoch}"[:64], b"", "recorder", None, WINDOW_BYTES, False)
        try:
            recorder.start(link, link.attach(permit, attach, recorder))
        except BaseException:
            recorder.close()
            path.unlink(missing_ok=True)
            raise
        return recorder

    async def _write(self, key: tuple[str, str], write: Callable[[], Awaitable[None]]) -> None:
        try:
            await write()
        except OSError as error:
            log.error("a recording ends early: %s", error, extra={"session": key[0]})
        finally:
            del self._running[key]

    def note_resize(self, session: str, cols: int, rows: int) -> None:
        """Write that a session's terminal has a new size."""
        for (recorded, _), recorder in self._running.items():
            if recorded == session and recorder is not None:
                recorder.resize(cols, rows)

    def _path(self, record: SessionRecord) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = 1
        while (path := self._folder / f"{record.id}-{part}.cast").exists():
            part += 1
        return path


class Recorder:
    """One recording: takes the stream's events, and writes them in a thread so that a slow disk holds up nobody."""

    def __init__(self, path: Path, record: SessionRecord) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        title = f"{record.user}: {record.namespace}/{record.pod}/{record.container} in {record.cluster}"
        self._cast = CastWriter(cols=record.cols, rows=record.rows, started_ms=unix_ms(), title=title)
        self._lines: list[str] = [self._cast.header()]
        self._received_end = 0
        self._wake = asyncio.Event()
        self._wake.set()
        self._ended = False
        self._link: AgentLink | None = None
        self._stream = 0

    def start(self, link: AgentLink, stream: int) -> None:
        self._link, self._stream = link, stream

    def resize(self, cols: int, rows: int) -> None:
        self._add(self._cast.resize(cols, rows, unix_ms()))

    def receive_data(self, offset: int, data: memoryview) -> None:
        self._received_end = offset + len(data)
        self._add(self._cast.output(data, unix_ms()))

    def receive_gap(self, start: int, end: int) -> None:
        self._received_end = end
        self._add(self._cast.gap(start, end, unix_ms()))

    def receive_window(self, acked: int, limit: int) -> None:
        pass

    def receive_message(self, message: Message) -> None:
        match message:
            case m.Attached(start=start, cols=cols, rows=rows, lost=lost):
                self._received_end = start
                if lost or start:
                    self._add(self._cast.gap(0, start, unix_ms()))
                self._add(self._cast.resize(cols, rows, unix_ms()))
            case m.End(exit_code=exit_code):
                self._add(self._cast.ended(exit_code, unix_ms()))
                self._finish()
            case m.Reset():
                self._finish()
            case _:
                pass

    def lose(self, refusal: Refusal) -> None:
        self._add(self._cast.ended(None, unix_ms()))
        self._finish()

    async def write(self) -> None:
        """Write until the stream has ended.

        Raises:
            OSError: the disk is full or gone.
        """
        try:
            while not self._ended or self._lines:
                await self._wake.wait()
                self._wake.clear()
                lines, self._lines = self._lines, []
                end = self._received_end
                if lines:
                    await asyncio.to_thread(_write_all, self._file, "".join(lines).encode())
                if self._link is not None and not self._ended:
                    self._link.send_window(self._stream, end, end + WINDOW_BYTES)
        finally:
            self.close()

    def close(self) -> None:
        """Close the file; nothing can be written any more."""
        os.close(self._file)

    def _add(self, lines: str) -> None:
        if lines:
            self._lines.append(lines)
        self._wake.set()

    def _finish(self) -> None:
        self._ended = True
        self._wake.set()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.fsync(descriptor)
