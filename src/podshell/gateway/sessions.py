"""Sessions at the gateway's side: opening, finding, closing and revoking them. The shells themselves belong to the agents."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable

import msgspec
from sqlalchemy import Delete, Update

from podshell.gateway.agent_link import AgentLink
from podshell.gateway.answers import Refused, refused
from podshell.gateway.audit import Audit, AuditEntry, Outcome
from podshell.gateway.authority import ATTACH, CLOSE, OPENINGS, PLANS, Authority
from podshell.gateway.clusters import Clusters
from podshell.gateway.credentials import Credentials
from podshell.gateway.database import unix_ms
from podshell.gateway.journal import Journal, SessionRecord, ending, inserting, removing
from podshell.gateway.links import RETRY_MS, LinkRegistry
from podshell.gateway.models import OpenSessionBody
from podshell.gateway.openings import asked_details, check_body, check_plan, details_of, new_record, plan_of, target_of
from podshell.gateway.settings import GatewaySettings
from podshell.policy.rules import Subject
from podshell.wire.calls import CloseSession
from podshell.wire.calls import OpenedSession as Accepted
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.messages import End
from podshell.wire.tools import DebugPlan

log = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0
# The agent reads the pod, its namespace or the node first.
PLAN_SECONDS = 5.0
# A session that ended a moment ago can still be attached to, for the last bytes of a terminal that was cut off.
LATE_ATTACH_MS = 60_000


class Sessions:
    """Opens, finds, closes and revokes sessions."""

    def __init__(
        self,
        settings: GatewaySettings,
        journal: Journal,
        audit: Audit,
        authority: Authority,
        links: LinkRegistry,
        clusters: Clusters,
        credentials: Credentials,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._audit = audit
        self._authority = authority
        self._links = links
        self._clusters = clusters
        self._credentials = credentials
        self._entrants: dict[str, SessionRecord] = {}
        self._entering = asyncio.Lock()
        # told of each session that must show nothing more from now on
        self.on_revoked: Callable[[str, Refusal], None] = lambda _session, _refusal: None

    async def open(self, subject: Subject, body: OpenSessionBody) -> SessionRecord:
        """Open a shell: decide, write the audit, sign, ask the agent. Returns once the agent has accepted; the shell opens afterwards.

        Raises:
            Refused: bad_request, what has no meaning for this kind; by policy, limits, the agent or what is behind it; agent_offline;
                agent_busy.
        """
        check_body(body)
        operation = OPENINGS[body.kind]
        target = target_of(body, secrets.token_hex(16), subject.name)
        await self._authority.check(subject, operation, target, body.reason)
        if not await self._clusters.exists(body.cluster):
            raise refused(ErrorCode.CLUSTER_UNKNOWN, f"there is no cluster {body.cluster}", "choose one of the list")
        link = self._links.pick(body.cluster, for_session=True)
        record = new_record(subject.name, body, link.place, target.session, self._settings)
        params = msgspec.msgpack.encode(record.opening())
        await self._enter(record)
        try:
            permit = await self._authority.permit(
                subject, operation, target, link.place, params=params, reason=body.reason, details=details_of(record),
                also=(inserting(record),),
            )  # fmt: skip
        finally:
            del self._entrants[record.id]
        try:
            accepted = await link.call(permit, Accepted, timeout_seconds=self._settings.agent_answer_seconds)
        except Refused as error:
            await self._note_refused(subject, record, error)
            raise
        # of a debug or node session the container is made afterwards: the fact `made` may have told of it by now
        known = {name: value for name, value in msgspec.structs.asdict(accepted).items() if name != "session" and value}
        return await self._journal.update(record, **known)

    async def plan(self, subject: Subject, body: OpenSessionBody) -> DebugPlan:
        """Ask the agent what a debug or node session would make; nothing is made.

        Raises:
            Refused: as `open`; a refusal of the ceiling is part of the plan.
        """
        check_plan(body)
        operation = PLANS[body.kind]
        target = target_of(body, "", subject.name)
        await self._authority.check(subject, operation, target)
        if not await self._clusters.exists(body.cluster):
            raise refused(ErrorCode.CLUSTER_UNKNOWN, f"there is no cluster {body.cluster}", "choose one of the list")
        link = self._links.pick(body.cluster)
        wanted = plan_of(body, subject.name)
        details = asked_details(wanted.debug, wanted.node)
        permit = await self._authority.permit(
            subject, operation, target, link.place, params=msgspec.msgpack.encode(wanted), details=details
        )  # fmt: skip
        return await link.call(permit, DebugPlan, timeout_seconds=PLAN_SECONDS)

    async def _enter(self, record: SessionRecord) -> None:
        """Check the limits; from here on the session counts, although it is not in the journal yet."""
        # one at a time: who entered and was written while we count would be in neither number
        async with self._entering:
            user, cluster = record.user, record.cluster
            entrants = dict(self._entrants)
            by_user, by_cluster = await self._journal.count_live(user, cluster, but=entrants.keys())
            by_user += sum(entrant.user == user for entrant in entrants.values())
            by_cluster += sum(entrant.cluster == cluster for entrant in entrants.values())
            if by_user >= self._settings.sessions_per_user:
                raise refused(ErrorCode.LIMIT_REACHED, f"you have {by_user} live sessions, the limit", "close some", retry_after_ms=5000)
            if by_cluster >= self._settings.sessions_per_cluster:
                text = f"the cluster has {by_cluster} live sessions, the limit"
                raise refused(ErrorCode.LIMIT_REACHED, text, "try again later", retry_after_ms=5000)
            self._entrants[record.id] = record

    async def _note_refused(self, subject: Subject, record: SessionRecord, error: Refused) -> None:
        refusal = error.refusal
        if refusal.code in (ErrorCode.AGENT_BUSY, ErrorCode.LINK_LOST):
            # nobody knows whether the agent has opened it; if so it hears that it is not wanted (facts.py)
            end = End("failed", message=refusal.message, refusal=refusal)
            statement: Update | Delete = ending(record.id, end, unix_ms())
        else:
            statement = removing(record.id)
        await self._authority.refused_by_agent(
            subject, OPENINGS[record.kind], record.target, refusal.code.value, refusal.refused_by.value, refusal.message, statement
        )
        self._journal.publish(record)

    async def list_for(self, subject: Subject, *, live_only: bool) -> list[SessionRecord]:
        """List the sessions of a user, newest first."""
        return await self._journal.of_user(subject.name, live_only=live_only)

    async def find(self, subject: Subject, session: str) -> SessionRecord:
        """Find a session of a user.

        Raises:
            Refused: session_unknown, also for a session of somebody else.
        """
        record = await self._journal.find(session)
        if record is None or record.user != subject.name:
            raise refused(ErrorCode.SESSION_UNKNOWN, "there is no such session", "open a new one")
        return record

    async def check_reachable(self, subject: Subject, session: str) -> SessionRecord:
        """Check that a terminal can attach to a session now.

        Raises:
            Refused: session_unknown, session_ended, forbidden_by_policy, agent_offline (with when to try again).
        """
        record = await self.find(subject, session)
        await self._authority.check(subject, ATTACH, record.target)
        if record.ended_ms is not None and unix_ms() - record.ended_ms > LATE_ATTACH_MS:
            end = record.end or End("lost")
            raise refused(ErrorCode.SESSION_ENDED, end.message or f"the session has ended ({end.reason})", "open a new one")
        if record.live:
            self.link_of(record)
        return record

    def link_of(self, record: SessionRecord) -> AgentLink:
        """Return the link to the agent that has a session.

        Raises:
            Refused: agent_offline, with when to try again.
        """
        link = self._links.at(record.cluster, record.instance, record.epoch)
        if link is None:
            text = f"the agent of the cluster {record.cluster} that has this session is not connected"
            raise refused(ErrorCode.AGENT_OFFLINE, text, "the session goes on; wait for the agent", retry_after_ms=RETRY_MS)
        return link

    async def close(self, subject: Subject, session: str) -> None:
        """End a session of a user. One whose agent is away ends when that is back.

        Raises:
            Refused: session_unknown, forbidden_by_policy, agent_offline, agent_busy.
        """
        record = await self.find(subject, session)
        if not record.live:
            return
        await self._authority.check(subject, CLOSE, record.target)
        try:
            link = self.link_of(record)
        except Refused:
            await self._journal.update(record, revoked="closed")
            raise
        await self.close_at(link, record, subject, "closed", "closed by its user")

    async def close_at(self, link: AgentLink, record: SessionRecord, subject: Subject, reason: str, message: str) -> None:
        """Ask an agent to end a session. A session that the agent does not know is over, too.

        Raises:
            Refused: forbidden_by_policy, link_lost, agent_busy.
        """
        params = msgspec.msgpack.encode(CloseSession(record.id, reason, message))
        permit = await self._authority.permit(subject, CLOSE, record.target, link.place, params=params, details={"why": reason})
        try:
            await link.call(permit, msgspec.Raw, timeout_seconds=CLOSE_SECONDS)
        except Refused as error:
            if error.refusal.code not in (ErrorCode.SESSION_UNKNOWN, ErrorCode.SESSION_ENDED):
                raise
            if record.live:
                await self.note_end(record, End(reason, message=message))

    async def note_end(self, record: SessionRecord, end: End, at_ms: int | None = None) -> None:
        """Write that a session has ended, to the journal and the audit, once."""
        now = unix_ms() if at_ms is None else at_ms
        current = await self._journal.find(record.id)
        if current is None or not current.live:
            return
        details: dict[str, str | int | list[str] | None] = {
            "reason": end.reason,
            "message": end.message,
            "exit_code": end.exit_code,
            "seconds": max(0, now - record.created_ms) // 1000,
            "left": list(end.left),
            "unkilled": list(end.unkilled),
        }
        outcome: Outcome = "failed" if end.reason in ("failed", "lost") else "done"
        entry = AuditEntry(
            actor=record.user, action="session.end", outcome=outcome, target=current.target, reason=current.reason, details=details
        )
        await self._audit.append(entry, ending(record.id, end, now))
        self._journal.publish(record)

    async def revoke(self, record: SessionRecord, why: str) -> None:
        """End a session that must not go on: what shows it is cut off at once, its shell ends within the agent's closing time.

        When its agent is away, it ends when that is back.
        """
        refusal = Refusal(ErrorCode.REVOKED, RefusedBy.POLICY, why, "ask the owner of this gateway")
        record = await self._journal.update(record, revoked=why)
        self.on_revoked(record.id, refusal)
        link = self._links.at(record.cluster, record.instance, record.epoch)
        if link is None:
            return
        try:
            await self.close_at(link, record, await self._closer(record), "revoked", why)
        except Refused as error:
            # still marked: the next link of its agent ends it
            log.warning("a revoked session could not be ended yet: %s", error, extra={"session": record.id})

    async def _closer(self, record: SessionRecord) -> Subject:
        # The user may do nothing any more, so the gateway's owner ends it.
        return await self._credentials.subject(self._settings.owner)

    async def close_stray(self, link: AgentLink, session: str, why: str) -> None:
        """End what an agent has and the gateway does not want: revoked, or given up while the agent was away."""
        record = await self._journal.find(session)
        subject = await self._credentials.subject(self._settings.owner)
        if record is None:
            record = _unknown_record(session, link)
        try:
            await self.close_at(link, record, subject, "revoked" if record.revoked else "closed", why)
        except Refused as error:
            log.warning("a stray session could not be ended: %s", error, extra={"session": session})

    async def review(self, user: str = "", session: str = "") -> list[str]:
        """Decide anew for live sessions (of a user, one session, or all) and revoke those that are not allowed any more; returns them."""
        revoked = []
        for record in await self._journal.live():
            if (user and record.user != user) or (session and record.id != session):
                continue
            subject = await self._credentials.subject(record.user)
            if not all(self._authority.allows(subject, operation, record.target) for operation in (OPENINGS[record.kind], ATTACH)):
                await self.revoke(record, "your permission for this shell was withdrawn")
                revoked.append(record.id)
        return revoked


def _unknown_record(session: str, link: AgentLink) -> SessionRecord:
    return SessionRecord(
        id=session, kind="exec", state="ended", cluster=link.place.cluster, namespace="", pod="", container="", command=[], tty=True,
        stdin=True, cols=80, rows=24, user="", reason="", idle_timeout_seconds=0, output_is_activity=False, record=False, created_ms=0,
        instance=link.place.instance, epoch=link.place.epoch,
    )  # fmt: skip
