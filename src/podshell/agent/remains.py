"""What is left of a session's shells that have no lifeline any more: ended by a lifeline of its own, and what that came to.

So end the shell of an agent that was killed, and one whose connections were lost for good (kubernetes.md 3).
"""

from __future__ import annotations

import logging

from podshell.agent.targets import TargetIdentity
from podshell.kube.errors import KubeError
from podshell.kube.exec_dial import ExecTarget
from podshell.kube.execs import ClusterAccess
from podshell.kube.lifeline import LifelineReport
from podshell.kube.marker import Leader
from podshell.kube.shells import end_processes
from podshell.wire.calls import OpenSession

log = logging.getLogger(__name__)


class Remains:
    """One session's. `report`: of the shell before the present one; the fact of the restart tells it."""

    def __init__(self, cluster: ClusterAccess, opening: OpenSession) -> None:
        self.report = LifelineReport()
        self._cluster = cluster
        self._opening = opening

    async def end_predecessor(self, target: TargetIdentity) -> None:
        """End what is left of the shell that the session had with an earlier agent, where that was in the same container."""
        before = self._opening.predecessor
        if before is not None and before.nonce and (before.pod_uid, before.container) == (target.pod_uid, target.container):
            leader = Leader(before.sid, before.start_ticks) if before.sid else None
            self.report = await self.end(target, before.nonce, leader) or self.report

    async def end(self, target: TargetIdentity, nonce: str, leader: Leader | None) -> LifelineReport | None:
        """End what is left of a shell; None when nobody can tell."""
        told = {"session": self._opening.session}
        place = ExecTarget(target.namespace, target.pod, target.container)
        try:
            report = await end_processes(self._cluster, place, nonce, leader)
        except KubeError as error:
            log.warning("what is left of a shell could not be ended", extra={**told, "cause": str(error)})
            return None
        fields = {"killed": report.killed, "left": report.left, "unkilled": report.unkilled}
        log.info("what was left of a shell was ended", extra={**told, **fields})
        return report
