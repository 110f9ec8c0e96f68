"""Who reads a session's output, each with an offset of its own, and who of them may slow the shell (design.md "Who may slow a shell").

A *visible owner* brakes: when it has a window of output unacknowledged, the shell is paused; at half of that it goes on. One whose
connection is lost without a Detach still brakes for 30 s, so that a reconnect loses nothing. Hidden, detached and observing viewers
never do: the ring overwrites, and they get a gap.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from podshell.agent.output_log import BLOCK_BYTES, OutputBudget, OutputLog
from podshell.aio.clock import Clock, TimerHandle
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.link import ByteSource, Chunk, Gap
from podshell.wire.messages import Attached, End, Notice

# A reload takes 1 to 3 s, a laptop's change of network up to 20 s. Longer than that, a migration must not wait for a lost viewer.
VANISHED_SECONDS = 30.0
# Before its first viewer a session may print this much: more than any prompt, and a command that floods waits for its reader.
AWAITED_WINDOW_BYTES = 256 * 1024
_AWAITED = ""  # no viewer's id is empty
# 16 KiB within a millisecond is no answer to a key.
FLOOD_BYTES = 16 * 1024
BATCH_SECONDS = 0.001
NOWHERE = 1 << 62


class ConsumerChannel(Protocol):
    """A consumer's stream on the link it came by."""

    def accept(self, attached: Attached, source: ByteSource, window_bytes: int) -> None: ...

    def send(self, message: Notice | End) -> None: ...

    def send_input_window(self, taken: int, limit: int) -> None: ...

    def wake(self) -> None: ...

    def refuse(self, refusal: Refusal) -> None: ...


class Consumer:
    """One attached viewer; the `ByteSource` of its stream."""

    def __init__(self, consumers: Consumers, viewer: str, role: str, window_bytes: int, visible: bool, start: int) -> None:
        self.viewer = viewer
        self.role = role
        self.window_bytes = window_bytes
        self.visible = visible
        self.acked = start
        self.pulled = start
        self.channel: ConsumerChannel | None = None
        self._consumers = consumers
        self._end: End | None = None
        self._finishing = False

    @property
    def owner(self) -> bool:
        return self.role == "owner"

    @property
    def brakes(self) -> bool:
        return self.owner and self.visible

    def read(self, offset: int, max_bytes: int) -> Chunk | Gap | None:
        """Give the link its next bytes; a view is used before anything is appended."""
        log = self._consumers.log
        if offset < log.tail:
            # Not to the very tail: under a flood it would be overwritten again before it is sent.
            end = log.safe_start(max(log.tail, log.head - self.window_bytes))
            self._consumers.note_gap()
            self._count_pulled(end)
            return Gap(end)
        view = log.read(offset, max_bytes)
        self._count_pulled(offset + len(view))
        return Chunk(view) if view else None

    def end(self, end: End) -> None:
        """Send `end` as soon as everything has been read."""
        self._end = end
        self._count_pulled(self.pulled)
        if self.channel is not None:
            self.channel.wake()

    def finish(self) -> None:
        """Send the end now."""
        if self._end is not None and self.channel is not None:
            channel, self.channel = self.channel, None
            channel.send(self._end)
            self._consumers.forget(self)

    def _count_pulled(self, offset: int) -> None:
        self.pulled = max(self.pulled, offset)
        if self._end is not None and not self._finishing and self.pulled >= self._consumers.log.head:
            # Not inside `read`: the link is collecting bytes, and END would overtake those.
            self._finishing = True
            asyncio.get_running_loop().call_soon(self.finish)


