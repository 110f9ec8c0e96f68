"""docs/how-to/run-the-parts.md, line by line: what it says is run as it stands, on another port."""

from __future__ import annotations

import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from up_process import COMMAND, SECONDS, clean_environment

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "run-the-parts.md"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox runs on Linux only")


@contextmanager
def running(words: list[str], folder: Path, says: str) -> Iterator[None]:
    """Run a part until the block ends; it must say that it is ready, and end by SIGINT with code 0."""
    process = subprocess.Popen([*COMMAND, *words], cwd=folder, env=clean_environment(folder), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if says in line:
                break
        assert says in lines[-1] if lines else False, (words, lines)
        yield
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0
    finally:
        process.kill()
        process.communicate()


def test_the_lines_of_the_page_work_as_they_stand(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    blocks = {kind: text.replace("8642", port) for kind, text in _BLOCK.findall(PAGE.read_text())}
    sandbox, gateway, agent, command = (shlex.split(line, comments=True)[1:] for line in blocks[""].splitlines())
    (tmp_path / "agent.yaml").write_text(blocks["yaml"])
    with ExitStack() as stack:
        stack.enter_context(running(sandbox, tmp_path, "try: "))
        stack.enter_context(running([*gateway, "--port", port], tmp_path, "sign in "))
        with running(agent, tmp_path, "agent of staging: linked"):
            assert output_of(command, tmp_path) == "Linux\n"
        # the same agent by the file; its key is known by now
        with running(["agent", "--config", "agent.yaml"], tmp_path, "agent of staging: linked"):
            assert output_of(command, tmp_path) == "Linux\n"


def output_of(words: list[str], folder: Path) -> str:
    """Run `podshell exec`; again while the pod, just made, does not run yet."""
    deadline = time.monotonic() + SECONDS
    while True:
        ended = subprocess.run(
            [*COMMAND, *words], cwd=folder, env=clean_environment(folder), capture_output=True, text=True, check=False, timeout=SECONDS
        )
        if ended.returncode == 0 or time.monotonic() > deadline:
            assert ended.returncode == 0, ended
            return ended.stdout
        time.sleep(0.2)
