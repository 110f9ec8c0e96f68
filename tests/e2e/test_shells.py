"""What a user does in a shell, on the cluster under test."""

from __future__ import annotations

import random
import re

import pytest
from cluster_pods import IMAGE, NAMESPACE, ClusterPods
from running_podshell import CLUSTER, RunningPodshell

from podshell.wire.errors import ErrorCode
from podshell.wire.messages import Resize
from terminal_client import ApiError, TerminalClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

MEBIBYTE = 1024 * 1024


async def test_the_best_shell_of_the_image_opens_and_answers(podshell: RunningPodshell, pod: str) -> None:
    async with podshell.shell(pod) as terminal:
        await terminal.type(b'echo "shell:$0:$((40+2)):$ROLE"\n')
        await terminal.wait_for(lambda t: re.search(rb"shell:(\w+):42:main\r\n", t.output))
        found = re.search(rb"shell:(\w+):", terminal.output)
        assert found is not None
        assert found[1] in ((b"ash",) if "/busybox:" in IMAGE else (b"bash", b"zsh", b"ash", b"sh"))
        assert b"\x1e" not in terminal.output


async def test_the_exit_code_of_the_shell_is_told(podshell: RunningPodshell, pod: str) -> None:
    async with podshell.shell(pod) as terminal:
        await terminal.type(b"exit 7\n")
        end = await terminal.wait_end()
    assert (end.reason, end.exit_code, end.left, end.unkilled) == ("exited", 7, [], [])


async def test_a_resize_is_seen_by_the_program(podshell: RunningPodshell, pod: str) -> None:
    async with podshell.shell(pod, cols=101, rows=37) as terminal:
        await terminal.wait_attached()
        await terminal.send(Resize(101, 37))
        await terminal.type(b"stty size\n")
        await terminal.wait_output(b"37 101\r\n")
        await terminal.send(Resize(77, 19))
        await terminal.type(b"stty size\n")
        await terminal.wait_output(b"19 77\r\n")


async def test_of_several_containers_one_must_be_chosen(podshell: RunningPodshell, pod: str) -> None:
    with pytest.raises(ApiError) as refused:
        await podshell.api.open_session(cluster=CLUSTER, namespace=NAMESPACE, pod=pod)
    assert refused.value.status == 422
    assert refused.value.error["code"] == ErrorCode.CONTAINER_REQUIRED.value
    assert refused.value.error["details"] == {"containers": ["main", "side"]}
    async with podshell.shell(pod, "side") as terminal:
        await terminal.type(b"echo role:$ROLE:\n")
        await terminal.wait_output(b"role:side:\r\n")


async def test_utf8_survives_being_cut_anywhere(podshell: RunningPodshell, pod: str) -> None:
    text = "Grüße, 世界, 🚀 e\u0301".encode()
    async with podshell.shell(pod) as terminal:
        await terminal.type(b"stty -echo; echo rea''dy; cat\n")
        await terminal.wait_output(b"ready\r\n")
        for position in range(len(text)):
            await terminal.type(text[position : position + 1])
        await terminal.type(b"\n")
        await terminal.wait_output(text + b"\r\n")


async def test_a_mebibyte_of_random_bytes_passes_both_ways_unchanged(podshell: RunningPodshell, pod: str) -> None:
    data = random.Random(20).randbytes(MEBIBYTE)
    async with podshell.shell(pod) as terminal:
        start = await raw_mode(terminal, f"head -c {MEBIBYTE}")
        await terminal.type(data)
        await terminal.wait_for(lambda t: len(t.output) >= start + MEBIBYTE, 90)
        assert terminal.output[start : start + MEBIBYTE] == data
        assert (terminal.gaps, terminal.resets) == ([], 0)


async def raw_mode(terminal: TerminalClient, command: str) -> int:
    """Start a command on a terminal in raw mode; returns where its output begins."""
    await terminal.type(f"stty raw -echo; echo rea''dy; {command}\n".encode())
    await terminal.wait_output(b"ready\n")
    return terminal.output.index(b"ready\n") + len(b"ready\n")


async def test_a_cut_socket_loses_no_output_and_repeats_none(podshell: RunningPodshell, pod: str) -> None:
    expected = b"".join(b"%d\r\n" % number for number in range(1, 40_001))
    async with podshell.shell(pod) as terminal:
        await terminal.type(b"stty -echo; echo rea''dy; seq 1 40000; echo do''ne\n")
        for position in (40_000, 120_000):
            await terminal.wait_for(lambda t, p=position: len(t.output) > p, 60)
            terminal.drop()
        await terminal.wait_output(b"done\r\n", 60)
        assert terminal.attaches == 3
        assert (terminal.gaps, terminal.jumps, terminal.resets) == ([], [], 0)
        start = terminal.output.index(b"ready\r\n") + len(b"ready\r\n")
        assert terminal.output[start : terminal.output.rindex(b"done\r\n")] == expected


async def test_what_was_typed_into_a_cut_is_typed_once(podshell: RunningPodshell, pod: str) -> None:
    async with podshell.shell(pod) as terminal:
        await terminal.type(b"stty -echo; echo rea''dy; n=0\n")
        await terminal.wait_output(b"ready\r\n")
        for number in range(1, 6):
            terminal.drop()
            await terminal.type(b"n=$((n+1)); echo now:$n:\n")
            await terminal.wait_output(b"now:%d:\r\n" % number)
        assert terminal.attaches >= 2


async def test_an_image_without_a_shell_says_so_in_the_runtimes_words(podshell: RunningPodshell, pods: ClusterPods) -> None:
    if not pods.shellless_image:
        pytest.skip("no image without a shell is named: PODSHELL_E2E_SHELLLESS_IMAGE=...")
    pod = await pods.create(image=pods.shellless_image, idle=False)
    async with podshell.shell(pod) as terminal:
        end = await terminal.wait_end()
    assert end.reason == "failed"
    assert end.refusal is not None
    assert end.refusal.code is ErrorCode.SHELL_MISSING
    assert "no such file or directory" in end.message or "executable file not found" in end.message
    assert "debug container" in end.next_step


async def test_a_pod_that_is_not_there_is_named(podshell: RunningPodshell) -> None:
    with pytest.raises(ApiError) as refused:
        await podshell.api.open_session(cluster=CLUSTER, namespace=NAMESPACE, pod="podshell-e2e-nobody")
    assert (refused.value.status, refused.value.error["code"]) == (404, ErrorCode.NOT_FOUND.value)
    assert 'pods "podshell-e2e-nobody" not found' in str(refused.value.error["message"])
