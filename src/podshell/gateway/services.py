"""What the routes work with: the parts of one running gateway, made by app.py and found through the request."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

if TYPE_CHECKING:
    from podshell.gateway.actions import PodActions
    from podshell.gateway.audit import Audit
    from podshell.gateway.authority import Authority
    from podshell.gateway.browsers import Browsers
    from podshell.gateway.bus import Bus
    from podshell.gateway.clusters import Clusters
    from podshell.gateway.credentials import Credentials
    from podshell.gateway.database import Database
    from podshell.gateway.doors import Doorman
    from podshell.gateway.inventory import Inventory
    from podshell.gateway.journal import Journal
    from podshell.gateway.links import LinkRegistry
    from podshell.gateway.recorder import Recordings
    from podshell.gateway.sessions import Sessions
    from podshell.gateway.settings import GatewaySettings
    from podshell.gateway.terminals import Terminals
    from podshell.gateway.tickets import TicketBox


@dataclass(slots=True)
class Services:
    """The parts of one gateway. They live as long as it runs."""

    settings: GatewaySettings
    replica: str
    cookie_name: str
    started_at: datetime
    database: Database
    credentials: Credentials
    browsers: Browsers
    doorman: Doorman
    tickets: TicketBox
    audit: Audit
    authority: Authority
    journal: Journal
    bus: Bus
    links: LinkRegistry
    clusters: Clusters
    sessions: Sessions
    inventory: Inventory
    terminals: Terminals
    recordings: Recordings
    actions: PodActions
    stopping: bool = field(default=False)


def services(connection: HTTPConnection) -> Services:
    """Find the parts of the gateway that serves this request or socket."""
    found = connection.app.state.services
    assert found is not None
    return found  # type: ignore[no-any-return]  # Starlette's state is untyped; app.py puts a Services there
