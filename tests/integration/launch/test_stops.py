"""What signals do to a process that is being stopped."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

# Says that it has begun to stop, and never gets to the end of it.
_STUCK = """
import asyncio
from podshell.launch.stops import stop_on_signals

async def main():
    stopped = stop_on_signals()
    print("running", flush=True)
    await stopped.wait()
    print("stopping", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_asks_and_a_second_one_ends_a_stop_that_hangs(number: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, "-c", _STUCK], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(number)
        assert process.stdout.readline() == "stopping\n"
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.communicate()
