import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from cli_process import environment
from fake_gateway import TOKEN, FakeGateway
from shell_process import SHELL, clean_environment


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


@pytest.fixture(scope="session")
def cluster_env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A sandbox cluster of its own process, shared by all tests of this folder, and an environment in which `kubectl shell` finds it."""
    home = tmp_path_factory.mktemp("cluster")
    kubeconfig = home / "kubeconfig"
    words = [sys.executable, "-m", "podshell.launch.main", "sandbox", "--kubeconfig-out", str(kubeconfig)]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            said = b""
            while b"try:" not in said:
                line = process.stdout.readline()  # pytest-timeout bounds it
                assert line, f"the sandbox ended: {said!r}"
                said += line
            env = {**clean_environment(kubeconfig, home), "PODSHELL_IMAGE_REPO": "tools", "PODSHELL_IMAGE_VERSION": "1"}
            wait = ["wait", "-n", "shop", "pod/cart-0", "--for=condition=Ready", "--timeout=60s"]
            subprocess.run([str(SHELL.with_name("kubectl")), *wait], env=env, check=True, stdout=subprocess.DEVNULL)
            yield env
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
