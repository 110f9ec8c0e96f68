"""What debug and node sessions may use: the ceiling decides each option, the list of images each image, before anything is made."""

from __future__ import annotations

import dataclasses

import pytest

from podshell.agent.ceiling import Action, Ceiling, ceiling_of
from podshell.agent.choices import Choices, Judged
from podshell.agent.settings import ToolsSettings
from podshell.kube.debug_options import DebugKind
from podshell.wire.errors import ErrorCode, Refusal, RefusedBy
from podshell.wire.tools import DebugRequest

DEBUG, NODE = DebugKind.DEBUG, DebugKind.NODE
TOOLS = ToolsSettings(image_repository="registry.example/tools", image_version="1.2", allowed_images=("registry.example/team/*",))
EVERYTHING = ceiling_of([action.value for action in Action])

NEEDS: list[tuple[DebugKind, DebugRequest, set[str]]] = [
    (DEBUG, DebugRequest(), {"podDebug"}),
    (DEBUG, DebugRequest(profile="net"), {"podDebug"}),
    (DEBUG, DebugRequest(target="cart"), {"podDebug"}),
    (DEBUG, DebugRequest(profile="restricted"), {"podDebug"}),
    (DEBUG, DebugRequest(capabilities=["SYS_PTRACE"]), {"podDebug", "nodePrivileged"}),
    (NODE, DebugRequest(), {"nodeShell"}),
    (NODE, DebugRequest(capabilities=["cap_net_raw", "SYS_CHROOT"]), {"nodeShell"}),
    (NODE, DebugRequest(mount_host=True), {"nodeShell", "hostMount"}),
    (NODE, DebugRequest(profile="host"), {"nodeShell", "hostMount"}),
    # unmasked runtime sockets come with it
    (NODE, DebugRequest(host_write=True), {"nodeShell", "hostMount", "hostWrite"}),
    (NODE, DebugRequest(host_pid=True), {"nodeShell", "nodePrivileged"}),
    (NODE, DebugRequest(enter=True), {"nodeShell", "nodePrivileged"}),
    (NODE, DebugRequest(capabilities=["SYS_ADMIN"]), {"nodeShell", "nodePrivileged"}),
    (NODE, DebugRequest(seccomp_unconfined=True), {"nodeShell", "nodePrivileged"}),
    (NODE, DebugRequest(apparmor_unconfined=True), {"nodeShell", "nodePrivileged"}),
    (NODE, DebugRequest(profile="systemd"), {"nodeShell", "hostMount", "nodePrivileged"}),
    (NODE, DebugRequest(profile="trace"), {"nodeShell", "hostMount", "nodePrivileged"}),
    (NODE, DebugRequest(system="windows"), {"nodeShell", "nodePrivileged"}),
]


def judged(kind: DebugKind, asked: DebugRequest, ceiling: Ceiling = EVERYTHING, settings: ToolsSettings = TOOLS) -> Judged:
    found = Choices(settings, ceiling).judge(kind, asked)
    assert isinstance(found, Judged), found
    return found


@pytest.mark.parametrize(("kind", "asked", "needs"), NEEDS)
def test_each_option_needs_its_flags_of_the_ceiling_and_no_other(kind: DebugKind, asked: DebugRequest, needs: set[str]) -> None:
    assert judged(kind, asked, ceiling_of(needs)).refusal is None
    for missing in needs:
        refusal = judged(kind, asked, ceiling_of({action.value for action in Action} - {missing})).refusal
        assert refusal is not None
        assert (refusal.code, refusal.refused_by) == (ErrorCode.FORBIDDEN_BY_CEILING, RefusedBy.CEILING)
        assert refusal.details["helm_value"] == f"actions.{missing}"


def test_every_option_of_a_request_is_in_the_table_above() -> None:
    harmless = {"image", "pull_policy", "ttl_seconds", "start_seconds"}  # the tests below
    default = DebugRequest()
    named = {name for _, asked, _ in NEEDS for name in DebugRequest.__struct_fields__ if getattr(asked, name) != getattr(default, name)}
    assert named | harmless == set(DebugRequest.__struct_fields__)


@pytest.mark.parametrize(
    ("image", "allowed"),
    [
        ("", True),
        ("registry.example/tools:1.2", True),
        ("registry.example/tools:1.3", False),
        ("registry.example/team/own:9", True),
        ("registry.example/other/own:9", False),
    ],
)
def test_an_image_must_be_the_tools_image_or_one_of_the_allowed(image: str, allowed: bool) -> None:
    found = judged(DEBUG, DebugRequest(image=image))
    assert (found.refusal is None) == allowed
    if found.refusal is not None:
        assert found.refusal.code is ErrorCode.FORBIDDEN_BY_CEILING
        assert found.refusal.details["allowed"] == ["registry.example/tools:1.2", "registry.example/team/*"]


def test_without_a_tools_image_a_session_must_name_one_and_is_told_how_to_set_it() -> None:
    refusal = Choices(ToolsSettings(), EVERYTHING).judge(NODE, DebugRequest())
    assert isinstance(refusal, Refusal)
    assert "image_repository" in refusal.next_step


def test_nothing_lives_longer_than_the_agent_allows() -> None:
    settings = dataclasses.replace(TOOLS, max_ttl_seconds=600)
    assert judged(NODE, DebugRequest(), settings=settings).options.ttl_seconds == 600
    assert judged(NODE, DebugRequest(ttl_seconds=60), settings=settings).options.ttl_seconds == 60
    refusal = Choices(settings, EVERYTHING).judge(NODE, DebugRequest(ttl_seconds=601))
    assert isinstance(refusal, Refusal)
    assert "600 s" in refusal.message


def test_what_has_no_meaning_for_the_kind_is_refused_with_every_option_named() -> None:
    refusal = Choices(TOOLS, EVERYTHING).judge(DEBUG, DebugRequest(mount_host=True, host_pid=True))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.details["option"]) == (ErrorCode.BAD_REQUEST, ["mount_host", "host_pid"])


def test_the_agents_pull_secret_is_for_its_own_namespace_only() -> None:
    settings = dataclasses.replace(TOOLS, pull_secret="registry-login", pull_policy="Always")
    assert judged(NODE, DebugRequest(), settings=settings).options.pull_secret == "registry-login"
    assert judged(DEBUG, DebugRequest(), settings=settings).options.pull_secret == ""
    assert judged(DEBUG, DebugRequest(pull_policy="Never"), settings=settings).options.pull_policy == "Never"


def test_the_time_to_start_is_the_agents_unless_asked() -> None:
    assert judged(NODE, DebugRequest()).start_seconds == TOOLS.start_seconds
    assert judged(NODE, DebugRequest(start_seconds=90)).start_seconds == 90
