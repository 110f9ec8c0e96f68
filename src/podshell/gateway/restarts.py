"""Restarts (F25): when an agent comes back in a new life, or another of its cluster stands in, its sessions go on there.

A debug or node session goes on with the shell that its holder has kept, others get a new one.

The new agent is told of the old shell, so that it ends what is left of it. Policy is asked again. Until then the session is `restarting`,
and terminals that come in are told to try again.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec

from podshell.aio.tasks import TaskSet
from podshell.gateway.agent_link import AgentLink
from podshell.gateway.answers import Refused
from podshell.gateway.authority import OPENINGS, Authority
from podshell.gateway.credentials import Credentials
from podshell.gateway.journal import Journal, SessionRecord, updating
from podshell.gateway.links import LinkRegistry
from podshell.gateway.sessions import Sessions
from podshell.wire.calls import OpenedSession as Accepted
from podshell.wire.errors import ErrorCode
from podshell.wire.messages import End

log = logging.getLogger(__name__)

# At its start an agent is busy with its caches and, after a crash, with all its sessions at once.
RESTART_SECONDS = 15.0
AT_ONCE = 8


class Restarts:
    """Moves sessions to the agents that are there."""

    def __init__(
        self,
        journal: Journal,
        authority: Authority,
        links: LinkRegistry,
        sessions: Sessions,
        credentials: Credentials,
        tasks: TaskSet,
        takeover_seconds: float,
    ) -> None:
        self._journal = journal
        self._authority = authority
        self._links = links
        self._sessions = sessions
        self._credentials = credentials
        self._tasks = tasks
        self._takeover_seconds = takeover_seconds
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._moving: set[str] = set()
        links.on_change(self._note_change)

    def _note_change(self, link: AgentLink, up: bool) -> None:
        if self._tasks.closed:
            return
        if up:
            self._tasks.start(f"adopt {link.place.instance}", self._adopt(link))
        else:
            delay = 0.0 if link.leaving else self._takeover_seconds
            self._tasks.start(f"hand over {link.place.instance}", self._hand_over_later(link.place.cluster, delay))

    async def _adopt(self, link: AgentLink) -> None:
        """Restart what an earlier life of this agent had at once, and what an agent had that stays away after a while."""
        records = await self._journal.live(link.place.cluster)
        earlier = [r for r in records if r.instance == link.place.instance and r.epoch != link.place.epoch]
        here = [r for r in records if (r.instance, r.epoch) == (link.place.instance, link.place.epoch)]
        # the link was lost while they were being restarted: asking again is answered in the same way
        half_way = [r for r in here if r.state == "restarting" and r.revoked is None]
        await self._move([*earlier, *half_way], link)
        for record in here:
            # ended or revoked while the link was away
            if record.revoked is not None:
                await self._sessions.close_stray(link, record.id, record.revoked)
        if any(r.instance != link.place.instance for r in records):
            await self._hand_over_later(link.place.cluster, self._takeover_seconds)

    async def _hand_over_later(self, cluster: str, delay_seconds: float) -> None:
        await asyncio.sleep(delay_seconds)
        links = [link for link in self._links.of_cluster(cluster) if not link.leaving]
        if not links:
            return  # nobody to take over: the sessions wait for whoever comes
        orphans = [r for r in await self._journal.live(cluster) if self._links.instance(cluster, r.instance) is None]
        await self._move(orphans, links[0])

    async def _move(self, records: list[SessionRecord], link: AgentLink) -> None:
        async with asyncio.TaskGroup() as group:
            for record in records:
                group.create_task(self._restart_once(record, link), name=f"restart {record.id}")

    async def _restart_once(self, record: SessionRecord, link: AgentLink) -> None:
        if record.id in self._moving:
            return
        self._moving.add(record.id)
        try:
            async with self._at_once:
                await self._restart(record, link)
        except Refused as error:
            if error.refusal.code is ErrorCode.LINK_LOST:
                return  # the next link of the cluster takes it up
            end = End("lost", message=error.refusal.message, next_step=error.refusal.next_step or "open a new one", refusal=error.refusal)
            await self._sessions.note_end(record, end)
        finally:
            self._moving.discard(record.id)

    async def _restart(self, record: SessionRecord, link: AgentLink) -> None:
        if record.revoked is not None:
            # its shell is gone with the agent's earlier life; what may be left of it, the lifeline ended
            await self._sessions.note_end(record, End("revoked" if record.revoked != "closed" else "closed", message=record.revoked))
            return
        place = link.place
        again = (record.instance, record.epoch) == (place.instance, place.epoch)
        incarnation = record.incarnation if again else record.incarnation + 1
        moved = msgspec.structs.replace(record, incarnation=incarnation, instance=place.instance, epoch=place.epoch, state="restarting")
        subject = await self._credentials.subject(record.user)
        permit = await self._authority.permit(
            subject,
            OPENINGS[record.kind],
            moved.target,
            place,
            params=msgspec.msgpack.encode(moved.opening()),
            reason=record.reason,
            details={"incarnation": moved.incarnation, "why": "its agent was restarted or replaced"},
            also=(updating(record.id, state="restarting", incarnation=moved.incarnation, instance=place.instance, epoch=place.epoch),),
        )
        self._journal.publish(record)
        accepted = await link.call(permit, Accepted, timeout_seconds=RESTART_SECONDS)
        if record.kind == "exec":  # of others the fact `made` tells
            await self._journal.update(record, container=accepted.container, pod_uid=accepted.pod_uid, node=accepted.node)
