"""All sessions of an agent: who may come in, who is there, and what an ended one leaves for a while.

Owns each session and its task. An ended session stays for a minute with its output, so that a terminal that comes late (a quick
command, a reconnect at the wrong moment) still gets the last bytes and the end.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict

from podshell.agent.ends import Stop
from podshell.agent.preparing import Accepted, Accepting
from podshell.agent.refusals import refusal_from_error
from podshell.agent.sessions import Session
from podshell.agent.surroundings import SessionSurroundings
from podshell.agent.targets import TargetIdentity, choose_container, identify
from podshell.aio.tasks import TaskSet
from podshell.kube.errors import KubeError
from podshell.kube.objects import Pod
from podshell.wire.calls import OpenedSession, OpenSession
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.messages import End

log = logging.getLogger(__name__)

# A terminal's ticket lives 30 s; the rest is for one reconnect.
LINGER_SECONDS = 60.0
_REMEMBERED_ENDS = 1000
# The gateway waits 2 s for the answer (design.md 2).
_ACCEPT_SECONDS = 1.7


class Sessions:
    """The table. `limit` counts living sessions; `tools` judges debug and node sessions."""

    def __init__(self, around: SessionSurroundings, tasks: TaskSet, tools: Accepting, *, limit: int) -> None:
        self._around = around
        self._tools = tools
        self._tasks = tasks
        self._limit = limit
        self._sessions: dict[str, Session] = {}
        self._opening: set[str] = set()
        self._ends: OrderedDict[str, End] = OrderedDict()
        self._places: dict[str, tuple[str, str]] = {}
        self._by_pod: dict[tuple[str, str], set[str]] = {}
        self._stopping = False

    def live(self) -> list[str]:
        """Return the ids of sessions that have not ended."""
        return [*(name for name, session in self._sessions.items() if session.ended_with is None), *self._opening]

    async def open(self, opening: OpenSession) -> OpenedSession | Refusal:
        """Accept a session; its shell opens afterwards. Asking again for one that is there is answered in the same way."""
        there = self._sessions.get(opening.session)
        if there is not None and there.ended_with is None:
            return self._accepted(there, "")
        if (refusal := self._refusal(opening)) is not None:
            return refusal
        self._opening.add(opening.session)
        try:
            async with asyncio.timeout(_ACCEPT_SECONDS):
                accepted = await (self._look(opening) if opening.kind == "exec" else self._tools.accept(opening))
        except KubeError as error:
            place = f"the pod {opening.namespace}/{opening.pod}" if opening.pod else f"the node {opening.node}"
            return refusal_from_error(error, subject=place)
        except TimeoutError:
            text = "the API server did not answer in time"
            return Refusal(ErrorCode.API_SERVER_UNREACHABLE, RefusedBy.AGENT, text, "try again; look at the API server if it goes on")
        finally:
            self._opening.discard(opening.session)
        return accepted if isinstance(accepted, Refusal) else self._begin(opening, accepted)

    def find(self, session: str) -> Session | Refusal:
        """Return a session that lives, or ended a moment ago."""
        found = self._sessions.get(session)
        if found is not None:
            return found
        if (end := self._ends.get(session)) is not None:
            text = f"the session has ended ({end.reason}{f': {end.message}' if end.message else ''})"
            return Refusal(ErrorCode.SESSION_ENDED, RefusedBy.AGENT, text, "open a new shell", {"reason": end.reason})
        text = "this agent does not have the session: it was restarted, or the session ended long ago"
        return Refusal(ErrorCode.SESSION_UNKNOWN, RefusedBy.AGENT, text, "open a new shell")

    def close(self, session: str, reason: str, message: str) -> Refusal | None:
        """Begin to end a session; ending one that has ended is fine."""
        found = self.find(session)
        if isinstance(found, Refusal):
            return found if found.code is ErrorCode.SESSION_UNKNOWN else None
        found.stop(Stop(reason, message))
        return None

    def note_pod(self, namespace: str, name: str, pod: Pod | None) -> None:
        """A pod changed, or is gone (None)."""
        for session in list(self._by_pod.get((namespace, name), ())):
            self._sessions[session].note_pod(pod)

    def debugging_in(self, namespace: str, pod: str) -> list[tuple[OpenSession, str]]:
        """List the live debug sessions of a pod, each with its container; that is empty until it is made."""
        here = [self._sessions[name] for name in self._by_pod.get((namespace, pod), ())]
        return [(one.opening, one.target.container) for one in here if one.opening.kind == "debug" and one.ended_with is None]

    def stop_all(self, stop: Stop) -> list[Session]:
        """Begin to end every living session; returns them."""
        living = [session for session in self._sessions.values() if session.ended_with is None]
        for session in living:
            session.stop(stop)
        return living

    async def stop(self, patience_seconds: float, *, for_good: bool) -> None:
        """End all shells because the agent stops; those that do not end in time are left to their lifelines.

        `for_good`: the sessions end with them, and everybody is told. Else the agent that comes next goes on with them (F25).
        """
        self._stopping = True
        if not for_good:
            for session in self._sessions.values():
                session.goes_on_elsewhere = True
        living = self.stop_all(Stop("agent_stopped", "the agent of this cluster was stopped"))
        if not living:
            return
        try:
            async with asyncio.timeout(patience_seconds):
                await asyncio.gather(*(session.settled.wait() for session in living))
        except TimeoutError:
            late = sum(not session.settled.is_set() for session in living)
            log.warning("sessions are left to their lifelines", extra={"sessions": late})

    def _refusal(self, opening: OpenSession) -> Refusal | None:
        if self._stopping:
            return Refusal(ErrorCode.GOING_AWAY, RefusedBy.AGENT, "the agent is being stopped", "try again in a moment")
        if opening.session in self._opening:
            return Refusal(ErrorCode.CONFLICT, RefusedBy.AGENT, "the session is being opened already", "wait for it")
        if len(self.live()) >= self._limit:
            text = f"this agent has {self._limit} sessions, which is its limit"
            return Refusal(ErrorCode.LIMIT_REACHED, RefusedBy.AGENT, text, "close shells that nobody needs, or raise the agent's limit")
        return None

    async def _look(self, opening: OpenSession) -> Accepted | Refusal:
        """Look at the pod of an exec session."""
        pod = await self._around.cluster.read_pod(opening.namespace, opening.pod)
        container = choose_container(pod, opening.container)
        if isinstance(container, Refusal):
            return container
        # Whether it runs is left to the exec: the runtime says why not in its own words.
        return Accepted(identify(pod, container), pod.spec.node_name)

    def _begin(self, opening: OpenSession, accepted: Accepted) -> OpenedSession:
        name, target = opening.session, accepted.target
        session = Session(opening, target, self._around, accepted.preparation, lambda target: self._note_target(name, target))
        self._sessions[name] = session
        self._ends.pop(name, None)
        self._note_target(name, target)
        self._tasks.start(f"session {opening.session}", self._run(session))
        log.info("a session begins", extra={"session": opening.session, "user": opening.user, "incarnation": opening.incarnation})
        return self._accepted(session, accepted.node)

    def _note_target(self, name: str, target: TargetIdentity) -> None:
        """Have a session told of changes of the pod that it is in."""
        self._forget_target(name)
        if target.pod:
            self._places[name] = (target.namespace, target.pod)
            self._by_pod.setdefault((target.namespace, target.pod), set()).add(name)

    def _forget_target(self, name: str) -> None:
        if (place := self._places.pop(name, None)) is not None:
            self._by_pod[place].discard(name)
            if not self._by_pod[place]:
                del self._by_pod[place]

    def _accepted(self, session: Session, node: str) -> OpenedSession:
        return OpenedSession(session.opening.session, session.target.container, session.target.pod_uid, node)

    async def _run(self, session: Session) -> None:
        try:
            await session.run()
        except Exception:  # supervisor: a bug in one session must end that session, with a word to its viewers
            log.exception("a session failed", extra={"session": session.opening.session})
            text = "the agent failed inside; its log has the details"
            refusal = Refusal(ErrorCode.INTERNAL, RefusedBy.AGENT, text, "open a new shell")
            session.settle(End("failed", None, text, "open a new shell", refusal))
        name = session.opening.session
        self._forget_target(name)
        self._around.clock.call_later(LINGER_SECONDS, lambda: self._dispose(session))

    def _dispose(self, session: Session) -> None:
        session.dispose()
        name = session.opening.session
        if self._sessions.get(name) is session:
            del self._sessions[name]
        if session.ended_with is not None:
            self._ends[name] = session.ended_with
            if len(self._ends) > _REMEMBERED_ENDS:
                self._ends.popitem(last=False)
