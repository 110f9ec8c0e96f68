"""A running gateway for each test, and one with an agent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fake_agent import FakeAgent
from gateway_lab import Lab, running_lab


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory where there is one: the audit waits for the disk, and a busy disk would make every test wait."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="podshell-test-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with running_lab(tmp_path) as running:
        yield running


@pytest.fixture
async def agent(lab: Lab) -> AsyncIterator[FakeAgent]:
    async with await lab.agent() as fake:
        await fake.until(fake.linked.is_set)
        yield fake
