"""Two users at one pod: with shared processes the second one is refused, and nobody is put into the other's container."""

from __future__ import annotations

from typing import Any, cast

from agent_fakes import VirtualClock

from podshell.agent.ceiling import Ceiling
from podshell.agent.settings import ToolsSettings
from podshell.agent.sites import Place, Site
from podshell.agent.tools import Tools
from podshell.kube.debug_options import DebugKind, ResolvedOptions
from podshell.wire.calls import OpenSession
from podshell.wire.errors import ErrorCode
from podshell.wire.tools import DebugRequest

PLACE = Place(DebugKind.DEBUG, "shop", "cart-0")


def tools(*neighbours: tuple[OpenSession, str]) -> Tools:
    client = cast("Any", None)  # nothing is read here
    return Tools(client, VirtualClock(), ToolsSettings(), Ceiling(), "agent-1", lambda namespace, pod: list(neighbours))


def session_of(user: str, target: str = "") -> tuple[OpenSession, str]:
    opening = OpenSession("s1", "debug", "shop", "cart-0", user, debug=DebugRequest(target=target))
    return opening, "podshell-abcde"


def site(target: str = "") -> Site:
    return Site(PLACE, ResolvedOptions(DebugKind.DEBUG, "tools:1", target=target), "")


def test_a_second_user_with_a_target_is_refused_and_told_who_is_there() -> None:
    refusal = tools(session_of("ada", "cart"))._conflict(site("exporter"), "eve")
    assert refusal is not None
    assert (refusal.code, refusal.details["user"]) == (ErrorCode.CONFLICT, "ada")


def test_the_same_user_and_sessions_without_a_target_are_no_conflict() -> None:
    assert tools(session_of("ada", "cart"))._conflict(site("cart"), "ada") is None
    assert tools(session_of("ada"))._conflict(site("cart"), "eve") is None
    assert tools(session_of("ada", "cart"))._conflict(site(), "eve") is None


def test_a_container_with_another_users_session_is_not_used_again() -> None:
    assert not tools(session_of("ada"))._is_free(site(), "podshell-abcde", "eve")
    assert tools(session_of("ada"))._is_free(site(), "podshell-abcde", "ada")
    assert tools(session_of("ada"))._is_free(site(), "podshell-other", "eve")
