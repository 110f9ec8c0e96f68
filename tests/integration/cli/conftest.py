from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cli_process import environment
from fake_gateway import TOKEN, FakeGateway


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    """A gateway that plays one session, on the pod web-0 of the cluster east."""
    fake = FakeGateway()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def env(gateway: FakeGateway, tmp_path: Path) -> dict[str, str]:
    """An environment in which `podshell exec` finds that gateway."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    return environment(gateway.url, token)