class Consumers:
    """The consumers of one session.

    Args:
        on_brake: called when `must_pause` or `may_resume` may have changed.
        on_gap: called when a consumer lost bytes and needs a repaint.
    """

    def __init__(
        self, log: OutputLog, budget: OutputBudget, clock: Clock, *, on_brake: Callable[[], None], on_gap: Callable[[], None]
    ) -> None:
        self.log = log
        self._budget = budget
        self._clock = clock
        self._on_brake = on_brake
        self._on_gap = on_gap
        self._attached: list[Consumer] = []
        self._vanished: dict[str, tuple[Consumer, TimerHandle]] = {}
        self._released = False
        self._share_bytes = 0
        self._pause_at = self._resume_at = NOWHERE
        self._late: asyncio.TimerHandle | None = None
        self._batch_began = 0.0
        self._batch_from = 0
        self._flooding = False

    def __len__(self) -> int:
        return len(self._attached)

    @property
    def owners(self) -> int:
        return sum(consumer.owner for consumer in self._attached)

    @property
    def observers(self) -> int:
        return sum(consumer.role == "observer" for consumer in self._attached)

    def attach(self, viewer: str, role: str, window_bytes: int, visible: bool, start: int) -> Consumer:
        """Add a consumer; one with the same viewer id on an older connection is told so and goes."""
        for old in [consumer for consumer in self._attached if consumer.viewer == viewer]:
            if old.channel is not None:
                old.channel.refuse(Refusal(ErrorCode.CONFLICT, RefusedBy.AGENT, "this terminal has attached again by another connection"))
            self.forget(old)
        self._drop_vanished(viewer)
        if role == "owner":
            self._drop_vanished(_AWAITED)
        consumer = Consumer(self, viewer, role, window_bytes, visible, start)
        self._attached.append(consumer)
        self._changed()
        return consumer

    def expect_owner(self) -> None:
        """Whoever opened the session is on the way: until an owner comes, output is held back as for one who was cut off."""
        awaited = Consumer(self, _AWAITED, "owner", AWAITED_WINDOW_BYTES, True, self.log.head)
        self._vanished[_AWAITED] = (awaited, self._clock.call_later(VANISHED_SECONDS, lambda: self._expire(_AWAITED)))
        self._changed()

    def acknowledge(self, consumer: Consumer, acked: int) -> None:
        consumer.acked = max(consumer.acked, min(acked, self.log.head))
        self._changed()

    def set_visible(self, consumer: Consumer, visible: bool) -> None:
        consumer.visible = visible
        self._changed()

    def forget(self, consumer: Consumer) -> None:
        """The viewer goes on purpose, or was replaced: nothing is held back for it."""
        if consumer in self._attached:
            self._attached.remove(consumer)
        self._changed()

    def lose(self, consumer: Consumer) -> None:
        """The viewer's stream is lost: a visible owner brakes on for a while."""
        if consumer not in self._attached:
            return
        self._attached.remove(consumer)
        consumer.channel = None
        if consumer.brakes:
            timer = self._clock.call_later(VANISHED_SECONDS, lambda: self._expire(consumer.viewer))
            self._vanished[consumer.viewer] = (consumer, timer)
        self._changed()

    def must_pause(self) -> bool:
        self._measure_again()
        return self.log.head >= self._pause_at

    def may_resume(self) -> bool:
        self._measure_again()
        return self.log.head <= self._resume_at

    def release(self) -> None:
        """The session is being ended: nobody slows the shell any more, and the ring overwrites as for everybody."""
        self._released = True
        self._changed()

    def tell(self, notice: Notice) -> None:
        """Send a notice to everybody who is attached."""
        for consumer in list(self._attached):
            if consumer.channel is not None:
                consumer.channel.send(notice)

    def wake(self) -> None:
        """There is more output. The echo of a key goes at once; small pieces of a flood wait a millisecond for each other."""
        flood = self._is_flood()
        for consumer in self._attached:
            if consumer.channel is None:
                continue
            if not flood or self.log.head - consumer.pulled >= BLOCK_BYTES:
                consumer.channel.wake()
            elif self._late is None:
                self._late = asyncio.get_running_loop().call_later(BATCH_SECONDS, self._wake_late)

    def _is_flood(self) -> bool:
        now, head = time.monotonic(), self.log.head
        passed = now - self._batch_began
        if passed >= BATCH_SECONDS:
            self._flooding = passed < 4 * BATCH_SECONDS and head - self._batch_from >= FLOOD_BYTES
            self._batch_began, self._batch_from = now, head
        return self._flooding or head - self._batch_from >= FLOOD_BYTES

    def end(self, end: End) -> None:
        """Give everybody the end behind the last byte."""
        for consumer in list(self._attached):
            consumer.end(end)

    def finish(self) -> None:
        """Give the end to those who have not read everything in time, and forget all."""
        for consumer in list(self._attached):
            consumer.finish()
        for viewer in list(self._vanished):
            self._drop_vanished(viewer)
        self._attached.clear()

    def send_input_window(self, viewer: str, taken: int, limit: int) -> None:
        for consumer in self._attached:
            if consumer.viewer == viewer and consumer.owner and consumer.channel is not None:
                consumer.channel.send_input_window(taken, limit)

    def note_gap(self) -> None:
        self._on_gap()

    def _wake_late(self) -> None:
        self._late = None
        for consumer in self._attached:
            if consumer.channel is not None:
                consumer.channel.wake()

    def _limit(self, consumer: Consumer) -> int:
        # What brakes is never dropped, so all windows together must fit into the budget.
        return min(consumer.window_bytes, max(BLOCK_BYTES, self._budget.share_bytes))

    def _braking(self) -> list[Consumer]:
        if self._released:
            return []
        braking = [consumer for consumer in self._attached if consumer.brakes]
        if self._vanished:
            braking += [consumer for consumer, _ in self._vanished.values()]
        return braking

    def _changed(self) -> None:
        self._measure()
        self._on_brake()

    def _measure_again(self) -> None:
        if self._budget.share_bytes != self._share_bytes:  # sessions came or went
            self._measure()

    def _measure(self) -> None:
        """Work out once for many pieces of output where the shell is paused and where it goes on."""
        self._share_bytes = self._budget.share_bytes
        braking = self._braking()
        self.log.keep_from = min((consumer.acked for consumer in braking), default=None)
        self._pause_at = min((consumer.acked + self._limit(consumer) for consumer in braking), default=NOWHERE)
        self._resume_at = min((consumer.acked + self._limit(consumer) // 2 for consumer in braking), default=NOWHERE)

    def _expire(self, viewer: str) -> None:
        self._drop_vanished(viewer)
        self._changed()

    def _drop_vanished(self, viewer: str) -> None:
        found = self._vanished.pop(viewer, None)
        if found is not None:
            found[1].cancel()
