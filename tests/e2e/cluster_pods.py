"""The cluster that the suite runs on, and the pods that it makes there: with the plain Kubernetes client only, nothing of a sandbox.

Which cluster: $PODSHELL_E2E_KUBECONFIG (`make e2e KUBECONFIG=...` sets it), else a sandbox cluster of its own. $PODSHELL_E2E_NAMESPACE
(default), $PODSHELL_E2E_IMAGE (localhost/busybox:1.38) and $PODSHELL_E2E_SHELLLESS_IMAGE say where pods go and what they are made of.
$PODSHELL_E2E_TOOLS_IMAGE is the tools image for debug and node shells; without one they run $PODSHELL_E2E_IMAGE, which has `sh` only.
Namespaces, service accounts and roles of the run's own are called podshell-e2e-...; a test that may not make them is skipped, and says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psutil
import pytest

from podshell.kube.errors import Forbidden, NotFound
from podshell.kube.exec import ExecEnd, ExecTarget, Exited, open_exec
from podshell.kube.objects import Metadata, Pod
from podshell.kube.reflector import read_lines
from podshell.kube.rest import Client
from podshell.kube.workloads import PODS

PATIENCE_SECONDS = 60.0
NAMESPACE = os.environ.get("PODSHELL_E2E_NAMESPACE") or "default"
IMAGE = os.environ.get("PODSHELL_E2E_IMAGE") or "localhost/busybox:1.38"
TOOLS_IMAGE = os.environ.get("PODSHELL_E2E_TOOLS_IMAGE") or ""

# A container that does nothing, and reaps what is given to it.
_IDLE = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"]

# What the level "restricted" of Pod Security asks of a container.
_RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}

# $1: a session's id inside the container, $2: a pattern that finds its nonce and not itself. One line a process: S or N, and its stat.
_LOOK = """
for d in /proc/[0-9]*; do { read -r l <"$d/stat" && echo "S $l"; } 2>/dev/null; done
for f in $(grep -ls "$2" /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null); do
  { read -r l <"${f%/*}/stat" && echo "N $l"; } 2>/dev/null
done
exit 0
"""


@dataclass(frozen=True, slots=True)
class InContainer:
    """A living process as the container's own /proc shows it."""

    pid: int
    name: str
    sid: int


