"""What belongs to a link as long as it is up: the intake of its facts and syncs, and the recorders of its sessions."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from sqlalchemy.exc import SQLAlchemyError

from podshell.aio.tasks import TaskSet
from podshell.gateway.agent_link import AgentLink
from podshell.gateway.audit import Audit
from podshell.gateway.facts import FactKeeper
from podshell.gateway.journal import Journal
from podshell.gateway.links import LinkRegistry
from podshell.gateway.recorder import Recordings
from podshell.gateway.sessions import Sessions
from podshell.wire import messages as m
from podshell.wire.link import Message

log = logging.getLogger(__name__)

# An agent keeps 10,000 facts at most and tells each once a link.
INBOX_MESSAGES = 12_000
LAST_FACTS_SECONDS = 2.0


class LinkKeeper:
    """Carries links."""

    def __init__(self, journal: Journal, audit: Audit, sessions: Sessions, links: LinkRegistry, recordings: Recordings) -> None:
        self._journal = journal
        self._audit = audit
        self._sessions = sessions
        self._links = links
        self._recordings = recordings
        self._inboxes: dict[AgentLink, asyncio.Queue[m.Fact | m.Sync]] = {}

    def receive(self, link: AgentLink, message: Message) -> None:
        """Take a message of the link itself; never blocks."""
        match message:
            case m.Fact() | m.Sync():
                inbox = self._inboxes.get(link)
                if inbox is None:
                    return
                if inbox.full():
                    # an acknowledgement counts for all facts before: none may be left out
                    link.break_off("too many facts at once")
                    return
                inbox.put_nowait(message)
            case m.Draining():
                self._links.note_draining(link)
            case _:
                pass

    async def carry(self, link: AgentLink) -> None:
        """Carry a welcomed link until its socket is closed."""
        inbox: asyncio.Queue[m.Fact | m.Sync] = asyncio.Queue(INBOX_MESSAGES)
        self._inboxes[link] = inbox
        try:
            async with TaskSet(f"facts of {link.place.cluster}/{link.place.instance}") as tasks:
                tasks.start("intake", self._take_in(link, inbox), endless=True)
                tasks.start("recorders", self._recordings.resume(link))
                await link.run()
                self._links.remove(link)  # nobody may choose it any more while its last facts are written
                # what it said last counts: the facts of an agent that stops come with its goodbye, and are told no second time
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LAST_FACTS_SECONDS):
                        await inbox.join()
        finally:
            del self._inboxes[link]

    async def _take_in(self, link: AgentLink, inbox: asyncio.Queue[m.Fact | m.Sync]) -> None:
        keeper = FactKeeper(link, self._journal, self._audit, self._sessions)
        while True:
            message = await inbox.get()
            try:
                if isinstance(message, m.Sync):
                    await keeper.reconcile(message)
                else:
                    started = await keeper.keep(message)
                    if started is not None and started.record:
                        await self._recordings.start(link, started)
                inbox.task_done()
            except SQLAlchemyError:
                # not acknowledged, nor is any later one: the agent tells all of them again on its next link
                log.exception("a fact could not be written", extra={"cluster": link.place.cluster})
                link.break_off("the gateway could not write what it was told")
                await asyncio.get_running_loop().create_future()
