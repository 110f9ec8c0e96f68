"""The end of a server process."""

import subprocess
import sys

PROGRAM = """
import atexit, gc
from podshell.launch.loops import run_loop

atexit.register(lambda: print("frozen", gc.get_freeze_count() > 1000))  # what is registered first is called last

async def main() -> None:
    print("ran")

run_loop(main())
"""


def test_a_process_that_ends_does_not_look_at_every_object_again() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout.split("\n")) == (0, ["ran", "frozen True", ""])
