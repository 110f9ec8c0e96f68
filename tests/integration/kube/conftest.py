"""A cluster for starts, a client of it, and when it got to know what (start_lab.py)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from start_lab import (
    Causes,
    content,
)

from podshell.kube.kubeconfig import load_connection
from podshell.kube.rest import Client
from podshell.sandbox import users
from podshell.sandbox.cluster import SandboxCluster
from sandbox_fixtures import MakeSandboxCluster


@pytest.fixture
async def lab(make_sandbox_cluster: MakeSandboxCluster) -> SandboxCluster:
    return await make_sandbox_cluster("lab", content=content)


@pytest.fixture
async def client(lab: SandboxCluster, tmp_path: Path) -> AsyncIterator[Client]:
    path = tmp_path / "config"
    lab.write_kubeconfig(path, users.ADMIN)
    async with Client(load_connection(files=[path], environ={})) as running:
        yield running


@pytest.fixture
def causes(lab: SandboxCluster) -> Causes:
    return Causes(lab)
