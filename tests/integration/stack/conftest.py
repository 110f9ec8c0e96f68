"""Fixtures of the acceptance tests of the whole stack."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from stack import MakeStack, Stack
from warm_parent import WarmParent


@pytest.fixture(scope="session")
def warm_parent() -> Iterator[WarmParent]:
    """Where processes of a stack come from."""
    with WarmParent() as parent:
        yield parent


@pytest.fixture
async def make_stack(tmp_path: Path, warm_parent: WarmParent) -> AsyncIterator[MakeStack]:
    """Start a stack: `await make_stack(gateway_process=True)`; see `stack.Pieces`."""
    async with AsyncExitStack() as exits:

        async def make(**pieces: object) -> Stack:
            return await exits.enter_async_context(Stack(tmp_path, warm_parent, **pieces))

        yield make


@pytest.fixture(autouse=True)
def _needs_linux() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("the sandbox runs on Linux only")
