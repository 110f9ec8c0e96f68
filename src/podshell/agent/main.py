"""The agent as a whole: puts its parts together and lets them live until it is stopped.

`Agent` is what `podshell up` and tests run in their own process; `run_agent` is the process of its own.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from functools import partial
from types import TracebackType

import msgspec

from podshell.agent.authority import Authority
from podshell.agent.deletions import Deletions
from podshell.agent.ends import Stop
from podshell.agent.facts import FactLedger
from podshell.agent.identity import GrantPins, StateUnusable, load_identity
from podshell.agent.inventory import Inventory
from podshell.agent.leftovers import Leftovers
from podshell.agent.link_peer import Services
from podshell.agent.links import GatewayLinks, LinkSettings
from podshell.agent.logs import Logs
from podshell.agent.output_log import OutputBudget
from podshell.agent.probes import Probes
from podshell.agent.session_table import Sessions
from podshell.agent.settings import AgentSettings
from podshell.agent.surroundings import SessionSurroundings
from podshell.agent.tools import Tools, instance_label
from podshell.aio.backoff import Backoff
from podshell.aio.clock import LoopClock, TimerHandle
from podshell.aio.tasks import TaskSet
from podshell.kube.access import KubernetesAccess
from podshell.kube.connection import Connection
from podshell.kube.errors import KubeError
from podshell.kube.incluster import load_in_cluster
from podshell.kube.kubeconfig import load_connection
from podshell.kube.rest import Client

log = logging.getLogger(__name__)

# Ctrl-C must be over in 2 s; what is not done by then, the lifelines do.
STOP_SECONDS = 1.5


class _Version(msgspec.Struct, rename={"git_version": "gitVersion"}):
    git_version: str = ""


class Agent:
    """One agent, from `start` to `stop`; also an async context manager.

    Args:
        connection: the cluster's API server; by default what the settings say.

    Raises:
        StateUnusable: the state folder, see identity.py.
        KubeconfigError: the cluster's configuration cannot be used.
        ValueError: a gateway address is none.
    """

    def __init__(self, settings: AgentSettings, connection: Connection | None = None) -> None:
        self.settings = settings
        self.identity = load_identity(settings.state_dir, settings.cluster, settings.instance)
        self.linked = asyncio.Event()
        self.output_budget = OutputBudget(settings.output_budget_bytes)
        self._client = Client(connection if connection is not None else _connection(settings))
        self._clock = LoopClock()
        self._tasks = TaskSet(f"agent {self.identity.instance}")
        self._session_tasks = TaskSet(f"sessions of {self.identity.instance}")
        self._pins = GrantPins(settings.state_dir)
        self._kubernetes_version = ""
        self._links_up = 0
        self._orphan_timer: TimerHandle | None = None
        facts = FactLedger()
        instance = instance_label(self.identity.cluster, self.identity.instance)
        self.tools = Tools(
            self._client, self._clock, settings.tools, settings.ceiling, instance, lambda *pod: self.sessions.debugging_in(*pod),
            lambda: self._kubernetes_version,
        )  # fmt: skip
        self.sessions = Sessions(self._surroundings(facts), self._session_tasks, self.tools, limit=settings.session_limit)
        self._leftovers = Leftovers(self._client, settings.tools, self._clock, instance, self.sessions.live)
        self.inventory = Inventory(self._client, self._clock, self.sessions.note_pod)
        self.logs = Logs(self._client, self._tasks)
        authority = Authority(self.identity, settings.ceiling, lambda: self._pins.keys, self._clock.wall_ms)
        services = Services(
            authority, self.sessions, self.inventory, facts, self.logs, Deletions(self._client), self.tools, self._session_tasks
        )
        links = self._link_settings()
        self.probes = Probes(settings.health_port, self.not_ready_reasons) if settings.health_port else None
        self._links = [GatewayLinks(url, links, services, self._clock, self._note_link) for url in settings.gateway_urls]

    async def start(self) -> None:
        """Begin to watch the cluster and to dial; returns at once.

        Raises:
            ValueError: the port of the probes cannot be used.
        """
        if self.probes is not None:
            await self.probes.start()
        self.inventory.start(self._tasks)
        if self.settings.ceiling.node_shell:
            self._tasks.start("leftovers", self._leftovers.run(), endless=True)
        self._tasks.start("dial", self._dial())

    async def stop(self, patience_seconds: float = STOP_SECONDS, *, for_good: bool = True) -> None:
        """End all shells as far as there is time, and everything else.

        `for_good` False: another agent follows (a rolling update, a restart), and goes on with the sessions in new shells (F25).
        """
        await self.sessions.stop(patience_seconds, for_good=for_good)
        if self.probes is not None:
            await self.probes.stop()
        await self._tasks.close()
        await self._session_tasks.close()
        await self._client.close()

    def not_ready_reasons(self) -> list[str]:
        """Say why no session can be opened now; nothing: one can."""
        reasons = [] if self._links_up else ["no gateway is connected"]
        return reasons if self.inventory.pods_known else [*reasons, "the pods of the cluster are not listed yet"]

    async def __aenter__(self) -> Agent:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    def _note_link(self, up: bool) -> None:
        self._links_up += 1 if up else -1
        if self._orphan_timer is not None:
            self._orphan_timer.cancel()
            self._orphan_timer = None
        if up:
            self.linked.set()
        elif self._links_up == 0 and self.settings.orphan_seconds > 0:
            text = f"no gateway was linked for {self.settings.orphan_seconds:.0f} s"
            self._orphan_timer = self._clock.call_later(self.settings.orphan_seconds, partial(self._end_orphans, text))

    def _end_orphans(self, text: str) -> None:
        self.sessions.stop_all(Stop("lost", text))

    async def _dial(self) -> None:
        try:
            async with asyncio.timeout(2.0):
                self._kubernetes_version = (await self._client.get("/version", _Version)).git_version
        except (KubeError, TimeoutError) as error:
            log.warning("the API server does not tell its version: %s", str(error) or "no answer in time")
        for number, link in enumerate(self._links):
            self._tasks.start(f"link {number}", link.run(), endless=True)

    def _surroundings(self, facts: FactLedger) -> SessionSurroundings:
        settings = self.settings
        return SessionSurroundings(
            cluster=KubernetesAccess(self._client),
            clock=self._clock,
            budget=self.output_budget,
            facts=facts,
            epoch=self.identity.epoch,
            ring_bytes=settings.ring_bytes,
            backoff=lambda: Backoff(base_seconds=settings.restart_base_seconds, cap_seconds=10.0),
            offers_debug=settings.ceiling.pod_debug,
        )

    def _link_settings(self) -> LinkSettings:
        settings = self.settings
        needs_tls = any(url.startswith(("https:", "wss:")) for url in settings.gateway_urls)
        return LinkSettings(
            identity=self.identity,
            pins=self._pins,
            ceiling=settings.ceiling,
            enrolment=self._enrolment,
            kubernetes_version=lambda: self._kubernetes_version,
            tls=ssl.create_default_context(cafile=settings.gateway_ca_file) if needs_tls else None,
            reconnect_base_seconds=settings.reconnect_base_seconds,
            reconnect_cap_seconds=settings.reconnect_cap_seconds,
        )

    def _enrolment(self) -> str:
        path = self.settings.enrolment_token_file
        if path is None:
            return ""
        try:
            return path.read_text("ascii").strip()
        except FileNotFoundError:
            return ""  # used up and removed
        except (OSError, ValueError) as error:
            log.error("the enrolment token cannot be read: %s", error)
            return ""


def _connection(settings: AgentSettings) -> Connection:
    if settings.in_cluster:
        return load_in_cluster()
    files = [settings.kubeconfig] if settings.kubeconfig is not None else None
    return load_connection(files=files, context=settings.context)


async def run_agent(settings: AgentSettings, *, started: Callable[[], None] | None = None) -> None:
    """Run an agent until cancelled; its sessions go on with the agent that follows. `started` is called once the first link is up.

    Raises:
        StateUnusable, KubeconfigError, ValueError: the configuration cannot be used.
    """
    agent = Agent(settings)
    try:
        await agent.start()
        await agent.linked.wait()
        if started is not None:
            started()
        await asyncio.get_running_loop().create_future()
    finally:
        await agent.stop(for_good=False)


__all__ = ["Agent", "StateUnusable", "run_agent"]
