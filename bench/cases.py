"""The cases: each measures one of the issue's figures and returns Figure objects. All comparisons are interleaved in one run."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psutil

from bench.figures import MIB, Figure, median, percentile
from bench.parts import Parts
from bench.terminals import KUBECTL, Direct, Pty, Terminal, Through
from podshell.kube.exec import ExecTarget
from podshell.kube.kubeconfig import load_connection
from podshell.kube.rest import Client

TARGET = ExecTarget("shop", "cart-0", "cart")
# a raw terminal whose `cat` gives every byte back at once
ECHO = ["sh", "-c", "stty raw -echo; echo READY; exec cat"]
OPENING_AT_ONCE = 8


async def open_through(parts: Parts, command: list[str], target: ExecTarget = TARGET, **options: object) -> Through:
    """Open a session through gateway and agent."""
    return await Through.open(parts.api, "bench", target, command, **options)  # type: ignore[arg-type]  # its keyword arguments


async def open_many(parts: Parts, count: int, command: list[str], stack: AsyncExitStack | None = None, **options: object) -> list[Through]:
    """Open sessions over all targets, a few at a time; `stack` closes them."""
    room = asyncio.Semaphore(OPENING_AT_ONCE)
    targets = await parts.targets()

    async def open_one(number: int) -> Through:
        async with room:
            return await open_through(parts, command, targets[number % len(targets)], **options)

    ways = list(await asyncio.gather(*map(open_one, range(count))))
    if stack is not None:
        stack.push_async_callback(close_many, ways)
    return ways


async def close_many(ways: Iterable[Through]) -> None:
    room = asyncio.Semaphore(OPENING_AT_ONCE)

    async def close_one(way: Through) -> None:
        async with room:
            await way.close()

    await asyncio.gather(*map(close_one, ways))


@asynccontextmanager
async def direct_client(parts: Parts) -> AsyncIterator[Client]:
    async with Client(load_connection(files=[parts.kubeconfig])) as client:
        yield client


def kubectl_exec(parts: Parts, command: list[str]) -> list[str]:
    where = ["-n", TARGET.namespace, TARGET.pod, "-c", TARGET.container]
    return [KUBECTL, "--kubeconfig", str(parts.kubeconfig), "exec", "-it", *where, "--", *command]


def terminado_exec(parts: Parts, command: list[str]) -> list[str]:
    return [sys.executable, "-m", "bench.terminado_peer", *kubectl_exec(parts, command)]


async def echo(parts: Parts, rounds: int = 40, per_round: int = 25) -> list[Figure]:
    """One key and its echo, in turn through each way, 25 at a time."""
    async with direct_client(parts) as client, AsyncExitStack() as stack:
        ways: list[Terminal] = [
            await Direct.open(client, TARGET, ECHO),
            await open_through(parts, ECHO),
            await Pty.open("kubectl", kubectl_exec(parts, ECHO)),
            await Pty.open("terminado", terminado_exec(parts, ECHO)),
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


async def bulk(parts: Parts, rounds: int = 7, size: int = 32 * MIB) -> list[Figure]:
    """32 MiB of output, in turn through each way, from the word to begin to the last byte; and what each process spends for one MiB."""
    command = ["sh", "-c", f"stty raw -echo; echo READY; read go; head -c {size} /dev/zero; echo DONE; exec cat"]
    rates: dict[str, list[float]] = {"direct": [], "podshell": [], "kubectl": [], "terminado": []}
    cpu: dict[str, dict[str, float]] = {name: {} for name in rates}
    itself = psutil.Process()
    async with direct_client(parts) as client:
        for _ in range(rounds):
            for name in random.sample(list(rates), len(rates)):
                if name == "direct":
                    way: Terminal = await Direct.open(client, TARGET, command)
                elif name == "podshell":
                    way = await open_through(parts, command, window=512 * 1024)
                else:
                    way = await Pty.open(name, (kubectl_exec if name == "kubectl" else terminado_exec)(parts, command))
                await way.expect(b"READY")
                before = parts.cpu() | {"client": sum(itself.cpu_times()[:2])}
                begin = time.perf_counter()
                await way.send(b"go\n")
                await way.expect(b"DONE", 300)
                rates[name].append(size / MIB / (time.perf_counter() - begin))
                spent = cpu[name]
                for part, value in (parts.cpu() | {"client": sum(itself.cpu_times()[:2])}).items():
                    spent[part] = spent.get(part, 0.0) + (value - before[part]) / (rounds * size / MIB)
                await way.close()
    ratio = median(rates["podshell"]) / median(rates["direct"])
    return [
        Figure("bulk through gateway and agent / direct", ratio, "x", 0.85, True, {"rates": rates, "cpu_seconds_per_mib": cpu}),
        *(Figure(f"bulk {name}", median(values), "MiB/s") for name, values in rates.items()),
        *(Figure(f"CPU for one MiB through Podshell, {part}", seconds * 1e3, "ms") for part, seconds in cpu["podshell"].items()),
        *(Figure(f"CPU for one MiB direct, {part}", cpu["direct"][part] * 1e3, "ms") for part in ("sandbox", "client")),
    ]


async def typing_beside_flood(parts: Parts, typists: int = 100, keys: int = 20) -> list[Figure]:
    """One session floods while 100 others on the same link type: how long a key takes."""
    async with AsyncExitStack() as stack:
        ways = await open_many(parts, typists, ECHO, stack)
        for way in ways:
            await way.expect(b"READY")

        async def type_keys(way: Through) -> list[float]:
            values = []
            for _ in range(keys):
                await asyncio.sleep(random.uniform(0.5, 1.5))  # a person's pace
                values.append(await way.echo_seconds())
            return values

        async def type_all() -> list[float]:
            return [value for values in await asyncio.gather(*map(type_keys, ways)) for value in values]

        quiet = await type_all()
        flood = await open_through(parts, ["sh", "-c", "exec yes flooding"], window=512 * 1024)
        stack.push_async_callback(flood.close)
        begin, before = time.perf_counter(), flood.received
        times = await type_all()
        rate = (flood.received - before) / MIB / (time.perf_counter() - begin)
    raw: dict[str, object] = {
        "p50_ms": percentile(times, 0.5) * 1e3,
        "quiet_p99_ms": percentile(quiet, 0.99) * 1e3,
        "flood_mib_per_s": rate,
    }
    return [
        Figure("100 typing beside one flood, p99", percentile(times, 0.99) * 1e3, "ms", 20, raw=raw),
        Figure("100 typing beside one flood, p50", percentile(times, 0.5) * 1e3, "ms"),
        Figure("100 typing, no flood, p99", percentile(quiet, 0.99) * 1e3, "ms"),
        Figure("the flood beside 100 typing", rate, "MiB/s"),
    ]


async def stalled_viewers(parts: Parts, rounds: int = 5) -> list[Figure]:
    """20 of 100 viewers stop reading their sockets with full credit while their sessions flood: what the other 80 notice."""
    times: dict[str, list[list[float]]] = {"without": [], "with": []}
    async with AsyncExitStack() as stack:
        ways = await open_many(parts, 80, ECHO, stack)
        for way in ways:
            await way.expect(b"READY")
        others = {
            "without": await open_many(parts, 20, ECHO, stack),
            "with": await open_many(parts, 20, ["sh", "-c", "echo READY; read go; exec yes stalled"], stack, acknowledge=False),
        }
        for way in others["with"]:
            await way.expect(b"READY")

        async def measure() -> list[float]:
            return [await way.echo_seconds() for _ in range(4) for way in ways]

        await measure()
        # stalled viewers stay stalled, so the order is: some rounds without, some with
        for _ in range(rounds):
            times["without"].append(await measure())
        for way in others["with"]:
            await way.send(b"go\n")
            way.viewer.stop_reading()
        await asyncio.sleep(2)  # until every buffer between is full
        for _ in range(rounds):
            times["with"].append(await measure())
        for way in others["with"]:
            way.viewer.acknowledge = True
            way.viewer.go_on_reading()
    p99 = {name: [percentile(values, 0.99) * 1e3 for values in runs] for name, runs in times.items()}
    ratio = median(p99["with"]) / median(p99["without"])
    return [
        Figure("p99 of 80 typing with 20 stalled / without", ratio, "x", 1.5, raw={"p99_ms": p99}),
        Figure("p99 of 80 typing with 20 stalled", median(p99["with"]), "ms"),
    ]


async def yes_for_a_minute(parts: Parts, seconds: float = 60) -> list[Figure]:
    """`yes` into a slow visible viewer (3 MiB/s): memory; then Ctrl-C, while it is as slow as before."""
    way = await open_through(
        parts, ["bash", "-c", "trap 'echo SIGNAL $EPOCHREALTIME END' INT; echo READY; read go; yes flooding; exec cat"]
    )
    await way.expect(b"READY")
    begin = parts.rss()
    peak = dict(begin)
    way.viewer.parse_seconds = 0.01
    await way.send(b"go\r")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(0.5)
        peak = {name: max(value, peak[name]) for name, value in parts.rss().items()}
    grown = {name: (value - begin[name]) / MIB for name, value in peak.items()}
    shown, moved = way.viewer.acknowledged, way.received
    pressed = time.time()
    await way.send(b"\x03")
    text = await way.expect_between(b"SIGNAL ", b" END", 30)
    await way.close()
    return [
        Figure("yes for 60 s, slow viewer: gateway grows", grown["gateway"], "MiB", 20, raw={"MiB_shown": moved / MIB}),
        Figure("yes for 60 s, slow viewer: agent grows", grown["agent"], "MiB", 20),
        Figure("Ctrl-C beside a flood: the process has the signal after", (float(text) - pressed) * 1e3, "ms", 500),
        Figure("shown after Ctrl-C", (way.viewer.position - shown) / 1024, "KiB", 512),
    ]


async def hidden_viewer(parts: Parts, rounds: int = 5) -> list[Figure]:
    """50 MiB of output, timed in the container: nobody slows it (a reading direct client), or a hidden viewer that acknowledges nothing."""
    script = (
        "stty raw -echo; echo READY; read go; s=$EPOCHREALTIME; head -c 52428800 /dev/zero; e=$EPOCHREALTIME; "
        'echo "TOOK $s $e END"; exec cat'
    )
    command = ["bash", "-c", script]
    times: dict[str, list[float]] = {"direct": [], "hidden": []}
    gaps = []
    async with direct_client(parts) as client:
        for _ in range(rounds):
            for name in random.sample(list(times), len(times)):
                if name == "direct":
                    way: Terminal = await Direct.open(client, TARGET, command)
                    await way.expect(b"READY")
                    await way.send(b"go\n")
                else:
                    way = through = await open_through(parts, command, visible=False)
                    await way.expect(b"READY")
                    through.viewer.acknowledge = False
                    await way.send(b"go\n")
                    await asyncio.sleep(4)  # the command has ended long ago if nothing slowed it; now look
                    through.viewer.acknowledge = True
                    through.viewer.acknowledge_now()
                first, last = (await way.expect_between(b"TOOK ", b" END", 120)).split()
                times[name].append(float(last) - float(first))
                if isinstance(way, Through):
                    gaps.append(way.viewer.gap_bytes / MIB)
                await way.close()
    ratio = median(times["hidden"]) / median(times["direct"])
    # "full speed": within a tenth of a client that does nothing but read
    return [Figure("50 MiB past a hidden viewer / past a direct reader", ratio, "x", 1.1, raw={"seconds": times, "gap_MiB": gaps})]


async def floods(parts: Parts, sessions: int = 200) -> list[Figure]:
    """200 sessions put out 4 MiB each at the same time, into hidden viewers that acknowledge nothing: the agent's memory."""
    command = ["sh", "-c", "stty raw -echo; echo READY; read go; head -c 4194304 /dev/zero; exec sleep 1000"]
    begin = peak = parts.agent.rss_bytes
    async with AsyncExitStack() as stack:
        ways = await open_many(parts, sessions, command, stack, window=16 * 1024, visible=False, acknowledge=False)
        for way in ways:
            await way.expect(b"READY")
        opened = parts.agent.rss_bytes
        for way in ways:
            await way.send(b"go\n")
        heads: dict[Through, int] = {}
        while len(heads) < sessions:
            for way in ways:
                peak = max(peak, parts.agent.rss_bytes)
                if way not in heads and (head := await way.head_now()) >= 4 * MIB:
                    heads[way] = head
            await asyncio.sleep(0.1)
        for way in ways:
            way.viewer.acknowledge = True
            way.viewer.acknowledge_now()
    raw: dict[str, object] = {"begin_MiB": begin / MIB, "opened_MiB": opened / MIB, "put_out_MiB": sum(heads.values()) / MIB}
    return [Figure("200 sessions of 4 MiB each: agent RSS", peak / MIB, "MiB", 250, raw=raw)]


