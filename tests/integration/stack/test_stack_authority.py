"""Nobody without the key is browser, command line or agent, and nothing reaches a cluster past decision, audit, grant and ceiling (issue
"the first shell", acceptance 9)."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import WebSocketRoute

from link_gateway import GatewayEnd, GatewayServer, Viewer
from podshell.agent import authority as at_agent
from podshell.agent.ceiling import Ceiling
from podshell.agent.main import Agent
from podshell.agent.settings import AgentSettings, ToolsSettings
from podshell.gateway import authority as at_gateway
from podshell.gateway.app import build_app
from podshell.policy.grants import LIFETIME_MS
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.wire import calls
from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal
from podshell.wire.frames import FrameType
from podshell.wire.link import LinkConnection, MessageReceived, Side
from podshell.wire.link_events import FROM_AGENT
from podshell.wire.terminal import TerminalError, TerminalHello, decode_server, encode_client
from stack import ContainerView, MakeStack, Stack, settled
from terminal_client import TerminalClient

SHELL = {"cluster": "demo-east", "namespace": "shop", "pod": "cart-0", "container": "cart", "kind": "exec"}


# Everything is classified


def routes_of(routes: list[object]) -> set[str]:
    """Name every route and socket of an application as the tables do."""
    found: set[str] = set()
    for route in routes:
        match route:
            case WebSocketRoute(path=path):
                found.add(f"WS {path}")
            case APIRoute(path=path, methods=methods):
                found |= {f"{method} {path}" for method in methods - {"HEAD"}}
            case _ if hasattr(route, "original_router"):
                found |= routes_of(route.original_router.routes)
            case _:
                found.add(f"unclassifiable {route!r}")
    return found


def call_methods() -> set[str]:
    return {value for name, value in vars(calls).items() if name.isupper() and isinstance(value, str) and "." in value}


def unclassified(app: FastAPI, frames: set[FrameType | str], methods: set[str]) -> set[str]:
    """Everything that is in the application or the protocol, and not in the tables of both choke points."""
    by_gateway, by_agent = set(at_gateway.FRAMES), set(at_agent.FRAMES)
    missing = {str(frame) for frame in frames - by_gateway} | {str(frame) for frame in frames - by_agent - FROM_AGENT}
    listed = {operation.name for operation in at_gateway.OPERATIONS.values()}
    missing |= {method for method in methods if method not in listed or method not in at_agent.CALLS}
    return missing | (routes_of(app.routes) - set(at_gateway.ROUTES))


def an_app() -> FastAPI:
    from unittest.mock import Mock

    return build_app(Mock(), Mock(), Mock(), Mock())


def test_every_route_socket_frame_and_call_is_in_the_tables() -> None:
    assert unclassified(an_app(), set(FrameType), call_methods()) == set()
    assert set(at_gateway.ROUTES) - routes_of(an_app().routes) == set(), "the table names routes that do not exist"


def test_one_more_of_any_kind_is_noticed() -> None:
    async def nothing() -> None: ...

    routed, socketed, mounted = an_app(), an_app(), an_app()
    routed.add_api_route("/api/imagined/{pod}", nothing, methods=["GET"])
    socketed.router.routes.append(WebSocketRoute("/ws/imagined", nothing))
    mounted.mount("/debug", an_app())
    frames, methods = set(FrameType), call_methods()
    assert unclassified(routed, frames, methods) == {"GET /api/imagined/{pod}"}
    assert unclassified(socketed, frames, methods) == {"WS /ws/imagined"}
    assert len(unclassified(mounted, frames, methods)) == 1
    assert unclassified(an_app(), frames | {"IMAGINED"}, methods) == {"IMAGINED"}
    assert unclassified(an_app(), frames, methods | {"pod.imagine"}) == {"pod.imagine"}


@contextmanager
def reaching(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Note every call and attach that comes to an agent of this process, before it is judged."""
    reached: list[str] = []
    check_call, check_attach = at_agent.Authority.check_call, at_agent.Authority.check_attach

    def note_call(self: at_agent.Authority, method: str, *args: object, **named: object) -> object:
        reached.append(method)
        return check_call(self, method, *args, **named)  # type: ignore[arg-type]  # passed on

    def note_attach(self: at_agent.Authority, role: str, *args: object, **named: object) -> object:
        reached.append({"owner": "session.attach", "observer": "session.observe", "recorder": "session.record"}[role])
        return check_attach(self, role, *args, **named)  # type: ignore[arg-type]  # passed on

    with monkeypatch.context() as patching:
        patching.setattr(at_agent.Authority, "check_call", note_call)
        patching.setattr(at_agent.Authority, "check_attach", note_attach)
        yield reached


