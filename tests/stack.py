"""A whole stack for tests: sandbox clusters, gateway, agents and terminals, with a proxy on every way between them.

Gateway and agents run in this process or, to be killed, as processes of their own (`warm_parent.py`); sandbox clusters always run here, so
that a test can interfere with them. Everything that is started ends with the stack.

    async with Stack(tmp_path, parent, gateway_process=True) as stack:
        terminal = await stack.open_shell()
        stack.terminal_proxy.cut()            # terminal <-> gateway
        stack["demo-east"].link_proxy.cut()   # agent <-> gateway
        stack["demo-east"].api_proxy.cut()    # agent <-> API server
        await stack.kill_gateway(); await stack.start_gateway()
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path

import httpx
from sqlalchemy import update

from faults import CuttingProxy
from podshell.agent.ceiling import Ceiling
from podshell.agent.main import Agent
from podshell.agent.settings import AgentSettings, ToolsSettings
from podshell.gateway import tables
from podshell.gateway.app import Gateway
from podshell.gateway.settings import GatewaySettings
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.content import small_content
from podshell.sandbox.resources import POD
from sandbox_fixtures import QUICK
from terminal_client import Api, ApiError, TerminalClient
from warm_parent import Part, WarmParent

PATIENCE_SECONDS = 30.0


async def settled(condition: Callable[[], object], what: Callable[[], object] | str, seconds: float = PATIENCE_SECONDS) -> None:
    """Look at something that tells nobody of its changes (/proc, a file of another process) until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what if isinstance(what, str) else what()}"
        await asyncio.sleep(0.02)


@dataclass
class Pieces:
    """How a stack is put together. `clusters` all have the same content."""

    clusters: tuple[str, ...] = ("demo-east",)
    gateway_process: bool = False
    agent_process: bool = False
    idle_timeout_seconds: float = 0.0
    reconnect_base_seconds: float = 0.05
    reconnect_cap_seconds: float = 0.2
    ceiling: Ceiling = field(default_factory=lambda: Ceiling(pod_exec=True))
    tools: ToolsSettings = field(default_factory=lambda: ToolsSettings(image_repository="tools", image_version="1"))
    session_limit: int = 500
    server_version: tuple[int, int] = (1, 36)


class StackCluster:
    """One cluster of a stack: its API server and containers, its agent, and the proxies around that."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.name = name
        self.sandbox = SandboxCluster(
            name, folder=stack.folder / name, content=small_content, timings=QUICK, server_version=stack.pieces.server_version
        )
        self.link_proxy = CuttingProxy(0)
        self.api_proxy = CuttingProxy(0)
        self.agent: Agent | None = None
        self.agent_part: Part | None = None
        self._stack = stack
        self._kubeconfig = stack.folder / f"{name}.kubeconfig"
        self._enrolment = stack.folder / f"{name}.enrolment"

    async def start(self) -> None:
        await self.sandbox.start()
        self.api_proxy.target_port = int(self.sandbox.url.rsplit(":", 1)[1])
        await self.api_proxy.start()
        text = self.sandbox.kubeconfig(users.AGENT).replace(self.sandbox.url, f"https://127.0.0.1:{self.api_proxy.port}")
        self._kubeconfig.touch(0o600)
        self._kubeconfig.write_text(text)

    async def stop(self) -> None:
        await self.stop_agent()
        await self.link_proxy.stop()
        await self.api_proxy.stop()
        await self.sandbox.stop()

    async def start_agent(self) -> None:
        """Start the agent, again in the same state folder when it was there before; returns before it is linked."""
        pieces = self._stack.pieces
        if not self._enrolment.exists():
            self._enrolment.touch(0o600)
            self._enrolment.write_text(await self._stack.make_enrolment(self.name))
        settings = AgentSettings(
            gateway_urls=(f"http://127.0.0.1:{self.link_proxy.port}",),
            cluster=self.name,
            state_dir=self._stack.folder / f"{self.name}.agent",
            enrolment_token_file=self._enrolment,
            kubeconfig=self._kubeconfig,
            ceiling=pieces.ceiling,
            tools=pieces.tools,
            session_limit=pieces.session_limit,
            reconnect_base_seconds=pieces.reconnect_base_seconds,
            reconnect_cap_seconds=pieces.reconnect_cap_seconds,
            restart_base_seconds=0.1,
        )
        if pieces.agent_process:
            self.agent_part = self._stack.start_part(_agent_words(settings), f"{self.name}.agent.log")
        else:
            self.agent = Agent(settings)
            await self.agent.start()

    async def stop_agent(self) -> None:
        agent, self.agent = self.agent, None
        if agent is not None:
            await agent.stop()
        part, self.agent_part = self.agent_part, None
        if part is not None:
            await part.stop()

    async def kill_agent(self) -> None:
        """kill -9 of the agent's process."""
        part, self.agent_part = self.agent_part, None
        assert part is not None, "this stack's agents are no processes"
        await part.kill()

    def container(self, pod: str = "cart-0", container: str = "cart", namespace: str = "shop") -> ContainerView:
        """Look at a running container from outside."""
        return ContainerView.of(self.sandbox, pod, container, namespace)

    def pod_named(self, namespace: str, prefix: str) -> str:
        """Find a pod by the beginning of its name."""
        names = [one["metadata"]["name"] for one in self.sandbox.store.list(POD) if one["metadata"]["namespace"] == namespace]
        return next(name for name in names if name.startswith(prefix))


