"""Clusters: which there are, how agents join them, and what of them is online."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime

import msgspec
from sqlalchemy import delete, insert, select, update

from podshell.gateway import tables
from podshell.gateway.answers import refused
from podshell.gateway.audit import Audit, AuditEntry
from podshell.gateway.authority import WATCH, Authority
from podshell.gateway.bus import CLUSTERS, Bus, ClusterChanged, encode_hint
from podshell.gateway.database import Database, unix_ms
from podshell.gateway.links import LinkRegistry
from podshell.gateway.models import AgentInstance, Cluster, ClusterBody, Enrolment
from podshell.policy.rules import Subject, Target
from podshell.wire.errors import ErrorCode
from podshell.wire.messages import Hello

# An operator pastes it into a Helm command; an hour covers a review of the values file.
ENROLMENT_LIFETIME_MS = 60 * 60_000


class Clusters:
    """Reads and writes clusters, agents' keys and enrolment tokens."""

    def __init__(self, database: Database, audit: Audit, authority: Authority, links: LinkRegistry, bus: Bus) -> None:
        self._database = database
        self._audit = audit
        self._authority = authority
        self._links = links
        self._bus = bus

    async def list_for(self, subject: Subject) -> list[Cluster]:
        """List the clusters that a user may see, by name."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(tables.clusters).order_by(tables.clusters.c.name))).all()
        shown = []
        for row in rows:
            if self._authority.allows(subject, WATCH, Target(row.name)):
                ceiling = msgspec.json.decode(row.ceiling, type=dict[str, bool])
                shown.append(self._shown(row.name, row.kubernetes_version, ceiling, row.label, row.colour))
        return shown

    def _shown(self, name: str, version: str, ceiling: dict[str, bool], label: str, colour: str) -> Cluster:
        links = self._links.of_cluster(name)
        agents = [
            AgentInstance(link.place.instance, link.place.epoch, link.hello.version, link.draining, link.connected_at) for link in links
        ]
        return Cluster(name, "online" if links else "offline", version, agents, ceiling, label, colour)

    async def exists(self, name: str) -> bool:
        """Say whether a cluster of this name was ever enrolled."""
        async with self._database.reading() as connection:
            return await connection.scalar(select(tables.clusters.c.name).where(tables.clusters.c.name == name)) is not None

    async def make_enrolment(self, subject: Subject, body: ClusterBody) -> Enrolment:
        """Make a one-time token with which an agent joins a cluster; it is stored hashed.

        Raises:
            Refused: forbidden_by_policy.
        """
        self._authority.check_gateway(subject, "enrol")
        token, expires_ms = secrets.token_urlsafe(32), unix_ms() + ENROLMENT_LIFETIME_MS
        row = {"hash": _digest(token), "cluster": body.name, "expires_ms": expires_ms}
        entry = AuditEntry(actor=subject.name, action="cluster.enrol", outcome="allowed", target=Target(body.name))
        await self._audit.append(entry, insert(tables.enrolments).values(row))
        marks = {name: value for name, value in (("label", body.label), ("colour", body.colour)) if value is not None}
        if marks:
            await self._describe(body.name, marks)
        return Enrolment(body.name, token, datetime.fromtimestamp(expires_ms / 1000, UTC))

    async def _describe(self, name: str, marks: dict[str, str]) -> None:
        async with self._database.transaction() as connection:
            changed = await connection.execute(update(tables.clusters).where(tables.clusters.c.name == name).values(marks))
            if not changed.rowcount and any(marks.values()):
                await connection.execute(insert(tables.clusters).values(_new_row(name) | marks))
        self._bus.publish(CLUSTERS, encode_hint(ClusterChanged(name)))

    async def admit(self, hello: Hello) -> None:
        """Check that an agent's key belongs to the cluster that it names; a new key needs a one-time token, which is used up.

        Raises:
            Refused: unauthenticated.
        """
        public_key = hello.public_key.hex()
        async with self._database.reading() as connection:
            known = (await connection.execute(select(tables.agent_keys).where(tables.agent_keys.c.public_key == public_key))).first()
        if known is None:
            await self._enrol(hello, public_key)
        elif known.cluster != hello.cluster or known.revoked_ms is not None:
            raise refused(ErrorCode.UNAUTHENTICATED, "this agent's key is for another cluster or was revoked", "enrol it with a new key")
        async with self._database.transaction() as connection:
            facts = {"kubernetes_version": hello.kubernetes_version, "ceiling": msgspec.json.encode(hello.ceiling).decode()}
            await connection.execute(update(tables.clusters).where(tables.clusters.c.name == hello.cluster).values(facts))

    async def _enrol(self, hello: Hello, public_key: str) -> None:
        enrolments, now = tables.enrolments, unix_ms()
        async with self._database.transaction() as connection:
            # used up whatever comes of it: a token shown with a wrong cluster name is in wrong hands
            taken = await connection.execute(
                delete(enrolments)
                .where(enrolments.c.hash == _digest(hello.enrolment))
                .returning(enrolments.c.cluster, enrolments.c.expires_ms)
            )
            token = taken.first()
        if token is None or token.cluster != hello.cluster or token.expires_ms <= now:
            raise refused(
                ErrorCode.UNAUTHENTICATED, "this agent's key is not known here", "enrol it with a new one-time token of its cluster"
            )
        statements = [insert(tables.agent_keys).values(public_key=public_key, cluster=hello.cluster, enrolled_ms=now)]
        if not await self.exists(hello.cluster):
            statements.append(insert(tables.clusters).values(_new_row(hello.cluster)))
        details = {"instance": hello.instance, "public_key": public_key}
        entry = AuditEntry(actor="agent", action="agent.enrol", outcome="done", target=Target(hello.cluster), details=details)
        await self._audit.append(entry, *statements)


def _new_row(name: str) -> dict[str, str | int]:
    return {"name": name, "label": "", "colour": "", "kubernetes_version": "", "ceiling": "{}", "created_ms": unix_ms()}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
