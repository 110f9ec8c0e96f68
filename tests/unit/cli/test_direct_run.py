"""A direct run that fails: what is said and in which order, and that whatever the cluster answers becomes words and a code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from podshell.cli.direct_run import DirectRun, OpenedShell
from podshell.cli.failures import FAILED, REFUSED, TIMED_OUT, CommandFailed
from podshell.cli.local_terminal import Choices, LocalTerminal
from podshell.kube.classify import Failed
from podshell.kube.errors import Forbidden, KubeError, NotFound, ServerError, Unreachable
from podshell.kube.shell_receivers import ShellOwner


class Place:
    """A place whose container never comes; what happens there is written into `told`."""

    def __init__(self, error: Exception, told: list[str]) -> None:
        self._error = error
        self._told = told

    async def make(self, say: Callable[[str], None]) -> None:
        say("starting")
        raise self._error

    async def open_shell(self, owner: ShellOwner, size: tuple[int, int]) -> OpenedShell:
        raise AssertionError

    async def attach_again(self, owner: ShellOwner, size: tuple[int, int], nonce: str) -> OpenedShell | Failed:
        raise AssertionError

    async def remove(self) -> None:
        self._told.append("removed")

    def left_behind(self) -> str:
        return ""


async def run_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> tuple[CommandFailed, list[str]]:
    told: list[str] = []
    terminal = LocalTerminal(Choices(stdin=False, detach_keys=b""), tty=False)
    monkeypatch.setattr(terminal.remarks, "say", told.append)
    with pytest.raises(CommandFailed) as failed:
        await DirectRun(Place(error, told), terminal).run()
    return failed.value, told


async def test_d2_the_evidence_of_a_failed_start_is_said_before_what_shows_it_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    why = CommandFailed(TIMED_OUT, "timed out", "event: Pulling: pulling the image", "try --timeout")
    failed, told = await run_with(why, monkeypatch)
    assert told == ["starting", "timed out", "event: Pulling: pulling the image", "try --timeout", "removed"]
    assert (failed.code, failed.lines) == (TIMED_OUT, [])  # said once


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound('pods "cart-0" not found', name="cart-0"), FAILED),
        (ServerError("etcdserver: request timed out", status_code=500), FAILED),
        (Unreachable("https://192.0.2.1", "connection reset"), FAILED),
        (Forbidden('namespaces "shop" is forbidden: User "dana" cannot get resource "namespaces" in API group ""'), REFUSED),
    ],
)
async def test_whatever_the_cluster_answers_in_between_is_a_failure_in_words(
    error: KubeError, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, told = await run_with(error, monkeypatch)
    assert failed.code == code
    assert str(error).split(" (")[0] in told[1]
    assert told[-1] == "removed"
