"""The defects D1 to D13 that a reading of `kubectl retina shell` found (retina-shell.md 1.6): each is shown not to be here."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from cli_process import CliTerminal
from shell_process import SHELL, kubectl, names_of_ours, nothing_is_left, run
from test_exec_in_a_terminal import poll

from faults import cutting_proxy

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="pods of nodes want isolated containers")
PROGRAM = (str(SHELL),)
NODE = ["worker-1"]
POD = ["-n", "shop", "pods/cart-0"]
NEVER = ["--image", "nope.example/tools:missing"]


def api_port(env: dict[str, str]) -> int:
    config = yaml.safe_load(Path(env["KUBECONFIG"]).read_text())
    port = urlsplit(config["clusters"][0]["cluster"]["server"]).port
    assert port is not None
    return port


async def manifest(env: dict[str, str], *words: str) -> dict[str, object]:
    code, output, errors = await run([*words, "--dry-run", "-o", "json"], env)
    assert code == 0, errors
    found: dict[str, object] = json.loads(output)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_d1_no_pod_is_left_by_a_signal_at_any_moment(cluster_env: dict[str, str], number: signal.Signals) -> None:
    """The moments go from before the first request to after the first prompt, whatever the machine's speed makes of each."""
    for moment in (b"", b"Starting host networking pod", b"# "):
        async with CliTerminal(NODE, cluster_env, program=PROGRAM) as terminal:
            if moment:
                await terminal.expect(moment)
            terminal.process.send_signal(number)
            await terminal.wait()
            assert terminal.is_restored
        await nothing_is_left(cluster_env)


async def test_d1_what_is_there_can_be_found_by_its_label_and_has_a_deadline(cluster_env: dict[str, str]) -> None:
    async with CliTerminal(NODE, cluster_env, program=PROGRAM) as terminal:
        await poll(lambda: terminal.is_raw)
        (name,) = await names_of_ours(cluster_env)
        pod = json.loads(await kubectl(cluster_env, "get", "pod", name, "-o", "json"))
        assert pod["spec"]["activeDeadlineSeconds"] == 4 * 3600
        assert pod["metadata"]["labels"]["podshell.dev/session"]
        _, listed, _ = await run(["gc"], cluster_env)
        assert name.encode() in listed
        code, _, _ = await run(["gc", "--delete"], cluster_env)
        assert code == 0
        assert await terminal.wait() in (125, 137)  # its container is gone: lost, or its end was still told
        assert terminal.is_restored
    await nothing_is_left(cluster_env)


async def test_d2_a_pod_that_did_not_start_can_be_kept(cluster_env: dict[str, str]) -> None:
    code, _, errors = await run([*NODE, *NEVER, "--keep-on-failure", "--", "true"], cluster_env)
    assert code == 125
    (name,) = await names_of_ours(cluster_env)
    assert name in errors
    await run(["gc", "--delete"], cluster_env)
    await nothing_is_left(cluster_env)


async def test_d3_an_image_that_cannot_be_pulled_ends_it_at_once_with_the_reason(cluster_env: dict[str, str]) -> None:
    begin = time.monotonic()
    code, _, errors = await run([*NODE, *NEVER, "--timeout", "10m", "--", "true"], cluster_env)
    assert time.monotonic() - begin < 60
    assert code == 125
    assert "image nope.example/tools:missing: " in errors
    assert "event: " in errors
    assert "--image-repo" in errors


@pytest.mark.parametrize("flag", ["-m", "-w", "--host-pid", "--seccomp-unconfined", "--apparmor-unconfined", "--enter"])
async def test_d4_a_flag_for_nodes_is_an_error_on_a_pod(cluster_env: dict[str, str], flag: str) -> None:
    code, _, errors = await run([*POD, flag], cluster_env)
    assert code == 2
    assert "has no meaning for a pod" in errors


async def test_d5_everything_of_the_host_is_read_only_unless_asked_otherwise(cluster_env: dict[str, str]) -> None:
    for words in (["-m"], ["--profile", "host"], ["--profile", "systemd"], ["--profile", "trace"]):
        spec = (await manifest(cluster_env, *NODE, *words))["spec"]
        assert isinstance(spec, dict)
        host = {volume["name"] for volume in spec["volumes"] if volume.get("hostPath", {}).get("type") == "Directory"}
        mounts = [mount for mount in spec["containers"][0]["volumeMounts"] if mount["name"] in host]
        assert mounts
        assert all(mount["readOnly"] and mount["recursiveReadOnly"] == "IfPossible" for mount in mounts)


async def test_d6_a_pod_that_forbids_root_gets_a_shell_that_is_not_root(cluster_env: dict[str, str]) -> None:
    made = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "no-root", "namespace": "default"},
        "spec": {
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1000}, "nodeName": "worker-1", "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "app", "image": "busybox", "command": ["sleep", "1000"]}],
        },
    }  # fmt: skip
    code, _, errors = await run(["apply", "-f", "-"], cluster_env, program=SHELL.with_name("kubectl"), stdin=yaml.safe_dump(made).encode())
    assert code == 0, errors
    await kubectl(cluster_env, "wait", "--for=condition=Ready", "pod/no-root", "--timeout=30s")
    code, output, errors = await run(["pods/no-root", "--", "id", "-u"], cluster_env)
    assert code == 0, errors
    assert output.strip() not in (b"", b"0")


