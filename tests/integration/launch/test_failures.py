"""What cannot work ends with one sentence and code 2: no traceback, nothing left running."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from up_process import COMMAND, SECONDS, clean_environment

from podshell.launch.main import podshell

UNREACHABLE = """
apiVersion: v1
kind: Config
current-context: away
contexts: [{name: away, context: {cluster: away, user: someone}}]
clusters: [{name: away, cluster: {server: "https://127.0.0.1:PORT"}}]
users: [{name: someone, user: {token: "t"}}]
"""


@dataclass
class Scene:
    """A user's machine: an empty home, a taken port, a kubeconfig whose server is away."""

    home: Path
    taken: int
    away: Path

    def failed(self, *arguments: str) -> str:
        """Run the program and return what it says after its name."""
        result = CliRunner().invoke(podshell, arguments)
        assert isinstance(result.exception, SystemExit), result.output
        assert result.exit_code == 2, result.output
        said = result.stderr.removesuffix("\n")
        assert "\n" not in said, said
        start = f"podshell {arguments[0]}: "
        assert said.startswith(start), said
        return said.removeprefix(start)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    home = tmp_path / "home"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith(("PODSHELL_", "XDG_", "KUBE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        away = tmp_path / "away.yaml"
        away.write_text(UNREACHABLE.replace("PORT", str(free.getsockname()[1])))
        yield Scene(home, taken.getsockname()[1], away)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# -- up --------------------------------------------------------------------------------------------------------------------


def test_up_with_a_server_that_does_not_answer_names_it_and_the_sandbox(scene: Scene) -> None:
    said = scene.failed("up", "--kubeconfig", str(scene.away))
    assert said.startswith("the cluster of context away (https://127.0.0.1:")
    assert "does not answer" in said
    assert "--sandbox starts the built-in clusters instead" in said


def test_up_with_the_current_kubeconfig_of_the_home_does_not_fall_back_to_the_sandbox(scene: Scene) -> None:
    (scene.home / ".kube").mkdir()
    write(scene.home / ".kube" / "config", scene.away.read_text())
    assert "does not answer" in scene.failed("up")


def test_up_with_a_file_that_is_not_there(scene: Scene) -> None:
    said = scene.failed("up", "--kubeconfig", "nowhere.yaml")
    assert said.startswith("there is no file nowhere.yaml")
    assert "--sandbox" in said


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("clusters: [", "is not YAML"),
        (b"\xff\xfe\x00", "is not text"),
        ("[1, 2]", "is not one"),
        ("clusters: 7", "is not one"),
        ("", "has no current context"),
    ],
)
def test_a_kubeconfig_that_is_none(scene: Scene, content: str | bytes, why: str) -> None:
    path = write(scene.home / "config", content)
    for arguments in (
        ("up", "--kubeconfig", str(path)),
        ("agent", "--kubeconfig", str(path), "--cluster", "c", "--gateway-urls", "http://127.0.0.1:1"),
    ):
        said = scene.failed(*arguments)
        assert f"{path} {why}" in said
        assert ("--sandbox" in said) == (arguments[0] == "up")


def test_a_kubeconfig_that_cannot_be_read(scene: Scene) -> None:
    # a folder: nobody can read it as a file, not even root
    said = scene.failed("up", "--kubeconfig", str(scene.home))
    assert said.startswith(f"cannot read the kubeconfig {scene.home} (Is a directory)")
    said = scene.failed("agent", "--kubeconfig", str(scene.home), "--cluster", "c", "--gateway-urls", "http://127.0.0.1:1")
    assert said.startswith(f"cannot read the kubeconfig {scene.home} (Is a directory)")


def test_an_unknown_context_is_named_with_those_that_exist(scene: Scene) -> None:
    for arguments in (("up",), ("agent", "--cluster", "c", "--gateway-urls", "http://127.0.0.1:1")):
        said = scene.failed(*arguments, "--kubeconfig", str(scene.away), "--context", "nope")
        assert "has no context 'nope' (there is: 'away')" in said


def test_up_with_a_context_and_no_kubeconfig_does_not_start_the_sandbox_in_its_place(scene: Scene) -> None:
    said = scene.failed("up", "--context", "staging")
    assert said.startswith("there is no kubeconfig")
    assert "--sandbox" in said


def test_an_unknown_word_of_the_ceiling(scene: Scene) -> None:
    said = scene.failed("up", "--allow", "podExec,podexec")
    assert said.startswith("--allow does not know podexec; it knows podExec, basic, ")


@pytest.mark.parametrize("part", ["up", "gateway", "agent", "sandbox"])
def test_a_bad_configuration_file(scene: Scene, part: str) -> None:
    broken = write(scene.home / "broken.yaml", "port: [\n")
    assert scene.failed(part, "--config", str(broken)).startswith(f"the configuration file {broken} is not YAML")
    strange = write(scene.home / "strange.yaml", "colour: red\n")
    assert scene.failed(part, "--config", str(strange)).startswith(f"{strange}: unknown option colour; known are ")
    assert scene.failed(part, "--config", "nowhere.yaml").startswith("cannot read the configuration file nowhere.yaml: No such file")
    listed = write(scene.home / "listed.yaml", "- port\n")
    assert "must be a mapping" in scene.failed(part, "--config", str(listed))


