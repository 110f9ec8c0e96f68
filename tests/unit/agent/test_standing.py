"""Whoever comes late is told what the others know, and nobody believes to be in another shell than they are."""

from __future__ import annotations

import pytest
from agent_fakes import VirtualClock

from podshell.agent.idle_watch import IdleWatch
from podshell.agent.standing import Standing
from podshell.agent.targets import Leaving
from podshell.wire.tools import MadeContainer

IDLE = IdleWatch(0.0, VirtualClock(), lambda step: None)


def kinds(standing: Standing, state: str) -> list[str]:
    return [notice.kind for notice in standing.greeting(state, IDLE)]


def test_a_first_shell_is_no_news_and_a_following_one_is() -> None:
    standing = Standing("connecting", 1)
    assert standing.started(1, 0, again=False, resumed=False) is None
    standing.restarting("the node was away", held=False)
    told = standing.started(2, 700, again=True, resumed=False)
    assert told is not None
    assert (told.kind, told.data) == ("restarted", {"incarnation": 2, "cause": "the node was away", "offset": 700})


def test_a_held_shell_that_was_found_again_is_told_as_the_same_also_by_an_agent_that_follows() -> None:
    standing = Standing("connecting", 1)
    told = standing.started(1, 0, again=False, resumed=True)
    assert told is not None
    assert told.kind == "resumed"
    lost = standing.restarting("the API server was restarted", held=True)
    assert (lost.kind, lost.data["held"]) == ("restarting", True)
    assert standing.greeting("restarting", IDLE) == [lost]


def test_whoever_attached_while_a_held_shell_was_looked_for_is_told_when_it_is_gone() -> None:
    """Their attach said incarnation 1, for that is what was hoped for."""
    told = Standing("connecting", 1).started(2, 0, again=False, resumed=False)
    assert told is not None
    assert (told.kind, told.data["incarnation"]) == ("restarted", 2)


def test_late_comers_are_greeted_with_what_holds_now() -> None:
    standing = Standing("connecting to cart in cart-0", 1)
    assert kinds(standing, "opening") == ["progress"]
    assert kinds(standing, "running") == []
    standing.paused = True
    standing.leave(Leaving("the pod is being deleted"))
    standing.run_unmanaged(windows=False)
    assert kinds(standing, "running") == ["reading_paused", "target", "unmanaged"]


def test_a_shell_that_nothing_holds_is_told_once_and_to_late_comers() -> None:
    standing = Standing("connecting to cart in cart-0", 1)
    told = standing.run_unheld()
    assert told is not None
    assert "no dtach" in str(told.data["text"])
    assert standing.run_unheld() is None
    assert kinds(standing, "running") == ["unheld"]


def made(*mounts: str, image_id: str = "sha256:1") -> MadeContainer:
    return MadeContainer("job", "podshell", "p", "u1", "shell", image_id=image_id, mounts=list(mounts))


@pytest.mark.parametrize(
    ("mounts", "kind", "words"),
    [
        (["/:ro"], "mounts", ["/host: read-only, with all that is mounted below it"]),
        (["/:ro-shallow"], "target", ["/host: read-only at the top only"]),
        (["/:ro", "/sys/fs/bpf:ro-shallow"], "target", ["/sys/fs/bpf: read-only at the top only", "/host: read-only, with all"]),
        (["/:ro", "sockets:unmasked"], "target", ["/host: read-only, with all", "not masked: its runtime is unknown"]),
        (["/:ro", "sockets:partly-masked"], "target", ["not all runtime sockets"]),
    ],
)
def test_how_the_nodes_files_are_mounted_is_told_once_and_again_to_late_comers(mounts: list[str], kind: str, words: list[str]) -> None:
    standing = Standing("connecting", 1)
    told = standing.made(made(*mounts))
    assert told is not None
    assert told.kind == kind
    assert all(word in str(told.data["text"]) for word in words)
    assert standing.made(made(*mounts)) is None
    assert standing.greeting("running", IDLE) == [told]


def test_before_the_node_has_said_it_nothing_is_said_of_mounts_and_never_where_there_are_none() -> None:
    assert Standing("connecting", 1).made(made("/:ro", image_id="")) is None
    assert Standing("connecting", 1).made(made("/:rw")) is None
    assert Standing("connecting", 1).made(made()) is None
