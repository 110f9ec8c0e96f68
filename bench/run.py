"""`make bench`: runs the cases, prints a line for each figure, misses first, and writes bench/results/DATE.json.

`python -m bench.run echo bulk` runs some of them.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from bench import cases
from bench.figures import MIB, Figure, machine, write_results
from bench.parts import Parts
from bench.plugin import plugin_start

CASES: dict[str, Callable[[Parts], Awaitable[list[Figure]]]] = {
    "echo": cases.echo,
    "bulk": cases.bulk,
    "idle": cases.idle_sessions,
    "typing": cases.typing_beside_flood,
    "stalled": cases.stalled_viewers,
    "hidden": cases.hidden_viewer,
    "yes": cases.yes_for_a_minute,
    "floods": cases.floods,
}

# a case that takes longer hangs
CASE_SECONDS = 240.0


async def big_cluster(folder: Path) -> list[Figure]:
    """An agent whose cluster has 5,000 pods."""
    async with Parts(folder, scale_pods=5000) as parts:
        async with asyncio.timeout(60):
            while len(await parts.api.call("GET", "/api/clusters/bench/pods")) < 5000:  # noqa: ASYNC110  # the agent's cache fills
                await asyncio.sleep(0.2)
        peak = 0
        for _ in range(20):
            peak = max(peak, parts.agent.rss_bytes)
            await asyncio.sleep(0.25)
        return [Figure("agent with 5,000 pods: RSS", peak / MIB, "MiB", 120)]


async def main(chosen: list[str]) -> int:
    known = [*CASES, "pods", "startup", "plugin"]
    if unknown := set(chosen) - set(known):
        print(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    chosen = chosen or known
    about = machine()
    figures: list[Figure] = []
    failed = []
    for name in chosen:
        with tempfile.TemporaryDirectory(prefix="podshell-bench-") as folder:
            print(f"-- {name}", flush=True)
            begin = time.monotonic()
            try:
                async with asyncio.timeout(CASE_SECONDS):
                    figures += await run_case(name, Path(folder))
                print(f"   {time.monotonic() - begin:.0f} s", flush=True)
            except Exception as error:  # noqa: BLE001  # the other cases go on; the failure is reported and makes the run fail
                failed.append(f"{name}: {type(error).__name__}: {error}")
                print(failed[-1], flush=True)
                traceback.print_exc()
    path = write_results(about, figures)
    for figure in sorted(figures, key=lambda figure: not figure.missed):
        print(figure.line())
    print(f"written to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    for line in failed:
        print(f"FAILED {line}")
    return 1 if failed else 0


async def run_case(name: str, folder: Path) -> list[Figure]:
    if name == "startup":
        return await cases.start_up(folder)
    if name == "plugin":
        return await plugin_start(folder)
    if name == "pods":
        return await big_cluster(folder)
    async with Parts(folder) as parts:
        return await CASES[name](parts)


if __name__ == "__main__":
    # the clients' loop is the parts' loop
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main(sys.argv[1:])))
