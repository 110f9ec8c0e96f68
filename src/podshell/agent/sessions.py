"""One session, from its acceptance to its end: the state machine that everything else of a session hangs on.

It owns one shell after the other (shells.py; a lost one is replaced, F25), the output log and its consumers, the input streams and the
idle clock, for its life. `run` is one task. A shell that was lost is followed by a new one in the same container, with the next
incarnation, while log and offsets go on. session_table.py owns the sessions.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec

from podshell.agent.consumers import Consumer, ConsumerChannel, Consumers
from podshell.agent.ends import Outcome, Stop, blame_time, end_from, facts_of, facts_of_shell
from podshell.agent.idle import IdleStep
from podshell.agent.idle_watch import IdleWatch
from podshell.agent.inputs import InputStreams
from podshell.agent.output_log import OutputLog
from podshell.agent.preparing import Preparation, Ready
from podshell.agent.redraws import Redraws
from podshell.agent.remains import Remains
from podshell.agent.standing import Standing, idle_warning
from podshell.agent.stops import Stopping
from podshell.agent.surroundings import SessionSurroundings
from podshell.agent.target_reads import judge_exit, wait_for_target
from podshell.agent.targets import Gone, Leaving, TargetIdentity, target_state
from podshell.aio.backoff import Backoff
from podshell.kube.classify import Failed
from podshell.kube.exec_dial import ExecTarget
from podshell.kube.exec_ends import Lost, LostReason
from podshell.kube.lifeline import LifelineReport
from podshell.kube.objects import Pod
from podshell.kube.shells import CONTAINER_ENDED, Shell, ShellPlan
from podshell.wire.calls import OpenSession
from podshell.wire.messages import Attach, Attached, End, Facts, Notice
from podshell.wire.tools import MadeContainer

log = logging.getLogger(__name__)

# How a session ended, its last shell if there was one, and what became of that.
_Lived = tuple[Outcome, Shell | None, LifelineReport | None]
_COMMAND_LOST = "the cluster's agent was restarted while the command ran; it was ended and is not run a second time"


class Session:
    """A session. `target` is where it runs; `opening` what was asked.

    Args:
        preparation: makes the container of a debug or node session; `target` is what is known before.
        on_target: told when `target` changes.
    """

    def __init__(
        self,
        opening: OpenSession,
        target: TargetIdentity,
        around: SessionSurroundings,
        preparation: Preparation | None = None,
        on_target: Callable[[TargetIdentity], None] = lambda _target: None,
    ) -> None:
        self.opening = opening
        self.target = target
        self.state = "opening"
        # a shell that its holder has kept is the same shell: it is counted on only if it is not found
        kept = opening.predecessor is not None and opening.predecessor.holder != ""
        self.incarnation = opening.incarnation - 1 if kept else opening.incarnation
        self.ended_with: End | None = None
        self.goes_on_elsewhere = False
        self.log = OutputLog(around.ring_bytes, around.budget)
        self._redraws = Redraws(around.clock, self._redraw, wanted=opening.tty)
        self.consumers = Consumers(self.log, around.budget, around.clock, on_brake=self._apply_brake, on_gap=self._redraws.soon)
        self._around = around
        self._clock = around.clock
        self._inputs = InputStreams()
        self._idle = IdleWatch(opening.idle_timeout_seconds, around.clock, self._note_idle)
        self._size = (opening.cols, opening.rows)
        self._shell: Shell | None = None
        self.settled = asyncio.Event()
        self._stopping = Stopping()
        self._until_stop = self._stopping.until_stop
        self._remains = Remains(around.cluster, opening)
        self._preparation = preparation
        self._making = False
        self._on_target = on_target
        self._ready: Ready | None = None
        self._resume = ""  # the nonce of a held shell to go on with
        self._standing = Standing(f"connecting to {target.container} in {target.pod}", self.incarnation)
        self.consumers.expect_owner()

    # -- from outside -----------------------------------------------------------------------------------------------

    def stop(self, stop: Stop) -> None:
        """End the session; the first reason counts."""
        self._stopping.stop(stop)

    def attach(self, attach: Attach, channel: ConsumerChannel) -> Consumer:
        """Add a consumer and answer it with Attached."""
        start, reset, lost = self.log.place(attach.resume, self._around.epoch)
        consumer = self.consumers.attach(attach.viewer, attach.role, attach.window, attach.visible, start)
        consumer.channel = channel
        stream = self._inputs.stream(attach.viewer) if consumer.owner else None
        if consumer.owner and attach.cols is not None and attach.rows is not None:
            self.resize(attach.cols, attach.rows)
        attached = Attached(
            session=self.opening.session,
            epoch=self._around.epoch,
            incarnation=self.incarnation,
            state=self.state,
            start=start,
            head=self.log.head,
            input_taken=stream.received if stream is not None else 0,
            input_limit=stream.limit if stream is not None else 0,
            reset=reset,
            lost=lost,
            cols=self._size[0],
            rows=self._size[1],
            idle_timeout_seconds=self.opening.idle_timeout_seconds,
        )
        channel.accept(attached, consumer, attach.window)
        self._greet(consumer, channel, repaint=start > 0 and reset)
        return consumer

    def receive_input(self, consumer: Consumer, offset: int, data: bytes | memoryview, *, auto: bool, end: bool = False) -> None:
        """Take typed bytes; only an owner's link has credit for them. `end`: nothing follows; a terminal has no such thing."""
        if not consumer.owner:
            return
        if not auto:
            self.note_activity()
        new = self._inputs.receive(consumer.viewer, offset, data)
        if end and not self.opening.tty:
            self._inputs.end()
        if new or end:
            self._flush_input()

    def resize(self, cols: int, rows: int) -> None:
        self._size = (cols, rows)
        if self._shell is not None:
            self._shell.resize(cols, rows)

    def note_activity(self) -> None:
        """The user is there: typing and "stay"."""
        self._idle.touch()

    def note_pod(self, pod: Pod | None) -> None:
        """Look at a change of the pod; None: it is gone."""
        if self._making:
            return  # whoever waits for its start tells why it does not, and may make another one
        match target_state(self.target, pod):
            case Gone() if self._joining:
                pass  # its exec says so, too, and another container is made
            case Gone(text=text):
                self.stop(Stop("target_gone", text))
            case Leaving() as leaving if self._standing.leaving is None:
                self.consumers.tell(self._standing.leave(leaving))
            case _:
                pass

    def tell_viewers(self) -> None:
        """Tell everybody how many look on."""
        self.consumers.tell(Notice("viewers", {"owners": self.consumers.owners, "observers": self.consumers.observers}))

    def dispose(self) -> None:
        """Give back what an ended session still holds."""
        self.consumers.finish()
        self.log.close()

    # -- from its shell ---------------------------------------------------------------------------------------------

    def shell_output(self, data: bytes | memoryview) -> None:
        self.log.append(data)
        if self.opening.output_is_activity:
            self.note_activity()
        self._apply_brake()
        self.consumers.wake()

    def shell_errors(self, data: bytes | memoryview) -> None:
        """A session has one stream of output: both of a command's are in it, as on a terminal."""
        self.shell_output(data)

    def shell_writable(self) -> None:
        self._flush_input()

    # -- from its preparation ---------------------------------------------------------------------------------------

    def note_progress(self, phase: str, text: str) -> None:
        self.consumers.tell(self._standing.progress(phase, text))

    def note_made(self, made: MadeContainer, target: TargetIdentity) -> None:
        self.target = target
        self._on_target(target)
        if (notice := self._standing.made(made)) is not None:
            self.consumers.tell(notice)
        self._tell_fact("made", {name: value for name, value in msgspec.structs.asdict(made).items() if value})

    # -- its life ---------------------------------------------------------------------------------------------------

    async def run(self) -> End:
        """Live until the end, and return it. Cancelling drops the connections, which lets the lifelines act."""
        try:
            outcome, shell, report = await self._live()
        finally:
            if self._shell is not None:
                self._shell.abort()
            self._idle.cancel()
            self._redraws.cancel()
        stays = await self._tear_down()
        managed, ended = (shell.managed, shell.ended) if shell is not None else (True, True)
        end = end_from(outcome, report, managed=managed, ended=ended, offers_debug=self._around.offers_debug)
        end = blame_time(end, self.target.expires, self._clock.wall_ms())
        if stays:
            end = msgspec.structs.replace(end, unkilled=[*end.unkilled, stays])
        self.settle(end)
        return end

    async def _tear_down(self) -> str:
        """Remove the container that was made; returns what stays. An agent that is followed by another leaves it to that."""
        if self._preparation is None or self.goes_on_elsewhere:
            return ""
        return await self._preparation.end()

    def settle(self, end: End) -> None:
        """Note the end and tell everybody, behind the last byte of output."""
        if self.goes_on_elsewhere and end.reason == "agent_stopped":
            self.state = "restarting"  # its viewers lose the link, and come back to the new shell
            self.settled.set()
            return
        self.state = "ended"
        self.ended_with = end
        self._inputs.drop_waiting()
        self._tell_fact("ended", facts_of(end))
        log.info("a session ended", extra={"session": self.opening.session, "reason": end.reason, "exit_code": end.exit_code})
        self.consumers.end(end)
        self.settled.set()

    async def _live(self) -> _Lived:
        self.consumers.tell(self._standing.doing)
        if (refused := await self._prepare()) is not None:
            return refused, None, None
        if not self._resume and (stop := await self._until_stop(self._remains.end_predecessor(self.target))) is not None:
            return stop, None, None
        if self.opening.predecessor is not None and not self._may_repeat:
            return Lost(LostReason.TRANSPORT, _COMMAND_LOST), None, self._remains.report
        backoff = self._around.backoff()
        while True:
            shell = self._shell = self._new_shell()
            lived = await self._follow(shell, await self._live_once(shell, backoff), backoff)
            if lived is not None:
                return lived

    async def _follow(self, shell: Shell, outcome: Outcome, backoff: Backoff) -> _Lived | None:
        """Do what the end of a shell asks for; returns how the session ends, or None: another shell comes."""
        if self._joining and isinstance(outcome, Failed) and outcome.kind in CONTAINER_ENDED:
            shell.abort()
            refused = await self._prepare()
            return None if refused is None else (refused, None, None)
        if isinstance(outcome, Stop) and (outcome.reason == "target_gone" or (shell.held and self.goes_on_elsewhere)):
            shell.abort()  # there is nobody left to ask, or the shell is left to the agent that comes next
            return outcome, shell, None
        if isinstance(outcome, Lost) and self._may_repeat and shell.held:
            return await self._find_held_again(shell, outcome, backoff)
        if isinstance(outcome, Lost) and self._may_repeat and shell.managed:
            return await self._replace(shell, outcome, backoff)
        if isinstance(outcome, Stop):
            self.consumers.release()
        report = await shell.close()
        outcome = await judge_exit(self._around.cluster, self.target, outcome)
        if isinstance(outcome, Lost) and not self._may_repeat:
            outcome = Lost(outcome.reason, f"{outcome.message}; it was ended and is not run a second time")
        return outcome, shell, await self._end_rest(shell) or report

    async def _find_held_again(self, shell: Shell, lost: Lost, backoff: Backoff) -> _Lived | None:
        """The connection to a held shell is lost, and not the shell: it is asked for again as soon as that can be done."""
        self._note_lost(lost, held=True)
        shell.abort()
        self._resume = shell.nonce
        if (again := await self._until_target(lost, backoff)) is None:
            return None
        gone = isinstance(again, Stop) and (again.reason == "target_gone" or self.goes_on_elsewhere)
        return again, shell, None if gone else await self._remains.end(self.target, shell.nonce, shell.leader)

    async def _replace(self, shell: Shell, lost: Lost, backoff: Backoff) -> _Lived | None:
        """A shell is lost: what is left of it is ended, and a new one comes in the same container as soon as that can be done."""
        self._note_lost(lost)
        report = await shell.close()
        again = await self._until_target(lost, backoff)
        if not (isinstance(again, Stop) and again.reason == "target_gone"):
            report = await self._end_rest(shell) or report
        if again is not None:
            return again, shell, report
        self._remains.report = report
        self.incarnation += 1
        return None

    async def _until_target(self, lost: Lost, backoff: Backoff) -> Outcome | None:
        """Wait until a shell can be tried again; returns the end instead when there is no use."""
        return await self._until_stop(wait_for_target(self._around.cluster, self.target, lost, backoff, self._clock))

    async def _end_rest(self, shell: Shell) -> LifelineReport | None:
        """End what a closed shell may have left in the container, where its own lifeline did not say that nothing is."""
        return await self._remains.end(self.target, shell.nonce, shell.leader) if shell.may_remain else None

    @property
    def _joining(self) -> bool:
        """No shell has begun yet in a container that was there before: its last user's waiter may end it at any moment."""
        return self.state == "opening" and self._ready is not None and self._ready.made.reused

    async def _prepare(self) -> Outcome | None:
        """Have the container of a debug or node session made; returns why there is none."""
        if self._preparation is None:
            return None
        self._making = True
        ready = await self._until_stop(self._preparation.make(self))
        self._making = False
        if not isinstance(ready, Ready):
            return ready
        self._ready, self.target = ready, ready.target
        self._on_target(ready.target)
        if self._may_repeat:
            self._resume = ready.holder
        if not self._resume:
            self.incarnation = self.opening.incarnation
        self.note_progress("connecting", f"connecting to {ready.target.container} in {ready.target.pod}")
        return None

    async def _live_once(self, shell: Shell, backoff: Backoff) -> Outcome:
        """Open one shell and let it live; return why it ended."""
        again = self.state == "restarting"
        opened = await self._until_stop(shell.open())
        if isinstance(opened, Stop):
            return opened
        if opened is not None:
            # It was there before: the API server or the node is away for a while.
            return Lost(LostReason.TRANSPORT, opened.message) if again and opened.retryable else opened
        backoff.connected(self._clock.time())
        self._note_started(shell, again)
        return await self._until_stop(shell.wait())

    def _new_shell(self) -> Shell:
        target = ExecTarget(self.target.namespace, self.target.pod, self.target.container)
        asked: Sequence[str] = self.opening.command
        command = self._preparation.words(asked) if self._preparation is not None else asked
        tools = self._ready is not None
        plan = ShellPlan(target, command, self.opening.tty, tools=tools, resume=self._resume, windows=self.target.windows)
        shell = Shell(self._around.cluster, plan, self, self._clock, size=self._size)
        shell.set_paused(self._standing.paused)
        return shell

    def _note_started(self, shell: Shell, again: bool) -> None:
        self.state = "running"
        if self._preparation is not None and not again:
            self.note_activity()
        if self._resume and not shell.resumed:
            self.incarnation += 1  # it was not there any more
        self._note_held(shell)
        shell.resize(*self._size)
        facts = facts_of_shell(self.target, self.incarnation, shell)
        kind = "resumed" if shell.resumed else "restarted" if self.incarnation > 1 else "opened"
        if kind == "restarted":  # what its predecessor left is told here, as nobody asks for that again
            facts |= {"cause": self._standing.cause, "left": self._remains.report.left, "unkilled": self._remains.report.unkilled}
        self._tell_fact(kind, facts)
        log.info("a shell started", extra={"session": self.opening.session, "incarnation": self.incarnation})
        told = self._standing.started(self.incarnation, self.log.head, again=again, resumed=shell.resumed)
        if told is not None:
            self.consumers.tell(told)
        if not shell.managed:
            self.consumers.tell(self._standing.run_unmanaged(windows=shell.windows))
        elif self._ready is not None and self.opening.tty and not shell.held and (unheld := self._standing.run_unheld()) is not None:
            self.consumers.tell(unheld)
        self._flush_input()

    def _note_held(self, shell: Shell) -> None:
        if self._ready is not None and shell.held != self._ready.made.held:
            made = msgspec.structs.replace(self._ready.made, held=shell.held)
            self._ready = Ready(self._ready.target, made, self._ready.holder)
            self.note_made(made, self._ready.target)

    def _note_lost(self, lost: Lost, *, held: bool = False) -> None:
        self.state = "restarting"
        log.warning("a shell was lost", extra={"session": self.opening.session, "incarnation": self.incarnation, "cause": lost.message})
        for viewer in self._inputs.drop_waiting():
            self._send_input_window(viewer)
        self.consumers.tell(self._standing.restarting(lost.message, held=held))

    # -- private ----------------------------------------------------------------------------------------------------

    @property
    def _may_repeat(self) -> bool:
        """A lost shell is replaced; a command is not run twice: it may have been a migration."""
        return not self.opening.command

    def _greet(self, consumer: Consumer, channel: ConsumerChannel, *, repaint: bool) -> None:
        """Tell a new consumer what others were told before it came."""
        if self.ended_with is not None:
            consumer.end(self.ended_with)
            return
        for notice in self._standing.greeting(self.state, self._idle):
            channel.send(notice)
        if repaint:
            self._redraws.soon()
        self.tell_viewers()

    def _flush_input(self) -> None:
        shell = self._shell
        if self.state != "running" or shell is None:
            return
        while shell.writable and (piece := self._inputs.next_piece()) is not None:
            viewer, data = piece
            shell.send_input(data)
            self._send_input_window(viewer)
        if self._inputs.at_end:
            shell.end_input()

    def _send_input_window(self, viewer: str) -> None:
        stream = self._inputs.stream(viewer)
        self.consumers.send_input_window(viewer, stream.taken, stream.limit)

    def _apply_brake(self) -> None:
        paused = not self.consumers.may_resume() if self._standing.paused else self.consumers.must_pause()
        if paused != self._standing.paused:
            self._standing.paused = paused
            if self._shell is not None:
                self._shell.set_paused(paused)
            if self.state != "ended":
                self.consumers.tell(Notice("reading_paused" if paused else "reading_resumed"))

    def _redraw(self) -> None:
        if self._shell is not None:
            self._shell.redraw()

    def _note_idle(self, step: IdleStep) -> None:
        if self._preparation is not None and self._shell is None:
            self.note_activity()  # nobody can type yet: how long that may take, the time to start says
            return
        match step:
            case IdleStep.WARN:
                self.consumers.tell(idle_warning(self._idle))
            case IdleStep.CLEARED:
                self.consumers.tell(Notice("idle_cleared"))
            case IdleStep.CLOSE:
                self.stop(Stop("idle", f"nothing was typed for {self._idle.timeout_seconds:.0f} s"))

    def _tell_fact(self, kind: str, data: Facts) -> None:
        self._around.facts.tell(self.opening.session, kind, self._clock.wall_ms(), data)
