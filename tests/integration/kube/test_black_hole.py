"""A network that vanishes without a word between a client and the API server: no FIN, no RST, and both believe in the other."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path

import pytest

from faults import cutting_proxy
from podshell.aio.clock import LoopClock
from podshell.kube import shells
from podshell.kube.access import KubernetesAccess
from podshell.kube.exec_dial import ExecTarget
from podshell.kube.exec_ends import Lost
from podshell.kube.kubeconfig import load_connection
from podshell.kube.lifeline import lifeline_command
from podshell.kube.rest import Client
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from stack import ContainerView, settled


class Screen:
    def shell_output(self, data: bytes | memoryview) -> None:
        pass

    def shell_writable(self) -> None:
        pass


async def test_a_shell_ends_while_nobody_can_say_that_its_client_is_gone(
    sandbox_cluster: SandboxCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shells, "lifeline_command", partial(lifeline_command, patience_seconds=1, silence_seconds=3))
    monkeypatch.setattr(shells, "BEAT_SECONDS", 0.5)
    path = tmp_path / "config"
    sandbox_cluster.write_kubeconfig(path, users.ADMIN)
    port = int(re.findall(r"server: \S+:([0-9]+)", path.read_text())[0])
    view = ContainerView.of(sandbox_cluster)
    before = len(view.processes())
    async with cutting_proxy(port) as proxy:
        path.write_text(path.read_text().replace(f":{port}", f":{proxy.port}"))
        async with Client(load_connection(files=[path], environ={})) as client:
            target = ExecTarget("shop", "cart-0", "cart")
            shell = shells.Shell(KubernetesAccess(client), shells.ShellPlan(target, (), tty=True), Screen(), LoopClock(), size=(80, 24))
            assert await shell.open() is None
            await asyncio.sleep(4.5)  # heard all the time
            assert len(view.processes()) > before
            proxy.freeze()
            await settled(lambda: len(view.processes()) == before, "the end of shell and lifeline")
            assert not shell.ended
            proxy.thaw()
            end = await shell.wait()
            assert isinstance(end, Lost)
            assert "heard nothing from here" in end.message
            shell.abort()
