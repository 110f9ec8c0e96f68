"""Shells that were killed: `kubectl shell` at each phase, with one's own kubeconfig and through a gateway, and an agent for good.

They are killed once, at the beginning of the run, and looked at again at its end: the minute that their containers wait for somebody
passes meanwhile. Node pods lie in a namespace of their own, so that the other tests do not count them.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from cluster_pods import NAMESPACE, PATIENCE_SECONDS, ClusterPods
from podshell_processes import running_processes
from running_podshell import CLUSTER, RunningPodshell, running_podshell
from second_client import SecondClient, until_none
from shell_program import BUSY_IMAGES, DETACH_KEYS, IMAGE_OF_SHELLS, START_SECONDS, environment, shell_terminal, words_of

from cli_terminal import CliTerminal, kill_with_survivors
from podshell.agent.ceiling import Ceiling
from podshell.agent.settings import ToolsSettings
from podshell.kube.errors import NotFound
from podshell.kube.objects import Pod
from podshell.kube.workloads import PODS
from terminal_client import TerminalClient
from warm_parent import WarmParent

# What a shell has running when its program is killed: with HUP and without, so that the end of its terminal alone ends only one of them.
JOBS = b"(trap '' HUP; exec sleep 3114) & sleep 3115 & echo up:$((40+2)):\r"
RUNNING = b"up:42:"
PHASES = ("creating", "pulling", "running", "detached")
# Of a pod whose image never comes: nothing but its deadline ends it.
SHORT_TTL = "1m"
# Idle time of sessions that nobody comes back to; longer than a start takes.
IDLE_SECONDS = 10.0
# No user of a kubeconfig is called so: direct shells and those of the gateway use no container of each other.
OWNER = "podshell-e2e"


@dataclass
class Killed:
    """What was killed, and when. `namespace` has the node pods of direct shells, `of_gateway` those of sessions, `of_agent` those of the
    agent that is gone for good; `targets` are the pods of debug shells, by phase."""

    pods: ClusterPods
    client: SecondClient
    node: str
    namespace: str
    of_gateway: str
    of_agent: str
    targets: dict[str, str]
    patience_seconds: int
    busy_image: str  # of a registry that says "later" for ever
    ran: list[str] = field(default_factory=list)
    ends: dict[str, str] = field(default_factory=dict)
    killed_at: float = 0.0
    agent_killed_at: float = 0.0
    sessions: asyncio.Task[None] | None = None  # goes on until those of the gateway have idled out


async def kill_everything(killed: Killed, folder: Path, parent: WarmParent) -> None:
    """Kill all of it. `killed.sessions` keeps a gateway for the sessions that nobody comes back to, until they have idled out."""
    await _kill_agent(killed, folder / "agent", parent)
    reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    killed.sessions = asyncio.create_task(_kill_through_gateway(killed, folder / "gateway", reached), name="shells through a gateway")
    await asyncio.gather(*(_kill_direct(killed, kind, phase) for kind in ("node", "debug") for phase in PHASES))
    killed.killed_at = time.monotonic()
    killed.ran += await killed.client.running_node_pods(killed.namespace)
    killed.ran += await killed.client.debug_containers(NAMESPACE, [killed.targets[phase] for phase in PHASES])
    await asyncio.wait({reached, killed.sessions}, return_when=asyncio.FIRST_COMPLETED)


async def _kill_direct(killed: Killed, kind: str, phase: str) -> None:
    """kill -9 of `kubectl shell`, and of what would clean up after it, in a phase; who is to be detached leaves by the keys."""
    env = environment(killed.pods.kubeconfig)
    target = killed.node if kind == "node" else f"pods/{killed.targets[phase]}"
    image = killed.busy_image if phase == "pulling" else IMAGE_OF_SHELLS
    namespace = killed.namespace if kind == "node" else NAMESPACE
    words = words_of([*(["--ttl", SHORT_TTL] if phase == "pulling" else []), target], image=image, namespace=namespace)
    while True:
        async with shell_terminal(words, env) as terminal:
            if phase == "creating":
                await _until_created(killed, terminal, kind)
            else:
                await _reach(terminal, phase)
            if await _killed_or_left(terminal, phase):
                killed.ends[f"{kind} {phase}"] = terminal.seen.decode("utf-8", "replace")
                return


async def _reach(terminal: CliTerminal, phase: str) -> None:
    """Wait until the program is in one of the later phases; detached: until it has something to leave."""
    if phase == "pulling":
        await terminal.expect(b"pulling the image", PATIENCE_SECONDS)
    else:
        await terminal.expect(b"# ", START_SECONDS)
        terminal.type(JOBS)
        await terminal.expect(RUNNING, PATIENCE_SECONDS)


async def _killed_or_left(terminal: CliTerminal, phase: str) -> bool:
    """Kill the program, or leave by its keys. False: it had ended by itself, so this shows nothing (an image that is given up)."""
    if phase == "detached":
        terminal.type(DETACH_KEYS)
        await terminal.wait()
        return True
    if terminal.process.returncode is not None:
        return False
    kill_with_survivors(terminal.process.pid)
    return await terminal.process.wait() == -9


async def _until_created(killed: Killed, terminal: CliTerminal, kind: str) -> None:
    """Wait until the API server has what the program has asked for: a create that was never sent would show nothing."""
    said = {"node": b"Starting host networking pod ", "debug": b"Starting ephemeral container "}[kind]
    await terminal.expect(said, PATIENCE_SECONDS)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if kind == "node":
                name = bytes(terminal.seen).split(said)[1].split()[0].decode().rpartition("/")[2]
                try:
                    await killed.pods.client.get(PODS.path(killed.namespace, name), Pod)
                    return
                except NotFound:
                    pass
            else:
                pod = await killed.pods.client.get(PODS.path(NAMESPACE, killed.targets["creating"]), Pod)
                if pod.spec.ephemeral_containers:
                    return
            await asyncio.sleep(0.01)  # nobody tells this client


async def _kill_through_gateway(killed: Killed, folder: Path, reached: asyncio.Future[None]) -> None:
    """kill -9 of `kubectl shell --gateway` at each phase, on the node and in pods; then wait until what idles has been ended."""
    repository, _, version = IMAGE_OF_SHELLS.rpartition(":")
    tools = ToolsSettings(
        image_repository=repository, image_version=version, debug_namespace=killed.of_gateway, allowed_images=(BUSY_IMAGES,),
        patience_seconds=killed.patience_seconds, start_seconds=START_SECONDS,
    )  # fmt: skip
    ceiling = Ceiling(pod_debug=True, node_shell=True)
    async with running_podshell(
        killed.pods, folder, ceiling=ceiling, tools=tools, kubeconfig=killed.pods.kubeconfig, idle_timeout_seconds=IDLE_SECONDS, owner=OWNER
    ) as running:
        env = {**environment(Path("/nowhere")), "PODSHELL_TOKEN_FILE": str(running.token_file), "HOME": str(folder)}

        async def kill(kind: str, phase: str) -> None:
            target = [killed.node] if kind == "node" else ["-n", NAMESPACE, f"pods/{killed.targets[phase]}"]
            image = ["--image", killed.busy_image] if phase == "pulling" else []
            words = [f"--gateway={running.url}", "--cluster", CLUSTER, "--reason", f"{kind} {phase}", *image, *target]
            while True:
                async with shell_terminal(words, env) as terminal:
                    if phase in ("creating", "pulling"):
                        await _until_accepted(running, f"{kind} {phase}", made=phase == "pulling")
                    else:
                        await _reach(terminal, phase)
                    if await _killed_or_left(terminal, phase):
                        killed.ends[f"gateway {kind} {phase}"] = terminal.seen.decode("utf-8", "replace")
                        return

        await asyncio.gather(*(kill(kind, phase) for kind in ("node", "debug") for phase in PHASES))
        reached.set_result(None)
        deadline = time.monotonic() + IDLE_SECONDS + killed.patience_seconds + PATIENCE_SECONDS
        await until_none(lambda: killed.client.jobs(killed.of_gateway), "Jobs of sessions that nobody came back to", deadline=deadline)
        await until_none(lambda: killed.client.node_pods(killed.of_gateway), "pods of such sessions", deadline=deadline)


async def _until_accepted(running: RunningPodshell, reason: str, *, made: bool) -> None:
    """Wait until a session that was opened for a reason is there: from then on its agent makes the container. `made`: and that is there."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = [one for one in await running.api.call("GET", "/api/sessions") if one["reason"] == reason]  # type: ignore[index]  # a list
            if found and (found[-1].get("made") or not made):  # type: ignore[attr-defined]  # a session
                return
            await asyncio.sleep(0.01)  # the live socket would tell, and is not what is tested here


async def _kill_agent(killed: Killed, folder: Path, parent: WarmParent) -> None:
    """kill -9 of agent and gateway for good, with a shell on the node and one in a pod that nobody is attached to."""
    async with running_processes(
        parent, folder, killed.pods.kubeconfig, image=IMAGE_OF_SHELLS, namespace=killed.of_agent, patience_seconds=killed.patience_seconds
    ) as running:
        places: list[dict[str, object]] = [
            {"kind": "node", "namespace": "", "pod": "", "container": "", "node": killed.node},
            {"kind": "debug", "namespace": NAMESPACE, "pod": killed.targets["agent"]},
        ]
        for place in places:
            session, ticket = await running.api.open_session(cluster=CLUSTER, **place)
            async with TerminalClient(running.api, session, ticket) as terminal:
                await terminal.type(JOBS)
                await terminal.wait_output(RUNNING, START_SECONDS)
        killed.ran += await killed.client.running_node_pods(killed.of_agent)
        killed.ran += await killed.client.debug_containers(NAMESPACE, [killed.targets["agent"]])
        await asyncio.gather(running.kill_agent(), running.kill_gateway())
        killed.agent_killed_at = time.monotonic()
