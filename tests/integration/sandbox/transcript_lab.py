"""The cluster of the transcripts, one for each: the pods that they speak to, on the real API server and runtime."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from dataclasses import dataclass, field

from podshell.sandbox import statuses
from podshell.sandbox.rbac import MASTERS, Authority, Binding, Rule
from podshell.sandbox.runtime import Container, ContainerSpec, Runtime
from podshell.sandbox.server import ApiServer
from podshell.sandbox.store import ObjectStore
from podshell.sandbox.streams import FoundContainer, Streams

ADMIN_TOKEN = "admin-token"
_PLAIN = 'i=0; while :; do i=$((i+1)); echo "out $i"; echo "err $i" >&2; sleep 1; done'
# pod -> container -> how it runs; None: it has no process
_PODS: dict[tuple[str, str], dict[str, dict[str, object] | None]] = {
    ("default", "demo"): {"main": {"command": ("sleep", "infinity")}, "side": None},
    ("lab", "two"): {"main": {"command": ("sleep", "infinity")}, "side": None},
    ("lab", "badimage"): {"main": None},
    ("lab", "completed"): {"main": None},
    ("lab", "attachme"): {
        "catc": {"command": ("cat",), "stdin": True},
        "once": {"command": ("cat",), "stdin": True, "stdin_once": True},
        "plain": {"command": ("sh", "-c", _PLAIN)},
        "tty": {"command": ("sh",), "stdin": True, "tty": True},
    },
}
_ids = itertools.count(1)


@dataclass
class Lab:
    """One API server with its own containers; the runtime is shared."""

    runtime: Runtime
    authority: Authority = field(default_factory=Authority)
    containers: dict[tuple[str, str, str], Container] = field(default_factory=dict)

    async def start(self, pod: tuple[str, str], container: str) -> None:
        """Start the server and the one container that matters."""
        self.server = ApiServer(ObjectStore(), self.authority)
        self.streams = Streams(self.runtime, self.find)
        self.streams.register(self.server)
        self.authority.add_user("admin", ADMIN_TOKEN, groups=[MASTERS])
        how = _PODS.get(pod, {}).get(container)
        if how is not None:
            spec = ContainerSpec(f"{next(_ids):064x}", "uid", *pod, container, "localhost/busybox:1.38", **how)  # type: ignore[arg-type]
            started = self.containers[*pod, container] = await self.runtime.start_container(spec)
            if spec.tty:
                await _see(started, b"# ")  # the banner is over: attach replays nothing
        await self.server.start()

    async def stop(self) -> None:
        await self.server.stop()
        for container in self.containers.values():
            await container.stop(0)
            self.runtime.forget(container.spec.id)

    def find(self, namespace: str, pod: str, container: str | None) -> FoundContainer:
        """The finder of the lab's pods (the texts of transcripts/refused)."""
        if (namespace, pod) == ("lab", "pending"):
            raise statuses.bad_request("pod pending does not have a host assigned")
        names = _PODS.get((namespace, pod))
        if names is None:
            raise statuses.not_found("pods", pod)
        if container is None:
            raise statuses.bad_request(f"a container name must be specified for pod {pod}, choose one of: [{' '.join(names)}]")
        if container not in names:
            raise statuses.bad_request(f"container {container} is not valid for pod {pod}")
        return FoundContainer(container, self.containers.get((namespace, pod, container)))

    def token_for(self, what: str) -> str:
        """Give the token of the account that a transcript of rbac/ names; its rights are those it had."""
        if "not valid" in what:
            return "no-such-token"
        for words, name, verbs in (
            ("get and create", "both", ("get", "create")),
            ("in its own namespace", "both", ("get", "create")),
            ("only create", "createonly", ("create",)),
            ("only get", "getonly", ("get",)),
            ("no rights", "none", ()),
        ):
            if words in what:
                token = secrets.token_hex(8)
                self.authority.add_user(f"system:serviceaccount:lab:{name}", token)
                rule = Rule(verbs, resources=("pods/exec", "pods/attach"))
                self.authority.bind(Binding(name, "ServiceAccount", f"lab/{name}", (rule,), namespace="lab"))
                return token
        return ADMIN_TOKEN


async def _see(container: Container, text: bytes) -> None:
    seen, found = bytearray(), asyncio.Event()

    async def look(_: str, data: bytes) -> None:
        seen.extend(data)
        if text in seen:
            found.set()

    remove = container.process.add_consumer(look)
    async with asyncio.timeout(20):
        await found.wait()
    remove()
