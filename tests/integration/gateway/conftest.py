"""A running gateway for each test, and one with an agent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fake_agent import FakeAgent
from gateway_lab import Lab, running_lab


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with running_lab(tmp_path) as running:
        yield running


@pytest.fixture
async def agent(lab: Lab) -> AsyncIterator[FakeAgent]:
    async with await lab.agent() as fake:
        await fake.until(fake.linked.is_set)
        yield fake