@pytest.mark.parametrize("part", ["up", "gateway", "sandbox"])
def test_a_value_that_is_none(scene: Scene, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PODSHELL_{part.upper()}_PORT", "many")
    assert scene.failed(part) == f"the environment variable PODSHELL_{part.upper()}_PORT: 'many' is not a whole number"


# -- gateway ---------------------------------------------------------------------------------------------------------------


def test_the_gateways_port_is_taken(scene: Scene) -> None:
    assert (
        scene.failed("gateway", "--port", str(scene.taken)) == f"port {scene.taken} is taken; choose another one with --port, or 0 for any"
    )


def test_the_gateways_port_is_no_port(scene: Scene) -> None:
    assert scene.failed("gateway", "--port", "70000").startswith("port 70000 is none")


def test_the_gateways_address_is_not_of_this_machine(scene: Scene) -> None:
    assert scene.failed("gateway", "--host", "192.0.2.7", "--port", "0").startswith("cannot listen at 192.0.2.7 port 0 (")


def test_the_gateways_state_folder_is_a_file(scene: Scene) -> None:
    path = write(scene.home / "state", "")
    assert str(path) in scene.failed("gateway", "--port", "0", "--state-dir", str(path))


def test_the_gateways_database_is_none(scene: Scene) -> None:
    state = scene.home / "state"
    state.mkdir()
    from podshell.gateway.settings import GatewaySettings

    path = write(GatewaySettings(state_dir=state).database_path, "x" * 5000)
    said = scene.failed("gateway", "--port", "0", "--state-dir", str(state))
    assert said.startswith(f"the database {path} cannot be used (file is not a database)")


def test_the_gateways_key_can_be_read_by_others(scene: Scene) -> None:
    state = scene.home / "state"
    state.mkdir()
    from podshell.gateway.settings import GatewaySettings

    path = write(GatewaySettings(state_dir=state).grant_key_path, b"k" * 32)
    path.chmod(0o644)
    assert scene.failed("gateway", "--port", "0", "--state-dir", str(state)).startswith(f"{path} can be read by others: run chmod 600")


def test_an_origin_that_is_none(scene: Scene) -> None:
    said = scene.failed("gateway", "--port", "0", "--state-dir", "state", "--allowed-origins", "shells.example.org")
    assert said.startswith("'shells.example.org' is not an origin")


def test_a_token_file_that_cannot_be_written(scene: Scene) -> None:
    blocked = write(scene.home / "file", "")
    arguments = ("gateway", "--port", "0", "--state-dir", "state")
    assert str(blocked) in scene.failed(*arguments, "--cli-token-file", str(blocked / "token"))
    assert "nowhere" in scene.failed(*arguments, "--enrol", "staging=nowhere/token")
    assert scene.failed(*arguments, "--enrol", "staging") == "--enrol 'staging' is not of the form CLUSTER=FILE"


# -- agent -----------------------------------------------------------------------------------------------------------------


def test_an_agent_without_gateway_or_name(scene: Scene) -> None:
    assert scene.failed("agent") == "--gateway-urls is needed"
    assert scene.failed("agent", "--gateway-urls", "http://127.0.0.1:1") == "--cluster is needed"


def test_an_agents_gateway_address_that_is_none(scene: Scene) -> None:
    said = scene.failed("agent", "--gateway-urls", "ftp://x", "--cluster", "c", "--kubeconfig", str(scene.away))
    assert "ftp://x" in said


def test_an_agents_certificates_that_cannot_be_read(scene: Scene) -> None:
    arguments = ("agent", "--gateway-urls", "https://127.0.0.1:1", "--cluster", "c", "--kubeconfig", str(scene.away))
    assert "nowhere.pem" in scene.failed(*arguments, "--gateway-ca-file", "nowhere.pem")
    broken = write(scene.home / "broken.pem", "no certificate")
    assert str(broken) in scene.failed(*arguments, "--gateway-ca-file", str(broken))


def test_an_agents_state_folder_is_a_file(scene: Scene) -> None:
    path = write(scene.home / "state", "")
    said = scene.failed(
        "agent", "--gateway-urls", "http://127.0.0.1:1", "--cluster", "c", "--kubeconfig", str(scene.away), "--state-dir", str(path)
    )
    assert str(path) in said


# -- sandbox ---------------------------------------------------------------------------------------------------------------


def test_the_sandboxs_port_is_taken_or_no_port(scene: Scene) -> None:
    said = scene.failed("sandbox", "--port", str(scene.taken))
    assert said == f"port {scene.taken} is taken; choose another one with --port, or 0 for any"
    assert scene.failed("sandbox", "--port", "70000").startswith("port 70000 is none")


def test_the_sandboxs_folder_is_a_file(scene: Scene) -> None:
    path = write(scene.home / "file", "")
    assert "cannot start the cluster demo-east" in scene.failed("sandbox", "--folder", str(path))


# -- as a process ----------------------------------------------------------------------------------------------------------


def test_ups_port_is_taken_seen_from_outside(scene: Scene) -> None:
    ended = subprocess.run(
        [*COMMAND, "up", "--sandbox", "--no-browser", "--port", str(scene.taken)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=clean_environment(scene.home),
    )
    assert ended.returncode == 2
    assert ended.stderr == f"podshell up: port {scene.taken} is taken; choose another one with --port, or 0 for any\n"