async def test_each_route_reaches_the_cluster_only_as_its_table_says_and_leaves_a_row(
    make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reaching(monkeypatch) as reached:
        stack = await make_stack()
        session, _ = await stack.open_session(container="cart")
        async with TerminalClient(stack.api, session) as terminal:
            await terminal.wait_attached()
        bodies: dict[str, object] = {
            "POST /api/signin": {"secret": "x"},
            "POST /api/clusters": {"name": "demo-north"},
            "POST /api/sessions": SHELL,
            "POST /api/tickets": {"purpose": "live"},
        }
        words = {"cluster": "demo-east", "namespace": "shop", "pod": "cart-0", "session": session, "path:path": "index.html"}
        async with httpx.AsyncClient(base_url=stack.url, headers=stack.api.headers, timeout=30) as client:
            for route, operations in at_gateway.ROUTES.items():
                method, path = route.split(" ", 1)
                if method == "WS":
                    continue
                before, rows = len(reached), await newest(client)
                for word, value in words.items():
                    path = path.replace("{" + word + "}", value)
                answer = await client.request(method, path, json=bodies.get(route))
                assert answer.status_code < 500, (route, answer.text)
                done = set(reached[before:])
                assert done <= {operation.name for operation in operations}, f"{route} reached the cluster by {done}"
                written = {row["action"] for row in await rows_since(client, rows) if row["outcome"] == "allowed"}
                assert done <= written, f"{route} did {done}; the audit has {written}"
        assert {"session.open", "session.close", "session.attach", "inventory.pod"} <= set(reached), (
            "too little was reached to show anything"
        )


async def newest(client: httpx.AsyncClient) -> int:
    rows = (await client.get("/api/audit?limit=1")).json()
    return int(rows[0]["sequence"]) if rows else 0


async def rows_since(client: httpx.AsyncClient, sequence: int) -> list[dict[str, object]]:
    return [row for row in (await client.get("/api/audit?limit=1000")).json() if row["sequence"] > sequence]


# No key: no browser, no command line


@asynccontextmanager
async def untouched(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Whatever is tried inside reaches neither agent nor container."""
    before = stack.cluster.container().execs()
    with reaching(monkeypatch) as reached:
        yield
        assert reached == [], "somebody without a key reached the agent"
    assert stack.cluster.container().execs() == before


async def test_without_a_key_nobody_is_a_browser_or_a_command_line(make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = await make_stack()
    assert stack.gateway is not None
    own, cookie_name = stack.direct_url, f"podshell_{stack.direct_url.rsplit(':', 1)[1]}"
    async with httpx.AsyncClient(base_url=own) as browser:
        secret = (await stack.gateway.make_signin_link()).split("#signin=")[1]
        signed_in = await browser.post("/api/signin", json={"secret": secret}, headers={"Origin": own})
        cookie, page = f"{cookie_name}={browser.cookies[cookie_name]}", signed_in.json()["page_token"]
    token = stack.token
    tries: dict[str, dict[str, str]] = {
        "nothing": {},
        "the right Origin alone": {"Origin": own},
        "a guessed token": {"Authorization": f"Bearer {secrets.token_urlsafe(32)}"},
        "most of a token": {"Authorization": f"Bearer {token[:-1]}"},
        "a token as another scheme": {"Authorization": f"Basic {token}"},
        "a token in the cookie": {"Cookie": f"{cookie_name}={token}", "Origin": own, "X-Podshell-Token": page},
        "a cookie as a token": {"Authorization": f"Bearer {cookie.split('=')[1]}"},
        "a guessed cookie": {"Cookie": f"{cookie_name}={secrets.token_urlsafe(32)}", "Origin": own, "X-Podshell-Token": page},
        "a cookie of another port": {"Cookie": cookie.replace(cookie_name, "podshell_1"), "Origin": own, "X-Podshell-Token": page},
        "a cookie without the page's token": {"Cookie": cookie, "Origin": own},
        "a cookie with a guessed page token": {"Cookie": cookie, "Origin": own, "X-Podshell-Token": secrets.token_urlsafe(32)},
        "a cookie without Origin": {"Cookie": cookie, "X-Podshell-Token": page},
        "a foreign page": {"Cookie": cookie, "Origin": "http://evil.example", "X-Podshell-Token": page},
        "another port of this machine": {"Cookie": cookie, "Origin": "http://127.0.0.1:1", "X-Podshell-Token": page},
        "a sandboxed page": {"Cookie": cookie, "Origin": "null", "X-Podshell-Token": page},
        "a rebound name": {"Authorization": f"Bearer {token}", "Host": "evil.example"},
        "a rebound name with a cookie": {"Cookie": cookie, "Origin": own, "X-Podshell-Token": page, "Host": "evil.example"},
    }
    async with untouched(stack, monkeypatch), httpx.AsyncClient(base_url=own) as client:
        for name, headers in tries.items():
            answer = await client.post("/api/sessions", json=SHELL, headers=headers)
            assert answer.status_code in (401, 403), f"{name}: {answer.status_code} {answer.text}"
            assert set(answer.json()) == {"error"}, name
    async with httpx.AsyncClient(base_url=own) as client:  # the same with the whole key, to know that it is the key that was missing
        answer = await client.post("/api/sessions", json=SHELL, headers={"Cookie": cookie, "Origin": own, "X-Podshell-Token": page})
        assert answer.status_code == 201, answer.text


async def test_a_terminal_needs_both_its_users_key_and_a_ticket_of_its_own(make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = await make_stack()
    session, ticket = await stack.open_session(container="cart")
    other, _ = await stack.open_session(container="cart")
    live = str((await stack.api.call("POST", "/api/tickets", {"purpose": "live"}))["ticket"])
    async with TerminalClient(stack.api, session) as terminal:
        await terminal.wait_attached()
        used = await stack.api.ticket(session)
        assert await terminal_answer(stack, session, used) is None
    view = stack.cluster.container()
    await settled(lambda: len(view.processes()) >= 8, lambda: f"both shells and their lifelines: {view.processes()}")
    with reaching(monkeypatch) as reached:
        for headers in (
            {},
            {"Authorization": "Bearer x"},
            {"Origin": stack.direct_url},
            {**stack.api.headers, "Origin": "http://evil.example"},
        ):
            with pytest.raises(websockets.InvalidStatus) as refused:
                await terminal_answer(stack, session, ticket, headers)
            assert refused.value.response.status_code in (401, 403), headers
        for wrong in (used, live, "", secrets.token_urlsafe(32), ticket[:-1]):
            answer = await terminal_answer(stack, session, wrong)
            assert answer in ("ticket_refused", "link_lost"), (wrong, answer)
        assert await terminal_answer(stack, other, ticket) == "ticket_refused", "it is for another session"
        assert await terminal_answer(stack, session, ticket) == "ticket_refused", "it was used up by the try"
        assert reached == []


async def terminal_answer(stack: Stack, session: str, ticket: str, headers: dict[str, str] | None = None) -> str | None:
    """Open a terminal socket with a ticket; returns the error's code, None when it is let in."""
    connecting = websockets.connect(
        stack.direct_url.replace("http", "ws", 1) + "/ws/terminal",
        subprotocols=[websockets.Subprotocol("podshell.terminal.v1")],
        additional_headers=stack.api.headers if headers is None else headers,
    )
    async with connecting as socket, asyncio.timeout(20):
        await socket.send(encode_client(TerminalHello(ticket, session, secrets.token_hex(8))))
        answer = decode_server(await socket.recv())  # type: ignore[arg-type]  # binary messages only
        return answer.refusal.code.value if isinstance(answer, TerminalError) else None


# No key: no agent


async def link_answer(stack: Stack, make_hello: Callable[[m.Challenge], m.Hello]) -> m.Welcome | m.Reject:
    """Dial the gateway as an agent does, and return its answer to a HELLO."""
    connection = LinkConnection(Side.AGENT, now=time.monotonic())
    url = stack.direct_url.replace("http", "ws", 1) + "/link"
    async with websockets.connect(url, subprotocols=[websockets.Subprotocol("podshell.link.v1")], compression=None) as socket:
        async with asyncio.timeout(20):
            while True:
                data = await socket.recv()
                assert isinstance(data, bytes)
                for event in connection.receive_data(data, now=time.monotonic()):
                    assert isinstance(event, MessageReceived)
                    match event.message:
                        case m.Challenge() as challenge:
                            connection.send(make_hello(challenge))
                            await socket.send(connection.data_to_send())
                        case m.Welcome() | m.Reject() as answer:
                            return answer
                        case _:
                            pass


async def test_without_an_enrolled_key_nobody_is_an_agent(make_stack: MakeStack) -> None:
    stack = await make_stack(clusters=("demo-east", "demo-west"))
    agent = stack.cluster.agent
    assert agent is not None
    real, own = agent.identity, Ed25519PrivateKey.generate()
    other_cluster = await stack.make_enrolment("demo-west")
    used = (stack.folder / "demo-east.enrolment").read_text()
    seen: list[m.Challenge] = []

    def hello(
        challenge: m.Challenge, *, key: Ed25519PrivateKey, shown: bytes = b"", proof_of: m.Challenge | None = None, **claims: str
    ) -> m.Hello:
        values = {"cluster": "demo-east", "instance": "agent-evil", "epoch": secrets.token_hex(8), **claims}
        public = shown or key.public_key().public_bytes_raw()
        proof = m.hello_proof(proof_of or challenge, values["cluster"], values["instance"], values["epoch"], public)
        seen.append(challenge)
        return m.Hello(
            protocol=1, cluster=values["cluster"], instance=values["instance"], epoch=values["epoch"], public_key=public,
            signature=key.sign(proof), time_ms=0, version="0", enrolment=values.get("enrolment", ""),
        )  # fmt: skip

    tries: dict[str, Callable[[m.Challenge], m.Hello]] = {
        "an unknown key": lambda c: hello(c, key=own),
        "an unknown key with a used token": lambda c: hello(c, key=own, enrolment=used),
        "an unknown key with a guessed token": lambda c: hello(c, key=own, enrolment=secrets.token_urlsafe(32)),
        "a token for another cluster": lambda c: hello(c, key=own, enrolment=other_cluster),
        "an unknown key under a known name": lambda c: hello(c, key=own, instance=real.instance, epoch=real.epoch),
        "a known key that it does not hold": lambda c: hello(c, key=own, shown=real.public_key, instance=real.instance),
        "a proof of another connection": lambda c: hello(c, key=real.key, instance=real.instance, proof_of=seen[0]),
        "the key of another cluster's agent": lambda c: hello(c, key=real.key, instance=real.instance, cluster="demo-west"),
        "a cluster that nobody made": lambda c: hello(c, key=own, cluster="demo-north"),
    }
    for name, make in tries.items():
        answer = await link_answer(stack, make)
        assert isinstance(answer, m.Reject), f"{name} was welcomed"
        assert answer.refusal.message, name
    listed = await stack.api.call("GET", "/api/clusters")
    agents = {one["name"]: [agent["instance"] for agent in one["agents"]] for one in listed}  # type: ignore[index]  # a list of clusters
    assert agents["demo-east"] == [real.instance], "the real agent's link suffered"
    async with stack.shell() as terminal:
        await terminal.type(b"echo $((40+2))\r")
        await terminal.wait_output(b"42")


# A gateway that cheats, against a real agent


@asynccontextmanager
async def cheated_agent(
    folder: Path, sandbox: SandboxCluster, tools: ToolsSettings | None = None, **ceiling: bool
) -> AsyncIterator[tuple[GatewayEnd, Agent]]:
    kubeconfig = folder / "kubeconfig"
    sandbox.write_kubeconfig(kubeconfig, users.AGENT)
    async with GatewayServer().running() as server:
        settings = AgentSettings(
            gateway_urls=(server.url,), cluster="east", state_dir=folder / "agent", kubeconfig=kubeconfig,
            ceiling=Ceiling(**ceiling), reconnect_base_seconds=0.05, tools=tools or ToolsSettings(),
        )  # fmt: skip
        async with Agent(settings) as agent:
            yield await server.next_link(), agent


def an_opening(**fields: str) -> calls.OpenSession:
    values = {"session": secrets.token_hex(8), "kind": "exec", "namespace": "shop", "pod": "cart-0", "user": "ada", "container": "cart"}
    return calls.OpenSession(**{**values, **fields})  # type: ignore[arg-type]  # fields of OpenSession


NOW = int(time.time() * 1000)
BAD_GRANTS: dict[str, dict[str, object]] = {
    "expired": {"issued_ms": NOW - 2 * LIFETIME_MS, "expires_ms": NOW - LIFETIME_MS},
    # far off: NOW is the time of the import, and a whole suite may run in between
    "from the future": {"issued_ms": NOW + 1000 * LIFETIME_MS, "expires_ms": NOW + 1001 * LIFETIME_MS},
    "of another cluster": {"cluster": "west"},
    "of another instance": {"instance": "agent-other"},
    "of an earlier life": {"epoch": "earlier"},
    "for another operation": {"operation": "observe"},
    "for another session": {"session": "another"},
    "signed by a stranger": {"key": Ed25519PrivateKey.generate()},
}


# What a grant says and the parameters do not.
SWAPS: list[dict[str, object]] = [
    {"pod": "storefront"}, {"namespace": "payments"}, {"user": "eve"}, {"container": "exporter"}, {"session": "another"},
    {"command": ["rm", "-rf", "/"]}, {"idle_timeout_seconds": 0.0},
]  # fmt: skip


async def test_bad_grants_open_close_show_and_list_nothing(sandbox_cluster: SandboxCluster, tmp_path: Path) -> None:
    """Every way in, with every kind of bad grant, over a real link to a real agent."""
    async with cheated_agent(tmp_path, sandbox_cluster, pod_exec=True) as (link, _):
        good = an_opening()
        assert isinstance(await link.open(good), calls.OpenedSession)
        viewer = link.attach(good.session)
        viewer.type("echo $((40+2))\n")
        await viewer.until_output(b"\r42\r\n")
        view = ContainerView.of(sandbox_cluster)
        before = view.execs()
        for name, changes in BAD_GRANTS.items():
            await expect_refusals(link, good, name, changes)
        assert view.execs() == before, "a process was started or ended"
        viewer.type("echo $((50+5))\n")
        await viewer.until_output(b"\r55\r\n")


def bad_grant(
    link: GatewayEnd, operation: str, changes: dict[str, object], params: msgspec.Struct | None = None, **fields: object
) -> bytes:
    values = {"operation": operation, **fields, **changes}
    return link.grant(str(values.pop("operation")), params=msgspec.msgpack.encode(params) if params is not None else b"", **values)


async def expect_refusals(link: GatewayEnd, good: calls.OpenSession, name: str, changes: dict[str, object]) -> None:
    opening, closing = an_opening(), calls.CloseSession(good.session)
    target = {"session": opening.session, "kind": "exec", "namespace": "shop", "pod": "cart-0", "user": "ada"}
    tries: list[tuple[str, msgspec.Struct, bytes]] = [
        (calls.SESSION_OPEN, opening, bad_grant(link, "open", changes, opening, **target)),
        (calls.SESSION_CLOSE, closing, bad_grant(link, "close", changes, closing, session=good.session)),
    ]
    if name != "for another session":  # the inventory belongs to none
        watching = calls.WatchInventory("pods")
        tries.append((calls.INVENTORY_WATCH, watching, bad_grant(link, "view", changes, watching)))
    for method, params, grant in tries:
        reply = await link.call(method, params, grant)
        assert code_of(reply.refusal) is ErrorCode.GRANT_REFUSED, f"{method} with a grant {name}: {reply}"
    for role, operation in (("owner", "attach"), ("observer", "observe"), ("recorder", "record")):
        if changes.get("operation") == operation:
            continue
        thief = link.attach(good.session, role=role, grant=bad_grant(link, operation, changes, session=good.session))
        await until_answered(thief)
        assert code_of(thief.refusal) is ErrorCode.GRANT_REFUSED, f"{role} with a grant {name}: {thief}"
        assert thief.output == b"", (name, role)


async def until_answered(viewer: Viewer) -> None:
    await viewer.until(lambda: viewer.refusal or viewer.attached, "an answer")


async def test_altered_replayed_and_swapped_grants_are_refused(sandbox_cluster: SandboxCluster, tmp_path: Path) -> None:
    async with cheated_agent(tmp_path, sandbox_cluster, pod_exec=True) as (link, _):
        wanted = an_opening()
        grant = link.opening_grant(wanted)
        assert (await link.call(calls.SESSION_OPEN, wanted, grant)).refusal is None
        await link.until_fact("opened", wanted.session)
        before = (view := ContainerView.of(sandbox_cluster)).execs()
        replayed = await link.call(calls.SESSION_OPEN, wanted, grant)
        assert code_of(replayed.refusal) is ErrorCode.GRANT_REFUSED, "replayed"
        for place in range(0, len(grant), 7):  # one bit, anywhere in it
            fresh = link.opening_grant(other := an_opening())
            altered = bytearray(fresh)
            altered[min(place, len(fresh) - 1)] ^= 1
            reply = await link.call(calls.SESSION_OPEN, other, bytes(altered))
            assert code_of(reply.refusal) is ErrorCode.GRANT_REFUSED, f"bit at {place}"
        for change in (
            {"pod": "storefront"},
            {"namespace": "payments"},
            {"user": "eve"},
            {"container": "exporter"},
            {"session": "another"},
        ):
            asked = an_opening()
            swapped = msgspec.structs.replace(asked, **change)
            assert code_of((await link.call(calls.SESSION_OPEN, swapped, link.opening_grant(asked))).refusal) is ErrorCode.GRANT_REFUSED, (
                change
            )
        command = an_opening()
        other = msgspec.structs.replace(command, command=["rm", "-rf", "/"])
        assert code_of((await link.call(calls.SESSION_OPEN, other, link.opening_grant(command))).refusal) is ErrorCode.GRANT_REFUSED, (
            "command"
        )
        attach = link.grant("attach", session=wanted.session)
        assert (await link.attach(wanted.session, grant=attach).until_attached()).session == wanted.session
        thief = link.attach(wanted.session, grant=attach)
        await until_answered(thief)
        assert code_of(thief.refusal) is ErrorCode.GRANT_REFUSED, "a replayed attach"
        assert view.execs() == before, "a process was started"


@pytest.mark.parametrize("kind", ["exec", "debug", "node", ""])
async def test_the_ceiling_holds_against_a_good_grant(kind: str, sandbox_cluster: SandboxCluster, tmp_path: Path) -> None:
    async with cheated_agent(tmp_path, sandbox_cluster) as (link, _):
        before = (view := ContainerView.of(sandbox_cluster)).execs()
        wanted = an_opening(kind=kind)
        refused = await link.open(wanted)
        assert isinstance(refused, Refusal), refused
        assert refused.code is (ErrorCode.FORBIDDEN_BY_CEILING if kind else ErrorCode.BAD_REQUEST), refused
        assert view.execs() == before


def code_of(refusal: Refusal | None) -> ErrorCode | None:
    return refusal.code if refusal is not None else None
