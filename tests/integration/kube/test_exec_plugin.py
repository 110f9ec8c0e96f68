"""Credential plugins: real processes, small Python scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from podshell.kube.errors import KubeconfigError
from podshell.kube.exec_plugin import ExecPlugin, PluginCall

V1, V1BETA1 = "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"
START = datetime(2026, 1, 1, tzinfo=UTC)

Make = Callable[..., ExecPlugin]


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def make(tmp_path: Path, counter: Path) -> Make:
    """Make a plugin that prints `printed`, exits with `code`, and writes down its environment at each call."""

    def make(
        printed: object, *, code: int = 0, now: Callable[[], datetime] = lambda: START, terminal: bool = False, **call: Any
    ) -> ExecPlugin:
        script = tmp_path / "plugin.py"
        text = printed if isinstance(printed, str) else json.dumps(printed)
        script.write_text(
            "import os, sys\n"
            f"open({str(counter)!r}, 'a').write(os.environ['KUBERNETES_EXEC_INFO'] + '\\n')\n"
            "print('plugin says no', file=sys.stderr)\n"
            f"print({text!r}.replace('$EXTRA', os.environ.get('EXTRA', '')))\n"
            f"sys.exit({code})\n"
        )
        options = {"api_version": V1, "command": sys.executable, "args": ["-S", str(script)], "origin": "/x/config", **call}
        return ExecPlugin(PluginCall(**options), None, terminal=terminal, now=now)

    return make


def credential(version: str = V1, **status: object) -> dict[str, object]:
    return {"apiVersion": version, "kind": "ExecCredential", "status": status}


def calls(counter: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in counter.read_text().splitlines()]


@pytest.mark.parametrize("version", [V1, V1BETA1])
async def test_a_token_is_used_until_it_expires(make: Make, counter: Path, version: str) -> None:
    now = START
    end = (START + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    plugin = make(credential(version, token="t", expirationTimestamp=end), api_version=version, now=lambda: now)
    for _ in range(3):
        assert await plugin.headers() == {"Authorization": "Bearer t"}
    assert len(calls(counter)) == 1
    now = START + timedelta(hours=1)
    await plugin.headers()
    assert len(calls(counter)) == 2


async def test_a_token_without_an_end_is_kept_until_a_401(make: Make, counter: Path) -> None:
    plugin = make(credential(token="t"))
    await plugin.headers()
    await plugin.headers()
    plugin.invalidate()
    await plugin.headers()
    assert len(calls(counter)) == 2


async def test_the_plugin_is_told_what_it_is_for(make: Make, counter: Path) -> None:
    plugin = make(credential(token="$EXTRA"), env={"EXTRA": "from-env"}, cluster={"server": "https://s", "config": {"a": 1}})
    assert await plugin.headers() == {"Authorization": "Bearer from-env"}
    assert calls(counter) == [
        {"apiVersion": V1, "kind": "ExecCredential", "spec": {"interactive": False, "cluster": {"server": "https://s", "config": {"a": 1}}}}
    ]


async def test_a_plugin_that_must_ask_is_not_run_without_a_terminal(make: Make, counter: Path) -> None:
    plugin = make(credential(token="t"), interactive_mode="Always")
    with pytest.raises(KubeconfigError, match="wants to ask on a terminal"):
        await plugin.headers()
    assert not counter.exists()


async def test_never_is_never_interactive(make: Make, counter: Path) -> None:
    await make(credential(token="t"), interactive_mode="Never", terminal=True).headers()
    assert calls(counter)[0]["spec"] == {"interactive": False}


@pytest.mark.parametrize(
    ("printed", "code", "text"),
    [
        ("", 3, "ended with code 3 and said: plugin says no"),
        ("not json", 0, "printed no ExecCredential"),
        (credential(V1BETA1, token="t"), 0, "asked was for client.authentication.k8s.io/v1"),
        (credential(), 0, "printed neither a token"),
        (credential(clientCertificateData="x"), 0, "only one of client certificate and key"),
    ],
)
async def test_what_goes_wrong_is_one_sentence(make: Make, printed: object, code: int, text: str) -> None:
    with pytest.raises(KubeconfigError) as error:
        await make(printed, code=code).headers()
    assert text in str(error.value)
    assert "/x/config" in str(error.value)
    assert "\n" not in str(error.value)


async def test_a_missing_plugin_is_named_with_its_hint(make: Make) -> None:
    plugin = make("", command="/does/not/exist", install_hint="apt install it")
    with pytest.raises(KubeconfigError, match=r"'/does/not/exist' of /x/config: No such file or directory; install it \(apt install it\)"):
        await plugin.headers()
