"""The gateway: composes its parts and runs them in the caller's event loop. `podshell gateway` and `podshell up` start it.

gateway = Gateway(settings)
await gateway.start()
link = await gateway.make_signin_link()
...
await gateway.stop()
"""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.routing import WebSocketRoute

from podshell.aio.tasks import TaskSet
from podshell.gateway.actions import PodActions
from podshell.gateway.admission import LinkDoor, Welcoming
from podshell.gateway.answers import Refused, refusal_answer
from podshell.gateway.audit import Audit
from podshell.gateway.authority import Authority
from podshell.gateway.browsers import Browsers
from podshell.gateway.bus import REVOCATIONS, AuthorityChanged, Bus, LocalBus, decode_hint, encode_hint
from podshell.gateway.clusters import Clusters
from podshell.gateway.credentials import Credentials
from podshell.gateway.database import Database, unix_ms
from podshell.gateway.doors import Doorman
from podshell.gateway.inventory import Inventory
from podshell.gateway.journal import Journal
from podshell.gateway.keepers import LinkKeeper
from podshell.gateway.keys import load_or_make_key, public_bytes
from podshell.gateway.links import LinkRegistry
from podshell.gateway.live import LiveSockets
from podshell.gateway.logs import Logs
from podshell.gateway.models import ClusterBody
from podshell.gateway.openapi import ROUTERS, build_document
from podshell.gateway.origins import AllowList, FrontDoor
from podshell.gateway.recorder import Recordings
from podshell.gateway.restarts import Restarts
from podshell.gateway.routes import console
from podshell.gateway.server import Server, listen
from podshell.gateway.services import Services
from podshell.gateway.sessions import Sessions
from podshell.gateway.settings import GatewaySettings
from podshell.gateway.terminals import Terminals
from podshell.gateway.tickets import TicketBox
from podshell.policy.rules import Action, Decision, Subject, Target, decide
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy

log = logging.getLogger(__name__)

REVIEW_SECONDS = 30.0
Policy = Callable[[Subject, Action, Target], Decision]