async def idle_sessions(parts: Parts, sessions: int = 200) -> list[Figure]:
    """200 idle sessions with a viewer each: memory for one; and how long it takes to open and to end them."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(close_many, await open_many(parts, 2, ["sh"]))
        begin = parts.rss()
        started = time.perf_counter()
        ways = await open_many(parts, sessions, ["sh", "-c", "echo READY; exec sleep 1000"])
        for way in ways:
            await way.expect(b"READY")
        opened = time.perf_counter() - started
        await asyncio.sleep(3)
        each = {name: (value - begin[name]) / sessions / 1024 for name, value in parts.rss().items()}
        started = time.perf_counter()
        await close_many(ways)
        closed = time.perf_counter() - started
    return [
        Figure("an idle session in the gateway", each["gateway"], "KiB", 100),
        Figure("an idle session in the agent", each["agent"], "KiB", 200),
        Figure("200 sessions opened, 8 at a time, each", opened / sessions * 1e3, "ms"),
        Figure("200 sessions ended, 8 at a time, each", closed / sessions * 1e3, "ms"),
    ]


async def start_up(folder: Path) -> list[Figure]:
    """`podshell up --sandbox` until its first page is served."""
    from bench.startup import first_page_after_start

    times = [await first_page_after_start(folder / f"up-{n}") for n in range(3)]
    return [Figure("podshell up --sandbox serves its first page after", median(times), "s", 3, raw={"seconds": times})]