@dataclass(slots=True)
class Left:
    """Processes that belong to a session: `members` by its session id, `carriers` by its nonce."""

    members: list[InContainer] = field(default_factory=list)
    carriers: list[InContainer] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.members or self.carriers)


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Output:
    """An exec's receiver that keeps all output."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.end: asyncio.Future[ExecEnd] = asyncio.get_running_loop().create_future()

    def up(self) -> None:
        pass

    def output(self, channel: int, data: memoryview | bytes) -> None:
        self.data += data

    def ended(self, end: ExecEnd) -> None:
        if not self.end.done():
            self.end.set_result(end)


@dataclass
class ClusterPods:
    """The pods and namespaces of one run; `delete_all` at the end. `sandboxed`: their processes are this machine's."""

    client: Client
    kubeconfig: Path
    agent_kubeconfig: Path
    sandboxed: bool
    shellless_image: str
    namespaces: list[str] = field(default_factory=list)
    _made: list[tuple[str, str]] = field(default_factory=list)

    async def create(
        self,
        containers: Sequence[str] = ("main",),
        image: str = IMAGE,
        *,
        idle: bool = True,
        namespace: str = NAMESPACE,
        restricted: bool = False,
    ) -> str:
        """Make a pod and return its name once its containers run. `idle`: with a command of ours, else the image's own."""
        name = f"podshell-e2e-{secrets.token_hex(4)}"
        base: dict[str, object] = {"image": image, "imagePullPolicy": "IfNotPresent"}
        if restricted:
            base["securityContext"] = _RESTRICTED
        spec = {
            "containers": [
                {**base, "name": one, "env": [{"name": "ROLE", "value": one}], **({"command": _IDLE} if idle else {})} for one in containers
            ],
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
        }
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "podshell-e2e"}}, "spec": spec}
        self._made.append((namespace, name))
        await self.client.create(PODS.path(namespace), body, Pod)
        await self._watch(namespace, name, lambda kind, pod: kind != "DELETED" and _runs(pod))
        return name

    async def create_namespace(self, level: str) -> str:
        """Make a namespace that enforces a level of Pod Security, and return its name once it takes pods; skip where it may not be."""
        name = f"podshell-e2e-{secrets.token_hex(4)}"
        labels = {"app": "podshell-e2e", "pod-security.kubernetes.io/enforce": level}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        try:
            await self.client.create("/api/v1/namespaces", body, Metadata)
        except Forbidden as error:
            pytest.skip(f"no namespace may be made: {error}")
        self.namespaces.append(name)
        if not self.sandboxed:  # the sandbox lets pods be made without their account
            await self._until_account(name)
        return name

    async def _until_account(self, namespace: str) -> None:
        """Wait for the account that a controller makes in each namespace: no pod is admitted before."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                with contextlib.suppress(NotFound):
                    await self.client.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/default", Metadata)
                    return
                await asyncio.sleep(0.1)  # nobody tells this client

    async def delete(self, name: str) -> None:
        await self.client.delete(PODS.path(NAMESPACE, name))

    async def delete_all(self) -> None:
        for namespace, name in self._made:
            with contextlib.suppress(NotFound):
                await self.client.delete(PODS.path(namespace, name), grace_seconds=0)
        for namespace in self.namespaces:
            with contextlib.suppress(NotFound):
                await self.client.delete(f"/api/v1/namespaces/{namespace}")

    async def _watch(self, namespace: str, name: str, condition: Callable[[str, Pod], bool]) -> None:
        """Watch one pod until a condition holds of an event."""
        params = {"watch": "true", "fieldSelector": f"metadata.name={name}", "timeoutSeconds": "120"}
        seen = "nothing"
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self.client.open_stream(PODS.path(namespace), params) as content:
                async for line in read_lines(content, PATIENCE_SECONDS):
                    event = msgspec.json.decode(line, type=_Event)
                    seen = bytes(event.object).decode()
                    if condition(event.type, msgspec.json.decode(event.object, type=Pod)):
                        return
        except TimeoutError:
            pass
        raise AssertionError(f"the pod {name} is not as it should be after {PATIENCE_SECONDS:g} s: {seen}")

    async def run(self, pod: str, container: str, *command: str) -> bytes:
        """Run a command by an exec of the plain client and return its output."""
        output = _Output()
        stream = await open_exec(self.client, ExecTarget(NAMESPACE, pod, container), command, tty=False, receiver=output)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                end = await output.end
        finally:
            stream.abort()
        assert end == Exited(0), (end, bytes(output.data))
        return bytes(output.data)

    async def left(self, pod: str, sid: int, nonce: str, container: str = "main") -> Left:
        """Read from inside the container, and in a sandbox also from outside, what lives of a session."""
        assert sid
        assert nonce
        output = await self.run(pod, container, "sh", "-c", _LOOK, "look", str(sid), f"[{nonce[0]}]{nonce[1:]}")
        left = Left()
        for line in output.decode("utf-8", "replace").splitlines():
            kind, _, stat = line.partition(" ")
            start, _, rest = stat.rpartition(")")
            fields = rest.split()
            if len(fields) < 4 or fields[0] in "ZX":
                continue
            pid, _, name = start.partition(" (")
            process = InContainer(int(pid), name, int(fields[3]))
            if kind == "N":
                left.carriers.append(process)
            elif process.sid == sid:
                left.members.append(process)
        if self.sandboxed:
            left.carriers += _carriers_on_this_machine(nonce)
        return left

    async def until_left(self, condition: Callable[[Left], bool], what: str, pod: str, sid: int, nonce: str) -> float:
        """Look until `condition` holds: processes tell nobody of their end. Returns the seconds that it took."""
        started = time.monotonic()
        while not condition(left := await self.left(pod, sid, nonce)):
            assert time.monotonic() - started < PATIENCE_SECONDS, f"not within {PATIENCE_SECONDS:g} s: {what}; there is {left}"
            await asyncio.sleep(0.2)
        return time.monotonic() - started


def _runs(pod: Pod) -> bool:
    statuses = pod.status.container_statuses or ()
    return len(statuses) == len(pod.spec.containers) and all(one.state.running is not None for one in statuses)


def _carriers_on_this_machine(nonce: str) -> list[InContainer]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("PODSHELL_SESSION") == nonce and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
                found.append(InContainer(process.pid, process.name(), os.getsid(process.pid)))
    return found
