"""Node pods that nobody needs any more: finished, expired, or without a session. The last net but one of design.md 4.

Looks at the Jobs of ours in the agent's debug namespace, at the start and then each minute. One that runs and belongs to no session here is
left alone for as long as its waiter waits: the session may be on its way from the gateway, or with another instance.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass

from podshell.agent.settings import ToolsSettings
from podshell.aio.clock import Clock
from podshell.kube.errors import KubeError, NotFound
from podshell.kube.manifests import EXPIRES, SELECTOR, SESSION_LABEL, is_past
from podshell.kube.objects import KubeObject
from podshell.kube.rest import Client
from podshell.kube.workloads import JOBS

log = logging.getLogger(__name__)

# Which agent made it; another instance of the cluster may have sessions of its own.
INSTANCE_LABEL = "podshell.dev/agent"


class JobMeta(KubeObject, frozen=True):
    """Of a Job's metadata what is needed here; annotations in full."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    deletion_timestamp: str | None = None


class JobStatus(KubeObject, frozen=True):
    completion_time: str | None = None
    failed: int = 0


class MadeJob(KubeObject, frozen=True):
    """A Job as this module reads it."""

    metadata: JobMeta
    status: JobStatus = JobStatus()

    @property
    def finished(self) -> bool:
        return self.status.completion_time is not None or self.status.failed > 0


@dataclass(frozen=True, slots=True)
class Leftover:
    """A Job that must go, and why."""

    name: str
    uid: str
    why: str


class Leftovers:
    """Looks for them, and deletes them.

    Args:
        live: the sessions that this agent has.
        instance: the agent whose Jobs without a session count as left over.
    """

    def __init__(self, client: Client, settings: ToolsSettings, clock: Clock, instance: str, live: Callable[[], Collection[str]]) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._instance = instance
        self._live = live
        self._alone_since: dict[str, float] = {}

    async def run(self) -> None:
        """Look at once, and again and again. Cancelling is safe."""
        while True:
            try:
                await self.sweep()
            except (KubeError, TimeoutError) as error:
                log.warning("the node pods that may be left could not be looked at: %s", str(error) or "no answer in time")
            await asyncio.sleep(self._settings.sweep_seconds)

    async def sweep(self) -> list[str]:
        """Delete what is left over; returns the names.

        Raises:
            KubeError: the list could not be read.
        """
        namespace = self._settings.debug_namespace
        async with asyncio.timeout(30):
            jobs = await self._client.list(JOBS.path(namespace), MadeJob, params={"labelSelector": SELECTOR})
        gone = []
        for one in self.judge(jobs):
            log.warning("a node pod is left over and is removed", extra={"job": one.name, "namespace": namespace, "why": one.why})
            try:
                await self._client.delete(JOBS.path(namespace, one.name), uid=one.uid, propagation="Background")
            except NotFound:
                continue
            except KubeError as error:
                log.warning("it could not be removed: %s", error, extra={"job": one.name})
                continue
            gone.append(one.name)
        return gone

    def judge(self, jobs: list[MadeJob]) -> list[Leftover]:
        """Say which of the Jobs are left over now."""
        live, now = set(self._live()), self._clock.time()
        here = {job.metadata.uid for job in jobs}
        self._alone_since = {uid: since for uid, since in self._alone_since.items() if uid in here}
        found = []
        for job in jobs:
            meta = job.metadata
            if meta.deletion_timestamp is not None:
                continue
            why = self._why(job, live, now)
            if why:
                found.append(Leftover(meta.name, meta.uid, why))
        return found

    def _why(self, job: MadeJob, live: set[str], now: float) -> str:
        labels = job.metadata.labels or {}
        session = labels.get(SESSION_LABEL, "")
        if session in live:
            self._alone_since.pop(job.metadata.uid, None)
            return ""
        if job.finished:
            return "its shell has ended"
        if is_past((job.metadata.annotations or {}).get(EXPIRES, ""), self._clock.wall_ms()):
            return "its time is over"
        if labels.get(INSTANCE_LABEL) != self._instance:
            return ""
        since = self._alone_since.setdefault(job.metadata.uid, now)
        return "it has no session" if now - since >= self._settings.patience_seconds else ""
