"""`kubectl shell` in a real terminal emulator: what a full-screen program has set there is undone when the shell ends under it."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest
from shell_process import SHELL, nothing_is_left

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="debug containers want isolated containers"),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not there (as root: apt-get install tmux)"),
]
# What vim and less do: another screen, a scrolling region, a hidden cursor, the mouse, colours, line drawing.
FULL_SCREEN = r"printf '\033[?1049h\033[5;10r\033[?25l\033[?1000h\033[31m\033(0\033[12;1Hlqk FULL'; sleep 1000"
STATE = "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{scroll_region_upper}-#{scroll_region_lower}"


class Tmux:
    """A terminal of 80 by 24 with a shell in it."""

    def __init__(self, env: dict[str, str]) -> None:
        self._socket = f"podshell-{secrets.token_hex(4)}"
        self._env = env
        self.run("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "sh")
        self.run("send-keys", "PS1='local> '; clear", "Enter")

    def run(self, *words: str) -> str:
        said = subprocess.run(["tmux", "-L", self._socket, *words], env=self._env, capture_output=True, text=True, timeout=20)
        assert said.returncode == 0, said
        return said.stdout.rstrip("\n")

    def shown(self) -> str:
        return self.run("capture-pane", "-p")

    def state(self) -> str:
        return self.run("display-message", "-p", STATE)

    def close(self) -> None:
        self.run("kill-server")


@pytest.fixture
def tmux(cluster_env: dict[str, str]) -> Iterator[Tmux]:
    terminal = Tmux(cluster_env)
    yield terminal
    terminal.close()


async def test_what_a_full_screen_program_has_set_is_undone_when_the_process_is_told_to_end(
    tmux: Tmux, cluster_env: dict[str, str]
) -> None:
    await poll_until(lambda: tmux.shown().startswith("local>"), tmux)
    tmux.run("send-keys", f"{SHELL} -n shop pods/cart-0", "Enter")
    await poll_until(lambda: tmux.shown().rstrip().endswith("#"), tmux)
    before = tmux.shown().rstrip()
    tmux.run("send-keys", "-l", FULL_SCREEN)
    tmux.run("send-keys", "Enter")
    await poll_until(lambda: tmux.state().startswith("1 0 1 4-9"), tmux)
    os.kill(program_in(tmux), signal.SIGTERM)
    await poll_until(lambda: tmux.state() == "0 1 0 0-23", tmux)
    await poll_until(lambda: tmux.shown().rstrip().splitlines()[-1] == "local>", tmux)
    lines = tmux.shown().rstrip().splitlines()
    assert "\n".join(lines).startswith(before.rsplit("\n", 1)[0])  # what was there is there again, and the cursor is below it
    tmux.run("send-keys", "echo lqk-plain", "Enter")
    await poll_until(lambda: "\nlqk-plain" in tmux.shown(), tmux)  # letters are letters
    await nothing_is_left(cluster_env)


def program_in(tmux: Tmux) -> int:
    shell = tmux.run("display-message", "-p", "#{pane_pid}")
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", shell], capture_output=True, text=True, check=True).stdout.split()
    assert len(found) == 1, found
    return int(found[0])


async def poll_until(condition: Callable[[], bool], tmux: Tmux) -> None:
    try:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{tmux.state()}\n{tmux.shown()}") from None
