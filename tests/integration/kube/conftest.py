"""A cluster for starts, a client of it, and when it got to know what (start_lab.py); the shells that our scripts run in."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from start_lab import Causes, content

sys.path.insert(0, str(Path(__file__).parents[1] / "agent"))
from local_shells import SHELLS, shell_path

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


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return each of the shells in turn that a container may have as its sh."""
    (tmp_path / "bin").mkdir()
    return shell_path(str(request.param), tmp_path / "bin")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "run").mkdir()
    return str(tmp_path / "run")