@dataclass(frozen=True)
class ProcessView:
    """One process as this machine's /proc shows it. `start` (clock ticks) tells it from a later one with the same pid; `sid` is its session
    as the machine counts: each exec begins one."""

    pid: int
    sid: int
    start: int
    name: str
    state: str
    command: str

    def __str__(self) -> str:
        return f"{self.command or self.name} (host pid {self.pid}, state {self.state})"


class ContainerView:
    """The processes of one container, read from /proc outside of it: by the container's pid namespace, or, where this machine allows no
    namespaces, by the mark that the sandbox puts into the environment of plain processes."""

    def __init__(self, pid: int, *, isolated: bool) -> None:
        self._namespace = os.readlink(f"/proc/{pid}/ns/pid") if isolated else ""
        variables = [] if isolated else Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        self._mark = next((one for one in variables if one.startswith(b"PODSHELL_SANDBOX_CONTAINER=")), b"no container")

    @classmethod
    def of(cls, sandbox: SandboxCluster, pod: str = "cart-0", container: str = "cart", namespace: str = "shop") -> ContainerView:
        """Find a container that runs."""
        found = sandbox.store.get(POD, namespace, pod)
        assert found is not None, f"there is no pod {namespace}/{pod}"
        statuses = found["status"].get("containerStatuses", [])
        identity = next(one["containerID"] for one in statuses if one["name"] == container).removeprefix("containerd://")
        running = sandbox.runtime.container(identity)
        assert running is not None, f"the container {container} of {pod} does not run: {found['status']}"
        return cls(running.pid, isolated=sandbox.runtime.isolated)

    @classmethod
    def around(cls, command: str) -> ContainerView:
        """Find the container in which the only process of this machine with such a command line runs, in whichever sandbox."""
        wanted = command.replace(" ", "\0").encode() + b"\0"
        found = [entry for entry in os.listdir("/proc") if entry.isdigit() and command_line(entry) == wanted]
        assert len(found) == 1, f"{len(found)} processes run {command!r}"
        return cls(int(found[0]), isolated=os.readlink(f"/proc/{found[0]}/ns/pid") != os.readlink("/proc/self/ns/pid"))

    def processes(self) -> dict[tuple[int, int], ProcessView]:
        """All living processes by pid and start time; zombies are dead."""
        found = {}
        for entry in os.listdir("/proc"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                if entry.isdigit() and self._holds(entry) and (one := _read_process(entry)).state not in "ZX":
                    found[one.pid, one.start] = one
        return found

    def execs(self) -> set[int]:
        """The sessions of the living processes: one for each exec, and the container's own."""
        return {one.sid for one in self.processes().values()}

    def _holds(self, pid: str) -> bool:
        if self._namespace:
            return os.readlink(f"/proc/{pid}/ns/pid") == self._namespace
        return self._mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def command_line(pid: str | int) -> bytes:
    """A process's arguments, each ended by a zero byte; nothing when it has gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _read_process(pid: str) -> ProcessView:
    text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return ProcessView(int(pid), int(rest[3]), int(rest[19]), name, rest[0], command[:100])


class Stack:
    """A running stack; `async with`. `folder` is a test's own."""

    def __init__(self, folder: Path, parent: WarmParent | None = None, **pieces: object) -> None:
        self.folder = folder
        self.pieces = Pieces(**pieces)  # type: ignore[arg-type]  # fields by name
        self.terminal_proxy = CuttingProxy(0)
        self.gateway: Gateway | None = None
        self.gateway_part: Part | None = None
        self.token = ""
        self.api: Api
        self._parent = parent
        self._port = 0
        self._exits = AsyncExitStack()
        self.clusters = {name: StackCluster(self, name) for name in self.pieces.clusters}

    def __getitem__(self, cluster: str) -> StackCluster:
        return self.clusters[cluster]

    @property
    def cluster(self) -> StackCluster:
        """The first cluster."""
        return next(iter(self.clusters.values()))

    @property
    def url(self) -> str:
        """The gateway's address as terminals use it: through the proxy."""
        return f"http://127.0.0.1:{self.terminal_proxy.port}"

    @property
    def direct_url(self) -> str:
        """The gateway's own address."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Stack:
        try:
            await self._start()
        except BaseException:
            await self._exits.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exits.aclose()

    async def _start(self) -> None:
        self._exits.push_async_callback(self.terminal_proxy.stop)
        await self.terminal_proxy.start()
        for cluster in self.clusters.values():
            self._exits.push_async_callback(cluster.stop)
            await cluster.link_proxy.start()
        self._exits.push_async_callback(self.stop_gateway)
        await asyncio.gather(self.start_gateway(), *(cluster.start() for cluster in self.clusters.values()))
        for cluster in self.clusters.values():
            self._exits.push_async_callback(cluster.stop_agent)  # before the gateway, which would send it away first
            await cluster.start_agent()
        self.api = Api(self.url, self.token)
        self._exits.push_async_callback(self.api.close)
        await asyncio.gather(*(cluster.sandbox.settle() for cluster in self.clusters.values()), self.wait_online(*self.clusters))

    # The gateway.

    async def start_gateway(self) -> None:
        """Start the gateway; after the first time on the same port and state folder."""
        hosts = tuple(f"127.0.0.1:{proxy.port}" for proxy in self._gateway_proxies())
        settings = GatewaySettings(
            port=self._port,
            state_dir=self.folder / "gateway",
            owner="ada",
            allowed_hosts=hosts,
            idle_timeout_seconds=self.pieces.idle_timeout_seconds,
            sessions_per_user=1000,
            takeover_seconds=2.0,
        )
        if self.pieces.gateway_process:
            await self._start_gateway_part(settings)
        else:
            self.gateway = Gateway(settings)
            await self.gateway.start()
            self._port = int(self.gateway.url.rsplit(":", 1)[1])
            if not self.token:
                await self.gateway.write_cli_token(self.folder / "cli.json")
                self.token = json.loads((self.folder / "cli.json").read_text())["token"]
        for proxy in self._gateway_proxies():
            proxy.target_port = self._port

    def _gateway_proxies(self) -> list[CuttingProxy]:
        return [self.terminal_proxy, *(cluster.link_proxy for cluster in self.clusters.values())]

    async def _start_gateway_part(self, settings: GatewaySettings) -> None:
        words = ["gateway", "--port", str(settings.port), "--state-dir", str(settings.state_dir), "--owner", settings.owner]
        words += ["--allowed-hosts", ",".join(settings.allowed_hosts), "--idle-timeout-seconds", str(settings.idle_timeout_seconds)]
        words += ["--sessions-per-user", str(settings.sessions_per_user), "--takeover-seconds", str(settings.takeover_seconds)]
        if self.token:
            self.gateway_part = self.start_part(words, "gateway.log")
            return
        token = self.folder / "cli.json"
        words += ["--cli-token-file", str(token)]
        files = [token]
        for cluster in self.clusters:
            files.append(self.folder / f"{cluster}.enrolment")
            words += ["--enrol", f"{cluster}={files[-1]}"]
        part = self.gateway_part = self.start_part(words, "gateway.log")
        await settled(lambda: part.check() or all(file.exists() for file in files), lambda: f"the gateway's files; {part.read_log()}")
        access = json.loads(token.read_text())
        self.token = access["token"]
        self._port = int(access["gateway"].rsplit(":", 1)[1])

    async def stop_gateway(self) -> None:
        gateway, self.gateway = self.gateway, None
        if gateway is not None:
            await gateway.stop()
        part, self.gateway_part = self.gateway_part, None
        if part is not None:
            await part.stop()

    async def kill_gateway(self) -> None:
        """kill -9 of the gateway's process."""
        part, self.gateway_part = self.gateway_part, None
        assert part is not None, "this stack's gateway is no process"
        await part.kill()

    async def make_enrolment(self, cluster: str) -> str:
        assert self.gateway is not None, "the gateway's process writes the tokens"
        return await self.gateway.make_enrolment(cluster)

    def start_part(self, words: list[str], log: str) -> Part:
        assert self._parent is not None, "a stack with processes needs a WarmParent"
        return self._parent.start(words, self.folder / log)

    # What a test does.

    async def sign_in(self, user: str) -> Api:
        """Make one more user of the gateway, as an owner; returns their REST part, which ends with the stack."""
        assert self.gateway is not None, "users are made in the gateway of this process"
        credentials, file = self.gateway.services.credentials, self.folder / f"{user}.json"
        await credentials.ensure_owner(user)
        await credentials.write_cli_token(file, user, self.url)
        api = Api(self.url, json.loads(file.read_text())["token"])
        self._exits.push_async_callback(api.close)
        return api

    async def change_role(self, user: str, role: str) -> None:
        """Give a user another role, as an administration of users would, and have what they may do decided anew."""
        assert self.gateway is not None, "roles are changed in the gateway of this process"
        async with self.gateway.services.database.transaction() as connection:
            await connection.execute(update(tables.users).where(tables.users.c.name == user).values(role=role))
        self.gateway.authority_changed(user=user)

    async def wait_online(self, *clusters: str, online: bool = True) -> None:
        """Wait until the gateway says that clusters have an agent (or none)."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        wanted, shown = dict.fromkeys(clusters, "online" if online else "offline"), {}
        while time.monotonic() < deadline:
            try:
                listed = await self.api.call("GET", "/api/clusters")
            except (httpx.TransportError, ApiError) as error:  # it may be starting
                shown = error
            else:
                shown = {one["name"]: one["state"] for one in listed}  # type: ignore[index]  # a list of clusters
                if {name: shown.get(name) for name in wanted} == wanted:
                    return
            await asyncio.sleep(0.03)  # the live socket would tell, and is not what is tested here
        raise AssertionError(f"not within {PATIENCE_SECONDS:g} s: {wanted}; the gateway shows {shown!r}; {await self.explain()}")

    @asynccontextmanager
    async def shell(self, cluster: str = "", *, container: str = "cart", **fields: object) -> AsyncIterator[TerminalClient]:
        """Open a session and keep a terminal attached to it. Fields of a TerminalClient (visible, window, ...) or of POST /api/sessions."""
        options = {name: fields.pop(name) for name in ("visible", "window", "backoff", "backoff_cap") if name in fields}
        session, ticket = await self.open_session(cluster, container=container, **fields)
        async with TerminalClient(self.api, session, ticket, **options) as terminal:  # type: ignore[arg-type]  # fields by name
            yield terminal

    async def open_session(self, cluster: str = "", **fields: object) -> tuple[str, str]:
        values = {"cluster": cluster or self.cluster.name, "namespace": "shop", "pod": "cart-0", **fields}
        return await self.api.open_session(**values)

    async def session(self, session: str) -> dict[str, object]:
        return await self.api.call("GET", f"/api/sessions/{session}")

    async def made(self, session: str) -> dict[str, object]:
        """What was made for a debug or node session, once all of it is known: the agent tells it again when its container runs."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (made := (await self.session(session)).get("made") or {}).get("image_id"):  # type: ignore[attr-defined]  # a MadeContainer
            assert time.monotonic() < deadline, f"what was made for {session} is not told: {made}; {self.logs()}"
            await asyncio.sleep(0.03)
        return dict(made)  # type: ignore[call-overload, no-any-return]  # a MadeContainer

    async def audit(self, session: str, action: str = "") -> list[dict[str, object]]:
        """The audit of a session, oldest first."""
        rows = await self.api.call("GET", "/api/audit?limit=1000")
        found = [row for row in rows if row.get("session") == session and action in ("", row["action"])]  # type: ignore[attr-defined, index]  # rows
        return list(reversed(found))

    async def wait_audit(self, session: str, action: str) -> dict[str, object]:
        """Wait for a row of a session."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (rows := await self.audit(session, action)):
            assert time.monotonic() < deadline, f"no audit row {action} of {session}: {await self.audit(session)}; {self.logs()}"
            await asyncio.sleep(0.03)
        return rows[-1]

    async def explain(self) -> str:
        """For failures: what the processes of this stack have printed last, and where their tasks wait."""
        for part in (self.gateway_part, *(cluster.agent_part for cluster in self.clusters.values())):
            if part is not None:
                with contextlib.suppress(ProcessLookupError):
                    part.ask_stacks()
        await asyncio.sleep(0.5)  # they write it
        return self.logs()

    def logs(self) -> str:
        """What the processes of this stack have printed last."""
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {file.name}\n{file.read_text(errors='replace')[-6000:]}" for file in files)


def _agent_words(settings: AgentSettings) -> list[str]:
    words = ["agent", "--cluster", settings.cluster, "--gateway-urls", ",".join(settings.gateway_urls)]
    words += ["--state-dir", str(settings.state_dir), "--enrolment-token-file", str(settings.enrolment_token_file)]
    words += ["--kubeconfig", str(settings.kubeconfig), "--session-limit", str(settings.session_limit)]
    for name in ("reconnect_base_seconds", "reconnect_cap_seconds", "restart_base_seconds"):
        words += [f"--{name.replace('_', '-')}", str(getattr(settings, name))]
    allowed = [f"--ceiling-{flag.name.replace('_', '-')}" for flag in fields(settings.ceiling) if getattr(settings.ceiling, flag.name)]
    default = ToolsSettings()
    tools = [
        word
        for one in fields(settings.tools)
        if (value := getattr(settings.tools, one.name)) != getattr(default, one.name)
        for word in (f"--tools-{one.name.replace('_', '-')}", ",".join(value) if isinstance(value, tuple) else str(value))
    ]
    return [*words, *allowed, *tools]


MakeStack = Callable[..., Awaitable[Stack]]
