"""Which agents are linked, by cluster and instance. Presence is told on the bus; whoever waits for an agent is woken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from podshell.gateway.agent_link import AgentLink
from podshell.gateway.answers import refused
from podshell.gateway.bus import CLUSTERS, Bus, ClusterChanged, encode_hint
from podshell.wire.errors import ErrorCode

RETRY_MS = 1000


class LinkRegistry:
    """The links of this replica. Not shared."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._links: dict[str, dict[str, AgentLink]] = {}
        self._watchers: list[Callable[[AgentLink, bool], None]] = []
        self._changed = asyncio.Event()

    def on_change(self, watcher: Callable[[AgentLink, bool], None]) -> None:
        """Call `watcher(link, up)` after each coming and going. It must not block."""
        self._watchers.append(watcher)

    def add(self, link: AgentLink) -> None:
        """A link was welcomed. It takes the place of an older one of the same instance."""
        self._links.setdefault(link.place.cluster, {})[link.place.instance] = link
        self._tell(link, True)

    def remove(self, link: AgentLink) -> None:
        """A link is gone."""
        links = self._links.get(link.place.cluster, {})
        if links.get(link.place.instance) is link:
            del links[link.place.instance]
            self._tell(link, False)

    def note_draining(self, link: AgentLink) -> None:
        """An agent said that it drains, or no longer does."""
        self._bus.publish(CLUSTERS, encode_hint(ClusterChanged(link.place.cluster)))

    def all(self) -> list[AgentLink]:
        return [link for links in self._links.values() for link in links.values()]

    def of_cluster(self, cluster: str) -> list[AgentLink]:
        """Return the links of a cluster, best for new work first: not leaving, then the newest."""
        links = self._links.get(cluster, {}).values()
        return sorted(links, key=lambda link: (link.leaving, -link.connected_at.timestamp()))

    def instance(self, cluster: str, instance: str) -> AgentLink | None:
        return self._links.get(cluster, {}).get(instance)

    def at(self, cluster: str, instance: str, epoch: str) -> AgentLink | None:
        """Return the link of one life of an agent."""
        link = self.instance(cluster, instance)
        return link if link is not None and link.place.epoch == epoch else None

    def pick(self, cluster: str, *, for_session: bool = False) -> AgentLink:
        """Return the link for something new in a cluster. A session does not go to an agent that is leaving.

        Raises:
            Refused: agent_offline.
        """
        links = [link for link in self.of_cluster(cluster) if not (for_session and link.leaving)]
        if not links:
            raise refused(
                ErrorCode.AGENT_OFFLINE, f"no agent of the cluster {cluster} is connected", "check the agent", retry_after_ms=RETRY_MS
            )
        return links[0]

    async def wait_for(self, cluster: str) -> AgentLink:
        """Wait until a cluster has an agent, and return its link. Cancelling is safe."""
        while not (links := self.of_cluster(cluster)):
            changed = self._changed
            await changed.wait()
        return links[0]

    def _tell(self, link: AgentLink, up: bool) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        for watcher in self._watchers:
            watcher(link, up)
        self._bus.publish(CLUSTERS, encode_hint(ClusterChanged(link.place.cluster)))
