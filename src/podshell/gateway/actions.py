"""Actions on pods: what is done is in the audit before and after."""

from __future__ import annotations

import msgspec

from podshell.gateway.answers import Refused, refused
from podshell.gateway.audit import Audit, AuditEntry, Details
from podshell.gateway.authority import DELETE, Authority
from podshell.gateway.clusters import Clusters
from podshell.gateway.links import LinkRegistry
from podshell.policy.rules import Subject, Target
from podshell.wire.calls import DeletedPod, DeletePod
from podshell.wire.errors import ErrorCode

# The agent gives the API server 10 s.
ANSWER_SECONDS = 12.0


class PodActions:
    """Does what users ask for to pods."""

    def __init__(self, links: LinkRegistry, clusters: Clusters, authority: Authority, audit: Audit) -> None:
        self._links = links
        self._clusters = clusters
        self._authority = authority
        self._audit = audit

    async def delete(self, subject: Subject, cluster: str, wanted: DeletePod, reason: str) -> DeletedPod:
        """Delete a pod: decide, write the audit, sign, ask the agent, write what came of it.

        Raises:
            Refused: by policy, ceiling or Kubernetes; not_found; conflict, the pod of that name has another uid; agent_offline; agent_busy.
        """
        target = Target(cluster, wanted.namespace, wanted.pod)
        await self._authority.check(subject, DELETE, target, reason)
        if not await self._clusters.exists(cluster):
            raise refused(ErrorCode.CLUSTER_UNKNOWN, f"there is no cluster {cluster}", "choose one of the list")
        link = self._links.pick(cluster)
        params = msgspec.msgpack.encode(wanted)
        details: Details = {"uid": wanted.uid, "grace_seconds": wanted.grace_seconds}
        permit = await self._authority.permit(subject, DELETE, target, link.place, params=params, reason=reason, details=details)
        try:
            deleted = await link.call(permit, DeletedPod, timeout_seconds=ANSWER_SECONDS)
        except Refused as error:
            refusal = error.refusal
            await self._authority.refused_by_agent(subject, DELETE, target, refusal.code.value, refusal.refused_by.value, refusal.message)
            raise
        await self._audit.append(
            AuditEntry(actor=subject.name, action=DELETE.name, outcome="done", target=target, reason=reason, details=details)
        )
        return deleted