class Gateway:
    """One gateway replica.

    Args:
        bus: where it tells others what changed; in-process when not given.
        policy: decides; the built-in owner rule when not given.
    """

    def __init__(self, settings: GatewaySettings, *, bus: Bus | None = None, policy: Policy = decide) -> None:
        self.settings = settings
        self._bus = bus or LocalBus()
        self._policy = policy
        self._tasks = TaskSet("gateway")
        self._server: Server | None = None
        self._door: LinkDoor | None = None
        self._services: Services | None = None
        self._address = ("", 0)

    @property
    def url(self) -> str:
        """Where it is reached from this machine, such as http://127.0.0.1:8642."""
        host, port = self._address
        name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
        return f"http://{name}:{port}"

    @property
    def services(self) -> Services:
        """The parts, once it is started."""
        if self._services is None:
            raise RuntimeError("the gateway is not started")
        return self._services

    async def start(self, host: str | None = None, port: int | None = None) -> None:
        """Open the database and the port, and serve.

        Raises:
            OSError: the port is taken or the state folder cannot be used.
            podshell.gateway.keys.KeyUnusable: the grant key can be read by others, or is none.
            podshell.gateway.origins.OriginInvalid: a configured origin is none.
        """
        settings = self.settings
        listening = listen(settings.host if host is None else host, settings.port if port is None else port)
        try:
            self._address = listening.getsockname()[:2]
            allowed = AllowList.build(settings.allowed_origins, settings.allowed_hosts, self._address[1])
            app = await self._compose()
            self._server = Server(FrontDoor(app, allowed, body_bytes=settings.body_bytes), listening)
        except BaseException:
            listening.close()
            raise
        await self._server.start()

    async def stop(self) -> None:
        """Send terminals and agents away in order, close everything; they connect again elsewhere or later. Takes under 2 s."""
        if self._services is not None:
            self._services.stopping = True
            self._services.terminals.close()
            if self._door is not None:
                self._door.closing = True
            # what terminals are told first goes over their sockets, then the links under them are closed
            await asyncio.sleep(0)
            links = self._services.links.all()
            await asyncio.gather(*(link.close("the gateway is stopping", 1012) for link in links))
        if self._server is not None:
            await self._server.stop()
        await self._tasks.close()
        if self._services is not None:
            await self._services.database.close()
            self._services = None

    async def make_signin_link(self, user: str | None = None) -> str:
        """Make a one-time sign-in address: the secret stands in the fragment, which browsers do not send."""
        secret = await self.services.credentials.make_signin_secret(user or self.settings.owner)
        return f"{self.url}/#signin={secret}"

    async def write_cli_token(self, path: Path) -> None:
        """Write a bearer token for command lines of this machine to a 0600 file (JSON with `gateway` and `token`)."""
        await self.services.credentials.write_cli_token(path, self.settings.owner, self.url)

    async def make_enrolment(self, cluster: str, *, label: str = "", colour: str = "") -> str:
        """Make a one-time token with which an agent joins a cluster."""
        owner = await self.services.credentials.subject(self.settings.owner)
        return (await self.services.clusters.make_enrolment(owner, ClusterBody(cluster, label or None, colour or None))).token

    def authority_changed(self, *, user: str = "", session: str = "") -> None:
        """Have live sessions decided anew, here and on every other replica: of a user, one session, or all."""
        # here at once: a bus may lose what it carries, and a revoked shell must end within 2 s
        self._tasks.start("revocation", self.services.sessions.review(user, session))
        self._bus.publish(REVOCATIONS, encode_hint(AuthorityChanged(user, session)))

    # Private.

    async def _compose(self) -> FastAPI:
        settings, bus, tasks = self.settings, self._bus, self._tasks
        key = load_or_make_key(settings.grant_key_path)
        database = Database(settings.database_path)
        await database.open()
        audit = Audit(database)
        credentials = Credentials(database, audit, bus)
        await credentials.ensure_owner(settings.owner)
        replica = secrets.token_hex(8)
        cookie = f"podshell_{self._address[1]}"
        doorman = Doorman(credentials, cookie)
        tickets = TicketBox(unix_ms, per_user=settings.tickets_per_user)
        browsers = Browsers(bus, credentials)
        authority = Authority(key, audit, self._policy)
        journal = Journal(database, bus)
        links = LinkRegistry(bus)
        clusters = Clusters(database, audit, authority, links, bus)
        sessions = Sessions(settings, journal, audit, authority, links, clusters, credentials)
        inventory = Inventory(links, clusters, authority, tasks)
        terminals = Terminals(doorman, browsers, tickets, sessions, authority, pending_limit=settings.pending_sockets)
        recordings = Recordings(settings.recordings_dir, journal, authority, credentials, tasks)
        live = LiveSockets(
            doorman, browsers, tickets, inventory, sessions, clusters, Logs(links, clusters, authority), bus,
            pending_limit=settings.pending_sockets, subscription_limit=settings.live_subscriptions,
        )  # fmt: skip
        keeper = LinkKeeper(journal, audit, sessions, links, recordings)
        welcoming = Welcoming(replica, settings.ping_seconds, [public_bytes(key.public_key())])
        self._door = LinkDoor(links, clusters, audit, keeper, welcoming, pending_limit=settings.pending_sockets)
        Restarts(journal, authority, links, sessions, credentials, tasks, settings.takeover_seconds)
        sessions.on_revoked = terminals.drop
        terminals.on_resize = recordings.note_resize
        bus.subscribe(REVOCATIONS, self._note_revocation)
        tasks.start("review", self._review(browsers), endless=True)
        self._services = Services(
            settings, replica, cookie, datetime.now(UTC), database, credentials, browsers, doorman, tickets, audit, authority, journal, bus,
            links, clusters, sessions, inventory, terminals, recordings, PodActions(links, clusters, authority, audit),
        )  # fmt: skip
        return build_app(self._services, terminals, live, self._door)

    def _note_revocation(self, payload: bytes) -> None:
        hint = decode_hint(payload, AuthorityChanged)
        if not self._tasks.closed:
            self._tasks.start("revocation", self.services.sessions.review(hint.user, hint.session))

    async def _review(self, browsers: Browsers) -> None:
        """Decide anew for all live sessions and open sockets now and then, whatever the bus has lost."""
        while True:
            await asyncio.sleep(REVIEW_SECONDS)
            try:
                await browsers.review()
                await self.services.sessions.review()
            except SQLAlchemyError:
                log.exception("live sessions could not be reviewed; the next time is in %s s", REVIEW_SECONDS)


def build_app(here: Services, terminals: Terminals, live: LiveSockets, door: LinkDoor) -> FastAPI:
    """Build the application: routes, sockets, and how refusals are answered."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.services = here
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.append(WebSocketRoute("/ws/terminal", terminals.serve))
    app.router.routes.append(WebSocketRoute("/ws/live", live.serve))
    app.router.routes.append(WebSocketRoute("/link", door.serve))
    documented = list(app.routes)
    app.include_router(console.router)
    # made when it is asked for: nobody needs it to start
    app.openapi = functools.cache(lambda: build_document(documented))  # type: ignore[method-assign]  # FastAPI documents this way
    app.add_exception_handler(Refused, _answer_refused)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_failure)
    return app


async def _answer_refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return refusal_answer(error.refusal, error.retry_after_ms)


async def _answer_invalid(_: Request, error: Exception) -> Response:
    return refusal_answer(Refusal(ErrorCode.BAD_REQUEST, RefusedBy.GATEWAY, f"a parameter is not valid: {error}"[:500]))


async def _answer_http(_: Request, error: Exception) -> Response:
    code = ErrorCode.NOT_FOUND if getattr(error, "status_code", 0) in (404, 405) else ErrorCode.BAD_REQUEST
    return refusal_answer(Refusal(code, RefusedBy.GATEWAY, "there is nothing at this address for this method"))


async def _answer_failure(_: Request, error: Exception) -> Response:
    # the error itself is logged by the server, and says too much for an answer
    return refusal_answer(Refusal(ErrorCode.INTERNAL, RefusedBy.GATEWAY, "the gateway failed; its log says why", "try again"), 1000)
