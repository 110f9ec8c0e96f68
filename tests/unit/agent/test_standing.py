"""Whoever comes late is told what the others know, and nobody believes to be in another shell than they are."""

from __future__ import annotations

from agent_fakes import VirtualClock

from podshell.agent.idle_watch import IdleWatch
from podshell.agent.standing import Standing
from podshell.agent.targets import Leaving

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
