"""A recording that could not be started leaves nothing behind, and is started with the next link."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from podshell.aio.tasks import TaskSet
from podshell.gateway.answers import Refused
from podshell.gateway.authority import RECORD, Permit, Place
from podshell.gateway.journal import SessionRecord
from podshell.gateway.recorder import Recordings
from podshell.policy.rules import Subject
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.messages import End

PLACE = Place("lab", "agent-1", "e1")
RECORDED = SessionRecord(
    id="s1", kind="exec", state="running", cluster="lab", namespace="default", pod="web-0", container="main", command=[], tty=True,
    stdin=True, cols=80, rows=24, user="ada", reason="", idle_timeout_seconds=300, output_is_activity=False, record=True, created_ms=0,
    instance="agent-1", epoch="e1",
)  # fmt: skip


class FakeParts:
    """Link, authority and credentials of which each can fail."""

    place = PLACE

    def __init__(self) -> None:
        self.no_audit: Exception | None = None
        self.no_link: Exception | None = None
        self.handler: Any = None

    async def subject(self, name: str) -> Subject:
        return Subject(name, "owner")

    async def permit(self, *_: object) -> Permit:
        if self.no_audit is not None:
            raise self.no_audit
        return Permit(RECORD, PLACE, RECORDED.target, b"", b"")

    def attach(self, _permit: object, _attach: object, handler: object) -> int:
        if self.no_link is not None:
            raise self.no_link
        self.handler = handler
        return 1

    def send_window(self, *_: int) -> None:
        pass


@pytest.fixture
async def tasks() -> AsyncIterator[TaskSet]:
    async with TaskSet("test") as tasks:
        yield tasks


async def recorded(recordings: Recordings, parts: FakeParts, tasks: TaskSet, folder: Path) -> list[Path]:
    """Record a session to its end; returns the files."""
    await recordings.start(parts, RECORDED)  # type: ignore[arg-type]  # a fake
    assert len(tasks) == 1
    parts.handler.receive_message(End("exited", 0))
    (task,) = tasks._tasks
    await task
    return list(folder.iterdir())


async def test_a_link_that_is_lost_meanwhile_leaves_no_file_and_no_descriptor(tmp_path: Path, tasks: TaskSet) -> None:
    parts = FakeParts()
    recordings = Recordings(tmp_path, None, parts, parts, tasks)  # type: ignore[arg-type]  # fakes
    parts.no_link = Refused(Refusal(ErrorCode.LINK_LOST, RefusedBy.GATEWAY, "lost"))
    before = os.listdir("/proc/self/fd")
    await recordings.start(parts, RECORDED)  # type: ignore[arg-type]  # a fake
    assert os.listdir("/proc/self/fd") == before
    assert list(tmp_path.iterdir()) == []
    parts.no_link = None
    assert len(await recorded(recordings, parts, tasks, tmp_path)) == 1


async def test_an_audit_that_cannot_be_written_is_told_and_tried_again(tmp_path: Path, tasks: TaskSet) -> None:
    parts = FakeParts()
    recordings = Recordings(tmp_path, None, parts, parts, tasks)  # type: ignore[arg-type]  # fakes
    parts.no_audit = OperationalError("insert", {}, Exception("disk full"))
    with pytest.raises(OperationalError):
        await recordings.start(parts, RECORDED)  # type: ignore[arg-type]  # a fake
    parts.no_audit = None
    assert len(await recorded(recordings, parts, tasks, tmp_path)) == 1
