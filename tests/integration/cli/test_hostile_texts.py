"""What a cluster says cannot speak to the terminal of a command line: control characters in texts are shown, never sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import shell_process
from aiohttp import web
from cli_process import CliTerminal, run
from fake_gateway import FakeGateway

from hostile_strings import HOSTILE
from podshell.wire import messages as m
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy


def _controls(text: str) -> bool:
    return any(ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in text)


# All that could do something to a terminal, in one text.
STRINGS = [text for text in HOSTILE.values() if _controls(text) or "\u202e" in text]
TEXT = " ".join(STRINGS)
TITLE = "\\x1b]0;podshell-hostile\\x07"  # as it is to be seen


def is_plain(output: bytes) -> None:
    """Nothing in it is more than letters and line ends."""
    for line in output.decode().split("\n"):
        assert not _controls(line), repr(line)
        assert "\u202e" not in line, repr(line)


class HostileCluster:
    """An API server that puts the text wherever it may say something: refusals, its version, names and annotations of what it lists."""

    def __init__(self) -> None:
        self.refuse_lists = False
        self.url = ""

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return runner

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.path
        if path == "/version":
            return web.json_response({"major": "1", "minor": "36", "gitVersion": f"v1.36.2-{TEXT}"})
        if path.endswith(("/pods", "/jobs")) and not self.refuse_lists:
            annotations = {"podshell.dev/user": TEXT, "podshell.dev/expires": TEXT}
            metadata = {"name": TEXT, "namespace": TEXT, "uid": "1", "annotations": annotations}
            return web.json_response(
                {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [{"metadata": metadata, "spec": {"nodeName": TEXT}}]}
            )
        refusal = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": TEXT, "reason": "Forbidden", "code": 403}
        return web.json_response(refusal, status=403)


@pytest.fixture
async def cluster() -> AsyncIterator[HostileCluster]:
    made = HostileCluster()
    runner = await made.start()
    yield made
    await runner.cleanup()


@pytest.fixture
def direct(cluster: HostileCluster, tmp_path: Path) -> dict[str, str]:
    """An environment in which `kubectl shell` finds that cluster."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "hostile",
        "clusters": [{"name": "hostile", "cluster": {"server": cluster.url}}],
        "users": [{"name": "ada", "user": {"token": "a"}}],
        "contexts": [{"name": "hostile", "context": {"cluster": "hostile", "user": "ada"}}],
    }
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    return shell_process.clean_environment(kubeconfig, tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        ["doctor", "pods/web-0", "--image", "tools:1"],
        ["doctor", "pods/web-0", "--image", "tools:1", "-o", "json"],
        ["gc"],
        ["gc", "-o", "json"],
        ["gc", "--delete"],
        ["worker-1", "--image", "tools:1"],
        ["pods/web-0", "--image", "tools:1", "--", "true"],
    ],
    ids=" ".join,
)
async def test_a_cluster_cannot_speak_to_the_terminal_of_a_direct_shell(direct: dict[str, str], words: list[str]) -> None:
    _, output, errors = await shell_process.run(words, direct)
    is_plain(output)
    is_plain(errors.encode())
    said = output.decode() + errors
    if "json" in words:
        assert any(TEXT in value for line in json.loads(output) for value in line.values() if isinstance(value, str))
    else:
        assert TITLE in said


async def test_a_refused_list_is_plain_too(cluster: HostileCluster, direct: dict[str, str]) -> None:
    cluster.refuse_lists = True
    _, output, errors = await shell_process.run(["gc"], direct)
    is_plain(output)
    is_plain(errors.encode())
    assert TITLE in errors


async def test_a_gateways_refusal_is_plain(gateway: FakeGateway, env: dict[str, str]) -> None:
    gateway.refusal = Refusal(ErrorCode.FORBIDDEN_BY_KUBERNETES, RefusedBy.KUBERNETES, TEXT, TEXT, {"verb": TEXT})
    _, output, errors = await run(["web-0", "--", "true"], env)
    assert output == b""
    is_plain(errors.encode())
    assert TITLE in errors


async def test_notices_and_the_end_say_nothing_to_a_terminal_in_raw_mode(gateway: FakeGateway, env: dict[str, str]) -> None:
    refusal = Refusal(ErrorCode.FORBIDDEN_BY_KUBERNETES, RefusedBy.KUBERNETES, TEXT, TEXT)
    async with CliTerminal(["web-0"], env) as terminal:
        await gateway.until(lambda session: session.attaches > 0)
        for kind, data in (("unmanaged", {"text": TEXT}), ("target", {"text": TEXT}), ("restarting", {"cause": TEXT})):
            await gateway.notify(m.Notice(kind, data))
        await gateway.print(b"own\x1b[0m ")
        await terminal.expect(b"own\x1b[0m ")
        await gateway.end(m.End("failed", None, TEXT, TEXT, refusal, ["\x1b]0;podshell-hostile\x07"], ["\x1b]0;podshell-hostile\x07"]))
        await terminal.wait()
        seen = bytes(terminal.seen)
    assert seen.count(TITLE.encode()) >= 5
    for text in STRINGS:
        if "\x1b" in text or "\x9b" in text or "\u202e" in text:
            assert text.encode() not in seen
    for sequence in (b"\x1b]", b"\x1b[2J", b"\x1b[6n", b"\x1b[?1049h", b"\x1b[?1003h", b"\b", b"\xc2\x9b"):
        assert sequence not in seen