async def test_d7_pod_security_is_read_first_and_explained(cluster_env: dict[str, str]) -> None:
    code, _, errors = await run(["-n", "shop", *NODE], cluster_env)
    assert code == 126
    assert "Pod Security level baseline" in errors
    assert "pod-security.kubernetes.io/enforce=privileged" in errors
    assert "Starting" not in errors


async def test_d8_a_target_shows_the_processes_of_its_container(cluster_env: dict[str, str]) -> None:
    code, output, errors = await run([*POD, "--target", "cart", "--", "sh", "-c", "cat /proc/1/cmdline; echo; echo $$"], cluster_env)
    assert code == 0, errors
    assert b"podshell-waiter" not in output.splitlines()[0]
    assert output.splitlines()[0] != b""
    code, _, errors = await run([*POD, "--target", "nope"], cluster_env)
    assert code == 125
    assert "choose one with --target: cart" in errors


async def test_d9_a_debug_container_of_ours_is_used_again(cluster_env: dict[str, str]) -> None:
    for _ in range(2):
        code, _, errors = await run([*POD, "--", "true"], cluster_env)
        assert code == 0
    assert "again" in errors


@pytest.mark.skipif(shutil.which("dtach") is None, reason="the sandbox's tools image takes dtach from this machine")
@pytest.mark.parametrize("target", [NODE, POD], ids=["node", "pod"])
async def test_d10_a_lost_connection_is_not_the_end_of_the_shell(cluster_env: dict[str, str], target: list[str]) -> None:
    """The shell's state is there again, its exit code is told, and nothing stays behind."""
    async with cutting_proxy(api_port(cluster_env)) as proxy:
        words = [*target, "--server", f"https://127.0.0.1:{proxy.port}"]
        async with CliTerminal(words, cluster_env, program=PROGRAM) as terminal:
            await poll(lambda: terminal.is_raw)
            terminal.type(b"export X=kept; echo re''ady\r")
            await terminal.expect(b"ready\r\n")
            for number in (b"1", b"2"):
                terminal.seen.clear()
                assert proxy.cut() > 0
                await terminal.expect(b"attaching to the shell again")
                terminal.type(b"echo $X-again-" + number + b"\r")  # kept for the shell, where it is not there yet
                await terminal.expect(b"attached again")
                await terminal.expect(b"kept-again-" + number)
            terminal.type(b"exit 4\r")
            assert await terminal.wait() == 4
            assert terminal.is_restored
    await nothing_is_left(cluster_env)


async def test_d10_a_command_whose_connection_is_lost_is_not_run_a_second_time(cluster_env: dict[str, str]) -> None:
    """A plain command is held by nobody: it ends with its connection, and that is said."""
    async with cutting_proxy(api_port(cluster_env)) as proxy:
        words = [*NODE, "--server", f"https://127.0.0.1:{proxy.port}", "--", "sh", "-c", "echo started; sleep 1000"]
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, *words, env=cluster_env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"started\n"
            proxy.cut()
            output, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert (process.returncode, output) == (125, b"")
    assert b"the shell was lost" in errors
    await nothing_is_left(cluster_env)


async def test_d11_the_first_thing_to_be_seen_is_the_prompt(cluster_env: dict[str, str]) -> None:
    code, output, _ = await run([*NODE, "--", "sh", "-c", "echo only this"], cluster_env)
    assert (code, output) == (0, b"only this\n")


async def test_d12_no_service_account_token_is_in_the_pod(cluster_env: dict[str, str]) -> None:
    spec = (await manifest(cluster_env, *NODE))["spec"]
    assert isinstance(spec, dict)
    assert spec["automountServiceAccountToken"] is False
    code, _, _ = await run([*NODE, "--", "ls", "/var/run/secrets/kubernetes.io/serviceaccount/token"], cluster_env)
    assert code != 0


@pytest.mark.parametrize("words", [["--help"], ["node1", "node2"], ["--no-such-flag"]])
async def test_d13_help_and_usage_errors_need_no_kubeconfig_and_come_once(cluster_env: dict[str, str], words: list[str]) -> None:
    code, output, errors = await run(words, {**cluster_env, "KUBECONFIG": "/nowhere"})
    assert code == (0 if words == ["--help"] else 2)
    assert "kubeconfig" not in errors
    said = [line for line in errors.splitlines() if line]
    assert len(said) == len(set(said))
    assert (b"Usage:" in output) == (words == ["--help"])


async def test_the_exit_code_is_the_remote_one_and_texts_go_to_standard_error(cluster_env: dict[str, str]) -> None:
    results = await asyncio.gather(*(run([*POD, "--", "sh", "-c", f"exit {code}"], cluster_env) for code in (0, 1, 42)))
    assert [(code, output) for code, output, _ in results] == [(0, b""), (1, b""), (42, b"")]
