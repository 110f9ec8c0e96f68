"""`kubectl shell --gateway` says what is going on while its container starts, as it does without a gateway (spec/terminal.md 5)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_process import PODSHELL, CliTerminal

from podshell.agent.ceiling import ceiling_of
from podshell.sandbox.kubelet.faults import PodFault
from stack import Stack

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
PULL_SECONDS = 3.0


async def test_a_start_that_takes_its_time_explains_itself(tmp_path: Path) -> None:
    async with Stack(tmp_path, ceiling=ceiling_of(["nodeShell"])) as stack:
        stack.cluster.sandbox.node_faults.add(PodFault(pod="podshell-", pull_seconds=PULL_SECONDS))
        token = tmp_path / "token"
        token.touch(0o600)
        token.write_text(stack.token)
        env = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": "/nowhere", "PODSHELL_TOKEN_FILE": str(token)}
        words = ["shell", "--gateway", stack.url, "worker-1"]
        async with CliTerminal(words, env, program=(str(PODSHELL),)) as terminal:
            await terminal.expect(b"# ")
            before = bytes(terminal.seen).partition(b"# ")[0]
            assert b"podshell: " in before, before
