"""What agents tell reliably (FACT, SYNC): written to the journal and the audit, and acknowledged when durable.

Telling twice is telling once: a fact changes nothing when the journal has it already. An agent's word counts only for sessions that are
its own, in this life of it.
"""

from __future__ import annotations

import logging
from typing import TypeVar

import msgspec

from podshell.gateway.agent_link import AgentLink
from podshell.gateway.audit import Audit, AuditEntry
from podshell.gateway.database import unix_ms
from podshell.gateway.journal import Journal, SessionRecord, as_json, updating
from podshell.gateway.sessions import Sessions
from podshell.wire import messages as m
from podshell.wire.messages import End
from podshell.wire.tools import MadeContainer

log = logging.getLogger(__name__)

# A session younger than this may be missing from a SYNC that crossed its opening.
SETTLED_MS = 10_000

T = TypeVar("T")


class OpenedFact(msgspec.Struct, frozen=True):
    """Data of `opened`, `restarted` and `resumed`: the shell as its container knows it."""

    container: str = ""
    pod_uid: str = ""
    node: str = ""
    sid: int = 0
    start_ticks: int = 0
    nonce: str = ""
    holder: str = ""
    incarnation: int = 0


class RemainsFact(msgspec.Struct, frozen=True):
    """Further data of `restarted`: why, and what the shell before it left in the container."""

    cause: str = ""
    left: list[str] = []
    unkilled: list[str] = []


class EndedFact(msgspec.Struct, frozen=True):
    """Data of `ended`: as in END."""

    reason: str = "lost"
    exit_code: int | None = None
    message: str = ""
    next_step: str = ""
    left: list[str] = []
    unkilled: list[str] = []


class FactKeeper:
    """Takes in the facts and syncs of one link, in order."""

    def __init__(self, link: AgentLink, journal: Journal, audit: Audit, sessions: Sessions) -> None:
        self._link = link
        self._journal = journal
        self._audit = audit
        self._sessions = sessions
        self._missing: set[str] = set()

    async def keep(self, fact: m.Fact) -> SessionRecord | None:
        """Write a fact and acknowledge it; returns the session when it has a shell (again) from now on.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: it could not be written and is not acknowledged.
        """
        record = await self._own(fact.session)
        started = None
        if record is not None and not record.live:
            if fact.kind in ("opened", "restarted", "resumed", "made"):
                await self._sessions.close_stray(self._link, record.id, "it was given up before it was open")
        elif record is not None:
            started = await self._keep_live(record, fact)
        self._link.send_ack(fact.seq)
        return started

    async def _own(self, session: str) -> SessionRecord | None:
        record = await self._journal.find(session)
        if record is None:
            return None
        place = self._link.place
        if (record.cluster, record.instance, record.epoch) != (place.cluster, place.instance, place.epoch):
            log.warning("an agent told of a session that is not its own", extra={"session": session, "cluster": place.cluster})
            return None
        return record

    async def _keep_live(self, record: SessionRecord, fact: m.Fact) -> SessionRecord | None:
        match fact.kind:
            case "opened" | "restarted" | "resumed":
                return await self._keep_shell(record, fact)
            case "made":
                await self._keep_made(record, _data_or_none(fact, MadeContainer))
            case "ended":
                ended = _data(fact, EndedFact)
                end = End(ended.reason, ended.exit_code, ended.message, ended.next_step, None, ended.left, ended.unkilled)
                await self._sessions.note_end(record, end, min(fact.time_ms, unix_ms()))
            case "idle":
                await self._audit.append(
                    AuditEntry(actor=record.user, action="session.idle", outcome="done", target=record.target, details=dict(fact.data))
                )
            case _:
                log.info("a fact of an unknown kind", extra={"kind": fact.kind, "session": record.id})
        return None

    async def _keep_made(self, record: SessionRecord, made: MadeContainer | None) -> None:
        """Write what was made for a debug or node session, once it exists and again when its image's digest is known."""
        if made is None or made == record.made:
            return
        changes = {"made": as_json(made), "container": made.container, "pod_uid": made.pod_uid}
        if made.node:
            changes["node"] = made.node
        # with the defaults: an audit that leaves out `host_pid` does not say that there was none (features F69)
        details: dict[str, str | int | bool | list[str]] = {"kind": record.kind, **msgspec.structs.asdict(made)}
        entry = AuditEntry(
            actor=record.user, action="session.made", outcome="done", target=record.target, reason=record.reason, details=details
        )
        await self._audit.append(entry, updating(record.id, **changes))
        self._journal.publish(record)

    async def _keep_shell(self, record: SessionRecord, fact: m.Fact) -> SessionRecord:
        told = _data(fact, OpenedFact)
        changes = {name: value for name, value in msgspec.structs.asdict(told).items() if value}
        if record.started_ms is None:
            changes["started_ms"] = min(fact.time_ms, unix_ms())
        entry = self._shell_entry(record, fact, told)
        if entry is None:
            return await self._journal.update(record, state="running", **changes)
        # durable together: whoever reads of it in the audit finds the session as the row says
        await self._audit.append(entry, updating(record.id, state="running", **changes))
        self._journal.publish(record)
        return await self._journal.find(record.id) or record

    @staticmethod
    def _shell_entry(record: SessionRecord, fact: m.Fact, told: OpenedFact) -> AuditEntry | None:
        """Build the audit row of a shell that is gone on with, or follows another; the first one's is the row of its opening."""
        details: dict[str, str | int | list[str]] = {"incarnation": told.incarnation, "epoch": record.epoch}
        if fact.kind == "resumed":
            details["holder"] = told.holder
            return AuditEntry(actor=record.user, action="session.resume", outcome="done", target=record.target, details=details)
        if fact.kind != "restarted" and record.state != "restarting":
            return None
        remains = _data(fact, RemainsFact)
        if remains.cause:
            details["cause"] = remains.cause
        details |= {"left": remains.left, "unkilled": remains.unkilled}
        return AuditEntry(actor=record.user, action="session.restart", outcome="done", target=record.target, details=details)

    async def reconcile(self, sync: m.Sync) -> None:
        """Compare an agent's list of live sessions with the journal. What only the journal has, in two lists running, is lost."""
        place, theirs = self._link.place, set(sync.sessions)
        ours = {
            record.id: record
            for record in await self._journal.live(place.cluster)
            if (record.instance, record.epoch) == (place.instance, place.epoch)
        }
        for session in theirs - ours.keys():
            await self._sessions.close_stray(self._link, session, "the gateway does not know this session as live")
        for record in ours.values():
            if record.revoked is not None and record.id in theirs:
                await self._sessions.close_stray(self._link, record.id, record.revoked)
        missing = {record.id for record in ours.values() if record.id not in theirs and unix_ms() - record.created_ms > SETTLED_MS}
        for session in missing & self._missing:
            end = End("lost", message="the agent no longer has this session", next_step="open a new one")
            await self._sessions.note_end(ours[session], end)
        self._missing = missing


def _data(fact: m.Fact, expected: type[T]) -> T:
    return _data_or_none(fact, expected) or expected()


def _data_or_none(fact: m.Fact, expected: type[T]) -> T | None:
    try:
        return msgspec.convert(fact.data, expected)
    except msgspec.ValidationError as error:
        log.warning("the data of a fact is not what it should be: %s", error, extra={"kind": fact.kind, "session": fact.session})
        return None
