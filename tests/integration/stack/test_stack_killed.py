"""kill -9 of agent, gateway, both or the command line while debug and node sessions are in every phase (acceptance 4 of the issue).

What is left is listed by a second client that shares nothing with what is tested: httpx, with what the kubeconfig says. Some seconds stand
for the minute of waiter and sweep; the deadline and the ttl of Jobs pass in virtual time.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import httpx
import pytest
import yaml

from podshell.agent.ceiling import Action, ceiling_of
from podshell.agent.settings import ToolsSettings
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from podshell.sandbox.controllers import jobs, owners
from podshell.sandbox.kubelet.faults import PodFault
from stack import MakeStack, Stack
from terminal_client import TerminalClient

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
EVERYTHING = ceiling_of([action.value for action in Action])
SHORT = ToolsSettings(image_repository="tools", image_version="1", patience_seconds=3, sweep_seconds=0.5)
IDLE_SECONDS = 5.0
# long enough that the kill comes first, short enough to see what happens when the image is there at last
PULL_SECONDS = 4.0
DEBUG: dict[str, object] = {"kind": "debug", "container": "", "pod": "cart-0"}
NODE: dict[str, object] = {"kind": "node", "container": "", "namespace": "", "pod": "", "node": "worker-1"}
JOBS = "/apis/batch/v1/namespaces/podshell/jobs"


class Observer:
    """A second API client."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def items(self, path: str) -> list[dict]:  # type: ignore[type-arg]  # JSON of the API server
        answer = await self._client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]  # type: ignore[no-any-return]  # JSON

    async def living(self) -> list[str]:
        """Pods and debug containers of ours that run, or may yet."""
        found = []
        for pod in await self.items("/api/v1/pods"):
            name = pod["metadata"]["name"]
            ours = pod["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "podshell"
            if ours and pod["status"].get("phase") not in ("Succeeded", "Failed"):
                found.append(name)
            ended = {one["name"] for one in pod["status"].get("ephemeralContainerStatuses", []) if "terminated" in one["state"]}
            debug = [one["name"] for one in pod["spec"].get("ephemeralContainers", []) if one["name"].startswith("podshell-")]
            found += [f"{name}/{one}" for one in debug if one not in ended]
        return found

    async def objects(self) -> list[str]:
        """Jobs and pods of ours, in whatever state."""
        selector = "?labelSelector=app.kubernetes.io/managed-by%3Dpodshell"
        found = [*await self.items(JOBS + selector), *await self.items(f"/api/v1/pods{selector}")]
        return [one["metadata"]["name"] for one in found]

    async def until(self, what: str, *, empty: bool = True, seconds: float = 45.0) -> list[str]:
        """Ask until nothing (or something) is there: nobody tells this client."""
        ask = {"living": self.living, "objects": self.objects}[what]
        deadline = time.monotonic() + seconds
        while bool(found := await ask()) == empty:
            assert time.monotonic() < deadline, f"{what} after {seconds:g} s: {found}"
            await asyncio.sleep(0.1)
        return found

    async def touch_jobs(self) -> None:
        """Change something at each Job, so that its controller looks at it now."""
        for job in await self.items(JOBS):
            patch = {"metadata": {"annotations": {"touched": str(time.monotonic())}}}
            headers = {"Content-Type": "application/merge-patch+json"}
            answer = await self._client.patch(f"{JOBS}/{job['metadata']['name']}", json=patch, headers=headers)
            assert answer.status_code in (200, 404), answer.text


@asynccontextmanager
async def observing(sandbox: SandboxCluster) -> AsyncIterator[Observer]:
    config = yaml.safe_load(sandbox.kubeconfig(users.ADMIN))
    cluster = config["clusters"][0]["cluster"]
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
    async with httpx.AsyncClient(base_url=cluster["server"], verify=context, headers=headers, timeout=30) as client:
        yield Observer(client)


async def keep_something_running(terminal: TerminalClient) -> None:
    await terminal.type(b"(trap '' HUP; exec sleep 1721) & echo up:$((40+2)):\r")
    await terminal.wait_output(b"up:42:")


@asynccontextmanager
async def every_phase(stack: Stack, observer: Observer) -> AsyncIterator[None]:
    """Sessions of both kinds that run with a terminal, run without one, pull their image, and are being created."""
    async with AsyncExitStack() as exits:
        for where in (DEBUG, NODE):
            # one after the other: only a container that runs is used again
            await keep_something_running(await exits.enter_async_context(stack.shell(**where)))
            async with stack.shell(**where) as detached:
                await keep_something_running(detached)
        before = set(await observer.living())
        assert len(before) == 3, f"two node pods, and one debug container for two sessions of one user: {before}"
        storefront = stack.cluster.pod_named("shop", "storefront")
        for pod in ("podshell-", storefront):
            stack.cluster.sandbox.node_faults.add(PodFault(pod=pod, pull_seconds=PULL_SECONDS))
        for where in ({**DEBUG, "pod": storefront}, NODE):
            await stack.open_session(**where)
        while len(set(await observer.living()) - before) < 2:
            await asyncio.sleep(0.02)  # nobody tells this client
        for where in ({**DEBUG, "pod": storefront, "debug": {"profile": "restricted"}}, NODE):
            await stack.open_session(**where)
        yield


async def test_nothing_runs_on_after_an_agent_that_is_killed_for_good_and_its_jobs_are_removed(
    make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = await make_stack(agent_process=True, ceiling=EVERYTHING, tools=SHORT)
    async with observing(stack.cluster.sandbox) as observer, every_phase(stack, observer):
        await stack.cluster.kill_agent()
        await observer.until("living")
        monkeypatch.setattr(jobs, "now", lambda: owners.now() + timedelta(seconds=61))  # their ttlSecondsAfterFinished
        await observer.touch_jobs()
        await observer.until("objects")


async def test_nothing_is_left_after_a_gateway_that_is_killed_for_good(make_stack: MakeStack) -> None:
    """The agent goes on, and has what the gateway would need to do: idle times end what nobody comes back to."""
    stack = await make_stack(gateway_process=True, agent_process=True, ceiling=EVERYTHING, tools=SHORT, idle_timeout_seconds=IDLE_SECONDS)
    async with observing(stack.cluster.sandbox) as observer, every_phase(stack, observer):
        await stack.kill_gateway()
        await observer.until("objects")
        await observer.until("living")


async def test_nothing_runs_on_after_gateway_and_agent_are_killed(make_stack: MakeStack) -> None:
    stack = await make_stack(gateway_process=True, agent_process=True, ceiling=EVERYTHING, tools=SHORT)
    async with observing(stack.cluster.sandbox) as observer, every_phase(stack, observer):
        await asyncio.gather(stack.kill_gateway(), stack.cluster.kill_agent())
        await observer.until("living")


@pytest.mark.parametrize("phase", ["creating", "pulling", "running"])
async def test_a_killed_command_line_leaves_nothing_when_its_shells_idle_out(make_stack: MakeStack, phase: str) -> None:
    """`kubectl shell --gateway` on a node and in a pod; the fourth phase, left on purpose, is the second session of the tests above."""
    stack = await make_stack(ceiling=EVERYTHING, tools=SHORT, idle_timeout_seconds=IDLE_SECONDS)
    if phase == "pulling":
        for pod in ("podshell-", "cart-0"):
            stack.cluster.sandbox.node_faults.add(PodFault(pod=pod, pull_seconds=PULL_SECONDS))
    async with observing(stack.cluster.sandbox) as observer:
        lines = [await command_line(stack, *words) for words in (["worker-1"], ["-n", "shop", "pods/cart-0"])]
        try:
            await until_both(stack, observer, phase)
            assert all(line.returncode is None for line in lines)
        finally:
            for line in lines:
                if line.returncode is None:
                    line.kill()
                await line.communicate()
        await observer.until("objects")
        await observer.until("living")


async def command_line(stack: Stack, *words: str) -> asyncio.subprocess.Process:
    program = [sys.executable, "-m", "podshell.launch.main", "shell", "--gateway", stack.url, *words]
    env = {**os.environ, "PODSHELL_TOKEN_FILE": str(stack.folder / "token"), "HOME": str(stack.folder), "KUBECONFIG": "/nowhere"}
    (stack.folder / "token").touch(0o600)
    (stack.folder / "token").write_text(stack.token)
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(*program, stdin=pipe, stdout=nothing, stderr=nothing, env=env)


async def until_both(stack: Stack, observer: Observer, phase: str) -> None:
    """Wait until two sessions were accepted, have their containers on the way, or run."""
    deadline = time.monotonic() + 45
    while True:
        states = [one["state"] for one in await stack.api.call("GET", "/api/sessions")]  # type: ignore[index]  # a list of sessions
        reached = {
            "creating": len(states) == 2,
            "pulling": len(await observer.living()) == 2,
            "running": states == ["running", "running"],
        }[phase]
        if reached:
            return
        assert time.monotonic() < deadline, f"{phase}: {states}, {await observer.living()}; {stack.logs()}"
        await asyncio.sleep(0.05)  # nobody tells this client


async def test_a_node_pod_whose_waiter_is_frozen_ends_at_its_deadline(make_stack: MakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is left who could end it: agent and gateway are dead, and the container's first process looks at nothing."""
    stack = await make_stack(gateway_process=True, agent_process=True, ceiling=EVERYTHING, tools=SHORT)
    async with observing(stack.cluster.sandbox) as observer, stack.shell(**NODE, debug={"ttl_seconds": 600}) as terminal:
        await terminal.type(b"echo up:$((40+2)):\r")
        await terminal.wait_output(b"up:42:")
        waiter = await waiter_of(stack, terminal.session)
        os.kill(waiter, signal.SIGSTOP)
        await asyncio.gather(stack.kill_gateway(), stack.cluster.kill_agent())
        await asyncio.sleep(2 * SHORT.patience_seconds)  # no state is waited for: nothing must happen in this time
        assert await observer.living(), "the waiter is not frozen, so this shows nothing"
        monkeypatch.setattr(jobs, "now", lambda: owners.now() + timedelta(seconds=601))
        await observer.touch_jobs()
        await observer.until("living")
        monkeypatch.setattr(jobs, "now", lambda: owners.now() + timedelta(seconds=1300))
        await observer.touch_jobs()
        await observer.until("objects")


async def waiter_of(stack: Stack, session: str) -> int:
    """The process on this machine that is the first of a node session's container."""
    made = await stack.made(session)
    view = stack.cluster.container(str(made["pod"]), str(made["container"]), str(made["namespace"]))
    return next(one.pid for one in view.processes().values() if one.command.startswith("sh -c t=$1 q=$2 W="))  # waiter.sh
