"""The cases: each measures one of the issue's figures and returns Figure objects. All comparisons are interleaved in one run."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.terminal_client import TerminalClient

from bench.figures import MIB, Figure, median, percentile
from bench.parts import Parts
from bench.terminals import KUBECTL, Direct, Pty, Terminal, Through
from podshell.kube.exec import ExecTarget
from podshell.kube.kubeconfig import load_connection
from podshell.kube.rest import Client

TARGET = ExecTarget("shop", "cart-0", "cart")
WHERE = {"cluster": "bench", "namespace": TARGET.namespace, "pod": TARGET.pod, "container": TARGET.container}
# a raw terminal whose `cat` gives every byte back at once
ECHO = ["sh", "-c", "stty raw -echo; echo READY; exec cat"]


async def open_through(parts: Parts, command: list[str] | None = None, **options: object) -> Through:
    """Open a session through gateway and agent."""
    session, ticket = await parts.api.open_session(**WHERE, command=command or [], tty=True, cols=80, rows=24)
    client = TerminalClient(parts.api, session, ticket, **options)  # type: ignore[arg-type]  # keyword arguments of TerminalClient
    through = Through(client)
    await client.__aenter__()
    return through


@asynccontextmanager
async def direct_client(parts: Parts) -> AsyncIterator[Client]:
    async with Client(load_connection(files=[parts.kubeconfig])) as client:
        yield client


def kubectl_exec(parts: Parts, command: list[str]) -> list[str]:
    return [
        KUBECTL, "--kubeconfig", str(parts.kubeconfig), "exec", "-it", "-n", TARGET.namespace, TARGET.pod, "-c", TARGET.container, "--", *command
    ]  # fmt: skip


async def echo(parts: Parts, rounds: int = 40, per_round: int = 25) -> list[Figure]:
    """One key and its echo, in turn through each way, 25 at a time."""
    async with direct_client(parts) as client, AsyncExitStack() as stack:
        ways: list[Terminal] = [
            await Direct.open(client, TARGET, ECHO),
            await open_through(parts, ECHO),
            await Pty.open("kubectl", kubectl_exec(parts, ECHO)),
            await Pty.open("terminado", [sys.executable, "-m", "bench.terminado_peer", *kubectl_exec(parts, ECHO)]),
        ]
        for way in ways:
            stack.push_async_callback(way.close)
            await way.expect(b"READY")
        times: dict[str, list[float]] = {way.name: [] for way in ways}
        for way in ways:  # warm
            for _ in range(50):
                await way.echo_seconds()
        for _ in range(rounds):
            for way in random.sample(ways, len(ways)):
                times[way.name] += [await way.echo_seconds() for _ in range(per_round)]
    raw: dict[str, object] = {name: {"p50_ms": percentile(t, 0.5) * 1e3, "p99_ms": percentile(t, 0.99) * 1e3} for name, t in times.items()}
    figures = [
        Figure(f"echo added by gateway and agent, p{p:.0f}", added(times, p / 100) * 1e3, "ms", bound, raw=raw)
        for p, bound in ((50.0, 0.5), (99.0, 2.0))
    ]
    for name, values in times.items():
        figures.append(Figure(f"echo {name}, p50", percentile(values, 0.5) * 1e3, "ms"))
        figures.append(Figure(f"echo {name}, p99", percentile(values, 0.99) * 1e3, "ms"))
    return figures


def added(times: dict[str, list[float]], share: float) -> float:
    return percentile(times["podshell"], share) - percentile(times["direct"], share)


async def bulk(parts: Parts, rounds: int = 5, size: int = 32 * MIB) -> list[Figure]:
    """32 MiB of output, in turn through each way; and what each process spends for one MiB."""
    command = ["sh", "-c", f"stty raw -echo; head -c {size} /dev/zero; echo DONE; exec sleep 1000"]
    rates: dict[str, list[float]] = {"direct": [], "podshell": [], "kubectl": []}
    cpu: dict[str, float] = {}
    async with direct_client(parts) as client:
        for _ in range(rounds):
            for name in random.sample(list(rates), len(rates)):
                before = parts.cpu()
                begin = time.perf_counter()
                if name == "direct":
                    way: Terminal = await Direct.open(client, TARGET, command)
                elif name == "podshell":
                    way = await open_through(parts, command, window=512 * 1024)
                else:
                    way = await Pty.open("kubectl", kubectl_exec(parts, command))
                await way.expect(b"DONE", 300)
                rates[name].append(size / MIB / (time.perf_counter() - begin))
                if name == "podshell":
                    cpu = {part: (value - before[part]) / (size / MIB) for part, value in parts.cpu().items()}
                await way.close()
    figures = [
        Figure(
            "bulk through gateway and agent / direct",
            median(rates["podshell"]) / median(rates["direct"]),
            "x",
            0.85,
            True,
            {"rates": rates},
        ),
        *(Figure(f"bulk {name}", median(values), "MiB/s") for name, values in rates.items()),
        *(Figure(f"CPU for one MiB through Podshell, {part}", seconds * 1e3, "ms") for part, seconds in cpu.items()),
    ]
    return figures


async def typing_beside_flood(parts: Parts, typists: int = 100, keys: int = 20) -> list[Figure]:
    """One session floods while 100 others type: how long a key takes."""
    async with AsyncExitStack() as stack:
        flood = await open_through(parts, ["sh", "-c", "exec yes flooding"])
        stack.push_async_callback(flood.close)
        ways = [await open_through(parts, ECHO) for _ in range(typists)]
        for way in ways:
            stack.push_async_callback(way.close)
            await way.expect(b"READY")

        async def type_keys(way: Through) -> list[float]:
            values = []
            for _ in range(keys):
                await asyncio.sleep(random.uniform(0.5, 1.5))  # a person's pace
                values.append(await way.echo_seconds())
            return values

        times = [value for values in await asyncio.gather(*map(type_keys, ways)) for value in values]
    return [
        Figure("100 typing beside one flood, p99", percentile(times, 0.99) * 1e3, "ms", 20, raw={"p50_ms": percentile(times, 0.5) * 1e3}),
        Figure("100 typing beside one flood, p50", percentile(times, 0.5) * 1e3, "ms"),
    ]


async def stalled_viewers(parts: Parts) -> list[Figure]:
    """20 of 100 viewers stop reading with full credit: what the other 80 notice."""

    async def run(stalled: int) -> float:
        async with AsyncExitStack() as stack:
            for _ in range(stalled):
                one = await open_through(parts, ["sh", "-c", "exec yes stalled"])
                one.client.acknowledge = False
                stack.push_async_callback(one.close)
            ways = [await open_through(parts, ECHO) for _ in range(80)]
            for way in ways:
                stack.push_async_callback(way.close)
                await way.expect(b"READY")
            times: list[float] = []
            for _ in range(10):
                for way in ways:
                    times.append(await way.echo_seconds())
            return percentile(times, 0.99)

    without, with_stalled = [], []
    for _ in range(3):
        without.append(await run(0))
        with_stalled.append(await run(20))
    ratio = median(with_stalled) / median(without)
    return [Figure("p99 of 80 with 20 stalled / without", ratio, "x", 1.5, raw={"with_s": with_stalled, "without_s": without})]


async def yes_for_a_minute(parts: Parts, seconds: float = 60) -> list[Figure]:
    """`yes` into a slow visible viewer: memory; then Ctrl-C."""
    way = await open_through(parts)
    await way.send(b"stty -echo; PS1=; echo RE''ADY\r")
    await way.expect(b"READY")
    begin = parts.rss()
    way.client.slow_seconds = 0.01
    await way.send(b"yes flooding; echo STO''PPED\r")
    await asyncio.sleep(seconds)
    grown = {name: (value - begin[name]) / MIB for name, value in parts.rss().items()}
    way.client.slow_seconds = 0
    shown = way.received
    start = time.perf_counter()
    await way.send(b"\x03")
    await way.expect(b"^C", 30)
    signalled = time.perf_counter() - start
    after = way.received - shown
    await way.close()
    return [
        Figure("yes for 60 s, slow viewer: gateway grows", grown["gateway"], "MiB", 20),
        Figure("yes for 60 s, slow viewer: agent grows", grown["agent"], "MiB", 20),
        Figure("Ctrl-C beside a flood until ^C is shown", signalled * 1e3, "ms", 500),
        Figure("shown after Ctrl-C", after / 1024, "KiB", 512),
    ]


async def hidden_viewer(parts: Parts) -> list[Figure]:
    """50 MiB of output while the viewer is hidden and acknowledges nothing: the command must not wait for it."""
    command = [
        "sh",
        "-c",
        "stty raw -echo; read go; s=$(date +%s%N); head -c 52428800 /dev/zero; e=$(date +%s%N); echo TOOK $((e-s)) END; exec cat",
    ]
    times: dict[str, list[float]] = {"nobody slows": [], "hidden": []}
    for _ in range(3):
        for name in times:
            way = await open_through(parts, command, visible=name != "hidden")
            way.client.acknowledge = name != "hidden"
            await way.client.wait_for(lambda client: client.attached is not None)
            begin = time.perf_counter()
            await way.send(b"go\n")
            if name == "hidden":
                await way.client.wait_for(lambda client: bool(client.gaps) or client.end is not None, 120)
                way.client.acknowledge = True
                await way.client.acknowledge_now()
            await way.expect(b"END", 120)
            times[name].append(time.perf_counter() - begin)
            await way.close()
    ratio = median(times["hidden"]) / median(times["nobody slows"])
    return [Figure("50 MiB past a hidden viewer / past a reading one", ratio, "x", raw={"seconds": times})]


async def floods(parts: Parts, sessions: int = 200) -> list[Figure]:
    """200 sessions put out 4 MiB each into viewers that are away: the agent's memory."""
    command = ["sh", "-c", "head -c 4194304 /dev/zero; exec sleep 1000"]
    opened = [(await parts.api.open_session(**WHERE, command=command, tty=True, cols=80, rows=24))[0] for _ in range(sessions)]
    peak = 0
    end = time.monotonic() + 40
    while time.monotonic() < end:
        peak = max(peak, parts.agent.rss_bytes)
        await asyncio.sleep(0.25)
    for session in opened:
        await parts.api.call("DELETE", f"/api/sessions/{session}")
    return [Figure("200 sessions of 4 MiB each: agent RSS", peak / MIB, "MiB", 250)]


async def idle_sessions(parts: Parts, sessions: int = 200) -> list[Figure]:
    """200 idle sessions with a viewer each: memory for one."""
    begin = parts.rss()
    ways = [await open_through(parts, ["sh", "-c", "echo READY; exec sleep 1000"]) for _ in range(sessions)]
    for way in ways:
        await way.expect(b"READY")
    await asyncio.sleep(3)
    each = {name: (value - begin[name]) / sessions / 1024 for name, value in parts.rss().items()}
    await asyncio.gather(*(way.close() for way in ways))
    return [
        Figure("an idle session in the gateway", each["gateway"], "KiB", 100),
        Figure("an idle session in the agent", each["agent"], "KiB", 200),
    ]


async def start_up(folder: Path) -> list[Figure]:
    """`podshell up --sandbox` until its first page is served."""
    from bench.startup import first_page_after_start

    times = [await first_page_after_start(folder / f"up-{n}") for n in range(3)]
    return [Figure("podshell up --sandbox serves its first page after", median(times), "s", 3, raw={"seconds": times})]
